// What a reader takes along: a link, a picture, the numbers. And the large figure for a lecture room.

import { linkTo, writeAddress } from "./address.js";
import { makeButton } from "./choice.js";
import { makeElement } from "./hub.js";
import { readoutsOf } from "./sentence.js";
import { drawFigurePng } from "./shape_and_png.js";

function saveBlob(blob, name) {
  const link = makeElement("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function csvOf(rows) {
  const cell = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replace(/"/g, '""')}"` : String(value));
  return `${rows.map((row) => row.map(cell).join(",")).join("\n")}\n`;
}

function readoutRows(spec, frames) { // k, t and the readouts of every kept frame
  const names = (spec.readouts || []).filter((name) => frames.some((frame) => `readout:${name}` in frame.arrays));
  const rows = frames.map((frame) => [frame.k, frame.t, ...names.map((name) => (readoutsOf(spec, frame)[name]))]);
  return [["k", "t", ...names], ...rows];
}

function pointRows({ arrays, k, t }) { // the last axis of what the first view shows makes the columns
  const { data, shape } = arrays.show0 || Object.values(arrays)[0] || { data: [], shape: [0] };
  const wide = shape.length > 1 ? shape[shape.length - 1] : 1;
  const rows = [["k", "t", "row", ...Array.from({ length: wide }, (_, j) => `x${j}`)]];
  for (let i = 0; i * wide < data.length; i++) rows.push([k, t, i, ...data.subarray(i * wide, (i + 1) * wide)]);
  return rows;
}

export function makeTools(spec, player, { figure, page, views, sentence, tell }) {
  const csv = (rows, what) => saveBlob(new Blob([csvOf(rows)], { type: "text/csv" }), `${spec.name}-${what}.csv`);
  const shown = (act) => () => player.history.current && act(player.history);
  const tool = (label, title, press) => makeButton(label, press, { title, "data-act": label.toLowerCase() });
  const element = makeElement("div", { class: "live-tools" });
  if (page) element.append(tool("Link", "Copy a link to this state", () => copyLink(spec, { values: player.valuesShown(), seed: player.seedShown() }, tell)));
  element.append(
    tool("PNG", "Save the picture", shown(() => savePicture(spec, views(), sentence.element.textContent))),
    tool("CSV", "Save the measured quantities over time", shown(({ frames }) => csv(readoutRows(spec, frames), "readouts"))),
    tool("Points", "Save the points that are shown, as CSV", shown(({ current }) => csv(pointRows(current), "points"))),
    makeProjector(figure),
  );
  return element;
}

function savePicture(spec, views, sentence) {
  drawFigurePng(views, { sentence }).toBlob((blob) => saveBlob(blob, `${spec.name}.png`));
}

async function copyLink(spec, run, tell) {
  writeAddress(spec, run);
  const link = linkTo(spec, run);
  try {
    await navigator.clipboard.writeText(link);
    tell("The link is copied.", 4000);
  } catch (refused) { // no clipboard without a secure context: the address bar has it
    tell("The link stands in the address bar.", 6000);
  }
}

function makeProjector(figure) { // large type and controls over the whole window; Escape leaves
  const button = makeButton("Projector", () => turn(!figure.classList.contains("live--projector")), {
    title: "Fill the window (Escape leaves)", "aria-pressed": "false", "data-act": "projector",
  });
  function turn(on) {
    figure.classList.toggle("live--projector", on);
    document.documentElement.classList.toggle("live-projecting", on);
    button.setAttribute("aria-pressed", String(on));
    globalThis.dispatchEvent(new Event("resize"));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && figure.classList.contains("live--projector")) turn(false);
  });
  return button;
}
