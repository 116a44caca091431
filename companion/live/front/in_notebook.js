// The door of a notebook, where anywidget calls render() with a model.

import { mountFigure } from "./figure.js";
import { makeElement } from "./hub.js";
import { KernelLine } from "./kernel.js";

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

function mountNotebook(model, el, line) {
  const spec = model.get("spec");
  const figure = makeElement("figure", { class: "live" });
  figure.addEventListener("keydown", (event) => event.stopPropagation()); // arrows move a slider here: they are no shortcuts of the notebook
  if (spec.caption) figure.append(makeElement("figcaption", {}, spec.caption));
  el.replaceChildren(figure);
  document.querySelectorAll(`.live-saved[data-tape="${spec.tape.id}"]`).forEach((saved) => void (saved.hidden = true)); // what stays when the kernel is gone
  return mountFigure(figure, spec, { line, page: false });
}
