// Choices (radio buttons, drawn as segments by the style sheet) and the figure's own buttons.

import { freshId, makeElement } from "./hub.js";
import { makeSlider } from "./slider.js";

function makeChoice(control, change) {
  const group = freshId(control.name);
  const inputs = new Map();
  const fieldset = makeElement("fieldset", { class: "live-choice", "data-name": control.name }, makeElement("legend", {}, control.label || control.name));
  for (const option of control.options) {
    const input = makeElement("input", { type: "radio", name: group, value: option });
    input.addEventListener("change", () => input.checked && change(control.name, option));
    inputs.set(option, input);
    fieldset.append(makeElement("label", {}, input, makeElement("span", {}, option)));
  }
  return {
    element: fieldset,
    show: (value) => inputs.forEach((input, option) => void (input.checked = option === value)),
    disable: (off) => void (fieldset.disabled = off),
  };
}

export function makeButton(label, press, attributes = {}) {
  const button = makeElement("button", { type: "button", class: "live-button", ...attributes }, label);
  button.addEventListener("click", press);
  return button;
}

export function makeControls(spec, player) { // {element, show(values), disable(off)}
  const element = makeElement("div", { class: "live-controls" });
  const change = (name, value) => player.change(name, value);
  const parts = new Map();
  for (const control of spec.controls) {
    const part = makeControl(control, change, player);
    parts.set(control.name, part);
    element.append(part.element);
  }
  return {
    element,
    show: (values) => parts.forEach((part, name) => name in values && part.show(values[name])),
    disable: (off) => parts.forEach((part) => part.disable(off)),
  };
}

function makeControl(control, change, player) {
  if (control.kind === "slider") return makeSlider(control, change);
  if (control.kind === "choice") return makeChoice(control, change);
  const element = makeButton(control.label || control.name, () => player.press(control.name), { name: control.name });
  return { element, show: () => {}, disable: (off) => void (element.disabled = off) };
}
