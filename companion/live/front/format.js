// Numbers and sentences as a printed book has them, and as Python writes them (companion/figures/numbers.py): the page says what the still picture says.

import { LOOK } from "./look.js";

const FORMAT_RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const FORMAT_FIELD = new RegExp(`\\{\\{|\\}\\}|\\{(\\w+)(?::\\.(\\d+)([feg]))?\\}(?: (${LOOK.counted.join("|")})s\\b)?`, "g");

function tieToEven(rounded, exact, digits) { // exact: the digits in full; Python rounds a tie to even, toFixed and toExponential up
  const kept = exact.indexOf(".") + 1 + digits;
  if (!/^50*$/.test(exact.slice(kept))) return rounded;
  const down = exact.slice(0, digits ? kept : kept - 1);
  return Number(down.slice(-1)) % 2 === 0 ? down : rounded;
}

function pythonFixed(value, digits) {
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${digits ? `.${"0".repeat(digits)}` : ""}`; // toFixed turns to exponents there
  return tieToEven(value.toFixed(digits), value.toFixed(Math.min(100, digits + 60)), digits);
}

function pythonExponential(value, digits) {
  const [mantissa, power] = value.toExponential(digits).split("e");
  const exact = value.toExponential(Math.min(100, digits + 60)).split("e")[0];
  return `${tieToEven(mantissa, exact, digits)}e${power}`;
}

function bookExponential(value, digits) { // near 1 without a power
  const text = pythonExponential(value, digits), exponent = Number(text.split("e")[1]);
  return exponent >= -2 && exponent <= digits ? pythonFixed(value, digits - exponent) : text;
}

function pythonGeneral(value, digits) {
  const precision = Math.max(1, digits);
  const exponent = value === 0 ? 0 : Number(value.toExponential(precision - 1).split("e")[1]);
  if (exponent >= -4 && exponent < precision) return dropZeros(pythonFixed(value, precision - 1 - exponent));
  const [mantissa, power] = pythonExponential(value, precision - 1).split("e");
  return `${dropZeros(mantissa)}e${power}`;
}

function dropZeros(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

export function scientific(mantissa, exponent) { // a mantissa 1 is left out; no line breaks within a number
  const power = `10${String(exponent).replace(/./g, (c) => FORMAT_RAISED[c])}`;
  return mantissa === "1" ? power : `${mantissa}\u202f\u00d7\u202f${power}`;
}

export function typeset(text) { // "-4.5e-03" -> −4.5 × 10⁻³; a zero has no sign
  const [mantissa, exponent] = text.replace("-", text[0] === "-" ? "" : "-").split("e");
  const minus = text[0] === "-" && Number(mantissa) ? "\u2212" : "";
  return minus + (Number(exponent) ? scientific(mantissa, Number(exponent)) : mantissa);
}

export function writtenNumber(value, digits, kind) { // without digits at most four; a word stays
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "undefined" : value > 0 ? "\u221e" : "\u2212\u221e";
  if (digits === undefined) return typeset(Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : pythonGeneral(value, 4));
  return typeset({ f: pythonFixed, e: bookExponential, g: pythonGeneral }[kind](value, digits));
}

export function fillSentence(template, fields) { // "{t:.1f}" -> "3.0"; "{{" -> "{"; "{k:.0f} steps" -> "1 step"; an unknown name stays as it is
  return template.replace(FORMAT_FIELD, (whole, name, digits, kind, noun) => {
    if (name === undefined) return whole[0];
    if (!(name in fields)) return whole;
    const text = writtenNumber(fields[name], digits && Number(digits), kind);
    return noun === undefined ? text : `${text} ${noun}${text === "1" ? "" : "s"}`;
  });
}
