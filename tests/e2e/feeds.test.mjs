// feeds.test.mjs: Chromium with files of `callbot pattern` as its camera and microphone, in a call,
// recorded, and every mark that arrived read back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';

import { openBrowser } from './browser.mjs';
import { Callbot, folderFor, record, serve, verify } from './callbot.mjs';

const kTest = { timeout: 180_000 };
const kSeconds = 30; // longer than the call, so that no counter begins again
const kFrames = 240;

for (const form of ['y4m', 'mjpeg']) {
  test(`Chromium plays the pattern's ${form}, and its marks are read in the call`, kTest, async (t) => {
    const folder = await folderFor(t);
    const video = join(folder, `feed.${form}`);
    const audio = join(folder, 'feed.wav');
    const writing = new Callbot(['pattern', '--to', video, '--audio', audio, '--size', '640x360',
      '--seconds', String(kSeconds), '--seed', '77']);
    assert.equal(await writing.end(null, 120_000), 0);

    const server = await serve();
    t.after(() => server.stop('SIGKILL'));
    const recorder = await record(server.ws(form), folder);
    t.after(() => recorder.program.end('SIGKILL'));
    const browser = await openBrowser({ video, audio });
    t.after(() => browser.close());
    const page = await browser.open(server.page(form, 'alice'));
    await page.waitForStats('recorder', (member) => member.outboundVideo?.framesEncoded >= kFrames,
      'frames go to the recorder', 90_000);
    await page.leave();
    await recorder.left('alice');
    const recording = await recorder.finish();

    const { tracks } = await verify(recording.folder);
    const { marked, frames, marks, marks_duplicated: twice } = tracks.find(({ media }) => media === 'video');
    assert.ok(marked, 'the marks are there');
    assert.ok(marks >= kFrames * 0.8, `${marks} marks`);
    assert.ok(marks + (twice ?? 0) >= frames * 0.95, `${marks} marks in ${frames} frames`);
    // Known only where chirps were heard and their order told which picture each belongs to.
    const sound = tracks.find(({ media }) => media === 'audio');
    assert.equal(typeof sound.av_offset_s, 'number', `the chirps are there: ${JSON.stringify(sound)}`);
  });
}
