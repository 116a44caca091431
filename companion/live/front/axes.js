// Quiet axes: hairlines, few ticks, words written horizontally where they belong.

import { inkMix } from "./ink.js";
import { LOOK } from "./look.js";

export function axesLayout(view, yTicks, { right = 0, head = 0, xlabel = "", ylabel = "" } = {}) {
  // margins from the words themselves -> the plot's box in pixels
  const { ink, surface } = view, g = surface.g;
  g.font = ink.font();
  const widest = Math.max(0, ...yTicks.map((tick) => g.measureText(tick.text).width));
  const left = widest + 10 * ink.scale;
  const top = head + (ylabel ? 1.8 * ink.size : 0.7 * ink.size);
  const bottom = 1.9 * ink.size + (xlabel ? 1.3 * ink.size : 0);
  return { left, top, right: surface.width - Math.max(right, 1.1 * ink.size), bottom: surface.height - bottom };
}

export function axisCounts(view) {
  return { x: Math.max(3, Math.min(6, Math.floor(view.surface.width / (85 * view.ink.scale)))),
           y: Math.max(3, Math.min(5, Math.floor(view.surface.height / (55 * view.ink.scale)))) };
}

export function paintAxes(view, g, box, xs, ys, { xlabel = "", ylabel = "", grid = true, yAxis = true } = {}) {
  const { ink } = view, counts = axisCounts(view);
  g.lineWidth = LOOK.line.axis;
  g.font = ink.font();
  g.setLineDash([]);
  paintXAxis(g, ink, box, xs, counts.x);
  if (yAxis) paintYAxis(g, ink, box, ys, counts.y, grid);
  g.fillStyle = ink.muted;
  if (xlabel) {
    g.textAlign = "center"; g.textBaseline = "alphabetic";
    g.fillText(xlabel, (box.left + box.right) / 2, box.bottom + 2.95 * ink.size);
  }
  if (ylabel) {
    g.textAlign = "left"; g.textBaseline = "alphabetic";
    g.fillText(ylabel, Math.max(2, Math.min(box.left, box.left - 8 * ink.scale)), box.top - 0.75 * ink.size);
  }
}

function paintXAxis(g, ink, box, xs, count) {
  const y = Math.round(box.bottom) + 0.5;
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.axis);
  g.beginPath();
  g.moveTo(box.left, y); g.lineTo(box.right, y);
  g.textAlign = "center"; g.textBaseline = "top"; g.fillStyle = ink.muted;
  for (const tick of xs.ticks(count)) {
    const x = Math.round(xs.at(tick.value)) + 0.5;
    g.moveTo(x, y); g.lineTo(x, y + LOOK.gap.tick * ink.scale);
    g.fillText(tick.text, x, y + LOOK.gap.number * ink.scale);
  }
  g.stroke();
}

function paintYAxis(g, ink, box, ys, count, grid) {
  g.textAlign = "right"; g.textBaseline = "middle"; g.fillStyle = ink.muted;
  g.strokeStyle = inkMix(ink.paper, ink.muted, grid ? LOOK.ink.grid : LOOK.ink.axis);
  g.beginPath();
  for (const tick of ys.ticks(count)) {
    const y = Math.round(ys.at(tick.value)) + 0.5;
    if (grid) { g.moveTo(box.left, y); g.lineTo(box.right, y); } else { g.moveTo(box.left - LOOK.gap.tick * ink.scale, y); g.lineTo(box.left, y); }
    g.fillText(tick.text, box.left - LOOK.gap.number * ink.scale, y);
  }
  if (!grid) { g.moveTo(Math.round(box.left) + 0.5, box.top); g.lineTo(Math.round(box.left) + 0.5, box.bottom); }
  g.stroke();
}

export function clipTo(g, box, room = 0) {
  g.save();
  g.beginPath();
  g.rect(box.left - room, box.top - room, box.right - box.left + 2 * room, box.bottom - box.top + 2 * room);
  g.clip();
}
