// simulcast.test.mjs: Chromium sends a picture in three sizes to a real Janus, and the recorder gets
// the one it asks for (--layer).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';

import { openBrowser, until } from './browser.mjs';
import { folderFor, record, verify } from './callbot.mjs';

const kTest = { timeout: 240_000 };
const kHeights = { low: 180, medium: 360 }; // of 720; whether the highest is sent depends on the machine

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

// An empty page of localhost, which may use the camera and talk to Janus.
function serveEmptyPage(t) {
  const server = createHttpServer((_, answer) => {
    answer.setHeader('Content-Type', 'text/html');
    answer.end('<!doctype html><title>publisher</title><link rel="icon" href="data:,">');
  });
  t.after(() => server.close());
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${server.address().port}/`));
  });
}

function listens(port) {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); done(true); });
    socket.on('error', () => done(false));
  });
}

async function startJanus(t) {
  const folder = await folderFor(t);
  const port = await freePort();
  const media = 40000 + (port % 100) * 200;
  const lib = readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'janus')).find(existsSync);
  await writeFile(join(folder, 'janus.jcfg'), `
    general: { configs_folder = "${folder}" plugins_folder = "${lib}/plugins"
      transports_folder = "${lib}/transports" loggers_folder = "${folder}" events_folder = "${folder}"
      interface = "127.0.0.1" debug_level = 4 }
    certificates: { }
    media: { rtp_port_range = "${media}-${media + 199}" }
    nat: { full_trickle = true }
    transports: { disable = "libjanus_http.so,libjanus_pfunix.so" }\n`);
  await writeFile(join(folder, 'janus.transport.websockets.jcfg'),
    `general: { ws = true ws_port = ${port} ws_ip = "127.0.0.1" wss = false }\n`);
  await writeFile(join(folder, 'janus.plugin.videoroom.jcfg'),
    'room-1234: { publishers = 3 bitrate = 4000000 videocodec = "vp8" }\n');
  const child = spawn('/usr/bin/janus', ['-F', folder, '-C', join(folder, 'janus.jcfg')], { stdio: 'ignore' });
  const ended = new Promise((done) => { child.on('close', done); });
  t.after(async () => { child.kill('SIGKILL'); await ended; });
  await until(() => listens(port), 'Janus listens', 20_000);
  return `ws://127.0.0.1:${port}/janus`;
}

// In the page: joins the room and publishes the fake camera in three sizes.
async function publish(url) {
  const socket = new WebSocket(url, 'janus-protocol');
  await new Promise((done, fail) => { socket.onopen = done; socket.onerror = fail; });
  const waiting = [];
  const next = (like) => new Promise((done) => { waiting.push({ like, done }); });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    const i = waiting.findIndex(({ like }) => like(message));
    if (i >= 0) waiting.splice(i, 1)[0].done(message);
  };
  let session, handle, count = 0;
  const say = (message) => {
    const transaction = `t${count += 1}`;
    const answer = next((one) => one.transaction === transaction && one.janus !== 'ack');
    socket.send(JSON.stringify({ ...message, transaction, session_id: session, handle_id: handle }));
    return answer;
  };
  session = (await say({ janus: 'create' })).data.id;
  handle = (await say({ janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
  await say({ janus: 'message', body: { request: 'join', ptype: 'publisher', room: 1234, display: 'alice' } });
  const media = await navigator.mediaDevices.getUserMedia(
    { audio: true, video: { width: 1280, height: 720, frameRate: 15 } });
  const pc = new RTCPeerConnection();
  pc.addTransceiver(media.getAudioTracks()[0], { direction: 'sendonly' });
  pc.addTransceiver(media.getVideoTracks()[0], {
    direction: 'sendonly',
    sendEncodings: [
      { rid: 'h', maxBitrate: 1_200_000 },
      { rid: 'm', maxBitrate: 500_000, scaleResolutionDownBy: 2 },
      { rid: 'l', maxBitrate: 150_000, scaleResolutionDownBy: 4 },
    ],
  });
  // A machine that is short of processor time gets fewer frames, not other sizes.
  const sender = pc.getSenders().find(({ track }) => track.kind === 'video');
  await sender.setParameters({ ...sender.getParameters(), degradationPreference: 'maintain-resolution' });
  await pc.setLocalDescription(await pc.createOffer());
  await new Promise((done) => {
    if (pc.iceGatheringState === 'complete') done();
    else pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done();
  });
  const { jsep } = await say({
    janus: 'message', body: { request: 'publish' },
    jsep: { type: 'offer', sdp: pc.localDescription.sdp },
  });
  await pc.setRemoteDescription(jsep);
  setInterval(() => say({ janus: 'keepalive' }), 20_000);
  globalThis.publisher = { pc, media };
}

// Debian 13 has no Janus.
const skip = existsSync('/usr/bin/janus') ? false : 'janus is not installed';

test('Janus sends the layer that is asked for', { ...kTest, skip }, async (t) => {
  const janus = await startJanus(t);
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.open(await serveEmptyPage(t));
  await page.evaluate(publish, janus);
  const sent = () => page.evaluate(async () => [...(await globalThis.publisher.pc.getStats()).values()]
    .filter(({ type, kind }) => type === 'outbound-rtp' && kind === 'video')
    .map(({ rid, framesSent, frameHeight }) => ({ rid, framesSent, frameHeight })));
  await until(async () => (await sent()).filter(({ rid, framesSent }) => 'lm'.includes(rid) && framesSent > 20)
    .length === 2, 'two sizes are sent', 60_000).catch(async (error) => {
    throw new Error(`${error.message}: ${JSON.stringify(await sent())}`);
  });

  for (const [layer, height] of Object.entries(kHeights)) {
    const recorder = await record(`janus+${janus}?room=1234`, await folderFor(t), ['--layer', layer]);
    t.after(() => recorder.program.end('SIGKILL'));
    await until(async () => (await readFile(join(recorder.folder, 'journal.jsonl'), 'utf8')).split('\n')
      .some((line) => line.includes('"event":"size"') && line.includes(`"height":${height}`)),
    `${layer}: ${height} lines are recorded`, 60_000).catch(async (error) => {
      throw new Error(`${error.message}: ${JSON.stringify(await sent())}`);
    });
    const recording = await recorder.finish();
    const [track] = recording.tracks('alice', 'video');
    // A browser that is short of processor time may drop a layer again; Janus then sends another.
    assert.ok(track.sizes.some((size) => size.height === height), `${layer}: ${JSON.stringify(track.sizes)}`);
    const { findings } = await verify(recorder.folder);
    assert.deepEqual(findings.filter(({ code }) => code === 'undecodable'), []);
  }
});
