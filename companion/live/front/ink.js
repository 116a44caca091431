// What every view draws with: colours, type and line patterns, read from the style sheet of the page.
// Groups differ in colour AND in marker or dash, so that nothing is said by colour alone.

const INK_GROUPS = 8;
const INK_DASHES = [[], [9, 4], [2, 3.5], [9, 3, 2, 3], [14, 4], [5, 2, 1, 2], [3, 2], [12, 3, 3, 3]];
export const INK_THEORY = [5, 4];

let inkScratch = null;

export function inkRgb(color) {
  // any CSS colour -> [r, g, b] in 0..255, by letting a one-pixel canvas read it
  if (!inkScratch) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    inkScratch = { g: canvas.getContext("2d", { willReadFrequently: true }), known: new Map() };
  }
  const { g, known } = inkScratch;
  if (!known.has(color)) {
    g.fillStyle = "#000";
    g.fillStyle = color;
    g.fillRect(0, 0, 1, 1);
    known.set(color, Array.from(g.getImageData(0, 0, 1, 1).data.slice(0, 3)));
  }
  return known.get(color);
}

export function inkMixRgb(from, to, u) {
  const a = inkRgb(from), b = inkRgb(to);
  return a.map((v, i) => Math.round(v + (b[i] - v) * u));
}

export function inkMix(from, to, u) {
  return `rgb(${inkMixRgb(from, to, u).join(",")})`;
}

export function inkFade(color, alpha) {
  return `rgba(${inkRgb(color).join(",")},${alpha})`;
}

export function readInk(canvas) {
  // the canvas inherits the variables; its font size is the size of the axis type (the projector enlarges it)
  const css = getComputedStyle(canvas);
  const value = (name, other) => css.getPropertyValue("--live-" + name).trim() || other;
  const size = parseFloat(css.fontSize) || 12.5;
  const paper = value("paper", "#ffffff");
  return {
    ink: value("ink", "#20242a"), paper, muted: value("muted", "#626b76"), accent: value("accent", "#0b6aad"),
    line: value("line", "#d5d9de"), ground: value("ground", "#4a6a8c"),
    groups: Array.from({ length: INK_GROUPS }, (_, i) => value("c" + i, "#0b6aad")),
    dark: inkRgb(paper).reduce((a, b) => a + b) < 380,
    size, scale: size / 12.5, family: css.fontFamily || "sans-serif",
    font(factor = 1, weight = "") { return `${weight} ${size * factor}px ${this.family}`.trim(); },
    group(i) { return this.groups[((i % INK_GROUPS) + INK_GROUPS) % INK_GROUPS]; },
    dash(i) { return INK_DASHES[((i % INK_GROUPS) + INK_GROUPS) % INK_GROUPS].map((v) => v * this.scale); },
  };
}

const inkWatchers = new Set();

export function watchTheme(repaint) {
  // one observer for all views: the page's theme switch writes attributes, the system's changes a media query
  if (!inkWatchers.size) {
    const tell = () => requestAnimationFrame(() => inkWatchers.forEach((f) => f()));
    const names = ["data-theme", "data-mode", "data-jp-theme-light", "data-vscode-theme-kind", "theme", "class"];
    for (const node of [document.documentElement, document.body]) {
      new MutationObserver(tell).observe(node, { attributes: true, attributeFilter: names });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
  }
  inkWatchers.add(repaint);
  return () => inkWatchers.delete(repaint);
}
