// @ts-check
// Recordings: int16 differences in time, gzip, base64. Decoded, a run is a list of frames {number, k, t, x, arrays}.

function bytesFromBase64(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** @param {string} text @param {string} [dtype] @returns {import("./contract.js").Numbers} */
export function numbersFromBase64(text, dtype) {
  const buffer = bytesFromBase64(text).buffer;
  return dtype === "float64" ? new Float64Array(buffer) : new Float32Array(buffer);
}

async function gunzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {import("./contract.js").Encoded} array @returns {Promise<import("./contract.js").Numbers>} */
async function decodeArray({ shape, data, lo, scale, dtype = "float32" }) { // all frames, one after the other
  if (scale === undefined) return numbersFromBase64(data, dtype);
  const codes = new Int16Array((await gunzip(bytesFromBase64(data))).buffer);
  const size = codes.length / Math.max(1, shape[0]);
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    if (i >= size) codes[i] += codes[i - size]; // differences wrap modulo 2^16, as typed arrays do
    values[i] = lo + scale * (codes[i] + 32768);
  }
  return values;
}

/** @param {import("./contract.js").Recorded} run @returns {Promise<{ frames: import("./contract.js").Frame[], grounds: Record<string, import("./contract.js").Numbers> }>} */
async function decodeRun({ k, t, arrays }) {
  const frames = k.map((at, number) => ({ number, k: at, t: t[number], x: null, arrays: {} }));
  /** @type {Record<string, import("./contract.js").Numbers>} */
  const grounds = {};
  for (const [name, array] of Object.entries(arrays)) {
    const values = await decodeArray(array);
    if (name.startsWith("ground")) grounds[name] = values; // a landscape does not move
    else cutIntoFrames(frames, name, values, array.shape.slice(1));
  }
  return { frames, grounds };
}

function cutIntoFrames(frames, name, values, shape) {
  const size = shape.reduce((a, b) => a * b, 1);
  frames.forEach((frame, i) => {
    frame.arrays[name] = { data: values.subarray(i * size, (i + 1) * size), shape };
  });
}

export function sameValue(a, b) {
  return typeof a === "number" && typeof b === "number" ? Math.abs(a - b) <= 1e-9 * Math.max(1e-300, Math.abs(a), Math.abs(b)) : a === b;
}

export class TapeSource { // run(values) -> {frames, grounds}, or null where nothing was recorded
  /** @param {import("./contract.js").Spec} spec */
  constructor(spec, assets) {
    this.id = spec.tape ? spec.tape.id : null;
    this.assets = assets;
    this.decoded = new Map();
  }

  /** @param {Record<string, import("./contract.js").Value>} values @returns {Promise<{ frames: import("./contract.js").Frame[], grounds: Record<string, import("./contract.js").Numbers> } | null>} */
  async run(values) {
    if (!this.id) return null;
    this.content = this.content || (await this.assets.load(this.id));
    const key = Object.keys(this.content.runs).find((name) => this.matches(name, values));
    if (key === undefined) return null;
    if (!this.decoded.has(key)) this.decoded.set(key, decodeRun(this.content.runs[key]));
    return this.decoded.get(key);
  }

  matches(key, values) { // compared as numbers: Python writes 1.0 where JavaScript writes 1
    return key === "" || Object.entries(JSON.parse(key)).every(([name, value]) => sameValue(value, values[name]));
  }
}
