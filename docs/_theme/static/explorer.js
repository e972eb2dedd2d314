// An explorer: states that were recorded from real processes, each under the word that leads there.
// The reader says who goes next; the word is in the address, so that it can be sent to somebody.
'use strict';

function explore(box, index) {
  const { objects, states, processes, lines } = JSON.parse(box.querySelector('script').textContent);
  const letters = processes.map((_, number) => String.fromCharCode(65 + number));
  const words = Object.keys(states);
  const ends = word => words.filter(other => other.startsWith(word) && states[other].end);
  const address = `#${index ? `${box.dataset.label}-` : ''}`; // of the first one, the word alone
  const said = box.querySelector('.said');
  let word = '';

  // What the last step has done, at the line where its process stood; and who cannot go on.
  function past() {
    const who = letters.indexOf(word.at(-1)), place = states[word.slice(0, -1)].at[who], now = states[word].at[who];
    const done = isBlocked(now) ? ''
      : ` ${letters[who]} has done ${lines[processes[who]][place]}${line(now) ? `, and comes to line ${line(now)}` : ''}.`;
    return `${word}:${done} `;
  }

  const isBlocked = place => place.startsWith('[');
  const line = place => place.match(/^\[?(\d+)/)?.[1];

  function others() {
    return states[word].at.map((place, who) => isBlocked(place) ? `${letters[who]} is ${place.replace(/^\S+ /, '')}. `
      : line(place) ? '' : `${letters[who]} has ${place}. `).join('');
  }

  function prospects() {
    const all = ends(word), right = all.filter(other => states[other].end === 'right').length;
    if (states[word].end === 'deadlock') return 'Nobody can go on: a deadlock.';
    if (states[word].end) return `This end is ${states[word].end}${states[word].end === 'wrong' ? instead() : ''}.`;
    if (all.length === 1) return `The only order from here goes ${right ? 'right' : 'wrong'}.`;
    if (right === all.length) return `All ${right} orders from here go right.`;
    return `${right || 'None'} of the ${all.length} orders from here go${right > 1 ? '' : 'es'} right.`;
  }

  // What the first object has where all is right.
  function instead() {
    const values = new Set(words.filter(other => states[other].end === 'right').map(other => states[other].values[0]));
    return values.size === 1 && !values.has(states[word].values[0]) ? `: ${objects[0].name} should be ${[...values]}` : '';
  }

  function show() {
    const { at, values, end } = states[word];
    said.textContent = (word ? past() : '') + others() + prospects();
    box.dataset.end = end ?? '';
    for (const row of box.querySelectorAll('.row')) {
      const here = letters.filter((_, who) => row.dataset.row === `${processes[who]}:${line(at[who])}`);
      row.classList.toggle('at', here.length > 0);
      row.firstChild.replaceChildren(...here.map(letter => {
        const pointer = document.createElement('b');
        const who = letters.indexOf(letter);
        pointer.className = `colour-${who + 1}${isBlocked(at[who]) ? ' blocked' : ''}`;
        pointer.textContent = letter;
        return pointer;
      }));
    }
    box.querySelector('.values').replaceChildren(...objects.map(({ name, kind }, number) => {
      const item = document.createElement('li');
      const tokens = kind === 'semaphore' ? '\u25cf'.repeat(values[number]) : '';
      item.className = kind;
      item.append(`${name} `, Object.assign(document.createElement('b'), { textContent: `${values[number]}` }), ` ${tokens}`);
      return item;
    }));
    for (const button of box.querySelectorAll('[data-deed]')) button.ariaDisabled = String(next(button.dataset.deed) === word);
  }

  // Where a deed leads from here; to here, if it cannot be done.
  function next(deed) {
    if (deed === 'undo') return word.slice(0, -1);
    if (deed === 'again') return '';
    if (deed === 'wrong') return ends(word).find(other => states[other].end !== 'right') ?? word;
    return states[word + deed] ? word + deed : word;
  }

  function go(to) {
    word = to;
    show();
    history.replaceState(null, '', address + (word || (index ? '' : '-')));
  }

  function obey() {
    const hash = `#${decoded()}`; // of the other script
    const to = hash.startsWith(address) ? hash.slice(address.length) : null;
    if (to === null || !Object.hasOwn(states, to) || !to) return;
    word = to;
    show();
    box.scrollIntoView({ block: 'center' });
  }

  box.hidden = false;
  box.addEventListener('click', event => {
    const deed = event.target.dataset.deed;
    if (deed) go(next(deed));
  });
  box.addEventListener('keydown', event => {
    const deed = { u: 'undo' }[event.key] ?? event.key.toUpperCase();
    if (!event.ctrlKey && !event.metaKey && !event.altKey && (deed === 'undo' || letters.includes(deed))) go(next(deed));
  });
  addEventListener('hashchange', obey);
  show();
  obey();
}

document.addEventListener('DOMContentLoaded', () => { // when the other script has folded what it folds
  document.querySelectorAll('.explorer').forEach(explore);
});
