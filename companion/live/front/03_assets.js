// Where the runtime and the tapes come from: classic scripts beside live.js in a page (fetch fails from file://), messages in a notebook.

const ASSET_SECONDS = 60;

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

function askModel(model, id) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(reject, new Error("the notebook's kernel does not answer")), ASSET_SECONDS * 1000);
    const listen = (message, buffers) => {
      if (message && message.asset === id) finish(resolve, fromMessage(message, buffers));
    };
    function finish(settle, value) {
      clearTimeout(timer);
      model.off("msg:custom", listen);
      settle(value);
    }
    model.on("msg:custom", listen);
    model.send({ want: id });
  });
}

function fromMessage(message, buffers) {
  if (message.asset === "runtime") return { mjs: bytesFromView(buffers[0]), wasm: bytesFromView(buffers[1]) };
  return typeof message.json === "string" ? JSON.parse(message.json) : message;
}

function bytesFromView(view) { // a copy of its own: message buffers may be windows on a larger one
  return new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

class Assets {
  constructor(model) {
    this.fetch = model ? (id) => askModel(model, id) : loadScript;
    this.asked = new Map();
  }

  load(id) {
    if (hub.assets.has(id)) return Promise.resolve(hub.assets.get(id));
    if (!this.asked.has(id)) this.asked.set(id, this.fetch(id).finally(() => this.asked.delete(id)));
    return this.asked.get(id);
  }
}
