// Play, step, reset, seed, and the slider over time.

import { makeButton } from "./choice.js";
import { writtenNumber } from "./format.js";
import { makeElement } from "./hub.js";

const SIGNS = {
  play: "M5 3.2v13.6L16.5 10z", pause: "M5 3.5h3.6v13H5zM11.4 3.5H15v13h-3.6z", step: "M4 3.2v13.6L12.6 10zM13.4 3.5H16v13h-2.6z",
  reset: "M10 3.4a6.6 6.6 0 1 1-6.3 4.7l2 .6A4.5 4.5 0 1 0 10 5.5v2.6L5.6 4.5 10 .9z",
};

function drawSign(name) {
  const space = "http://www.w3.org/2000/svg";
  const sign = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 20 20", width: 18, height: 18, "aria-hidden": "true" })) sign.setAttribute(key, value);
  path.setAttribute("d", SIGNS[name]);
  path.setAttribute("fill", "currentColor");
  sign.append(path);
  return sign;
}

function signButton(name, label, press) {
  return makeButton(drawSign(name), press, { "aria-label": label, title: label, "data-act": name });
}

function setSign(button, name, label) {
  if (button.dataset.sign === name) return; // not at every frame: a replaced child would lose a click under way
  button.dataset.sign = name;
  button.replaceChildren(drawSign(name));
  button.setAttribute("aria-label", label);
  button.title = label;
}

export function makeTransport(spec, player) { // {element, show(player), disable(off)}
  const play = signButton("play", "Play", () => (player.playing ? player.pause() : player.play()));
  const step = signButton("step", "One step", () => player.step());
  const reset = signButton("reset", "Back to the start", () => player.reset());
  const seed = makeButton("", () => player.newSeed(), { "data-act": "seed", title: "Another random draw" });
  const scrub = makeElement("input", { type: "range", class: "live-scrub", min: 0, step: 1, "aria-label": "Time" });
  scrub.addEventListener("input", () => player.seek(Number(scrub.value)));
  const element = makeElement("div", { class: "live-transport" }, play, step, reset);
  if (spec.random && spec.engine !== "recording") element.append(seed);
  element.append(scrub);
  return { element, show: () => showTransport(player, { play, seed, scrub }), disable: (off) => void (seed.disabled = off) };
}

function showTransport(player, { play, seed, scrub }) {
  setSign(play, player.playing ? "pause" : "play", player.playing ? "Pause" : "Play");
  if (seed.textContent !== `Seed ${player.seedShown()}`) seed.textContent = `Seed ${player.seedShown()}`;
  const frame = player.history.current;
  if (!frame) return;
  scrub.max = Math.max(player.limit - 1, player.history.last.number);
  scrub.value = frame.number;
  scrub.setAttribute("aria-valuetext", `t = ${writtenNumber(frame.t)}`);
}
