// A shell in the guest as the player sees it: what it has printed, and what its foreground job does; see
// stage/sandbox/{terminal,processes}.py. What comes is said by the machine's picture, which is never asked for here.

import { PROMPT, PROMPT2, asText } from './printed.js';
import { sameSleep, sleepFrom, statFrom } from './view.js';

const COMPUTED = 0.1; // seconds of processor time after which a program is not just starting
const TICKS = 100; // of the guest's clock, in a second
const TOO_MUCH = 1 << 20; // letters of output that no cue has

// The real run is not what the page claims; the message is the reason in one line.
export class Observation extends Error {}

export class Terminal {
  // Options: name and root as in the page; number and pid of its shell in the guest; known: see view.js;
  // picture(): what the machine has said last.
  constructor({ name, root, number, pid, known, picture }) {
    Object.assign(this, { name, root, number, pid, known, picture });
    this.output = ''; // that no cue has taken yet
    this.busy = false;
    this.starting = false; // the shell has not asked for its first command yet
    this.gone = false; // nobody is left who could print
    this.asleep = null; // what a [blocked] note has found
    this.lines = 0; // of the command: bash asks for the rest less often than that
    this.touched = false; // somebody has typed into it
    this.seen = new Set(); // PIDs of all processes seen in this terminal
    this.decoder = new TextDecoder();
  }

  // What the state of a terminal consists of; restore() puts it back.
  save() {
    const { name, root, number, pid, output, busy, starting, gone, asleep, lines, touched, seen } = this;
    return { name, root, number, pid, output, busy, starting, gone, asleep, lines, touched, seen: new Set(seen) };
  }

  restore(saved) {
    Object.assign(this, saved, { seen: new Set(saved.seen), decoder: new TextDecoder() });
  }

  // Keep what the terminal has printed; return it as text.
  arrived(bytes) {
    const text = this.decoder.decode(bytes, { stream: true });
    this.output = (this.output + text).slice(-2 * TOO_MUCH);
    return text;
  }

  // Note that this is typed for a cue; what was printed for somebody's own commands is nobody's any more.
  typed(text) {
    if (this.touched && this.prompted) this.output = '';
    this.output = this.output.replaceAll(PROMPT2, ''); // what the command before has asked for, it has got
    Object.assign(this, { busy: true, lines: text.split('\n').length - 1, touched: false });
  }

  get prompted() { return /\x01\d+\x02$/.test(this.output); }

  // Whether the shell asks for the next command; throws Observation if it has ended, or asks for the rest of one.
  atPrompt() {
    if (PROMPT.test(this.output)) return true;
    if (this.output.length > TOO_MUCH) throw new Observation('the output has no end');
    if (this.output.split(PROMPT2).length - 1 >= Math.max(this.lines, 1)) {
      throw new Observation('the command is not complete, the shell asks for its rest');
    }
    if (this.gone) throw new Observation('the shell itself has ended');
    return false;
  }

  // Take the output up to the prompt, or all of it: [text, exit status].
  take(upToPrompt = false) {
    const prompt = upToPrompt && this.output.match(PROMPT);
    const text = prompt ? this.output.slice(0, prompt.index) : this.output;
    this.output = prompt ? this.output.slice(prompt.index + prompt[0].length) : '';
    if (prompt) Object.assign(this, { busy: false, asleep: null });
    return [asText(text), prompt ? +prompt[1] : 0];
  }

  files(pid) { return this.picture().proc[pid]; }

  // The PIDs of the foreground job; all of this terminal's are noted.
  job() {
    const { proc } = this.picture(), shell = proc[this.pid] && statFrom(proc[this.pid].stat);
    const ours = Object.keys(proc).map(Number).filter(pid => statFrom(proc[pid].stat).session === this.pid);
    ours.forEach(pid => this.seen.add(pid));
    return ours.filter(pid => {
      const { group, state } = statFrom(proc[pid].stat);
      return shell && group === shell.front && group !== this.pid && state !== 'Z';
    });
  }

  // How a process sleeps, or null if it is not provably asleep in one and the same call.
  sleep(pid) {
    const files = this.files(pid);
    return files?.syscall ? sleepFrom(pid, files.syscall, files.status, this.known) : null;
  }

  // The sleep of a foreground process that is blocked in this call (or in any), or null.
  blocked(call) {
    const sleeps = this.job().map(pid => this.sleep(pid));
    if (sleeps.some(sleep => !sleep || sleep.timed)) return null; // who waits for that one goes on by itself, too
    return sleeps.find(sleep => sleep.call === call || (!call && sleep.call !== 'wait4')) ?? null;
  }

  // Whether all that runs here, in the background, too, sleeps.
  waits() {
    const { proc } = this.picture(), others = Object.keys(proc).map(Number).filter(pid => pid !== this.pid)
      .map(pid => [pid, statFrom(proc[pid].stat)]).filter(([, { session, state }]) => session === this.pid && state !== 'Z');
    return others.length > 0 && others.every(([pid]) => this.sleep(pid));
  }

  // Whether the foreground job sleeps by the clock.
  sleeping() { return this.job().some(pid => this.sleep(pid)?.timed); }

  // Whether it does, or has computed for a while.
  running() {
    return this.job().some(pid => {
      const sleep = this.sleep(pid);
      return sleep ? sleep.timed : statFrom(this.files(pid).stat).ticks >= COMPUTED * TICKS;
    });
  }

  // Whether the process that was found blocked has been awake since.
  woken() { return this.asleep !== null && !sameSleep(this.sleep(this.asleep.pid), this.asleep); }

  // What the foreground job is doing, for a report.
  state() {
    const sleeps = this.job().map(pid => this.sleep(pid));
    if (sleeps.includes(null)) return 'running';
    const rank = ({ timed, call }) => (timed ? 0 : 2) + (call === 'wait4');
    const [first] = sleeps.sort((one, other) => rank(one) - rank(other));
    return first ? `${first.timed ? 'asleep' : 'blocked'} in ${first.call}` : 'between two commands';
  }
}
