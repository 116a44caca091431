// The unit sphere in orthographic projection, turned by dragging or by the arrow keys; the far side is paler.

import { crowdRadii, markRadius, placeCloud, pointColors, shownArray, shownCloud, trailClouds } from "./cloud.js";
import { inkMix } from "./ink.js";
import { groupLegend, legendHeight, paintLegend } from "./legend.js";
import { LOOK } from "./look.js";
import { linePath, paintMark, paintTrails } from "./marks.js";

function sphereTurn(yaw, pitch) {
  // x right, y up, z towards the eye, for the vertical axis e3: first about e3 by yaw, then tilted by pitch
  const a = Math.cos(yaw), b = Math.sin(yaw), c = Math.cos(pitch), s = Math.sin(pitch);
  return (x, y, z) => {
    const u = a * x - b * y, v = b * x + a * y;
    return [u, c * z + s * v, s * z - c * v];
  };
}

function sphereStage(view, head) {
  const { surface, ink, memory } = view;
  if (!memory.camera) memory.camera = { ...LOOK.camera };
  const R = Math.min(surface.width, surface.height - head) / 2 - 14 * ink.scale;
  return { cx: surface.width / 2, cy: head + (surface.height - head) / 2, R, turn: sphereTurn(memory.camera.yaw, memory.camera.pitch) };
}

export function paintSphere(view, g, scene) {
  const { ink, spec } = view, legend = groupLegend(view), stage = sphereStage(view, legendHeight(view, legend));
  paintBall(g, ink, stage);
  paintGraticule(g, ink, stage);
  paintLegend(view, g, legend);
  const place = (data, o) => {
    const [x, y] = stage.turn(data[o], data[o + 1], data[o + 2]);
    return [stage.cx + stage.R * x, stage.cy - stage.R * y];
  };
  const array = shownArray(view, scene.frame);
  if (!array) return;
  const trail = trailClouds(view, scene, place), colors = pointColors(view, spec.colors, "colors");
  if (trail.length) paintTrails(g, ink, trail, colors);
  paintTokens(view, g, placeCloud(shownCloud(view, array), place), stage, colors);
}

function paintTokens(view, g, cloud, stage, colors) {
  // far tokens first, smaller and paler
  const { ink } = view, radius = markRadius(view, cloud.n) * 1.1, radii = crowdRadii(cloud, radius);
  const depth = Array.from({ length: cloud.n }, (_, i) => stage.turn(cloud.data[3 * i], cloud.data[3 * i + 1], cloud.data[3 * i + 2])[2]);
  const order = depth.map((_, i) => i).sort((a, b) => depth[a] - depth[b]);
  g.strokeStyle = ink.paper;
  g.lineWidth = LOOK.line.axis;
  for (const i of order) {
    const back = depth[i] < 0, group = cloud.group(i);
    g.globalAlpha = back ? 0.28 : 0.85;
    g.fillStyle = colors ? colors[i] : ink.group(group);
    paintMark(g, group, cloud.at[2 * i], cloud.at[2 * i + 1], radii[i] * (0.86 + 0.14 * depth[i]));
    if (!back) g.stroke();
    g.fill();
  }
  g.globalAlpha = 1;
}

function paintBall(g, ink, { cx, cy, R }) {
  const light = g.createRadialGradient(cx - 0.35 * R, cy - 0.45 * R, 0.1 * R, cx, cy, R);
  light.addColorStop(0, inkMix(ink.paper, ink.ground, ink.dark ? 0.2 : 0.02));
  light.addColorStop(1, inkMix(ink.paper, ink.ground, ink.dark ? 0.06 : 0.15));
  g.fillStyle = light;
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.frame);
  g.lineWidth = LOOK.line.ring * ink.scale;
  g.beginPath();
  g.arc(cx, cy, R, 0, 2 * Math.PI);
  g.fill();
  g.stroke();
}

function paintGraticule(g, ink, stage) {
  // every 30 degrees; the near half of a line is drawn stronger than the far half
  const near = new Path2D(), far = new Path2D(), circle = Array.from({ length: 73 }, (_, k) => (k * Math.PI) / 36);
  const lines = [];
  for (let k = 0; k < 6; k++) lines.push((s) => [Math.cos((k * Math.PI) / 6) * Math.cos(s), Math.sin((k * Math.PI) / 6) * Math.cos(s), Math.sin(s)]);
  for (const h of [-Math.PI / 3, -Math.PI / 6, 0, Math.PI / 6, Math.PI / 3]) lines.push((s) => [Math.cos(h) * Math.cos(s), Math.cos(h) * Math.sin(s), Math.sin(h)]);
  for (const line of lines) {
    const points = circle.map((s) => stage.turn(...line(s)));
    for (const [path, sign] of [[near, 1], [far, -1]]) {
      linePath(path, points.length, (k) => (sign * points[k][2] >= 0 ? stage.cx + stage.R * points[k][0] : NaN), (k) => stage.cy - stage.R * points[k][1]);
    }
  }
  g.lineWidth = LOOK.line.level * ink.scale;
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.far);
  g.stroke(far);
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.near);
  g.stroke(near);
}
