// observer.js: what a page sees of its call. Runs in the page before its own scripts and changes
// nothing for them: it only remembers the peer connections they make.
//
//   callbotObserver.take()    what was seen since the last take(): see there
//   callbotObserver.stats()   getStats of every peer connection
//   callbotObserver.received()   each stream that comes in, in short
//
// and calls callbotTell({origin, sent}), where there is such a function, for each marked frame that
// the page sends.
//
// Marks (two rows of 48 luma cells, see base/video_mark.h) are read from every <video> that plays a
// stream, whenever the browser shows another frame in it (requestVideoFrameCallback), and from the
// tracks the page sends. All times are performance.now(), in ms.

(() => {
  if (globalThis.callbotObserver) return;

  const kCells = 48;
  const kEdge = 4; // calibration cells at each end, black and white in turn
  const kLeastContrast = 40; // of 220, between black and white
  const kSide = 8; // px of a cell, where we paint it small to read it
  const kMostKept = 20000; // rows until somebody takes them; more are counted
  const kOnTime = 4; // ms
  const kLookEvery = 200; // ms, for <video> elements that are new

  // --- marks

  function crc16(crc, value, bytes) {
    for (let i = bytes - 1; i >= 0; i--) {
      crc ^= ((value >>> (8 * i)) & 0xff) << 8;
      for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
    }
    return crc;
  }

  const isCalibration = (cell) => cell < kEdge || cell >= kCells - kEdge;

  // The 24 bits of payload and 16 of checksum of a row's 48 levels; null: no mark.
  function bitsOf(levels) {
    let black = 0;
    let white = 0;
    for (let cell = 0; cell < kCells; cell++) {
      if (!isCalibration(cell)) continue;
      if (cell % 2) white += levels[cell] / kEdge;
      else black += levels[cell] / kEdge;
    }
    if (white - black < kLeastContrast) return null;
    const threshold = (black + white) / 2;
    let payload = 0;
    let crc = 0;
    for (let cell = 0; cell < kCells; cell++) {
      const bit = levels[cell] > threshold ? 1 : 0;
      if (isCalibration(cell)) {
        if (bit !== cell % 2) return null;
      } else if (cell < kEdge + 24) {
        payload = (payload << 1) | bit;
      } else {
        crc = (crc << 1) | bit;
      }
    }
    return { payload, crc };
  }

  // level(cell, row) -> luma 0..255. {counter, source, flags}, or null: unread.
  function readMark(level) {
    const rows = [0, 1].map((row) => bitsOf(Array.from({ length: kCells }, (_, cell) => level(cell, row))));
    if (!rows[0] || !rows[1]) return null;
    const first = crc16(0xffff, rows[0].payload, 3);
    if (rows[0].crc !== first || rows[1].crc !== crc16(first, rows[1].payload, 3)) return null;
    return {
      counter: rows[0].payload, source: rows[1].payload >>> 8, flags: rows[1].payload & 0xff,
    };
  }

  // The two rows of whatever can be painted, painted small: a cell is 8 by 8 pixels.
  const small = document.createElement('canvas');
  small.width = kCells * kSide;
  small.height = 2 * kSide;
  const paint = small.getContext('2d', { willReadFrequently: true, alpha: false });

  function readPicture(picture, width) {
    paint.drawImage(picture, 0, 0, width, (2 * width) / kCells, 0, 0, small.width, small.height);
    const { data } = paint.getImageData(0, 0, small.width, small.height);
    return readMark((cell, row) => {
      let sum = 0;
      for (let y = 2; y < 6; y++) {
        for (let x = 2; x < 6; x++) {
          const at = ((row * kSide + y) * small.width + cell * kSide + x) * 4;
          sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
        }
      }
      return sum / 16;
    });
  }

  // The luma of a VideoFrame's top rows, as it is; null where it has none.
  async function readFrame(frame) {
    const { width, height } = frame.visibleRect;
    const side = width / kCells;
    const lines = 2 * Math.ceil(side); // both rows, even
    if (!/^(I4|NV12)/.test(frame.format ?? '') || height < lines) return null;
    const rect = { x: 0, y: 0, width, height: lines };
    const luma = new Uint8Array(frame.allocationSize({ rect }));
    const [{ offset, stride }] = await frame.copyTo(luma, { rect });
    return readMark((cell, row) => {
      const left = Math.floor((cell + 0.3) * side);
      const right = Math.max(left + 1, Math.floor((cell + 0.7) * side));
      const y = Math.floor((row + 0.5) * side);
      let sum = 0;
      for (let x = left; x < right; x++) sum += luma[offset + y * stride + x];
      return sum / (right - left);
    });
  }

  // --- what was seen

  let shown = []; // of what others send, as it was shown here
  let sent = []; // of what we send
  let lost = 0;
  const tracks = {}; // id -> {local, member, name, source}; source: now, each row has its own

  function keep(rows, row) {
    if (rows.length < kMostKept) rows.push(row);
    else lost++;
  }

  // A frame of a local track, read where it is made or as it leaves; no mark: unread.
  const stamped = new Set(); // ids of tracks that are read so
  function stamp(track, mark, at) {
    stamped.add(track);
    keepSent({ track, at, ...mark });
  }

  // Who receives the frame wants to know of it before it comes: told at once, and kept as well.
  function keepSent(row) {
    keep(sent, row);
    if (row.counter === undefined) return;
    globalThis.callbotTell?.(JSON.stringify({ origin: performance.timeOrigin, sent: row }));
  }

  // --- peer connections

  const connections = []; // {pc, created, ice, connected}

  function follow(pc) {
    const entry = { pc, created: performance.now(), ice: null, connected: null };
    connections.push(entry);
    pc.addEventListener('iceconnectionstatechange', () => {
      if (/connected|completed/.test(pc.iceConnectionState)) entry.ice ??= performance.now();
    });
    pc.addEventListener('connectionstatechange', () => {
      if (pc.connectionState === 'connected') entry.connected ??= performance.now();
    });
  }

  const Native = globalThis.RTCPeerConnection;
  if (Native) {
    globalThis.RTCPeerConnection = new Proxy(Native, {
      construct(target, args, made) {
        const pc = Reflect.construct(target, args, made);
        follow(pc);
        return pc;
      },
    });
  }

  // What the page says of its members, where it says it (bot/web/main.js).
  const memberOf = (pc) => globalThis.callbot?.connections?.().find((one) => one.pc === pc)?.member;

  function describe(track) {
    for (const { pc } of connections) {
      const receiver = pc.signalingState !== 'closed' &&
        pc.getReceivers().find((one) => one.track?.id === track.id);
      if (!receiver) continue;
      const member = memberOf(pc);
      return {
        local: false, member: member?.id ?? '', name: member?.name ?? '',
        source: member?.videoSource ?? 'camera',
      };
    }
    return { local: true, member: '', name: '', source: track.getSettings?.().displaySurface ? 'screen' : 'camera' };
  }

  // --- looking

  const watched = new WeakSet(); // <video> elements
  const followed = new WeakSet(); // local tracks

  function look(element) {
    if (watched.has(element) || !element.requestVideoFrameCallback) return;
    watched.add(element);
    let begun = ''; // the track of which something was seen here
    const next = (now, seen) => {
      const at = performance.now();
      element.requestVideoFrameCallback(next);
      const track = element.srcObject?.getVideoTracks?.()[0];
      if (!track) return;
      const about = tracks[track.id] ??= describe(track);
      // Until its peer connection is known to belong to somebody.
      if (!about.local && !about.name) Object.assign(about, describe(track));
      if (about.local && stamped.has(track.id)) return;
      const mark = element.videoWidth >= 96 ? readPicture(element, element.videoWidth) : null;
      // The second best for what we send: the page's own tile shows it a little later.
      if (about.local) return keepSent({ track: track.id, at: seen.captureTime ?? at, ...mark });
      // Called late, the element may show a later picture already than the one that is spoken of.
      const late = at > seen.expectedDisplayTime + kOnTime;
      const times = late ? { display: at } : {
        display: seen.expectedDisplayTime, receive: seen.receiveTime, capture: seen.captureTime, rtp: seen.rtpTimestamp,
      };
      // Of a track's first frame it does not matter which picture the element shows by now.
      const first = track.id === begun ? undefined : seen.receiveTime;
      begun = track.id;
      keep(shown, {
        track: track.id, stream: about.source, at, presented: seen.presentedFrames, width: seen.width, height: seen.height, first, ...times, ...mark,
      });
    };
    element.requestVideoFrameCallback(next);
  }

  // Every frame of a track that the page sends, when the page gets it.
  async function followLocal(track) {
    if (followed.has(track) || !globalThis.MediaStreamTrackProcessor) return;
    followed.add(track);
    stamped.add(track.id);
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 4 }).readable.getReader();
    for (;;) {
      const { value: frame, done } = await reader.read();
      if (done) return;
      const at = performance.now();
      try {
        stamp(track.id, await readFrame(frame), at);
      } finally {
        frame.close();
      }
    }
  }

  function listenAround() {
    for (const { pc } of connections) {
      for (const { track } of pc.signalingState === 'closed' ? [] : [...pc.getReceivers(), ...pc.getSenders()]) {
        if (track?.kind !== 'audio' || track.readyState !== 'live') continue;
        const about = tracks[track.id] ??= describe(track);
        if (!about.name) Object.assign(about, describe(track));
        about.source = 'microphone';
        listen(track).catch(() => {});
      }
    }
  }

  function lookAround() {
    listenAround();
    for (const element of document.querySelectorAll('video')) {
      const track = element.srcObject?.getVideoTracks?.()[0];
      if (!track) continue;
      look(element);
      const about = tracks[track.id] ??= describe(track);
      if (!about.local) Object.assign(about, describe(track)); // its camera, or its screen by now
      if (about.local && track.readyState === 'live') followLocal(track).catch(() => {});
    }
  }

  setInterval(lookAround, kLookEvery);
  document.addEventListener('loadedmetadata', lookAround, true);

  // --- listening

  // What comes out of the jitterbuffer of each member's sound, and what our microphone gives, for
  // who can read chirps (below 4 kHz): its first channel, thinned to little more than kLeastRate.
  // `base`: the page's time less that of the sound, ms; the least of a stretch, for a page that is
  // late to look at sound does not make it late. A stretch ends where it is taken, and where the
  // sound came so much later that it stood still, or some of it was lost before we looked. It comes
  // in pieces of so many s.
  const kLeastRate = 16000; // Hz
  const kMostHeard = 5; // s, until somebody takes it; what is older is forgotten
  const kMostBehind = 100; // pieces that wait for the page
  const kStoodStill = 100; // ms
  const heard = new Map(); // track -> stretches, {rate, piece, first, samples, base}
  const heardBefore = new WeakSet();

  // Takes the pieces of one track, one after the other.
  function ear(track) {
    let all = 0; // samples that came
    let sum = 0;
    return (plane, sampleRate) => {
      const by = Math.max(1, Math.floor(sampleRate / kLeastRate));
      const base = performance.now() - (all * 1000) / sampleRate;
      if (!heard.has(track)) heard.set(track, []);
      const stretches = heard.get(track);
      if (!stretches.length || base - stretches.at(-1).base > kStoodStill) {
        stretches.push({
          rate: sampleRate / by, piece: plane.length / sampleRate, first: Math.floor(all / by), samples: [], base,
        });
      }
      const now = stretches.at(-1);
      now.base = Math.min(now.base, base);
      for (const sample of plane) {
        sum += sample;
        if (++all % by) continue;
        now.samples.push(Math.max(-1, Math.min(1, sum / by)) * 32767);
        sum = 0;
      }
      const many = stretches.reduce((held, one) => held + one.samples.length, 0) - kMostHeard * now.rate;
      if (many <= 0) return;
      const [oldest] = stretches;
      oldest.samples.splice(0, many);
      oldest.first += many;
      if (!oldest.samples.length && stretches.length > 1) stretches.shift();
    };
  }

  // Firefox has no such processor here, and without a sound device its AudioContext stays suspended.
  async function listen(track) {
    if (heardBefore.has(track) || !globalThis.MediaStreamTrackProcessor) return;
    heardBefore.add(track);
    const hear = ear(track.id);
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: kMostBehind }).readable.getReader();
    for (;;) {
      const { value: piece, done } = await reader.read();
      if (done) return;
      const plane = new Float32Array(piece.numberOfFrames);
      piece.copyTo(plane, { planeIndex: 0, format: 'f32-planar' });
      hear(plane, piece.sampleRate);
      piece.close();
    }
  }

  // Of each track, our own too, what came since the last time, 16 bits a sample, little endian.
  function takeHeard() {
    const all = [...heard].flatMap(([track, stretches]) => stretches.map((one) => [track, one]));
    const rows = all.map(([track, { samples, ...one }]) => {
      const bytes = new Uint8Array(Int16Array.from(samples).buffer);
      let text = '';
      for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
      return { track, name: tracks[track]?.name ?? '', local: tracks[track]?.local ?? false, ...one, samples: btoa(text) };
    });
    heard.clear();
    return rows;
  }

  // --- what is asked for

  // The page's clock now, what was shown, sent and heard since the last time, whose tracks these
  // are, and how many rows there was no room for.
  function take() {
    const all = {
      origin: performance.timeOrigin, now: performance.now(), shown, sent, tracks, lost, heard: takeHeard(),
    };
    shown = [];
    sent = [];
    lost = 0;
    return all;
  }

  const kTypes = new Set(['inbound-rtp', 'outbound-rtp', 'remote-inbound-rtp', 'codec', 'transport', 'media-source']);

  function select(reports) {
    const all = [...reports.values()];
    // Chromium has several nominated pairs, and says which one its transport uses; Firefox marks it.
    const used = new Set(all.flatMap((one) => one.type === 'transport' ? one.selectedCandidatePairId ?? [] : []));
    const pairs = all.filter((one) => one.type === 'candidate-pair' && one.state === 'succeeded' &&
      (used.size > 0 ? used.has(one.id) : one.selected ?? one.nominated));
    const ends = new Set(pairs.flatMap((pair) => [pair.localCandidateId, pair.remoteCandidateId]));
    return [...all.filter((one) => kTypes.has(one.type) || ends.has(one.id)), ...pairs];
  }

  async function stats() {
    const open = connections.filter(({ pc }) => pc.signalingState !== 'closed');
    connections.splice(0, connections.length, ...open);
    const all = await Promise.all(open.map(async ({ pc, created, ice, connected }, index) => {
      const member = memberOf(pc);
      return {
        index, created, ice, connected, state: pc.connectionState, member: member?.id ?? '',
        name: member?.name ?? '', source: member?.videoSource ?? 'camera',
        own: globalThis.callbot?.state?.().self.videoSource ?? 'camera',
        reports: select(await pc.getStats()),
      };
    }));
    return { origin: performance.timeOrigin, now: performance.now(), connections: all };
  }

  // Each stream that comes in now: whose it is, its codec and size, and of sound the sum of its
  // energy (W3C webrtc-stats, totalAudioEnergy) over how many seconds of it.
  async function received() {
    const open = connections.filter(({ pc }) => pc.signalingState !== 'closed' && memberOf(pc));
    const all = await Promise.all(open.map(async ({ pc }) => {
      const { name, videoSource = 'camera' } = memberOf(pc) ?? {};
      const reports = await pc.getStats();
      return [...reports.values()].filter((one) => one.type === 'inbound-rtp' && one.packetsReceived > 0)
        .map((one) => ({
          name, kind: one.kind, source: one.kind === 'video' ? videoSource : 'microphone',
          codec: reports.get(one.codecId)?.mimeType.split('/')[1].toLowerCase() ?? '',
          width: one.frameWidth ?? 0, height: one.frameHeight ?? 0, decoded: one.framesDecoded ?? 0,
          energy: one.totalAudioEnergy, duration: one.totalSamplesDuration,
        }));
    }));
    return { origin: performance.timeOrigin, now: performance.now(), streams: all.flat() };
  }

  globalThis.callbotObserver = { take, stats, received, stamp, readPicture, readFrame, tracks };
})();
