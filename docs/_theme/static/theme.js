// What needs a script: the switches (light or dark, stage directions), the copy buttons, and what unfolds by itself.
'use strict';

const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: dark)');

// Nothing is kept where the browser refuses to: then the choice holds for this page.
function keep(name, value) {
  try { value ? localStorage.setItem(name, value) : localStorage.removeItem(name); } catch { }
}

function whenLoaded(deed) {
  if (document.readyState === 'complete') deed(); else addEventListener('load', deed);
}

// What asks where things are waits until they are there: else the browser has to place all of them at once, and again.
function whenDrawn(deed) {
  requestAnimationFrame(() => setTimeout(deed));
}

// Who chooses what the system has follows the system again.
function switchTheme() {
  const now = root.dataset.theme || (system.matches ? 'dark' : 'light');
  const other = now === 'dark' ? 'light' : 'dark';
  const chosen = other === (system.matches ? 'dark' : 'light') ? '' : other;
  if (chosen) root.dataset.theme = chosen; else delete root.dataset.theme;
  keep('theme', chosen);
}

// A page that one goes back to is shown as it was left: what was chosen since holds there, too.
addEventListener('pageshow', event => {
  for (const name of event.persisted ? ['theme', 'directions'] : []) {
    try { if (localStorage[name]) root.dataset[name] = localStorage[name]; else delete root.dataset[name]; } catch { }
  }
});

// Who reads alone may do without what is said to an instructor.
function addDirectionsSwitch() {
  const title = document.querySelector('main:has(.direction) h1');
  if (!title) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy directions';
  const say = () => { button.textContent = `${root.dataset.directions ? 'Show' : 'Hide'} the stage directions`; };
  button.addEventListener('click', () => {
    if (root.dataset.directions) delete root.dataset.directions; else root.dataset.directions = 'hidden';
    keep('directions', root.dataset.directions);
    say();
  });
  say();
  addEventListener('pageshow', say);
  const minutes = document.querySelector('h1 + .minutes'); // whose line has room for it, so that nothing moves
  if (minutes) minutes.append(button); else title.after(button);
}

// The head of a program, down to its includes, is one line that opens.
function foldHead(listing) {
  const pre = listing.querySelector('pre');
  const lines = pre.textContent.split('\n');
  let last = lines.findLastIndex(line => line.startsWith('#include')) + 1;
  while (lines[last] === '') last++;
  const next = pre.querySelector(`a[id="${listing.id}-${last + 1}"]`);
  if (last < 4 || !next) return;
  const head = document.createElement('span');
  head.className = 'head';
  while (pre.firstChild !== next) head.append(pre.firstChild);
  pre.prepend(head);
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'head-button';
  button.textContent = `Lines 1 to ${last}: licence, description, includes`;
  const fold = folded => {
    pre.classList.toggle('folded', folded);
    pre.style.counterReset = folded ? `line ${last}` : ''; // what is not there is not counted
    button.setAttribute('aria-expanded', !folded);
  };
  button.addEventListener('click', () => fold(!pre.classList.contains('folded')));
  fold(!head.querySelector(':target'));
  pre.before(button);
  listing.addEventListener('unfold', () => fold(false));
}

// A bet on the outcome of a session: whoever has chosen, or has looked, sees what was right.
function addBets(scene) {
  const answers = [...scene.querySelectorAll('.bets li')];
  const outcome = scene.querySelector('details.outcome');
  const show = () => answers.forEach(answer => answer.classList.toggle('right', 'right' in answer.dataset));
  for (const answer of answers) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'bet';
    button.textContent = answer.textContent;
    button.addEventListener('click', () => {
      answer.classList.add('chosen');
      outcome.open = true;
    });
    answer.replaceChildren(button);
  }
  outcome.addEventListener('toggle', () => { if (outcome.open) show(); });
}

// What the address says behind the "#": nothing, if a "%" there is none of an encoding.
function decoded() {
  try { return decodeURIComponent(location.hash.slice(1)); } catch { return ''; }
}

// What an address leads to is open; so is all of a page on paper.
function unfold() {
  const target = document.getElementById(decoded());
  let inside = false;
  for (let node = target; node; node = node.parentElement) {
    if (node.localName === 'details' && !node.open) { node.open = true; inside = true; }
    if (node.className === 'head') { node.closest('.literal-block-wrapper').dispatchEvent(new Event('unfold')); inside = true; }
  }
  if (inside) target.scrollIntoView();
}

// Of a session what is typed at these prompts, without prompts and output; of anything else, all.
function textOf(block, prompts) {
  if (!prompts.length) return block.querySelector('pre').textContent;
  return prompts.map(prompt => {
    let line = '';
    for (let node = prompt.nextSibling; node && !line.includes('\n'); node = node.nextSibling) {
      line += node.textContent;
    }
    return line.split('\n')[0];
  }).join('\n');
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const focused = document.activeElement;
  const area = document.body.appendChild(document.createElement('textarea')); // plain http
  area.value = text;
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  focused.focus();
  if (!done) throw new Error('the browser refuses to copy');
}

// One for each terminal in which something is typed: what waits in one is not to be fed with the next.
function addCopyButtons(block) {
  const copies = document.createElement('span');
  copies.className = 'copies';
  const names = [...block.querySelectorAll('.names b')].map(name => name.dataset.says);
  (names.length ? names : ['']).forEach((name, index) => {
    const prompts = [...block.querySelectorAll(name ? `.in-${index + 1} .gp` : '.gp')];
    if (!prompts.length && block.closest('.highlight-console')) return; // nothing typed
    const button = document.createElement('button');
    button.type = 'button';
    button.className = name ? `copy in-${index + 1}` : 'copy';
    button.append('Copy');
    if (name) {
      const of = document.createElement('span');
      of.className = 'who';
      of.append(` ${name}`);
      button.append(of);
    }
    const say = word => { button.firstChild.data = word; };
    button.addEventListener('click', async () => {
      try { await copy(textOf(block, prompts)); say('Copied'); } catch { say('Failed'); }
      setTimeout(say, 2000, 'Copy');
    });
    copies.append(button);
  });
  const heading = block.querySelector('.names');
  if (heading) heading.after(copies); else block.append(copies);
}

// The number of a line is the link to it: for who points there, as hundreds of stops are in the way of the keyboard.
function linkLines(listing) {
  listing.addEventListener('pointerover', () => {
    for (const line of listing.querySelectorAll('pre a[id]:empty')) {
      line.href = `#${line.id}`;
      line.tabIndex = -1;
      line.ariaHidden = 'true';
    }
  }, { once: true });
}

// The list of contents says where the reader is: at the last title that has passed the upper third of the window.
function followReader(menu) {
  const entries = [...menu.querySelectorAll('a[href^="#"]')]
    .map(link => [link, link.hash && document.getElementById(decodeURIComponent(link.hash.slice(1)))])
    .filter(([, section]) => section);
  let here;
  function follow() {
    const passed = entries.findLast(([, section]) => section.getBoundingClientRect().top < innerHeight / 3)?.[0];
    if (passed === here) return;
    here?.removeAttribute('aria-current');
    here = passed;
    here?.setAttribute('aria-current', 'true');
    const box = here?.getBoundingClientRect(), around = menu.getBoundingClientRect();
    if (box && (box.top < around.top || box.bottom > around.bottom)) menu.scrollTop += box.top - around.top - around.height / 3;
  }
  let asked = false;
  addEventListener('scroll', () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; follow(); });
  }, { passive: true });
  menu.addEventListener('toggle', () => { here?.scrollIntoView({ block: 'center' }); });
  whenLoaded(() => whenDrawn(follow));
}

// What the title of a term says is shown beside it: to the mouse, to the keyboard, and to a finger,
// whose second touch follows the link.
function explainTerms() {
  const box = document.createElement('div');
  if (!box.showPopover) return;
  Object.assign(box, { id: 'term', popover: 'auto', role: 'tooltip' });
  document.body.append(box);
  let shown = null, touched = null;
  function show(link) {
    shown?.removeAttribute('aria-describedby'); // no event tells of an open box that it has another text
    box.textContent = link.dataset.says;
    box.showPopover();
    const { left, top, bottom } = link.getBoundingClientRect();
    const { width, height } = box.getBoundingClientRect();
    box.style.left = `${Math.max(8, Math.min(left, root.clientWidth - width - 8))}px`;
    box.style.top = `${bottom + height > innerHeight ? top - height : bottom}px`;
    link.setAttribute('aria-describedby', box.id);
    shown = link;
  }
  const hide = () => { if (shown && !box.matches(':hover') && !shown.matches(':hover, :focus-visible')) box.hidePopover(); };
  box.addEventListener('toggle', event => {
    if (event.newState === 'open') return;
    shown?.removeAttribute('aria-describedby');
    shown = null;
  });
  box.addEventListener('mouseleave', hide);
  for (const link of document.querySelectorAll('a.term[title]')) {
    link.dataset.says = link.title;
    link.removeAttribute('title');
    link.addEventListener('mouseenter', () => show(link));
    link.addEventListener('focus', () => { if (link.matches(':focus-visible')) show(link); });
    for (const end of ['mouseleave', 'blur']) link.addEventListener(end, () => setTimeout(hide, 150));
    link.addEventListener('pointerdown', event => { touched = event.pointerType === 'touch' && shown !== link ? link : null; });
    link.addEventListener('click', event => {
      if (touched !== link) return;
      event.preventDefault();
      touched = null;
      show(link);
    });
  }
}

// A film, and what plays it, are loaded when somebody wants to see it.
function offerFilm(button) {
  const load = address => new Promise((loaded, failed) => {
    const script = document.createElement('script');
    Object.assign(script, { src: address, onload: loaded, onerror: failed });
    document.head.append(script);
  });
  button.hidden = false;
  button.addEventListener('click', () => {
    button.disabled = true;
    load(button.dataset.player).then(() => load(button.dataset.film)).catch(() => { button.disabled = false; });
  });
}

// What scrolls sideways can be scrolled with the keyboard; what does not is no stop on the way. What is folded
// is asked when it is unfolded: before, it is not laid out, and would have to be.
function reachScrolled() {
  const boxes = [...document.querySelectorAll(':is(pre, table):not(details:not([open]) *)')];
  const wide = boxes.map(box => box.scrollWidth > box.clientWidth); // all are asked before one is changed
  boxes.forEach((box, index) => { if (wide[index]) box.tabIndex = 0; else box.removeAttribute('tabindex'); });
}

function begin() {
  const button = document.querySelector('.theme-button');
  button.hidden = false;
  button.addEventListener('click', switchTheme);
  const menu = document.querySelector('#menu');
  menu.addEventListener('click', event => { if (event.target.closest('a')) menu.hidePopover?.(); });
  followReader(menu);
  explainTerms();
  document.querySelectorAll('div.highlight').forEach(addCopyButtons);
  document.querySelectorAll('.literal-block-wrapper').forEach(linkLines);
  document.querySelectorAll('.literal-block-wrapper[id$=".c"]').forEach(foldHead);
  document.querySelectorAll('.predict').forEach(addBets);
  addDirectionsSwitch();
  document.querySelectorAll('[data-film]').forEach(offerFilm);
  unfold();
  addEventListener('hashchange', unfold);
  addEventListener('toggle', reachScrolled, true);
  whenLoaded(() => whenDrawn(reachScrolled));
  addEventListener('resize', reachScrolled);
}

// The page is drawn first, which this would keep waiting; but not one in which the address leads somewhere:
// there all has to be in its place before.
document.addEventListener('DOMContentLoaded', () => {
  if (location.hash) begin(); else whenDrawn(begin);
});
