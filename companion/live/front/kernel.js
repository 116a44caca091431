// @ts-check
// A notebook's kernel: the line to it, and the kernel as a source of frames: the same moves as messages, for sizes that a page cannot carry.
// A kernel answers between cells: while one runs, the answer is late, and the figure waits as long as it takes. A kernel that was restarted
// knows nothing of the figure: its cell must be run again.

import { bytesFromView } from "./assets.js";

const LATE = 1500; // milliseconds without an answer
const MUTE = 15000; // milliseconds without an answer of a kernel that runs no cell
const LIFELESS = ["restarting", "autorestarting", "terminating", "dead"];

class KernelGone extends Error {
  constructor() {
    super("the kernel is gone");
    this.advice = "The kernel that this figure spoke to is gone: run the cell again. Until then a recording is shown.";
  }
}

export class KernelLine { // ask(content, buffers, fits) -> promise of [message, buffers]; late: a question has no answer yet; gone: it will have none
  /** @param {import("./contract.js").Model} model */
  constructor(model) {
    this.model = model;
    this.open = new Set();
    this.gone = false;
    this.onlate = () => {};
    /** @type {(gone: KernelGone) => void} */
    this.ongone = () => {};
    this.kernel = model.widget_manager && model.widget_manager.kernel; // JupyterLab's; elsewhere only the time tells
    this.hear = (message, buffers) => this.settle(message, buffers);
    this.cut = () => this.hangUp();
    this.watch = (_, status) => LIFELESS.includes(status) && this.hangUp();
    model.on("msg:custom", this.hear);
    ["comm_live_update", "comm:close"].forEach((event) => model.on(event, this.cut));
    if (this.kernel && this.kernel.statusChanged) this.kernel.statusChanged.connect(this.watch);
  }

  get late() {
    return [...this.open].some((question) => performance.now() - question.asked >= LATE);
  }

  close() {
    this.model.off("msg:custom", this.hear);
    ["comm_live_update", "comm:close"].forEach((event) => this.model.off(event, this.cut));
    if (this.kernel && this.kernel.statusChanged) this.kernel.statusChanged.disconnect(this.watch);
    this.open.forEach((question) => clearInterval(question.timer));
  }

  /** @param {import("./contract.js").KernelRequest} content @param {ArrayBufferLike[]} buffers @param {(reply: any) => boolean} fits @returns {Promise<[any, DataView[]]>} */
  ask(content, buffers, fits) {
    if (this.gone) return Promise.reject(new KernelGone());
    return new Promise((resolve, reject) => {
      const question = { fits, resolve, reject, asked: performance.now(), idle: 0 };
      this.open.add(question);
      question.timer = setInterval(() => this.wait(question), LATE);
      try {
        this.model.send(content, undefined, buffers);
      } catch (refused) { // the line is cut
        this.hangUp();
      }
    });
  }

  wait(question) {
    const status = this.kernel ? this.kernel.status : "unknown";
    question.idle = status === "idle" ? question.idle + LATE : 0;
    if (question.idle >= MUTE) this.hangUp(); // it runs no cell and does not answer: it was restarted unseen
    else this.onlate();
  }

  settle(message, buffers) {
    const question = message && [...this.open].find((one) => one.fits(message));
    if (!question) return;
    this.drop(question);
    question.resolve([message, buffers]);
    this.onlate();
  }

  drop(question) {
    clearInterval(question.timer);
    this.open.delete(question);
  }

  hangUp() {
    if (this.gone) return;
    this.gone = true;
    [...this.open].forEach((question) => {
      this.drop(question);
      question.reject(new KernelGone());
    });
    this.ongone(new KernelGone());
  }
}

/** @typedef {import("./contract.js").Source} Source
 * @implements {Source} */
export class KernelSource {
  /** @param {import("./contract.js").Spec} spec @param {KernelLine} line */
  constructor(spec, line) {
    this.spec = spec;
    this.line = line;
    this.last = 0;
  }

  async wake() {}

  /** @param {import("./contract.js").Run} run */
  start(run) {
    return this.move("start", run, { x: null, k: 0, t: 0 }, {});
  }

  /** @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame @param {number} steps */
  advance(run, frame, steps) {
    return this.move("advance", run, frame, { steps });
  }

  /** @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame @param {number} i @param {number[]} p */
  put(run, frame, i, p) {
    return this.move("put", run, frame, { i, p: [...p] });
  }

  /** @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame @param {string} name */
  button(run, frame, name) {
    return this.move("button", run, frame, { name });
  }

  /** @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame */
  see(run, frame) {
    return this.move("advance", run, frame, { steps: 0 });
  }

  async ground() {
    return this.grounds || {}; // they come with the frames, if at all
  }

  /** @param {import("./contract.js").KernelMove["op"]} op @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame @param {Partial<import("./contract.js").KernelMove>} more @returns {Promise<import("./contract.js").Seen>} */
  async move(op, run, { x, k, t }, more) {
    this.last += 1;
    const id = this.last;
    const state = Object.values(x || {});
    const content = { op, id, k, t, seed: run.seed, controls: { ...run.values }, shapes: state.map(({ shape }) => shape), ...more };
    const [message, buffers] = await this.line.ask(content, state.map(({ data }) => data.buffer), (reply) => reply.id === id);
    if (message.error) throw new Error(message.error);
    return this.frame(message, buffers);
  }

  /** @param {import("./contract.js").KernelReply} reply @param {DataView[]} buffers */
  frame({ k, t, dtype, outputs }, buffers) {
    /** @type {import("./contract.js").Tensors} */
    const x = {};
    /** @type {import("./contract.js").Tensors} */
    const seen = {};
    outputs.forEach(({ name, shape }, j) => {
      const { buffer } = bytesFromView(buffers[j]);
      const array = { data: dtype === "float64" ? new Float64Array(buffer) : new Float32Array(buffer), shape };
      if (name.split(".")[0] === "next") x[name.slice(5) || "x"] = array;
      else seen[name] = array;
    });
    Object.keys(seen).filter((name) => name.startsWith("ground")).forEach((name) => this.keepGround(name, seen));
    return { k, t, x, arrays: seen, finite: Object.values(x).every(({ data }) => data.every(Number.isFinite)) };
  }

  keepGround(name, seen) {
    this.grounds = { ...this.grounds, [name]: seen[name].data };
    delete seen[name];
  }
}
