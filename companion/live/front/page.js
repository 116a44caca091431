// @ts-check
// The page as a source of frames: the figure's graphs, stepped by the worker.
// A source has wake(), start(run), advance(run, frame, steps), put(run, frame, i, p), button(run, frame, name), see(run, frame), ground(run).

import { sharedEngine } from "./engine.js";
import { numbersFromBase64 } from "./tape.js";

/** @typedef {import("./contract.js").Source} Source
 * @implements {Source} */
export class PageSource {
  /** @param {import("./contract.js").Spec} spec @param {import("./assets.js").Assets} assets */
  constructor(spec, assets) {
    this.spec = spec;
    this.assets = assets;
  }

  /** @param {import("./contract.js").Run} run */
  async wake(run) { // a first graph, too: only then is it certain that this browser computes
    this.engine = await sharedEngine(this.assets);
    const { step, see } = run.program();
    await this.engine.compute({ op: "warm", graph: step, see, dtype: this.spec.state.dtype }, this.spec.graphs);
  }

  /** @param {import("./contract.js").Run} run */
  start(run) {
    const { state, xi } = this.spec;
    const part = ([name, { data, shape }]) => [name, { data: numbersFromBase64(data, state.dtype), shape }];
    const fixed = state.start && Object.fromEntries(Object.entries(state.start).map(part));
    return this.move("start", run, { x: fixed, k: 0, t: 0 }, { graph: run.program().start, xi: xi ? run.sizes(xi) : null });
  }

  /** @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame @param {number} steps */
  advance(run, frame, steps) {
    return this.move("advance", run, frame, { graph: run.program().step, steps, noise: this.spec.noise });
  }

  /** @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame @param {number} i @param {number[]} p */
  put(run, frame, i, p) {
    return this.move("put", run, frame, { graph: run.program().put, i, p: Float64Array.from(p) });
  }

  /** @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame @param {string} name */
  button(run, frame, name) {
    return this.move("button", run, frame, { graph: run.program()[`button:${name}`] });
  }

  /** @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame */
  see(run, frame) {
    return this.move("see", run, frame, {});
  }

  /** @param {import("./contract.js").Run} run */
  async ground(run) {
    const graph = run.program().ground;
    if (!graph) return {};
    const reply = await this.engine.compute({ op: "ground", graph, ...this.common(run) }, this.spec.graphs);
    return Object.fromEntries(Object.entries(reply.outputs).map(([name, output]) => [name, output.data]));
  }

  /** @param {import("./contract.js").Run} run */
  common(run) {
    const scalars = { ...run.sliders(), dt: run.dt() };
    return { dtype: this.spec.state.dtype, seed: run.seed, scalars };
  }

  /** @param {import("./contract.js").Move["op"]} op @param {import("./contract.js").Run} run @param {import("./contract.js").Moment} frame @param {Partial<import("./contract.js").Move>} more @returns {Promise<import("./contract.js").Seen>} */
  async move(op, run, { x, k, t }, more) {
    const message = { op, x, k, t, see: run.program().see, ...this.common(run), ...more };
    const reply = await this.engine.compute(message, this.spec.graphs);
    return { k: reply.k, t: reply.t, x: reply.x, arrays: reply.outputs, finite: reply.finite };
  }
}
