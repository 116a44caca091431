"""Recordings: what a figure draws, frame by frame,
small enough to send (16 bits, differences in time, gzip)."""

import base64
import gzip
import hashlib
import json

import numpy as np

from companion.live.run import Run, tape


def encoded(frames, codes=65535):
    """(F, ...) numbers as the page reads them: clouds in 16 bits relative to their range
    (pictures in 256 shades), scalars in float32, or in float64 where float32 would make them
    0 or infinite."""
    frames = np.asarray(frames, dtype=np.float64)
    if frames.ndim == 1:
        size = np.abs(frames[np.isfinite(frames) & (frames != 0)])
        wide = bool(((size < 1e-37) | (size > 1e38)).any())
        data = base64.b64encode(frames.astype("<f8" if wide else "<f4").tobytes()).decode()
        return {"shape": list(frames.shape), "data": data} | ({"dtype": "float64"} if wide else {})
    finite = np.nan_to_num(frames, nan=0.0, posinf=1e6, neginf=-1e6)
    lo, hi = float(finite.min()), float(finite.max())
    scale = (hi - lo) / codes or 1.0
    steps = np.round((finite - lo) / scale).astype(np.int64) - 32768
    steps[1:] -= steps[:-1].copy()
    data = gzip.compress(steps.astype("<i8").astype("<i2", casting="unsafe").tobytes(), 9, mtime=0)
    return {"shape": list(frames.shape), "lo": lo, "scale": scale,
            "data": base64.b64encode(data).decode()}


def decoded(array):
    """The numbers of an encoded array: the page's decoder, in Python."""
    data = base64.b64decode(array["data"])
    if "scale" not in array:
        return np.frombuffer(data, "<f8" if "dtype" in array else "<f4").reshape(array["shape"]).astype(np.float64)
    steps = np.frombuffer(gzip.decompress(data), "<i2").reshape(array["shape"])
    q = np.cumsum(steps, axis=0, dtype=np.int16).astype(np.int64)
    return array["lo"] + array["scale"] * (q + 32768)


def run_of(seen, grounds=None, pictures=()):
    """One recorded run: [(moment, what is seen)], its landscapes,
    and which names are pictures -> k, t and arrays."""
    names = list(seen[0][1])
    stacked = {
        n: np.stack([np.asarray(s[n].detach().cpu(), dtype=np.float64) for _, s in seen])
        for n in names
    }
    stacked.update(
        {
            n: np.asarray(v.detach().cpu(), dtype=np.float64)[None]
            for n, v in (grounds or {}).items()
        }
    )
    arrays = {n: encoded(v, 255 if n in pictures else 65535) for n, v in stacked.items()}
    return {"k": [m.k for m, _ in seen], "t": [float(m.t) for m, _ in seen], "arrays": arrays}


def pictures_of(views):
    """The names of what is drawn as pictures."""
    return {f"show{j}" for j, v in enumerate(views) if v.kind == "picture"} | {f"under{j}" for j, v in enumerate(views) if v.under}


def control_key(values):
    """The name of a recorded run among those of a grid of controls;
    numbers as JavaScript writes them."""
    def plain(v):
        return int(v) if isinstance(v, float) and v.is_integer() else v

    return json.dumps({n: plain(v) for n, v in values.items()}, separators=(",", ":"),
                      ensure_ascii=False) if values else ""


def asset(runs):
    """(id, content) of the recording of some runs."""
    content = json.dumps({"runs": runs}, separators=(",", ":"))
    return "rec-" + hashlib.sha256(content.encode()).hexdigest()[:16], content


def default_tape(figure):
    """The recording of a figure's default run, and its frames in torch."""
    seen = tape(figure)
    return asset({"": run_of(seen, Run(figure).grounds(), pictures_of(figure.views))}), seen
