// Hands on a view: points follow the pointer or the arrow keys; the sphere turns.

export function attachDrag(view, surface) {
  const { canvas } = surface;
  let held = -1, wanted = null;
  const where = (event) => {
    const r = canvas.getBoundingClientRect();
    return [event.clientX - r.left, event.clientY - r.top];
  };
  const send = () => { if (wanted) view.move(held, wanted); wanted = null; };
  canvas.addEventListener("pointerdown", (event) => {
    held = nearestPoint(view, where(event), event.pointerType === "mouse" ? 16 : 30);
    if (held < 0) return;
    canvas.setPointerCapture(event.pointerId);
    view.choose(held);
    canvas.style.cursor = "grabbing";
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = where(event);
    if (held < 0) { canvas.style.cursor = nearestPoint(view, at, 16) >= 0 ? "grab" : ""; return; }
    if (!wanted) requestAnimationFrame(send);
    wanted = [view.grip.xs.back(at[0]), view.grip.ys.back(at[1])];
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { send(); held = -1; canvas.style.cursor = ""; });
  // a finger on a point moves the point, a finger beside it scrolls the page
  const stop = (event) => { if (nearestPoint(view, where(event.touches[0]), 30) >= 0) event.preventDefault(); };
  canvas.addEventListener("touchstart", stop, { passive: false });
  canvas.addEventListener("keydown", (event) => dragKey(view, event));
}

function nearestPoint(view, [x, y], reach) {
  const cloud = view.grip && view.grip.cloud;
  let best = -1, least = (reach * view.ink.scale) ** 2;
  for (let i = 0; cloud && i < cloud.n; i++) {
    const d = (cloud.at[2 * i] - x) ** 2 + (cloud.at[2 * i + 1] - y) ** 2;
    if (d < least) { least = d; best = i; }
  }
  return best;
}

const TOUCH_ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function dragKey(view, event) {
  // [ and ] (or PageUp, PageDown) choose the point; arrows move it by 1/50 of the box, with Shift by 1/10
  const cloud = view.grip && view.grip.cloud;
  if (!cloud || !cloud.n || event.ctrlKey || event.metaKey || event.altKey) return;
  const turn = { "[": -1, "]": 1, PageUp: -1, PageDown: 1 }[event.key], arrow = TOUCH_ARROWS[event.key];
  if (turn) view.choose(view.selected < 0 ? (turn > 0 ? 0 : cloud.n - 1) : (view.selected + turn + cloud.n) % cloud.n);
  else if (arrow) {
    const i = Math.max(0, view.selected), { xs, ys } = view.grip, share = event.shiftKey ? 0.1 : 0.02;
    if (view.selected < 0) view.choose(i);
    const o = i * cloud.d, aim = view.aim;
    // keys are faster than the engine: the next one starts where the last one has sent the point
    const [x, y] = aim && aim.i === i && aim.data === cloud.data ? aim.at : [cloud.data[o], cloud.data[o + 1]];
    view.aim = { i, data: cloud.data, at: [x + arrow[0] * share * (xs.hi - xs.lo), y + arrow[1] * share * (ys.hi - ys.lo)] };
    view.move(i, view.aim.at);
  } else if (event.key === "Escape") view.choose(-1);
  else return;
  event.preventDefault();
}

export function attachTurn(view, surface) {
  const { canvas } = surface;
  let from = null;
  const turn = (yaw, pitch) => {
    const camera = view.memory.camera;
    camera.yaw += yaw;
    camera.pitch = Math.max(-1.5, Math.min(1.5, camera.pitch + pitch));
    view.repaint();
  };
  canvas.style.cursor = "grab";
  canvas.style.touchAction = "pan-y";
  canvas.addEventListener("pointerdown", (event) => {
    from = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
    canvas.style.cursor = "grabbing";
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    turn((event.clientX - from[0]) * 0.008, (event.clientY - from[1]) * 0.008);
    from = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { from = null; canvas.style.cursor = "grab"; });
  canvas.addEventListener("keydown", (event) => {
    const arrow = TOUCH_ARROWS[event.key], step = event.shiftKey ? 0.4 : 0.1;
    if (!arrow || event.ctrlKey || event.metaKey || event.altKey) return;
    turn(arrow[0] * step, -arrow[1] * step);
    event.preventDefault();
  });
}
