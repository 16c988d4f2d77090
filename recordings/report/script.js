// Jumps: a finding, a picture or a place on a chart sets the player of that person to its second.
'use strict';

const players = new Map();

for (const player of document.querySelectorAll('[data-files]')) {
  const index = player.id.replace('player', '');
  const files = JSON.parse(player.dataset.files);
  const trouble = document.getElementById(`trouble${index}`);
  const one = { player, files, file: files[0], wanted: null };
  players.set(index, one);

  player.addEventListener('loadedmetadata', () => {
    trouble.textContent = '';
    if (one.wanted !== null) player.currentTime = one.wanted;
    one.wanted = null;
  });
  player.addEventListener('timeupdate', () => showHead(one, index));
  player.addEventListener('seeked', () => showHead(one, index));
  player.addEventListener('ended', () => {
    const next = files[files.indexOf(one.file) + 1];
    if (!next) return;
    load(one, next, 0);
    player.play();
  });
  player.addEventListener('error', () => {
    trouble.textContent = 'This browser does not play this file, or it is not beside the page. '
      + 'An export plays everywhere: callbot export DIR --to mp4, then make this report again.';
  });
}

function load(one, file, time) {
  one.file = file;
  one.wanted = time;
  one.player.preload = 'auto';
  one.player.src = file.src;
  one.player.load();
}

// The last file that has begun by then; of several those that still last.
function fileAt(files, at) {
  const begun = files.filter(({ from }) => from <= at);
  return begun.findLast(({ to }) => to > at) ?? begun.at(-1) ?? files[0];
}

function jump(index, at) {
  const one = players.get(index);
  if (!one) return false;
  const file = fileAt(one.files, at);
  const time = Math.max(0, at - file.from);
  if (file === one.file && one.player.readyState > 0) one.player.currentTime = time;
  else load(one, file, time);
  return true;
}

function showHead(one, index) {
  const at = one.file.from + one.player.currentTime;
  for (const plot of document.querySelectorAll(`.plot[data-person="${index}"]`)) {
    const head = plot.querySelector('.head') ?? plot.appendChild(document.createElement('i'));
    head.className = 'head';
    head.style.left = `${(at / kSeconds) * 100}%`;
  }
}

const kSeconds = Number(document.body.dataset.seconds) || 1;

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-at]');
  if (link) {
    if (!jump(link.dataset.person, Number(link.dataset.at))) return;
    event.preventDefault();
    const { player } = players.get(link.dataset.person);
    player.scrollIntoView({ block: 'center' });
    player.focus();
    return;
  }
  const plot = event.target.closest('.plot[data-person]');
  if (!plot) return;
  const box = plot.getBoundingClientRect();
  jump(plot.dataset.person, ((event.clientX - box.left) / box.width) * kSeconds);
});
