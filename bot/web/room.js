// room.js: our membership of a room. Joins over a WebSocket, keeps the connection alive, takes the
// membership up again after a loss and keeps the list of the other members. Knows nothing of media.
//
// Calls on `on`: phase(name), arrived(member, isNews), changed(member), back(member) when one we
// knew is there again after an interruption, left(member, why), relayed(message), trouble(error),
// ended({code, message}) as the last call, exactly once.

const kVersion = 1;
const kJoinWithin = 10_000; // ms, for one attempt
const kPingEvery = 10_000;
const kDeadAfter = 25_000; // without any message
const kFirstRetry = 400;
const kSlowestRetry = 8_000;
const kGrace = 15_000; // a restarted server does not know yet who else comes back
const kNameFreeWithin = 15_000; // the server keeps a lost member (a crashed tab) for 10 s

const kExplained = {
  'bad-name': 'The server does not accept this name.',
  'bad-room': 'The server does not accept this room name.',
  'bad-token': 'This room needs a valid access token. Ask for a link that carries one.',
  'bad-version': 'This page and the server speak different versions. Reload the page.',
  'name-in-use': 'Somebody in the room already has this name. Choose another one.',
  'room-full': 'The room is full.',
  replaced: 'You joined this room from another tab or window.',
};
const kPassing = new Set(['shutting-down', 'rate-limit']);

function roomUrl(room) {
  const url = new URL(`rooms/${encodeURIComponent(room)}`, document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

export class Room {
  members = new Map(); // id -> member, without ourselves
  iceServers = [];
  id = '';
  since = 0;

  #on;
  #room;
  #self; // what we say of ourselves: name, audio, video, videoSource, recording
  #token;
  #key = '';
  #socket = null;
  #joined = false;
  #ended = false;
  #retry = kFirstRetry;
  #timers = {};
  #missing = new Map(); // id -> timer
  #heard = 0;
  #pings = 0;
  #patience; // until then "name in use" may be our own earlier self

  constructor({ room, token, self, maybeStillThere }, on) {
    this.#room = room;
    this.#token = token;
    this.#self = self;
    this.#on = on;
    this.#patience = maybeStillThere ? Date.now() + kNameFreeWithin : 0;
  }

  join() {
    this.#on.phase('joining');
    this.#connect();
    window.addEventListener('online', this.#hurry);
  }

  // While the server is away messages are lost; who cares acts on back().
  send(message) {
    if (this.#joined) this.#socket.send(JSON.stringify(message));
  }

  announce(changes) {
    Object.assign(this.#self, changes);
    if (this.#joined) this.send({ type: 'state', ...changes });
  }

  leave() {
    if (this.#ended) return;
    if (this.#joined) this.#socket.send(JSON.stringify({ type: 'leave' }));
    this.#end({ code: 'left', message: '' });
  }

  get connected() {
    return this.#joined;
  }

  // As if the network had dropped the connection. For tests.
  drop() {
    this.#lost();
  }

  #connect() {
    const socket = new WebSocket(roomUrl(this.#room));
    this.#socket = socket;
    const ours = (f) => (event) => {
      if (this.#socket === socket && !this.#ended) f(event);
    };
    socket.onopen = ours(() => socket.send(JSON.stringify(this.#joinMessage())));
    socket.onmessage = ours((event) => this.#read(event.data));
    socket.onclose = ours(() => this.#lost());
    this.#timer('join', kJoinWithin, () => this.#lost());
  }

  #joinMessage() {
    const again = this.#key ? { id: this.id, key: this.#key, since: this.since } : {};
    const token = this.#token ? { token: this.#token } : {};
    return {
      type: 'join', version: kVersion, ...again, ...token,
      recorder: false, sends: true, receives: true, ...this.#self,
    };
  }

  #read(text) {
    this.#heard = Date.now();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return this.#on.trouble({ code: 'bad-json', message: 'The server sent something unreadable.' });
    }
    switch (message.type) {
      case 'joined': return this.#welcome(message);
      case 'member-joined': return this.#present(message.member);
      case 'member-changed': return this.#present(message.member);
      case 'member-left': return this.#absent(message.id, message.reason);
      case 'error': return this.#error(message);
      case 'offer': case 'answer': case 'candidate': case 'renegotiate':
        return this.#on.relayed(message);
    }
  }

  #welcome(message) {
    this.#timer('join');
    this.id = message.id;
    this.#key = message.key;
    this.since = message.since;
    this.iceServers = message.iceServers ?? [];
    this.#joined = true;
    this.#retry = kFirstRetry;
    this.#on.phase('live');
    const here = new Set((message.members ?? []).map((member) => member.id));
    for (const id of this.members.keys()) if (!here.has(id)) this.#expect(id);
    for (const member of message.members ?? []) this.#present(member, true);
    this.#ping();
  }

  #present(member, listed = false) {
    if (!member || member.id === this.id) return;
    clearTimeout(this.#missing.get(member.id));
    const back = this.#missing.delete(member.id) || listed;
    const known = this.members.has(member.id);
    this.members.set(member.id, member);
    if (!known) return this.#on.arrived(member, !listed);
    this.#on.changed(member);
    if (back) this.#on.back(member);
  }

  #expect(id) {
    if (this.#missing.has(id)) return;
    this.#missing.set(id, setTimeout(() => this.#absent(id, 'lost'), kGrace));
  }

  #absent(id, why) {
    clearTimeout(this.#missing.get(id));
    this.#missing.delete(id);
    const member = this.members.get(id);
    if (!member) return;
    this.members.delete(id);
    this.#on.left(member, why);
  }

  #error({ code, message }) {
    const fatal = code === 'replaced' || (!this.#joined && !kPassing.has(code));
    if (!fatal) return this.#on.trouble({ code, message });
    if (code === 'name-in-use' && Date.now() < this.#patience) return this.#lost();
    this.#end({ code, message: kExplained[code] ?? message ?? code });
  }

  #ping() {
    this.#timer('ping', kPingEvery, () => {
      if (Date.now() - this.#heard > kDeadAfter) return this.#lost();
      this.#socket.send(JSON.stringify({ type: 'ping', n: ++this.#pings }));
      this.#ping();
    });
  }

  #lost() {
    if (this.#ended) return;
    this.#drop();
    if (!this.#key && Date.now() >= this.#patience) {
      return this.#end({ code: 'unreachable', message: 'The server cannot be reached.' });
    }
    this.#on.phase(this.#key ? 'reconnecting' : 'joining');
    this.#timer('retry', this.#retry * (0.75 + Math.random() / 2), () => this.#connect());
    this.#retry = Math.min(this.#retry * 2, kSlowestRetry);
  }

  #hurry = () => {
    if (!this.#timers.retry) return;
    this.#timer('retry');
    this.#connect();
  };

  #drop() {
    this.#joined = false;
    for (const name of Object.keys(this.#timers)) this.#timer(name);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #end(how) {
    this.#drop();
    this.#ended = true;
    for (const timer of this.#missing.values()) clearTimeout(timer);
    window.removeEventListener('online', this.#hurry);
    this.#on.ended(how);
  }

  // One timer per name; without `ms` it is just stopped.
  #timer(name, ms, then) {
    clearTimeout(this.#timers[name]);
    delete this.#timers[name];
    if (ms === undefined) return;
    this.#timers[name] = setTimeout(() => {
      delete this.#timers[name];
      then();
    }, ms);
  }
}
