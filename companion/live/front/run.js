// @ts-check
// A run: the values of the controls, the seed, and the log of events [k, name, value] from which torch can repeat it.

import { sameValue } from "./tape.js";

export class Run {
  /** @param {import("./contract.js").Spec} spec */
  constructor(spec) {
    this.spec = spec;
    this.controls = spec.controls.filter((control) => control.kind !== "button");
    /** @type {{ seed: number } & Record<string, any>} */
    this.defaults = { seed: spec.seed };
    for (const { name, value } of this.controls) this.defaults[name] = value;
    this.restore();
  }

  restore() { // as declared
    const { seed, ...values } = this.defaults;
    this.seed = seed;
    this.values = values;
    this.events = [];
  }

  isDefault() {
    return this.seed === this.defaults.seed && this.controls.every(({ name }) => sameValue(this.values[name], this.defaults[name]));
  }

  /** @param {Map<string, any>} wanted */
  take(wanted) { // a map name -> value, "seed" among the names
    for (const [name, value] of wanted) {
      if (name === "seed") this.seed = value;
      else this.values[name] = value;
    }
    wanted.clear();
  }

  /** @returns {Record<string, string>} */
  program() {
    const options = this.controls.filter(({ kind }) => kind === "choice").map(({ name }) => this.values[name]);
    return (this.spec.programs || {})[options.join("|")] || {};
  }

  /** @returns {Record<string, number>} */
  sliders() {
    return Object.fromEntries(this.controls.filter(({ kind }) => kind === "slider").map(({ name }) => [name, this.values[name]]));
  }

  /** @param {import("./contract.js").Value[]} shape @returns {number[]} */
  sizes(shape) { // an entry may be a slider's name
    return shape.map((size) => (typeof size === "string" ? Math.round(this.values[size]) : size));
  }

  /** @returns {number} */
  dt() {
    const { dt } = this.spec;
    if (typeof dt === "string") return this.values[dt];
    return typeof dt === "number" ? dt : 1;
  }

  steps(k) { // steps of the next frame: in log pace 4 % of k, so that log t advances evenly
    const least = this.spec.substeps || 1;
    return this.spec.pace === "log" ? Math.max(least, Math.floor(k / 25)) : least;
  }

  begin() { // at k = 0 the log holds what differs from the declaration
    this.events = [];
    this.settle(0);
  }

  settle(k) { // the run goes on from k with the present values: later events never happened, changes are noted
    this.events = this.events.filter(([at]) => at <= k);
    const known = { ...this.defaults };
    for (const [, name, value] of this.events) if (name in known) known[name] = value;
    const now = { seed: this.seed, ...this.values };
    for (const [name, value] of Object.entries(now)) if (value !== known[name]) this.note(k, name, value);
  }

  touched() { // a button was pressed or a point dragged
    return this.events.some(([, name]) => !(name in this.defaults));
  }

  note(k, name, value) {
    const [at, before] = this.events[this.events.length - 1] || [];
    if (name in this.defaults && at === k && before === name) this.events.pop(); // a slider on its way
    this.events.push([k, name, value]);
  }
}
