// Where a play is in its page, and how it gets elsewhere: forward by playing, back by states that were saved.
// All that begins with a fresh scene begins with the state that the machine has started with.

import { Failed, Player } from './cues.js';
import { GivenUp } from './sandbox.js';
import { States } from './states.js';

const SOME = 20; // cues; a state is saved in the time in which two or three of them are played

export class Director {
  // page: what docs/_ext/guest.py tells; sandbox: a Sandbox; screens: save() and restore(saved) what is seen of it;
  // changed(): something is another than it was; limit: bytes for saved states.
  constructor(page, sandbox, screens, changed, limit) {
    Object.assign(this, { page, sandbox, screens, changed });
    this.at = 0; // index of the next cue
    this.clean = true; // nothing has happened since the fresh start
    this.free = false; // somebody has typed something of their own
    this.torn = false; // the next cue has been typed, and given up before it came to its end
    this.playing = null; // index of a cue
    this.marks = new Map(); // index of a cue that has been played -> why it does not hold, or ''
    this.player = new Player(sandbox);
    this.states = new States(limit); // index of a cue -> the state before it
    this.deed = Promise.resolve();
  }

  // The index of the fresh cue at which the play begins that this one belongs to.
  start(index) {
    return this.page.cues.findLastIndex((cue, place) => place <= index && (cue.fresh || place === 0));
  }

  // The index after the last cue of the step that this one belongs to.
  stepEnd(index) {
    return this.page.steps.find(start => start > index) ?? this.page.cues.length;
  }

  // Play the cues from here to before this index; one that does not hold is the last one.
  playTo(end) { return this.#alone(() => this.#play(end, true)); }

  // Be at the place before this cue, as the page is there; then play to before another one.
  goTo(index, end = index) {
    return this.#alone(async () => {
      await this.#go(index);
      await this.#play(end, true);
    });
  }

  // Have the terminals of the session of this cue.
  enter(index) { return this.#alone(() => this.#open(index)); }

  // Undo the last cue.
  back() {
    return this.#alone(async () => {
      const before = this.torn ? this.at : this.at - 1;
      if (before < 0) return;
      if (this.states.has(before)) await this.#restore(before); else await this.#go(before);
      await this.#open(before);
    });
  }

  // Begin anew with the fresh scene before this cue, and forget what was saved since.
  again(index) {
    return this.#alone(async () => {
      const start = this.start(index);
      for (const key of [...this.states.kept.keys()]) if (this.start(key) === start) this.states.drop(key);
      await this.#restore(start);
      await this.#go(index);
    });
  }

  // Somebody types into a terminal.
  type(terminal, text) {
    Object.assign(this, { clean: false, free: true });
    this.sandbox.typeFreely(terminal, text);
  }

  // End what is being done; who has asked for it gets no error.
  giveUp() {
    this.wanted = null;
    this.sandbox.giveUp();
    return this.deed;
  }

  // Do something, when what is being done has been given up.
  #alone(deed) {
    const before = this.giveUp(), mine = this.wanted = {};
    this.deed = (async () => {
      await before;
      if (this.wanted !== mine) return;
      this.sandbox.givenUp = false;
      try {
        await deed();
      } catch (error) {
        if (!(error instanceof GivenUp)) throw error;
      } finally {
        if (this.wanted === mine) this.wanted = null;
        this.sandbox.machine.rate = 1; // what has been started goes on while somebody reads
        this.playing = null;
        this.changed();
      }
    })();
    const { deed: all } = this;
    this.deed = all.catch(() => {}); // it is told to who has asked for it
    this.changed();
    return all;
  }

  async #go(index) {
    const start = this.start(index);
    const usable = [...this.states.kept].filter(([key, { free }]) => key > start && key <= index && !free).map(([key]) => key);
    const best = Math.max(start, ...usable);
    if (this.free || this.torn || this.at < best || this.at > index) await this.#restore(best);
    while (this.at < index) await this.#play(index, false); // also where one does not hold
    await this.#open(index);
  }

  // Play to before this cue, while each one holds. Where all is to be undone, the state before each is saved; on the
  // way to somewhere else, some are.
  async #play(end, all) {
    const { cues } = this.page;
    for (let holds = true; holds && this.at < end;) {
      if (this.torn) await this.#go(this.at);
      const cue = cues[this.at];
      if (cue.fresh && !this.clean) await this.#restore(this.at);
      await this.#open(this.at);
      if (!cue.fresh && (all || this.at % SOME === 0)) await this.#save();
      else if (this.states.kept.get(this.at)?.free) this.states.drop(this.at); // of a play that is no more
      holds = await this.#cue(cue);
    }
  }

  async #cue(cue) {
    if (this.sandbox.givenUp) throw new GivenUp('given up'); // before it is typed
    Object.assign(this, { clean: false, torn: true, playing: this.at });
    this.changed();
    let why = '';
    try {
      await this.player.play(cue);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      why = error.message;
    }
    this.marks.set(this.at++, why);
    Object.assign(this, { torn: false, playing: null });
    this.changed();
    return !why;
  }

  // Open the terminals of a scene before it begins: the start of a shell would otherwise come between two cues.
  async #open(index) {
    const scene = this.page.cues[index]?.scene;
    for (const cue of this.page.cues) if (cue.scene === scene) await this.sandbox.open(cue);
  }

  // Save the state before the next cue.
  async #save() {
    const { machine } = this.sandbox;
    await this.sandbox.ask(); // no answer is under way then
    const saved = await machine.save();
    const sandbox = this.sandbox.save(), screens = this.screens.save();
    this.states.put(this.at, { ...saved, sandbox, screens, marks: new Map(this.marks), free: this.free });
    await machine.run();
  }

  async #restore(index) {
    const { machine } = this.sandbox, saved = this.states.get(index);
    await machine.stop(); // what it still prints would be taken for what comes later
    if (saved) this.sandbox.restore(saved.sandbox); else this.sandbox.begin();
    this.screens.restore(saved?.screens ?? []);
    this.marks = new Map(saved?.marks);
    Object.assign(this, { at: index, free: saved?.free ?? false, torn: false, clean: !saved });
    await machine.restore(saved ?? machine.first);
    this.changed();
  }
}
