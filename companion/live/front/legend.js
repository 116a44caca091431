// Names of groups: beside the line they belong to where there is room, else in a row above the plot.

import { LOOK } from "./look.js";
import { paintMark } from "./marks.js";

export function legendRows(view, items) {
  // -> rows of items that fit the width; [] for nothing to say
  const { ink, surface } = view, g = surface.g, rows = [];
  g.font = ink.font();
  let x = Infinity;
  for (const item of items) {
    const width = g.measureText(item.text).width + (item.line ? 40 : 26) * ink.scale;
    if (x + width > surface.width - 8) { rows.push([]); x = 4; }
    rows[rows.length - 1].push({ ...item, x });
    x += width;
  }
  return rows;
}

export function legendHeight(view, rows) {
  return rows.length * 1.6 * view.ink.size;
}

export function paintLegend(view, g, rows) {
  const { ink } = view;
  g.font = ink.font();
  g.textAlign = "left"; g.textBaseline = "middle";
  rows.forEach((row, r) => row.forEach((item) => {
    const y = (r + 0.62) * 1.6 * ink.size, x = item.x;
    legendSign(g, ink, item, x, y);
    g.fillStyle = ink.ink;
    g.fillText(item.text, x + (item.line ? 28 : 15) * ink.scale, y);
  }));
}

function legendSign(g, ink, item, x, y) {
  const color = item.color || ink.group(item.group);
  g.strokeStyle = g.fillStyle = color;
  if (item.line) {
    g.lineWidth = LOOK.line.curve * ink.scale;
    g.setLineDash(item.dash || []);
    g.beginPath(); g.moveTo(x, y); g.lineTo(x + 23 * ink.scale, y); g.stroke();
    g.setLineDash([]);
  }
  if (item.line && !item.mark) return;
  paintMark(g, item.group, x + (item.line ? 11.5 : 6) * ink.scale, y, LOOK.dot.key * ink.scale);
  g.fill();
}

export function groupLegend(view) {
  // named groups of points, or of lines where the points are joined
  const { spec, ink } = view;
  const items = (spec.names || []).map((text, group) => ({ text, group, line: spec.joined, dash: ink.dash(group) }));
  return legendRows(view, items);
}

export function paintEndLabels(view, g, ends, box, within = false) {
  // ends: {text, color, x, y}; pushed apart so that no two overlap, kept inside the box; within: where there is no room beside it, on the line
  const { ink } = view, gap = 1.22 * ink.size;
  if (within) for (const end of ends) end.y -= 0.7 * ink.size;
  const sorted = ends.slice().sort((a, b) => a.y - b.y);
  sorted.forEach((end, i) => { end.at = Math.max(end.y, box.top + 2, i ? sorted[i - 1].at + gap : -Infinity); });
  for (let i = sorted.length - 1, floor = box.bottom - 0.4 * ink.size; i >= 0; i--) {
    sorted[i].at = Math.min(sorted[i].at, floor);
    floor = sorted[i].at - gap;
  }
  g.font = ink.font(1, "600");
  g.textAlign = within ? "right" : "left"; g.textBaseline = "middle";
  g.lineJoin = "round"; g.lineWidth = LOOK.line.halo; g.strokeStyle = ink.paper;
  const room = (within ? -LOOK.gap.tick : LOOK.gap.end) * ink.scale;
  for (const end of sorted) {
    g.fillStyle = end.color;
    g.strokeText(end.text, end.x + room, end.at);
    g.fillText(end.text, end.x + room, end.at);
  }
}

export function endLabelWidth(view, texts) {
  // the room the words need at the right, or 0 when the panel is too narrow for them
  const { ink, surface } = view, g = surface.g;
  g.font = ink.font(1, "600");
  if (!texts.length) return 0;
  const widest = Math.max(...texts.map((text) => g.measureText(text).width)) + 14 * ink.scale;
  return widest < 0.33 * surface.width && texts.length <= 7 ? widest : 0;
}
