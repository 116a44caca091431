// What every view draws with: colours, type and line patterns, read from the style sheet of the page.
// Groups differ in colour AND in marker or dash, so that nothing is said by colour alone.

import { LOOK } from "./look.js";

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
    g.fillStyle = LOOK.light.ink; // what stays where the colour cannot be read
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
  const size = parseFloat(css.fontSize) || LOOK.type, color = (name) => value(name, LOOK.light[name]);
  const paper = color("paper"), many = LOOK.light.groups.length, which = (i) => ((i % many) + many) % many;
  return {
    ink: color("ink"), paper, muted: color("muted"), ground: color("ground"),
    groups: LOOK.light.groups.map((other, i) => value("c" + i, other)),
    dark: inkRgb(paper).reduce((a, b) => a + b) < 380,
    size, scale: size / LOOK.type, family: css.fontFamily || "sans-serif",
    font(factor = 1, weight = "") { return `${weight} ${size * factor}px ${this.family}`.trim(); },
    group(i) { return this.groups[which(i)]; },
    dash(i) { return LOOK.dashes[which(i)].map((v) => v * this.scale); },
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
