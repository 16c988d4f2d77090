// firefox.test.mjs: calls between Firefox ESR on callbot's page and callbot itself. Firefox has no
// H.264 without a download, so VP8. Needs CALLBOT, /usr/bin/firefox-esr and FFmpeg's programs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { openBrowser } from './browser.mjs';
import { decode, folderFor, record, send, serve, verify } from './callbot.mjs';

const kTest = { timeout: 180_000 };
const kFrames = 60;

let server;
let browser;

before(async () => {
  server = await serve();
  browser = await openBrowser({ kind: 'firefox' });
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  await server?.stop();
}, { timeout: 90_000 });

async function openPage(t, room, name) {
  const page = await browser.open(server.page(room, name));
  t.after(async () => {
    await page.leave().catch(() => {});
    await page.close().catch(() => {});
  });
  return page;
}

function startSender(t, room) {
  const sender = send(server.ws(room), ['--name', 'bot', '--codec', 'vp8', '--size', '640x360', '--bitrate', '600k']);
  t.after(() => sender.end('SIGKILL'));
  return sender;
}

const decoded = (count) => (member) => member.inboundVideo?.framesDecoded >= count &&
  member.inboundAudio?.packetsReceived >= count;

test('Firefox calls the recorder', kTest, async (t) => {
  const recorder = await record(server.ws('to'), await folderFor(t));
  t.after(() => recorder.program.end('SIGKILL'));
  const page = await openPage(t, 'to', 'fox');
  await page.waitFor((state) => state.recording, 'a recorder is seen');
  const { outboundVideo } = await page.waitForStats('recorder', (member) =>
    member.outboundVideo?.framesEncoded >= kFrames && member.outboundAudio?.packetsSent >= kFrames,
  'media goes to the recorder', 60_000);
  await page.leave();
  await recorder.left('fox');
  const recording = await recorder.finish();
  const found = await decode(recording.files('fox'));
  assert.equal(found.errors, '');
  assert.equal(found.video.codec, 'vp8');
  assert.equal(found.audio.codec, 'opus');
  const sent = outboundVideo.framesEncoded;
  assert.ok(found.video.frames >= sent * 0.9, `${found.video.frames} of ${sent} frames`);
  const { findings } = await verify(recording.folder);
  // Firefox's fake picture is one colour that changes, and a busy machine slows the browser: what
  // judges pictures and time may complain.
  const spared = ['freeze', 'black', 'coverage', 'gap'];
  assert.deepEqual(findings.filter(({ severity, code }) => severity === 'FAIL' && !spared.includes(code)), []);
});

test('Firefox sees and hears callbot send, which came later and offers', kTest, async (t) => {
  const page = await openPage(t, 'from', 'fox');
  await page.waitFor((state) => state.phase === 'live', 'in the room');
  startSender(t, 'from');
  const bot = await page.waitForStats('bot', decoded(kFrames), 'frames and sound', 60_000);
  assert.equal(bot.inboundVideo.codec, 'vp8');
  assert.deepEqual([bot.inboundVideo.width, bot.inboundVideo.height], [640, 360]);
  assert.equal((await page.state()).members[0].offers, false);
});

test('Firefox came later and offers to callbot send', kTest, async (t) => {
  startSender(t, 'later');
  const page = await openPage(t, 'later', 'fox');
  await page.waitFor((state) => state.members.length === 1, 'the bot is there', 60_000);
  await page.waitForStats('bot', decoded(kFrames), 'frames and sound', 60_000);
});

test('Firefox and Chromium in one room', kTest, async (t) => {
  const chromium = await openBrowser();
  t.after(() => chromium.close());
  const cat = await chromium.open(server.page('both', 'cat'));
  const fox = await openPage(t, 'both', 'fox');
  await cat.waitForStats('fox', decoded(kFrames), 'cat sees fox', 60_000);
  await fox.waitForStats('cat', decoded(kFrames), 'fox sees cat', 60_000);
  await fox.click('#leave');
  await cat.waitFor((state) => state.members.length === 0, 'fox left');
});
