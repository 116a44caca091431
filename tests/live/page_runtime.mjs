// The page without a page: its own runs, sources and worker on onnxruntime-web, driven line by line by a test (see page_runtime.py).
// argv: the front's source, the runtime's folder. A line is {id, op, ...}; the answer {id, ...} or {id, error}.
import fs from "node:fs";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

const [source, runtime] = process.argv.slice(2);
const ort = await import(pathToFileURL(`${runtime}/ort.wasm.bundle.min.mjs`));
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = fs.readFileSync(`${runtime}/ort-wasm-simd-threaded.wasm`);
ort.env.logLevel = "error";

const page = new Function("self", "given", `${source}\nort = given;\nreturn { PageSource, Run, compute, sentenceOf, sourcesOfWorker: sources };`)({}, ort);

const engine = { // the shared engine of a page, without the worker's thread
  compute: async (message, graphs) => {
    const wanted = [message.graph, message.see].filter((id) => id && !page.sourcesOfWorker.has(id));
    return page.compute({ ...message, graphs: Object.fromEntries(wanted.map((id) => [id, graphs[id]])) });
  },
};

let spec, run, here, frame;

const packed = ({ data, shape }) => ({ shape, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"), dtype: data.constructor.name });

function seen() {
  const arrays = Object.fromEntries(Object.entries(frame.arrays).map(([name, array]) => [name, packed(array)]));
  return { k: frame.k, t: frame.t, finite: frame.finite, x: Object.fromEntries(Object.entries(frame.x).map(([name, part]) => [name, packed(part)])), arrays, sentence: page.sentenceOf(spec, run.values, frame) };
}

const ops = {
  async open({ figure }) {
    spec = figure;
    here = new page.PageSource(spec, null);
    here.engine = engine;
    run = new page.Run(spec);
    return {};
  },
  async begin({ values, seed }) {
    run.restore();
    Object.assign(run.values, values);
    run.seed = seed;
    frame = await here.start(run);
    return seen();
  },
  async frame({ steps }) { // one frame, as the player takes it
    frame = await here.advance(run, frame, steps || run.steps(frame.k));
    return seen();
  },
  async button({ name }) {
    frame = await here.button(run, frame, name);
    return seen();
  },
  async put({ i, p }) {
    frame = await here.put(run, frame, i, p);
    return seen();
  },
  async ground() {
    return { grounds: Object.fromEntries(Object.entries(await here.ground(run)).map(([name, data]) => [name, packed({ data, shape: [data.length] })])) };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await ops[request.op](request);
  } catch (error) {
    answer = { error: String((error && error.message) || error) };
  }
  process.stdout.write(`${JSON.stringify({ id: request.id, ...answer })}\n`);
}
