// The heights of panels, and the composition of a figure for saving.

import { readInk } from "./ink.js";
import { LOOK } from "./look.js";
import { planeIsEqual } from "./plane.js";
import { makeLayer } from "./surface.js";

function viewRatio(spec) {
  // width over height that the content asks for; 0 when it follows the room
  if (spec.kind === "circle" || spec.kind === "sphere" || spec.kind === "matrix") return 1;
  if (spec.kind === "picture") return spec.ratio;
  if ((spec.kind === "plane" || spec.kind === "landscape") && planeIsEqual(spec)) return (spec.x[1] - spec.x[0]) / (spec.y[1] - spec.y[0]);
  return 0;
}

export function viewHeight(view, width) {
  // panels side by side share one height; stacked or single ones follow their own content
  const row = view.element.closest(".live-panels"), projector = view.element.closest(".live--projector");
  const all = view.figure.views || [view.spec], beside = all.length > 1 && row && row.clientWidth > 1.5 * width;
  const cap = projector ? Math.max(260, window.innerHeight - 345) : beside ? 460 : 440;
  const wish = (spec) => {
    const ratio = viewRatio(spec);
    const words = LOOK.type * ((spec.names ? 1.6 : 0) + (spec.xlabel ? 1.3 : 0) + (spec.ylabel ? 1.3 : 0));
    return ratio ? (width - 36) / ratio + 36 + words : width * (beside ? 0.72 : width > 560 ? 0.46 : 0.66);
  };
  const height = Math.max(...(beside ? all : [view.spec]).map(wish));
  return Math.max(210, Math.min(cap, height));
}

export function drawFigurePng(views, { sentence = "" } = {}) {
  // panels in a row on the colour of the paper, titles above, the sentence below -> a canvas to be saved
  const ink = readInk(views[0].canvas), ratio = views[0].surface.ratio || 1;
  const pad = 20, gap = 24, head = views.some((v) => v.title) ? 28 : 0;
  const width = views.reduce((sum, v) => sum + v.surface.width, 0) + gap * (views.length - 1) + 2 * pad;
  const lines = wrapText(ink, sentence, width - 2 * pad);
  const tall = Math.max(...views.map((v) => v.surface.height));
  const { canvas, g } = makeLayer(width, pad + head + tall + (lines.length ? 14 + 22 * lines.length : 0) + pad, ratio);
  g.fillStyle = ink.paper;
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.fillStyle = ink.ink;
  g.textBaseline = "alphabetic";
  let x = pad;
  for (const v of views) {
    g.font = `600 15px ${ink.family}`;
    g.fillText(v.title, x, pad + 14);
    g.drawImage(v.canvas, x, pad + head, v.surface.width, v.surface.height);
    x += v.surface.width + gap;
  }
  g.font = `15px ${ink.family}`;
  lines.forEach((line, i) => g.fillText(line, pad, pad + head + tall + 26 + 22 * i));
  return canvas;
}

function wrapText(ink, text, width) {
  const { g } = makeLayer(1, 1, 1), lines = [];
  g.font = `15px ${ink.family}`;
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && g.measureText(longer).width <= width) lines[lines.length - 1] = longer; else lines.push(word);
  }
  return lines;
}
