// callbot.mjs: the program as a user starts it, for the tests here: its events as they come, its
// recordings as they lie on disk. CALLBOT names the binary (default: build/callbot).

import { execFile, spawn } from 'node:child_process';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const kProgram = process.env.CALLBOT ? resolve(process.env.CALLBOT)
  : fileURLToPath(new URL('../../build/callbot', import.meta.url));
const kEventWithin = 30_000; // ms
const kStopWithin = 60_000; // it judges what it recorded before it ends
const run = promisify(execFile);

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class Callbot {
  events = []; // what it printed, in order
  #child;
  #args;
  #errors = '';
  #rest = '';
  #waiting = new Set();
  #ended;

  constructor(args) {
    this.#args = args;
    this.#child = spawn(kProgram, ['--log', 'json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.#child);
    this.#child.stdout.on('data', (data) => this.#read(String(data)));
    this.#child.stderr.on('data', (data) => { this.#errors = (this.#errors + data).slice(-4000); });
    this.#ended = new Promise((done) => {
      this.#child.on('error', (error) => done(String(error)));
      this.#child.on('close', (code, signal) => done(code ?? signal));
    }).then((status) => {
      running.delete(this.#child);
      this.status = status;
      this.#waiting.forEach((look) => look());
      return status;
    });
  }

  // The first event called `name` that `test` likes, printed already or yet to come.
  event(name, test = () => true, ms = kEventWithin) {
    return new Promise((done, fail) => {
      const finish = (how, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        how(value);
      };
      const look = () => {
        const found = this.events.find((event) => event.event === name && test(event));
        if (found) finish(done, found);
        else if (this.status !== undefined) finish(fail, this.#trouble(`ended without "${name}"`));
      };
      const timer = setTimeout(() => finish(fail, this.#trouble(`no "${name}" within ${ms} ms`)), ms);
      this.#waiting.add(look);
      look();
    });
  }

  // Its exit status, after it ended by itself or, with a signal, because we ask it to.
  async end(signal, ms = kStopWithin) {
    if (signal) this.#child.kill(signal);
    let timer;
    const late = new Promise((_, fail) => {
      timer = setTimeout(() => fail(this.#trouble(`still runs after ${ms} ms`)), ms);
    });
    try {
      return await Promise.race([this.#ended, late]);
    } finally {
      clearTimeout(timer);
      this.#child.kill('SIGKILL');
    }
  }

  #read(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) {
      try {
        this.events.push(JSON.parse(line));
      } catch {
        this.events.push({ event: 'text', text: line });
      }
    }
    this.#waiting.forEach((look) => look());
  }

  #trouble(what) {
    const last = this.events.slice(-8).map((event) => JSON.stringify(event)).join('\n');
    return new Error(`callbot ${this.#args.join(' ')}: ${what}; status ${this.status}\n${last}\n${this.#errors}`);
  }
}

// A room server with its page: {url, ws(room), page(room, name, more), stop()}.
export async function serve({ port = 0, args = [] } = {}) {
  const program = new Callbot(['serve', '--listen', `127.0.0.1:${port}`, ...args]);
  const { url } = await program.event('serving');
  return {
    url, program, port: Number(new URL(url).port),
    ws: (room) => `${url.replace(/^http/, 'ws')}/rooms/${encodeURIComponent(room)}`,
    // 640x360 unless asked for otherwise: several encoders share a small machine.
    page: (room, name, more = {}) =>
      `${url}/?${new URLSearchParams({ room, name, autojoin: 1, size: '640x360', ...more })}`,
    stop: (signal = 'SIGTERM') => program.end(signal),
  };
}

// Joins as a recorder; finish() ends it and reads what it made.
export async function record(ws, out, args = []) {
  const program = new Callbot(['record', ws, '--out', out, ...args]);
  const { folder } = await program.event('recording');
  return {
    program, folder,
    left: (name) => program.event('left', (event) => event.name === name),
    file: () => program.event('file'),
    async finish(signal = 'SIGINT') {
      const status = await program.end(signal);
      return { status, ...(await readRecording(folder)) };
    },
  };
}

export function send(ws, args = []) {
  return new Callbot(['send', ws, ...args]);
}

async function readRecording(folder) {
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  const journal = (await readFile(join(folder, 'journal.jsonl'), 'utf8'))
    .split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const person = (name) => manifest.participants.filter((one) => one.name === name);
  const ids = (name) => new Set(person(name).map(({ id }) => id));
  return {
    folder, manifest, journal, person,
    tracks: (name, media) => manifest.tracks.filter((track) =>
      ids(name).has(track.participant) && track.media === media),
    files: (name) => manifest.media.filter((file) => ids(name).has(file.participant))
      .map((file) => join(folder, file.path)),
    received: (file) => join(folder, file.path),
  };
}

export async function verify(folder) {
  const { stdout } = await run(kProgram, ['verify', folder, '--json'], { timeout: kStopWithin })
    .catch((error) => error);
  if (!stdout) throw new Error(`callbot verify ${folder} printed nothing`);
  return JSON.parse(stdout);
}

// Steers a recorder that runs; the recorder's answer.
export async function ctl(folder, ...command) {
  const { stdout } = await run(kProgram, ['ctl', folder, ...command, '--json'], { timeout: kEventWithin })
    .catch((error) => { throw new Error(error.stderr || error.message); });
  return JSON.parse(stdout);
}

export async function show(folder) {
  const { stdout } = await run(kProgram, ['show', folder], { timeout: kStopWithin });
  return stdout;
}

// What FFmpeg's own program makes of somebody's files: {video: {codec, frames, sizes}, audio,
// errors}. On a busy machine a track may come after the first file began, which starts a second.
export async function decode(files) {
  const all = { errors: '', video: { codec: '', frames: 0, sizes: [] }, audio: { codec: '', frames: 0 } };
  for (const file of files) {
    const one = await decodeFile(file);
    all.errors += one.errors;
    for (const kind of ['video', 'audio']) {
      if (!one[kind]) continue;
      all[kind].codec = one[kind].codec;
      all[kind].frames += one[kind].frames;
    }
    all.video.sizes = [...new Set([...all.video.sizes, ...(one.video?.sizes ?? [])])];
  }
  return all;
}

async function decodeFile(file) {
  const options = { timeout: kStopWithin, maxBuffer: 1 << 26 };
  const { stdout, stderr } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_entries',
    'stream=index,codec_type,codec_name:frame=media_type,width,height', '-show_frames', file], options);
  const { streams = [], frames = [] } = JSON.parse(stdout);
  const result = { errors: stderr.trim() };
  for (const { codec_type: kind, codec_name: codec } of streams) {
    const own = frames.filter((frame) => frame.media_type === kind);
    const sizes = new Set(own.map(({ width, height }) => `${width}x${height}`));
    result[kind] = { codec, frames: own.length, sizes: [...sizes] };
  }
  return result;
}

// A folder that goes when the test ends, unless KEEP is set.
export async function folderFor(test) {
  const folder = await mkdtemp(join(tmpdir(), 'callbot-e2e-'));
  if (!process.env.KEEP) test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
