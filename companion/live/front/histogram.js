// Histograms as densities: heights count / (n width), so that they compare with a target density.

import { shownArray } from "./cloud.js";
import { arrayRows, paintDensities } from "./density.js";

export function paintHistogram(view, g, scene) {
  const array = shownArray(view, scene.frame);
  const groups = array ? arrayRows(array) : [];
  paintDensities(view, g, scene, groups.map((values, group) => ({ values: binned(values, view.spec), group })), true);
}

function binned(values, { lo, hi, bins }) {
  // points outside lo..hi have mass that is not seen: the drawn mass is then below one
  const heights = new Float64Array(bins), width = (hi - lo) / bins;
  for (const v of values) {
    const b = v === hi ? bins - 1 : Math.floor((v - lo) / width);
    if (b >= 0 && b < bins) heights[b] += 1 / (values.length * width);
  }
  return heights;
}
