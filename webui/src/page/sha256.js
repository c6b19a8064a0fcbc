// SHA-256 (FIPS 180-4). Browsers have their own, but only for pages by https or from the same machine,
// and the page of a cluster, at 192.168.1.7:8080 without https, is neither.

/** The first 64 primes, of whose roots the constants are fractions. */
const PRIMES = [];
for (let number = 2; PRIMES.length < 64; number++) {
  if (PRIMES.every((prime) => number % prime !== 0)) PRIMES.push(number);
}

/** The first 32 bits of the fraction of a number's root. Exact: a double has 53 bits, 3 of them before the point. */
const fraction = (root) => Math.floor((root % 1) * 2 ** 32) >>> 0;
const ROUND = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

const rotate = (word, bits) => (word >>> bits) | (word << (32 - bits));

/** The text's bytes, a one bit, zeros up to a whole block, and the length in bits. */
function padded(bytes) {
  const blocks = new DataView(new ArrayBuffer(Math.ceil((bytes.length + 9) / 64) * 64));
  bytes.forEach((byte, index) => blocks.setUint8(index, byte));
  blocks.setUint8(bytes.length, 0x80);
  // Texts here are far shorter than the 512 MiB whose length needs more than 32 bits.
  blocks.setUint32(blocks.byteLength - 4, bytes.length * 8);
  return blocks;
}

function compress(state, blocks, offset) {
  const schedule = new Uint32Array(64);
  for (let i = 0; i < 16; i++) schedule[i] = blocks.getUint32(offset + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [early, late] = [schedule[i - 15], schedule[i - 2]];
    const s0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
    const s1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
    schedule[i] = schedule[i - 16] + s0 + schedule[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + schedule[i]) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => (state[index] += word));
}

/** The hash of a text, as 64 hexadecimal digits. */
export function sha256(text) {
  const blocks = padded(new TextEncoder().encode(text));
  const state = Uint32Array.from(START);
  for (let offset = 0; offset < blocks.byteLength; offset += 64) compress(state, blocks, offset);
  return [...state].map((word) => word.toString(16).padStart(8, "0")).join("");
}
