// The panel: the cues of a session, its terminals, and what the kernel sees. It shows; what is done is done by try.js.

import { Console } from './console.js';
import { element } from './element.js';
import { draw } from './kernel.js';

const DEEDS = {
  play: 'Play the next cue', whole: 'Play the whole session', back: 'One cue back', again: 'Begin again',
};

export class Panel {
  // page: what docs/_ext/guest.py tells; press(deed, argument): somebody wants something; type(terminal, text).
  constructor(page, press, type) {
    Object.assign(this, { page, type, consoles: new Map(), scene: page.scenes[0] });
    const button = (deed, text, properties = {}) => element('button', {
      type: 'button', textContent: text, className: deed,
      onclick: ({ currentTarget }) => { if (currentTarget.ariaDisabled !== 'true') press(deed); }, ...properties,
    });
    this.title = element('h2', { tabIndex: -1 });
    this.buttons = {
      before: button('before', '‹', { ariaLabel: 'The session before' }), after: button('after', '›', { ariaLabel: 'The next session' }),
      ...Object.fromEntries(Object.entries(DEEDS).map(([deed, text]) => [deed, button(deed, text)])),
    };
    this.said = element('p', { className: 'said', role: 'status' });
    this.progress = element('progress', { max: 1, value: 0, ariaLabel: 'Loading' });
    this.cues = element('ol', { ariaLabel: 'Cues of this session: press one to play to here', onclick: ({ target }) => {
      const item = target.closest('li');
      if (item && target.closest('button')) press('here', +item.dataset.cue);
    } });
    this.terminals = element('div', { className: 'terminals' });
    this.kernel = element('div', { className: 'kernel' });
    this.element = element('aside', { id: 'try', ariaLabel: 'Try: a Linux in the page' },
      element('div', { className: 'top' },
        element('div', { className: 'bar' }, this.title, this.buttons.before, this.buttons.after,
          button('close', '×', { ariaLabel: 'Close' })),
        element('div', { className: 'deeds', role: 'group', ariaLabel: 'Play' },
          ...Object.keys(DEEDS).map(deed => this.buttons[deed])),
        this.said, this.progress),
      element('div', { className: 'scrolled', tabIndex: -1 }, this.cues, this.terminals,
        element('details', { open: true }, element('summary', {}, 'What the kernel sees'), this.kernel)));
    this.element.addEventListener('keydown', ({ key, isComposing }) => { // with an input method, Escape ends a word
      if (key === 'Escape' && !isComposing) press('close');
    });
  }

  say(text, fails = false) {
    this.said.textContent = text;
    this.said.classList.toggle('fails', fails);
  }

  // How much has been loaded, from 0 to 1; then there is nothing more to be said of it.
  loaded(part) {
    this.progress.value = part;
    this.progress.hidden = part >= 1;
  }

  // The cues of the shown session, [index, cue]; of what is asked for, the outcome is not told before it is there.
  shown(at) {
    const own = [...this.page.cues.entries()].filter(([, cue]) => cue.scene === this.scene.number);
    const { asked } = this.scene;
    return asked === null || at > own[asked][0] ? own : own.slice(0, asked + 1);
  }

  // Draw where the play is: the director knows.
  draw({ at, playing, marks, wanted }) {
    const { number, section } = this.scene, own = [...this.page.cues.entries()].filter(([, cue]) => cue.scene === number);
    const [first, last] = [own[0][0], own.at(-1)[0]], ready = this.progress.hidden;
    this.title.textContent = `Session ${number} of ${this.page.scenes.length}: ${section.replace(/``|\*/g, '')}`;
    const enabled = {
      before: number > 1, after: number < this.page.scenes.length, play: ready && at <= last && !wanted,
      whole: ready && !wanted, back: ready && at > 0, again: ready,
    };
    for (const [deed, button] of Object.entries(this.buttons)) button.ariaDisabled = `${!enabled[deed]}`;
    this.buttons.whole.textContent = at > first && at <= last ? 'Play the rest of it' : DEEDS.whole;
    const shown = new Map(this.shown(at));
    for (const item of [...this.cues.children]) if (!shown.has(+item.dataset.cue)) item.remove();
    for (const [index, cue] of shown) {
      const item = [...this.cues.children].find(({ dataset }) => +dataset.cue === index) ?? this.#item(index, cue);
      this.#mark(item, marks.get(index), index === (playing ?? at));
    }
    const next = this.cues.querySelector('[aria-current]'), { cues } = this;
    if (next) cues.scrollTop = next.offsetTop - cues.offsetTop - (cues.clientHeight - next.offsetHeight) / 2;
    for (const [terminal, console] of this.consoles) {
      console.element.hidden = !own.some(([, cue]) => cue.terminal === terminal.name && cue.root === terminal.root)
        && !terminal.busy;
    }
  }

  #item(index, cue) {
    const said = { run: `${cue.root ? '#' : '$'} ${cue.command}`, key: cue.command, resume: 'goes on' }[cue.kind];
    const item = element('li', {},
      element('div', {}, element('span', { className: 'mark' }),
        element('button', { type: 'button' }, `${cue.terminal === 'main' ? '' : `(${cue.terminal}) `}${said}`)),
      element('p', { className: 'why' }));
    item.dataset.cue = index;
    this.cues.append(item);
    return item;
  }

  // Mark a cue as it went, undefined if it has not been played, or as the next one.
  #mark(item, why, next) {
    const mark = item.querySelector('.mark'), played = why !== undefined;
    item.className = `colour-${this.page.colours[this.page.cues[item.dataset.cue].terminal]}`;
    if (played) item.classList.add(why ? 'failed' : 'held');
    item.ariaCurrent = next ? 'step' : null;
    mark.textContent = played ? (why ? '✗' : '✓') : next ? '▸' : '';
    mark.role = played ? 'img' : null;
    mark.ariaLabel = played ? (why ? 'differs' : 'as the page says') : null;
    item.querySelector('.why').textContent = why ?? '';
  }

  // A terminal has been opened.
  add(terminal) {
    const made = new Console(terminal, this.page.colours[terminal.name] ?? 1, text => this.type(terminal, text));
    this.consoles.set(terminal, made);
    this.terminals.append(made.element);
  }

  // Show where something is typed.
  show(terminal, text) {
    const { element: there } = this.consoles.get(terminal);
    there.scrollIntoView({ block: 'nearest' });
    this.consoles.get(terminal).typed(text);
  }

  // What is seen of the terminals.
  save() {
    return [...this.consoles.values()].map(one => one.save());
  }

  // Terminals have been opened anew, in the order in which they were saved; nothing else is seen any more.
  restore(saved, terminals) {
    for (const [terminal, console] of this.consoles) {
      if (terminals.includes(terminal)) continue;
      console.element.remove();
      this.consoles.delete(terminal);
    }
    saved.forEach((one, index) => this.consoles.get(terminals[index]).restore(one));
  }

  // Draw what the kernel sees, and what each terminal does.
  see(view) {
    for (const [terminal, console] of this.consoles) {
      const state = terminal.gone ? 'ended' : terminal.state();
      const rests = state === 'between two commands' && (terminal.prompted || !terminal.output);
      console.state.textContent = rests ? 'at its prompt' : state;
    }
    draw(this.kernel, view);
  }
}
