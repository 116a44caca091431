// Tokens on the unit circle: a hairline ring; where tokens meet, the mark grows with their number.

import { crowdRadii, markRadius, placeCloud, pointColors, shownArray, shownCloud, trailClouds } from "./cloud.js";
import { inkMix } from "./ink.js";
import { groupLegend, legendHeight, paintLegend } from "./legend.js";
import { LOOK } from "./look.js";
import { paintHollow, paintPoints, paintTrails } from "./marks.js";
import { staticTarget } from "./plane.js";

export function paintCircle(view, g, scene) {
  const { ink, surface, spec } = view, legend = groupLegend(view), head = legendHeight(view, legend);
  const R = Math.min(surface.width, surface.height - head) / 2 - 16 * ink.scale;
  const cx = surface.width / 2, cy = head + (surface.height - head) / 2;
  paintRing(g, ink, cx, cy, R);
  paintLegend(view, g, legend);
  const array = shownArray(view, scene.frame);
  if (!array) return;
  const cloud = circleCloud(view, array, cx, cy, R), radius = markRadius(view, cloud.n) * 1.15;
  const target = staticTarget(view) || scene.frame.arrays["target" + view.j];
  if (target) paintHollow(g, ink, circleCloud(view, target, cx, cy, R), { radius: radius * 1.5 });
  const trail = trailClouds(view, scene, circlePlace(array, cx, cy, R));
  if (trail.length) paintTrails(g, ink, trail);
  paintPoints(g, ink, cloud, { radius, radii: crowdRadii(cloud, radius), colors: pointColors(view, spec.colors, "colors"), alpha: 0.78 });
}

function circlePlace(array, cx, cy, R) {
  if (array.shape.length === 1) return (data, o) => [cx + R * Math.cos(data[o]), cy - R * Math.sin(data[o])];
  return (data, o) => [cx + R * data[o], cy - R * data[o + 1]];
}

function circleCloud(view, array, cx, cy, R) {
  return placeCloud(shownCloud(view, array), circlePlace(array, cx, cy, R));
}

function paintRing(g, ink, cx, cy, R) {
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.frame);
  g.lineWidth = LOOK.line.ring * ink.scale;
  g.beginPath();
  g.arc(cx, cy, R, 0, 2 * Math.PI);
  g.stroke();
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.near);
  g.lineWidth = LOOK.line.axis;
  g.beginPath();
  g.moveTo(cx - 4, cy); g.lineTo(cx + 4, cy); g.moveTo(cx, cy - 4); g.lineTo(cx, cy + 4);
  g.stroke();
}
