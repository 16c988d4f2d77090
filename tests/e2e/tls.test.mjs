// tls.test.mjs: two callbots and a page over wss, with a certificate of our own authority.
// Needs CALLBOT, /usr/bin/chromium, openssl and FFmpeg's programs.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { openBrowser } from './browser.mjs';
import { Callbot, decode, folderFor, record, send, serve } from './callbot.mjs';

const run = promisify(execFile);
const kTest = { timeout: 180_000 };
const kCouldNotJoin = 3; // exit status

async function selfSigned(folder) {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
    '-nodes', '-days', '2', '-subj', '/CN=callbot test', '-addext', 'subjectAltName=IP:127.0.0.1',
    '-keyout', key, '-out', cert], { timeout: 20_000 });
  return { cert, key };
}

test('two callbots over wss with a self-signed certificate and --ca', kTest, async (t) => {
  const folder = await folderFor(t);
  const { cert, key } = await selfSigned(folder);
  const server = await serve({ args: ['--tls-cert', cert, '--tls-key', key] });
  t.after(() => server.stop());
  assert.match(server.ws('secure'), /^wss:/);

  const stranger = new Callbot(['record', server.ws('secure'), '--out', folder, '--name', 'stranger']);
  assert.equal(await stranger.end(), kCouldNotJoin, 'without --ca it is not trusted');

  const recorder = await record(server.ws('secure'), folder, ['--ca', cert, '--until-empty']);
  t.after(() => recorder.program.end('SIGKILL'));
  const sender = send(server.ws('secure'), ['--ca', cert, '--name', 'bot', '--size', '640x360', '--duration', '5s']);
  assert.equal(await sender.end(), 0);
  const recording = await recorder.finish(null);
  assert.equal(recording.status, 0);
  const found = await decode(recording.files('bot'));
  assert.equal(found.errors, '');
  assert.ok(found.video.frames > 90 && found.audio.frames > 100, JSON.stringify(found));
});

test('the page over https joins over wss', kTest, async (t) => {
  const folder = await folderFor(t);
  const { cert, key } = await selfSigned(folder);
  const server = await serve({ args: ['--tls-cert', cert, '--tls-key', key, '--token', 'open sesame'] });
  t.after(() => server.stop());
  const browser = await openBrowser({ insecure: true });
  t.after(() => browser.close());

  const refused = await browser.open(server.page('secure', 'ali'));
  const state = await refused.waitFor(({ lastEnd }) => lastEnd, 'told that a token is needed');
  assert.equal(state.lastEnd.code, 'bad-token');
  assert.match(await refused.evaluate(() => document.querySelector('#lobby-error').textContent), /token/);

  const page = await browser.open(server.page('secure', 'baba', { token: 'open sesame' }));
  const sender = send(server.ws('secure'), ['--ca', cert, '--token', 'open sesame', '--name', 'bot', '--size', '640x360']);
  t.after(() => sender.end('SIGKILL'));
  await page.waitForStats('bot', (member) => member.inboundVideo?.framesDecoded > 30, 'frames', 60_000);
});
