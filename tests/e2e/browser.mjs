// browser.mjs: a real browser with fake camera and microphone on one of callbot's pages, with the
// same few verbs for Chromium (playwright-core) and Firefox (puppeteer-core over WebDriver BiDi).
//
//   const browser = await openBrowser({ kind: 'chromium' });
//   const page = await browser.open('http://127.0.0.1:8080/?room=r&name=n&autojoin=1');
//   await page.evaluate(() => callbot.state());   page.click(css)   page.fill(css, text)
//   await browser.close();
//
// Every call has a deadline. Every browser has a profile of its own, which close() removes.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const kStartWithin = 60_000; // ms; several browsers may start at once on a small machine
const kStepWithin = 40_000;

const kPrograms = {
  chromium: process.env.CHROMIUM ?? '/usr/bin/chromium',
  firefox: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
};

const kChromiumFlags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-ui-for-media-stream', // answers the questions for camera, microphone and screen
];

const kFirefoxPrefs = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.peerconnection.ice.loopback': true,
  'media.autoplay.default': 0,
  'media.gmp-manager.updateEnabled': false,
  'app.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
};

async function deadline(promise, what, ms = kStepWithin) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not done within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Asks again and again until `condition` gives something true, and gives that.
export async function until(condition, what, ms = kStepWithin, every = 150) {
  const end = Date.now() + ms;
  do {
    const seen = await condition();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, every));
  } while (Date.now() < end);
  throw new Error(`${what}: not within ${ms} ms`);
}

class Page {
  #page;
  #upload;
  errors = []; // what the page itself complained of

  constructor(page, upload) {
    this.#page = page;
    this.#upload = upload;
    page.on('pageerror', (error) => this.errors.push(String(error?.message ?? error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
  }

  get raw() {
    return this.#page;
  }

  go(url) {
    return deadline(this.#page.goto(url), `open ${url}`, kStartWithin);
  }

  evaluate(f, argument) {
    return deadline(this.#page.evaluate(f, argument), 'evaluate');
  }

  state() {
    return this.evaluate(() => globalThis.callbot?.state());
  }

  stats() {
    return this.evaluate(() => globalThis.callbot?.stats());
  }

  // Through the element's own click, so that nothing that lies over it for a moment gets it.
  click(css) {
    return this.evaluate((selector) => document.querySelector(selector).click(), css);
  }

  async fill(css, text) {
    await deadline(this.#page.focus(css), `focus ${css}`);
    await deadline(this.#page.keyboard.type(text), `type into ${css}`);
  }

  press(key) {
    return deadline(this.#page.keyboard.press(key), `press ${key}`);
  }

  upload(css, path) {
    return deadline(this.#upload(css, path), `upload ${path}`);
  }

  reload() {
    return deadline(this.#page.reload(), 'reload', kStartWithin);
  }

  screenshot(path) {
    return deadline(this.#page.screenshot({ path }), 'screenshot');
  }

  close() {
    return deadline(this.#page.close(), 'close the page');
  }

  // Says goodbye to the room, as a closed tab does; a killed browser would not.
  leave() {
    return this.go('about:blank');
  }

  // Waits until what the page says of itself fulfils `test`.
  async waitFor(test, what, ms = kStepWithin) {
    let last;
    try {
      return await until(async () => {
        last = await this.state();
        return last && test(last) ? last : null;
      }, what, ms);
    } catch (error) {
      throw new Error(`${error.message}\nthe page: ${JSON.stringify(last)} ${this.errors.join(' | ')}`);
    }
  }

  // Waits until stats of the member called `name` fulfil `test`.
  async waitForStats(name, test, what, ms = kStepWithin) {
    let last;
    try {
      return await until(async () => {
        last = Object.values((await this.stats()) ?? {}).find((member) => member.name === name);
        return last && test(last) ? last : null;
      }, what, ms, 300);
    } catch (error) {
      throw new Error(`${error.message}\n${name}: ${JSON.stringify(last)} ${this.errors.join(' | ')}`);
    }
  }
}

async function openChromium({ video, audio, viewport, colorScheme, flags = [], insecure, media = true, headed }) {
  const { chromium } = await import('playwright-core');
  const profile = await mkdtemp(join(tmpdir(), 'callbot-chromium-'));
  const fake = [];
  if (media) fake.push('--use-fake-device-for-media-stream');
  if (video) fake.push(`--use-file-for-fake-video-capture=${video}`);
  if (audio) fake.push(`--use-file-for-fake-audio-capture=${audio}`);
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: kPrograms.chromium, headless: !headed, timeout: kStartWithin,
    args: [
      ...kChromiumFlags, ...fake, '--disable-features=WebRtcHideLocalIpsWithMdns', ...flags,
    ],
    ignoreDefaultArgs: ['--mute-audio'],
    viewport: viewport ?? { width: 1280, height: 800 }, colorScheme: colorScheme ?? 'light',
    ignoreHTTPSErrors: insecure ?? false,
  }).catch(async (error) => {
    await rm(profile, { recursive: true, force: true });
    throw error;
  });
  context.setDefaultTimeout(kStartWithin);
  let first = context.pages()[0];
  return {
    kind: 'chromium',
    async open(url) {
      const page = first ?? await deadline(context.newPage(), 'new page');
      first = null;
      const ours = new Page(page, (css, path) => page.setInputFiles(css, path));
      await ours.go(url);
      return ours;
    },
    async close() {
      await deadline(context.close(), 'close Chromium').catch(() => {});
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function openFirefox({ viewport, insecure, media = true, prefs = {} }) {
  const { default: puppeteer } = await import('puppeteer-core');
  const profile = await mkdtemp(join(tmpdir(), 'callbot-firefox-'));
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath: kPrograms.firefox, headless: true, userDataDir: profile,
    timeout: kStartWithin, protocolTimeout: kStartWithin, acceptInsecureCerts: insecure ?? false,
    extraPrefsFirefox: { ...kFirefoxPrefs, 'media.navigator.streams.fake': media, ...prefs },
    defaultViewport: viewport ?? { width: 1280, height: 800 },
  }).catch(async (error) => {
    await rm(profile, { recursive: true, force: true });
    throw error;
  });
  return {
    kind: 'firefox',
    async open(url) {
      const page = await deadline(browser.newPage(), 'new page');
      page.setDefaultTimeout(kStartWithin);
      const ours = new Page(page, async (css, path) => (await page.$(css)).uploadFile(path));
      await ours.go(url);
      return ours;
    },
    async close() {
      const child = browser.process();
      await deadline(browser.close(), 'close Firefox').catch(() => child?.kill('SIGKILL'));
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export function openBrowser(options = {}) {
  return (options.kind === 'firefox' ? openFirefox : openChromium)(options);
}

// A page that is a file, in a browser that ends with the test; and every address it asks for.
export async function openFile(t, file, options = {}) {
  const browser = await openBrowser({ media: false, ...options });
  t.after(() => browser.close());
  const view = await browser.open('about:blank');
  const asked = [];
  view.raw.on('request', (request) => asked.push(request.url()));
  await view.go(pathToFileURL(file).href);
  return { view, asked };
}
