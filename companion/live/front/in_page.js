// @ts-check
// The door of a page, where every figure stands in the HTML already: live.js, a classic script beside its assets.

import { followAddress } from "./arrival.js";
import { mountFigure } from "./figure.js";

/** @param {Element} figure @returns {import("./contract.js").Spec | null} */
function specOf(figure) {
  const script = figure.querySelector("script.live-spec");
  return script ? JSON.parse(script.textContent) : null;
}

/** @param {HTMLElement & { companion?: any }} figure */
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

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", hydratePage);
else hydratePage();
