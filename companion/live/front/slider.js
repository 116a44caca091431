// A slider: a native range input over whole positions, so that keyboard and touch come for free; linear, logarithmic, whole or listed values.

import { typeset, writtenNumber } from "./format.js";
import { freshId, makeElement } from "./hub.js";

function sliderScale(control) { // {most: last position, value(position), position(value), text(value)}
  if (control.values) return listedScale(control.values);
  if (control.log) return logScale(control);
  return linearScale(control);
}

function listedScale(values) {
  const nearest = (value) => values.reduce((best, v, i) => (Math.abs(v - value) < Math.abs(values[best] - value) ? i : best), 0);
  return { most: values.length - 1, value: (i) => values[i], position: nearest, text: (v) => writtenNumber(v) };
}

function logScale({ lo, hi, step }) {
  const most = 200, ratio = Math.log(hi / lo);
  const digits = Math.min(12, Math.max(3, Math.ceil(-Math.log10(ratio / most)) + 1)); // enough to tell neighbours apart
  const round = (value) => (step ? Math.round(value / step) * step : Number(value.toPrecision(digits)));
  const value = (i) => (i <= 0 ? lo : i >= most ? hi : Math.min(hi, Math.max(lo, round(lo * Math.exp((ratio * i) / most)))));
  return { most, value, position: (v) => Math.round((most * Math.log(v / lo)) / ratio), text: (v) => typeset(String(Number(v.toPrecision(digits)))) };
}

function linearScale({ lo, hi, step }) {
  const by = step || niceStep((hi - lo) / 200);
  const digits = Math.min(12, Math.max(decimals(by), decimals(lo)));
  const most = Math.max(1, Math.round((hi - lo) / by));
  const value = (i) => (i >= most ? hi : Number((lo + i * by).toFixed(digits)));
  return { most, value, position: (v) => Math.round((v - lo) / by), text: (v) => typeset(v.toFixed(Math.min(digits, 6))) };
}

function niceStep(size) { // 1, 2 or 5 times a power of ten, at most `size`
  const power = 10 ** Math.floor(Math.log10(size));
  return [5, 2, 1].find((m) => m * power <= size * (1 + 1e-9)) * power;
}

function decimals(value) {
  for (let digits = 0; digits < 12; digits++) if (Math.abs(value - Number(value.toFixed(digits))) < 1e-12) return digits;
  return 12;
}

export function makeSlider(control, change) {
  const id = freshId(control.name);
  const scale = sliderScale(control);
  const input = makeElement("input", { type: "range", id, min: 0, max: scale.most, step: 1, name: control.name });
  const output = makeElement("output", { for: id });
  const element = makeElement("div", { class: "live-control" }, makeElement("label", { for: id }, control.label || control.name), input, output);
  let shown; // a slider under the finger is not set back
  const write = (value) => {
    shown = value;
    output.textContent = scale.text(value);
    input.setAttribute("aria-valuetext", scale.text(value));
  };
  input.addEventListener("input", () => {
    const value = scale.value(Number(input.value));
    write(value);
    change(control.name, value);
  });
  const show = (value) => {
    if (value === shown) return;
    input.value = scale.position(value);
    write(value);
  };
  return { element, show, disable: (off) => void (input.disabled = off) };
}
