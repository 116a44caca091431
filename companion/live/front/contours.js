// Level sets of values on a G x G grid (row-major, y outer): bands between quantiles, and lines by marching squares.
// Quantiles, because equal steps of height would spend all levels on the walls and none on the valleys.

import { LOOK } from "./look.js";

export function quantileLevels(values, count) {
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
  if (!sorted.length || sorted[0] === sorted[sorted.length - 1]) return [];
  const at = (u) => sorted[Math.min(sorted.length - 1, Math.floor(u * sorted.length))];
  const levels = Array.from({ length: count }, (_, i) => at(((i + LOOK.levels.shift) / count) ** LOOK.levels.power));
  return levels.filter((v, i) => i === 0 || v > levels[i - 1]);
}

export function contourSegments(values, G, level) {
  // [x0, y0, x1, y1, ...] in grid units; a saddle cell is decided by the mean of its corners
  const out = [];
  const cut = (a, b) => (level - a) / (b - a);
  for (let r = 0; r < G - 1; r++) {
    for (let c = 0; c < G - 1; c++) {
      const v = [values[r * G + c], values[r * G + c + 1], values[(r + 1) * G + c + 1], values[(r + 1) * G + c]];
      const code = v.reduce((s, q, i) => s | (q > level ? 1 << i : 0), 0);
      if (code === 0 || code === 15 || !v.every(Number.isFinite)) continue;
      const edge = [() => [c + cut(v[0], v[1]), r], () => [c + 1, r + cut(v[1], v[2])], () => [c + cut(v[3], v[2]), r + 1], () => [c, r + cut(v[0], v[3])]];
      for (const [a, b] of cellEdges(code, (v[0] + v[1] + v[2] + v[3]) / 4 > level)) out.push(...edge[a](), ...edge[b]());
    }
  }
  return out;
}

function cellEdges(code, high) {
  // edges 0 lower row, 1 right, 2 upper row, 3 left; corners counted round the cell from (r, c)
  if (code === 5) return high ? [[0, 1], [2, 3]] : [[3, 0], [1, 2]];
  if (code === 10) return high ? [[3, 0], [1, 2]] : [[0, 1], [2, 3]];
  const low = code > 7 ? 15 - code : code;
  return [{ 1: [3, 0], 2: [0, 1], 3: [3, 1], 4: [1, 2], 6: [0, 2], 7: [3, 2] }[low]];
}

export function bandImage(values, G, levels, shades) {
  // bilinear values, cut into bands: one pixel image of fixed size, stretched when painted
  const S = 360, canvas = document.createElement("canvas");
  canvas.width = canvas.height = S;
  const g = canvas.getContext("2d"), image = g.createImageData(S, S);
  for (let j = 0; j < S; j++) {
    const y = ((S - 1 - j) / (S - 1)) * (G - 1), r = Math.min(G - 2, Math.floor(y)), fy = y - r;
    for (let i = 0; i < S; i++) {
      const x = (i / (S - 1)) * (G - 1), c = Math.min(G - 2, Math.floor(x)), fx = x - c, o = r * G + c;
      const v = (values[o] * (1 - fx) + values[o + 1] * fx) * (1 - fy) + (values[o + G] * (1 - fx) + values[o + G + 1] * fx) * fy;
      const shade = shades[bandOf(v, levels)];
      image.data.set([shade[0], shade[1], shade[2], 255], 4 * (j * S + i));
    }
  }
  g.putImageData(image, 0, 0);
  return canvas;
}

function bandOf(v, levels) {
  if (!(v <= levels[levels.length - 1])) return levels.length;
  let lo = 0, hi = levels.length - 1;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (v <= levels[mid]) hi = mid; else lo = mid + 1;
  }
  return lo;
}
