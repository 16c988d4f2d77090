// speech.test.mjs: who spoke when, by the levels that a real Chromium puts into its packets, and a
// recording that is steered with the program's own ctl while the browser is recorded.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { openBrowser } from './browser.mjs';
import { ctl, folderFor, record, serve, verify } from './callbot.mjs';

const run = promisify(execFile);
const kTest = { timeout: 180_000 };
const kTalk = 2; // seconds of sound, then as many of silence, again and again
const kRounds = 3;

// Something like a voice: harmonics that wander, syllables; a steady tone would pass for noise.
async function makeVoice(path) {
  const voice = [1, 2, 3, 4].map((n) => `sin(${n}*2*PI*(150*t+4*sin(2*PI*2.3*t)))/${n}`).join('+');
  const sound = `0.3*(${voice})*(0.55+0.45*sin(2*PI*4*t))*lt(mod(t,${2 * kTalk}),${kTalk})`;
  await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i',
    `aevalsrc='${sound}':s=48000:d=${2 * kTalk}`, '-ac', '1', path], { timeout: 60_000 });
}

test('speech of Chromium is found without decoding, and the recording is steered', kTest, async (t) => {
  const folder = await folderFor(t);
  await makeVoice(join(folder, 'voice.wav'));
  const server = await serve();
  t.after(() => server.stop('SIGKILL'));
  const recorder = await record(server.ws('speech'), folder);
  t.after(() => recorder.program.end('SIGKILL'));
  const browser = await openBrowser({ audio: join(folder, 'voice.wav') });
  t.after(() => browser.close());
  const page = await browser.open(server.page('speech', 'Ann <b>'));
  await page.waitForStats('recorder', (member) => member.outboundVideo?.framesEncoded >= 30,
    'media goes to the recorder', 60_000);
  assert.equal((await ctl(recorder.folder, 'mark', 'here')).ok, true);
  assert.equal((await ctl(recorder.folder, 'split')).ok, true);
  // Sound begins at any place of the file: so many rounds hold so many whole spans less one.
  const packets = (kRounds + 1) * 2 * kTalk * 50;
  await page.waitForStats('recorder', (member) => member.outboundAudio?.packetsSent >= packets,
    'enough sound', 90_000);
  const { members } = await ctl(recorder.folder, 'status');
  assert.deepEqual(members.map(({ name, paused }) => [name, paused]), [['Ann <b>', false]]);
  await page.leave();
  await recorder.program.event('left');
  const recording = await recorder.finish();

  const [{ spoke = [] }] = recording.person('Ann <b>');
  const whole = spoke.slice(1, -1);
  assert.ok(whole.length >= kRounds - 1, `${spoke.length} spans of speech`);
  for (const { from_ns: from, to_ns: to } of whole) {
    const seconds = (to - from) / 1e9;
    assert.ok(Math.abs(seconds - kTalk) < 0.6, `a span of ${seconds} s, expected ${kTalk}`);
  }
  for (let i = 1; i < whole.length; i += 1) {
    const apart = (whole[i].from_ns - whole[i - 1].from_ns) / 1e9;
    assert.ok(Math.abs(apart - 2 * kTalk) < 0.4, `${apart} s apart, expected ${2 * kTalk}`);
  }
  const speakers = JSON.parse(await readFile(join(recorder.folder, 'speakers.json'), 'utf8'));
  assert.equal(speakers.spans.length, spoke.length);
  // FFmpeg's own reader takes the WebVTT, and finds as many cues.
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_packets',
    join(recorder.folder, 'speakers.vtt')]);
  assert.equal(JSON.parse(stdout).packets.length, spoke.length);
  assert.match(await readFile(join(recorder.folder, 'speakers.vtt'), 'utf8'), /<v Ann &lt;b&gt;>/);

  assert.deepEqual(recording.manifest.markers.map(({ text }) => text), ['here']);
  assert.deepEqual(recording.manifest.media.map(({ reason }) => reason).slice(0, 1), ['split']);
  const { findings } = await verify(recorder.folder);
  assert.deepEqual(findings.filter(({ code }) => code === 'undecodable'), []);
  await assert.rejects(ctl(recorder.folder, 'status'), /the recording has ended/);
});
