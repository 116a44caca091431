// @ts-check
// When a figure comes near the window: its recording, or the state that the address asks for. When it leaves, it rests.

import { addressParts, readAddress, writeAddress } from "./address.js";
import { sameValue } from "./tape.js";

export function watchFigure(figure, player, come) {
  let arrived = false;
  const see = (visible) => {
    player.visible = visible;
    if (visible && !arrived) {
      arrived = true;
      come();
    }
  };
  if (typeof IntersectionObserver === "undefined") return see(true);
  const observer = new IntersectionObserver((entries) => see(entries[entries.length - 1].isIntersecting), { rootMargin: "300px 0px" });
  return observer.observe(figure);
}

/** @param {import("./contract.js").Spec} spec @param {import("./player.js").Player} player @param {import("./contract.js").Host} host */
export async function arrive(spec, player, { page, line }) {
  const wanted = page ? readAddress(spec, player.run) : null;
  if (wanted) restoreFrom(player, wanted);
  else await showRecording(player);
  if (player.mode === "none" && player.source && line) await player.restart({ still: true }); // a notebook has no poster
}

/** @param {import("./player.js").Player} player */
async function showRecording(player) {
  try {
    await player.showTape({ still: true });
  } catch (error) {
    if (player.mode === "none" && !player.source) player.on("miss", `The recording of this figure is missing: ${error.message}.`);
    player.onstatus();
  }
}

function restoreFrom(player, wanted) { // a link: its controls, its seed, at the frame that tells most
  wanted.forEach((value, name) => {
    const now = name === "seed" ? player.run.seed : player.run.values[name];
    if (!sameValue(value, now)) player.wanted.set(name, value);
  });
  const changed = player.wanted.size > 0;
  if (changed && player.source) player.restart({ still: true });
  else showRecording(player);
}

export function addressWriter(spec, player, { body }) { // the address follows the reader's hand, not the run
  let timer = null;
  const write = () => {
    clearTimeout(timer);
    timer = setTimeout(() => player.onaddress(), 600);
  };
  player.onaddress = () => writeAddress(spec, { values: player.valuesShown(), seed: player.seedShown() });
  for (const kind of ["input", "change", "click"]) body.addEventListener(kind, ({ target }) => setsState(target) && write());
}

function setsState(target) { // a slider, a choice, the seed: not the time, not the tools
  return target.closest(".live-controls input, [data-act=seed]") !== null;
}

/** @param {HTMLElement} figure @param {import("./contract.js").Spec} spec @param {import("./player.js").Player} player */
export function followAddress(figure, spec, player) { // a link within the page, and the first arrival
  const seek = () => {
    if (lastNamed() === spec.name) figure.scrollIntoView({ block: "center" });
  };
  const go = () => {
    const wanted = readAddress(spec, player.run);
    if (wanted && player.mode !== "none") restoreFrom(player, wanted);
    seek();
  };
  globalThis.addEventListener("hashchange", go);
  globalThis.addEventListener("load", seek); // pictures above have their height only then
  seek();
}

function lastNamed() { // of several figures in the address the last one was moved last
  const named = addressParts().filter((part) => part.includes("?"));
  return named.length ? named[named.length - 1].split("?")[0] : null;
}
