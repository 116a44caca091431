// How long a whole run lasts, so that the time axis stands still while the curve grows along it.

function expectedSteps(figureSpec) {
  let k = 0;
  for (let f = 1; f < (figureSpec.frames || 0); f++) {
    k += figureSpec.pace === "log" ? Math.max(figureSpec.substeps || 1, Math.floor(0.04 * k)) : figureSpec.substeps || 1;
  }
  return k;
}

function stepLength(figureSpec, controls) {
  if (typeof figureSpec.dt === "number") return figureSpec.dt;
  const given = controls && controls[figureSpec.dt];
  const slider = (figureSpec.controls || []).find((c) => c.name === figureSpec.dt);
  return Number(given !== undefined ? given : slider ? slider.value : NaN);
}

export function timeLimits(view, scene) {
  // [first, last] of the time axis
  const { spec, figure } = view, { frames, extra } = scene;
  if (spec.xlim) return spec.xlim;
  const known = frames.length ? frames[frames.length - 1].t : 0;
  const dt = stepLength(figure, extra.controls), expected = expectedSteps(figure) * dt;
  const end = Math.max(known, Number.isFinite(expected) && figure.engine !== "recording" ? expected : 0) || 1;
  if (!spec.logx) return [0, end];
  const first = frames.find((f) => f.t > 0);
  const start = first ? first.t : Number.isFinite(dt) && dt > 0 ? dt * (figure.substeps || 1) : end / 1000;
  return [Math.min(start, end / 10), end];
}
