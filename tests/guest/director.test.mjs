// Where a play is, and what comes of giving up and going back: the director, with the real machine and the real page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Director } from '../../stage/guest/player/director.js';
import { Sandbox } from '../../stage/guest/player/sandbox.js';
import { options, page, started } from './real.mjs';

const nothing = () => {};
const eyes = { terminal: nothing, output: nothing, typed: nothing, picture: nothing };
let machine, director;

before(async () => {
  if (options.skip) return;
  machine = await started();
  const sandbox = new Sandbox(page, machine, eyes), screens = { save: () => [], restore: nothing };
  director = new Director(page, sandbox, screens, nothing, 1 << 30);
});

after(() => machine?.stop());

// Type into a terminal, and wait for what comes of it.
async function typed(text, ready) {
  const main = director.sandbox.terminals.get('main $');
  for (const line of text.match(/.*\n/g)) director.type(main, line);
  for (let looks = 0; looks < 100 && !ready(main); looks++) await director.sandbox.next();
}

test('all can begin again, though the guest gives no answer', options, async () => {
  const asked = new Promise(done => { machine.ask = () => new Promise(() => done()); });
  machine.restore = saved => {
    delete machine.ask;
    delete machine.restore;
    return machine.restore(saved);
  };
  const waiting = director.playTo(2);
  await asked;
  await director.again(0);
  await waiting;
  await director.playTo(2);
  assert.equal(director.at, 2);
});

test('one cue back leads to nothing that was typed before all was done anew', options, async () => {
  await director.goTo(0, 2);
  await typed('echo >/dev/shm/strange\n', main => main.prompted);
  await director.playTo(4);
  assert.ok('strange' in machine.picture.shm);
  await director.goTo(4);
  await director.back();
  assert.equal(director.at, 3);
  assert.ok(!('strange' in machine.picture.shm));
});

test('what has been played keeps its marks when one comes back to it', options, async () => {
  await director.goTo(0, 7);
  await director.goTo(9);
  assert.equal(director.marks.size, 0);
  await director.goTo(6, 7);
  assert.deepEqual([...director.marks], [0, 1, 2, 3, 4, 5, 6].map(cue => [cue, '']));
});

test('no cue is typed into what somebody has typed ahead', options, async () => {
  await director.goTo(0, 1);
  await typed('echo\ncat\n', main => main.prompted && main.blocked());
  await director.playTo(3);
  assert.equal(director.marks.get(2), 'terminal main is busy (blocked in read): end that, or begin again');
});
