// What Sphinx' search finds; this is loaded after its scripts.
'use strict';

// Pages are long: of what the search finds, the sections are named that have all of the words.
const summarise = Search.makeSearchSummary;
Search.makeSearchSummary = (page, words, anchor) => {
  const summary = summarise(page, words, anchor);
  const has = part => [...words].every(word => part.textContent.toLowerCase().includes(word));
  const all = new DOMParser().parseFromString(page, 'text/html').querySelectorAll('main section section');
  const found = [...all].filter(has).filter(part => ![...part.querySelectorAll('section')].some(has));
  if (!summary || anchor || !found.length) return summary;
  queueMicrotask(() => { // when it is in its place
    const link = summary.closest('li').querySelector('a');
    const names = found.slice(0, 5).map(part => {
      const name = document.createElement('a');
      const title = part.querySelector('h2, h3, h4').cloneNode(true);
      title.querySelectorAll('.headerlink').forEach(one => one.remove());
      name.href = `${link.href.split('#')[0]}#${part.id}`;
      name.textContent = title.textContent;
      return name;
    });
    const list = document.createElement('p');
    list.className = 'sections';
    list.append('in ', ...names.flatMap((name, index) => index ? [', ', name] : [name]), found.length > 5 ? ', ...' : '');
    summary.before(list);
  });
  return summary;
};

// From what the search has found to the words in the page.
document.addEventListener('DOMContentLoaded', () => {
  document.querySelector('#search-results').addEventListener('click', event => {
    const link = event.target.closest('a');
    const words = document.querySelector('form.search input').value.trim();
    if (link && !link.hash && words) link.hash = `:~:text=${encodeURIComponent(words).replaceAll('-', '%2D')}`;
  });
});

// The search may not read the other pages from the disk: there it shows their titles alone.
if (location.protocol === 'file:') DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
