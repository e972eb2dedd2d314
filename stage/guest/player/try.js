// Opens the panel, loads the machine when it is first needed, and does what is pressed. There is one of both.

import { Director } from './director.js';
import { element } from './element.js';
import { Machine } from './machine.js';
import { Panel } from './panel.js';
import { Sandbox } from './sandbox.js';
import { statFrom, sleepFrom, viewFrom } from './view.js';

const root = document.documentElement;
const LEAST = 2; // GiB of memory: smaller devices would end the page
const MORE = 32; // MiB that v86 needs beside the memory of the machine
const EACH = 32 << 20; // bytes of saved states for each of them
const TOO_SMALL = 'This device has too little memory for a Linux in the page; the page tells you what it would show.';
const READY = 'Ready: play a cue, or type.';
const QUIET = 400; // milliseconds after which a machine in which nothing can happen is stopped

const { search: version } = new URL(import.meta.url); // of all files of the player
const address = name => new URL(name.includes('?') ? name : name + version, import.meta.url).href;
let play; // the promise of what there is

// Open the panel at a session.
export async function open(anchor, button) {
  try {
    (await (play ??= begin())).open(anchor, button);
  } catch (error) {
    play = null;
    throw error;
  }
}

async function begin() {
  const looks = element('link', { rel: 'stylesheet', href: address('panel.css') });
  const come = new Promise((loaded, failed) => Object.assign(looks, { onload: loaded, onerror: failed }));
  document.head.append(looks);
  const page = await (await fetch(address(`${root.dataset.tries}.json`), { cache: 'no-cache' })).json();
  await come;
  return new Play(page);
}

// Fetch a file, telling how much of it has come.
async function load(name, size, tell) {
  const answer = await fetch(address(name));
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  const all = new Uint8Array(size);
  let at = 0;
  for (let reader = answer.body.getReader(), part; !(part = await reader.read()).done;) {
    all.set(part.value, at);
    tell((at += part.value.length) / size);
  }
  return all.buffer;
}

// Fails with what nobody catches: v86 says in no other way that it does not start.
function broken(signal) {
  return new Promise((_, fail) => {
    addEventListener('unhandledrejection', event => { event.preventDefault(); fail(event.reason); }, { once: true, signal });
  });
}

class Play {
  constructor(page) {
    Object.assign(this, { page, last: 0 }); // when the machine has last said something
    this.panel = new Panel(page, (deed, argument) => this.do(deed, argument), (terminal, text) => this.type(terminal, text));
    document.body.append(this.panel.element);
    document.addEventListener('visibilitychange', () => this.rest());
    document.querySelector('main').addEventListener('click', event => this.#pressed(event));
    setInterval(() => this.rest(), QUIET);
  }

  get isOpen() { return !this.panel.element.hidden && this.panel.element.isConnected; }

  async open(anchor, button) {
    const scene = this.page.scenes.find(one => one.anchor === anchor);
    this.button = button;
    this.panel.element.hidden = false;
    root.classList.add('tries');
    this.panel.title.focus({ preventScroll: true });
    await this.show(scene);
  }

  // Show a session, and be where it begins.
  async show(scene) {
    this.panel.scene = scene;
    const there = document.getElementById(scene.anchor);
    for (let fold = there; (fold = fold.parentElement.closest('details'));) fold.open = true;
    there.scrollIntoView({ block: 'nearest' });
    const started = this.started();
    this.draw();
    const first = this.page.cues.findIndex(cue => cue.scene === scene.number);
    const last = this.page.cues.findLastIndex(cue => cue.scene === scene.number);
    if (!await started) return;
    const { director } = this;
    // Whoever comes back to a session is where he was.
    if (director.at >= first && director.at <= last + 1) await this.#done('', () => director.enter(first), READY);
    else await this.#done('Playing what comes before this session.', () => director.goTo(first), READY);
  }

  // Start the machine, once; return whether there is one.
  async started() {
    try {
      await (this.starting ??= this.#start());
      return true;
    } catch (error) {
      this.starting = null;
      const small = error instanceof RangeError || navigator.deviceMemory < LEAST;
      this.panel.say(small ? TOO_SMALL : `The Linux does not start: ${error.message}`, true);
      this.panel.progress.hidden = true;
      this.draw(); // any press tries again
      return false;
    }
  }

  async #start() {
    const { files, machine: { memory, clock } } = this.page, { panel } = this;
    if (navigator.deviceMemory < LEAST) throw new RangeError(TOO_SMALL);
    new WebAssembly.Memory({ initial: (memory + MORE) * 16 }); // throws, before anything is loaded; v86 would say nothing
    panel.say('Loading a Linux, once.');
    panel.loaded(0);
    fetch(address(files.wasm.name)); // at the same time
    const state = await load(files.state.name, files.state.size, part => panel.loaded(part * 0.9));
    panel.say('Starting it.');
    const over = new AbortController();
    const machine = this.machine = await Promise.race([broken(over.signal), Machine.start({
      v86: address(files.v86.name), wasm: address(files.wasm.name), state, memory, clock, seconds: Math.floor(Date.now() / 1000),
    })]).finally(() => over.abort());
    this.sandbox = new Sandbox(this.page, machine, {
      terminal: terminal => panel.add(terminal),
      output: (terminal, text) => { this.last = performance.now(); panel.consoles.get(terminal)?.printed(text); },
      typed: (terminal, text) => panel.show(terminal, text),
      picture: () => { this.last = performance.now(); this.look(); },
    });
    const restore = saved => panel.restore(saved, [...this.sandbox.terminals.values()]);
    const screens = { save: () => panel.save(), restore };
    this.director = new Director(this.page, this.sandbox, screens, () => this.draw(), (navigator.deviceMemory ?? 4) * EACH);
    panel.loaded(1);
    this.look();
  }

  draw() {
    const { panel, director = { at: 0, marks: new Map() } } = this;
    if (director.wanted) panel.element.dataset.busy = 'true'; else delete panel.element.dataset.busy;
    panel.draw(director);
  }

  // Draw what the kernel sees; the shells themselves are none of the play.
  look() {
    const { shm, queues, proc } = this.machine.picture, shells = [...this.sandbox.terminals.values()];
    const terminals = Object.fromEntries(shells.map(({ pid, name }) => [pid, name]));
    const ready = this.page.machine.shells.map(({ pid }) => pid);
    const inside = Object.fromEntries(Object.entries(proc).filter(([pid]) => !(pid in terminals) && !ready.includes(+pid)));
    this.panel.see(viewFrom({ folder: '/dev/shm', shm, queues, terminals, proc: inside }, this.page.known));
  }

  // Stop the machine where nobody looks, or nothing can happen; else let it run.
  rest() {
    const { machine } = this;
    if (!machine || !this.director) return;
    if (!this.isOpen || document.hidden) machine.stop();
    else if (this.director.wanted || !this.#still()) machine.run();
    else if (machine.running && performance.now() - this.last > QUIET) this.#settle();
    this.panel.element.dataset.machine = machine.running ? 'running' : 'stopped';
  }

  // Stop it, if nothing can happen, after what has been typed until now, either.
  async #settle() {
    if (this.settling) return;
    this.settling = true;
    const { typed, machine } = this, seen = [];
    try {
      for (let looks = 0; looks < 2; looks++) { // what is typed gets to the shell a moment later
        await new Promise(done => setTimeout(done, QUIET / 4));
        if (this.director.wanted) return; // a state that is saved has no question under way
        seen.push(JSON.stringify(await machine.ask()));
      }
      if (seen[0] === seen[1] && this.#still() && !this.director.wanted && typed === this.typed) await machine.stop();
    } catch {
      // it has been restored meanwhile
    } finally {
      this.settling = false;
    }
  }

  // Whether each process sleeps until another one, or somebody, wakes it; of the shells no more is told than that.
  #still() {
    return Object.entries(this.machine.picture.proc).every(([pid, { stat, syscall, status }]) => {
      if (syscall === undefined || /^[TtZX]/.test(statFrom(stat).state)) return statFrom(stat).state !== 'R';
      const sleep = sleepFrom(+pid, syscall, status, this.page.known);
      return sleep && !sleep.timed;
    });
  }

  type(terminal, text) {
    this.director.type(terminal, text);
    this.typed = this.last = performance.now();
  }

  async do(deed, argument) {
    const { page, panel, director } = this, { scene } = panel;
    if (deed === 'close') return this.close();
    if (deed === 'before' || deed === 'after') {
      const next = page.scenes[scene.number - 1 + (deed === 'after' ? 1 : -1)];
      return this.show(next);
    }
    if (!director) return this.show(scene);
    const first = page.cues.findIndex(cue => cue.scene === scene.number);
    const end = page.cues.findLastIndex(cue => cue.scene === scene.number) + 1, { at } = director;
    const inside = at >= first && at < end;
    if (deed === 'play') return this.#playing(inside ? () => director.playTo(Math.min(director.stepEnd(at), end)) : () => director.goTo(first, director.stepEnd(first)));
    if (deed === 'whole') return this.#playing(() => (inside ? director.playTo(end) : director.goTo(first, end)));
    if (deed === 'here') return this.#playing(() => director.goTo(argument, Math.min(director.stepEnd(argument), end)));
    if (deed === 'again') return this.#done('Beginning again.', () => director.again(first), 'As at the start.');
    await this.#done('Going back.', () => director.back(), 'One cue back.');
    if (director.at < first) panel.scene = page.scenes[page.cues[director.at].scene - 1];
    return this.draw();
  }

  // Play, and say how it went.
  async #playing(deed) {
    const { met } = this.director.player;
    met.clear();
    this.panel.say('');
    await this.#done('', deed, '');
    const { marks, at, wanted } = this.director, why = marks.get(at - 1);
    if (wanted || why === undefined) return;
    const otherwise = met.size ? ` But this machine has 32 bits: ${[...met].join(' ')}` : '';
    this.panel.say(why ? `✗ Not as the page says: ${why}` : `✓ As the page says.${otherwise}`, why !== '');
  }

  async #done(before, deed, after) {
    if (before) this.panel.say(before);
    try {
      await deed();
      if (after && !this.director.wanted) this.panel.say(after); // it may have been given up for another one
    } catch (error) {
      this.panel.say(`The Linux in the page has failed: ${error.message}`, true);
      console.error(error);
    }
  }

  // A press on a cue in the page plays to it.
  #pressed(event) {
    if (!this.isOpen || event.target.closest('a, button') || !getSelection().isCollapsed) return;
    let cue = event.target.closest('.scene .cue');
    while (cue && !cue.id) cue = cue.previousElementSibling;
    const [, anchor, number] = cue?.id.match(/^(.+)-(\d+)$/) ?? [];
    const scene = this.page.scenes.find(one => one.anchor === anchor);
    if (!scene || !this.director) return;
    this.panel.scene = scene;
    this.do('here', this.page.cues.findIndex(one => one.scene === scene.number) + +number - 1);
  }

  close() {
    this.director?.giveUp();
    this.panel.element.hidden = true;
    root.classList.remove('tries');
    this.rest();
    this.button.focus();
  }
}
