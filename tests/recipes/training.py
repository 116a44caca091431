"""Valid calls of training, where names and hints of the parameters do not say enough. The form is in tests/fuzzing.py."""

import math
from typing import NamedTuple

import torch

import companion.training.gradient_flows as gf
import companion.training.momentum as mo
from tests.fuzzing import Recipe, bowl, normal
from tests.recipes import transformers
from tests.recipes.ground import density, double_well, grid


def quantiles(seed=0):
    return torch.linspace(-1, 1, 6, dtype=torch.float64) + 0.1 * normal(6, seed=seed, dtype=torch.float64).clamp(-1, 1)


def gaps():
    return torch.full((5,), 0.2, dtype=torch.float64)


def on_gaps():
    return {"x": quantiles(), "p": gaps()}


def contraction(tau, lam):
    return 1 / (1 + 2 * tau * lam)


GAUSSIAN = {"m": 0.3, "s": 0.8}
TIMED = {"rho": density(), "U": bowl, "grid": grid(), "dt": 0.05}

GRADIENT_FLOWS = {
    "euler.implicit_step": Recipe(lambda: {"f": double_well}, other={"iterations": 1}),
    "exercises.check_contraction": Recipe(lambda: {"factor": contraction}),
    "exercises.check_forgotten": Recipe(lambda: {"t": forgotten()}),
    "exercises.check_unbiased_step": Recipe(lambda: {"tau": 0.5}),
    "gaussian_steps.ags_bound": Recipe(lambda: dict(GAUSSIAN)),
    "gaussian_steps.fb_gaussian_step": Recipe(lambda: dict(GAUSSIAN)),
    "gaussian_steps.jko_gaussian_step": Recipe(lambda: dict(GAUSSIAN)),
    "gaussian_steps.rescale": Recipe(lambda: {"m": normal(5), "s": 0.5 + normal(5).abs()}),
    "gaussian_steps.ula_gaussian_step": Recipe(lambda: {"m": normal(3), "s": 0.5 + normal(3).abs()}),
    "geometries.wfr_step": Recipe(lambda: dict(TIMED)),
    "geometries.fisher_rao_step": Recipe(lambda: dict(TIMED)),
    "jko.free_energy": Recipe(on_gaps),
    "jko.jko_quantile_step": Recipe(on_gaps, other={"iterations": 1}),
    "jko.node_masses": Recipe(lambda: {"p": gaps()}),
    "jko.w2_squared_quantiles": Recipe(lambda: {**on_gaps(), "y": quantiles(1)}),
    "landscapes.three_clocks": Recipe(lambda: {"x": normal(3, 2), "kappa": 2.0, "terrain": gf.bowl}),
    "porous.barenblatt": Recipe(lambda: {"m": 2.0}),
    "porous.front": Recipe(lambda: {"m": 2.0}),
    "porous.porous_medium": Recipe(lambda: {"u": normal(9).abs(), "m": 2.0}),
    "schemes.gaussian_start": Recipe(lambda: {"m": 0.3, "s": 0.8}),
    "schemes.three_schemes": Recipe(lambda: {"x": gf.Schemes(*normal(3, 5)), "xi": gf.Schemes(*normal(3, 5, seed=1))}),
}


def forgotten():
    """Where mean and spread contribute equally to KL, from N(1, 4) for V = x^2 / 2: e^{-2t} = v - 1 - log v, v = 1 + 3 e^{-2t}."""
    lo, hi = 0.01, 5.0
    for _ in range(60):
        t = (lo + hi) / 2
        shrink = math.exp(-2 * t)
        lo, hi = (t, hi) if 2 * shrink > math.log1p(3 * shrink) else (lo, t)
    return t


def state(kind, *shape):
    """A position of this shape, and what a method of this kind remembers."""
    more = len(kind._fields) - 2
    return kind(normal(*shape), 0.1 * normal(*shape, seed=1), *[0.1 + normal(*shape, seed=2 + i).square() for i in range(more)])


def memory(kind, **more):
    return Recipe(lambda: {"z": state(kind, 5, 2), **more})


def examples():
    return {"X": normal(6, 3), "y": torch.tensor([1, -1, 1, 1, -1, -1])}


def classified():
    return {"w": normal(4, 3), **examples()}


class Clocked(NamedTuple):
    x: torch.Tensor
    clock: torch.Tensor


def five_at_rest():
    return {"z": mo.at_rest(normal(5, 4, 2), mo.Moments)}


def turned(k, x):
    """Sign descent with the promised length, |grad f|_1 / L with L = 2, on the turned valley of the exercise."""
    g = (x @ torch.tensor([[0.505, 0.495], [0.495, 0.505]], dtype=x.dtype))
    return x - g.abs().sum(-1, keepdim=True) / 2 * torch.sign(g)


CURVES = {"mu": 0.5, "L": 2.0}
MOMENTUM = {
    "adam.adam": memory(mo.Moments),
    "adam.adam_l2": memory(mo.Moments, decay=0.1),
    "adam.adamw": memory(mo.Moments, decay=0.1),
    "adam.amsgrad": memory(mo.MaxMoments),
    "adam.preconditioner": memory(mo.Moments),
    "adam.sgd_decay": Recipe(lambda: {"decay": 0.1}),
    "adam.stability_limit": Recipe(lambda: {"beta1": 0.9}),
    "adam.step_bound": Recipe(lambda: {"beta1": 0.9, "beta2": 0.999}),
    "bessel.bessel_profile": Recipe(lambda: {"s": torch.linspace(0, 5, 6)}, other={"r": 2.0, "nodes": 6}),
    "bessel.nesterov_profile": Recipe(
        lambda: {"t": torch.linspace(0, 5, 6), "mu": 1.0, "h": 0.1}, other={"r": 2.0}, shape=(6,)),
    "bessel.nesterov_quadratic": Recipe(lambda: {"t": torch.linspace(0, 5, 6)[:, None], "x0": normal(2), "mu": torch.tensor([0.5, 2.0])}),
    "descent.mirror_descent": Recipe(lambda: {"x": normal(5, 2).abs()}, other={"mirror": mo.simplex}),
    "descent.power": Recipe(lambda: {"p": 3.0}),
    "exercises.slowest_mode": Recipe(lambda: {"friction": 2.0}),
    "exercises.stable_up_to_ten": Recipe(lambda: {"beta1": 2 / 3}),
    "exercises.turned_valley": Recipe(lambda: {"step": turned}),
    "fields.adam_energy": memory(mo.Moments),
    "fields.adam_flow": memory(mo.Moments),
    "fields.heavy_ball_flow": memory(mo.Inertia, friction=0.5),
    "fields.nesterov_flow": memory(mo.Inertia),
    "inertia.heavy_ball": memory(mo.Inertia, momentum=0.9),
    "inertia.heavy_ball_tuning": Recipe(lambda: dict(CURVES)),
    "inertia.nesterov": memory(mo.Inertia),
    "inertia.nesterov_constant": memory(mo.Inertia, momentum=0.9),
    "inertia.nesterov_torch": memory(mo.Inertia, momentum=0.9),
    "inertia.nesterov_tuning": Recipe(lambda: dict(CURVES)),
    "landscapes.nearest": Recipe(lambda: {"y": normal(4, 2, seed=1)}),
    "landscapes.valley": Recipe(lambda: {"kappa": 10.0}),
    "learning.accuracy": Recipe(classified),
    "learning.distance_to": Recipe(lambda: {"target": normal(3, 2)}, then=lambda: (normal(4, 3, 2, seed=1),)),
    "learning.factorisation": Recipe(lambda: {"M": normal(3, 2)}, then=lambda: (normal(4, 5, 2, seed=1),)),
    "learning.logistic": Recipe(examples, then=lambda: (normal(4, 3, seed=1),)),
    "learning.margin": Recipe(classified, other={"order": math.inf}),
    "norms.linf_smoothness": Recipe(lambda: {"H": torch.tensor([[2.0, 0.3], [0.3, 1.0]])}),
    "norms.rotated": Recipe(lambda: {"curvatures": torch.tensor([2.0, 1.0]), "angle": 0.5}),
    "norms.steepest_flow": Recipe(lambda: {"geometry": mo.l2}),
    "norms.steepest_step": Recipe(lambda: {"L": 2.0, "geometry": mo.linf}),
    "phase.at_rest": Recipe(lambda: {"kind": mo.Moments}),
    "quasar.quasar_energy": Recipe(lambda: {"z": state(mo.Inertia, 5, 2)}, other={"minimiser": torch.ones(2), "lowest": 1.0}),
    "quasar.quasar_gap": Recipe(lambda: {"slope": normal(5, 2)}),
    "race.five": Recipe(five_at_rest),
    "race.memoryless": Recipe(then=lambda: (1, state(mo.Inertia, 5, 2))),
    "race.timed": Recipe(lambda: {"step": lambda k, z: z, "tol": 0.1}, then=lambda: (1, Clocked(normal(5, 2), torch.zeros(5)))),
    "rates.damping_exponent": Recipe(lambda: {"mu": normal(4).abs(), "friction": 1.0}),
    "rates.descent_radius": Recipe(lambda: {"lam": normal(4).abs()}),
    "rates.descent_tuning": Recipe(lambda: dict(CURVES)),
    "rates.frozen_adam_radius": Recipe(lambda: {"lam": normal(4).abs(), "beta1": 0.9}),
    "rates.heavy_ball_radius": Recipe(lambda: {"lam": normal(4).abs(), "momentum": 0.9}),
    "rates.nesterov_exponent": Recipe(lambda: {"gamma": 3.0, "r": 3.0}),
    "rates.nesterov_quadratic_tuning": Recipe(lambda: dict(CURVES)),
    "rates.nesterov_radius": Recipe(lambda: {"lam": normal(4).abs(), "momentum": 0.9}),
    "spectral.muon": Recipe(lambda: {"z": state(mo.MatrixMoment, 3, 4)}, other={"orthogonal": mo.polar}),
    "spectral.newton_schulz": Recipe(lambda: {"G": normal(3, 4)}),
    "spectral.polar": Recipe(lambda: {"G": normal(3, 4)}, other={"tol": 2.0}),
    "spectral.spectral_descent": Recipe(lambda: {"W": normal(3, 4)}, other={"orthogonal": mo.newton_schulz}),
    "stationary.batch_growth": Recipe(lambda: {"rho": 5.0, "K": 3}),
    "stationary.correlation": Recipe(lambda: {"gradients": normal(4, 2)}),
    "stationary.growth_ratio": Recipe(lambda: {"gradients": normal(4, 2)}),
    "stationary.matching_lr": Recipe(lambda: {"lam": 1.0, "momentum": 0.5}),
    "stationary.stationary_variance": Recipe(lambda: {"lam": 1.0, "noise": 0.5}),
}

CHAPTERS = {"gradient_flows": GRADIENT_FLOWS, "momentum": MOMENTUM, "transformers": transformers.CHAPTER}
NAMES = {}
RECIPES = {f"companion.training.{chapter}.{name}": recipe for chapter, recipes in CHAPTERS.items() for name, recipe in recipes.items()}
