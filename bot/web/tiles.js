// tiles.js: the pictures of a call, one tile a person, laid out to fill the stage. A tile shows a
// state and knows no call.

import { hue, icon, initials, make, setText } from './dom.js';

const kGap = 10; // px
const kStripShare = 0.22; // of the stage, for the others beside a big tile
const kWide = [16 / 9, 4 / 3];
const kTall = [4 / 3, 1, 3 / 4];

class Tile {
  element = make('div', 'tile');
  video = make('video');
  #name = make('span', 'tile-name');
  #state = make('span', 'tile-state');
  #mic = icon('mic-off');
  #pin = make('button', 'tile-pin');
  #avatar = make('div', 'avatar');

  constructor(own, onPin, onBlocked) {
    Object.assign(this.video, { autoplay: true, playsInline: true, muted: own });
    this.#pin.type = 'button';
    this.#pin.append(icon('pin'));
    this.#pin.onclick = onPin;
    this.#mic.classList.add('tile-muted');
    const label = make('div', 'tile-label');
    label.append(this.#mic, this.#name);
    this.element.append(this.video, this.#avatar, this.#state, label, this.#pin);
    this.element.ondblclick = onPin;
    this.video.onresize = () => this.element.classList.toggle('tall', this.#isTall());
    this.play = () => this.video.play().catch((error) => {
      if (error.name === 'NotAllowedError') onBlocked();
    });
  }

  show({ name, own, stream: given, video, audio, mirrored, screen, state, pinned }) {
    const stream = given?.getTracks().length ? given : null;
    if (this.video.srcObject !== stream) {
      this.video.srcObject = stream;
      if (stream) this.play();
    }
    const label = own ? `${name} (you)` : name;
    setText(this.#name, screen ? `${label} · screen` : label);
    setText(this.#avatar, initials(name));
    setText(this.#state, state);
    this.element.style.setProperty('--hue', hue(name));
    const classes = this.element.classList;
    classes.toggle('no-video', !video);
    classes.toggle('mirrored', mirrored);
    classes.toggle('screen', screen);
    classes.toggle('muted', !audio);
    classes.toggle('waiting', Boolean(state));
    classes.toggle('pinned', pinned);
    this.#pin.setAttribute('aria-label', pinned ? `Unpin ${name}` : `Pin ${name}`);
    this.#pin.setAttribute('aria-pressed', String(pinned));
  }

  speaking(yes) {
    this.element.classList.toggle('speaking', yes);
  }

  place({ left, top, width, height }) {
    Object.assign(this.element.style, {
      left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px`,
    });
    this.element.classList.toggle('small', width < 220);
  }

  #isTall() {
    return this.video.videoHeight > this.video.videoWidth;
  }
}

// The grid of `count` equal boxes that covers most of the area.
function grid(count, { left, top, width, height }, ratios) {
  let best = { area: 0 };
  for (const ratio of ratios) {
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const w = Math.min((width - kGap * (columns - 1)) / columns,
        ((height - kGap * (rows - 1)) / rows) * ratio);
      if (w * w / ratio > best.area * 1.02) best = { area: w * w / ratio, w, h: w / ratio, columns, rows };
    }
  }
  const { w = 0, h = 0, columns = 1, rows = 1 } = best;
  const y0 = top + (height - rows * h - (rows - 1) * kGap) / 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = Math.min(columns, count - row * columns);
    const x0 = left + (width - inRow * w - (inRow - 1) * kGap) / 2;
    return {
      left: x0 + (i % columns) * (w + kGap), top: y0 + row * (h + kGap), width: w, height: h,
    };
  });
}

export class Tiles {
  #stage;
  #tiles = new Map(); // id -> Tile
  #onBlocked;
  #pinned = '';
  #shown = [];
  #lastBig = '';

  constructor(stage, onBlocked) {
    this.#stage = stage;
    this.#onBlocked = onBlocked;
    new ResizeObserver(() => this.#layout()).observe(stage);
  }

  // `people`: what every tile shows, with its id; tiles of others go.
  show(people) {
    const ids = new Set(people.map(({ id }) => id));
    for (const [id, tile] of this.#tiles) {
      if (ids.has(id)) continue;
      tile.video.srcObject = null;
      tile.element.remove();
      this.#tiles.delete(id);
    }
    if (!ids.has(this.#pinned)) this.#pinned = '';
    for (const person of people) this.#tile(person).show({ ...person, pinned: person.id === this.#pinned });
    const before = this.#shown.map(({ id }) => id).join();
    this.#shown = people;
    if (before !== people.map(({ id }) => id).join() || this.#big() !== this.#lastBig) this.#layout();
  }

  speaking(id, yes) {
    this.#tiles.get(id)?.speaking(yes);
  }

  // After the user's consent to sound.
  playAll() {
    for (const tile of this.#tiles.values()) tile.play();
  }

  #tile({ id, own }) {
    let tile = this.#tiles.get(id);
    if (!tile) {
      tile = new Tile(own, () => this.#pin(id), this.#onBlocked);
      this.#tiles.set(id, tile);
      this.#stage.append(tile.element);
    }
    return tile;
  }

  #pin(id) {
    this.#pinned = this.#pinned === id ? '' : id;
    this.show(this.#shown);
    this.#layout();
  }

  // Who gets most of the stage: the pinned one, else somebody's screen.
  #big() {
    const screen = this.#shown.find((person) => person.screen && !person.own);
    return this.#pinned || screen?.id || '';
  }

  #layout() {
    const { clientWidth, clientHeight } = this.#stage;
    const all = { left: kGap, top: kGap, width: clientWidth - 2 * kGap, height: clientHeight - 2 * kGap };
    if (all.width <= 0 || all.height <= 0) return;
    const big = this.#big();
    this.#lastBig = big;
    const rest = this.#shown.filter(({ id }) => id !== big);
    let area = all;
    if (big) {
      const beside = all.width >= all.height;
      const long = beside ? 'width' : 'height';
      const strip = rest.length ? all[long] * kStripShare : 0;
      const stage = { ...all, [long]: all[long] - strip - (strip ? kGap : 0) };
      area = beside
        ? { ...all, left: all.left + all.width - strip, width: strip }
        : { ...all, top: all.top + all.height - strip, height: strip };
      this.#tiles.get(big).place(stage);
    }
    const boxes = grid(rest.length, area, big || all.width >= all.height ? kWide : kTall);
    rest.forEach(({ id }, i) => this.#tiles.get(id).place(boxes[i]));
  }
}
