// Readouts against time, dashed curves of theory, a dot at the present; names stand at the ends of the lines.

import { axesLayout, axisCounts, clipTo, paintAxes } from "./axes.js";
import { timeLimits } from "./clock.js";
import { endLabelWidth, legendHeight, legendRows, paintEndLabels, paintLegend } from "./legend.js";
import { LOOK } from "./look.js";
import { linePath, paintMark } from "./marks.js";
import { makeScale, tickRange } from "./ticks.js";

function curveSeries(view, scene) {
  const { spec, ink, j } = view, names = spec.readouts || [];
  const theory = Object.keys(scene.frame.arrays).filter((key) => key.startsWith(`ref:${j}:`));
  const paired = theory.length > 1 && theory.length === names.length;
  const read = (key) => scene.frames.map((f) => (f.arrays[key] ? Number(f.arrays[key].data[0]) : NaN));
  const own = names.map((name, i) => ({ text: (spec.names && spec.names[i]) || name, group: i, color: ink.group(i), values: read("readout:" + name) }));
  const dashed = theory.map((key, i) => {
    const text = key.slice(`ref:${j}:`.length), constant = (spec.constant || []).includes(text);
    return { text, group: i, dashed: true, constant, color: paired ? ink.group(i) : ink.muted, values: read(key) };
  });
  return [...dashed, ...own];
}

function valueLimits(spec, series) {
  let lo = Infinity, hi = -Infinity;
  for (const { values } of series) {
    for (const v of values) if (Number.isFinite(v) && (!spec.logy || v > 0)) { lo = Math.min(lo, v); hi = Math.max(hi, v); }
  }
  if (lo > hi) return spec.logy ? [0.1, 10] : [0, 1];
  if (spec.logy) return logRange(lo, hi);
  return tickRange(lo > 0 && lo < 0.4 * hi ? 0 : lo, hi, 12);
}

function calmLimits(view, scene, series) {
  // limits seen before stay, so that a second run is compared with the first, unless the values have become much smaller
  const { spec, figure, memory } = view;
  if (spec.ylim) return spec.ylim;
  const now = valueLimits(spec, series), kept = memory.limits;
  if (!kept && scene.frames.length < 2) return now;
  const size = ([lo, hi]) => (spec.logy ? Math.log(hi / lo) : hi - lo);
  const share = scene.frames.length >= figure.frames ? 0.4 : scene.frames.length > 15 ? 0.03 : 0;
  const keep = kept && size(now) >= share * size(kept);
  return (memory.limits = keep ? [Math.min(now[0], kept[0]), Math.max(now[1], kept[1])] : now);
}

export function logRange(lo, hi) {
  // whole decades, or {1, 2, 5} within one
  if (hi / lo > 8) return [10 ** Math.floor(Math.log10(lo) + 1e-9), 10 ** Math.ceil(Math.log10(hi) - 1e-9)];
  const step = 10 ** Math.floor(Math.log10(lo));
  const marks = [1, 2, 5, 10, 20, 50, 100].map((m) => m * step);
  return [marks.filter((m) => m <= lo * 1.0001).pop() || step, marks.find((m) => m >= hi * 0.9999 && m > lo * 1.0001) || 10 * hi];
}

export function paintCurves(view, g, scene) {
  const { spec } = view, series = curveSeries(view, scene);
  const limits = calmLimits(view, scene, series), times = timeLimits(view, scene);
  const alone = series.length === 1 && !spec.names, texts = alone ? [] : series.map((s) => s.text);
  const right = endLabelWidth(view, texts);
  const rows = right || alone ? [] : legendRows(view, series.filter((s) => !s.constant).map((s) => ({ ...s, line: true, mark: !s.dashed, dash: s.dashed ? LOOK.theory : [] })));
  const ylabel = spec.ylabel || (alone ? series[0].text : "");
  const layout = { right, head: legendHeight(view, rows), xlabel: "time" + (spec.logx ? " (log)" : ""), ylabel };
  if (spec.xlabel !== undefined && spec.xlabel !== null) layout.xlabel = spec.xlabel;
  const ticks = makeScale(...limits, 1, 0, spec.logy).ticks(axisCounts(view).y), box = axesLayout(view, ticks, layout);
  const xs = makeScale(...times, box.left, box.right, spec.logx), ys = makeScale(...limits, box.bottom, box.top, spec.logy);
  paintAxes(view, g, box, xs, ys, layout);
  paintLegend(view, g, rows);
  paintSeries(view, g, scene, series, box, xs, ys);
  const ends = (some) => series.filter(some).map((s) => seriesEnd(s, scene, xs, ys, box)).filter(Boolean);
  if (right || !alone) paintEndLabels(view, g, ends((s) => right || s.constant), box, !right);
}

function paintSeries(view, g, scene, series, box, xs, ys) {
  const { ink } = view, { frames, index } = scene;
  const x = (s) => xs.at(frames[s].t);
  clipTo(g, box, 3);
  g.lineJoin = g.lineCap = "round";
  for (const one of series) {
    const y = (s) => ys.at(one.values[s]);
    const past = new Path2D(), future = new Path2D();
    if (one.constant) linePath(past, 2, (s) => (s ? box.right : box.left), () => y(index)); // as it is now, over the whole axis
    else linePath(past, index + 1, x, y);
    if (!one.constant) linePath(future, Math.max(0, frames.length - index), (s) => x(s + index), (s) => y(s + index));
    g.setLineDash(one.dashed ? LOOK.theory.map((v) => v * ink.scale) : []);
    g.strokeStyle = one.color;
    g.lineWidth = (one.dashed ? LOOK.line.theory : LOOK.line.curve) * ink.scale;
    g.stroke(past);
    g.globalAlpha = one.dashed ? 0.6 : 0.3;
    g.stroke(future);
    g.globalAlpha = 1;
  }
  g.setLineDash([]);
  g.restore();
  clipTo(g, box, 7);
  for (const one of series) if (!one.dashed) paintNow(g, ink, one, x(index), ys.at(one.values[index]));
  g.restore();
}

function paintNow(g, ink, one, x, y) {
  if (!Number.isFinite(x + y)) return;
  g.fillStyle = one.color;
  g.strokeStyle = ink.paper;
  g.lineWidth = LOOK.line.curve * ink.scale;
  paintMark(g, one.group, x, y, LOOK.dot.now * ink.scale);
  g.stroke();
  g.fill();
}

function seriesEnd(one, scene, xs, ys, box) {
  const level = ys.at(one.values[scene.index]);
  if (one.constant) return level >= box.top && level <= box.bottom ? { text: one.text, color: one.color, x: box.right, y: level } : null;
  for (let s = scene.frames.length - 1; s >= 0; s--) {
    const x = xs.at(scene.frames[s].t), y = ys.at(one.values[s]);
    if (Number.isFinite(x + y)) return { text: one.text, color: one.color, x: Math.min(x, box.right), y: Math.max(box.top, Math.min(box.bottom, y)) };
  }
  return null;
}
