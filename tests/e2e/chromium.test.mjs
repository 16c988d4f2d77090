// chromium.test.mjs: calls between Chromium on callbot's page and callbot itself, recorded and
// judged. Needs CALLBOT (the binary), /usr/bin/chromium and FFmpeg's programs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openBrowser, until } from './browser.mjs';
import { decode, folderFor, record, send, serve, show, verify } from './callbot.mjs';
import { actions } from './page.mjs';

const kTest = { timeout: 180_000 };
const kFrames = 60; // enough of a call to be judged

let server;
let browser;

before(async () => {
  server = await serve();
  browser = await openBrowser();
}, { timeout: 90_000 });

after(async () => {
  await browser?.close();
  await server?.stop();
}, { timeout: 90_000 });

async function openPage(t, room, name, more) {
  const page = await browser.open(server.page(room, name, more));
  t.after(async () => {
    await page.leave().catch(() => {});
    await page.close().catch(() => {});
  });
  return page;
}

async function startRecorder(t, room, args) {
  const recorder = await record(server.ws(room), await folderFor(t), args);
  t.after(() => recorder.program.end('SIGKILL'));
  return recorder;
}

function startSender(t, room, args) {
  const sender = send(server.ws(room), ['--name', 'bot', '--size', '640x360', '--bitrate', '600k', ...args]);
  t.after(() => sender.end('SIGKILL'));
  return sender;
}

const encoded = (count) => (member) => member.outboundVideo?.framesEncoded >= count &&
  member.outboundAudio?.packetsSent >= count;
const decoded = (count) => (member) => member.inboundVideo?.framesDecoded >= count &&
  member.inboundAudio?.packetsReceived >= count && member.inboundAudio?.totalAudioEnergy > 0;

// No finding but those that a busy machine alone can cause: what it kept the browser from sending
// is not missing in the recording. assertComplete() says whether anything is that was sent.
const kOfTime = new Set(['coverage', 'gap', 'freeze']);
async function assertGood(recording) {
  const { verdict, findings } = await verify(recording.folder);
  const serious = findings.filter(({ severity, code }) => severity === 'FAIL' && !kOfTime.has(code));
  assert.deepEqual(serious, []);
  assert.equal(recording.status, verdict === 'FAIL' ? 1 : 0);
}

// Leaves once the recorder has been sent `frames`; says how many it was in the end.
async function leaveAfter(page, frames) {
  const { outboundVideo, outboundAudio } =
    await page.waitForStats('recorder', encoded(frames), 'media goes to the recorder', 60_000);
  await page.leave();
  return { video: outboundVideo.framesEncoded, audio: outboundAudio.packetsSent };
}

async function assertComplete(recording, name, sent) {
  const found = await decode(recording.files(name));
  assert.equal(found.errors, '');
  for (const kind of ['video', 'audio']) {
    assert.ok(found[kind].frames >= sent[kind] * 0.95, `${found[kind].frames} of ${sent[kind]} frames of ${kind}`);
  }
  return found;
}

for (const codec of ['vp8', 'vp9', 'h264']) {
  test(`the page calls the recorder: ${codec}`, kTest, async (t) => {
    const recorder = await startRecorder(t, `to-${codec}`);
    const page = await openPage(t, `to-${codec}`, 'alice', { codec });
    await page.waitFor((state) => state.recording, 'a recorder is seen');
    const sent = await leaveAfter(page, kFrames);
    await recorder.left('alice');
    const recording = await recorder.finish();
    const found = await assertComplete(recording, 'alice', sent);
    assert.equal(found.video.codec, codec);
    assert.equal(found.audio.codec, 'opus');
    await assertGood(recording);
    assert.deepEqual(page.errors, []);
  });

  test(`the page sees and hears callbot send: ${codec}`, kTest, async (t) => {
    const page = await openPage(t, `from-${codec}`, 'alice');
    await page.waitFor((state) => state.phase === 'live', 'in the room');
    startSender(t, `from-${codec}`, ['--codec', codec]);
    const bot = await page.waitForStats('bot', decoded(kFrames), 'frames and sound', 60_000);
    assert.equal(bot.inboundVideo.codec, codec);
    assert.deepEqual([bot.inboundVideo.width, bot.inboundVideo.height], [640, 360]);
    assert.equal(bot.inboundAudio.codec, 'opus');
    const [member] = (await page.state()).members;
    assert.equal(member.offers, false, 'the bot came later and offers');
    assert.deepEqual(page.errors, []);
  });
}

test('the page that came later calls callbot send', kTest, async (t) => {
  const sender = startSender(t, 'later', []);
  await sender.event('joined');
  const page = await openPage(t, 'later', 'alice');
  await page.waitForStats('bot', decoded(kFrames), 'frames and sound', 60_000);
  assert.equal((await page.state()).members[0].offers, true);
});

test("the page's own counters see the network that callbot send was given", kTest, async (t) => {
  const page = await openPage(t, 'network', 'alice');
  await page.waitFor((state) => state.phase === 'live', 'in the room');
  const sender = startSender(t, 'network',
    ['--network', '{"delay": "60ms", "up": {"loss": "5%", "loss_of": ["rtp"]}}']);
  // 400 packets: of fewer nobody can say that 5 % were lost.
  const bot = await page.waitForStats('bot', (member) => decoded(kFrames)(member) &&
    member.inboundVideo.packetsReceived + member.inboundAudio.packetsReceived > 450 &&
    member.roundTripMs !== null, 'frames and sound', 60_000);
  assert.ok(bot.roundTripMs >= 120, `${bot.roundTripMs} ms`);
  assert.ok(bot.inboundAudio.packetsLost > 0, 'sound is not sent again');
  await sender.end('SIGINT');
  const { verified, why } = await sender.event('network');
  assert.ok(verified || /the relay let packets go .* late/.test(why), why);
});

test('two pages and a recorder in one room', kTest, async (t) => {
  const recorder = await startRecorder(t, 'two');
  const pages = [];
  for (const name of ['alice', 'bob']) pages.push(await openPage(t, 'two', name));
  const [alice, bob] = pages;
  await alice.waitForStats('bob', decoded(kFrames), 'alice sees bob', 60_000);
  await bob.waitForStats('alice', decoded(kFrames), 'bob sees alice', 60_000);
  for (const page of pages) assert.equal(await page.evaluate(() => !document.querySelector('#rec').hidden), true);
  const sent = { alice: await leaveAfter(alice, kFrames), bob: await leaveAfter(bob, kFrames) };
  for (const name of ['alice', 'bob']) await recorder.left(name);
  const recording = await recorder.finish();
  for (const name of ['alice', 'bob']) await assertComplete(recording, name, sent[name]);
  await assertGood(recording);
});

test('mute, camera off and on, screen, reload: one recording that tells it all', kTest, async (t) => {
  const recorder = await startRecorder(t, 'eventful');
  const page = await openPage(t, 'eventful', 'alice');
  const more = async (what, frames = 30) => {
    const { outboundVideo } = await page.waitForStats('recorder', encoded(1), what, 60_000);
    await page.waitForStats('recorder', encoded(outboundVideo.framesEncoded + frames), what, 60_000);
  };
  await more('the beginning');
  await actions.mute(page);
  await more('muted');
  await actions.unmute(page);
  await actions.camera(page);
  const { outboundAudio } = await page.waitForStats('recorder', encoded(1), 'camera off');
  await page.waitForStats('recorder', (member) => member.outboundAudio.packetsSent > outboundAudio.packetsSent + 50,
    'sound without picture');
  await actions.camera(page);
  await more('camera on again');
  await actions.screen(page);
  await page.waitForStats('recorder', (member) => member.outboundVideo.width > 640, 'the screen has another size');
  await more('screen', 15);
  await actions.screen(page);
  await more('camera after the screen');
  const before = (await page.state()).id;
  await actions.reload(page);
  assert.notEqual((await page.state()).id, before);
  await more('after the reload');
  await page.leave();
  await recorder.left('alice');
  const recording = await recorder.finish();

  const found = await decode(recording.files('alice'));
  assert.equal(found.errors, '');
  const { sizes } = found.video;
  assert.ok(sizes.includes('640x360') && sizes.length >= 2, `sizes: ${sizes}`);
  const said = (media, on, source) => recording.journal.some((event) => event.event === 'state' &&
    event.media === media && event.on === on && (!source || event.source === source));
  assert.ok(said('audio', false) && said('audio', true), 'mute and unmute');
  assert.ok(said('video', false) && said('video', true, 'camera'), 'camera off and on');
  assert.ok(said('video', true, 'screen'), 'screen');
  assert.ok(recording.journal.some((event) => event.event === 'size'), 'a size change');
  const stays = recording.person('alice').flatMap(({ present }) => present);
  assert.equal(stays.length, 2, 'two stays, before and after the reload');
  assert.match(await show(recording.folder), /alice/);
  await assertGood(recording);
  assert.deepEqual(page.errors, []);
});

test('chat and a file of 5 MB reach the journal and the folder', kTest, async (t) => {
  const folder = await folderFor(t);
  const content = randomBytes(5_000_000);
  const path = join(folder, 'plans.bin');
  await writeFile(path, content);
  const recorder = await startRecorder(t, 'chat');
  const page = await openPage(t, 'chat', 'alice');
  await page.waitFor((state) => state.members.some(({ recorder: yes, channel }) => yes && channel), 'a channel', 60_000);
  await actions.chat(page, 'grüße <b>everyone</b>');
  await actions.file(page, path);
  await page.waitForStats('recorder', encoded(30), 'media', 60_000);
  await recorder.file();
  await page.leave();
  await recorder.left('alice');
  const recording = await recorder.finish();
  const chat = recording.journal.find(({ event }) => event === 'chat');
  assert.equal(chat?.text, 'grüße <b>everyone</b>');
  const sha256 = createHash('sha256').update(content).digest('hex');
  const [received] = recording.manifest.received;
  assert.equal(received?.name, 'plans.bin');
  assert.equal(received.sha256, sha256);
  assert.equal(received.bytes, content.length);
  assert.ok(content.equals(await readFile(recording.received(received))));
});

test('a file above the limit is refused and disturbs nothing', kTest, async (t) => {
  const folder = await folderFor(t);
  const path = join(folder, 'large.bin');
  await writeFile(path, randomBytes(1_500_000));
  const recorder = await startRecorder(t, 'limit', ['--max-file-mb', '1']);
  const page = await openPage(t, 'limit', 'alice');
  await page.waitFor((state) => state.members.some(({ recorder: yes, channel }) => yes && channel), 'a channel', 60_000);
  await actions.file(page, path);
  await actions.chat(page, 'after it');
  const sent = await leaveAfter(page, kFrames);
  await recorder.left('alice');
  const recording = await recorder.finish();
  await assertComplete(recording, 'alice', sent);
  assert.ok(recording.journal.some(({ event, name }) => event === 'file-refused' && name === 'large.bin'));
  assert.ok(recording.journal.some(({ event, text }) => event === 'chat' && text === 'after it'));
  assert.equal(recording.manifest.received?.length ?? 0, 0);
  await assertGood(recording);
});

test('who does not want to be recorded is not', kTest, async (t) => {
  const recorder = await startRecorder(t, 'private');
  const alice = await openPage(t, 'private', 'alice');
  const bob = await openPage(t, 'private', 'bob');
  await alice.waitForStats('recorder', encoded(1), 'alice is recorded at first', 60_000);
  await actions.norecord(alice);
  await bob.waitFor((state) => state.members.some(({ name, recording }) => name === 'alice' && recording === 'refused'),
    'bob sees that alice refused');
  const sent = (await alice.waitForStats('recorder', (member) => member.connection === 'connected', 'connected')).outboundVideo;
  await bob.waitForStats('recorder', encoded(kFrames), 'bob is recorded', 60_000);
  await bob.waitForStats('alice', decoded(kFrames), 'bob still sees alice', 60_000);
  const later = (await alice.waitForStats('recorder', () => true, 'stats')).outboundVideo;
  assert.ok((later?.framesEncoded ?? 0) - (sent?.framesEncoded ?? 0) <= 2, 'alice sends the recorder nothing');
  for (const page of [alice, bob]) await page.leave();
  for (const name of ['alice', 'bob']) await recorder.left(name);
  const recording = await recorder.finish();
  assert.ok(recording.person('alice').some(({ refused }) => refused.length === 1));
  for (const track of recording.tracks('alice', 'video')) assert.ok(track.frames < kFrames / 2);
  assert.ok(recording.tracks('bob', 'video')[0].frames >= kFrames * 0.9);
  await assertGood(recording);
});

test('the server is killed and comes back: same members, no frame missing', kTest, async (t) => {
  const own = await serve();
  t.after(() => own.stop('SIGKILL'));
  const pages = [];
  for (const name of ['alice', 'bob']) {
    const page = await browser.open(own.page('phoenix', name));
    t.after(() => page.close().catch(() => {}));
    pages.push(page);
  }
  const [alice, bob] = pages;
  const before = await alice.waitForStats('bob', decoded(kFrames), 'alice sees bob', 60_000);
  const ids = await Promise.all(pages.map(async (page) => (await page.state()).id));
  await own.stop('SIGKILL');
  await alice.waitFor((state) => state.phase === 'reconnecting', 'the loss is noticed');
  const again = await serve({ port: own.port });
  t.after(() => again.stop('SIGKILL'));
  for (const page of pages) await page.waitFor((state) => state.phase === 'live', 'back', 60_000);
  const frames = before.inboundVideo.framesDecoded + kFrames;
  const later = await alice.waitForStats('bob', decoded(frames), 'media went on', 60_000);
  assert.deepEqual(await Promise.all(pages.map(async (page) => (await page.state()).id)), ids);
  assert.equal(later.generation, before.generation, 'the same peer connection');
  assert.equal(later.inboundVideo.freezeCount, before.inboundVideo.freezeCount);
  // The signaling works too: bob hears of alice's mute.
  await actions.mute(alice);
  await bob.waitFor((state) => state.members[0]?.audio === 'off', 'bob sees the mute');
  await alice.leave();
  await bob.waitFor((state) => state.members.length === 0, 'alice left');
});

for (const breaks of ['the one who offers', 'the one who answers']) {
  test(`a peer connection that dies is replaced: ${breaks}`, kTest, async (t) => {
    const room = `break-${breaks.split(' ').at(-1)}`;
    const pages = { alice: null, bob: null };
    for (const name of Object.keys(pages)) {
      const page = await browser.open('about:blank');
      t.after(() => page.close().catch(() => {}));
      await page.raw.addInitScript(() => {
        const Real = globalThis.RTCPeerConnection;
        globalThis.connections = [];
        globalThis.RTCPeerConnection = class extends Real {
          constructor(...all) {
            super(...all);
            globalThis.connections.push(this);
          }
        };
      });
      await page.go(server.page(room, name));
      await page.waitFor((state) => state.phase === 'live', `${name} is in`);
      pages[name] = page;
    }
    const { alice, bob } = pages; // bob came later and offers
    await alice.waitForStats('bob', decoded(20), 'alice sees bob', 60_000);
    const breaker = breaks.endsWith('offers') ? bob : alice;
    // Its own page is not told of a close(), as it would not be of a crash below it.
    await breaker.evaluate(() => globalThis.connections.at(-1).close());
    for (const [page, other] of [[alice, 'bob'], [bob, 'alice']]) {
      await page.waitForStats(other, (member) => member.generation === 2 && decoded(20)(member),
        `fresh media from ${other}`, 60_000);
    }
    for (const page of [alice, bob]) await page.leave();
  });
}

test('names and words of others stay text', kTest, async (t) => {
  const evil = '<img src=x onerror="document.title=\'owned\'">'.replaceAll('/', '');
  const alice = await openPage(t, 'text', 'alice');
  const mallory = await openPage(t, 'text', evil);
  await alice.waitFor((state) => state.members[0]?.channel, 'a channel', 60_000);
  await actions.chat(mallory, '<script>document.title="owned"</script><img src=x onerror=alert(1)>');
  await alice.waitFor((state) => state.chat.length === 1, 'the words arrive');
  const seen = await until(() => alice.evaluate(() => ({
    images: document.querySelectorAll('#messages img, #members img, .tile img, .toast img').length,
    words: document.querySelector('.message .text')?.textContent, title: document.title,
  })), 'rendered');
  assert.equal(seen.images, 0);
  assert.match(seen.words, /^<script>/);
  assert.match(seen.title, /text · callbot/);
});
