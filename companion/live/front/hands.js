// More of the player's moves: the reader's hand on the state and on the time.

import { prefersReducedMotion } from "./hub.js";
import { RunMoves } from "./moves.js";
import { readoutsOf } from "./sentence.js";

function written(x) { // numbers and shape of a tensor; of a state with parts, of each part by its name
  const parts = Object.entries(x || {});
  if (!parts.length) return { x: [], shape: [] };
  const told = parts.map(([name, { data, shape }]) => [name, Array.from(data), [...shape]]);
  if (told.length === 1 && told[0][0] === "x") return { x: told[0][1], shape: told[0][2] };
  return { x: Object.fromEntries(told.map(([name, data]) => [name, data])), shape: Object.fromEntries(told.map(([name, , shape]) => [name, shape])) };
}

export class HandMoves extends RunMoves {
  drag(i, p) { // the pointer is faster than the engine: only the last place of each point counts
    if (!this.source || !this.run.program().put) return;
    const under = this.dragged.has(i);
    this.dragged.set(i, p);
    if (!under) this.enqueue(() => this.act("drag", () => this.takeDragged(i)));
  }

  takeDragged(i) {
    const p = this.dragged.get(i);
    this.dragged.delete(i);
    return { value: [i, ...p], frame: this.source.put(this.run, this.history.current, i, p) };
  }

  press(name) {
    if (!this.source) return Promise.resolve();
    return this.enqueue(() => this.act(name, () => ({ value: true, frame: this.source.button(this.run, this.history.current, name) })));
  }

  async act(name, make) { // from a recording or at the end of a run, the hand also sets it going
    const idle = this.mode !== "live" || this.ended();
    if (this.mode !== "live") await this.takeOver();
    if (this.mode !== "live") return;
    const { value, frame } = make();
    const done = await frame;
    this.run.settle(done.k);
    this.run.note(done.k, name, value);
    this.on("mend");
    await this.rewrite(done);
    if (this.ended()) this.limit = this.history.current.number + 1 + this.spec.frames;
    if (idle && !this.playing) this.goOrJump();
  }

  goOrJump() {
    if (prefersReducedMotion()) this.enqueue(() => this.computeTo(this.limit - 1));
    else this.go();
  }

  step() { // one frame; after its last one a run rests
    this.on("pause");
    if (!this.source) return Promise.resolve(this.tick());
    return this.enqueue(async () => {
      await this.takeOver();
      if (!this.history.atLast()) this.history.index += 1;
      else if (!this.ended()) await this.compute();
      this.show();
    });
  }

  advance(steps) { // `steps` steps as one frame: for tests, and for readers at the console
    this.on("pause");
    if (this.mode !== "live") this.restart();
    return this.enqueue(async () => {
      await this.applyWanted();
      if (this.mode === "live") await this.compute(steps);
    });
  }

  seek(number) {
    this.on("pause");
    this.history.seek(number);
    this.show();
  }

  reset() {
    this.on("pause");
    if (this.source) return this.restart();
    this.history.index = 0;
    this.show();
    return Promise.resolve();
  }

  seedShown() {
    return this.wanted.has("seed") ? this.wanted.get("seed") : this.run.seed;
  }

  newSeed() { // the next one: another draw, and a number that a reader can name
    this.wanted.set("seed", this.seedShown() + 1);
    return this.restart({ play: true });
  }

  valuesShown() {
    return { ...this.run.values, ...Object.fromEntries(this.wanted) };
  }

  state() {
    const { k, t, x, arrays } = this.history.current || { k: 0, t: 0, x: null, arrays: {} };
    return {
      k, t, seed: this.run.seed, ...written(x), controls: { ...this.run.values },
      events: this.run.events.map((event) => [...event]), readouts: readoutsOf(this.spec, { arrays }),
    };
  }
}
