// A canvas that is sharp on every screen: its pixels follow devicePixelRatio, its drawing stays in CSS pixels.

import { numbersFromBase64 } from "./tape.js";

export function makeSurface() {
  const canvas = document.createElement("canvas");
  const surface = { canvas, g: canvas.getContext("2d"), width: 0, height: 0, ratio: 0 };
  surface.fit = (width, height) => {
    const ratio = window.devicePixelRatio || 1;
    if (width === surface.width && height === surface.height && ratio === surface.ratio) return;
    Object.assign(surface, { width, height, ratio });
    canvas.width = Math.max(1, Math.round(width * ratio));
    canvas.height = Math.max(1, Math.round(height * ratio));
    canvas.style.height = height + "px";
  };
  surface.begin = () => {
    surface.g.setTransform(surface.ratio, 0, 0, surface.ratio, 0, 0);
    surface.g.clearRect(0, 0, surface.width, surface.height);
    return surface.g;
  };
  return surface;
}

export function makeLayer(width, height, ratio) {
  // an off-screen sheet of the same sharpness, for what changes rarely
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const g = canvas.getContext("2d");
  g.scale(ratio, ratio);
  return { canvas, g };
}

export function viewNumbers(source) {
  // a declared array {data: base64 of float32, shape} -> the same with numbers
  return typeof source.data === "string" ? { data: numbersFromBase64(source.data, source.dtype || "float32"), shape: source.shape } : source;
}
