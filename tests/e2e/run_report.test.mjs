// run_report.test.mjs: the page of a call test's run (callbot test --html) in a real browser: it asks
// nothing of any network, fits, can be read in both schemes, and its graphs show something. Of a
// short real run that fails, and of the invented one, which has much of all that there can be.
// Needs CALLBOT, SAMPLE_RUN and /usr/bin/chromium.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { openFile, until } from './browser.mjs';

const run = promisify(execFile);
const kTest = { timeout: 300_000 };
const kLeastContrast = 4.5; // WCAG 2.2, 1.4.3 (AA)

// Fails by its last threshold; with marks, a network that changes, and a name that is no markup.
const kScenario = `
callbot: 1
name: "<b>short</b> & real"
report: {bundle: BUNDLE}
media:
  cam: {video: {source: pattern, size: 320x180, fps: 15, bitrate: 200 kbit/s}, audio: pattern}
actors:
  alice: {send: cam, verify: all}
  bob: {send: cam, verify: all}
steps:
  - {do: join, who: "*"}
  - {expect: seen, who: "*", from: "*", within: 30s}
  - mark: steady
  - wait: 3s
  - mark: delayed
  - {do: network, who: bob, set: {delay: 80ms}}
  - wait: 3s
  - mark: end
  - {do: leave, who: "*"}
timeline:
  - {between: [steady, delayed], who: bob, must_see: alice, must_hear: alice}
thresholds:
  - {metric: video.e2e_delay, stat: p95, op: <=, value: 5s, per: stream, between: [steady, end]}
  - {metric: video.fps, stat: mean, op: ">=", value: 1, per: stream}
  - {metric: video.marked, stat: total, op: "==", value: 0, who: bob}
`;

const pages = {}; // name -> {file, title}

before(async () => {
  const out = await mkdtemp(join(tmpdir(), 'callbot-run-report-'));
  process.on('exit', () => rmSync(out, { recursive: true, force: true }));
  const scenario = join(out, 'short.yaml');
  await writeFile(scenario, kScenario.replace('BUNDLE', join(out, 'bundle')));
  pages.real = { file: join(out, 'real.html'), graphs: 3 };
  const { code, stdout } = await run(process.env.CALLBOT, ['test', scenario, '--html', pages.real.file],
    { timeout: 150_000 }).catch((error) => error);
  // Also where the machine was too slow for its verdicts, the page is whole.
  assert.ok(code === 1 || code === 5, `exit status ${code}: ${stdout}`);
  pages.invented = { file: join(out, 'invented.html'), graphs: 5 };
  await run(process.env.SAMPLE_RUN, [pages.invented.file], { timeout: 60_000 });
});

// In the page: every text that is seen, its colour against what is behind it.
function contrasts() {
  const channels = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a), a: 1,
  });
  const linear = (value) => (value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(channels(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const all = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    const element = walk.currentNode.parentElement;
    if (!text || /^(SCRIPT|STYLE|TITLE)$/i.test(element.tagName) || !element.checkVisibility()) continue;
    const below = behind(element);
    const style = getComputedStyle(element);
    const ink = over(channels(element instanceof SVGElement ? style.fill : style.color), below);
    const [light, dark] = [luminance(ink), luminance(below)].sort((a, b) => b - a);
    all.push({ text: text.slice(0, 60), ratio: (light + 0.05) / (dark + 0.05) });
  }
  return all;
}

// In the page: of each graph how many points its lines have, and how high they reach.
function graphs() {
  return [...document.querySelectorAll('.graph')].map((graph) => ({
    title: graph.querySelector('h3').textContent,
    legend: graph.querySelector('figcaption').textContent.trim(),
    lines: [...graph.querySelectorAll('path.line')].map((line) => ({
      points: line.getAttribute('d').match(/[ML]/gi)?.length ?? 0,
      length: line.getTotalLength(), width: line.getBoundingClientRect().width,
    })),
  }));
}

for (const name of ['real', 'invented']) {
  test(`the ${name} run's page asks for nothing but itself, and nothing goes wrong`, kTest, async (t) => {
    const { file } = pages[name];
    const { view, asked } = await openFile(t, file);
    assert.match(await view.evaluate(() => document.title), /^(Fail|Invalid): /);
    assert.deepEqual(asked.filter((url) => !url.startsWith('data:')), [pathToFileURL(file).href]);
    // What follows the pointer over the graphs.
    const box = await view.evaluate(() => {
      const plot = document.querySelector('.graph .plot');
      plot.scrollIntoView({ block: 'center' });
      const { x, y, width, height } = plot.getBoundingClientRect();
      return { x, y, width, height };
    });
    await view.raw.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const heads = await until(() => view.evaluate(() => {
      const all = [...document.querySelectorAll('.plot:has(svg) .head')];
      return all.length && all.every((head) => head.style.left !== '') ? all.map((head) => parseFloat(head.style.left)) : null;
    }), 'the line over all graphs');
    for (const head of heads) assert.ok(Math.abs(head - 50) < 2, `the line is at ${head} %`);
    assert.deepEqual(view.errors, []);
  });

  test(`the ${name} run's graphs show something`, kTest, async (t) => {
    const { view } = await openFile(t, pages[name].file);
    const all = await view.evaluate(graphs);
    assert.ok(all.length >= pages[name].graphs, JSON.stringify(all));
    for (const { title, legend, lines } of all) {
      assert.ok(legend, `${title} has no legend`);
      assert.ok(lines.length > 0, `${title} has no line`);
    }
    const drawn = all.filter(({ lines }) => lines.some((one) => one.points >= 3 && one.length > 0 && one.width > 50));
    assert.ok(drawn.length >= pages[name].graphs, JSON.stringify(all));
    assert.ok(drawn.some(({ title }) => /delay/i.test(title)), JSON.stringify(all.map(({ title }) => title)));
    assert.ok(await view.evaluate(() => document.querySelectorAll('.cases tbody tr').length) >= 5);
  });

  for (const [device, viewport] of [['laptop', { width: 1280, height: 800 }], ['phone', { width: 390, height: 844 }]]) {
    test(`the ${name} run's page fits a ${device} and can be read, light and dark`, kTest, async (t) => {
      for (const colorScheme of ['light', 'dark']) {
        const { view } = await openFile(t, pages[name].file, { viewport, colorScheme });
        const wide = await view.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${wide} px too wide`);
        const [back, ink] = await view.evaluate(() => {
          const style = getComputedStyle(document.body);
          return [style.backgroundColor, style.color].map((c) => Number(/\d+/.exec(c)[0]));
        });
        assert.equal(back > ink, colorScheme === 'light');
        const all = await view.evaluate(contrasts);
        assert.ok(all.length > 50, `${all.length} texts`);
        const faint = all.filter(({ ratio }) => ratio < kLeastContrast);
        assert.deepEqual(faint, [], `${colorScheme}: cannot be read`);
        if (process.env.KEEP) {
          await view.raw.screenshot({ path: join(process.env.KEEP, `run-${name}-${device}-${colorScheme}.png`), fullPage: true });
        }
        assert.deepEqual(view.errors, []);
      }
    });
  }
}

test('a name that is no markup is only text', kTest, async (t) => {
  const { view } = await openFile(t, pages.real.file);
  assert.ok(await view.evaluate(() => document.querySelector('h1').textContent.includes('<b>short</b> & real')));
});
