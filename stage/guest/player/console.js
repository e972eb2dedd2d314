// A terminal in the page: what it has printed, a line to type into, and the keys that a telephone has not.

import { PROMPT2 } from './printed.js';
import { element } from './element.js';

const MARKS = /\x01(\d+)\x02|\x03/;
const UNFINISHED = /\x01\d*$/; // the rest of a mark is still to come
const MOST = 2000; // pieces that are kept on the screen
const KEYS = { C: 'interrupt', D: 'end of input', Z: 'stop' };

export class Console {
  // What it is of: {name, root}, as in the page; its colour there; type(text): somebody has typed.
  constructor({ name, root }, colour, type) {
    this.type = type;
    this.sign = root ? '#' : '$';
    this.pieces = []; // [class, text]
    this.rest = '';
    this.prompted = true;
    const whose = root ? `${name}, root` : name;
    this.log = element('pre', { role: 'log', tabIndex: 0, ariaLabel: `Output of ${whose}` });
    Object.assign(this, { follows: true, end: 0 }); // who has scrolled back from the end that was shown reads there
    this.log.addEventListener('scroll', () => { this.follows = this.log.scrollTop > this.end - 8; });
    this.input = element('input', {
      ariaLabel: `Type into ${whose}`, maxLength: 1000, autocomplete: 'off', autocapitalize: 'off', spellcheck: false, enterKeyHint: 'send',
    });
    this.input.setAttribute('autocorrect', 'off');
    this.state = element('span', { className: 'state' });
    this.prompt = element('span', { ariaHidden: 'true', className: 'gp' }, this.sign);
    const keys = Object.entries(KEYS).map(([key, deed]) => element('button', {
      type: 'button', ariaLabel: `Control ${key} in ${whose}: ${deed}`, onclick: () => this.#press(key),
    }, `^${key}`));
    const form = element('form', { onsubmit: event => this.#submit(event) }, this.prompt, this.input, ...keys);
    this.element = element('section', { className: `terminal colour-${colour}`, ariaLabel: `Terminal ${whose}` },
      element('div', { className: 'name' }, element('b', {}, whose), this.state), this.log, form);
    this.input.addEventListener('keydown', event => this.#key(event));
  }

  #submit(event) {
    event.preventDefault();
    const line = this.input.value;
    this.input.value = '';
    this.typed(line);
    this.type(`${line}\n`);
  }

  #press(key) {
    this.typed(`^${key}`);
    this.type(String.fromCharCode(key.charCodeAt(0) & 0x1f));
  }

  #key(event) {
    const key = event.key.toUpperCase();
    if (!event.ctrlKey || event.altKey || event.metaKey || !KEYS[key]) return;
    if (this.input.selectionStart !== this.input.selectionEnd) return; // that is copied
    event.preventDefault();
    this.#press(key);
  }

  // Show what is typed; a key looks different from a command.
  typed(text) {
    if (/^\^[A-Z\\]$/.test(text)) this.#add('key', `${text}\n`);
    else {
      const [first, ...more] = text.split('\n');
      this.#add('typed', `${this.prompted ? `${this.sign} ` : ''}${[first, ...more.map(line => `> ${line}`)].join('\n')}\n`);
    }
    this.#ask('');
  }

  // Show what is printed; a prompt with another status than 0 says it, as the page does.
  printed(text) {
    let left = this.rest + text.replaceAll('\r', '');
    this.rest = left.match(UNFINISHED)?.[0] ?? '';
    left = left.slice(0, left.length - this.rest.length);
    for (let mark; (mark = left.match(MARKS)); left = left.slice(mark.index + mark[0].length)) {
      this.#add('', left.slice(0, mark.index));
      if (mark[0] === PROMPT2) continue;
      const last = this.pieces.at(-1)?.[1] ?? '\n';
      if (+mark[1]) this.#add('note', `${last.endsWith('\n') ? '' : '\n'}[${mark[1]}]\n`);
      else if (!last.endsWith('\n')) this.#add('', '\n');
      this.#ask(this.sign);
    }
    this.#add('', left);
  }

  #ask(sign) {
    this.prompted = Boolean(sign);
    this.prompt.textContent = sign || '\u00a0';
  }

  #add(kind, text) {
    if (!kind && this.pieces.at(-1)?.[0] === 'key') text = text.replace(/^\n/, ''); // a key is on a line of its own already
    if (!text) return;
    this.pieces.push([kind, text]);
    this.log.append(kind ? element('span', { className: kind }, text) : text);
    if (this.pieces.length > MOST) {
      this.pieces.shift();
      this.log.firstChild.remove();
    }
    // When the next picture is drawn: to ask for each piece where the end is has the page laid out for each.
    this.drawn ??= requestAnimationFrame(() => {
      this.drawn = null;
      if (!this.follows) return;
      this.log.scrollTop = this.log.scrollHeight;
      this.end = this.log.scrollTop;
    });
  }

  save() {
    return { pieces: [...this.pieces], rest: this.rest, prompted: this.prompted };
  }

  restore({ pieces, rest, prompted }) {
    Object.assign(this, { pieces: [], follows: true, end: 0 });
    this.log.replaceChildren();
    for (const [kind, text] of pieces) this.#add(kind, text);
    this.rest = rest;
    this.#ask(prompted ? this.sign : '');
  }
}
