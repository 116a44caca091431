// @ts-check
// The noise of companion/noise.py, number for number: Philox-4x32-10 (Salmon et al., SC 2011) and Box-Muller in float64.
// Elements 4b..4b+3 come from the counter (b, k mod 2^32, 0, 0) under the key (seed mod 2^32, floor(seed / 2^32)).

function productHigh(a, b) { // the high word of the 64-bit product of two 32-bit words: Math.imul gives the low one only
  const a0 = a & 0xffff, a1 = a >>> 16, b0 = b & 0xffff, b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16); // < 2^32: exact in a double
  const cross = a0 * b1 + (middle % 0x10000);
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0;
}

function philox(counter, key) { // both are changed; four words come out in `counter`
  for (let round = 0; round < 10; round++) {
    const [c0, c1, c2, c3] = counter;
    counter[0] = productHigh(0xcd9e8d57, c2) ^ c1 ^ key[0];
    counter[1] = Math.imul(0xcd9e8d57, c2);
    counter[2] = productHigh(0xd2511f53, c0) ^ c3 ^ key[1];
    counter[3] = Math.imul(0xd2511f53, c0);
    key[0] += 0x9e3779b9; // typed arrays wrap modulo 2^32
    key[1] += 0xbb67ae85;
  }
}

export function standardNormals(count, seed, k) { // Float64Array of `count` N(0, 1) numbers
  const numbers = new Float64Array(4 * Math.ceil(count / 4));
  const counter = new Uint32Array(4), key = new Uint32Array(2);
  for (let block = 0; 4 * block < count; block++) {
    counter.set([block, k, 0, 0]);
    key.set([seed % 2 ** 32, Math.floor(seed / 2 ** 32)]);
    philox(counter, key);
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = Math.sqrt(-2 * Math.log((counter[pair] + 0.5) / 2 ** 32));
      const angle = (2 * Math.PI * (counter[pair + 1] + 0.5)) / 2 ** 32;
      numbers[4 * block + pair] = radius * Math.cos(angle);
      numbers[4 * block + pair + 1] = radius * Math.sin(angle);
    }
  }
  return numbers.subarray(0, count);
}
