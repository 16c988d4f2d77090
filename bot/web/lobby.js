// lobby.js: before and after a call: room, name, camera and microphone.

import { $, make, setIcon, setText } from './dom.js';
import { Meter } from './meter.js';

const kLongest = 64; // code points
const kMeterEvery = 80; // ms
const kForbidden = /[\p{Cc}/]|(?![\u200c\u200d])\p{Cf}/u; // joiners are part of words and emoji

function problemWith(what, text) {
  if (!text) return `Type ${what}.`;
  if ([...text].length > kLongest) return `That is too long: at most ${kLongest} characters for ${what}.`;
  if (kForbidden.test(text)) {
    return `${what[0].toUpperCase()}${what.slice(1)} must not contain “/” or invisible characters.`;
  }
  if (text === '.' || text === '..') return `“${text}” does not work for ${what}.`;
  return '';
}

export class Lobby {
  #media;
  #meter = new Meter();
  #timer = 0;
  #wanted = { audio: true, video: true };

  // on: join({room, name, refused})
  constructor(media, { room, name, audio, video }, on) {
    this.#media = media;
    this.#wanted = { audio, video };
    $('room').value = room;
    $('name').value = name || localStorage.getItem('callbot.name') || '';
    $('join').onsubmit = (event) => {
      event.preventDefault();
      this.#submit(on);
    };
    $('lobby-mic').onclick = () => media.setMicrophone(!media.audioOn);
    $('lobby-camera').onclick = () => media.setCamera(!media.videoOn);
    for (const kind of ['audio', 'video']) {
      $(`choose-${kind}`).onchange = (event) => media.choose(kind, event.target.value);
    }
  }

  async open() {
    document.title = 'callbot';
    $('lobby').hidden = false;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#showLevel(), kMeterEvery);
    ($('room').value ? $('name') : $('room')).focus();
    this.show();
    await this.#media.open(this.#wanted);
    setText($('preview-text'), 'Camera is off');
    await this.#listDevices();
  }

  close() {
    $('lobby').hidden = true;
    clearInterval(this.#timer);
    this.#meter.listen(null);
    $('preview').srcObject = null;
    this.#wanted = { audio: this.#media.audioOn, video: this.#media.videoOn };
  }

  get isOpen() {
    return !$('lobby').hidden;
  }

  show() {
    const { audioOn, videoOn } = this.#media;
    $('lobby-mic').setAttribute('aria-pressed', String(audioOn));
    setIcon($('lobby-mic'), audioOn ? 'mic' : 'mic-off');
    $('lobby-camera').setAttribute('aria-pressed', String(videoOn));
    setIcon($('lobby-camera'), videoOn ? 'cam' : 'cam-off');
    $('preview-text').hidden = videoOn;
    // Not before there is a picture: the page counts as loading while a player waits for one.
    const shown = videoOn ? this.#media.stream : null;
    if ($('preview').srcObject !== shown) $('preview').srcObject = shown;
    this.#meter.listen(this.#media.microphone);
    const label = {
      truetrue: 'Join with camera and microphone', truefalse: 'Join with microphone',
      falsetrue: 'Join with camera, muted', falsefalse: 'Join to watch and listen',
    };
    setText($('join-button'), label[`${audioOn}${videoOn}`]);
  }

  notice(text) {
    const old = $('lobby-notice').textContent;
    if (!old.includes(text)) setText($('lobby-notice'), old ? `${old} ${text}` : text);
  }

  error(text) {
    setText($('lobby-error'), text);
  }

  busy(yes) {
    $('join-button').disabled = yes;
    if (yes) setText($('join-button'), 'Joining…');
    else this.show();
  }

  #submit(on) {
    const room = $('room').value.trim();
    const name = $('name').value.trim();
    const wrong = { room: problemWith('a room', room), name: problemWith('a name', name) };
    for (const field of ['room', 'name']) $(field).setAttribute('aria-invalid', String(Boolean(wrong[field])));
    this.error(wrong.room || wrong.name);
    if (wrong.room) return $('room').focus();
    if (wrong.name) return $('name').focus();
    localStorage.setItem('callbot.name', name);
    on.join({ room, name, refused: $('lobby-norecord').checked });
  }

  #showLevel() {
    $('meter').style.transform = `scaleX(${Math.min(1, this.#meter.level() * 4)})`;
  }

  async #listDevices() {
    const devices = await this.#media.list();
    for (const kind of ['audio', 'video']) {
      const select = $(`choose-${kind}`);
      const options = devices[kind].map((device, i) => {
        const option = make('option', '', device.label || `Device ${i + 1}`);
        option.value = device.deviceId;
        return option;
      });
      select.disabled = options.length === 0;
      select.replaceChildren(...(options.length ? options : [make('option', '', 'None found')]));
      const used = this.#media.track(kind)?.getSettings().deviceId;
      if (used) select.value = used;
    }
  }
}
