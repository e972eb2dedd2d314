// What needs a script: the switch between light and dark, and the copy buttons.
'use strict';

const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: dark)');

// Nothing is kept where the browser refuses to: then the choice holds for this page.
const store = {
  get theme() { try { return localStorage.getItem('theme'); } catch { return null; } },
  set theme(value) {
    try { value ? localStorage.setItem('theme', value) : localStorage.removeItem('theme'); } catch { }
  },
};

if (store.theme) root.dataset.theme = store.theme; // before the first line is drawn

// Who chooses what the system has follows the system again.
function switchTheme() {
  const now = root.dataset.theme || (system.matches ? 'dark' : 'light');
  const other = now === 'dark' ? 'light' : 'dark';
  const chosen = other === (system.matches ? 'dark' : 'light') ? '' : other;
  if (chosen) root.dataset.theme = chosen; else delete root.dataset.theme;
  store.theme = chosen;
}

// Of a session what is typed, without prompts and output; of anything else, all.
function textOf(block) {
  const prompts = block.querySelectorAll('.gp');
  if (!prompts.length) return block.querySelector('pre').textContent;
  return [...prompts].map(prompt => {
    let line = '';
    for (let node = prompt.nextSibling; node && !line.includes('\n'); node = node.nextSibling) {
      line += node.textContent;
    }
    return line.split('\n')[0];
  }).join('\n');
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.body.appendChild(document.createElement('textarea')); // plain http
  area.value = text;
  area.select();
  document.execCommand('copy');
  area.remove();
}

function addCopyButton(block) {
  if (!block.querySelector('.gp') && block.closest('.highlight-console')) return; // nothing typed
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    try { await copy(textOf(block)); button.textContent = 'Copied'; } catch { button.textContent = 'Failed'; }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
  block.append(button);
}

// What scrolls sideways can be scrolled with the keyboard; what does not is no stop on the way.
function reachScrolled() {
  for (const box of document.querySelectorAll('pre, figure, table')) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute('tabindex');
  }
}

document.addEventListener('DOMContentLoaded', () => {
  const button = document.querySelector('.theme-button');
  button.hidden = false;
  button.addEventListener('click', switchTheme);
  const menu = document.querySelector('#menu');
  menu.addEventListener('click', event => { if (event.target.closest('a')) menu.hidePopover?.(); });
  document.querySelectorAll('div.highlight').forEach(addCopyButton);
  addEventListener('load', reachScrolled);
  addEventListener('resize', reachScrolled);
  // From what the search has found to the words in the page.
  document.querySelector('#search-results')?.addEventListener('click', event => {
    const link = event.target.closest('a');
    const words = document.querySelector('form.search input').value.trim();
    if (link && !link.hash && words) link.hash = `:~:text=${encodeURIComponent(words).replaceAll('-', '%2D')}`;
  });
  // The search may not read the other pages from the disk: there it shows their titles alone.
  if (location.protocol === 'file:' && typeof DOCUMENTATION_OPTIONS === 'object') {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }
});
