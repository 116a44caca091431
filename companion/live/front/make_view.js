// A view of the run: a panel with its title and its canvas, painted again at every frame, size and theme.

import { paintCircle } from "./circle.js";
import { paintCurves } from "./curves.js";
import { paintDensity } from "./density.js";
import { writtenNumber } from "./format.js";
import { paintHistogram } from "./histogram.js";
import { readInk, watchTheme } from "./ink.js";
import { paintMatrix } from "./matrix.js";
import { paintPicture } from "./picture.js";
import { paintPlane } from "./plane.js";
import { viewHeight } from "./shape_and_png.js";
import { paintSphere } from "./sphere.js";
import { makeSurface } from "./surface.js";
import { attachDrag, attachTurn } from "./touch.js";

const VIEW_PAINTERS = {
  plane: paintPlane, landscape: paintPlane, circle: paintCircle, sphere: paintSphere,
  histogram: paintHistogram, density: paintDensity, curves: paintCurves, matrix: paintMatrix, picture: paintPicture,
};

export function makeView(viewSpec, figureSpec, hooks = {}) {
  const surface = makeSurface(), panel = viewPanel(viewSpec, figureSpec, surface.canvas);
  const view = {
    spec: viewSpec, figure: figureSpec, j: (figureSpec.views || [viewSpec]).indexOf(viewSpec), surface, memory: {}, selected: -1, scene: null,
    element: panel.element, canvas: surface.canvas, title: viewSpec.title || "",
  };
  view.repaint = () => { if (view.scene && surface.width) paintView(view); };
  view.draw = (frame, frames = [frame], index = frames.length - 1, extra = {}) => {
    view.scene = { frame, frames, index, extra };
    if (!surface.width || surface.ratio !== window.devicePixelRatio) view.resize(); else view.repaint();
  };
  view.resize = () => {
    const width = panel.element.clientWidth;
    if (!width) return;
    surface.fit(width, Math.round(viewHeight(view, width)));
    view.repaint();
  };
  view.choose = (i) => {
    view.selected = i;
    if (hooks.select) hooks.select(i);
    panel.say(pointSentence(view));
    view.repaint();
  };
  view.move = (i, [x, y]) => {
    const { xs, ys } = view.grip, within = (v, s) => Math.max(s.lo, Math.min(s.hi, v));
    if (hooks.drag) hooks.drag(i, [within(x, xs), within(y, ys)]);
  };
  view.canBeDragged = Boolean(viewSpec.drag) && ["plane", "landscape"].includes(viewSpec.kind);
  if (view.canBeDragged) attachDrag(view, surface);
  if (viewSpec.kind === "sphere") attachTurn(view, surface);
  view.destroy = keepFresh(view, panel.element);
  return view;
}

function viewPanel(viewSpec, figureSpec, canvas) {
  const element = document.createElement("div"), spoken = document.createElement("span");
  element.className = "live-panel";
  element.dataset.kind = viewSpec.kind;
  if (viewSpec.title) {
    const title = document.createElement("div");
    title.className = "live-panel-title";
    title.textContent = viewSpec.title;
    element.append(title);
  }
  spoken.className = "live-spoken";
  spoken.setAttribute("aria-live", "polite");
  describeCanvas(canvas, viewSpec, figureSpec);
  element.append(canvas, spoken);
  return { element, say: (text) => { spoken.textContent = text; } };
}

function describeCanvas(canvas, viewSpec, figureSpec) {
  const dragged = viewSpec.drag && ["plane", "landscape"].includes(viewSpec.kind), turned = viewSpec.kind === "sphere";
  const title = viewSpec.title ? viewSpec.title + ". " : "";
  const how = dragged ? " Points can be moved: [ and ] choose a point, arrow keys move it." : turned ? " Arrow keys turn the sphere." : "";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", title + figureSpec.alt + how);
  if (dragged || turned) canvas.tabIndex = 0;
}

function pointSentence(view) {
  const cloud = view.grip && view.grip.cloud, i = view.selected;
  if (!cloud || i < 0) return "";
  const word = (v) => writtenNumber(v, 3, "g");
  return `Point ${i + 1} of ${cloud.n} at (${word(cloud.data[i * cloud.d])}, ${word(cloud.data[i * cloud.d + 1])}).`;
}

function paintView(view) {
  view.ink = readInk(view.canvas);
  const g = view.surface.begin();
  g.setLineDash([]);
  g.globalAlpha = 1;
  VIEW_PAINTERS[view.spec.kind](view, g, view.scene);
}

function keepFresh(view, element) {
  let width = 0;
  const observer = new ResizeObserver(() => {
    if (Math.abs(element.clientWidth - width) < 1) return;
    width = element.clientWidth;
    view.resize();
  });
  observer.observe(element);
  window.addEventListener("resize", view.resize);
  const forget = watchTheme(view.repaint);
  return () => { observer.disconnect(); forget(); window.removeEventListener("resize", view.resize); };
}
