// Plays the film of a show, which calls film() with its lines: an asciicast, see stage/perform/film.py.
// All that it draws is whole rows, with their colours, and where the cursor is; so no terminal is needed here.
'use strict';

const ROW = /\x1b\[(\d+);1H([^]*?)\x1b\[m\x1b\[K/g;
const CURSOR = /\x1b\[(\d+);(\d+)H\x1b\[\?25([hl])$/;
const STYLE = /\x1b\[([\d;:]*)m/;
const SPEEDS = [0.5, 1, 2, 4];
// The eight colours that have names, on a light ground and on a dark one.
const LIGHT = ['#000', '#b3261e', '#146c2e', '#7a5900', '#0b57d0', '#8430ce', '#006877', '#555'];
const DARK = ['#888', '#ff8a80', '#7ee787', '#e3b341', '#79c0ff', '#d2a8ff', '#76e3ea', '#fff'];
const TOGETHER = 0.1; // seconds within which captions belong to each other

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const minutes = seconds => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

// A number of 256 colours: 16 of its own, a cube of 6 by 6 by 6, greys. See the list of control sequences of xterm.
function colour(number) {
  if (number < 16) return `light-dark(${LIGHT[number % 8]}, ${DARK[number % 8]})`;
  if (number > 231) return `rgb(${[1, 1, 1].map(() => 8 + 10 * (number - 232))})`;
  return `rgb(${[36, 6, 1].map(step => Math.floor((number - 16) / step) % 6).map(level => level && 55 + 40 * level)})`;
}

// What a sequence of SGR (ECMA-48) makes of a style.
function styled(style, codes) {
  const now = { ...style }, left = codes.split(/[;:]/).map(Number);
  while (left.length) {
    const code = left.shift();
    const part = code >= 40 && code < 50 || code >= 100 ? 'background' : 'color';
    if (!code) for (const name of Object.keys(now)) delete now[name];
    else if (code === 1) now.fontWeight = 'bold';
    else if (code === 4) now.textDecoration = 'underline';
    else if (code === 7) now.reverse = true;
    else if (code === 27) delete now.reverse;
    else if (code === 22) delete now.fontWeight;
    else if (code === 24) delete now.textDecoration;
    else if (code === 39) { delete now.color; delete now.textDecoration; }
    else if (code === 49) delete now.background;
    else if (code % 10 === 8) {
      // Any colour may be too faint for letters on this ground; as in the page, it is below them.
      const chosen = left.shift() === 5 ? colour(left.shift()) : `rgb(${left.splice(0, 3)})`;
      now[code === 38 ? 'textDecoration' : part] = code === 38 ? `underline 0.2em ${chosen}` : chosen;
    }
    else if (code >= 30) now[part] = colour(code % 10);
  }
  return now;
}

// The children of a row: texts, and elements where they have a style; the cursor is in this column, if it is here.
function drawn(row, column) {
  const [first, ...rest] = row.split(STYLE), parts = [[{}, first]];
  for (let index = 0; index < rest.length; index += 2) {
    parts.push([styled(parts.at(-1)[0], rest[index]), rest[index + 1]]);
  }
  let at = 0;
  const found = [];
  const add = (style, text) => {
    if (!text) return;
    const { reverse, ...others } = style;
    const span = Object.keys(style).length ? element('span', { className: reverse ? 'reverse' : '' }, text) : text;
    if (span !== text) Object.assign(span.style, others);
    found.push(span);
  };
  const length = parts.reduce((sum, [, text]) => sum + [...text].length, 0);
  parts.push([{}, ' '.repeat(Math.max(0, column + 1 - length))]); // the cursor stands behind the text
  for (const [style, text] of parts) {
    const letters = [...text], here = column - at;
    if (here >= 0 && here < letters.length) {
      add(style, letters.slice(0, here).join(''));
      found.push(element('span', { className: 'cursor' }, letters[here]));
      add(style, letters.slice(here + 1).join(''));
    } else add(style, text);
    at += letters.length;
  }
  return found;
}

function film([{ width, height, title }, ...events]) {
  const box = document.querySelector('.film');
  const end = events.at(-1)[0], chapters = events.filter(([, code]) => code === 'm');
  const rows = Array.from({ length: height }, () => element('div'));
  const play = element('button', { type: 'button', className: 'play' });
  const slider = element('input', { type: 'range', max: end, step: 1, value: 0, ariaLabel: 'Time' });
  const clock = element('span', { className: 'clock' });
  const sections = element('select', { ariaLabel: 'Section' },
    ...chapters.map(([when, , text]) => new Option(text, when)));
  const speeds = element('select', { ariaLabel: 'Speed' },
    ...SPEEDS.map(speed => new Option(`${speed} ×`, speed, false, speed === 1)));
  const whole = element('button', { type: 'button', textContent: 'Full screen', hidden: !document.fullscreenEnabled });
  const captions = element('div', { className: 'captions' });
  const screen = element('pre', { tabIndex: 0, ariaLabel: `What is seen of ${title}` }, ...rows);
  let time = 0, next = 0, ticking = 0, texts = [], cursor = [-1, -1], caption = [0, []];

  // Show the film as it is at this time.
  function show(now) {
    let dirty = new Set([cursor[0]]), before = caption[1];
    if (now < time) {
      [next, texts, caption, cursor, dirty] = [0, [], [0, []], [-1, -1], new Set(rows.keys())];
    }
    for (time = now; next < events.length && events[next][0] <= now; next++) {
      const [when, code, text] = events[next];
      if (code === 'c') caption = when - caption[0] < TOGETHER ? [caption[0], [...caption[1], text]] : [when, [text]];
      if (code === 'm') [sections.value, caption] = [when, [0, []]];
      if (code !== 'o') continue;
      for (const [, row, line] of text.matchAll(ROW)) {
        texts[row - 1] = line;
        dirty.add(row - 1);
      }
      const [, row, column, seen] = text.match(CURSOR) ?? [];
      if (row) cursor = seen === 'h' ? [row - 1, column - 1] : [-1, -1];
    }
    dirty.add(cursor[0]);
    for (const row of dirty) rows[row]?.replaceChildren(...drawn(texts[row] ?? '', row === cursor[0] ? cursor[1] : -1));
    if (caption[1] !== before) captions.replaceChildren(...caption[1].map(text => element('p', {}, text)));
    slider.value = now;
    slider.ariaValueText = clock.textContent = `${minutes(now)} of ${minutes(end)}`;
  }

  function run(on) {
    cancelAnimationFrame(ticking);
    ticking = 0;
    play.textContent = on ? 'Pause' : 'Play';
    if (on && time >= end) show(0);
    let last = performance.now();
    const step = now => {
      show(Math.min(time + Math.max(now - last, 0) / 1000 * speeds.value, end));
      last = now;
      if (time < end) ticking = requestAnimationFrame(step); else run(false);
    };
    if (on) ticking = requestAnimationFrame(step);
  }

  function chapter(step) {
    const starts = chapters.map(([when]) => when);
    show(step > 0 ? starts.find(when => when > time) ?? end : starts.findLast(when => when < time - 1) ?? 0);
  }

  const keys = {
    ' ': () => run(!ticking), '[': () => chapter(-1), ']': () => chapter(1), f: () => whole.click(),
    '<': () => { speeds.selectedIndex = Math.max(speeds.selectedIndex - 1, 0); },
    '>': () => { speeds.selectedIndex = Math.min(speeds.selectedIndex + 1, SPEEDS.length - 1); },
  };
  box.addEventListener('keydown', event => {
    if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest('button, select, a') && event.key === ' ') return; // it presses that
    event.preventDefault();
    keys[event.key]();
  });
  play.addEventListener('click', () => run(!ticking));
  slider.addEventListener('input', () => show(+slider.value));
  sections.addEventListener('change', () => show(+sections.value));
  whole.addEventListener('click', () => {
    if (document.fullscreenElement) document.exitFullscreen(); else box.requestFullscreen();
  });

  box.replaceChildren(screen, captions,
    element('p', { className: 'controls' }, play, slider, clock, sections, speeds, whole),
    element('p', { className: 'hint' }, 'Space: play or pause. [ and ]: the section before, the next one. '
      + '< and >: slower, faster. f: full screen.'));
  const fit = () => {
    screen.style.fontSize = '20px';
    rows[0].replaceChildren('m'.repeat(width)); // measured, for fonts differ
    const range = document.createRange();
    range.selectNodeContents(rows[0]);
    const scale = (screen.clientWidth - 16) / range.getBoundingClientRect().width;
    screen.style.fontSize = `${Math.max(20 * scale, 6)}px`;
    rows[0].replaceChildren(...drawn(texts[0] ?? '', cursor[0] === 0 ? cursor[1] : -1));
  };
  new ResizeObserver(fit).observe(box);
  fit();
  show(0);
  run(true);
  play.focus();
}
