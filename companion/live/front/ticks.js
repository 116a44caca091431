// Few ticks at round numbers, on linear and logarithmic axes; on paper the same (companion/figures/ticks.py).

import { scientific } from "./format.js";

function tickStep(span, count) {
  // the number of the form {1, 2, 5} 10^k nearest above span / count
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].find((m) => m * power >= raw * 0.999) * power;
}

export function tickRange(lo, hi, count = 4) {
  // outward to whole steps; a constant gets room around it
  if (!(hi > lo)) {
    const room = Math.abs(lo) * 0.1 || 1;
    return tickRange(lo - room, hi + room, count);
  }
  const step = tickStep(hi - lo, count);
  return [Math.floor(lo / step + 1e-9) * step, Math.ceil(hi / step - 1e-9) * step];
}

export function linearTicks(lo, hi, count) {
  const step = tickStep(hi - lo, count);
  const ticks = [];
  for (let i = Math.ceil(lo / step - 1e-6); i * step <= hi + step * 1e-6; i++) ticks.push(i * step);
  if (ticks.length < 3 && count < 8) return linearTicks(lo, hi, count + 1);
  return ticks.map((value) => ({ value, text: tickText(value, step) }));
}

function logTicks(lo, hi, count) {
  const first = Math.ceil(Math.log10(lo) - 1e-9), last = Math.floor(Math.log10(hi) + 1e-9);
  const stride = Math.max(1, Math.ceil((last - first + 1) / Math.max(2, count)));
  const ticks = [];
  for (let e = first; e <= last; e++) if ((e - first) % stride === 0) ticks.push({ value: 10 ** e, text: powerText(e) });
  if (ticks.length > 2 || stride > 1) return ticks;
  for (let e = first - 1; e <= last; e++) {
    for (const m of [2, 5]) if (m * 10 ** e >= lo && m * 10 ** e <= hi) ticks.push({ value: m * 10 ** e, text: tickText(m * 10 ** e, 10 ** e) });
  }
  if (ticks.length < 2) return linearTicks(lo, hi, count);
  return ticks.length > 2 * count ? ticks.slice(0, last - first + 1) : ticks.sort((a, b) => a.value - b.value);
}

function powerText(exponent) {
  if (Math.abs(exponent) <= 2) return tickText(10 ** exponent, 10 ** exponent);
  return scientific("1", exponent);
}

function tickText(value, step) {
  const size = Math.abs(value);
  if (size < step * 1e-6) return "0";
  const sign = value < 0 ? "\u2212" : "";
  if (size >= 1e5 || step < 1e-4) {
    const e = Math.floor(Math.log10(size) + 1e-9);
    return sign + scientific(String(Number((size / 10 ** e).toPrecision(3))), e);
  }
  return sign + size.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

export function makeScale(lo, hi, from, to, log = false) {
  // data <-> pixels; outside the domain of the logarithm the pixel is NaN and is not drawn
  const f = log ? Math.log : (v) => v, inverse = log ? Math.exp : (v) => v;
  const a = f(lo), slope = (to - from) / (f(hi) - a);
  const ticks = (count) => (log ? logTicks(lo, hi, count) : linearTicks(lo, hi, count));
  return { lo, hi, from, to, log, ticks, at: (v) => from + (f(v) - a) * slope, back: (pixel) => inverse(a + (pixel - from) / slope) };
}
