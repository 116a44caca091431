// A notebook's kernel as a source of frames: the same moves as messages, for sizes that a page cannot carry.

const KERNEL_SECONDS = 120;

class KernelSource {
  constructor(spec, model) {
    this.spec = spec;
    this.model = model;
    this.last = 0;
    this.waiting = new Map();
    model.on("msg:custom", (message, buffers) => this.settle(message, buffers));
  }

  async wake() {}

  start(run) {
    return this.move("start", run, { x: null, k: 0, t: 0 }, {});
  }

  advance(run, frame, steps) {
    return this.move("advance", run, frame, { steps });
  }

  put(run, frame, i, p) {
    return this.move("put", run, frame, { i, p: [...p] });
  }

  button(run, frame, name) {
    return this.move("button", run, frame, { name });
  }

  see(run, frame) {
    return this.move("advance", run, frame, { steps: 0 });
  }

  async ground() {
    return this.grounds || {}; // they come with the frames, if at all
  }

  move(op, run, { x, k, t }, more) {
    this.last += 1;
    const id = this.last;
    const content = { op, id, k, t, seed: run.seed, controls: { ...run.values }, shape: x ? x.shape : null };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.settle({ id, error: "the kernel does not answer" }), KERNEL_SECONDS * 1000);
      this.waiting.set(id, { resolve, reject, timer });
      this.model.send({ ...content, ...more }, undefined, x ? [x.data.buffer] : []);
    });
  }

  settle(message, buffers) {
    const pending = message && this.waiting.get(message.id);
    if (!pending) return;
    this.waiting.delete(message.id);
    clearTimeout(pending.timer);
    if (message.error) pending.reject(new Error(message.error));
    else pending.resolve(this.frame(message, buffers));
  }

  frame({ k, t, dtype, outputs }, buffers) {
    const arrays = {};
    outputs.forEach(({ name, shape }, j) => {
      const { buffer } = bytesFromView(buffers[j]);
      arrays[name] = { data: dtype === "float64" ? new Float64Array(buffer) : new Float32Array(buffer), shape };
    });
    const { x, ...seen } = arrays;
    Object.keys(seen).filter((name) => name.startsWith("ground")).forEach((name) => this.keepGround(name, seen));
    return { k, t, x, arrays: seen, finite: x.data.every(Number.isFinite) };
  }

  keepGround(name, seen) {
    this.grounds = { ...this.grounds, [name]: seen[name].data };
    delete seen[name];
  }
}
