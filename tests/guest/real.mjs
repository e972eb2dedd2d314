// The machine of the pages in node, started as a page starts it: after make machine, and then make.
import { existsSync, readFileSync } from 'node:fs';

import { Machine } from '../../stage/guest/player/machine.js';

const made = new URL('../../build/html/_static/machine/', import.meta.url);

// Of each test; the bound is no pause: later than that, what is waited for is held not to come.
export const options = { skip: !existsSync(new URL('state.zst', made)), timeout: 60_000 };

// What docs/_ext/guest.py tells of a page.
export const page = options.skip ? null : JSON.parse(readFileSync(new URL('screenplay.json', made)));

export async function started() {
  const { memory, clock } = page.machine, state = new Uint8Array(readFileSync(new URL('state.zst', made))).buffer;
  const files = { v86: new URL('libv86.mjs', made).href, wasm: new URL('v86.wasm', made).pathname };
  return Machine.start({ ...files, memory, clock, state });
}
