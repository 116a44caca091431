// @ts-check
// Where the runtime and the tapes come from: classic scripts beside live.js in a page (fetch fails from file://), the kernel in a notebook.

import { hub, LIVE_BASE, makeElement } from "./hub.js";

function assetFile(id) {
  return new URL(id === "runtime" ? "live-runtime.js" : `${encodeURIComponent(id)}.js`, LIVE_BASE).href;
}

function loadScript(id) {
  return new Promise((resolve, reject) => {
    const script = makeElement("script", { src: assetFile(id), async: true });
    script.onload = () => {
      script.remove();
      if (hub.assets.has(id)) resolve(hub.assets.get(id));
      else reject(new Error(`${id} holds nothing for this page`));
    };
    script.onerror = () => {
      script.remove();
      reject(new Error(`${id} could not be loaded`));
    };
    document.head.append(script);
  });
}

/** @param {import("./kernel.js").KernelLine} line @param {string} id */
async function askKernel(line, id) { // the recording came with the figure; the runtime is asked for, as long as a cell runs
  if (id !== "runtime") return JSON.parse(line.model.get("tape"));
  const [, buffers] = await line.ask({ want: id }, [], (reply) => reply.asset === id);
  return { mjs: bytesFromView(buffers[0]), wasm: bytesFromView(buffers[1]) };
}

export function bytesFromView(view) { // a copy of its own: message buffers may be windows on a larger one
  return new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

export class Assets {
  /** @param {import("./kernel.js").KernelLine | null} line */
  constructor(line) {
    this.fetch = line ? (id) => askKernel(line, id) : loadScript;
    this.asked = new Map();
  }

  load(id) {
    if (hub.assets.has(id)) return Promise.resolve(hub.assets.get(id));
    if (!this.asked.has(id)) this.asked.set(id, this.fetch(id).finally(() => this.asked.delete(id)));
    return this.asked.get(id);
  }
}
