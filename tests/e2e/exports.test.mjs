// Everything that is recorded and exported opens and plays in a real Chromium. The recordings are
// made by sample_recordings (RECORDINGS names the program), exported by callbot.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openBrowser } from './browser.mjs';

const run = promisify(execFile);
const kBuild = new URL('../../build/', import.meta.url);
const kProgram = process.env.CALLBOT ?? fileURLToPath(new URL('callbot', kBuild));
const kRecordings = process.env.RECORDINGS ?? fileURLToPath(new URL('sample_recordings', kBuild));
const kFormats = ['mp4', 'webm', 'mkv', 'wav', 'mp3', 'opus'];
const kAtOnce = 4; // video elements that play at the same time

const kTypes = {
  mp4: 'video/mp4', webm: 'video/webm', mkv: 'video/x-matroska', wav: 'audio/wav',
  mp3: 'audio/mpeg', opus: 'audio/ogg',
};

let root; // of the samples and of the server
let server;
let browser;
let page;

// Files below the root, with ranges, as players ask for them.
async function serveFiles() {
  const http = createServer(async (request, answer) => {
    if (request.url === '/') return answer.setHeader('content-type', 'text/html').end('<!doctype html><title>t</title>');
    const path = join(root, decodeURIComponent(request.url));
    const size = await stat(path).then((found) => found.size, () => -1);
    if (size < 0) return answer.writeHead(404).end();
    const [, from = 0, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
    const [first, last] = [Number(from), to ? Number(to) : size - 1];
    answer.writeHead(request.headers.range ? 206 : 200, {
      'content-type': kTypes[path.split('.').pop()] ?? 'application/octet-stream',
      'accept-ranges': 'bytes', 'content-length': last - first + 1,
      ...(request.headers.range && { 'content-range': `bytes ${first}-${last}/${size}` }),
    });
    createReadStream(path, { start: first, end: last }).on('error', () => answer.destroy()).pipe(answer);
  });
  await new Promise((done) => http.listen(0, '127.0.0.1', done));
  return http;
}

const address = (path) => `http://127.0.0.1:${server.address().port}/${path}`;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'callbot-exports-'));
  await run(kRecordings, [root], { timeout: 120_000 });
  server = await serveFiles();
  browser = await openBrowser({ kind: 'chromium', media: false });
  page = await browser.open(address(''));
});

after(async () => {
  await browser?.close();
  server?.close();
  if (!process.env.KEEP) await rm(root, { recursive: true, force: true });
});

async function exported(call, to) {
  const { stdout } = await run(kProgram, ['--log', 'json', 'export', join(root, call), '--to', to],
    { timeout: 60_000 });
  return stdout.trim().split('\n').map((line) => JSON.parse(line))
    .filter(({ event }) => event === 'exported');
}

// In the page: opens a file, plays it, seeks in it, and says what came of it.
function play(url) {
  const kWithin = 20_000;
  const video = document.createElement('video');
  const heard = (name) => new Promise((done, fail) => {
    video.addEventListener(name, done, { once: true });
    video.addEventListener('error', () => fail(new Error(video.error.message)), { once: true });
    setTimeout(() => fail(new Error(`no ${name}`)), kWithin);
  });
  const moved = async (from) => {
    const end = performance.now() + kWithin;
    while (video.currentTime < from && !video.ended && !video.error) {
      if (performance.now() > end) throw new Error(`stands at ${video.currentTime}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  return (async () => {
    video.src = url;
    document.body.append(video);
    await heard('loadedmetadata');
    const { duration } = video;
    const began = video.currentTime;
    await video.play();
    await moved(began + 0.3);
    video.pause();
    const seeked = heard('seeked');
    video.currentTime = duration - 1;
    await seeked;
    const at = video.currentTime;
    await video.play();
    await moved(duration - 0.7);
    return {
      duration, at, end: video.currentTime, width: video.videoWidth,
      pictures: video.getVideoPlaybackQuality().totalVideoFrames,
      sound: video.webkitAudioDecodedByteCount,
    };
  })().catch((error) => ({ error: String(error) })).finally(() => {
    video.removeAttribute('src');
    video.load();
    video.remove();
  });
}

async function playAll(files) { // [{path, ...}] -> each with what Chromium says
  const seen = [];
  const rest = [...files];
  await Promise.all(Array.from({ length: kAtOnce }, async () => {
    for (let file = rest.shift(); file; file = rest.shift())
      seen.push({ ...file, ...(await page.evaluate(play, address(file.path.slice(root.length + 1)))) });
  }));
  return seen;
}

function wellPlayed(file, seconds, video, audio) {
  const what = `${basename(file.path)} of ${file.call}: ${JSON.stringify(file)}`;
  assert.equal(file.error, undefined, what);
  assert.ok(Math.abs(file.duration - seconds) < 0.15, what);
  assert.ok(Math.abs(file.at - (file.duration - 1)) < 0.05, what);
  assert.ok(file.end > file.at, what);
  if (video) assert.ok(file.width > 0 && file.pictures > 0, what);
  if (audio) assert.ok(file.sound > 0, what);
}

// H.265 apart: Chromium has no decoder of its own for it. G.722: nor for that.
const kUnknownToChromium = /h265|g722/;

test('every export plays: currentTime moves, the duration is right, seeking works', async () => {
  const files = [];
  for (const call of await readdir(root)) {
    const manifest = JSON.parse(await readFile(join(root, call, 'manifest.json'), 'utf8'));
    const { from_ns: from, to_ns: to } = manifest.participants[0].present[0];
    for (const format of kFormats) {
      for (const file of await exported(call, format))
        files.push({ ...file, call, format, seconds: (to - from) / 1e9 });
    }
  }
  const seen = await playAll(files.filter(({ tracks }) =>
    !tracks.some((track) => kUnknownToChromium.test(track) && track.endsWith('copied'))));
  assert.ok(seen.length > 80, `${seen.length} files`);
  const faults = [];
  for (const file of seen) {
    try {
      wellPlayed(file, file.seconds, file.tracks.some((track) => track.startsWith('video')), true);
    } catch (error) {
      faults.push(error.message);
    }
  }
  assert.deepEqual(faults, []);
});

test('every recorded file plays', async () => {
  const files = [];
  for (const call of await readdir(root)) {
    const manifest = JSON.parse(await readFile(join(root, call, 'manifest.json'), 'utf8'));
    for (const { path, streams, duration_ns: duration } of manifest.media) {
      const codecs = streams.map(({ codec }) => codec).join(' ');
      if (kUnknownToChromium.test(codecs)) continue;
      files.push({ path: join(root, call, path), call, codecs, seconds: duration / 1e9 });
    }
  }
  const faults = [];
  for (const file of await playAll(files)) {
    try {
      wellPlayed(file, file.seconds, /vp|h264/.test(file.codecs), /opus|pcm/.test(file.codecs));
    } catch (error) {
      faults.push(error.message);
    }
  }
  assert.deepEqual(faults, []);
});

// In the page: every sample of the file, as Chromium's decoder counts them; where sound begins
// after 20 s.
async function onset(url) {
  const bytes = await (await fetch(url)).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(bytes);
  const samples = sound.getChannelData(0);
  let at = 20 * 48000;
  while (at < samples.length && Math.abs(samples[at]) < 0.01) at += 1;
  return { duration: sound.duration, onset: at / 48000 };
}

// In the page: plays across the mute, four times as fast, and listens: the media time at which
// sound is back.
async function listen(url) {
  const video = document.createElement('video');
  video.src = url;
  document.body.append(video);
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaElementSource(video).connect(analyser).connect(context.destination);
  await new Promise((done, fail) => {
    video.oncanplay = done;
    video.onerror = () => fail(new Error(video.error.message));
  });
  video.playbackRate = 4;
  await video.play();
  const samples = new Float32Array(1024);
  let last = 0; // media time at which there was sound
  let back;
  while (!video.ended && back === undefined) {
    await new Promise((done) => setTimeout(done, 5));
    analyser.getFloatTimeDomainData(samples);
    const loud = samples.some((sample) => Math.abs(sample) > 0.01);
    if (loud && video.currentTime - last > 10) back = video.currentTime;
    if (loud) last = back === undefined ? video.currentTime : last;
  }
  video.remove();
  await context.close();
  return { silentFrom: last, back };
}

test('Pain 5: sound and currentTime are together after a mute of 30 s', async () => {
  for (const format of kFormats) {
    const [file] = await exported('muted', format);
    const url = address(file.path.slice(root.length + 1));
    const decoded = await page.evaluate(onset, url);
    assert.ok(Math.abs(decoded.onset - 35) < 0.03, `${format}: ${JSON.stringify(decoded)}`);
    assert.ok(Math.abs(decoded.duration - 40) < 0.15, `${format}: ${JSON.stringify(decoded)}`);
  }
  for (const format of ['mp4', 'webm']) {
    const [file] = await exported('muted', format);
    const played = await page.evaluate(listen, address(file.path.slice(root.length + 1)));
    assert.ok(Math.abs(played.back - 35) < 1, `${format}: ${JSON.stringify(played)}`);
  }
});
