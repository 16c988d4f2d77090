// leg.js: the peer connection with one other member. One side offers for the leg's whole life, the
// other asks it to; so there is never an offer from both sides at once.
//
// Calls on `on`: send(message), changed(), stream(MediaStream), channel(RTCDataChannel).

const kConnectWithin = 20_000; // ms, then a fresh attempt
const kOfferWithin = 6_000; // an answerer that hears nothing asks
const kAnswerWithin = 5_000;
const kOfferTimes = 3; // an offer without an answer is said again before we start afresh
const kFirstPause = 250; // between failures, doubling
const kLongestPause = 15_000;
const kStartingFor = 3000;
const kHangupPause = 500; // that it left comes over another way
const kMostEarly = 200;
const kLabel = 'callbot';

// The "o=" line's session id: another one means another peer connection at the far end.
const sessionOf = (sdp) => /^o=\S+ (\S+)/m.exec(sdp)?.[1] ?? '';

// Preferred codec first, the others behind it, so that a peer without it can still be seen.
function preferCodec(transceiver, name) {
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs;
  if (!name || !codecs || !transceiver.setCodecPreferences) return;
  const wanted = (codec) => codec.mimeType.toLowerCase() === `video/${name}`;
  transceiver.setCodecPreferences([
    ...codecs.filter(wanted), ...codecs.filter((codec) => !wanted(codec)),
  ]);
}

export class Leg {
  member;
  offers; // are we the one who offers?
  generation = 0;
  stream = new MediaStream(); // what we receive
  failures = 0;
  errors = []; // texts, for tests and support

  #pc = null;
  #media; // LocalMedia
  #codec;
  #iceServers;
  #on;
  #work = Promise.resolve();
  #again = false;
  #remoteSession = '';
  #offerText = ''; // what we offered last, unchanged however often it is said
  #lastOffer = ''; // the text we answered last
  #candidates = []; // ours, to be said again after an interruption
  #early = []; // candidates that came before their description
  #pause = kFirstPause;
  #timers = {};
  #started = 0;
  #withheld = false; // nothing of us goes to this member
  #closed = false;

  constructor({ member, offers, media, codec, iceServers, withheld }, on) {
    this.member = member;
    this.offers = offers;
    this.#media = media;
    this.#codec = codec;
    this.#iceServers = iceServers;
    this.#withheld = withheld;
    this.#on = on;
  }

  open() {
    if (this.offers) this.#fresh();
    else this.#timer('offer', kOfferWithin, () => this.#askAfresh());
  }

  close() {
    this.#closed = true;
    for (const name of Object.keys(this.#timers)) this.#timer(name);
    this.#dispose();
  }

  get pc() {
    return this.#pc;
  }

  get state() {
    return this.#pc?.connectionState ?? 'new';
  }

  // The member can be reached again: what we said meanwhile may be lost.
  resume() {
    if (this.#pc?.signalingState === 'have-local-offer') this.#sayOffer(1);
    else if (this.state !== 'connected') this.#sayCandidates();
  }

  // Puts our present tracks on the wire.
  syncTracks() {
    for (const transceiver of this.#pc?.getTransceivers() ?? []) {
      const track = this.#trackFor(transceiver.receiver.track.kind);
      if (transceiver.sender.track === track || transceiver.stopped) continue;
      transceiver.sender.replaceTrack(track).catch((error) => this.#note(error));
      if (transceiver.receiver.track.kind === 'video') this.#sendPictures(transceiver.sender, Boolean(track));
    }
  }

  // Firefox repeats the last picture of a camera that is off, each second, unless it sends nothing.
  #sendPictures(sender, on) {
    const parameters = sender.getParameters();
    const encodings = parameters.encodings ?? [];
    if (encodings.every((one) => (one.active ?? true) === on)) return;
    for (const one of encodings) one.active = on;
    sender.setParameters(parameters).catch((error) => this.#note(error));
  }

  withhold(yes) {
    if (this.#withheld === yes) return;
    this.#withheld = yes;
    this.syncTracks();
  }

  receive(message) {
    if (message.type === 'renegotiate') return this.#asked(message.restart === true);
    const handle = {
      offer: () => this.#offered(message),
      answer: () => this.#answered(message),
      candidate: () => this.#candidate(message),
    }[message.type];
    this.#enqueue(handle);
  }

  // What is heard of the member right now, 0..1.
  level() {
    const receiver = this.#pc?.getReceivers().find((r) => r.track.kind === 'audio');
    const source = receiver?.getSynchronizationSources?.()[0];
    if (!source || performance.timeOrigin + performance.now() - source.timestamp > 1000) return 0;
    return source.audioLevel ?? 0;
  }

  // --- offering

  #fresh() {
    if (this.#closed) return;
    this.#start(this.generation + 1);
    for (const kind of ['audio', 'video']) {
      const transceiver = this.#pc.addTransceiver(kind, {
        direction: 'sendrecv', streams: [this.#media.stream],
      });
      if (kind === 'video') preferCodec(transceiver, this.#codec);
    }
    this.syncTracks();
    this.#on.channel(this.#pc.createDataChannel(kLabel));
    this.#enqueue(() => this.#offer());
  }

  async #offer() {
    const pc = this.#pc;
    if (!pc || this.#closed) return;
    if (pc.signalingState !== 'stable') {
      this.#again = true;
      return;
    }
    await pc.setLocalDescription();
    this.#offerText = pc.localDescription.sdp;
    this.#sayOffer(1);
  }

  #sayOffer(times) {
    this.#say({ type: 'offer', sdp: this.#offerText });
    this.#sayCandidates();
    this.#timer('answer', kAnswerWithin * times, () => {
      if (times < kOfferTimes) this.#sayOffer(times + 1);
      else this.#recover('no answer');
    });
  }

  #sayCandidates() {
    for (const message of this.#candidates) this.#say(message);
  }

  async #answered({ generation, sdp }) {
    const pc = this.#pc;
    if (generation !== this.generation || pc?.signalingState !== 'have-local-offer') return;
    await pc.setRemoteDescription({ type: 'answer', sdp });
    this.#timer('answer');
    this.#watchTransport(pc);
    this.#remoteSession = sessionOf(sdp);
    await this.#addEarly();
    if (!this.#again) return;
    this.#again = false;
    await this.#offer();
  }

  #asked(restart) {
    if (!this.offers) return;
    if (!restart) return this.#enqueue(() => this.#offer());
    // Both may have noticed the same failure: the fresh start asked for may be under way already.
    const starting = this.state === 'new' || this.state === 'connecting';
    if (!starting || performance.now() - this.#started > kStartingFor) this.#fresh();
  }

  // --- answering

  async #offered({ generation, sdp }) {
    if (this.offers) return;
    const session = sessionOf(sdp);
    const known = this.#pc && generation === this.generation && session === this.#remoteSession;
    // The far end may have forgotten this leg and counts anew; an offer that is merely late is
    // no reason to give up a connection that works.
    if (!known && generation < this.generation && this.state === 'connected') return;
    this.#timer('offer');
    if (known && sdp === this.#lastOffer && this.#pc.signalingState === 'stable') {
      this.#say({ type: 'answer', sdp: this.#pc.localDescription.sdp });
      return this.#sayCandidates();
    }
    if (!known) {
      const early = this.#early.filter((candidate) => candidate.generation === generation);
      this.#start(generation);
      this.#early = early;
    }
    const pc = this.#pc;
    await pc.setRemoteDescription({ type: 'offer', sdp });
    this.#remoteSession = session;
    this.#takeTransceivers();
    await this.#addEarly();
    await pc.setLocalDescription();
    this.#watchTransport(pc);
    this.#lastOffer = sdp;
    this.#say({ type: 'answer', sdp: pc.localDescription.sdp });
  }

  #takeTransceivers() {
    const taken = new Set();
    for (const transceiver of this.#pc.getTransceivers()) {
      const kind = transceiver.receiver.track.kind;
      if (taken.has(kind) || transceiver.stopped) continue;
      taken.add(kind);
      if (transceiver.direction === 'sendrecv') continue;
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams?.(this.#media.stream);
      if (kind === 'video') preferCodec(transceiver, this.#codec);
    }
    this.syncTracks();
  }

  #askAfresh() {
    if (this.#closed || this.offers) return;
    this.#on.send({ type: 'renegotiate', to: this.member.id, restart: true });
    this.#timer('offer', kOfferWithin + this.#pause, () => this.#askAfresh());
  }

  // --- both

  async #candidate(message) {
    const pc = this.#pc;
    const current = message.generation === this.generation;
    if (current && pc?.remoteDescription) await this.#add(message);
    else if ((current || !this.offers) && this.#early.length < kMostEarly) this.#early.push(message);
  }

  async #addEarly() {
    for (const message of this.#early.splice(0)) {
      if (message.generation === this.generation) await this.#add(message);
    }
  }

  async #add({ candidate, sdpMid, sdpMLineIndex }) {
    try {
      await this.#pc.addIceCandidate({ candidate, sdpMid, sdpMLineIndex });
    } catch (error) {
      this.#note(error); // one bad candidate does not end the leg
    }
  }

  #start(generation) {
    this.#dispose();
    this.generation = generation;
    this.#again = false;
    this.#early = [];
    this.#candidates = [];
    this.#remoteSession = this.#lastOffer = this.#offerText = '';
    this.#started = performance.now();
    const pc = new RTCPeerConnection({ iceServers: this.#iceServers, bundlePolicy: 'max-bundle' });
    this.#pc = pc;
    let ended = false;
    pc.onicecandidate = ({ candidate }) => {
      if (pc !== this.#pc || ended) return;
      const { candidate: text = '', sdpMid, sdpMLineIndex } = candidate ?? {};
      ended = text === '';
      const message = {
        type: 'candidate', candidate: text,
        sdpMid: sdpMid ?? pc.getTransceivers()[0]?.mid ?? '0', sdpMLineIndex: sdpMLineIndex ?? 0,
      };
      this.#candidates.push(message);
      this.#say(message);
    };
    pc.onconnectionstatechange = () => {
      if (pc === this.#pc) this.#moved();
    };
    pc.ontrack = ({ track }) => {
      for (const old of this.stream.getTracks()) {
        if (old.kind === track.kind) this.stream.removeTrack(old);
      }
      this.stream.addTrack(track);
      this.#on.stream(this.stream);
    };
    pc.ondatachannel = ({ channel }) => {
      if (channel.label === kLabel) this.#on.channel(channel);
    };
    this.#timer('connect', kConnectWithin, () => this.#recover('not connected in time'));
    this.#on.changed();
  }

  // A far end that hangs up although it is still a member has lost this leg and needs a new one;
  // the connection's own state would tell that only half a minute later.
  #watchTransport(pc) {
    const transport = pc.getTransceivers().find((one) => one.receiver.transport)?.receiver.transport;
    if (!transport) return;
    transport.onstatechange = () => {
      if (pc !== this.#pc || transport.state !== 'closed') return;
      this.#timer('hangup', kHangupPause, () => {
        if (pc === this.#pc) this.#recover('hung up');
      });
    };
  }

  #moved() {
    if (this.state === 'connected') {
      this.#timer('connect');
      this.#pause = kFirstPause;
    }
    if (this.state === 'failed') this.#recover('connection failed');
    this.#on.changed();
  }

  #recover(why) {
    this.failures++;
    this.#note(why);
    this.#timer('connect');
    this.#timer('answer');
    this.#timer('recover', this.#nextPause(), () => (this.offers ? this.#fresh() : this.#askAfresh()));
  }

  #nextPause() {
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, kLongestPause);
    return pause;
  }

  #trackFor(kind) {
    return this.#withheld ? null : this.#media.track(kind);
  }

  #say(message) {
    this.#on.send({ ...message, to: this.member.id, generation: this.generation });
  }

  // One step at a time: descriptions and candidates take effect in the order they came.
  #enqueue(step) {
    let pc;
    this.#work = this.#work.then(async () => {
      if (this.#closed) return;
      const doing = step();
      pc = this.#pc;
      await doing;
    }).catch((error) => {
      this.#note(error);
      const overtaken = pc !== this.#pc || this.#closed;
      if (!overtaken && this.state !== 'connected') this.#recover('negotiation failed');
    });
  }

  #dispose() {
    const pc = this.#pc;
    this.#pc = null;
    if (!pc) return;
    pc.onicecandidate = pc.onconnectionstatechange = pc.ontrack = pc.ondatachannel = null;
    pc.close();
  }

  #note(what) {
    this.errors.push(String(what));
    this.errors.splice(0, this.errors.length - 20);
  }

  #timer(name, ms, then) {
    clearTimeout(this.#timers[name]);
    delete this.#timers[name];
    if (ms !== undefined) this.#timers[name] = setTimeout(then, ms);
  }
}
