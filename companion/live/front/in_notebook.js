// @ts-check
// The door of a notebook, where anywidget calls render() with a model.

import { mountFigure } from "./figure.js";
import { makeElement } from "./hub.js";
import { KernelLine } from "./kernel.js";

/** @param {{ model: import("./contract.js").Model, el: HTMLElement }} given */
export function render({ model, el }) {
  const line = new KernelLine(model);
  let player = mountNotebook(model, el, line);
  const renew = () => { // the graphs have come: compute in the page from now on, unless a run is under way
    if (player.mode !== "live") player = mountNotebook(model, el, line);
  };
  model.on("change:spec", renew);
  return () => {
    model.off("change:spec", renew);
    player.pause();
    line.close();
  };
}

/** @param {import("./contract.js").Model} model @param {HTMLElement} el @param {KernelLine} line */
function mountNotebook(model, el, line) {
  const spec = model.get("spec");
  const figure = makeElement("figure", { class: "live" });
  figure.addEventListener("keydown", (event) => event.stopPropagation()); // arrows move a slider here: they are no shortcuts of the notebook
  if (spec.caption) figure.append(makeElement("figcaption", {}, spec.caption));
  el.replaceChildren(figure);
  /** @type {NodeListOf<HTMLElement>} */
  const saved = document.querySelectorAll(`.live-saved[data-tape="${spec.tape.id}"]`); // what stays when the kernel is gone
  saved.forEach((one) => void (one.hidden = true));
  return mountFigure(figure, spec, { line, page: false });
}
