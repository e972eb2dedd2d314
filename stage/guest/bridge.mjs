// SPDX-License-Identifier: MIT
// node bridge.mjs OPTIONS: a machine whose agent is spoken to on standard input and output.
// OPTIONS are those of Machine.start() as JSON, with paths for buffers; the guest's console goes to
// standard error. Frames of kind "!" are for us, a deed as JSON, and answered by one when it is done:
//   {"rate": 0.1}  the speed of the guest's clock, not answered
//   {"restore": true}  back to the start
//   {"save": PATH}  write the state, compressed by nobody; the machine goes on; answered with its clock
import { readFileSync, writeFileSync } from "node:fs";
import { Machine } from "./player/machine.js";

const read = path => new Uint8Array(readFileSync(path)).buffer;
const options = JSON.parse(process.argv[2]);
if (options.state) options.state = read(options.state);
for (const [name, path] of Object.entries(options.boot ?? {})) if (name !== "cmdline") options.boot[name] = { buffer: read(path) };

const frame = (kind, terminal, data) => {
  const head = Buffer.from([kind.charCodeAt(), terminal, data.length & 255, data.length >> 8]);
  process.stdout.write(Buffer.concat([head, data]));
};
const machine = await Machine.start({ ...options, onconsole: byte => process.stderr.write(Buffer.from([byte])) });
machine.onframe = frame;
const deeds = {
  rate: speed => { machine.rate = speed; },
  restore: async () => { machine.onframe = () => {}; await machine.restore(machine.first); machine.onframe = frame; return {}; },
  save: async path => { const { state, clock } = await machine.save(); writeFileSync(path, Buffer.from(state)); await machine.run(); return { clock }; },
};
frame("!", 0, Buffer.from("{}"));

let come = Buffer.alloc(0);
for await (const data of process.stdin) {
  come = Buffer.concat([come, data]);
  for (let size; come.length >= 4 && come.length >= 4 + (size = come.readUInt16LE(2)); come = come.subarray(4 + size)) {
    const kind = String.fromCharCode(come[0]), payload = come.subarray(4, 4 + size);
    if (kind !== "!") { machine.send(kind, come[1], payload); continue; }
    const [[deed, argument]] = Object.entries(JSON.parse(payload));
    const done = await deeds[deed](argument);
    if (done) frame("!", 0, Buffer.from(JSON.stringify(done)));
  }
}
process.exit(0);
