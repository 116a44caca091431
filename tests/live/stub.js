// A page without a browser, for the front end's drawing: elements that hold what they are given, canvases that record what is painted.
// Everything a browser would give is shadowed here, also where the tests run in one; time stands still until `clock.run(milliseconds)`.

const cssText = { "--live-ink": "#101010", "--live-paper": "#ffffff", "--live-muted": "#808080", "--live-ground": "#4a6a8c", "--live-accent": "#0b6aad",
  "--live-c0": "#0000a0", "--live-c1": "#a00001", "--live-c2": "#00a002", "--live-c3": "#a000a3", "--live-c4": "#a0a004", "--live-c5": "#00a0a5",
  "--live-c6": "#500006", "--live-c7": "#005007" };

function stubRgb(color) { // #rgb, #rrggbb, rgb(), rgba()
  if (color[0] === "#" && color.length === 4) return [1, 2, 3].map((i) => parseInt(color[i] + color[i], 16));
  if (color[0] === "#") return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  return color.match(/[\d.]+/g).slice(0, 3).map(Number);
}

class Path2D {
  constructor(other) { this.parts = other ? other.parts.map((part) => [...part]) : []; }
  moveTo(x, y) { this.parts.push(["M", x, y]); }
  lineTo(x, y) { this.parts.push(["L", x, y]); }
  arc(x, y, r, from, to) { this.parts.push(["A", x, y, r, from, to]); }
  rect(x, y, w, h) { this.parts.push(["R", x, y, w, h]); }
  closePath() { this.parts.push(["Z"]); }
}

class StubGradient {
  constructor(...ends) { Object.assign(this, { ends, stops: [] }); }
  addColorStop(at, color) { this.stops.push([at, color]); }
}

class StubContext {
  constructor(canvas) {
    Object.assign(this, { canvas, ops: [], path: new Path2D(), saved: [], scaled: [1, 1] });
    this.state = { fillStyle: "#000000", strokeStyle: "#000000", lineWidth: 1, globalAlpha: 1, font: "10px sans-serif", textAlign: "start",
      textBaseline: "alphabetic", dash: [], clip: null, lineJoin: "miter", lineCap: "butt", imageSmoothingEnabled: true, imageSmoothingQuality: "low" };
  }
  note(op, more) {
    const { state } = this, text = op.endsWith("Text");
    const style = op.startsWith("stroke") ? state.strokeStyle : state.fillStyle, words = text ? { font: state.font, align: state.textAlign, baseline: state.textBaseline } : {};
    this.ops.push({ op, style, width: state.lineWidth, alpha: state.globalAlpha, dash: [...state.dash], clip: state.clip, ...words, ...more });
  }
  save() { this.saved.push({ ...this.state }); }
  restore() { if (this.saved.length) this.state = this.saved.pop(); }
  setTransform(...matrix) { this.scaled = [matrix[0], matrix[3]]; this.matrix = matrix; }
  scale(x, y) { this.scaled = [this.scaled[0] * x, this.scaled[1] * y]; }
  clearRect(...box) { this.ops.length = 0; this.note("clear", { box, matrix: this.matrix }); }
  beginPath() { this.path = new Path2D(); }
  moveTo(...a) { this.path.moveTo(...a); }
  lineTo(...a) { this.path.lineTo(...a); }
  arc(...a) { this.path.arc(...a); }
  rect(...a) { this.path.rect(...a); }
  closePath() { this.path.closePath(); }
  clip() { this.state.clip = this.path.parts[0].slice(1); }
  stroke(path = this.path) { this.note("stroke", { path: path.parts.map((p) => [...p]) }); }
  fill(path = this.path) { this.note("fill", { path: path.parts.map((p) => [...p]) }); }
  fillRect(x, y, w, h) { this.note("fillRect", { box: [x, y, w, h] }); }
  strokeRect(x, y, w, h) { this.note("strokeRect", { box: [x, y, w, h] }); }
  fillText(text, x, y) { this.note("fillText", { text, at: [x, y] }); }
  strokeText(text, x, y) { this.note("strokeText", { text, at: [x, y] }); }
  measureText(text) { return { width: 0.5 * parseFloat(/([\d.]+)px/.exec(this.state.font)[1]) * text.length }; }
  setLineDash(dash) { this.state.dash = dash; }
  createLinearGradient(...ends) { return new StubGradient(...ends); }
  createRadialGradient(...ends) { return new StubGradient(...ends); }
  createImageData(width, height) { return { width, height, data: new Uint8ClampedArray(4 * width * height) }; }
  putImageData(image) { this.canvas.image = image; }
  getImageData() { return { data: Uint8ClampedArray.from([...stubRgb(this.state.fillStyle), 255]) }; }
  drawImage(source, ...box) {
    const smooth = this.state.imageSmoothingEnabled, { image, width, height } = source;
    const at = (x, y) => Array.from(image.data.slice(4 * (y * width + x), 4 * (y * width + x) + 4));
    const corners = () => [at(0, 0), at(width - 1, 0), at(0, height - 1), at(width - 1, height - 1), at(width >> 1, height >> 1)];
    const seen = () => (image.width * image.height <= 4096 ? { pixels: Array.from(image.data) } : { corners: corners() });
    const pixels = image ? seen() : { ops: source.getContext("2d").ops };
    this.note("drawImage", { box, smooth, size: [width, height], ...pixels });
  }
}

for (const name of ["fillStyle", "strokeStyle", "lineWidth", "globalAlpha", "font", "textAlign", "textBaseline", "lineJoin", "lineCap",
  "imageSmoothingEnabled", "imageSmoothingQuality"]) {
  Object.defineProperty(StubContext.prototype, name, { get() { return this.state[name]; }, set(value) { this.state[name] = value; } });
}

class StubElement {
  constructor(tag) {
    Object.assign(this, { tagName: tag, children: [], attributes: {}, listeners: {}, style: {}, dataset: {}, className: "", text: "", parent: null });
  }
  append(...nodes) { for (const node of nodes) { if (node.append) node.parent = this; this.children.push(node); } }
  remove() {}
  setAttribute(name, value) { this.attributes[name] = value; }
  addEventListener(kind, act) { (this.listeners[kind] = this.listeners[kind] || []).push(act); }
  dispatch(kind, event = {}) { // the event, with what became of it
    const sent = { prevented: false, preventDefault() { sent.prevented = true; }, ...event };
    (this.listeners[kind] || []).forEach((act) => act(sent));
    return sent;
  }
  closest(selector) { // a class of an ancestor
    for (let node = this; node; node = node.parent) if (node.className.split(" ").includes(selector.slice(1))) return node;
    return null;
  }
  setPointerCapture(id) { this.captured = id; }
  getBoundingClientRect() { return { left: 100, top: 50 }; }
  getContext() { return (this.context = this.context || new StubContext(this)); }
  get clientWidth() { return this.wide !== undefined ? this.wide : this.parent ? this.parent.clientWidth : stub.width; }
  get textContent() { return this.text; }
  set textContent(text) { this.text = text; }
}

const stub = { width: 500, reduced: false, fontSize: "12.5px" };
const document = { createElement: (tag) => new StubElement(tag), documentElement: new StubElement("html"), body: new StubElement("body"), currentScript: null,
  hidden: false };
const clock = { now: 0, jobs: [], last: 0, intervals: {} };
clock.add = (act, at) => { clock.jobs.push({ act, at, id: ++clock.last }); return clock.last; };
clock.drop = (id) => { clock.jobs = clock.jobs.filter((job) => job.id !== id); };
clock.run = async (milliseconds) => { // what falls due, in order; promises settle in between
  const end = clock.now + milliseconds;
  const rest = async () => { for (let i = 0; i < 40; i++) await null; };
  await rest();
  for (;;) {
    const job = clock.jobs.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at || a.id - b.id)[0];
    if (!job) break;
    clock.drop(job.id);
    clock.now = Math.max(clock.now, job.at);
    job.act();
    await rest();
  }
  clock.now = end;
};
const setTimeout = (act, milliseconds = 0, ...given) => clock.add(() => act(...given), clock.now + milliseconds), clearTimeout = clock.drop;
const setInterval = (act, milliseconds) => {
  const id = -++clock.last, again = () => { clock.intervals[id] = clock.add(() => { again(); act(); }, clock.now + milliseconds); };
  again();
  return id;
}, clearInterval = (id) => clock.drop(clock.intervals[id]);
const requestAnimationFrame = (act) => clock.add(() => act(clock.now), Math.floor(clock.now / 16 + 1) * 16), cancelAnimationFrame = clock.drop;
const performance = { now: () => clock.now };
const getComputedStyle = (node) => ({ fontSize: stub.fontSize, fontFamily: "Stub", getPropertyValue: (name) => cssText[name] || "", node });
const matchMedia = (query) => ({ matches: query.includes("reduced-motion") && stub.reduced, addEventListener() {} });
class ResizeObserver { observe() {} disconnect() {} }
class MutationObserver { observe() {} }
const window = new StubElement("window");
Object.assign(window, { devicePixelRatio: 2, innerHeight: 800, removeEventListener() {} });
const globalThis = { matchMedia };
