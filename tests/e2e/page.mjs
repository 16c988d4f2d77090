// page.mjs: opens one page of a call in a real browser, does things in it at given times and prints
// what the page sees, for shell scripts and tests in other languages.
//
//   node page.mjs --url 'http://127.0.0.1:8080/?room=r&name=n&autojoin=1' --for 10
//       --script mute@1,unmute@3,camera@4,camera@5,screen@6,reload@8,chat=hello@9,file=/tmp/x@9
//
//   --browser chromium|firefox   --for SECONDS after the call stands (default 10)
//   --script ACTION[=ARGUMENT][@SECONDS],...   without a time: one second after the one before
//   --every SECONDS   between two reports (default 1)   --wait-for-member NAME before time counts
//   --video-file F, --audio-file F (Chromium; .y4m or .mjpeg, .wav)   --insecure   --screenshot F
//   --json   one JSON object a line: {"t":1.0,"event":"report","state":{...},"stats":{...}}
//
// Actions: mute, unmute, camera (toggles), screen (toggles), chat=TEXT, file=PATH, norecord,
// people, reload, drop (the connection to the server), leave.
// Exit status: 0 done; 1 something was not reached in time, or the page reported an error; 2 wrong
// use.

import { parseArgs } from 'node:util';
import { openBrowser } from './browser.mjs';

const kLiveWithin = 60_000; // ms
const kEffectWithin = 15_000;

const toggles = (css, of) => async (page) => {
  const before = of(await page.state());
  await page.click(css);
  await page.waitFor((state) => of(state) !== before, `${css} takes effect`, kEffectWithin);
};

const turns = (css, wanted, of) => async (page) => {
  if (of(await page.state()) === wanted) return;
  await toggles(css, of)(page);
};

export const actions = {
  mute: turns('#mic', 'off', (state) => state.self.audio),
  unmute: turns('#mic', 'on', (state) => state.self.audio),
  camera: toggles('#camera', (state) => state.self.video),
  screen: toggles('#screen', (state) => state.self.videoSource),
  norecord: toggles('#norecord', (state) => state.self.recording),
  people: (page) => page.click('#show-people'),
  leave: async (page) => {
    await page.click('#leave');
    await page.waitFor((state) => state.phase === 'lobby', 'left', kEffectWithin);
  },
  drop: async (page) => {
    await page.evaluate(() => globalThis.callbot.dropConnection());
    await page.waitFor((state) => state.phase === 'live', 'reconnected', kLiveWithin);
  },
  reload: async (page) => {
    const { id } = await page.state();
    await page.reload();
    await page.waitFor((state) => state.phase === 'live' && state.id !== id, 'joined anew', kLiveWithin);
  },
  chat: async (page, text) => {
    const { length } = (await page.state()).chat;
    await page.evaluate(() => document.querySelector('#tab-chat').click());
    await page.fill('#chat-text', text);
    await page.press('Enter');
    await page.waitFor((state) => state.chat.length > length, 'said', kEffectWithin);
  },
  // The whole file has been handed to everybody when this is done.
  file: async (page, path) => {
    const { length } = (await page.state()).files;
    await page.upload('#file', path);
    await page.waitFor((state) => state.files.slice(length).some((file) => file.own && file.state === 'done'),
      `sent ${path}`, kLiveWithin);
  },
};

// "chat=a, b@2.5,mute" -> [{name, argument, at}]; a comma inside an argument is written \,
export function parseScript(text) {
  let at = 0;
  return text.split(/(?<!\\),/).filter(Boolean).map((step) => {
    const [, name, argument, time] = /^([a-z]+)(?:=(.*?))?(?:@(\d+(?:\.\d+)?))?$/s.exec(step) ?? [];
    if (!name || !actions[name]) throw new Error(`unknown action: ${step}`);
    if (['chat', 'file'].includes(name) && !argument) throw new Error(`${name} needs an argument`);
    at = time === undefined ? at + 1 : Number(time);
    return { name, argument: argument?.replaceAll('\\,', ','), at };
  });
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      browser: { type: 'string', default: 'chromium' }, url: { type: 'string' },
      for: { type: 'string', default: '10' }, script: { type: 'string', default: '' },
      every: { type: 'string', default: '1' }, 'wait-for-member': { type: 'string' },
      'video-file': { type: 'string' }, 'audio-file': { type: 'string' },
      insecure: { type: 'boolean', default: false }, screenshot: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  if (!values.url) throw new Error('--url is needed');
  if (!['chromium', 'firefox'].includes(values.browser)) throw new Error('--browser chromium|firefox');
  for (const name of ['for', 'every']) {
    values[name] = Number(values[name]);
    if (!(values[name] > 0)) throw new Error(`--${name}: expected seconds`);
  }
  return { ...values, script: parseScript(values.script) };
}

function line({ json }, report) {
  if (json) return console.log(JSON.stringify(report));
  const { t, event, state, ...rest } = report;
  const members = state?.members.map((member) => `${member.name} ${member.connection}`).join(', ');
  console.log(`${t.toFixed(1)} ${event} ${state ? `${state.phase}: ${members}` : JSON.stringify(rest)}`);
}

async function follow(options, page, stopped) {
  const live = (state) => state.phase === 'live' && (!options['wait-for-member'] ||
    state.members.some((member) => member.name === options['wait-for-member'] && member.connection === 'connected'));
  await page.waitFor(live, 'in the room', kLiveWithin);
  const start = Date.now();
  const now = () => (Date.now() - start) / 1000;
  const report = async (event) => line(options, {
    t: now(), event, state: await page.state(), stats: await page.stats(),
  });
  const steps = [...options.script].sort((a, b) => a.at - b.at);
  for (let next = 0; now() < options.for && !stopped.aborted;) {
    if (steps[0] && steps[0].at <= now()) {
      const { name, argument } = steps.shift();
      await actions[name](page, argument);
      line(options, { t: now(), event: 'did', action: name, argument });
    } else if (next <= now()) {
      await report('report');
      next = now() + options.every;
    }
    const due = Math.min(next, steps[0]?.at ?? Infinity, options.for) - now();
    await pause(Math.max(0, due * 1000), stopped);
  }
  await report('end');
  if (options.screenshot) await page.screenshot(options.screenshot);
  if (steps.length && !stopped.aborted) throw new Error(`no time left for ${steps.map((s) => s.name)}`);
}

function pause(ms, stopped) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    stopped.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      stopped.removeEventListener('abort', done);
      resolve();
    }
  });
}

async function main() {
  let options;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`page.mjs: ${error.message}`);
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
  const browser = await openBrowser({
    kind: options.browser, video: options['video-file'], audio: options['audio-file'],
    insecure: options.insecure,
  });
  let page;
  try {
    page = await browser.open(options.url);
    await follow(options, page, stop.signal);
    for (const error of page.errors) line(options, { t: 0, event: 'page-error', error });
    return page.errors.length ? 1 : 0;
  } catch (error) {
    console.error(`page.mjs: ${error.message}`);
    return 1;
  } finally {
    await page?.leave().catch(() => {});
    await browser.close();
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) process.exitCode = await main();
