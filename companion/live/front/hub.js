// What all figures of a page share: the shelf of assets that classic scripts fill, and the engine (one worker for the page).
// It hangs on the window because, in a notebook, every figure brings its own copy of this program.

export const LIVE_BASE = document.currentScript && document.currentScript.src ? new URL(".", document.currentScript.src).href : null;

function makeHub() {
  const assets = new Map();
  return { assets, engines: new Map(), asset: (id, content) => void assets.set(id, content) };
}

if (!globalThis.companionLive) globalThis.companionLive = makeHub();
export const hub = globalThis.companionLive;

export function makeElement(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

let lastId = 0;

export function freshId(stem) { // labels point at their controls by id: unique also when a figure stands twice in a notebook
  lastId += 1;
  return `live-${stem}-${lastId}-${Math.floor(performance.now())}`;
}

export function prefersReducedMotion() {
  return globalThis.matchMedia !== undefined && matchMedia("(prefers-reduced-motion: reduce)").matches;
}
