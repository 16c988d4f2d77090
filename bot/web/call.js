// call.js: one stay in a room: the room, what we send, and a leg with every member. The only file
// that sees all three.
//
// Calls on `on`: changed() for anything that shows, joined(member) for those who came after us,
// left(member, why), ended(how), chat(entry), transfer(transfer).

import { Channel, checksum } from './channel.js';
import { Leg } from './leg.js';
import { Room } from './room.js';
import { Stats } from './stats.js';

const kStatsEvery = 1000; // ms

export class Call {
  phase = 'joining'; // joining, live, reconnecting, ended
  times = {}; // phase -> performance.now() when it first came
  peers = new Map(); // member id -> {member, leg, channel, stats}
  refused = false; // we do not want to be recorded
  chatLog = [];
  transfers = [];
  troubles = []; // errors the server reported

  #room;
  #media;
  #codec;
  #on;
  #timer;
  #files = 0;

  constructor({ room, name, token, codec, refused, maybeStillThere, media }, on) {
    this.room = room;
    this.name = name;
    this.refused = refused;
    this.#media = media;
    this.#codec = codec;
    this.#on = on;
    const self = { name, recording: refused ? 'refused' : 'allowed', ...media.describe() };
    this.#room = new Room({ room, token, self, maybeStillThere }, {
      phase: (phase) => {
        this.phase = phase;
        this.times[phase] ??= performance.now();
        on.changed();
      },
      arrived: (member, isNews) => this.#arrived(member, isNews),
      changed: (member) => this.#changed(member),
      back: (member) => this.peers.get(member.id)?.leg?.resume(),
      left: (member, why) => this.#left(member, why),
      relayed: (message) => this.peers.get(message.from)?.leg?.receive(message),
      trouble: (error) => this.troubles.push(error),
      ended: (how) => this.#ended(how),
    });
  }

  start() {
    this.#timer = setInterval(() => this.#readStats(), kStatsEvery);
    this.#room.join();
  }

  get id() {
    return this.#room.id;
  }

  get beingRecorded() {
    return [...this.peers.values()].some(({ member }) => member.recorder);
  }

  mediaChanged() {
    for (const { leg } of this.peers.values()) leg?.syncTracks();
    this.#room.announce(this.#media.describe());
    this.#on.changed();
  }

  // A recorder is asked not to record us, and gets nothing that it could.
  refuse(yes) {
    this.refused = yes;
    for (const { member, leg } of this.peers.values()) leg?.withhold(yes && member.recorder);
    this.#room.announce({ recording: yes ? 'refused' : 'allowed' });
    this.#on.changed();
  }

  say(text) {
    const reached = this.#audience().filter(({ channel }) => channel.chat(text)).length;
    this.#chat({ from: this.name, own: true, text, reached });
  }

  sendFile(file) {
    const to = this.#audience();
    const transfer = {
      from: this.name, own: true, name: file.name, size: file.size, done: 0, state: 'sending',
      sha256: '', url: '', reached: 0,
    };
    this.#addTransfer(transfer);
    const sum = checksum(file);
    const id = ++this.#files;
    const sent = new Map();
    const all = to.map(async ({ member, channel }) => {
      const whole = await channel.sendFile(file, id, sum, (bytes) => {
        sent.set(member.id, bytes);
        transfer.done = sent.size < to.length ? 0 : Math.min(...sent.values());
        this.#on.transfer(transfer);
      });
      if (whole) transfer.reached++;
    });
    Promise.all([sum, ...all]).then(([sha256]) => {
      transfer.sha256 = sha256;
      transfer.state = transfer.reached === to.length ? 'done' : 'broken';
    }, () => { transfer.state = 'unreadable'; }).then(() => this.#on.transfer(transfer));
  }

  leave() {
    this.#room.leave();
  }

  dropConnection() {
    this.#room.drop();
  }

  async stats() {
    const entries = [...this.peers].map(async ([id, peer]) => [id, {
      name: peer.member.name, recorder: peer.member.recorder, connection: peer.leg?.state ?? 'none',
      generation: peer.leg?.generation ?? 0, ...(await peer.stats.read(peer.leg?.pc)),
    }]);
    return Object.fromEntries(await Promise.all(entries));
  }

  // Members we can talk to; not a recorder that must not have our words.
  #audience() {
    return [...this.peers.values()].filter(({ member, channel }) =>
      channel?.ready && !(member.recorder && this.refused));
  }

  #arrived(member, isNews) {
    const peer = { member, leg: null, channel: null, stats: new Stats() };
    this.peers.set(member.id, peer);
    if (member.sends || member.receives) this.#open(peer);
    if (isNews) this.#on.joined(member);
    this.#on.changed();
  }

  #open(peer) {
    const { member } = peer;
    peer.leg = new Leg({
      member, media: this.#media, codec: this.#codec, iceServers: this.#room.iceServers,
      offers: this.#offersTo(member),
      withheld: this.refused && member.recorder,
    }, {
      send: (message) => this.#room.send(message),
      changed: () => this.#on.changed(),
      stream: () => this.#on.changed(),
      channel: (channel) => {
        peer.channel = new Channel(channel, {
          open: () => this.#on.changed(),
          chat: (text) => this.#chat({ from: peer.member.name, own: false, text }),
          file: (transfer) => this.#received(peer.member, transfer),
        });
      },
    });
    peer.leg.open();
  }

  // The one who came later; a recorder never does.
  #offersTo(member) {
    const { since, id } = this.#room;
    return member.recorder || since > member.since || (since === member.since && id > member.id);
  }

  #changed(member) {
    const peer = this.peers.get(member.id);
    if (!peer) return;
    peer.member = member;
    if (peer.leg) peer.leg.member = member;
    this.#on.changed();
  }

  #left(member, why) {
    this.peers.get(member.id)?.leg?.close();
    this.peers.delete(member.id);
    this.#on.left(member, why);
    this.#on.changed();
  }

  #chat(entry) {
    const dated = { ...entry, time: Date.now() };
    this.chatLog.push(dated);
    this.#on.chat(dated);
  }

  #received(member, transfer) {
    if (!this.transfers.includes(transfer)) {
      Object.assign(transfer, { from: member.name, own: false });
      this.#addTransfer(transfer);
    } else {
      this.#on.transfer(transfer);
    }
  }

  #addTransfer(transfer) {
    transfer.time = Date.now();
    this.transfers.push(transfer);
    this.#on.transfer(transfer);
  }

  async #readStats() {
    await Promise.all([...this.peers.values()].map(({ stats, leg }) =>
      stats.read(leg?.pc).catch(() => null)));
    this.#on.changed();
  }

  #ended(how) {
    this.phase = 'ended';
    clearInterval(this.#timer);
    for (const { leg } of this.peers.values()) leg?.close();
    for (const { url } of this.transfers) if (url) URL.revokeObjectURL(url);
    this.#on.ended(how);
  }
}
