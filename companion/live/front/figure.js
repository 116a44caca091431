// @ts-check
// One figure: its parts, put together. host = {line (to a notebook's kernel) or null, page (has an address of its own)}.

import { addressWriter, arrive, watchFigure } from "./arrival.js";
import { Assets } from "./assets.js";
import { makeControls } from "./choice.js";
import { hub, makeElement } from "./hub.js";
import { KernelSource } from "./kernel.js";
import { makeView } from "./make_view.js";
import { PageSource } from "./page.js";
import { Player } from "./player.js";
import { Run } from "./run.js";
import { makeSentence } from "./sentence.js";
import { TapeSource } from "./tape.js";
import { makeTools } from "./tools.js";
import { makeTransport } from "./transport.js";
import { WORKER_SOURCE } from "./worker_source.js";

/** @param {import("./contract.js").Spec} spec @param {Assets} assets @param {import("./contract.js").Host["line"]} line @returns {import("./contract.js").Source | null} */
function sourceOf(spec, assets, line) { // null: the recording is all there is
  if (spec.engine === "kernel") return line ? new KernelSource(spec, line) : null;
  return spec.engine === "page" ? new PageSource(spec, assets) : null;
}

/** @param {HTMLElement & { companion?: any }} figure @param {import("./contract.js").Spec} spec @param {import("./contract.js").Host} host */
export function mountFigure(figure, spec, host) {
  const assets = new Assets(host.line);
  const run = new Run(spec);
  const player = new Player(spec, run, new TapeSource(spec, assets), sourceOf(spec, assets, host.line));
  const parts = makeParts(figure, spec, player, host);
  figure.dataset.live = spec.name;
  parts.still = figure.querySelectorAll(".live-poster, .live-sentence"); // what stands there without JavaScript
  figure.insertBefore(parts.body, figure.querySelector("figcaption"));
  player.onshow = (moving) => showFrame(figure, player, parts, moving);
  player.onstatus = () => showStatus(figure, player, parts, host);
  if (host.line) followKernel(player, host.line);
  player.onstatus();
  watchFigure(figure, player, () => arrive(spec, player, host));
  figure.companion = handle(player);
  return player;
}

/** @param {HTMLElement} figure @param {import("./contract.js").Spec} spec @param {Player} player @param {import("./contract.js").Host} host */
function makeParts(figure, spec, player, { page }) {
  const panels = makeElement("div", { class: "live-panels" });
  /** @type {any} */
  const parts = { panels, views: [], message: makeMessage(), controls: makeControls(spec, player), transport: makeTransport(spec, player) };
  parts.sentence = makeSentence(spec, () => player.valuesShown());
  parts.tools = makeTools(spec, player, { figure, page, views: () => parts.views, sentence: parts.sentence, tell: parts.message.tell });
  parts.body = makeElement("div", { class: "live-body", role: "group", "aria-label": `Live figure: ${spec.name}` }, panels, parts.sentence.element);
  parts.body.append(parts.transport.element); // play stands next to the picture, also on a small screen
  if (spec.controls.length) parts.body.append(parts.controls.element);
  parts.body.append(parts.message.element, parts.tools);
  if (page) addressWriter(spec, player, parts);
  return parts;
}

function makeMessage() { // {element, show(text): what lasts, tell(text, milliseconds): what passes}
  const element = makeElement("p", { class: "live-message", role: "status" });
  let lasting = "", timer = null;
  const show = (text) => {
    if (text === lasting) return;
    lasting = text;
    if (timer === null) element.textContent = text;
  };
  const tell = (text, milliseconds) => {
    clearTimeout(timer);
    element.textContent = text;
    timer = setTimeout(() => {
      timer = null;
      element.textContent = lasting;
    }, milliseconds);
  };
  return { element, show, tell };
}

/** @param {any} parts @param {import("./contract.js").Spec} spec @param {Player} player */
function buildViews(parts, spec, player) { // at the first frame: until then the poster stands
  parts.views = spec.views.map((view) => makeView(view, spec, { drag: (i, p) => player.drag(i, p), select: () => {} }));
  parts.panels.append(...parts.views.map((view) => view.element));
}

function showFrame(figure, player, parts, moving) {
  const { history, spec } = player;
  if (!parts.views.length) {
    parts.still.forEach((part) => void (part.hidden = true));
    buildViews(parts, spec, player);
  }
  const extra = { ...player.grounds, controls: player.run.values };
  parts.views.forEach((view) => view.draw(history.current, history.frames, history.index, extra));
  parts.sentence.show(history.current, moving);
  figure.dataset.k = history.current.k;
  figure.dataset.frame = history.current.number;
}

/** @param {HTMLElement} figure @param {Player} player @param {any} parts @param {import("./contract.js").Host} host */
function showStatus(figure, player, parts, { line }) {
  const { spec } = player;
  const status = player.status();
  if (status !== "none" && figure.dataset.status !== status) figure.dataset.status = status;
  parts.controls.show(player.valuesShown());
  const fixed = !player.source && spec.engine !== "recording";
  parts.controls.disable(fixed);
  parts.transport.disable(fixed);
  parts.transport.show();
  parts.message.show(messageFor(spec, player, line));
}

/** @param {Player} player @param {import("./kernel.js").KernelLine} line */
function followKernel(player, line) { // where the page's engine is awake, a figure goes on without its kernel
  line.onlate = () => player.onstatus();
  line.ongone = (gone) => {
    if (player.source && (player.spec.engine === "kernel" || !hub.engines.has(WORKER_SOURCE))) player.giveUp(gone);
    player.onstatus();
  };
}

/** @param {import("./contract.js").Spec} spec @param {Player} player @param {import("./contract.js").Host["line"]} line */
function messageFor(spec, player, line) {
  if (player.problem) return player.problem;
  if (line && line.late) return "Waits for the kernel: a cell is running.";
  if (player.loading) return spec.engine === "kernel" ? "Waiting for the kernel …" : "Loading the engine (once for all figures) …";
  if (player.hurrying) return "Computing …";
  return spec.engine === "kernel" && !player.source ? "A recording. In a notebook with a kernel the controls move." : "";
}

/** @param {Player} player */
function handle(player) { // for tests and for the console
  const settled = async (job) => {
    await job;
    if (player.problem) throw new Error(player.problem);
  };
  return {
    state: () => player.state(),
    advance: (steps) => settled(player.advance(steps)),
    reset: () => settled(player.reset()),
    ready: () => settled(player.source ? player.enqueue(() => player.wake()) : player.showTape()),
  };
}
