// Saved states come back as they were, and of neighbours only the difference is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { States } from '../../stage/guest/player/states.js';

// A state as v86 makes it: head, JSON, and buffers of these bytes.
function state(...buffers) {
  let offset = 0;
  const infos = buffers.map(({ length }) => {
    const info = { offset, length };
    offset = (offset + length + 3) & ~3;
    return info;
  });
  const json = new TextEncoder().encode(JSON.stringify({ buffer_infos: infos, state: [] }));
  const start = (16 + json.length + 3) & ~3, made = new ArrayBuffer(start + offset), all = new Uint8Array(made);
  new Uint32Array(made, 0, 4).set([0x86768676, 6, made.byteLength, json.length]);
  all.set(json, 16);
  infos.forEach((info, index) => all.set(buffers[index], start + info.offset));
  return made;
}

let seed = 1;
const noise = length => Uint8Array.from({ length }, () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 24);
const same = (one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)) === 0;

test('what was kept comes back', () => {
  const states = new States(1e9), one = state(noise(10001), noise(3), noise(40000)), other = state(noise(70000));
  states.put(1, { state: one, clock: 17 });
  states.put(2, { state: other, clock: 18 });
  assert.equal(states.get(1).clock, 17);
  assert.ok(same(states.get(1).state, one) && same(states.get(2).state, other));
  assert.equal(states.get(3), undefined);
});

test('neighbours cost what differs, though a buffer before it has grown', () => {
  const states = new States(1e9), memory = noise(1 << 20);
  states.put(1, { state: state(noise(100), memory) });
  const before = states.bytes, changed = memory.slice();
  changed[500000] ^= 1;
  states.put(2, { state: state(noise(9000), changed) });
  assert.ok(states.bytes - before < 9000 + 3 * 4096, `${states.bytes - before}`);
  assert.ok(same(states.get(2).state.slice(-(1 << 20)), changed));
});

test('beyond the limit the oldest is forgotten, and its blocks with it', () => {
  const states = new States(300000), memory = noise(100000);
  for (let key = 0; key < 9; key++) states.put(key, { state: state(memory, noise(50000)) });
  assert.ok(states.bytes <= 300000 && !states.has(0) && states.has(8));
  states.put(9, { state: state(noise(1000000)) });
  assert.deepEqual([...states.kept.keys()], [9]);
  states.drop(9);
  assert.equal(states.bytes, 0);
  assert.equal(states.blocks.size, 0);
});

test('what is kept again takes the place of what was', () => {
  const states = new States(1e9), one = state(noise(5000));
  states.put(1, { state: state(noise(5000)) });
  states.put(1, { state: one });
  assert.ok(same(states.get(1).state, one));
  assert.ok(states.bytes < 6000);
});

test('two blocks of one hash are two', () => {
  const states = new States(1e9), one = new Uint8Array(4096).fill(1);
  const first = state(one);
  states.put(1, { state: first });
  for (const block of states.blocks.values()) if (block.bytes === 4096) block.words[7] = 5; // now the hash is another one's
  states.put(2, { state: first });
  assert.ok(same(states.get(2).state, first));
  states.drop(1);
  assert.ok(same(states.get(2).state, first));
});
