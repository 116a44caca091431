// Densities on the line: values on a uniform grid, the target as a thin dashed curve.

import { axesLayout, axisCounts, clipTo, paintAxes } from "./axes.js";
import { shownArray } from "./cloud.js";
import { logRange } from "./curves.js";
import { inkFade } from "./ink.js";
import { legendHeight, legendRows, paintLegend } from "./legend.js";
import { LOOK } from "./look.js";
import { linePath } from "./marks.js";
import { staticTarget } from "./plane.js";
import { makeScale, tickRange } from "./ticks.js";

export function paintDensity(view, g, scene) {
  const array = shownArray(view, scene.frame);
  const rows = array ? arrayRows(array) : [];
  paintDensities(view, g, scene, rows.map((values, group) => ({ values, group, many: rows.length > 1 })));
}

export function arrayRows(array) {
  // (m,) or (m, 1) -> one row; (c, m) -> c rows
  const shape = array.shape.length > 1 && array.shape[array.shape.length - 1] === 1 ? array.shape.slice(0, -1) : array.shape;
  const m = shape[shape.length - 1], c = array.data.length / m;
  return Array.from({ length: c }, (_, i) => array.data.subarray(i * m, (i + 1) * m));
}

export function paintDensities(view, g, scene, curves, steps = false) {
  const { spec } = view, target = scene.frame.arrays["target" + view.j] || staticTarget(view);
  const rows = legendRows(view, densityLegend(view, curves, target));
  const limits = densityLimits(view, curves, target);
  const layout = { head: legendHeight(view, rows), xlabel: spec.xlabel || "", ylabel: spec.ylabel || "" };
  const ticks = makeScale(...limits, 1, 0, spec.logy).ticks(axisCounts(view).y), box = axesLayout(view, ticks, layout);
  const xs = makeScale(spec.lo, spec.hi, box.left, box.right), ys = makeScale(...limits, box.bottom, box.top, spec.logy);
  paintAxes(view, g, box, xs, ys, layout);
  paintLegend(view, g, rows);
  clipTo(g, box, 1);
  for (const curve of curves) paintOneDensity(view, g, curve, box, xs, ys, steps);
  if (target) for (const values of arrayRows(target)) paintTargetCurve(view, g, values, xs, ys);
  g.restore();
}

function densityLegend(view, curves, target) {
  const { spec, ink } = view, names = spec.names || [];
  const items = curves.length > 1 || names.length ? curves.map((c) => ({ text: names[c.group] || "", group: c.group, line: true, dash: ink.dash(c.group) })) : [];
  if (target) items.push({ text: "target", group: 0, color: ink.ink, line: true, dash: LOOK.theory });
  return items.filter((item) => item.text);
}

function densityLimits(view, curves, target) {
  // the height follows the curves upward at once and downward only when they have become much lower
  const { spec, memory } = view;
  let top = 0, least = Infinity;
  for (const values of [...curves.map((c) => c.values), ...(target ? arrayRows(target) : [])]) {
    for (const v of values) if (Number.isFinite(v)) { top = Math.max(top, v); if (v > 0) least = Math.min(least, v); }
  }
  if (spec.logy) return logRange(Math.max(least, top * 1e-8) || 1e-3, spec.ymax || top || 1);
  if (spec.ymax) return [0, spec.ymax];
  if (!(top <= memory.top && top > 0.45 * memory.top)) memory.top = tickRange(0, 1.06 * top || 1, 5)[1];
  return [0, memory.top];
}

function paintOneDensity(view, g, curve, box, xs, ys, steps) {
  const { ink, spec } = view, m = curve.values.length, width = (spec.hi - spec.lo) / (steps ? m : m - 1);
  const line = new Path2D();
  const floor = (v) => (v > 0 ? ys.at(v) : box.bottom + 9); // nothing there: drawn out of sight, below the axis
  if (steps) linePath(line, 2 * m, (s) => xs.at(spec.lo + ((s + 1) >> 1) * width), (s) => floor(curve.values[s >> 1]));
  else linePath(line, m, (s) => xs.at(spec.lo + s * width), (s) => floor(curve.values[s]));
  const area = new Path2D(line);
  area.lineTo(box.right, box.bottom + 9);
  area.lineTo(box.left, box.bottom + 9);
  g.fillStyle = inkFade(ink.group(curve.group), steps ? LOOK.ink.bars : curve.many ? LOOK.ink.areas : LOOK.ink.area);
  g.fill(area);
  g.strokeStyle = ink.group(curve.group);
  g.lineWidth = (steps ? LOOK.line.bars : LOOK.line.curve) * ink.scale;
  g.setLineDash(ink.dash(curve.group));
  g.lineJoin = "round";
  g.stroke(line);
  g.setLineDash([]);
}

function paintTargetCurve(view, g, values, xs, ys) {
  const { ink, spec } = view, line = new Path2D(), m = values.length;
  linePath(line, m, (s) => xs.at(spec.lo + ((spec.hi - spec.lo) * s) / (m - 1)), (s) => ys.at(values[s]));
  g.strokeStyle = ink.ink;
  g.lineWidth = LOOK.line.theory * ink.scale;
  g.setLineDash(LOOK.theory.map((v) => v * ink.scale));
  g.stroke(line);
  g.setLineDash([]);
}
