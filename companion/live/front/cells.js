// The cells of a power diagram as polygons: the box, cut by the line between its site and each other one.

import { inkMix } from "./ink.js";
import { LOOK } from "./look.js";

function cutPolygon(polygon, a, b, c) {
  // its part where a u + b v <= c
  const part = [];
  polygon.forEach(([u, v], i) => {
    const [p, q] = polygon[(i + 1) % polygon.length], here = c - a * u - b * v, there = c - a * p - b * q;
    if (here >= 0) part.push([u, v]);
    if ((here >= 0) !== (there >= 0)) part.push([u + (here / (here - there)) * (p - u), v + (here / (here - there)) * (q - v)]);
  });
  return part;
}

function powerPolygons(sites, [left, right], [low, high]) {
  // sites: x, y and weight, one after the other; a cell that is empty has no corners
  const n = sites.length / 3, height = (i) => sites[3 * i] ** 2 + sites[3 * i + 1] ** 2 - sites[3 * i + 2];
  return Array.from({ length: n }, (_, i) => {
    let polygon = [[left, low], [right, low], [right, high], [left, high]];
    for (let j = 0; j < n && polygon.length; j++) {
      if (j !== i) polygon = cutPolygon(polygon, 2 * (sites[3 * j] - sites[3 * i]), 2 * (sites[3 * j + 1] - sites[3 * i + 1]), height(j) - height(i));
    }
    return polygon;
  });
}

export function paintCells(view, g, array, place) {
  const { ink, spec } = view, path = new Path2D();
  for (const polygon of powerPolygons(array.data, spec.x, spec.y)) {
    polygon.forEach((corner, k) => { const [x, y] = place(corner, 0); if (k) path.lineTo(x, y); else path.moveTo(x, y); });
    if (polygon.length) path.closePath();
  }
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.axis);
  g.lineWidth = LOOK.line.segment * ink.scale;
  g.lineJoin = "round";
  g.stroke(path);
}
