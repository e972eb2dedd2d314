// Put into each page by docs/_serve/server.py: loads it again when there is a newer one,
// and shows what is wrong with the sources above the last good one.
'use strict';

const page = document.currentScript.dataset.built;
let box, source;

// A browser has six connections to one server, and may have more pages open: those that are seen listen.
function listen() {
  source?.close();
  if (document.hidden) return;
  source = new EventSource('/-serve');
  source.onmessage = show;
}

function show(event) {
  const {built, error} = JSON.parse(event.data);
  if (built !== page) {
    location.reload();
    return;
  }
  box?.remove();
  if (!error) return;
  box = document.body.appendChild(document.createElement('pre'));
  box.id = 'serve-error';
  box.setAttribute('role', 'alert');
  box.tabIndex = 0; // to scroll it with the keyboard
  box.textContent = error;
  Object.assign(box.style, {
    position: 'fixed', inset: 'auto 0 0 0', zIndex: 1000, maxHeight: '60vh', margin: 0, padding: '1em',
    overflow: 'auto', whiteSpace: 'pre-wrap', color: '#fff', background: '#7a0012',
  });
}

document.addEventListener('visibilitychange', listen);
listen();
