// What was chosen holds before the first line is drawn: this stands in the pages, and is no file to wait for.
for (const name of ['theme', 'directions']) {
  try { if (localStorage[name]) document.documentElement.dataset[name] = localStorage[name]; } catch { }
}
