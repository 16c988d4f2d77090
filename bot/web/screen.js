// screen.js: what a call looks like: the stage, the bar above it, the controls below. Draws a call
// as it is; draws at most once a frame, however often something changed.

import { $, make, setIcon, setText } from './dom.js';
import { Meter } from './meter.js';
import { Panel } from './panel.js';
import { Tiles } from './tiles.js';

const kLevelEvery = 150; // ms
const kSpeaking = 0.02; // of full scale
const kHold = 500; // ms that somebody still counts as speaking after a pause
const kToast = 6000;

const kConnection = {
  new: 'connecting', connecting: 'connecting', connected: 'connected',
  disconnected: 'interrupted', failed: 'trying again', closed: 'closed',
};

function detail({ member, leg, stats }) {
  const parts = [kConnection[leg?.state ?? 'new']];
  if (member.recorder) parts.unshift('recorder');
  const trip = stats.last?.roundTripMs;
  if (leg?.state === 'connected' && trip !== null && trip !== undefined) parts.push(`${trip} ms`);
  return parts.join(' · ');
}

function facts({ leg, stats }) {
  if (leg?.state !== 'connected') return '';
  const { inboundVideo: video, inboundKbps } = stats.last ?? {};
  const parts = [];
  if (video?.width && video.framesPerSecond) {
    parts.push(`${video.width}×${video.height}`, `${Math.round(video.framesPerSecond)} fps`);
    parts.push(video.codec.toUpperCase());
  }
  if (inboundKbps >= 1000) parts.push(`${(inboundKbps / 1000).toFixed(1)} Mbit/s`);
  else if (inboundKbps >= 1) parts.push(`${Math.round(inboundKbps)} kbit/s`);
  return parts.join(' · ');
}

export class Screen {
  #media;
  #call = null;
  #meter = new Meter();
  #tiles;
  #panel;
  #drawing = false;
  #spoke = new Map(); // id -> when last heard
  #timer = 0;

  // on: say(text), send(file), refuse(yes), leave()
  constructor(media, on) {
    this.#media = media;
    this.#panel = new Panel(on);
    this.#tiles = new Tiles($('stage'), () => { $('hear').hidden = false; });
    $('hear').onclick = () => {
      $('hear').hidden = true;
      this.#tiles.playAll();
    };
    $('mic').onclick = () => media.setMicrophone(!media.audioOn);
    $('camera').onclick = () => media.setCamera(!media.camera);
    $('screen').onclick = () => media.setScreen(!media.screen);
    $('screen').hidden = !media.canShare;
    $('norecord').onclick = () => on.refuse(!this.#call.refused);
    $('leave').onclick = () => on.leave();
    $('copy-link').onclick = () => this.#copyLink();
    this.#wireDrop(on);
    this.#wireKeys();
  }

  open(call) {
    this.#call = call;
    document.title = `${call.room} · callbot`;
    setText($('room-title'), call.room);
    $('hear').hidden = true;
    $('call').hidden = false;
    this.#panel.reset();
    this.#timer = setInterval(() => this.#listen(), kLevelEvery);
    this.draw();
  }

  close() {
    this.#call = null;
    $('call').hidden = true;
    clearInterval(this.#timer);
    this.#meter.listen(null);
    this.#tiles.show([]);
  }

  get isOpen() {
    return Boolean(this.#call);
  }

  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    // A page in the background gets no animation frames, but its member list should be right.
    const draw = () => {
      this.#drawing = false;
      if (this.#call) this.#draw();
    };
    if (document.hidden) setTimeout(draw, 200);
    else requestAnimationFrame(draw);
  }

  chat(entry) {
    this.#panel.message(entry);
    if (!entry.own && this.#panel.shown !== 'chat') this.toast(`${entry.from}: ${entry.text}`);
  }

  transfer(transfer) {
    this.#panel.transfer(transfer);
  }

  event(text) {
    this.#panel.note(text);
    this.toast(text);
  }

  toast(text) {
    const element = make('div', 'toast', text);
    $('toasts').append(element);
    while ($('toasts').children.length > 3) $('toasts').firstChild.remove();
    setTimeout(() => element.remove(), kToast);
  }

  #draw() {
    const call = this.#call;
    const others = [...call.peers.values()];
    const people = others.filter(({ member }) => !member.recorder);
    this.#tiles.show([this.#ownTile(), ...people.map((peer) => this.#tile(peer))]);
    this.#panel.showPeople([this.#ownRow(), ...others.map((peer) => this.#row(peer))]);
    $('alone').hidden = people.length > 0;
    this.#drawBar(call, others);
    this.#drawControls(call);
  }

  #ownTile() {
    const { audioOn, videoOn, videoSource, stream } = this.#media;
    return {
      id: 'own', name: this.#call.name, own: true, stream, video: videoOn, audio: audioOn,
      mirrored: videoSource === 'camera', screen: videoOn && videoSource === 'screen', state: '',
    };
  }

  #tile({ member, leg }) {
    const connected = leg?.state === 'connected';
    return {
      id: member.id, name: member.name, own: false, stream: leg?.stream ?? null, mirrored: false,
      video: connected && member.video !== 'off' && leg.stream.getVideoTracks().length > 0,
      audio: member.audio !== 'off', screen: member.video !== 'off' && member.videoSource === 'screen',
      state: leg && !connected ? `${kConnection[leg.state]}…` : '',
    };
  }

  #ownRow() {
    const { audioOn, videoOn, videoSource } = this.#media;
    const up = this.#call.phase === 'live';
    return {
      id: 'own', name: this.#call.name, own: true, recorder: false, audio: audioOn, video: videoOn,
      screen: videoOn && videoSource === 'screen', refused: this.#call.refused,
      connection: up ? 'connected' : 'connecting', detail: up ? 'in the room' : 'reconnecting', facts: '',
    };
  }

  #row(peer) {
    const { member, leg } = peer;
    return {
      id: member.id, name: member.name, own: false, recorder: member.recorder,
      audio: member.audio !== 'off', video: member.video !== 'off',
      screen: member.video !== 'off' && member.videoSource === 'screen',
      refused: member.recording === 'refused', connection: leg?.state ?? 'new',
      detail: detail(peer), facts: facts(peer),
    };
  }

  #drawBar(call, others) {
    const recorders = others.filter(({ member }) => member.recorder);
    $('rec').hidden = recorders.length === 0;
    $('rec').classList.toggle('refused', call.refused);
    setText($('rec-who'), call.refused ? 'without you' : '');
    $('rec').title = recorders.map(({ member }) => member.name).join(', ');
    const status = { joining: 'Joining…', reconnecting: 'Connection to the server lost, reconnecting…' };
    setText($('status'), status[call.phase] ?? '');
  }

  #drawControls(call) {
    const { audioOn, camera, screen, microphone } = this.#media;
    const set = (id, on, name, label) => {
      $(id).setAttribute('aria-pressed', String(on));
      $(id).setAttribute('aria-label', label);
      $(id).title = label;
      if (name) setIcon($(id), name);
    };
    set('mic', audioOn, audioOn ? 'mic' : 'mic-off', audioOn ? 'Mute (M)' : 'Unmute (M)');
    set('camera', Boolean(camera), camera ? 'cam' : 'cam-off', camera ? 'Camera off (V)' : 'Camera on (V)');
    set('screen', Boolean(screen), '', screen ? 'Stop sharing (S)' : 'Share your screen (S)');
    $('norecord').setAttribute('aria-checked', String(call.refused));
    $('norecord').title = call.refused ? 'You asked not to be recorded' : 'Ask not to be recorded';
    this.#meter.listen(microphone);
  }

  // Who speaks.
  #listen() {
    if (!this.#call) return;
    const now = performance.now();
    const hear = (id, level) => {
      if (level > kSpeaking) this.#spoke.set(id, now);
      this.#tiles.speaking(id, now - (this.#spoke.get(id) ?? -kHold) < kHold);
    };
    hear('own', this.#media.audioOn ? this.#meter.level() : 0);
    for (const [id, { member, leg }] of this.#call.peers) {
      if (!member.recorder) hear(id, member.audio === 'off' ? 0 : (leg?.level() ?? 0));
    }
  }

  async #copyLink() {
    const url = new URL(location.href);
    url.search = '';
    url.searchParams.set('room', this.#call.room);
    try {
      await navigator.clipboard.writeText(url.href);
      this.toast('Link copied');
    } catch {
      this.toast(url.href);
    }
  }

  #wireDrop(on) {
    const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
    const show = (yes) => { $('drop').hidden = !yes; };
    window.addEventListener('dragover', (event) => {
      if (!this.#call || !carriesFiles(event)) return;
      event.preventDefault();
      show(true);
    });
    window.addEventListener('dragleave', (event) => {
      if (!event.relatedTarget) show(false);
    });
    window.addEventListener('drop', (event) => {
      if (!this.#call || !carriesFiles(event)) return;
      event.preventDefault();
      show(false);
      for (const file of event.dataTransfer.files) on.send(file);
      this.#panel.open('chat', false);
    });
  }

  #wireKeys() {
    const keys = { m: 'mic', v: 'camera', s: 'screen', c: 'show-chat', p: 'show-people' };
    window.addEventListener('keydown', (event) => {
      const typing = event.target.closest?.('input, textarea, select');
      if (!this.#call || typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const id = keys[event.key.toLowerCase()];
      if (!id || $(id).hidden) return;
      event.preventDefault();
      $(id).click();
    });
  }
}
