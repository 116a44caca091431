// Marks of equal area, one shape per group; trails that fade; polylines.

import { LOOK } from "./look.js";

const MARK_SHAPES = LOOK.marks.map((shape) => (shape.length ? markPolygon(...shape) : markDisc));

function markDisc(g, x, y, r) {
  g.moveTo(x + r, y);
  g.arc(x, y, r, 0, 2 * Math.PI);
}

function markPolygon(corners, turn, far, near) {
  // a polygon of this many corners, the first at the angle turn; a star where near is given, between its rays
  const n = near ? 2 * corners : corners, points = Array.from({ length: n }, (_, k) => {
    const a = (Math.PI * turn) / 180 + (2 * Math.PI * k) / n, stretch = near && k % 2 ? near : far;
    return [stretch * Math.cos(a), stretch * Math.sin(a)];
  });
  return (g, x, y, r) => {
    points.forEach(([u, v], k) => (k ? g.lineTo(x + r * u, y + r * v) : g.moveTo(x + r * u, y + r * v)));
    g.closePath();
  };
}

function markShape(group) {
  return MARK_SHAPES[((group % MARK_SHAPES.length) + MARK_SHAPES.length) % MARK_SHAPES.length];
}

export function paintMark(g, group, x, y, r) {
  g.beginPath();
  markShape(group)(g, x, y, r);
}

export function paintPoints(g, ink, cloud, { radius, radii = null, colors = null, alpha = 1 }) {
  // the rim in the colour of the paper keeps touching points apart
  g.globalAlpha = alpha;
  g.lineWidth = Math.max(0.75, radius * 0.22);
  g.strokeStyle = ink.paper;
  for (let i = 0; i < cloud.n; i++) {
    const x = cloud.at[2 * i], y = cloud.at[2 * i + 1];
    if (!Number.isFinite(x + y)) continue;
    const r = radii ? radii[i] : radius;
    g.fillStyle = colors ? colors[i] : ink.group(cloud.group(i));
    paintMark(g, cloud.group(i), x, y, r);
    if (r > 2.2) g.stroke();
    g.fill();
  }
  g.globalAlpha = 1;
}

export function paintHollow(g, ink, cloud, { radius, colors = null }) {
  g.lineWidth = LOOK.line.hollow * ink.scale;
  g.globalAlpha = cloud.n > 150 ? 0.6 : 0.9;
  for (let i = 0; i < cloud.n; i++) {
    if (!Number.isFinite(cloud.at[2 * i] + cloud.at[2 * i + 1])) continue;
    g.strokeStyle = colors ? colors[i] : ink.muted;
    paintMark(g, cloud.group(i), cloud.at[2 * i], cloud.at[2 * i + 1], radius);
    g.stroke();
  }
  g.globalAlpha = 1;
}

export function paintTrails(g, ink, clouds, colors = null) {
  // clouds: oldest first. A few shades of age, each one path per colour, so that thousands of segments stay cheap
  const last = clouds.length - 1, shades = Math.min(8, last);
  const few = clouds[last].n <= 12; // a path is the story of few points: its beginning stays visible
  const strength = few ? 0.9 : clouds[last].n > 120 ? 0.4 : 0.65, oldest = few ? 0.5 : 0;
  g.lineWidth = (few ? LOOK.line.path : LOOK.line.trail) * ink.scale;
  g.lineJoin = g.lineCap = "round";
  for (let b = 0; b < shades; b++) {
    const from = Math.floor((b * last) / shades), to = Math.floor(((b + 1) * last) / shades);
    g.globalAlpha = strength * (oldest + (1 - oldest) * ((b + 1) / shades) ** 1.6);
    for (const [color, path] of trailPaths(ink, clouds.slice(from, to + 1), colors)) { g.strokeStyle = color; g.stroke(path); }
  }
  g.globalAlpha = 1;
}

function trailPaths(ink, clouds, colors) {
  const paths = new Map(), n = clouds[clouds.length - 1].n;
  const used = clouds.filter((c) => c.n === n);
  for (let i = 0; i < n; i++) {
    const color = colors ? colors[i] : ink.group(used[0].group(i));
    if (!paths.has(color)) paths.set(color, new Path2D());
    linePath(paths.get(color), used.length, (s) => used[s].at[2 * i], (s) => used[s].at[2 * i + 1]);
  }
  return paths;
}

export function linePath(path, n, x, y) {
  // a polyline that breaks where a value is not finite
  let open = false;
  for (let s = 0; s < n; s++) {
    const u = x(s), v = y(s);
    if (!Number.isFinite(u + v)) { open = false; continue; }
    if (open) path.lineTo(u, v); else path.moveTo(u, v);
    open = true;
  }
}
