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
