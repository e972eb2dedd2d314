// The machine itself, in node: what was sent to it, and what is restored.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { options, started } from './real.mjs';

let machine, output, look = () => {};

// All that the first terminal prints, up to the prompt after this.
function printed(text) {
  const whole = new RegExp(`${text}\\s+\\x010\\x02`);
  return new Promise(done => {
    look = () => { if (whole.test(output)) done(output); };
    look();
  });
}

before(async () => {
  if (options.skip) return;
  machine = await started();
  machine.onframe = (kind, terminal, data) => {
    if (kind === 'o') output += new TextDecoder().decode(data);
    look();
  };
});

after(() => machine?.stop());

test('what was typed before all was restored is typed nowhere', options, async () => {
  machine.send('I', 1, 'echo strange\n');
  await machine.restore(machine.first);
  output = '';
  machine.send('I', 1, 'echo own\n');
  assert.doesNotMatch(await printed('own'), /strange/);
});

test('what was typed before all was saved comes with it, and once', options, async () => {
  await machine.stop();
  machine.send('I', 1, 'echo own\n');
  const saved = await machine.save();
  for (let times = 0; times < 2; times++) {
    output = '';
    await machine.restore(saved);
    machine.send('I', 1, 'echo $((6 * 7))\n');
    assert.equal((await printed('42')).match(/own/g)?.length, 1);
  }
});

test('the clock goes on, though something was sent when all was about to be restored', options, async () => {
  await machine.run();
  const restored = machine.restore(machine.first);
  machine.send('I', 1, 'echo strange\n');
  await restored;
  output = '';
  machine.send('I', 1, 'echo own\n');
  assert.doesNotMatch(await printed('own'), /strange/);
  assert.ok((await machine.save()).clock > machine.first.clock);
});
