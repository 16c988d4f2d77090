// channel.js: text and files over the data channel with one member. JSON texts; a file's bytes
// follow its announcement as binary messages, and a checksum closes it.
//
// Calls on `on`: open(), chat(text), file(transfer) whenever a received file's transfer moved on.

import { Sha256 } from './sha256.js';

const kChunk = 16 * 1024; // bytes a message, which every browser and SCTP stack takes
const kSlice = 256 * 1024; // read from the file at once
const kHighWater = 1 << 20; // bytes waiting in the channel
const kLowWater = 256 * 1024;
const kLargestFile = 256 * 2 ** 20; // received ones are kept in memory
export const kLongestText = 4000; // UTF-16 units

export async function checksum(file) {
  const hash = new Sha256();
  for (let at = 0; at < file.size; at += kSlice) {
    hash.update(new Uint8Array(await file.slice(at, at + kSlice).arrayBuffer()));
  }
  return hash.hex();
}

// A name that is safe to offer for saving, whatever the sender called it.
function safeName(name) {
  const clean = String(name ?? '').replace(/[\u0000-\u001f\u007f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]/g, '_');
  return clean.replace(/^\.+/, '').slice(0, 120) || 'file';
}

export class Channel {
  #channel;
  #on;
  #sending = Promise.resolve();
  #coming = null; // the file being received: {transfer, id, hash, parts}
  #wake = () => {};

  constructor(channel, on) {
    this.#channel = channel;
    this.#on = on;
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = kLowWater;
    channel.onopen = () => on.open();
    channel.onmessage = ({ data }) => (typeof data === 'string' ? this.#text(data) : this.#bytes(data));
    channel.onbufferedamountlow = () => this.#wake();
    channel.onclose = () => {
      this.#wake();
      if (this.#coming) this.#finish('broken');
      on.open();
    };
  }

  get ready() {
    return this.#channel.readyState === 'open';
  }

  chat(text) {
    if (this.ready) this.#channel.send(JSON.stringify({ type: 'chat', text }));
    return this.ready;
  }

  // One file after the other. `sum` promises the checksum; `progress(bytes)` hears what is handed
  // over. Resolves to whether all of it was.
  sendFile(file, id, sum, progress) {
    const result = this.#sending.then(() => this.#send(file, id, sum, progress)).catch(() => false);
    this.#sending = result;
    return result;
  }

  async #send(file, id, sum, progress) {
    if (!this.ready) return false;
    const { name, size, type: mime } = file;
    this.#channel.send(JSON.stringify({ type: 'file', id, name, size, mime }));
    for (let at = 0; at < size; at += kSlice) {
      const slice = await file.slice(at, at + kSlice).arrayBuffer();
      for (let from = 0; from < slice.byteLength; from += kChunk) {
        await this.#room();
        if (!this.ready) return false;
        this.#channel.send(slice.slice(from, from + kChunk));
      }
      progress(Math.min(at + kSlice, size));
    }
    const sha256 = await sum;
    if (!this.ready) return false;
    this.#channel.send(JSON.stringify({ type: 'file-end', id, sha256 }));
    return true;
  }

  async #room() {
    while (this.ready && this.#channel.bufferedAmount > kHighWater) {
      await new Promise((resolve) => { this.#wake = resolve; });
    }
  }

  #text(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message?.type === 'chat' && typeof message.text === 'string') {
      this.#on.chat(message.text.slice(0, kLongestText));
    } else if (message?.type === 'file') {
      this.#begin(message);
    } else if (message?.type === 'file-end' && message.id === this.#coming?.id) {
      this.#complete(message.sha256);
    }
  }

  #begin({ id, name, size, mime }) {
    if (this.#coming) this.#finish('broken');
    if (!Number.isSafeInteger(size) || size < 0) return;
    const transfer = { name: safeName(name), size, done: 0, state: 'receiving', sha256: '', url: '' };
    const type = /^[\w.+-]+\/[\w.+-]+$/.test(mime) ? mime : 'application/octet-stream';
    this.#coming = { transfer, id, type, hash: new Sha256(), parts: [] };
    if (size > kLargestFile) return this.#finish('too large');
    this.#on.file(transfer);
  }

  #bytes(data) {
    if (!this.#coming) return;
    const { transfer, hash, parts } = this.#coming;
    transfer.done += data.byteLength;
    if (transfer.done > transfer.size) return this.#finish('damaged');
    hash.update(new Uint8Array(data));
    parts.push(data);
    if (parts.length === 512) this.#coming.parts = [new Blob(parts)]; // the browser may put it on disk
    this.#on.file(transfer);
  }

  #complete(sha256) {
    const { transfer, hash, parts, type } = this.#coming;
    transfer.sha256 = hash.hex();
    const whole = transfer.done === transfer.size && transfer.sha256 === String(sha256).toLowerCase();
    // Saved, never shown: a page somebody sends must not run here.
    if (whole) transfer.url = URL.createObjectURL(new Blob(parts, { type: 'application/octet-stream' }));
    transfer.mime = type;
    this.#finish(whole ? 'done' : 'damaged');
  }

  #finish(state) {
    const { transfer } = this.#coming;
    this.#coming = null;
    transfer.state = state;
    this.#on.file(transfer);
  }
}
