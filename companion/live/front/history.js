// @ts-check
// The frames of a run, in bounded memory: when there are too many, every second one of the older half goes.

const HISTORY_BYTES = 96e6;
const HISTORY_FRAMES = 3000;

function frameBytes({ x, arrays }) {
  return [...Object.values(arrays), ...Object.values(x || {})].reduce((sum, { data }) => sum + data.byteLength, 0);
}

export class FrameHistory {
  /** @param {import("./contract.js").Frame[]} frames */
  constructor(frames = [], index = 0) {
    this.frames = frames;
    this.index = index;
  }

  get current() {
    return this.frames[this.index];
  }

  get last() {
    return this.frames[this.frames.length - 1];
  }

  atLast() {
    return this.index >= this.frames.length - 1;
  }

  push(frame) { // after the current one; what came later goes
    this.cut();
    this.frames.push(frame);
    if (this.frames.length > this.most(frame)) this.thin();
    this.index = this.frames.length - 1;
  }

  replace(frame) {
    this.cut();
    this.frames[this.index] = frame;
  }

  cut() {
    this.frames.length = Math.min(this.frames.length, this.index + 1);
  }

  seek(number) { // the last frame whose number is not beyond
    const beyond = this.frames.findIndex((frame) => frame.number > number);
    this.index = beyond < 0 ? this.frames.length - 1 : Math.max(0, beyond - 1);
  }

  most(frame) {
    return Math.max(8, Math.min(HISTORY_FRAMES, Math.floor(HISTORY_BYTES / Math.max(1, frameBytes(frame)))));
  }

  thin() {
    const half = Math.floor(this.frames.length / 2);
    this.frames = this.frames.filter((frame, i) => i >= half || i % 2 === 0);
  }
}
