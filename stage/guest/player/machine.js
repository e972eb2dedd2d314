// SPDX-License-Identifier: MIT
// The machine: v86, the frames of its agent (code/guest/agent.c), and a clock of its own.
// It runs in a browser and in node; one at a time.

const encode = text => new TextEncoder().encode(text);
const decode = bytes => new TextDecoder().decode(bytes);
const wall = performance.now.bind(performance);

// Milliseconds after something was typed, or a terminal was opened, for which v86 interprets, and compiles nothing:
// a fresh machine runs little of its code so often that it is worth it, above all on the way to a later session.
const SHORT = 400;

// The guest's time, in milliseconds. It stands still while the machine is stopped, it can go slower
// than ours, and it goes back with a state that is restored. So a slow host loses no race with a
// program's own sleep, and v86 finds the time stamp counter where the state has left it: otherwise
// it loses its way when a state of a restored machine is restored (set_tsc() in src/rust/cpu/cpu.rs).
const clock = {
  at: 0, since: wall(), rate: 0,
  now() { return clock.at + (wall() - clock.since) * clock.rate; },
  set(at, rate) { Object.assign(clock, { at, since: wall(), rate }); },
};

// v86 takes performance.now() for good when it is loaded: we give it ours.
async function load(v86) {
  performance.now = clock.now;
  try {
    return (await import(v86)).V86;
  } finally {
    delete performance.now;
  }
}

export class Machine {
  #emulator; #rate = 1; #running = false; #last = Promise.resolve(); #frame = []; #answers = []; #opened = []; #compiling;

  // What an unasked report has said, or an answer.
  picture = { proc: {}, shm: {}, queues: {} };
  onframe = () => {};
  onconsole = () => {};

  // Start from a state (ArrayBuffer, compressed by zstd) made by a machine of so many MiB, at so
  // many seconds since 1970; with "boot" (as v86 has its options) instead of a state, from the kernel.
  // "v86" and "wasm" are the addresses of libv86.mjs and v86.wasm. Fails as import() and v86 fail.
  static async start({ v86, wasm, memory, state, clock: at = 0, seconds, boot, onconsole = () => {} }) {
    const machine = new Machine(), V86 = await load(v86);
    machine.onconsole = onconsole;
    if (state) machine.first = { state: state.slice(0), clock: at };
    clock.set(at, 0);
    machine.#emulator = new V86({
      wasm_path: wasm, memory_size: memory << 20, vga_memory_size: 2 << 20, uart1: true, autostart: false, fastboot: true,
      disable_keyboard: true, disable_mouse: true, disable_speaker: true, ...boot, ...state && { initial_state: { buffer: state } },
    });
    machine.#emulator.add_listener("serial0-output-byte", byte => machine.onconsole(byte));
    machine.#emulator.add_listener("serial1-output-byte", byte => machine.#take(byte));
    await new Promise(done => machine.#emulator.add_listener("emulator-ready", done));
    const told = new Promise(done => machine.onframe = done);
    await machine.run();
    if (state) await machine.#settle(seconds);
    else await told; // what is sent before is lost
    machine.onframe = () => {};
    return machine;
  }

  // Set the speed of the guest's clock against ours.
  set rate(rate) {
    this.#rate = rate;
    if (this.#running) clock.set(clock.now(), rate);
  }

  get running() { return this.#running; }

  async run() {
    if (this.#running) return this.#last;
    this.#running = true;
    clock.set(clock.now(), this.#rate);
    return this.#last = this.#last.then(() => this.#emulator.run());
  }

  async stop() {
    if (!this.#running) return this.#last;
    this.#running = false;
    clock.set(clock.now(), 0);
    return this.#last = this.#last.then(() => this.#emulator.stop());
  }

  // Have it stopped, though somebody lets it go on before it stands still.
  async #halt() {
    do await this.stop(); while (this.#running);
  }

  // Send a frame; a machine that is stopped goes on.
  send(kind, terminal = 0, payload = "") {
    const data = typeof payload === "string" ? encode(payload) : payload;
    if (kind !== "Q") this.#interpret();
    this.#emulator.serial_send_bytes(1, new Uint8Array([kind.charCodeAt(), terminal, data.length & 255, data.length >> 8, ...data]));
    this.run();
  }

  // Have short work interpreted; what lasts longer is compiled.
  #interpret() {
    const compiling = on => this.#emulator.v86.cpu.set_jit_config(0, +!on); // JIT_DISABLED in src/rust/jit.rs
    compiling(false);
    clearTimeout(this.#compiling);
    this.#compiling = setTimeout(compiling, SHORT, true);
  }

  // Return the picture; what was printed before it was taken has come before it.
  ask(what = "") {
    this.send("Q", 0, what);
    return new Promise((done, fail) => this.#answers.push({ done, fail }));
  }

  // Open a terminal; return the PID of its shell.
  open(terminal, { uid = 1000, echo = false, rows = 24, columns = 80, folder = "/mnt", command = ["bash"], environment = {} } = {}) {
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    this.send("O", terminal, [uid, +echo, rows, columns, folder, ...command, "", ...settings].map(text => `${text}\0`).join(""));
    return new Promise((done, fail) => this.#opened.push({ done, fail }));
  }

  // What was sent, and the guest has not read yet; v86 neither saves nor restores it.
  get #unread() { return this.#emulator.v86.cpu.devices.uart1.input; }

  // Return all of it as it is now, also the frame that is under way; the machine is stopped.
  async save() {
    await this.#halt();
    const { picture } = this, frame = [...this.#frame], unread = [...this.#unread];
    return { state: await this.#emulator.save_state(), clock: clock.now(), frame, unread, picture };
  }

  // Go back to what save() has returned, or to "first". Who waits for an answer gets an error.
  async restore({ state, clock: at, frame = [], unread = [], picture = this.picture }, seconds) {
    await this.#halt();
    this.#unread.splice(0, Infinity, ...unread);
    clock.set(at, 0);
    await this.#emulator.restore_state(state.slice(0));
    clock.set(at, 0);
    Object.assign(this, { picture });
    this.#frame = [...frame];
    for (const { fail } of [...this.#answers.splice(0), ...this.#opened.splice(0)]) fail(new Error("the machine was restored"));
    await this.run();
    await this.#settle(seconds);
  }

  async #settle(seconds = Math.floor(Date.now() / 1000)) {
    this.send("D", 0, String(seconds));
    await this.ask("all");
  }

  #take(byte) {
    const frame = this.#frame;
    frame.push(byte);
    if (frame.length < 4 || frame.length < 4 + frame[2] + 256 * frame[3]) return;
    this.#frame = [];
    const kind = String.fromCharCode(frame[0]), data = new Uint8Array(frame.slice(4));
    if (kind === "p") this.#opened.shift()?.done(+decode(data));
    if (kind === "a" || kind === "r") this.#see(JSON.parse(decode(data)));
    if (kind === "a") this.#answers.shift()?.done(this.picture);
    this.onframe(kind, frame[1], data);
  }

  // "true" stands for what was said of a process before; it was to somebody else, if the machine has been restored since.
  #see(told) {
    const before = this.picture.proc;
    for (const [pid, process] of Object.entries(told.proc)) {
      if (process !== true) continue;
      if (before[pid]) told.proc[pid] = before[pid]; else delete told.proc[pid];
    }
    this.picture = told;
  }
}
