// A shown array as points with groups: (n, d), (n,) angles, or (c, n, d) where the first index is the group.

import { LOOK } from "./look.js";
import { viewNumbers } from "./surface.js";

export function shownArray(view, frame) {
  return (frame && frame.arrays["show" + view.j]) || null;
}

export function shownCloud(view, array) {
  // -> {data, n, d, group(i)}
  const shape = array.shape.length > 1 ? array.shape : [array.shape[0], 1], d = shape[shape.length - 1], n = array.data.length / d;
  const labels = view.spec.labels;
  const inner = shape.length > 2 ? shape[shape.length - 2] : n;
  const group = labels ? (i) => labels[i % labels.length] || 0 : shape.length > 2 ? (i) => Math.floor(i / inner) : () => 0;
  return { data: array.data, n, d, group };
}

export function placeCloud(cloud, place) {
  // place(data, i) -> [x, y] in pixels
  const at = new Float64Array(2 * cloud.n);
  for (let i = 0; i < cloud.n; i++) {
    const [x, y] = place(cloud.data, i * cloud.d);
    at[2 * i] = x; at[2 * i + 1] = y;
  }
  return { ...cloud, at };
}

export function trailClouds(view, scene, place) {
  // the frames of the trail, oldest first, placed in pixels; [] when there is no trail to see
  const { frames, index } = scene, trail = view.spec.trail;
  if (!trail || index < 1) return [];
  const from = trail === true ? 0 : Math.max(0, index - trail);
  const now = shownArray(view, frames[index]), points = now ? now.data.length / 2 : 0;
  const stride = Math.max(1, Math.ceil(((index - from) * points) / 16000)); // long trails of large clouds: every so many frames, always the same
  const clouds = [];
  for (let s = from; s <= index; s++) {
    const array = (s % stride === 0 || s === index) && shownArray(view, frames[s]);
    if (array) clouds.push(placeCloud(shownCloud(view, array), place));
  }
  return clouds.length > 1 ? clouds : [];
}

export function pointColors(view, source, key) {
  // declared RGB rows in 0..1 -> CSS colours, decoded once
  if (!source) return null;
  if (!view.memory[key]) {
    const { data } = viewNumbers(source), byte = (v) => Math.round(255 * Math.max(0, Math.min(1, v)));
    view.memory[key] = Array.from({ length: data.length / 3 }, (_, i) => `rgb(${[0, 1, 2].map((c) => byte(data[3 * i + c])).join(",")})`);
  }
  return view.memory[key];
}

function crowding(cloud, reach) {
  // how many points lie within reach of each, softly: coinciding tokens count as many
  const { at, n } = cloud, mass = new Float64Array(n).fill(1), far = 3 * reach, s = 1 / (2 * reach * reach);
  if (n > 1200) return mass;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const dx = at[2 * i] - at[2 * j], dy = at[2 * i + 1] - at[2 * j + 1];
      if (dx > far || dx < -far || dy > far || dy < -far) continue;
      const w = Math.exp(-(dx * dx + dy * dy) * s);
      mass[i] += w; mass[j] += w;
    }
  }
  return mass;
}

export function crowdRadii(cloud, radius) {
  // the area grows with the number of points in the same place
  return crowding(cloud, 0.5 * radius).map((m) => radius * Math.min(3.4, Math.sqrt(0.6 + 0.4 * m)));
}

export function markRadius(view, n) {
  const size = view.spec.size || LOOK.dot.point;
  return size * view.ink.scale * (LOOK.dot.many.find(([most]) => n > most) || [0, 1])[1] * (view.surface.width < 420 ? 0.88 : 1);
}
