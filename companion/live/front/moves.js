// What a reader can do to a run, as methods of the player: change, drag, press, step, seek, reset; and how a recording becomes live.

import { FrameHistory } from "./history.js";
import { prefersReducedMotion } from "./hub.js";

export class RunMoves {
  async showTape({ still = false } = {}) { // the run that was recorded for the present values, at the same frame
    const values = { ...this.run.values, ...Object.fromEntries(this.wanted) };
    const ask = this.lastAsk = {};
    const recorded = await this.tape.run(values);
    if (!recorded || ask !== this.lastAsk || this.mode === "live") return;
    this.run.take(this.wanted);
    const { number } = this.history.current || { number: this.spec.still };
    this.history = new FrameHistory(recorded.frames);
    this.history.seek(still ? this.spec.still : number);
    this.grounds = recorded.grounds;
    this.on("taped");
    this.limit = recorded.frames.length;
    this.show();
  }

  async takeOver() { // the engine repeats the recorded run up to the frame that is shown, then goes on
    if (this.mode === "live" || !this.source) return;
    const epoch = this.epoch;
    this.on("follow");
    try {
      await this.wake();
      const fresh = await this.firstFrames();
      const behind = () => this.history.current && fresh.last.number < this.history.current.number;
      while (behind() && epoch === this.epoch) await this.extend(fresh);
      if (epoch === this.epoch) await this.becomeLive(fresh);
    } finally {
      this.on("followed");
    }
  }

  async firstFrames() {
    const history = new FrameHistory();
    history.push({ ...(await this.source.start(this.run)), number: 0 });
    return history;
  }

  async extend(history) {
    const frame = await this.source.advance(this.run, history.last, this.run.steps(history.last.k));
    history.push({ ...frame, number: history.last.number + 1 });
  }

  async becomeLive(history) {
    this.history = history;
    this.on("live");
    this.limit = this.spec.frames + 1;
    await this.groundNow();
    this.show();
  }

  async groundNow() { // the landscape depends on the controls, not on the state
    const key = JSON.stringify(this.run.values);
    if (key === this.groundKey) return;
    this.grounds = await this.source.ground(this.run);
    this.groundKey = key;
  }

  restart({ play = false, still = false } = {}) {
    if (!this.source) return this.showTape({ still });
    this.epoch += 1;
    const { epoch } = this;
    const stale = () => epoch !== this.epoch || !this.source;
    return this.enqueue(async () => {
      if (stale()) return;
      await this.wake();
      if (stale()) return;
      this.run.take(this.wanted);
      this.run.begin();
      const first = await this.firstFrames();
      if (still || (play && prefersReducedMotion())) this.on("hurry");
      await this.becomeLive(first);
      if (still) await this.computeTo(this.spec.still);
      else if (play && prefersReducedMotion()) await this.computeTo(this.spec.still);
      else if (play) this.go();
    });
  }

  jump() { // in place of an animation: the frame that tells most, or the end
    const end = this.source ? this.spec.frames : this.limit - 1;
    const target = this.history.current && this.history.current.number >= this.spec.still ? end : this.spec.still;
    if (this.mode === "live" && this.ended()) return this.restart({ play: true });
    if (this.mode === "tape" && (target < this.limit || !this.source)) return this.seek(target);
    return this.enqueue(async () => { // beyond the recording the engine goes on
      await this.takeOver();
      if (this.mode === "live") await this.computeTo(target);
    });
  }

  async computeTo(number) { // without drawing what lies between
    this.history.seek(number);
    this.on("hurry");
    this.onstatus();
    try {
      await this.hurry(number, this.epoch);
    } finally {
      this.on("arrived");
      this.show();
    }
  }

  async hurry(number, epoch) {
    while (this.history.last.number < number && epoch === this.epoch) {
      const frame = await this.source.advance(this.run, this.history.last, this.run.steps(this.history.last.k));
      if (!frame.finite) return this.blow(frame);
      this.history.push({ ...frame, number: this.history.last.number + 1 });
    }
    return undefined;
  }

  change(name, value) {
    this.wanted.set(name, value);
    this.onstatus();
    if (!this.source) return this.showTape();
    const { acts } = this.spec.controls.find((control) => control.name === name);
    const touched = this.mode === "live" && this.run.touched(); // what the reader's hand has done, a slider does not undo
    const over = this.mode !== "live" || (this.ended() && !touched);
    if (over || acts === "start") return this.restart({ play: true });
    const atStart = this.history.current.k === 0 && !this.playing; // before the first step a control may shape the start
    if (atStart && !touched) return this.restart();
    return this.enqueue(() => this.applyWanted());
  }

  async applyWanted() { // the run goes on from the frame that is shown
    if (!this.wanted.size || this.mode !== "live") return;
    this.run.take(this.wanted);
    this.run.settle(this.history.current.k);
    const now = await this.source.see(this.run, this.history.current);
    await this.rewrite(now);
  }

  async rewrite(frame) { // the present frame, changed by the reader's hand
    if (!frame.finite) return this.blow(frame);
    this.history.replace({ ...frame, number: this.history.current.number });
    this.on("frame");
    await this.groundNow();
    return this.show();
  }
}
