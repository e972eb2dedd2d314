// A terminal of the page, by what it has printed: the shell asks for the rest of a command with a mark, \x03.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Observation, Terminal } from '../../stage/guest/player/terminals.js';

test('a command of several lines that goes on is complete, also when a key is pressed', () => {
  const terminal = new Terminal({ name: 'x' });
  terminal.typed('while sleep 1\ndo :\ndone\n');
  terminal.output += '\x03\x03';
  assert.equal(terminal.atPrompt(), false);
  terminal.typed('\x03');
  assert.equal(terminal.atPrompt(), false);
  terminal.output += '\x01130\x02';
  assert.equal(terminal.atPrompt(), true);
});

test('a command that is not complete is told', () => {
  const terminal = new Terminal({ name: 'x' });
  terminal.typed('while sleep 1\ndo :\n');
  terminal.output += '\x03\x03';
  assert.throws(() => terminal.atPrompt(), Observation);
});
