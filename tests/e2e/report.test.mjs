// report.test.mjs: a recording's report in a real browser: it asks nothing of any network, nobody's
// name does any harm, and a finding leads the player to its second.
// Needs CALLBOT, FAULTY_RECORDING and /usr/bin/chromium.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { openBrowser, openFile, until } from './browser.mjs';

const run = promisify(execFile);
const kTest = { timeout: 300_000 };

let folder;
let page;

before(async () => {
  const out = await mkdtemp(join(tmpdir(), 'callbot-report-'));
  process.on('exit', () => rmSync(out, { recursive: true, force: true }));
  folder = join(out, 'call');
  await run(process.env.FAULTY_RECORDING, [folder], { timeout: 150_000 });
  const { stdout } = await run(process.env.CALLBOT, ['report', folder, '--log', 'json'],
    { timeout: 150_000 });
  const made = stdout.trim().split('\n').map((line) => JSON.parse(line)).at(-1);
  assert.equal(made.event, 'report');
  assert.equal(made.verdict, 'FAIL');
  page = made.path;
});

const open = (t, options) => openFile(t, page, options);

test('it asks for nothing but itself, and nothing goes wrong', kTest, async (t) => {
  const { view, asked } = await open(t);
  assert.match(await view.evaluate(() => document.title), /^FAIL: standup$/);
  assert.deepEqual(asked, [pathToFileURL(page).href]);
  assert.deepEqual(view.errors, []);
  assert.equal(await view.evaluate(() => document.querySelectorAll('.findings tbody tr').length),
    JSON.parse((await run(process.env.CALLBOT, ['verify', folder, '--json']).catch((e) => e)).stdout)
      .findings.length);
});

test('a name that is meant to harm is only text', kTest, async (t) => {
  const { view } = await open(t);
  assert.equal(await view.evaluate(() => typeof globalThis.hacked), 'undefined');
  assert.equal(await view.evaluate(() => document.querySelectorAll('img:not([src^="data:"])').length), 0);
  const names = await view.evaluate(() => [...document.querySelectorAll('.person h3')].map((h) => h.textContent));
  assert.ok(names.some((name) => name.startsWith('<script>globalThis.hacked')), names.join());
});

test('a finding leads the player to its second, in the file that has it', kTest, async (t) => {
  const { view, asked } = await open(t);
  const links = await view.evaluate(() => [...document.querySelectorAll('.findings a[data-at]')]
    .map(({ dataset: { person, at } }) => ({ person, at: Number(at) })));
  assert.ok(links.length >= 6, `${links.length} links`);
  const playable = links.filter(({ person }) => person === '2'); // Bob, whose file begins at 5 s
  assert.ok(playable.length >= 2);
  for (const { person, at } of playable) {
    await view.click(`.findings a[data-person="${person}"][data-at="${at.toFixed(3)}"]`);
    const seen = () => view.evaluate((index) => {
      const { readyState, currentTime, error } = document.getElementById(`player${index}`);
      return { readyState, currentTime, error: error?.message };
    }, person);
    await until(async () => {
      const { readyState, currentTime, error } = await seen();
      assert.equal(error, undefined);
      return readyState >= 2 && Math.abs(currentTime + 5 - at) < 0.06;
    }, `the player at ${at}`);
  }
  assert.deepEqual(asked.filter((url) => !url.startsWith('file:')), []);
  assert.deepEqual(view.errors, []);
});

test('a picture of the contact sheet and a place on the chart do so too', kTest, async (t) => {
  const { view } = await open(t);
  const at = Number(await view.evaluate(() => document.querySelectorAll('#p0 .sheet a')[5].dataset.at));
  await view.evaluate(() => document.querySelectorAll('#p0 .sheet a')[5].click());
  const time = () => view.evaluate(() => document.getElementById('player0').currentTime);
  await until(async () => Math.abs(await time() - at) < 0.06, 'the picture');
  await view.evaluate(() => document.querySelector('.plot[data-person="0"]').scrollIntoView({ block: 'center' }));
  const box = await view.evaluate(() => {
    const { x, y, width, height } = document.querySelector('.plot[data-person="0"]').getBoundingClientRect();
    return { x, y, width, height };
  });
  await view.raw.mouse.click(box.x + box.width / 2, box.y + 40);
  await until(async () => Math.abs(await time() - 30) < 0.3, 'the middle of the chart');
  await until(() => view.evaluate(() => document.querySelector('.plot[data-person="0"] .head') !== null),
    'its mark on the chart');
});

test('a file that does not play says how to get one that does', kTest, async (t) => {
  const broken = join(folder, 'broken.html');
  await writeFile(broken, (await readFile(page, 'utf8')).replaceAll('media/', 'gone/'));
  const browser = await openBrowser({ media: false });
  t.after(() => browser.close());
  const view = await browser.open(pathToFileURL(broken).href);
  await view.evaluate(() => document.querySelector('.findings a[data-person="2"]').click());
  await until(() => view.evaluate(() => /callbot export/.test(document.getElementById('trouble2').textContent)),
    'what to do');
});

for (const [name, viewport] of [['laptop', { width: 1280, height: 800 }], ['phone', { width: 390, height: 844 }]]) {
  test(`it fits a ${name}, light and dark, and the keyboard reaches every jump`, kTest, async (t) => {
    for (const colorScheme of ['light', 'dark']) {
      const { view } = await open(t, { viewport, colorScheme });
      const wide = await view.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} px too wide`);
      const [back, ink] = await view.evaluate(() => {
        const style = getComputedStyle(document.body);
        return [style.backgroundColor, style.color].map((c) => Number(/\d+/.exec(c)[0]));
      });
      assert.equal(back > ink, colorScheme === 'light');
      assert.ok(await view.evaluate(() => [...document.querySelectorAll('[data-at]')].every((a) => a.tabIndex === 0)));
      if (process.env.KEEP) {
        await view.raw.screenshot({ path: join(process.env.KEEP, `report-${name}-${colorScheme}.png`), fullPage: true });
      }
    }
  });
}
