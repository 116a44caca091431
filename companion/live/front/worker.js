// @ts-check
// The worker of a page: it steps exported graphs with onnxruntime-web. Every request carries the whole state; the worker keeps graphs only.
// A state x is {part: array}: a tensor's one part is called x; a graph reads the parts by their names and writes next, or next.v for each part v.
// Ops: boot, start, advance, warm, put, button, see, ground. noise.js stands in front of this file.

import { standardNormals } from "./noise.js";

/* global standardNormals */

/** @typedef {{ graphs: Record<string, string> }} Graphs that the worker has not seen */

/** @type {any} */
let ort = null;
const sources = new Map(); // graph id -> its bytes in base64, as they came
const sessions = new Map(); // graph id -> promise of a session
let queue = Promise.resolve(); // one request at a time: the runtime has one thread

self.onmessage = ({ data }) => {
  queue = queue.then(() => answer(data));
};

/** @param {{ id: number } & (import("./contract.js").Boot | (import("./contract.js").Compute & Graphs))} request */
async function answer(request) {
  try {
    const reply = request.op === "boot" ? await boot(request) : await compute(request);
    /** @type {any} the page's type is a window's */
    const here = self;
    here.postMessage({ id: request.id, ...reply }, buffersOf(reply));
  } catch (error) {
    self.postMessage({ id: request.id, error: String((error && error.message) || error) });
  }
}

function buffersOf(reply) {
  return [...new Set(Object.values({ ...reply.outputs, ...reply.x }).map((output) => output.data.buffer))];
}

function bytesOf(source) { // base64 text (pages), or bytes (notebooks)
  return typeof source === "string" ? Uint8Array.from(atob(source), (letter) => letter.charCodeAt(0)) : source;
}

async function unzipped(source) { // graphs and the runtime's program come gzipped
  const stream = new Blob([bytesOf(source)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {import("./contract.js").Boot} request */
async function boot({ mjs, wasm }) {
  const binary = await unzipped(wasm);
  const address = URL.createObjectURL(new Blob([bytesOf(mjs)], { type: "text/javascript" }));
  ort = await import(address);
  URL.revokeObjectURL(address);
  ort.env.wasm.numThreads = 1; // threads need cross-origin isolation, which a static host does not give
  ort.env.wasm.proxy = false;
  ort.env.wasm.wasmBinary = binary;
  ort.env.logLevel = "error";
  return {};
}

function session(id, dtype) {
  if (!sessions.has(id)) {
    if (!sources.has(id)) throw new Error(`graph ${id} is not in the page`);
    // beyond "basic" the runtime melts a factor into a product as a float32: in float64 1/3 would become 0.33333334
    const graphOptimizationLevel = dtype === "float64" ? "basic" : "all";
    const options = { executionProviders: ["wasm"], logSeverityLevel: 3, graphOptimizationLevel };
    sessions.set(id, unzipped(sources.get(id)).then((graph) => ort.InferenceSession.create(graph, options)));
  }
  return sessions.get(id);
}

function tensor(name, value, dtype) {
  if (name === "i") return new ort.Tensor("int64", BigInt64Array.of(BigInt(value)), []);
  const Numbers = dtype === "float64" ? Float64Array : Float32Array;
  if (typeof value === "number") return new ort.Tensor(dtype, Numbers.of(value), []);
  return new ort.Tensor(dtype, value.data instanceof Numbers ? value.data : Numbers.from(value.data), value.shape);
}

async function runGraph(id, have, dtype) {
  const graph = await session(id, dtype);
  const feeds = {};
  for (const name of graph.inputNames) {
    if (have[name] === undefined) throw new Error(`graph ${id} asks for "${name}", which the figure does not have`);
    feeds[name] = tensor(name, have[name], dtype);
  }
  const results = await graph.run(feeds);
  return Object.fromEntries(Object.entries(results).map(([name, { data, dims }]) => [name, { data, shape: [...dims] }]));
}

const size = (shape) => shape.reduce((a, b) => a * b, 1);

function noiseFor(shape, seed, k) {
  return { shape, data: standardNormals(size(shape), seed, k) };
}

function noiseLike(x, seed, k) { // one draw, cut into the parts in their order: xi of a tensor, xi.v of a part v
  const numbers = standardNormals(Object.values(x).reduce((sum, { shape }) => sum + size(shape), 0), seed, k);
  let begin = 0;
  const cut = Object.entries(x).map(([name, { shape }]) => {
    const data = numbers.subarray(begin, begin += size(shape));
    return [`xi.${name}`, { shape, data }];
  });
  return { ...Object.fromEntries(cut), xi: cut[0][1] };
}

function nextOf(results) {
  const named = Object.entries(results).filter(([name]) => name.split(".")[0] === "next");
  return Object.fromEntries(named.map(([name, array]) => [name.slice(5) || "x", array]));
}

/** @type {Record<string, (move: import("./contract.js").Move) => Promise<any>>} request -> {x, k, t} after the move */
const moves = {
  async start({ graph, x, xi, seed, scalars, dtype }) {
    if (!graph) return { x, k: 0, t: 0 };
    const have = { ...scalars, k: 0, t: 0, xi: xi ? noiseFor(xi, seed, -1) : undefined };
    return { x: nextOf(await runGraph(graph, have, dtype)), k: 0, t: 0 };
  },
  async advance({ graph, x, k, t, steps, noise, seed, scalars, dtype }) {
    let gone; // which members rest because they would overflow, where a figure has members
    for (let step = 0; step < steps; step++) {
      const results = await runGraph(graph, { ...scalars, k, t, ...x, ...(noise && noiseLike(x, seed, k)) }, dtype);
      x = nextOf(results);
      ({ gone } = results);
      k += 1;
      t += scalars.dt;
    }
    return { x, k, t, gone };
  },
  async put({ graph, x, k, t, i, p, scalars, dtype }) {
    const have = { ...scalars, k, t, ...x, i, p: { data: p, shape: [p.length] } };
    return { x: nextOf(await runGraph(graph, have, dtype)), k, t };
  },
  async button({ graph, x, k, t, scalars, dtype }) {
    return { x: nextOf(await runGraph(graph, { ...scalars, k, t, ...x }, dtype)), k, t };
  },
  async see({ x, k, t }) {
    return { x, k, t };
  },
};

/** @param {import("./contract.js").Warm} request @returns {Promise<any>} */
async function warm({ graph, see, dtype }) {
  for (const id of [graph, see]) if (id) await session(id, dtype);
  return {};
}

/** @param {import("./contract.js").Compute & Graphs} request @returns {Promise<import("./contract.js").Computed>} */
async function compute(request) {
  for (const [id, source] of Object.entries(request.graphs)) sources.set(id, source);
  if (request.op === "warm") return warm(request);
  const { op, scalars, dtype } = request;
  if (request.op === "ground") return { outputs: await runGraph(request.graph, { ...scalars, k: 0, t: 0 }, dtype) };
  const { x, k, t, gone } = await moves[op](request);
  const finite = Object.values(x).every(({ data }) => data.every(Number.isFinite));
  const seen = request.see ? await runGraph(request.see, { ...scalars, k, t, ...x }, dtype) : {};
  return { k, t, x, finite, outputs: { ...seen, ...(gone && { gone }) } };
}
