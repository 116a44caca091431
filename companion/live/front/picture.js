// Pictures: colours (rows, columns, 3), or ink (rows, columns) on the page's own paper. Alone, or beneath the points of a plane.

import { shownArray } from "./cloud.js";
import { inkMix, inkRgb } from "./ink.js";
import { LOOK } from "./look.js";
import { linePath } from "./marks.js";

function pictureImage(ink, array) {
  const [rows, cols, channels] = array.shape, canvas = document.createElement("canvas");
  canvas.width = cols;
  canvas.height = rows;
  const g = canvas.getContext("2d"), image = g.createImageData(cols, rows), pen = inkRgb(ink.ink);
  const byte = (v) => 255 * v; // the array of pixels rounds and clamps; NaN becomes 0
  for (let i = 0; i < rows * cols; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = channels ? byte(array.data[3 * i + c]) : pen[c];
    image.data[4 * i + 3] = channels ? 255 : byte(array.data[i]);
  }
  g.putImageData(image, 0, 0);
  return canvas;
}

export function paintUnder(view, g, box, array) {
  g.imageSmoothingEnabled = true;
  g.imageSmoothingQuality = "high";
  g.drawImage(pictureImage(view.ink, array), box.left, box.top, box.right - box.left, box.bottom - box.top);
}

export function paintSegments(view, g, array, place) {
  const { ink } = view, path = new Path2D();
  for (let i = 0; i < array.data.length; i += 4) linePath(path, 2, (s) => place(array.data, i + 2 * s)[0], (s) => place(array.data, i + 2 * s)[1]);
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.segment);
  g.lineWidth = LOOK.line.segment * ink.scale;
  g.stroke(path);
}

export function paintPicture(view, g, scene) {
  const array = shownArray(view, scene.frame);
  if (!array) return;
  const { surface, spec, ink } = view, width = Math.min(surface.width, surface.height * spec.ratio), height = width / spec.ratio;
  const left = (surface.width - width) / 2, top = (surface.height - height) / 2;
  g.imageSmoothingEnabled = spec.smooth;
  g.drawImage(pictureImage(ink, array), left, top, width, height);
  g.strokeStyle = inkMix(ink.paper, ink.muted, LOOK.ink.frame);
  g.lineWidth = LOOK.line.axis;
  g.strokeRect(Math.round(left) + 0.5, Math.round(top) + 0.5, Math.round(width) - 1, Math.round(height) - 1);
}
