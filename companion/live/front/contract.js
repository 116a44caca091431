// What the two sides have agreed on, as types: Python writes it (companion/live: widget.py, tapes.py, notebook.py), these files read it.
// No program: editors read the types, and `npx -p typescript@5 tsc -p companion/live/front` checks the files that begin with @ts-check.
//
// A name is the same everywhere. The parameter of the taught function that a control sets, the control, and the input of each graph that
// takes it have one name: step(k, x, *, beta) has the control beta, and its graph the input beta. What is not a control's is RESERVED
// (companion/live/figure.py), and means
//   x    the state; of a state with parts, x.v is its part v           xi   the noise of a start or a step; xi.v for the part v
//   t    the time          k    the number of the step                 dt   the length of a step
//   i    the number of the point under the hand                        p    where it is put
// A choice is no input: each combination of options has graphs of its own, under its values joined by "|" in the order of the controls.
// A graph's outputs are
//   next, or next.v for each part v       gone   which members rest, as 1   show0   what view 0 draws   readout:NAME
//   under0, cells0, segments0, target0, ground0   likewise beneath it               ref:0:NAME   its curves of theory

/** @typedef {Float32Array | Float64Array} Numbers */
/** @typedef {{ data: Numbers, shape: number[] }} Tensor */
/** @typedef {Record<string, Tensor>} Tensors */

// --- the spec: a figure as its page reads it (widget.py: spec) ---

/**
 * @typedef {{ kind: "slider", name: string, label: string, lo: number, hi: number, value: number, log: boolean, step: number | null,
 *   acts: "run" | "start", values: number[] | null }} Slider
 * @typedef {{ kind: "choice", name: string, label: string, options: string[], value: string, acts: "run" | "start" }} Choice
 * @typedef {{ kind: "button", name: string, label: string }} Button
 * @typedef {number | string} Value of a slider, or of a choice
 */

/**
 * start: null where a graph makes it from noise, whose shape is xi (an entry may be a slider's name). dt: a slider's name, or a number.
 * programs: {options: {program: key of its graph}}; graphs: {key: gzip in base64}. tape.runs: the values that were recorded, as JSON.
 * @typedef {{ shape: number[], data: string }} Packed in base64
 * @typedef {{ name: string, alt: string, caption: string, sentence: string, noise: boolean, seed: number, dt: Value, substeps: number,
 *   frames: number, pace: "linear" | "log", still: number, shipped: boolean, engine: "page" | "kernel" | "recording",
 *   state: { dtype: "float32" | "float64", start: Record<string, Packed> | null }, random: boolean, xi: Value[] | null,
 *   controls: (Slider | Choice | Button)[], readouts: string[], members: string[] | string | null,
 *   views: (Record<string, any> & { kind: string })[], programs: Record<string, Record<string, string>>, graphs: Record<string, string>,
 *   tape: { id: string, runs: string[] } }} Spec
 */

// --- the host: what a figure is given by the page, or by the notebook ---

/**
 * line: to the kernel, in a notebook; page: the figure may write its state into the address.
 * @typedef {{ line: import("./kernel.js").KernelLine | null, page: boolean }} Host
 * @typedef {{ get(name: "spec"): Spec, get(name: "tape"): string, on(event: string, act: Function): void, off(event: string, act: Function): void,
 *   send(content: KernelRequest, callbacks: undefined, buffers: ArrayBufferLike[]): void, widget_manager?: any }} Model of anywidget
 */

// --- frames, and what makes them ---

/**
 * @typedef {{ k: number, t: number, x: Tensors | null }} Moment
 * @typedef {Moment & { arrays: Tensors, finite?: boolean }} Seen
 * @typedef {Seen & { number: number }} Frame
 * @typedef {import("./run.js").Run} Run
 * @typedef {{ wake(run: Run): Promise<void>, start(run: Run): Promise<Seen>, advance(run: Run, frame: Moment, steps: number): Promise<Seen>,
 *   put(run: Run, frame: Moment, i: number, p: number[]): Promise<Seen>, button(run: Run, frame: Moment, name: string): Promise<Seen>,
 *   see(run: Run, frame: Moment): Promise<Seen>, ground(run: Run): Promise<Record<string, Numbers>> }} Source
 */

// --- to the worker and back: each request has an id, and its reply the same ---

/**
 * @typedef {{ op: "boot", mjs: string | Uint8Array, wasm: string | Uint8Array }} Boot
 * @typedef {{ op: "warm", graph: string, see?: string, dtype: Spec["state"]["dtype"] }} Warm
 * @typedef {{ op: "ground", graph: string, see?: undefined, dtype: Spec["state"]["dtype"], seed: number, scalars: Record<string, number> }} Ground
 * @typedef {{ op: "start" | "advance" | "put" | "button" | "see", x: Tensors | null, k: number, t: number, see?: string, graph?: string,
 *   dtype: Spec["state"]["dtype"], seed: number, scalars: Record<string, number>, xi?: number[] | null, steps?: number, noise?: boolean,
 *   i?: number, p?: Float64Array }} Move scalars: the sliders, and dt
 * @typedef {Warm | Ground | Move} Compute
 * @typedef {{ outputs: Tensors, k?: number, t?: number, x?: Tensors, finite?: boolean }} Computed
 * @typedef {{ id: number, error: string } | ({ id: number, error?: undefined } & Computed)} WorkerReply
 */

// --- to the kernel and back (notebook.py): a state travels as buffers in the order of its parts, the outputs in theirs ---

/**
 * @typedef {{ want: "runtime" }} Want
 * @typedef {{ op: "start" | "advance" | "put" | "button", id: number, k: number, t: number, seed: number, controls: Record<string, Value>,
 *   shapes: number[][], steps?: number, i?: number, p?: number[], name?: string }} KernelMove
 * @typedef {Want | KernelMove} KernelRequest
 * @typedef {{ asset: "runtime" }} RuntimeReply
 * @typedef {{ op: "advanced", id: number, k: number, t: number, dtype: "float32" | "float64", outputs: Output[] }} KernelReply
 * @typedef {{ name: string, shape: number[] }} Output
 * @typedef {{ op: "failed", id: number | null, error: string }} KernelFailure
 */

// --- recordings (tapes.py): `runs` by their values as JSON, "" for the only one ---

/**
 * @typedef {{ shape: number[], data: string, lo?: number, scale?: number, dtype?: string }} Encoded
 * @typedef {{ k: number[], t: number[], arrays: Record<string, Encoded> }} Recorded
 * @typedef {{ runs: Record<string, Recorded> }} Tape
 */

export {};
