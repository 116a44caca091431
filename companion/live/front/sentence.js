// The sentence that follows the state. While the run moves it is not spoken; when it rests, it is said once.

import { fillSentence } from "./format.js";
import { makeElement } from "./hub.js";

export function readoutsOf(spec, frame) {
  const values = {};
  for (const name of spec.readouts || []) {
    const array = frame.arrays[`readout:${name}`];
    if (array) values[name] = array.data[0];
  }
  return values;
}

function restingWords({ members }, { arrays }) { // which members would have overflowed and rest instead; Python says the same (widget.resting)
  const gone = arrays.gone ? Array.from(arrays.gone.data) : [];
  const lost = gone.flatMap((value, i) => (value ? [i] : []));
  if (!members || !lost.length) return "";
  const rests = lost.length === 1 ? "rests where it was" : "rest where they were";
  if (typeof members === "string") return ` ${lost.length} of ${gone.length} ${members} overflowed and ${rests}.`;
  return ` Overflowed: ${lost.map((i) => members[i]).join(", ")}; ${rests}.`;
}

function sentenceOf(spec, values, frame) {
  const text = fillSentence(spec.sentence || "", { ...values, ...readoutsOf(spec, frame), t: frame.t, k: frame.k });
  return text + restingWords(spec, frame);
}

export function makeSentence(spec, values) { // {element, show(frame, moving)}
  const element = makeElement("p", { class: "live-sentence", "aria-live": "off" }); // what stands there on arrival is read, not announced
  let moved = null, timer = null;
  function show(frame, moving) {
    const text = sentenceOf(spec, values(), frame);
    if (text !== element.textContent) element.textContent = text;
    if (moving === moved) return;
    clearTimeout(timer);
    if (moving) element.setAttribute("aria-live", "off");
    else timer = setTimeout(announce, 100, moved !== null);
    moved = moving;
  }
  function announce(aloud) {
    element.setAttribute("aria-live", "polite");
    if (aloud) element.replaceChildren(element.textContent); // a change, so that it is said
  }
  return { element, show };
}
