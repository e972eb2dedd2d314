// The machine itself, in node: what was sent to it, and what is restored.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Machine } from '../../stage/guest/player/machine.js';

const place = new URL('../../build/machine/', import.meta.url), v86 = new URL('node_modules/v86/build/', place);
// After make machine; the bound is no pause: later than that, what is waited for is held not to come.
const options = { skip: !existsSync(new URL('state.json', place)), timeout: 60_000 };
let machine, output;

// All that the first terminal prints, up to the prompt after this.
async function printed(text) {
  const whole = new RegExp(`${text}\\s+\\x010\\x02`);
  for (let looks = 0; looks < 1000 && !whole.test(output); looks++) await machine.ask();
  return output;
}

before(async () => {
  if (options.skip) return;
  const { memory, clock } = JSON.parse(readFileSync(new URL('state.json', place)));
  const state = new Uint8Array(readFileSync(new URL('state.zst', place))).buffer;
  const files = { v86: new URL('libv86.mjs', v86).href, wasm: new URL('v86.wasm', v86).pathname };
  machine = await Machine.start({ ...files, memory, clock, state });
  machine.onframe = (kind, terminal, data) => { if (kind === 'o') output += new TextDecoder().decode(data); };
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
