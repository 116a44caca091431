// Two doors: a page, where every figure stands in the HTML already, and a notebook, where render() is called with a model.

function specOf(figure) {
  const script = figure.querySelector("script.live-spec");
  return script ? JSON.parse(script.textContent) : null;
}

function hydrate(figure) {
  if (figure.companion) return;
  const spec = specOf(figure);
  if (!spec) return;
  const player = mountFigure(figure, spec, { line: null, page: true });
  followAddress(figure, spec, player);
}

function hydratePage() {
  document.querySelectorAll("figure.live").forEach(hydrate);
}

function startPage() { // live.js's last line: a classic script beside its assets
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", hydratePage);
  else hydratePage();
}

function renderWidget({ model, el }) { // anywidget's door
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
