// The terminals of the scenes in the guest: opens them, keeps what they print, and what the machine reports.

import { Renaming } from './matching.js';
import { Terminal } from './terminals.js';

// Milliseconds after which the machine is asked, longer each time: while its clock goes slowly, its reports come
// late, and they may come in step with what moves.
const FIRST_LOOK = 30, LAST_LOOK = 330;

export const DEADLINE = 120; // seconds beyond the programs' own sleeping: some telephones are slow
const OWN_SLEEP = 120; // seconds that the programs may sleep during one cue

const keyOf = ({ name, root }) => `${name} ${root ? '#' : '$'}`;
const copied = renaming => Object.assign(renaming.copy(), { pids: new Set(renaming.pids) });

// Somebody does not want to wait any longer.
export class GivenUp extends Error {}

export class Sandbox {
  // page: what docs/_ext/guest.py tells; machine: a Machine; eyes: who is told, by the functions terminal(terminal),
  // which has been opened, output(terminal, text), typed(terminal, text), and picture(): there is another one.
  constructor(page, machine, eyes) {
    Object.assign(this, { page, machine, eyes, fresh: false, wake: () => {}, drop: () => {} });
    this.begin();
    machine.onframe = (kind, number, bytes) => this.#came(kind, number, bytes);
  }

  // Forget everything: the machine is as it was at its start.
  begin() {
    this.renaming = new Renaming();
    this.terminals = new Map(); // 'name $' or 'name #' -> Terminal
    this.waiting = new Map(); // blocked terminals -> the line of the cue that blocked them
    this.commands = new Map(); // terminal -> what was typed there: the shell may show it, even much later
  }

  // All that is known of the terminals, to be restored together with the machine.
  save() {
    const named = map => [...map].map(([terminal, value]) => [keyOf(terminal), value]);
    return {
      renaming: copied(this.renaming), terminals: [...this.terminals.values()].map(terminal => terminal.save()),
      waiting: named(this.waiting), commands: named(this.commands),
    };
  }

  restore({ renaming, terminals, waiting, commands }) {
    this.begin();
    this.renaming = copied(renaming);
    for (const saved of terminals) {
      const terminal = this.#made(saved);
      terminal.restore(saved);
      this.eyes.terminal(terminal);
    }
    const found = pairs => new Map(pairs.map(([key, value]) => [this.terminals.get(key), value]));
    Object.assign(this, { waiting: found(waiting), commands: found(commands) });
  }

  #made({ name, root, number, pid }) {
    const terminal = new Terminal({ name, root, number, pid, known: this.page.known, picture: () => this.machine.picture });
    this.terminals.set(keyOf(terminal), terminal);
    return terminal;
  }

  // The terminal of a cue; root's commands run in a shell of root's own. Some shells wait at their prompts already.
  async open({ terminal: name, root }) {
    const known = this.terminals.get(keyOf({ name, root }));
    if (known) return this.#started(known);
    const used = [...this.terminals.values()].map(({ number }) => number), { shells } = this.page.machine;
    const ready = shells.find(shell => shell.root === root && !used.includes(shell.terminal));
    let number = ready?.terminal ?? 1;
    while (!ready && (used.includes(number) || shells.some(shell => shell.terminal === number))) number++;
    const terminal = this.#made({ name, root, number, pid: ready?.pid ?? 0 });
    this.eyes.terminal(terminal);
    if (!ready) {
      terminal.starting = true;
      const opened = this.machine.open(number, { uid: root ? 0 : 1000, ...this.page.shell });
      await this.#answer(opened.then(pid => { terminal.pid = pid; })); // also after somebody has given up
    }
    return this.#started(terminal);
  }

  // Wait for the first prompt of a shell; whoever has given that up before does it the next time.
  async #started(terminal) {
    while (terminal.starting && !terminal.atPrompt()) await this.next();
    if (terminal.starting) terminal.take(true);
    terminal.starting = false;
    return terminal;
  }

  // Type for a cue; "shown" is what is seen of that.
  type(terminal, text, shown) {
    terminal.typed(text);
    this.eyes.typed(terminal, shown);
    this.machine.send('I', terminal.number, text);
  }

  // Type for somebody: what was printed for no cue until now is nobody's any more.
  typeFreely(terminal, text) {
    if (terminal.prompted) terminal.output = '';
    terminal.touched = true;
    this.machine.send('I', terminal.number, text);
  }

  #came(kind, number, bytes) {
    const terminal = [...this.terminals.values()].find(one => one.number === number);
    if (kind === 'o' && terminal) {
      const text = terminal.arrived(bytes);
      this.fresh = false; // the picture is older
      this.eyes.output(terminal, text);
      if (/[\x02\x03]/.test(text)) this.wake();
    }
    if (kind === 'x' && terminal) {
      terminal.gone = true;
      this.wake();
    }
    if (kind === 'r' || kind === 'a') {
      this.fresh = true;
      for (const one of this.terminals.values()) this.#note(one);
      this.eyes.picture();
      this.wake();
    }
  }

  #note(terminal) {
    terminal.job();
    terminal.seen.forEach(pid => this.renaming.pids.add(pid));
  }

  // Let the guest's clock go slowly while somebody works in the terminal. Where all wait, or another one is waited
  // for, it is the clock that they wait for.
  pace(terminal) {
    this.machine.rate = !terminal || terminal.waits() ? 1 : this.page.slow;
  }

  slow() { this.machine.rate = this.page.slow; }

  // Wait until something happens, but no longer than this. Throws GivenUp.
  async next(milliseconds = LAST_LOOK) {
    let timer;
    await new Promise(done => {
      this.wake = done;
      timer = setTimeout(done, milliseconds);
    });
    clearTimeout(timer);
    if (this.givenUp) throw new GivenUp('given up');
  }

  // Have the picture be of now. Throws GivenUp.
  ask() { return this.#answer(this.machine.ask()); }

  // Wait for an answer of the guest, which may never come. Throws GivenUp.
  #answer(coming) {
    return Promise.race([coming, new Promise((_, fail) => {
      this.drop = () => fail(new GivenUp('given up'));
      if (this.givenUp) this.drop();
    })]);
  }

  // Wait until ready() says something of a picture, or until the terminal is at its prompt: then return true; that
  // does not count with { prompt: false }. Return null after the deadline. Throws GivenUp.
  async wait(terminal, ready = null, { prompt = true } = {}) {
    let waited = 0, slept = 0, look = ready ? FIRST_LOOK : LAST_LOOK; // a prompt comes unasked
    if (ready) await this.ask();
    for (let since = performance.now(), asked = since; ;) {
      if (prompt && terminal.atPrompt()) return true;
      const found = this.fresh && ready?.();
      if (found) return found;
      if (waited > DEADLINE || slept > OWN_SLEEP) return null;
      if (this.fresh) this.pace(prompt ? terminal : null);
      this.fresh = false;
      await this.next(look);
      const now = performance.now(), passed = (now - since) / 1000;
      since = now;
      if (!this.machine.running) continue; // nobody looks
      if ([...this.terminals.values()].some(one => one.busy && one.sleeping())) slept += passed; else waited += passed;
      if (now - asked < look || (prompt && terminal.atPrompt())) continue;
      await this.ask();
      [asked, look] = [performance.now(), Math.min(look * 2, LAST_LOOK)];
    }
  }

  // End what is being waited for.
  giveUp() {
    this.givenUp = true;
    this.drop();
    this.wake();
  }
}
