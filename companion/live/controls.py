"""What a reader can move: sliders, choices, buttons."""

import math
from dataclasses import dataclass, field
from typing import Any

from companion.inputs import a_function

ACTS = ("run", "start")
LETTERS = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eps": "ε", "kappa": "κ",
           "lam": "λ", "mu": "μ",
           "sigma": "σ", "tau": "τ", "theta": "θ"}


def _acts(acts):
    if acts not in ACTS:
        raise ValueError(f"acts = {acts!r}; expected 'run' (acts during the run) or 'start' (the "
                         "run starts again).")


@dataclass(frozen=True)
class Slider:
    """A number in [lo, hi]; `log`: even steps of its logarithm; `step`: its grain (1 for integers);
    `values`: a finite grid instead.

    acts="run": the change acts on the run under way; acts="start": the run starts again.
    Raises ValueError.
    """

    lo: float = None
    hi: float = None
    value: float = None
    log: bool = field(default=False, kw_only=True)
    step: float = field(default=None, kw_only=True)
    label: str = field(default=None, kw_only=True)
    acts: str = field(default="run", kw_only=True)
    values: tuple = field(default=None, kw_only=True)

    def __post_init__(self):
        _acts(self.acts)
        if self.values is not None:
            grid = tuple(float(v) for v in self.values)
            object.__setattr__(self, "values", grid)
            if not grid or list(grid) != sorted(set(grid)):
                raise ValueError(f"values = {self.values}; expected an increasing list of numbers.")
            start = grid[0] if self.value is None else min(grid, key=lambda v: abs(v - self.value))
            for name, number in (("lo", grid[0]), ("hi", grid[-1]), ("value", start)):
                object.__setattr__(self, name, number)
            return
        numbers = (self.lo, self.hi, self.value)
        if not all(isinstance(v, (int, float)) and math.isfinite(v) for v in numbers):
            raise ValueError(f"Slider(lo, hi, value) = {numbers}; expected three finite numbers.")
        if not (self.lo < self.hi and self.lo <= self.value <= self.hi):
            raise ValueError(f"Slider(lo, hi, value) = {numbers}; expected lo <= value <= hi and "
                             "lo < hi.")
        if self.log and self.lo <= 0:
            raise ValueError(f"lo = {self.lo}; a logarithmic slider needs lo > 0.")

    def spec(self, name):
        """The slider as the page reads it."""
        keys = ("lo", "hi", "value", "log", "step", "acts", "values")
        return {"kind": "slider", "name": name, "label": self.label or LETTERS.get(name, name),
                **{k: getattr(self, k) for k in keys}}


@dataclass(frozen=True)
class Choice:
    """One of some named objects, e.g. two fields: Choice({"SA": sa, "USA": usa}).
    The function receives the object. Raises ValueError."""

    options: dict
    value: str = field(default=None, kw_only=True)
    label: str = field(default=None, kw_only=True)
    acts: str = field(default="run", kw_only=True)

    def __post_init__(self):
        _acts(self.acts)
        if not isinstance(self.options, dict) or not self.options or not all(isinstance(k, str) for k in self.options):
            raise ValueError(f"options = {self.options!r}; expected a dictionary name -> object.")
        if self.value is None:
            object.__setattr__(self, "value", next(iter(self.options)))
        if self.value not in self.options:
            raise ValueError(f"value = {self.value!r}; expected one of {list(self.options)}.")

    def spec(self, name):
        """The choice as the page reads it."""
        return {"kind": "choice", "name": name, "label": self.label or name,
                "options": list(self.options), "value": self.value, "acts": self.acts}


@dataclass(frozen=True)
class Button:
    """An act on the state, x -> act(x, controls), when pressed. Raises TypeError."""

    act: Any
    label: str = field(default=None, kw_only=True)

    def __post_init__(self):
        a_function(self.act, "act")

    def spec(self, name):
        """The button as the page reads it."""
        return {"kind": "button", "name": name, "label": self.label or name}
