// @ts-check
// The player: which frame is shown, what computes the next one, and in which order. All requests go through one queue, one at a time.
// What it can be, and what moves it, is written in states.js; on(event) is the only way from one state to another.

import { writtenNumber } from "./format.js";
import { HandMoves } from "./hands.js";
import { FrameHistory } from "./history.js";
import { prefersReducedMotion } from "./hub.js";
import { firstState, nextState, shownStatus } from "./states.js";

const FRAME_MILLISECONDS = 33; // about 30 frames a second: a run of 150 frames takes five

export class Player extends HandMoves {
  /** @param {import("./contract.js").Spec} spec @param {import("./run.js").Run} run @param {any} tape @param {import("./contract.js").Source | null} source */
  constructor(spec, run, tape, source) {
    super();
    this.spec = spec;
    this.run = run;
    this.tape = tape;
    this.source = source;
    this.now = firstState(Boolean(source));
    this.history = new FrameHistory();
    this.limit = spec.frames + 1;
    this.grounds = {};
    this.visible = true;
    this.epoch = 0;
    this.jobs = 0;
    this.problem = "";
    this.queue = Promise.resolve();
    this.wanted = new Map(); // what the reader has set and the run does not know yet
    this.dragged = new Map(); // where the reader's hand has put points, likewise
    /** @type {(moving: boolean) => void} */
    this.onshow = () => {};
    this.onstatus = () => {};
  }

  on(event, problem = this.problem) {
    this.now = nextState(this.now, event);
    this.problem = this.now.health === "ill" ? problem : "";
  }

  get mode() { // "none" (nothing to show yet), "tape" or "live"
    return this.now.frames === "blown" ? "live" : this.now.frames;
  }

  get playing() {
    return this.now.time === "plays";
  }

  get loading() {
    return this.now.source === "wakes";
  }

  get hurrying() {
    return this.now.work === "hurries";
  }

  status() {
    return shownStatus(this.now);
  }

  enqueue(job) {
    this.jobs += 1;
    this.queue = this.queue.then(job).catch((error) => this.fail(error)).finally(() => {
      this.jobs -= 1;
      this.onstatus();
    });
    return this.queue;
  }

  fail(error) {
    if (!this.source) return; // given up: said already, and the recording may go on
    this.on("fail", error.advice || `The computation stopped: ${error.message}.`);
  }

  async wake() {
    if (this.now.source === "awake") return;
    this.on("wake");
    this.onstatus();
    try {
      await this.source.wake(this.run);
      this.on("woken");
    } catch (error) {
      this.giveUp(error);
      throw error;
    }
  }

  giveUp(error) { // the recording remains
    this.source = null;
    this.epoch += 1;
    this.wanted.clear();
    const found = `This browser does not compute the figure here (${error.message.slice(0, 120)}).`;
    this.on("lose", error.advice || `${found} A recording of the declared run is shown instead.`);
    if (this.mode === "none") this.showTape({ still: true }).catch(() => {});
  }

  show(moving = this.playing) {
    if (this.history.current) this.onshow(moving);
    this.onstatus();
  }

  // --- playing ---

  ended() {
    const frame = this.history.current;
    return this.now.frames === "blown" || !frame || frame.number >= this.limit - 1;
  }

  play() {
    if (prefersReducedMotion()) return this.jump();
    if (this.mode === "none" || (this.mode === "live" && this.ended())) return this.restart({ play: true });
    if (this.ended()) this.history.index = 0;
    this.go();
    if (this.mode === "tape" && this.source) return this.enqueue(() => this.takeOver());
    return Promise.resolve();
  }

  go() {
    cancelAnimationFrame(this.request);
    this.on("go");
    this.due = 0;
    this.show();
    this.request = requestAnimationFrame((now) => this.loop(now));
  }

  pause() {
    this.on("pause");
    cancelAnimationFrame(this.request);
    this.show();
  }

  loop(now) {
    if (!this.playing) return;
    this.request = requestAnimationFrame((later) => this.loop(later));
    const waits = this.jobs > 0 && this.now.work !== "follows"; // the tape goes on while the engine comes up
    if (waits || now < this.due - 8 || !this.visible || document.hidden) return;
    this.due = Math.max(this.due + FRAME_MILLISECONDS, now); // an even pace, though a screen's frames come a little early or late
    this.tick();
  }

  tick() {
    if (!this.history.atLast()) {
      this.history.index += 1;
      return this.show();
    }
    if (this.now.work === "follows") return undefined; // the recording was shorter than the engine's waking
    if (this.ended() || this.mode !== "live") return this.pause();
    return this.enqueue(() => this.compute());
  }

  async compute(steps = this.run.steps(this.history.current.k)) { // one frame more
    const before = this.history.current;
    const frame = await this.source.advance(this.run, before, steps);
    if (!frame.finite) return this.blow(frame);
    this.history.push({ ...frame, number: before.number + 1 });
    this.on("frame");
    return this.show();
  }

  blow(frame) {
    const clock = this.spec.dt === 1 ? ({ k }) => `step ${k}` : ({ t }) => `t = ${writtenNumber(t)}`;
    const times = `Between ${clock(this.history.current)} and ${clock(frame)}`;
    this.on("blow", `${times} the numbers overflow: with these values the scheme blows up.`);
    this.show();
  }
}
