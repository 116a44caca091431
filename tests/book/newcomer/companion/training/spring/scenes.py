"""The figures of the chapter: how its masses are seen, what a reader can change, what is said.

What moves, and from where, comes from the notebook.
"""

import torch

from companion import live
from companion.hints import Function
from companion.live import Slider, curves, plane
from companion.live.widget import Shown
from companion.training.spring.mass import Mass, energy


def swing(field: Function, start: Mass) -> Shown:
    """Masses on their springs, in the plane of place and speed, and the energy of the first."""
    return live(
        field, start, name="swing", dt=0.05, frames=80, controls={"c": Slider(0, 2, 0.2)},
        view=[plane(x=(-1.6, 1.6), y=(-1.6, 1.6), show=lambda z: torch.stack(z, -1), trail=True,
                    xlabel="place", ylabel="speed"),
              curves("energy", ylim=(0, 1))],
        readouts={"energy": lambda z: energy(z)[0]},
        sentence="At t = {t:.1f} the first mass has the energy {energy:.3f}.",
        alt="Masses spiral into the origin of the plane of place and speed; the energy falls.")
