// Saved states of the machine, many of them: of two neighbours most blocks are alike, and kept once.
//
// A state of v86 has a head of four words (magic, version, size of all, size of what follows), JSON with the
// places of its buffers, and the buffers; see src/state.js there. In a buffer what has changed keeps its place.

const BLOCK = 4096;
const HEAD = 16;

// The ranges [from, to] that a state is cut into: blocks begin anew with each buffer.
function* ranges(state) {
  const size = new Uint32Array(state, 0, HEAD / 4)[3];
  const { buffer_infos: buffers } = JSON.parse(new TextDecoder().decode(new Uint8Array(state, HEAD, size)));
  const start = (HEAD + size + 3) & ~3;
  const marks = [0, ...buffers.map(({ offset }) => start + offset).sort((one, other) => one - other), state.byteLength];
  for (const [index, mark] of marks.slice(0, -1).entries()) {
    for (let from = mark; from < marks[index + 1]; from += BLOCK) yield [from, Math.min(from + BLOCK, marks[index + 1])];
  }
}

function hash(words) {
  let sum = words.length;
  for (let index = 0; index < words.length; index++) sum = Math.imul(sum ^ words[index], 0x9e3779b1) ^ (sum >>> 15);
  return sum;
}

function same(one, other) {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

export class States {
  // limit: bytes that are kept at most; beyond it, what was kept first is forgotten, but never the last one.
  constructor(limit) {
    this.limit = limit;
    this.bytes = 0;
    this.kept = new Map(); // key -> what put() was given, its state as blocks
    this.blocks = new Map(); // hash -> {words, uses}
    this.last = []; // blocks of what was kept last: most of the next state has the same ones at the same places
  }

  has(key) { return this.kept.has(key); }

  // Keep {state: ArrayBuffer, ...} under a key.
  put(key, { state, ...more }) {
    this.drop(key);
    const blocks = [];
    for (const [from, to] of ranges(state)) blocks.push(this.#block(state, from, to, this.last[blocks.length]));
    this.kept.set(key, { ...more, size: state.byteLength, blocks });
    this.last = blocks;
    while (this.bytes > this.limit && this.kept.size > 1) this.drop(this.kept.keys().next().value);
  }

  // What was kept, its state whole again; undefined if there is nothing.
  get(key) {
    const found = this.kept.get(key);
    if (!found) return undefined;
    const { size, blocks, ...more } = found;
    const state = new ArrayBuffer(size), all = new Uint8Array(state);
    let at = 0;
    for (const { words, bytes } of blocks) {
      all.set(new Uint8Array(words.buffer, 0, bytes), at);
      at += bytes;
    }
    return { ...more, state };
  }

  drop(key) {
    for (const block of this.kept.get(key)?.blocks ?? []) {
      if (--block.uses) continue;
      this.bytes -= block.bytes;
      if (this.blocks.get(block.hash) === block) this.blocks.delete(block.hash);
    }
    this.kept.delete(key);
  }

  // A block like this one, perhaps that one; its last word may be filled up with zeros.
  #block(state, from, to, likely) {
    const bytes = to - from;
    const words = from % 4 || bytes % 4 ? filled(state, from, to) : new Uint32Array(state, from, bytes / 4);
    const isThis = block => block?.uses && block.bytes === bytes && same(block.words, words);
    if (isThis(likely)) {
      likely.uses++;
      return likely;
    }
    const sum = hash(words), known = this.blocks.get(sum);
    if (isThis(known)) {
      known.uses++;
      return known;
    }
    const made = { hash: sum, bytes, words: words.slice(), uses: 1 };
    this.bytes += bytes;
    if (!known) this.blocks.set(sum, made); // another one of this hash is not shared
    return made;
  }
}

function filled(state, from, to) {
  const words = new Uint32Array(Math.ceil((to - from) / 4));
  new Uint8Array(words.buffer).set(new Uint8Array(state, from, to - from));
  return words;
}
