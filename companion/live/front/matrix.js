// A matrix as a heat map with its scale: paper at zero, one hue for one sign, two hues for two signs.

import { shownArray } from "./cloud.js";
import { inkMix, inkMixRgb } from "./ink.js";
import { LOOK } from "./look.js";
import { makeScale } from "./ticks.js";

function matrixShades(ink, lo, hi) {
  // 256 colours from lo to hi
  const warm = ink.groups[1], cold = ink.groups[0], strong = inkMix(cold, ink.ink, 0.55);
  const signed = lo < 0 && hi > 0, reach = Math.max(-lo, hi);
  return Array.from({ length: 256 }, (_, i) => {
    const v = lo + ((hi - lo) * i) / 255;
    if (signed) return inkMixRgb(ink.paper, v < 0 ? warm : cold, (Math.abs(v) / reach) ** 0.85);
    const u = i / 255;
    return u < 0.6 ? inkMixRgb(ink.paper, cold, 0.03 + (0.97 * u) / 0.6) : inkMixRgb(cold, strong, (u - 0.6) / 0.4);
  });
}

export function paintMatrix(view, g, scene) {
  const array = shownArray(view, scene.frame);
  if (!array) return;
  const { surface, ink, spec } = view, [rows, cols] = array.shape, { lo, hi } = spec;
  const shades = matrixShades(ink, lo, hi), bar = 62 * ink.scale, room = (spec.xlabel || spec.ylabel ? 1.9 : 0.7) * ink.size;
  const cell = Math.min((surface.width - bar - ink.size) / cols, (surface.height - 2 * room) / rows);
  const width = cell * cols, height = cell * rows;
  const left = Math.max(1, (surface.width - width - bar) / 2), top = (surface.height - height) / 2;
  g.imageSmoothingEnabled = false;
  g.drawImage(matrixImage(array, lo, hi, shades), left, top, width, height);
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.frame);
  g.lineWidth = LOOK.line.axis;
  g.strokeRect(Math.round(left) - 0.5, Math.round(top) - 0.5, Math.round(width) + 1, Math.round(height) + 1);
  paintMatrixWords(view, g, left, top, width, height);
  paintColorBar(view, g, { x: left + width + 16 * ink.scale, top, height, lo, hi, shades });
}

function paintMatrixWords(view, g, left, top, width, height) {
  const { ink, spec } = view;
  g.font = ink.font();
  g.fillStyle = ink.muted;
  g.textBaseline = "alphabetic";
  g.textAlign = "left";
  g.fillText(spec.ylabel || "", left, top - 0.6 * ink.size);
  g.textAlign = "center";
  g.fillText(spec.xlabel || "", left + width / 2, top + height + 1.5 * ink.size);
}

function matrixImage(array, lo, hi, shades) {
  const [rows, cols] = array.shape, canvas = document.createElement("canvas");
  canvas.width = cols;
  canvas.height = rows;
  const g = canvas.getContext("2d"), image = g.createImageData(cols, rows);
  for (let i = 0; i < rows * cols; i++) {
    const v = array.data[i], u = Math.max(0, Math.min(255, Math.round((255 * (v - lo)) / (hi - lo))));
    image.data.set(Number.isFinite(v) ? [...shades[u], 255] : [0, 0, 0, 0], 4 * i);
  }
  g.putImageData(image, 0, 0);
  return canvas;
}

function paintColorBar(view, g, { x, top, height, lo, hi, shades }) {
  const { ink } = view, width = 10 * ink.scale, scale = makeScale(lo, hi, top + height, top);
  const strip = g.createLinearGradient(0, top + height, 0, top);
  for (let i = 0; i <= 32; i++) strip.addColorStop(i / 32, `rgb(${shades[Math.round((i * 255) / 32)].join(",")})`);
  g.fillStyle = strip;
  g.fillRect(x, top, width, height);
  g.strokeRect(Math.round(x) - 0.5, Math.round(top) - 0.5, Math.round(width) + 1, Math.round(height) + 1);
  g.font = ink.font();
  g.fillStyle = ink.muted;
  g.textAlign = "left"; g.textBaseline = "middle";
  for (const tick of scale.ticks(4)) g.fillText(tick.text, x + width + 6 * ink.scale, scale.at(tick.value));
}
