// sha256.js: SHA-256 (FIPS 180-4) in pieces. crypto.subtle wants all bytes at once, and is not
// there at all on a page that came over plain http.

// The first 32 bits of the fractional parts of roots of the first primes: exact in doubles.
function constants(count, root) {
  const words = [];
  for (let n = 2; words.length < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) prime &&= n % d !== 0;
    if (prime) words.push(((n ** (1 / root)) % 1) * 2 ** 32 | 0);
  }
  return words;
}

const kRound = Int32Array.from(constants(64, 3));
const kStart = Int32Array.from(constants(8, 2));
const kBlock = 64;

const turn = (x, by) => (x >>> by) | (x << (32 - by));

export class Sha256 {
  #state = kStart.slice();
  #schedule = new Int32Array(64);
  #rest = new Uint8Array(kBlock);
  #filled = 0;
  #total = 0;

  update(bytes) {
    this.#total += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const piece = bytes.subarray(at, at + kBlock - this.#filled);
      this.#rest.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled < kBlock) break;
      this.#mix();
      this.#filled = 0;
    }
    return this;
  }

  hex() {
    const bits = this.#total * 8;
    const padding = new Uint8Array(((this.#filled < 56 ? 56 : 120) - this.#filled) + 8);
    padding[0] = 0x80;
    const length = new DataView(padding.buffer, padding.length - 8);
    length.setUint32(0, Math.floor(bits / 2 ** 32));
    length.setUint32(4, bits >>> 0);
    this.update(padding);
    return [...this.#state].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #mix() {
    const w = this.#schedule;
    const view = new DataView(this.#rest.buffer);
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(i * 4);
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      w[i] = w[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) +
        w[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = this.#state;
    for (let i = 0; i < 64; i++) {
      const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) +
        kRound[i] + w[i];
      const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g; g = f; f = e; e = (d + one) | 0;
      d = c; c = b; b = a; a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => { this.#state[i] += word; });
  }
}
