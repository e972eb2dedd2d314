
// The Linux in the page: a button at each session; all else is loaded when somebody presses it.
document.addEventListener('DOMContentLoaded', () => {
  if (!root.dataset.tries || typeof WebAssembly !== 'object') return;
  for (const scene of document.querySelectorAll('.scene[id]')) {
    const button = document.createElement('button');
    button.className = 'try';
    button.textContent = 'Try';
    button.ariaLabel = `Try session ${scene.querySelector('.number').dataset.says}`;
    button.addEventListener('click', () => import('./machine/try.js').then(({ open }) => open(scene.id, button)).catch(() => {
      button.ariaLabel = button.textContent = location.protocol === 'file:' ? 'To try this: make serve' : 'Not loaded: try again';
    }));
    scene.firstChild.append(button);
  }
});
