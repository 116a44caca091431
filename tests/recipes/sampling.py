"""Valid calls of sampling, where names and hints of the parameters do not say enough. The form is in tests/fuzzing.py."""

import functools
import math

import torch

import companion.sampling.generative as ge
import companion.sampling.quantization as qz
import companion.sampling.sliced as sl
from companion.gaussians import Gaussian, mixture
from companion.kernels import gaussian_kernel
from companion.sampling import langevin as lg
from companion.sampling import particle_flows as pf
from companion.sampling.generative import digits as gd
from companion.state import each
from tests.fuzzing import Recipe, normal


def plane(n=5):
    """Sites of the unit square, in general position."""
    return torch.rand(n, 2, generator=torch.Generator().manual_seed(3))


def rows(many, each):
    """Sites in rows, every second one moved by half a step."""
    across = (torch.arange(each) + 0.25) / each + torch.tensor([[0.0], [0.5 / each]]).repeat(many // 2 + 1, 1)[:many]
    up = ((torch.arange(many) + 0.5) / many)[:, None].expand(many, each)
    return torch.stack([across, up], -1).reshape(-1, 2).double()


def grid():
    return qz.pixel_grid(torch.ones(6, 8) + torch.rand(6, 8, generator=torch.Generator().manual_seed(1)))


def ordered(n=4):
    return (torch.arange(n) + 0.5) / n + 0.1 * torch.rand(n, generator=torch.Generator().manual_seed(2)) - 0.05


def shares(n=5):
    return 0.2 + torch.rand(n, generator=torch.Generator().manual_seed(4))


def cells(**more):
    return lambda: {"y": plane(), "w": 0.01 * shares(), "grid": grid(), **more}


TRIANGLE = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 2.0]])
UNEVEN_VALUES = torch.tensor([[1.0, 2.0, 1.5], [3.0, 1.0, 0.5]])
PLANE = {"a": shares(), "w": 0.01 * shares(), "density": qz.pixels(UNEVEN_VALUES, hi=(2.0, 3.0))}
POINTS = {"a": shares(30)}
FEW = {"y": plane, "grid": grid}
LINE = {"y": ordered, "law": lambda: qz.tilted(0.5)}
NAMES = {"law": lambda: qz.tilted(0.5), "grid": grid}

QUANTIZATION = {
    "cells.polygons": Recipe(lambda: {"y": plane()}, other=PLANE),
    "cells.power_cells": Recipe(lambda: {"y": plane()}, other=PLANE),
    "constants.polygon_moment": Recipe(lambda: {"sides": 6}),
    "constants.plane_matching": Recipe(lambda: {"n": 9}, other={"samples": 1}),
    "densities.pixels": Recipe(lambda: {"values": UNEVEN_VALUES}, other={"lo": (-1.0, -2.0), "hi": (2.0, 3.0)}),
    "densities.uniform": Recipe(lambda: {"corners": TRIANGLE}, other={"corners": TRIANGLE / 2}),
    "entropic.entropic": Recipe(lambda: {"y": plane(), "grid": grid(), "eps": 0.05}, other={"a": shares(), "tol": 1e-2},
                                idle={"steps": "a limit that is not reached"}),
    "exercises.break_the_line": Recipe(lambda: {"shift": 0.009 * normal(16, 2).clamp(-1, 1)}),
    "exercises.fewest": Recipe(lambda: {"n": 1604}),
    "exercises.hexagons": Recipe(lambda: {"y": rows(43, 38)}),
    "exercises.lloyd_rate": Recipe(lambda: {"rate": 0.97552826}, idle={"n": "another n has another rate, and the check says no"}),
    "grid.equal_weights": Recipe(lambda: {"y": plane(), "grid": grid()}),
    "grid.free_weights": Recipe(lambda: {"y": plane(), "grid": grid()}),
    "grid.grid_barycentres": Recipe(cells()),
    "grid.grid_cells": Recipe(cells()),
    "grid.grid_cost": Recipe(cells()),
    "grid.grid_labels": Recipe(cells()),
    "grid.grid_step": Recipe(lambda: {"y": plane(), "weights": qz.equal_weights, "grid": grid()}),
    "grid.move_site": Recipe(lambda: {"x": qz.with_weights(plane(), grid=grid()), "i": 2, "p": torch.tensor([0.2, 0.3]), "grid": grid()}),
    "rasters.pixel_grid": Recipe(lambda: {"values": UNEVEN_VALUES}, other={"lo": (-1.0, -2.0), "hi": (2.0, 3.0)}),
    "grid.weighted_step": Recipe(lambda: {"x": qz.with_weights(plane(), grid=grid()), "equal": 1.0, "grid": grid()}),
    "grid.with_weights": Recipe(lambda: {"y": plane(), "grid": grid()}),
    "kernel_points.cosine_errors": Recipe(lambda: {"x": normal(5, 2), "frequencies": normal(3, 2)}),
    "kernel_points.gaussian_mmd2": Recipe(then=lambda: (normal(5, 2),)),
    "kernel_points.ksd2": Recipe(then=lambda: (normal(5, 2),)),
    "kernel_points.minimise": Recipe(lambda: {"E": qz.gaussian_mmd2(), "x": normal(5, 2)}, other={"steps": 2, "tol": 0.1}),
    "line.cell_moments": Recipe(lambda: {"y": ordered()}),
    "line.equal_error": Recipe(lambda: {"y": ordered()}),
    "line.equal_quantizer": Recipe(idle={"device": "the numbers are the same on every device"}),
    "line.free_quantizer": Recipe(other={"tol": 1e-3}, idle={"steps": "a limit that is not reached"}),
    "line.line_energy_distance": Recipe(lambda: {"y": ordered()}),
    "line.line_error": Recipe(lambda: {"y": ordered()}),
    "line.line_power_lloyd": Recipe(lambda: {"y": ordered()}),
    "line.lloyd_max": Recipe(lambda: {"y": ordered()}),
    "lloyd.lloyd": Recipe(lambda: {"y": plane()}, other=PLANE),
    "lloyd.power_lloyd": Recipe(lambda: {"y": plane()}, other=PLANE),
    "lloyd.pythagoras": Recipe(lambda: {"y": plane()}, other=PLANE),
    "lloyd.quantization_error": Recipe(lambda: {"y": plane()}, other=PLANE),
    "lloyd.w2_squared": Recipe(lambda: {"y": plane()}, other=PLANE),
    "points.inertia": Recipe(lambda: {"y": plane(3), "x": normal(30, 2)}, other=POINTS),
    "points.kmeans_step": Recipe(lambda: {"y": plane(3), "x": normal(30, 2)}, other=POINTS),
    "points.labels": Recipe(lambda: {"y": plane(3), "x": normal(30, 2)}),
    "points.uniform_kmeans_step": Recipe(lambda: {"y": plane(3), "x": normal(30, 2)}, other=POINTS),
    "semidiscrete.semidiscrete": Recipe(lambda: {"y": plane()}, other={**PLANE, "tol": 1e-2}, idle={"steps": "a limit that is not reached"}),
}


def rays(L=6, d=2):
    return sl.iid(normal(L, d, seed=7))


def circles():
    return sl.great_circles(normal(4, 2, 3, seed=8))


def globe(seed=9):
    return sl.to_sphere(normal(5, 3, seed=seed))


def ball(seed=0):
    return 0.3 * normal(5, 2, seed=seed).clamp(-1, 1)


def photo(seed=0):
    return torch.rand(3, 4, 3, generator=torch.Generator().manual_seed(seed))


def two_laws(d=2):
    return {"p": Gaussian(torch.zeros(d), torch.eye(d)), "q": Gaussian(torch.ones(d), 2 * torch.eye(d))}


def estimator():
    return {"z": normal(3, 5, 4, dtype=torch.float64), "pair": sl.spiked_pair(4), "d": 3, "k": 2}


def noisy():
    return {**estimator(), "xi": normal(3, 5, 4, seed=3, dtype=torch.float64)}


def pair_of_clouds():
    return {"x": normal(5, 2), "y": normal(4, 2, seed=1), "directions": rays()}


SHORT = torch.tensor([30.0])
SLICED = {
    "busemann.busemann_ball": Recipe(lambda: {"x": ball(), "directions": rays()}),
    "busemann.busemann_gaussian": Recipe(lambda: {"mean": normal(4), "std": normal(4).abs(), "start": (0.0, 1.0), "speed": (0.6, 0.8)}),
    "busemann.busemann_lorentz": Recipe(lambda: {"x": sl.lorentz(ball()), "directions": rays()}),
    "busemann.horospherical": Recipe(lambda: {"x": ball(), "directions": rays()}),
    "busemann.hsw2_squared": Recipe(lambda: {"x": ball(), "y": ball(1), "directions": rays()}),
    "busemann.hyperbolic_distance": Recipe(lambda: {"x": ball(), "y": ball(1)}),
    "busemann.lorentz": Recipe(lambda: {"x": ball()}),
    "closed_forms.gaussian_slices": Recipe(lambda: {**two_laws(), "directions": rays()}),
    "closed_forms.line_critical": Recipe(lambda: {"cells": normal(4), "directions": rays()}, other={"axis": 1}),
    "closed_forms.max_commuting": Recipe(lambda: {"a": normal(3).abs(), "b": normal(3, seed=1).abs()}),
    "closed_forms.plane_gaussians": Recipe(lambda: {"a": 2.0, "b": 1.0, "c": 0.5}),
    "closed_forms.relative_std": Recipe(lambda: {"d": 3, "L": 5}),
    "closed_forms.slice_variance": Recipe(lambda: {"m": normal(3)}),
    "closed_forms.spiked_gaussians": Recipe(lambda: {"a": 2.0, "c": 0.5, "d": 3}),
    "closed_forms.translates": Recipe(lambda: {"m": normal(3)}),
    "colour.colour_step": Recipe(lambda: {"x": normal(5, 3), "xi": normal(5, 3, seed=1), "target": normal(4, 3, seed=2)}),
    "colour.colour_transfer": Recipe(lambda: {"image": photo(), "palette": photo(1)}, other={"steps": 1}),
    "colour.picture": Recipe(lambda: {"x": photo().reshape(-1, 3), "height": 3}),
    "colour.pixels": Recipe(lambda: {"image": photo()}),
    "directions.half_circle": Recipe(lambda: {"L": 4}),
    "directions.random_directions": Recipe(lambda: {"L": 4, "d": 2}, other={"rule": sl.frames}),
    "distances.max_sliced": Recipe(pair_of_clouds, other={"steps": 3}),
    "distances.project": Recipe(lambda: {"directions": rays()}),
    "distances.quantile_sw2_squared": Recipe(lambda: {"cells": sl.normal_cells(5, dtype=torch.float32), "directions": rays()}),
    "distances.slices": Recipe(pair_of_clouds),
    "distances.sw1": Recipe(pair_of_clouds),
    "distances.sw2_squared": Recipe(pair_of_clouds),
    "estimator.add_equispaced": Recipe(noisy),
    "estimator.add_frame": Recipe(noisy),
    "estimator.add_iid": Recipe(noisy),
    "estimator.estimates": Recipe(estimator),
    "estimator.spiked_pair": Recipe(lambda: {"D": 4}),
    "estimator.translated_pair": Recipe(lambda: {"D": 4}),
    "exercises.check_directions": Recipe(lambda: {"L": 19412}, idle={"d": "another d needs another L, and the check says no", "tol": "the same"}),
    "exercises.check_gaussians": Recipe(lambda: {"value": sl.plane_gaussians(9.0, 1.0, 1.0)},
                                        idle={"a": "another a has another value, and the check says no", "b": "the same", "tol": "passed or not"}),
    "exercises.check_invisible": Recipe(lambda: {"x": torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]),
                                                 "y": torch.tensor([[0.0, 0.0, 3.0], [1.0, 1.0, 4.0]])}),
    "flows.fresh_step": Recipe(lambda: {"L": 2}, other={"rule": sl.frames, "L": 3}),
    "flows.quantile_velocity": Recipe(lambda: {"cells": sl.normal_cells(5, dtype=torch.float32), "directions": rays()}),
    "flows.velocity": Recipe(pair_of_clouds),
    "high_dimension.directions_needed": Recipe(lambda: {"tol": 0.1}),
    "lamp.dial": Recipe(lambda: {"angle": SHORT}),
    "lamp.matched": Recipe(lambda: {"angle": SHORT}),
    "lamp.ray": Recipe(lambda: {"angle": SHORT}),
    "lamp.shadow": Recipe(lambda: {"angle": SHORT, "distance": 2.0}),
    "lamp.with_the_one_across": Recipe(lambda: {"angle": SHORT}),
    "sphere.great_circles": Recipe(lambda: {"xi": normal(4, 2, 3)}),
    "sphere.sphere_descent": Recipe(lambda: {"E": lambda x: x.square().mean((-1, -2))}, then=lambda: (0.5, globe())),
    "sphere.sphere_velocity": Recipe(lambda: {"x": globe(), "y": globe(1), "circles": circles()}),
    "sphere.sphere_velocity_uniform": Recipe(lambda: {"x": globe(), "circles": circles()}),
    "sphere.ssw2_squared": Recipe(lambda: {"x": globe(), "y": globe(1), "circles": circles()}),
    "sphere.ssw2_squared_uniform": Recipe(lambda: {"x": globe(), "circles": circles()}),
    "sphere.turns": Recipe(lambda: {"x": globe(), "circles": circles()}),
    "sphere.two_diracs": Recipe(lambda: {"angle": 1.0}, other={"points": 3}),
}

def law():
    return mixture(torch.tensor([0.4, 0.6]), torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), torch.tensor([0.5, 0.8]))


def points(d=2):
    return {"x": normal(5, d)}


def stepping():
    return {"score": lambda s, x: -x, "x": normal(5, 2), "xi": normal(5, 2, seed=1), "s": 0.8, "r": 0.5}


def covariances():
    return {"A": torch.tensor([[2.0, 0.3], [0.3, 1.0]]), "B": torch.tensor([[1.0, -0.2], [-0.2, 0.5]])}


def moving():
    return {"t": 0.4, "x": normal(5, 2), **covariances()}


def images(n=4, seed=0):
    return normal(n, 6, seed=seed).clamp(-1, 1)


def theta():
    return gd.network(generator=torch.Generator().manual_seed(0), d=6, width=5)


def classes(n=4):
    return torch.arange(n) % 3


def clock(t):
    return ge.uniform_clock(t, T=1.0)


TIMES = torch.tensor([0.1, 0.5, 0.9])
GENERATIVE = {
    "closed_forms.biased_mean": Recipe(lambda: {"e": TIMES, "T": TIMES}),
    "closed_forms.denoising_floor": Recipe(lambda: {"std": 0.5, "s": TIMES}),
    "closed_forms.flow_line": Recipe(lambda: {"z": TIMES, "s": TIMES, "m": 1.0, "std": 0.5, "T": 2.0}),
    "closed_forms.from_noise": Recipe(lambda: {"m": 1.0, "std": 0.5, "T": 2.0}),
    "closed_forms.girsanov_bound": Recipe(lambda: {"e": TIMES, "T": TIMES}),
    "closed_forms.noised_std": Recipe(lambda: {"std": 0.5, "s": TIMES}),
    "closed_forms.normal": Recipe(lambda: {"m": 1.0, "std": 0.5}),
    "closed_forms.sampled_variance": Recipe(lambda: {"step": ge.euler_step, "n": 3, "std": 0.5, "clock": clock}),
    "closed_forms.start_kl": Recipe(lambda: {"m": 1.0, "std": 0.5, "T": 2.0}),
    "diffusion.ddim_step": Recipe(stepping),
    "diffusion.euler_step": Recipe(stepping),
    "diffusion.exact_score": Recipe(lambda: {"target": law()}, then=lambda: (0.5, normal(5, 2))),
    "diffusion.heun_step": Recipe(stepping),
    "diffusion.log_snr_clock": Recipe(lambda: {"t": TIMES, "T": 2.0}),
    "diffusion.noised": Recipe(lambda: {"target": law(), "s": 0.5}),
    "diffusion.posterior_mean": Recipe(lambda: {"score": lambda s, x: -x, "s": 0.5}),
    "diffusion.probability_flow": Recipe(lambda: {"score": lambda s, x: -x}, then=lambda: (0.5, normal(5, 2))),
    "diffusion.sampler": Recipe(lambda: {"step": ge.sde_step, "score": lambda s, x: -x, "clock": clock},
                                then=lambda: (1, normal(5, 2), normal(5, 2, seed=1))),
    "diffusion.sde_step": Recipe(stepping),
    "diffusion.spread": Recipe(lambda: {"target": law(), "s": 0.5}),
    "diffusion.uniform_clock": Recipe(lambda: {"t": TIMES, "T": 2.0}),
    "digits.film.another": Recipe(lambda: {"s": gd.begin(images())}),
    "digits.film.begin": Recipe(lambda: {"z": images()}),
    "digits.film.frame": Recipe(lambda: {"s": gd.begin(images()), "theta": theta(), "label": 1, "w": 0.5, "steps": 5}),
    "digits.film.sheet": Recipe(lambda: {"x": normal(4, 64)}, other={"columns": 2, "side": 4}),
    "digits.film.spread": Recipe(lambda: {"x": images()}),
    "digits.network.guess": Recipe(lambda: {"x": images(), "c": torch.eye(10)[:4], "theta": theta()}),
    "digits.network.matching_error": Recipe(lambda: {"D": lambda t, x, c: x, "x1": images(), "label": classes(), "z": images(seed=1), "t": 0.5}),
    "digits.network.network": Recipe(),
    "digits.network.one_hot": Recipe(lambda: {"label": classes(), "like": images()}),
    "digits.network.trained": Recipe(lambda: {"theta": theta(), "x": images(), "label": classes(), "batch": 3}),
    "digits.network.velocity": Recipe(lambda: {"x": images(), "theta": theta(), "label": 1}),
    "digits.quality.judge": Recipe(lambda: {"x": images(), "label": classes()}, then=lambda: (images(seed=1),)),
    "digits.quality.named": Recipe(lambda: {"x": images(), "label": classes(), "means": images(10)}),
    "digits.quality.nearest": Recipe(lambda: {"x": images(), "y": images(seed=1)}),
    "digits.quality.recited": Recipe(lambda: {"x": images(), "label": classes(), "known": images(6), "classes": classes(6)}),
    "digits.quality.split": Recipe(lambda: {"n": 1200}),
    "exercises.check_far_from_optimal": Recipe(lambda: {"A": ge.ellipse(400.0, 0.0), "B": ge.ellipse(400.0, 2.0)},
                                               idle={"factor": "passed or not"}),
    "exercises.check_floor": Recipe(lambda: {"value": 31.4159265}, idle={"d": "another d has another floor, and the check says no",
                                                                          "a": "the same", "b": "the same", "tol": "passed or not"}),
    "exercises.check_guidance": Recipe(lambda: {"w": 3.321928}, idle={"s": "another s needs another w, and the check says no", "S": "the same",
                                                                      "std": "the same", "tol": "passed or not"}),
    "guidance.guided": Recipe(lambda: {"conditional": lambda s, x: -x, "unconditional": lambda s, x: 1 - x, "w": 0.5},
                              then=lambda: (0.5, normal(5, 2))),
    "guidance.guided_mean": Recipe(lambda: {"w": 1.0, "m": 1.0, "std": 0.5}),
    "guidance.guided_std": Recipe(lambda: {"w": 1.0, "std": 0.5}),
    "guidance.tilted": Recipe(lambda: {"w": 1.0, "m": 1.0, "std": 0.5}),
    "matching.batch_cost": Recipe(lambda: {"m": 3}),
    "matching.batch_pairs": Recipe(lambda: {"x0": normal(6, 2), "x1": normal(6, 2, seed=1), "m": 3}),
    "matching.independent": Recipe(lambda: {"p": law(), "q": Gaussian(torch.zeros(2), torch.eye(2))}),
    "matching.interpolate": Recipe(lambda: {"x0": normal(5, 2), "x1": normal(5, 2, seed=1)}),
    "matching.matching_loss": Recipe(lambda: {"x0": normal(5, 2), "x1": normal(5, 2, seed=1)}),
    "matching.normal_order_means": Recipe(lambda: {"m": 3}),
    "matching.pairs_velocity": Recipe(lambda: {"x0": normal(4, 2), "x1": normal(4, 2, seed=1), "spread": 0.5}),
    "memory.agreement": Recipe(lambda: {"s": TIMES, "m": 2.0}),
    "memory.collapse_time": Recipe(lambda: {"n": 20, "d": 5.0}),
    "memory.empirical_score": Recipe(lambda: {"data": normal(4, 2)}, then=lambda: (0.5, normal(5, 2)), other={"present": 2}),
    "memory.own_weight": Recipe(lambda: {"s": 0.5, "data": normal(4, 2), "xi": normal(4, 2, seed=1)}),
    "memory.speciation_time": Recipe(lambda: {"m": 2.0}),
    "memory.weights": Recipe(lambda: {"s": 0.5, "data": normal(4, 2)}, other={"present": 2}),
    "rectified.costs_by_angle": Recipe(lambda: {"kappa": 3.0, "angle": 30.0}),
    "rectified.ellipse": Recipe(lambda: {"kappa": 3.0, "angle": 30.0}),
    "rectified.geometric_mean": Recipe(covariances),
    "rectified.matching_floor": Recipe(covariances),
    "rectified.optimal_velocity": Recipe(moving),
    "rectified.plane_cost": Recipe(lambda: {"A": covariances()["A"], "T": covariances()["B"]}),
    "rectified.plane_map": Recipe(covariances),
    "rectified.plane_optimal_map": Recipe(covariances),
    "rectified.plane_root": Recipe(lambda: {"N": covariances()["A"]}),
    "rectified.plane_velocity": Recipe(moving),
    "rectified.rectified_cost": Recipe(covariances),
    "rectified.rectified_map": Recipe(covariances),
    "rectified.rectified_velocity": Recipe(moving),
    "rectified.residual": Recipe(lambda: {"t": 0.4, "a": 1.0, "b": 2.0}),
    "rectified.straight_velocity": Recipe(lambda: {"t": 0.4, "x": normal(5, 2), "T": covariances()["A"]}),
    "rectified.turned_costs": Recipe(lambda: {"kappa": 3.0, "angle": 30.0}),
    "stretching.bumps_cdf": Recipe(lambda: {"y": TIMES, "m": 1.0, "s": 0.5}),
    "stretching.bumps_velocity": Recipe(lambda: {"m": 1.0, "s": 0.5}),
    "stretching.coupling_inverse": Recipe(lambda: {"scale": torch.tanh, "shift": torch.sin}),
    "stretching.coupling_layer": Recipe(lambda: {"scale": torch.tanh, "shift": torch.sin}),
    "stretching.log_middle_slope": Recipe(lambda: {"t": TIMES, "m": 1.0, "s": 0.5}),
    "stretching.planar_layer": Recipe(lambda: {"u": TIMES[:2], "w": TIMES[1:], "b": 0.3}),
    "stretching.with_log_det": Recipe(then=lambda: (0.5, normal(5, 3))),
}

def alone(seed=0):
    return pf.Balls(*normal(5, 1, seed=seed).split([1, 1, 3]))


def gram():
    x = normal(4, 2, dtype=torch.float64)
    return gaussian_kernel(1.0)(x, x)


def field():
    return pf.race_start(normal(4, 2))


@functools.cache
def course():
    return pf.track(pf.ring(), generator=torch.Generator().manual_seed(0), seen=6, judge=8)


def on_rings():
    return pf.ring_start(6, generator=torch.Generator().manual_seed(0))


def descending():
    return {"kernel": gaussian_kernel(1.0), "target_mean": pf.gaussian_mean(length=1.0)}


def three_points():
    return (normal(3, 2),)


PAIR = {"x": lambda: normal(4, 2, dtype=torch.float64), "y": lambda: normal(3, 2, seed=1, dtype=torch.float64)}
WEIGHTS = {"a": torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64), "b": torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)}
SADDLE = (0.3281837146291793, 0.5312734858516717)
TOLD, SHAPES = "passed or not", "it shapes the target's functions: no number is given"
PARTICLE_FLOWS = {
    "escape.balls": Recipe(lambda: {"x": alone()}),
    "escape.hills": Recipe(lambda: {"grid": torch.linspace(-1.0, 2.0, 5)}),
    "escape.roll": Recipe(lambda: {"x": alone(), "xi": alone(1), "step": 0.1}),
    "exercises.check_hidden_minimum": Recipe(lambda: {"x": torch.tensor(SADDLE, dtype=torch.float64)}, idle={"law": TOLD, "tol": TOLD}),
    "exercises.check_length": Recipe(lambda: {"length": 1.3048486337590601}, idle={"r": TOLD, "to": TOLD, "within": TOLD}),
    "exercises.check_radius": Recipe(lambda: {"value": 29 / (math.e - 1)}, idle={"n": TOLD, "d": "the simplex does not know it", "tol": TOLD}),
    "kernel_kl.kernel_kl": Recipe(lambda: {**{n: make() for n, make in PAIR.items()}, "kernel": gaussian_kernel(1.0)}, other=WEIGHTS),
    "kernel_kl.kkl": Recipe(lambda: {"y": PAIR["y"](), "kernel": gaussian_kernel(1.0)}, then=lambda: (PAIR["x"](),)),
    "kernel_kl.trace_xlogx": Recipe(lambda: {"K": gram()}, other={"b": WEIGHTS["a"]}),
    "ksd.ksd_field": Recipe(then=lambda: (0.5, normal(5, 2))),
    "ksd.lbfgs": Recipe(lambda: {"steps": 3}, shape=(4, 5, 2)),
    "mmd_flow.escape_time": Recipe(lambda: {"r": 2.0, "to": 0.1}),
    "mmd_flow.gaussian_mean": Recipe(then=three_points),
    "mmd_flow.gaussians_mmd2": Recipe(two_laws),
    "mmd_flow.mean_gaussian_kernel": Recipe(lambda: {"delta": normal(2), "covariance": covariances()["A"]}),
    "mmd_flow.mmd_descent": Recipe(descending, then=lambda: (0.5, normal(5, 2))),
    "mmd_flow.mmd_flow": Recipe(then=lambda: (0.5, normal(5, 2))),
    "mmd_flow.noise_injection": Recipe(lambda: {**descending(), "step": 0.1}, then=lambda: (1, normal(5, 2), normal(5, 2, seed=1))),
    "mmd_flow.sample_mean": Recipe(then=three_points),
    "mmd_flow.witness": Recipe(descending, then=three_points),
    "race.cut": Recipe(lambda: {"move": normal(5, 2)}),
    "race.race": Recipe(lambda: {"on": course()}, then=lambda: (1, field(), pf.Racers(*normal(6, 4, 2, seed=1))), other={"beta": 0.5}),
    "race.race_ground": Recipe(lambda: {"on": course()}),
    "race.race_panels": Recipe(lambda: {"z": field(), "on": course()}),
    "race.race_start": Recipe(),
    "race.tournament": Recipe(
        lambda: {"target": pf.two_modes(), "n": 4, "length": 0.5, "generator": torch.Generator().manual_seed(0), "repeats": 2, "steps": 2,
                 "judge": 10}, other={"h": 0.01, "repeats": 3, "steps": 3, "judge": 12}),
    "race.track": Recipe(lambda: {"target": pf.ring()}),
    "rings.kkl_on_rings": Recipe(lambda: {"x": on_rings(), "steps": 2}),
    "rings.mmd_on_rings": Recipe(lambda: {"x": on_rings(), "steps": 2}),
    "rings.rings": Recipe(other={"n": 6}),
    "svgd.svgd": Recipe(then=lambda: (0.5, normal(5, 2))),
    "svgd.svgd_bilinear": Recipe(then=lambda: (0.5, normal(5, 2))),
    "targets.banana": Recipe(idle=dict.fromkeys(("bend", "width", "thickness"), SHAPES)),
    "targets.ring": Recipe(idle=dict.fromkeys(("radius", "width"), SHAPES)),
    "targets.two_modes": Recipe(idle=dict.fromkeys(("distance", "variance"), SHAPES)),
}

def metropolis(seed=0):
    return lg.Metropolis(normal(5, 2, seed=seed), normal(5, seed=seed))


def with_covariance(seed=0):
    return lg.WithCovariance(normal(5, 2, seed=seed), covariances()["A"])


def bowl(x):
    return x.square().sum(-1) / 2


def moments():
    return torch.tensor([[0.5, 0.8], [-1.0, 2.0]])


def fives():
    return torch.tensor([[0.5, -0.2, 0.8, 0.1, 1.5]])


def linear():
    return {"step": lambda k, z, xi: each(lambda part, e: part / 2 + e, z, xi), "z": normal(2)}


def swirling():
    return {"S": covariances()["A"], "J": torch.tensor([[0.0, -0.7], [0.7, 0.0]])}


def averaged(V, h):
    return lambda k, z, xi: lg.leimkuhler_matthews(V, h)(k, z, xi)


NOISE = {"noise": "the step says what noise it takes: any other shape is refused"}
LANGEVIN = {
    "birth_death.birth_death": Recipe(lambda: {"V": bowl, "h": 0.5, "bandwidth": 0.5}, then=lambda: (1, normal(5, 2), normal(5, 2, seed=1))),
    "birth_death.birth_death_rate": Recipe(lambda: {"V": bowl, "bandwidth": 0.5}),
    "exercises.check_friction": Recipe(lambda: {"gamma": 2.0}, other={"frequencies": (2.0, 5.0)}, idle={"tol": TOLD}),
    "exercises.check_scheme": Recipe(lambda: {"scheme": averaged}, idle={"h": TOLD, "curvatures": TOLD, "tol": TOLD}),
    "exercises.check_times": Recipe(lambda: {"fisher_rao": 1.7273850243289064, "langevin": 3.0695027515828017}, other={"start": (0.0, 50.0)},
                                    idle={"tol": TOLD}),
    "exercises.check_ula_step": Recipe(lambda: {"h": 2 * (1 - 1 / 1.1)}, idle={"tol": TOLD}),
    "kinetic.best_friction": Recipe(lambda: {"curvatures": torch.tensor([1.0, 4.0])}),
    "linear.contraction": Recipe(linear, idle=NOISE),
    "linear.drift_gap": Recipe(lambda: {"z": normal(2)}),
    "linear.linear_step": Recipe(linear, idle=NOISE),
    "linear.stationary_covariance": Recipe(linear, idle=NOISE),
    "overdamped.mala": Recipe(then=lambda: (1, metropolis(), metropolis(1))),
    "overdamped.mala_speed": Recipe(lambda: {"a": torch.tensor([0.2, 0.6])}),
    "overdamped.squared_jump": Recipe(lambda: {"z": metropolis(), "xi": metropolis(1)}),
    "overdamped.ula_bound": Recipe(lambda: {"k": 3, "kl0": 1.0, "h": 0.01, "L": 3.0}),
    "overdamped.ula_covariance": Recipe(lambda: {"S": covariances()["A"]}),
    "plane.cloud_and_covariance": Recipe(
        lambda: {"z": with_covariance(), "xi": with_covariance(1), "E": covariances()["B"], "Q": covariances()["A"]}),
    "plane.ellipse": Recipe(lambda: {"C": covariances()["A"]}),
    "plane.euler_transition": Recipe(lambda: {"B": covariances()["B"], "C": covariances()["A"]}),
    "plane.exact_transition": Recipe(lambda: {"B": covariances()["B"], "C": covariances()["A"]}),
    "plane.plane_drift": Recipe(lambda: {"a": 0.7, "kappa": 2.0}),
    "plane.plane_exponential": Recipe(lambda: {"B": covariances()["B"], "s": 0.5}),
    "plane.plane_gap": Recipe(lambda: {"a": 0.7, "kappa": 2.0}),
    "plane.plane_root": Recipe(lambda: {"Q": covariances()["A"]}),
    "plane.quarter_turn": Recipe(lambda: {"a": 0.7}),
    **{f"sandbox.{name}": Recipe(lambda: {"x": moments()})
       for name in ("fisher_rao_law", "fisher_rao_moments", "gaussian_kl", "gaussian_w2_squared", "langevin_law", "langevin_moments",
                    "svgd_moments", "ula_moments", "wfr_moments")},
    "sandbox.kinetic_moments": Recipe(lambda: {"x": fives()}),
    "swirl.asymptotic_variance": Recipe(lambda: {**swirling(), "u": torch.tensor([1.0, 0.5])}),
    "swirl.constant_diagonal": Recipe(lambda: {"S": covariances()["A"]}),
    "swirl.optimal_swirl": Recipe(lambda: {"S": covariances()["A"]}),
    "swirl.swirl_field": Recipe(lambda: {"J": swirling()["J"]}, then=lambda: (0.5, normal(5, 2))),
}

CHAPTERS = {"generative": GENERATIVE, "langevin": LANGEVIN, "quantization": QUANTIZATION, "sliced": SLICED, "particle_flows": PARTICLE_FLOWS}
RECIPES = {f"companion.sampling.{chapter}.{name}": recipe for chapter, recipes in CHAPTERS.items()
           for name, recipe in recipes.items()}
