// feeder.js: camera and microphone from files, in a browser that cannot take files as its devices
// (Firefox). Stands in for getUserMedia: .y4m and .mjpeg are painted onto a canvas, frame n at
// n / fps; .wav is played by an <audio> that is captured. Both begin again at their end.
//
// The files come from outside, chosen in <input> elements that callbotFeed.input(name) gives.

(() => {
  if (globalThis.callbotFeed || !navigator.mediaDevices) return;

  const kMjpegRate = 30; // frames a second; the file does not say
  const kCheckEvery = 4; // ms
  const kPlaysWithin = 10000; // ms

  const waiting = {}; // name -> {input, file: Promise}

  function slot(name) {
    if (waiting[name]) return waiting[name];
    const input = document.createElement('input');
    input.type = 'file';
    input.style.display = 'none';
    const file = new Promise((resolve) => { input.onchange = () => resolve(input.files[0]); });
    waiting[name] = { input, file };
    return waiting[name];
  }

  // --- pictures: {width, height, fps, count, paint(context, n)}

  async function openY4m(file) {
    const head = new TextDecoder('latin1').decode(await file.slice(0, 4096).arrayBuffer());
    const line = head.slice(0, head.indexOf('\n'));
    const tag = (letter, otherwise) => new RegExp(` ${letter}(\\S+)`).exec(line)?.[1] ?? otherwise;
    const [width, height] = [Number(tag('W')), Number(tag('H'))];
    const [over, under] = tag('F', '30:1').split(':').map(Number);
    if (!line.startsWith('YUV4MPEG2') || !width || !height) throw new Error(`${file.name}: no Y4M file`);
    if (!/^420/.test(tag('C', '420'))) throw new Error(`${file.name}: expected 4:2:0`);
    const bytes = width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
    const header = 'FRAME\n'.length; // as everybody writes it, without parameters
    const first = line.length + 1;
    return {
      width, height, fps: over / under, count: Math.floor((file.size - first) / (header + bytes)),
      async paint(context, n) {
        const from = first + n * (header + bytes) + header;
        const data = await file.slice(from, from + bytes).arrayBuffer();
        const frame = new VideoFrame(data, {
          format: 'I420', codedWidth: width, codedHeight: height, timestamp: 0,
          colorSpace: { matrix: 'smpte170m', primaries: 'smpte170m', transfer: 'smpte170m', fullRange: false },
        });
        context.drawImage(frame, 0, 0);
        frame.close();
      },
    };
  }

  async function openMjpeg(file) {
    const data = new Uint8Array(await file.arrayBuffer());
    const begins = [];
    for (let at = 0; at + 2 < data.length; at++) {
      if (data[at] === 0xff && data[at + 1] === 0xd8 && data[at + 2] === 0xff) begins.push(at);
    }
    if (!begins.length) throw new Error(`${file.name}: no JPEG in it`);
    const picture = (n) => createImageBitmap(new Blob([data.subarray(begins[n], begins[n + 1] ?? data.length)],
      { type: 'image/jpeg' }));
    const { width, height } = await picture(0);
    return {
      width, height, fps: kMjpegRate, count: begins.length,
      async paint(context, n) {
        const bitmap = await picture(n);
        context.drawImage(bitmap, 0, 0);
        bitmap.close();
      },
    };
  }

  async function camera() {
    const file = await slot('camera').file;
    const film = await (/\.mjpe?g$/i.test(file.name) ? openMjpeg : openY4m)(file);
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: film.width, height: film.height });
    const context = canvas.getContext('2d', { alpha: false });
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks();
    const begin = performance.now();
    let last = -1;
    let busy = false;
    const timer = setInterval(async () => {
      if (track.readyState === 'ended') return clearInterval(timer);
      const n = Math.floor(((performance.now() - begin) / 1000) * film.fps);
      if (busy || n === last) return;
      busy = true; // a browser that is too slow leaves frames out, as a camera does
      last = n;
      try {
        await film.paint(context, n % film.count);
        const at = performance.now();
        (track.requestFrame ? track : stream).requestFrame();
        const { callbotObserver: observer } = globalThis;
        observer.stamp(track.id, observer.readPicture(canvas, film.width), at);
      } finally {
        busy = false;
      }
    }, kCheckEvery);
    return track;
  }

  // --- sound

  // An element that plays needs no sound device where it is captured; an AudioContext does.
  async function microphone() {
    const file = await slot('microphone').file;
    const player = new Audio(URL.createObjectURL(file));
    player.loop = true;
    const stream = player.mozCaptureStream?.() ?? player.captureStream();
    await player.play();
    const begins = performance.now();
    while (!stream.getAudioTracks().length) {
      if (performance.now() - begins > kPlaysWithin) throw new Error(`${file.name}: does not play`);
      await new Promise((resolve) => { setTimeout(resolve, kCheckEvery); });
    }
    return stream.getAudioTracks()[0];
  }

  const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const sources = {}; // name -> function, as they are fed

  async function getUserMedia({ audio, video } = {}) {
    const result = new MediaStream();
    const wish = {};
    for (const [kind, wanted, name] of [['audio', audio, 'microphone'], ['video', video, 'camera']]) {
      if (!wanted) continue;
      if (sources[name]) result.addTrack(await sources[name]());
      else wish[kind] = wanted;
    }
    if (wish.audio || wish.video) {
      for (const track of (await native(wish)).getTracks()) result.addTrack(track);
    }
    return result;
  }
  navigator.mediaDevices.getUserMedia = getUserMedia;

  globalThis.callbotFeed = {
    // In the document, or nobody outside can name it.
    input(name) {
      const { input } = slot(name);
      if (!input.isConnected) document.documentElement.append(input);
      return input;
    },
    sources, camera, microphone,
  };
})();
