// The landscape beneath a cloud: painted once on its own sheet, and again only when the potential, the size or the theme changes.

import { bandImage, contourSegments, quantileLevels } from "./contours.js";
import { inkMix, inkMixRgb } from "./ink.js";
import { LOOK } from "./look.js";
import { makeLayer } from "./surface.js";

export function paintGround(view, g, box, values) {
  const width = box.right - box.left, height = box.bottom - box.top;
  const key = [width, height, view.surface.ratio, view.ink.paper, view.ink.ground].join();
  const kept = view.memory.ground;
  if (!kept || kept.values !== values || kept.key !== key) {
    view.memory.ground = { values, key, layer: groundLayer(view, width, height, values) };
  }
  g.drawImage(view.memory.ground.layer, box.left, box.top, width, height);
}

function groundLayer(view, width, height, values) {
  const { ink } = view, G = Math.round(Math.sqrt(values.length));
  const { canvas, g } = makeLayer(width, height, view.surface.ratio);
  const levels = quantileLevels(values, view.spec.levels || 14);
  if (!levels.length) return canvas;
  const depth = (i) => (1 - i / levels.length) ** 1.4;
  const shades = Array.from({ length: levels.length + 1 }, (_, i) => inkMixRgb(ink.paper, ink.ground, 0.03 + (ink.dark ? 0.42 : 0.4) * depth(i)));
  g.imageSmoothingEnabled = true;
  g.imageSmoothingQuality = "high";
  g.drawImage(bandImage(values, G, levels, shades), 0, 0, width, height);
  g.lineWidth = LOOK.line.level * ink.scale;
  levels.forEach((level, i) => {
    g.strokeStyle = inkMix(ink.paper, ink.ground, 0.22 + 0.4 * depth(i));
    g.beginPath();
    const s = contourSegments(values, G, level);
    const x = (u) => (u / (G - 1)) * width, y = (u) => height - (u / (G - 1)) * height;
    for (let k = 0; k < s.length; k += 4) { g.moveTo(x(s[k]), y(s[k + 1])); g.lineTo(x(s[k + 2]), y(s[k + 3])); }
    g.stroke();
  });
  return canvas;
}
