// What the kernel sees, drawn: objects with what is in them, who has them, who sleeps on them; and processes.

import { element } from './element.js';

const KINDS = { shm: 'shared memory', sem: 'semaphore', mq: 'message queue' };
const DRAWN = 20; // messages for which there is room are drawn one by one, up to so many

// The words for what is in an object.
export function contents({ kind, value, size, messages, maximum, unlinked }) {
  const words = [];
  if (value !== undefined) words.push(`value ${value}`);
  if (messages !== undefined) {
    const boxes = maximum <= DRAWN ? `${'■'.repeat(messages)}${'□'.repeat(maximum - messages)} ` : '';
    words.push(`${boxes}${messages} of ${maximum} messages`);
  }
  if (kind === 'shm' && size !== undefined) words.push(`${size} bytes`);
  if (unlinked) words.push('name removed, still in use');
  return words.join(', ');
}

// The words for what a process does.
export function doing({ state, call, on }) {
  if (state === 'stopped' || state === 'ended' || !call) return state;
  return `${state === 'blocked' ? 'blocked' : 'asleep for a time'} in ${call}${on ? ` on ${on}` : ''}`;
}

// Draw a view into an element; what stands there and is the same, stays.
export function draw(box, { objects, processes }) {
  const names = new Map(processes.map(({ pid, terminal, program }) => [pid, terminal || program]));
  const who = pids => [...new Set(pids.map(pid => names.get(pid)))].join(', ') || '–';
  const rows = [
    table('Objects', ['name', 'kind', 'in it', 'who has it', 'asleep on it'], objects.map(one =>
      [one.name, KINDS[one.kind], contents(one), who(one.users), who(one.sleepers)]),
    'No shared memory, no semaphore, no message queue.'),
    table('Processes', ['terminal', 'program', 'PID', 'what it does'], processes.map(one =>
      [one.terminal, one.program, `${one.pid}`, doing(one)]), 'No process but the shells, which wait for a command.'),
  ];
  const now = JSON.stringify([objects, processes]);
  if (box.dataset.drawn === now) return;
  box.dataset.drawn = now;
  box.replaceChildren(...rows);
}

function table(caption, head, rows, nothing) {
  if (!rows.length) return element('p', {}, nothing);
  return element('table', {}, element('caption', {}, caption),
    element('thead', {}, element('tr', {}, ...head.map(text => element('th', { scope: 'col' }, text)))),
    element('tbody', {}, ...rows.map(cells => element('tr', {}, ...cells.map(text => element('td', {}, text))))));
}
