// Plays cues and holds them against the page, as stage/check/player.py does and in its words.

import { asDocumented, decided, reached, tokens, whyNot } from './matching.js';
import { asText, settled } from './printed.js';
import { DEADLINE } from './sandbox.js';
import { Observation } from './terminals.js';

// A cue that did not hold: why, in one line.
export class Failed extends Error {}

export class Player {
  constructor(sandbox) {
    this.sandbox = sandbox;
    this.met = new Set(); // why a line is another one on this machine
  }

  // Play a cue and compare. Throws Failed, or GivenUp.
  async play(cue) {
    try {
      this.sandbox.slow();
      await this.#cue(cue, await this.sandbox.open(cue));
    } catch (observed) {
      throw observed instanceof Observation ? new Failed(observed.message) : observed;
    }
  }

  async #cue(cue, terminal) {
    if (cue.kind !== 'resume') await this.#nobodyElseWoken();
    if (cue.kind === 'run') {
      await this.#free(terminal);
      const command = this.sandbox.renaming.toReal(cue.command);
      this.sandbox.commands.set(terminal, `${this.sandbox.commands.get(terminal) ?? ''}\n${command}`);
      this.sandbox.type(terminal, `${command}\n`, command);
    } else if (cue.kind === 'key') {
      if (!terminal.busy) throw new Failed(`terminal ${cue.terminal} is at its prompt already`);
      this.sandbox.type(terminal, String.fromCharCode(cue.command.charCodeAt(1) & 0x1f), cue.command);
      terminal.asleep = null;
    } else {
      if (!terminal.busy) throw new Failed(`terminal ${cue.terminal} is at its prompt already`);
      await this.#goesOn(terminal);
    }
    this.sandbox.waiting.delete(terminal);
    let lines, status = 0;
    if ('status' in cue.end) {
      if (!(await this.sandbox.wait(terminal))) {
        throw new Observation(`no end within ${DEADLINE} s: ${terminal.state()}`);
      }
      [lines, status] = this.#take(terminal, true);
    } else if ('blocked' in cue.end) lines = await this.#untilBlocked(terminal, cue, cue.end.blocked);
    else lines = await this.#untilRunning(terminal, cue);
    if (cue.kind === 'key' && lines[0] === '' && cue.expect[0] !== '') lines.shift(); // the line of the key itself
    if (this.#mayHavePids(lines)) await this.sandbox.ask(); // of processes that nobody has seen
    const why = whyNot(this.sandbox.renaming, cue.expect, lines);
    if (why) throw new Failed(why);
    if ('status' in cue.end && status !== cue.end.status) {
      throw new Failed(`exit status ${status}, documented ${cue.end.status}`);
    }
  }

  // Whether there is a number that may be a PID: the shells were the first processes of all.
  #mayHavePids(lines) {
    const first = Math.min(...this.sandbox.page.machine.shells.map(({ pid }) => pid));
    return lines.some(line => tokens(line).some(([kind, text]) => kind === 'number' && Number(text) >= first));
  }

  // Somebody may have left a command of their own running there.
  async #free(terminal) {
    if (terminal.gone) throw new Failed(`the shell of terminal ${terminal.name} has ended: begin again`);
    if (!terminal.touched) return;
    await this.sandbox.ask();
    if (terminal.prompted && !terminal.job().length) return;
    throw new Failed(`terminal ${terminal.name} is busy (${terminal.state()}): end that, or begin again`);
  }

  // Fail if a blocked process has been awake and the page goes on without it.
  async #nobodyElseWoken() {
    if (!this.sandbox.waiting.size) return;
    await this.sandbox.ask();
    for (const [terminal, line] of this.sandbox.waiting) {
      if (!terminal.woken()) continue;
      this.sandbox.waiting.delete(terminal);
      throw new Failed(`terminal ${terminal.name}, blocked since line ${line}, has been woken, but the page goes on without it`);
    }
  }

  // Make sure that a blocked process has been woken; a running one may do it any time.
  async #goesOn(terminal) {
    if (!terminal.asleep) return;
    const { call } = terminal.asleep;
    await this.sandbox.ask();
    const others = [...this.sandbox.terminals.values()].filter(one => one !== terminal && one.busy && !this.sandbox.waiting.has(one));
    const woken = () => terminal.woken();
    if (!woken() && !(others.length && await this.sandbox.wait(terminal, woken, { prompt: false }))) {
      throw new Observation(`still blocked in ${call}: nothing has woken it`);
    }
    terminal.asleep = null;
  }

  async #untilBlocked(terminal, cue, call) {
    // bash's child reads from bash for a moment, before it becomes the program
    const blocked = () => (this.#lines(terminal, asText(terminal.output)).length >= cue.expect.length
      ? terminal.blocked(call) : null);
    const found = await this.sandbox.wait(terminal, blocked);
    const where = call ?? 'a system call';
    if (found === true) {
      const [, status] = this.#take(terminal, true);
      throw new Failed(`ended with exit status ${status} instead of blocking in ${where}`);
    }
    terminal.asleep = found ?? terminal.blocked(call);
    if (!terminal.asleep) throw new Observation(`${terminal.state()}, documented as blocked in ${where}`);
    this.sandbox.waiting.set(terminal, cue.line);
    return this.#take(terminal)[0];
  }

  async #untilRunning(terminal, cue) {
    const ready = () => decided(this.sandbox.renaming, cue.expect, this.#complete(terminal)) && terminal.running();
    const held = await this.sandbox.wait(terminal, ready);
    if (terminal.atPrompt()) {
      const [, status] = this.#take(terminal, true);
      throw new Failed(`ended with exit status ${status} instead of going on`);
    }
    const lines = this.#complete(terminal), taken = reached(this.sandbox.renaming, cue.expect, lines);
    if (!held && taken === null) throw new Failed(`${whyNot(this.sandbox.renaming, cue.expect, lines)}; ${terminal.state()}`);
    if (!held) throw new Observation(`${terminal.state()}, documented as running`);
    return this.#takeFirst(terminal, taken ?? cue.expect.length);
  }

  // What has been printed as the lines of the page, whose machine has 64 bits.
  #lines(terminal, text) {
    return settled(text, this.sandbox.commands.get(terminal) ?? '').map(line =>
      asDocumented(line, this.sandbox.page.otherwise, other => this.met.add(other.why)));
  }

  #complete(terminal) {
    return this.#lines(terminal, asText(terminal.output.slice(0, terminal.output.lastIndexOf('\n') + 1)));
  }

  #take(terminal, upToPrompt = false) {
    const [text, status] = terminal.take(upToPrompt);
    return [this.#lines(terminal, text), status];
  }

  // Take so many complete lines.
  #takeFirst(terminal, count) {
    const printed = terminal.output.match(/[^\n]*\n/g) ?? [];
    const first = number => this.#lines(terminal, asText(printed.slice(0, number).join('')));
    let taken = count;
    while (taken < printed.length && first(taken + 1).length <= count) taken++; // what counts as one may be several
    terminal.output = printed.slice(taken).join('') + terminal.output.slice(terminal.output.lastIndexOf('\n') + 1);
    return first(taken);
  }
}
