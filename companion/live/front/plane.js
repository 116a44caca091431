// Points in the plane, with targets beneath, trails behind and, in a landscape, level sets under all of it.

import { axesLayout, axisCounts, clipTo, paintAxes } from "./axes.js";
import { paintCells } from "./cells.js";
import { markRadius, placeCloud, pointColors, shownArray, shownCloud, trailClouds } from "./cloud.js";
import { paintGround } from "./ground.js";
import { groupLegend, legendHeight, paintLegend } from "./legend.js";
import { LOOK } from "./look.js";
import { linePath, paintHollow, paintPoints, paintTrails } from "./marks.js";
import { paintSegments, paintUnder } from "./picture.js";
import { viewNumbers } from "./surface.js";
import { linearTicks, makeScale } from "./ticks.js";

export function planeIsEqual(spec) {
  // lengths compare across the axes unless the box is far from a square
  const ratio = (spec.x[1] - spec.x[0]) / (spec.y[1] - spec.y[0]);
  return ratio > LOOK.equal[0] && ratio < LOOK.equal[1];
}

function planeBox(view, head) {
  const { spec } = view, counts = axisCounts(view);
  const box = axesLayout(view, linearTicks(spec.y[0], spec.y[1], counts.y), { head, xlabel: spec.xlabel, ylabel: spec.ylabel });
  if (!planeIsEqual(spec)) return box;
  const width = box.right - box.left, height = box.bottom - box.top;
  const ratio = (spec.x[1] - spec.x[0]) / (spec.y[1] - spec.y[0]);
  const spareX = Math.max(0, width - height * ratio), spareY = Math.max(0, height - width / ratio);
  return { left: box.left + spareX / 2, right: box.right - spareX / 2, top: box.top + spareY / 2, bottom: box.bottom - spareY / 2 };
}

export function paintPlane(view, g, scene) {
  const { spec } = view, legend = groupLegend(view);
  const box = planeBox(view, legendHeight(view, legend));
  const xs = makeScale(spec.x[0], spec.x[1], box.left, box.right), ys = makeScale(spec.y[0], spec.y[1], box.bottom, box.top);
  const place = (data, o) => [xs.at(data[o]), ys.at(data[o + 1])];
  const ground = spec.kind === "landscape" && scene.extra["ground" + view.j];
  if (ground) paintGround(view, g, box, ground.data || ground);
  const under = scene.frame.arrays["under" + view.j], segments = scene.frame.arrays["segments" + view.j], cells = scene.frame.arrays["cells" + view.j];
  if (under) paintUnder(view, g, box, under);
  paintAxes(view, g, box, xs, ys, { xlabel: spec.xlabel, ylabel: spec.ylabel, grid: false });
  paintLegend(view, g, legend);
  clipTo(g, box, 5);
  if (cells) paintCells(view, g, cells, place);
  if (segments) paintSegments(view, g, segments, place);
  paintPlaneMarks(view, g, scene, place);
  g.restore();
  view.grip = { box, xs, ys, cloud: view.shown };
}

function paintPlaneMarks(view, g, scene, place) {
  const { ink, spec } = view;
  paintTarget(view, g, scene, place);
  const array = shownArray(view, scene.frame);
  if (!array) return;
  const cloud = placeCloud(shownCloud(view, array), place), colors = pointColors(view, spec.colors, "colors");
  view.shown = cloud;
  const trail = trailClouds(view, scene, place);
  if (trail.length) paintTrails(g, ink, trail, colors);
  if (spec.joined) return paintJoined(g, ink, cloud);
  const radius = markRadius(view, cloud.n) * (spec.drag && cloud.n <= 16 ? 1.5 : 1);
  paintPoints(g, ink, cloud, { radius, colors, alpha: cloud.n > 60 ? 0.82 : 1 });
  if (spec.drag) paintSelected(view, g, cloud, radius);
}

function paintTarget(view, g, scene, place) {
  const { spec } = view;
  const target = scene.frame.arrays["target" + view.j] || staticTarget(view);
  if (!target) return;
  const cloud = placeCloud({ data: target.data, n: target.data.length / 2, d: 2, group: () => 0 }, place);
  paintHollow(g, view.ink, cloud, { radius: markRadius(view, cloud.n) * 0.95, colors: pointColors(view, spec.target_colors, "targetColors") });
}

export function staticTarget(view) {
  const declared = view.spec.target;
  if (!declared || typeof declared === "string" || declared === true) return null;
  if (!view.memory.target) view.memory.target = viewNumbers(declared);
  return view.memory.target;
}

function paintJoined(g, ink, cloud) {
  // one polyline a group, in its own dash
  const members = new Map();
  for (let i = 0; i < cloud.n; i++) members.set(cloud.group(i), [...(members.get(cloud.group(i)) || []), i]);
  g.lineWidth = LOOK.line.curve * ink.scale;
  g.lineJoin = g.lineCap = "round";
  for (const [group, rows] of members) {
    const path = new Path2D();
    linePath(path, rows.length, (s) => cloud.at[2 * rows[s]], (s) => cloud.at[2 * rows[s] + 1]);
    g.strokeStyle = ink.group(group);
    g.setLineDash(ink.dash(group));
    g.stroke(path);
  }
  g.setLineDash([]);
}

function paintSelected(view, g, cloud, radius) {
  const i = view.selected, { ink } = view;
  if (!(i >= 0 && i < cloud.n)) return;
  g.strokeStyle = ink.ink;
  g.lineWidth = LOOK.line.theory * ink.scale;
  g.beginPath();
  g.arc(cloud.at[2 * i], cloud.at[2 * i + 1], radius + 5 * ink.scale, 0, 2 * Math.PI);
  g.stroke();
}
