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

// Type a command into a terminal, and have it end.
async function typed(command) {
  const terminal = director.sandbox.terminals.get('main $');
  director.type(terminal, command);
  for (let looks = 0; looks < 1000 && !terminal.prompted; looks++) await director.sandbox.ask();
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
  await typed('echo >/dev/shm/strange\n');
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
