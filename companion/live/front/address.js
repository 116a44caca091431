// The state of figures in the page's address: #tokens?beta=5&seed=3;other?lr=0.1 . A link brings back controls and seed.

export function addressParts() {
  return location.hash.slice(1).split(";").filter(Boolean);
}

function addressOf(spec, run) { // "tokens?beta=5&model=SA&seed=0"
  const values = { ...run.values, ...(spec.random ? { seed: run.seed } : {}) };
  return `${spec.name}?${new URLSearchParams(values)}`;
}

export function writeAddress(spec, run) {
  const others = addressParts().filter((part) => !part.startsWith(`${spec.name}?`) && part.includes("?"));
  try {
    history.replaceState(history.state, "", `#${[...others, addressOf(spec, run)].join(";")}`);
  } catch (refused) { /* too many in a short time, or an address that may not change: the link button still works */ }
}

export function linkTo(spec, run) {
  return `${location.href.split("#")[0]}#${addressOf(spec, run)}`;
}

export function readAddress(spec, run) { // map name -> value for this figure, empty when it asks for nothing else; null when absent
  const part = addressParts().find((text) => text.startsWith(`${spec.name}?`));
  if (part === undefined) return null;
  const wanted = new Map();
  for (const [name, text] of new URLSearchParams(part.slice(spec.name.length + 1))) {
    const control = run.controls.find((one) => one.name === name);
    const value = control ? controlValue(control, text) : name === "seed" ? seedValue(text) : null;
    if (value !== null) wanted.set(name, value);
  }
  return wanted;
}

function controlValue(control, text) {
  if (control.kind === "choice") return control.options.includes(text) ? text : null;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) return null;
  if (control.values) return control.values.reduce((best, v) => (Math.abs(v - value) < Math.abs(best - value) ? v : best));
  const inside = Math.min(control.hi, Math.max(control.lo, value));
  return Number.isInteger(control.step) && Number.isInteger(control.lo) ? Math.round(inside) : inside;
}

function seedValue(text) {
  const value = Number(text);
  return text.trim() !== "" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
