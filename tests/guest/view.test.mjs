// The page sees what the kernel sees as make check does: cases/view.json has texts of /proc, and what comes of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sameSleep, sleepFrom, viewFrom } from '../../stage/guest/player/view.js';
import { view } from './cases.mjs';

const known = JSON.parse(process.env.KNOWN ?? '{}'); // timeouts and timedSleeps, from test_player.py
const files = recorded => Object.fromEntries(Object.entries(recorded).map(([name, text]) =>
  [name, Array.isArray(text) ? text.join('\n') : text]));

for (const { case: name, view: expected, calls, ...texts } of view) {
  test(`a view is made from texts: ${name}`, () => {
    const proc = Object.fromEntries(Object.entries(texts.proc).map(([pid, recorded]) => [pid, files(recorded)]));
    assert.deepEqual(viewFrom({ ...texts, proc }, { ...known, calls }), expected);
  });
}

test('the same sleep is the same, and one switch more is another one', () => {
  const status = switches => `State:\tS (sleeping)\nvoluntary_ctxt_switches:\t${switches}\n`;
  const sleep = (text, switches = 3) => sleepFrom(17, text, status(switches), { ...known, calls: { 240: 'futex' } });
  const one = sleep('240 0xb7f0a000 0x0 0x0 0x0 0x0 0x0 0xbfff 0xb7f');
  assert.ok(sameSleep(one, sleep('240 0xb7f0a000 0x0 0x0 0x0 0x0 0x0 0xbfff 0xb7f')));
  assert.ok(!sameSleep(one, sleep('240 0xb7f0a000 0x0 0x0 0x0 0x0 0x0 0xbfff 0xb7f', 4)));
  assert.ok(!sameSleep(one, sleep('240 0xb7f0b000 0x0 0x0 0x0 0x0 0x0 0xbfff 0xb7f')));
  assert.ok(!sameSleep(one, sleep('running')) && !sameSleep(null, null));
});
