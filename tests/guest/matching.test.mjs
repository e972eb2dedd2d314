// The player of the page compares as make check does: cases/matching.json has the cases, test_matching.py says what they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Renaming, decided, reached, tokens, whyNot } from '../../stage/guest/player/matching.js';
import { settled } from '../../stage/guest/player/printed.js';
import { matching } from './cases.mjs';

for (const [line, kinds] of matching.tokens) {
  test(`a line is cut into tokens: ${line}`, () => {
    const found = tokens(line);
    assert.equal(found.map(([kind]) => kind).join(' '), kinds);
    assert.equal(found.map(([, text]) => text).join(''), line);
  });
}

for (const { name, words, steps, commands } of matching.runs) {
  test(`the same run matches, and of another one the reason is told: ${name}`, () => {
    const made = new Renaming(words);
    for (const { pids, documented, real, why } of steps) {
      for (const pid of pids ?? []) made.pids.add(pid);
      const before = [new Map(made.real), new Map(made.documented)];
      assert.equal(whyNot(made, documented, real), why);
      if (why) assert.deepEqual([made.real, made.documented], before); // nothing was learned from it
    }
    for (const [documented, real] of commands ?? []) assert.equal(made.toReal(documented), real);
  });
}

for (const { documented, real, reached: count } of matching.reached) {
  test(`lines that are still coming match as soon as they are there: ${JSON.stringify(real)}`, () => {
    const made = new Renaming();
    assert.equal(reached(made, documented, real), count);
    assert.equal(made.real.size, 0);
    assert.equal(decided(made, documented, real), count !== null);
  });
}

test('as many lines as documented are decided, though they are others', () => {
  assert.ok(decided(new Renaming(), ['a'], ['b']));
  assert.ok(!decided(new Renaming(), ['a', null], ['b', 'c']));
});

for (const { name, typed, old, new: now, lines } of matching.said) {
  test(`what the shell says is the same with every bash: ${name}`, () => {
    assert.deepEqual(settled(old, typed), lines);
    assert.deepEqual(settled(now, typed), lines);
  });
}

for (const { name, typed, text, lines } of matching.printed) {
  test(`all else is output: ${name}`, () => assert.deepEqual(settled(text, typed), lines));
}
