// Histograms as densities: heights count / (n width), so that they compare with a target density.
function paintHistogram(view, g, scene) {
  const array = shownArray(view, scene.frame);
  const samples = array ? histogramGroups(view, array) : [];
  paintDensities(view, g, scene, samples.map(({ values, group }) => ({ values: binned(values, view.spec), group })), true);
}

function histogramGroups(view, array) {
  // (n,) or (n, 1) split by the declared labels, or (c, n)
  const rows = arrayRows(array), labels = view.spec.labels;
  if (!labels || rows.length > 1) return rows.map((values, group) => ({ values, group }));
  const groups = [...new Set(labels)].sort((a, b) => a - b);
  return groups.map((group) => ({ group, values: rows[0].filter((_, i) => labels[i] === group) }));
}

function binned(values, { lo, hi, bins = 60 }) {
  // points outside lo..hi have mass that is not seen: the drawn mass is then below one
  const heights = new Float64Array(bins), width = (hi - lo) / bins;
  for (const v of values) {
    const b = v === hi ? bins - 1 : Math.floor((v - lo) / width);
    if (b >= 0 && b < bins) heights[b] += 1 / (values.length * width);
  }
  return heights;
}
