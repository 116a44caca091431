// @ts-check
// What the player can be, and what moves it: five sides, each in one state at a time. An event that a state does not list leaves it there.

const STATES = {
  frames: { // what is shown
    none: { taped: "tape", live: "live" },
    tape: { live: "live" }, // a recording
    live: { blow: "blown" }, // frames of the source: the page's engine, or the kernel
    blown: { live: "live", mend: "live" }, // the next frame overflows: the run has ended
  },
  time: {
    rests: { go: "plays" },
    plays: { pause: "rests", blow: "rests", fail: "rests" },
  },
  source: {
    asleep: { wake: "wakes", lose: "absent" },
    wakes: { woken: "awake", lose: "absent" },
    awake: { lose: "absent" },
    absent: {}, // the recording is all there is
  },
  work: { // of the source, beyond the next frame
    idle: { follow: "follows", hurry: "hurries" },
    follows: { followed: "idle" }, // it repeats the recorded run up to the frame that is shown, and the recording goes on
    hurries: { arrived: "idle", fail: "idle" }, // to a frame far ahead, without drawing
  },
  health: { // ill: there is a problem to be said
    well: { blow: "ill", fail: "ill", lose: "ill", miss: "ill" },
    ill: { frame: "well", live: "well" },
  },
};

const SHOWN = [ // the figure's status: the first that holds
  ["health", "ill", "error"], ["source", "wakes", "loading"], ["work", "hurries", "loading"], ["time", "plays", "playing"],
  ["frames", "none", "none"], ["frames", "tape", "tape"], ["frames", "live", "ready"], ["frames", "blown", "ready"],
];

/** @typedef {{ frames: string, time: string, source: string, work: string, health: string }} State */

/** @param {boolean} hasSource @returns {State} */
export function firstState(hasSource) {
  return { frames: "none", time: "rests", source: hasSource ? "asleep" : "absent", work: "idle", health: "well" };
}

/** @param {State} state @param {string} event @returns {any} */
export function nextState(state, event) {
  return Object.fromEntries(Object.entries(state).map(([side, now]) => [side, STATES[side][now][event] || now]));
}

/** @param {State} state */
export function shownStatus(state) {
  return SHOWN.find(([side, now]) => state[side] === now)[2];
}
