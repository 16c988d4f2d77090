// A line over all charts where the pointer is, so that what happened together is seen together.
'use strict';

const plots = [...document.querySelectorAll('.plot:has(svg)')];

function show(share) {
  for (const plot of plots) {
    const line = plot.querySelector('.head') ?? plot.appendChild(document.createElement('i'));
    line.className = 'head';
    line.style.cssText = share === null ? 'display:none'
      : `position:absolute;top:0;bottom:0;left:${share * 100}%;width:1px;`
        + 'background:var(--ink);opacity:.5;pointer-events:none';
  }
}

for (const plot of plots) {
  plot.addEventListener('pointermove', (event) => {
    const box = plot.getBoundingClientRect();
    show((event.clientX - box.left) / box.width);
  });
  plot.addEventListener('pointerleave', () => show(null));
}
