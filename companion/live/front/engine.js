// @ts-check
// The page's engine: one worker for all figures, started at the first touch. request(message) -> promise of the worker's reply.

import { hub } from "./hub.js";
import { WORKER_SOURCE } from "./worker_source.js";

class Engine {
  constructor() {
    const address = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.address = address;
    this.waiting = new Map();
    this.sent = new Set(); // graphs that the worker has
    this.last = 0;
    this.worker.onmessage = ({ data }) => this.settle(data);
    this.worker.onerror = (event) => this.fail(event.message || "the browser did not start a worker");
  }

  /** @param {import("./contract.js").Boot | (import("./contract.js").Compute & { graphs: Record<string, string> })} message @param {Transferable[]} [transfer] @returns {Promise<import("./contract.js").Computed>} */
  request(message, transfer = []) {
    this.last += 1;
    const id = this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...message, id }, transfer);
    });
  }

  /** @param {import("./contract.js").Compute} message @param {Record<string, string>} graphs */
  compute(message, graphs) { // a graph travels once
    const wanted = [message.graph, message.see].filter((id) => id && !this.sent.has(id));
    wanted.forEach((id) => this.sent.add(id));
    return this.request({ ...message, graphs: Object.fromEntries(wanted.map((id) => [id, graphs[id]])) });
  }

  /** @param {import("./contract.js").WorkerReply} reply */
  settle({ id, error, ...reply }) {
    const { resolve, reject } = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(reply);
  }

  fail(text) {
    hub.engines.delete(WORKER_SOURCE);
    this.waiting.forEach(({ reject }) => reject(new Error(text)));
    this.waiting.clear();
  }
}

function checkBrowser() { // before 4 MB are fetched in vain
  if (typeof WebAssembly === "undefined") throw new Error("WebAssembly is missing");
  if (typeof Worker === "undefined") throw new Error("workers are missing");
  if (typeof DecompressionStream === "undefined") throw new Error("the browser is too old");
  try {
    new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)); // the empty module
  } catch (refused) {
    throw new Error("WebAssembly is not allowed here");
  }
}

async function bootEngine(assets) {
  checkBrowser();
  const engine = new Engine();
  const { mjs, wasm } = await assets.load("runtime");
  await engine.request({ op: "boot", mjs, wasm });
  URL.revokeObjectURL(engine.address);
  hub.assets.delete("runtime"); // the worker has it: 5 MB of text need not stay
  return engine;
}

export function sharedEngine(assets) { // keyed by the program: a notebook may hold figures of two versions of the package
  if (!hub.engines.has(WORKER_SOURCE)) {
    const engine = bootEngine(assets);
    hub.engines.set(WORKER_SOURCE, engine);
    engine.catch(() => hub.engines.delete(WORKER_SOURCE));
  }
  return hub.engines.get(WORKER_SOURCE);
}
