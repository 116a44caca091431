// Numbers and sentences as Python's format() writes them, so that the page says what the still picture says.

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

function pythonExponential(value, digits) { // two digits of exponent at least
  const [mantissa, power] = value.toExponential(digits).split("e");
  const exact = value.toExponential(Math.min(100, digits + 60)).split("e")[0];
  return `${tieToEven(mantissa, exact, digits)}e${power.replace(/^([+-])(\d)$/, "$10$2")}`;
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

function pythonFormat(value, format) {
  if (typeof value !== "number") return String(value);
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const parts = /^\.(\d+)([feg])$/.exec(format || "");
  if (!parts) return shortNumber(value);
  const write = { f: pythonFixed, e: pythonExponential, g: pythonGeneral }[parts[2]];
  return (Object.is(value, -0) ? "-" : "") + write(value, Number(parts[1])); // JavaScript drops the sign of -0
}

export function shortNumber(value) { // at most four significant digits
  return Number.isInteger(value) ? String(value) : pythonGeneral(value, 4);
}

export function fillSentence(template, fields) { // "{t:.1f}" -> "3.0"; "{{" -> "{"; an unknown name stays as it is
  return template.replace(/\{\{|\}\}|\{(\w+)(?::([^}]*))?\}/g, (whole, name, format) => {
    if (name === undefined) return whole[0];
    return name in fields ? pythonFormat(fields[name], format) : whole;
  });
}
