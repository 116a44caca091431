"""Valid calls of the ground floor, where names and hints of the parameters do not say enough. The form is in tests/fuzzing.py."""

import torch

from companion import flow as verbs
from companion import gaussians, kernels
from companion.sde import Averaged, Phase
from tests.fuzzing import Recipe, bowl, normal


def law(seed):
    """A Gaussian of the plane."""
    A = normal(2, 2, seed=seed)
    return gaussians.Gaussian(normal(2, seed=seed + 10), A @ A.mT + torch.eye(2))


def a_path():
    return verbs.flow(lambda t, x: -x, normal(5, 2), 1.0, 4)


def two_laws():
    return {"p": law(0), "q": law(1)}


def covariance(seed):
    return law(seed).covariance


def a_figure():
    from companion.figures import axes

    return axes()[0]


def phase(seed=0):
    return Phase(*normal(2, 5, 2, seed=seed))


def moving():
    return 1, phase(), phase(1)


def points():
    return (normal(5, 2, seed=3),)


def grid(m=9):
    return torch.linspace(-2, 2, m)


def density(seed=0, m=9):
    rho = 0.2 + torch.rand(m, generator=torch.Generator().manual_seed(seed))
    return rho / (rho.sum() * 0.5)


def double_well(x):
    return (x[..., 0].square() - 1).square() / 4


def picture(**more):
    """A valid call of a picture; small, because matplotlib is slow."""
    return {"alt": "Five points.", "size": (2.0, 2.0), **more}


DENSITIES = {"rho": density(), "pi": density(1)}
ENGINE = {"q": lambda: normal(5, 2), "k": lambda: normal(4, 2, seed=1), "b": lambda: normal(4, 1, seed=2)}
LABELS = {"title": "A title", "caption": "A caption"}


def engine():
    from companion.kernels.formulas import exp_sum

    return {"op": exp_sum, **{name: make() for name, make in ENGINE.items()}}


NAMES = {
    "A": lambda: covariance(0), "B": lambda: covariance(1), "C": lambda: covariance(0), "W": lambda: bowl, "like": lambda: normal(5, 2),
    "blur": lambda: 0.5, "b": lambda: normal(5, 1, seed=2), "dt": lambda: 0.1, "p": lambda: law(0), "q": lambda: law(1), "s": lambda: 0.5,
    "path": a_path, "drift": lambda: lambda t, x: -x, "g": lambda: lambda x: x,
}

RECIPES = {
    "companion.watching.progress": Recipe(lambda: {"steps": range(3)}, idle={"name": "a word of the line"}),
    "companion.check.orders.order": Recipe(
        lambda: {"solver": verbs.heun, "p": 2, "steps": (4, 8)}, other={"slack": -9.0, "steps": (4, 4)},
        idle={"exact": "the steppers have their own"}),
    "companion.check.paths.conserved": Recipe(lambda: {"q": lambda x: 0 * x.sum(), "path": a_path()}, other={"tol": -1.0}),
    "companion.check.paths.decreasing": Recipe(other={"tol": -1.0}),
    "companion.check.points.answer": Recipe(lambda: {"value": 1.0, "expected": 1.0}, other={"tol": -1.0}, idle={"name": "a word of the sentence"}),
    "companion.check.points.close": Recipe(lambda: {"value": 1.0, "expected": 1.0}, other={"tol": -1.0}, idle={"name": "a word of the sentence"}),
    "companion.check.points.fixed_point": Recipe(lambda: {"step": lambda k, x: x, "x": normal(5, 2)}, other={"tol": -1.0}),
    "companion.check.points.gradient": Recipe(other={"tol": -1.0}),
    "companion.check.points.root": Recipe(lambda: {"f": lambda z: z - 1, "value": 1.0, "lo": 0.0, "hi": 3.0}, other={"tol": -1.0}),
    "companion.data.digits": Recipe(lambda: {"label": 3}, other={"label": None}, shape=(183, 8, 8)),
    "companion.data.sample_gaussian": Recipe(shape=(4, 2)),
    "companion.data.image_cloud": Recipe(lambda: {"image": normal(6, 5).abs()}, shape=(4, 2)),
    "companion.data.sample_mixture": Recipe(other={"centers": normal(3, 2)}, shape=(4, 2)),
    "companion.data.photograph": Recipe(lambda: {"name": "china", "size": 8}, shape=(5, 8, 3)),
    "companion.data.sphere": Recipe(shape=(4, 3)),
    "companion.energies.discrepancies.mmd2": Recipe(then=points, shape=()),
    "companion.energies.discrepancies.w2_squared": Recipe(then=points, shape=()),
    "companion.energies.fields.descent": Recipe(then=lambda: (0.5, normal(5, 2)), shape=(5, 2)),
    "companion.energies.fields.grad": Recipe(shape=(5, 2)),
    "companion.energies.fields.half": Recipe(then=points, shape=()),
    "companion.energies.fields.wasserstein_descent": Recipe(then=lambda: (0.5, normal(5, 2)), shape=(5, 2)),
    "companion.energies.functionals.interaction": Recipe(then=points, shape=()),
    "companion.energies.functionals.kl_blob": Recipe(then=points, shape=()),
    "companion.energies.functionals.potential_energy": Recipe(then=points, shape=()),
    "companion.energies.sinkhorn.sinkhorn_divergence": Recipe(then=points, other={"iterations": 3}, shape=()),
    "companion.figures.plots.clouds": Recipe(picture, other=LABELS, drawn=True),
    "companion.figures.plots.curves": Recipe(
        lambda: picture(t=torch.linspace(0.1, 1, 5), y=normal(5, 2)), other=LABELS, drawn=True),
    "companion.figures.plots.densities": Recipe(picture, other={**LABELS, "curve": {"p": (torch.zeros(2), torch.ones(2))}}, drawn=True),
    "companion.figures.plots.images": Recipe(
        lambda: {"alt": "Two images.", "x": normal(2, 3, 3).abs()}, other={**LABELS, "titles": ["a", "b"]}, drawn=True),
    "companion.figures.plots.landscape": Recipe(
        lambda: picture(f=bowl, box=(-1.0, 1.0, -1.0, 1.0)), other={**LABELS, "x": normal(5, 2)}, drawn=True),
    "companion.figures.plots.paths": Recipe(picture, other=LABELS, drawn=True),
    "companion.figures.still.axes": Recipe(drawn=True),
    "companion.figures.still.still": Recipe(lambda: {"figure": a_figure()}, drawn=True),
    "companion.flow.as_scipy": Recipe(then=lambda: (0.5, normal(10).numpy()), shape=(10,)),
    "companion.flow.euler": Recipe(shape=(5, 2)),
    "companion.flow.flow": Recipe(lambda: {"steps": 3}, other={"project": lambda x: x / 2, "method": verbs.euler}, shape=(4, 5, 2)),
    "companion.flow.heun": Recipe(shape=(5, 2)),
    "companion.flow.iterate": Recipe(shape=(5, 5, 2)),
    "companion.flow.rk4": Recipe(shape=(5, 2)),
    "companion.gaussians.bures.transport_map": Recipe(then=points, shape=(5, 2)),
    **{f"companion.fokker_planck.{name}": Recipe(lambda: {"grid": grid()})
       for name in ("equilibrium", "generator_eigenvalues", "jump_rates", "spacing", "transition_matrix")},
    "companion.fokker_planck.eyring_kramers": Recipe(lambda: {"V": double_well, "wells": (-1.0, 1.0), "saddle": 0.0}),
    "companion.fokker_planck.fisher_rao": Recipe(lambda: dict(DENSITIES)),
    "companion.fokker_planck.fokker_planck": Recipe(lambda: {"grid": grid()}, then=lambda: (0.5, density())),
    "companion.fokker_planck.fokker_planck_step": Recipe(lambda: {"rho": density(), "grid": grid()}),
    "companion.fokker_planck.kl_on_grid": Recipe(lambda: dict(DENSITIES)),
    "companion.gaussians.laws.ornstein_uhlenbeck": Recipe(other={"target": law(1)}, shape=(2, 2)),
    "companion.gaussians.laws.tilt": Recipe(other={"linear": normal(2), "quadratic": torch.eye(2)}, shape=(2, 2)),
    "companion.gaussians.line.ou_fisher": Recipe(lambda: {"m": 0.3, "v": 0.8}),
    "companion.gaussians.line.ou_kl": Recipe(lambda: {"m": 0.3, "v": 0.8}),
    "companion.gaussians.line.ou_moments": Recipe(lambda: {"m": normal(3), "v": 0.5 + normal(3).abs()}),
    "companion.gaussians.mixtures.mixture": Recipe(
        lambda: {"weights": torch.tensor([0.3, 0.7]), "means": normal(2, 2), "covariances": torch.tensor([0.5, 1.0])}, shape=(2, 2)),
    "companion.kernels.distances.distances": Recipe(shape=(5, 5)),
    "companion.kernels.distances.energy_kernel": Recipe(shape=(5, 5)),
    "companion.kernels.distances.gaussian_kernel": Recipe(then=lambda: (normal(5, 2), normal(4, 2, seed=1)), shape=(5, 4)),
    "companion.kernels.distances.squared_distances": Recipe(shape=(5, 5)),
    "companion.kernels.engines.dense": Recipe(engine, shape=(5, 1)),
    "companion.kernels.engines.streamed": Recipe(engine, shape=(5, 1)),
    "companion.kernels.keops.keops": Recipe(engine, shape=(5, 1)),
    "companion.kernels.sums.gaussian_sum": Recipe(other={"b": normal(5, 2)}, shape=(5,)),
    "companion.kernels.sums.mean_kernel": Recipe(shape=()),
    "companion.kernels.sums.softmax_average": Recipe(shape=(5, 1)),
    "companion.kernels.sums.softmin": Recipe(other={"h": normal(5), "cost": kernels.distances}, shape=(5,)),
    **{f"companion.sde.{word}": Recipe(then=moving) for word in ("aboba", "baoab", "kinetic_euler", "obabo")},
    "companion.sde.kinetic_field": Recipe(then=lambda: (0.5, phase())),
    "companion.sde.euler_maruyama": Recipe(then=lambda: (2, normal(5, 2), normal(5, 2, seed=1)), shape=(5, 2)),
    "companion.sde.leimkuhler_matthews": Recipe(then=lambda: (2, Averaged(*normal(2, 5, 2)), normal(5, 2, seed=1)), shape=(5, 2)),
    "companion.sde.ula": Recipe(then=lambda: (2, normal(5, 2), normal(5, 2, seed=1)), shape=(5, 2)),
    "companion.noise.noise": Recipe(lambda: {"shape": (3, 2), "seed": 5}, shape=(3, 2)),
    "companion.noise.noise_like": Recipe(lambda: {"x": normal(3, 2), "seed": 5, "k": 1}, idle={"x": "its shape alone counts"}),
    "companion.noise.philox": Recipe(lambda: {"counter": torch.zeros(4, 3, dtype=torch.int64), "key": (1, 2)}, shape=(4, 3)),
    "companion.noise.uniform": Recipe(lambda: {"shape": (3, 2), "seed": 5}, shape=(3, 2)),
    "companion.noise.with_noise": Recipe(lambda: {"step": lambda k, x, xi: x + xi, "seed": 5}, then=lambda: (2, normal(5, 2)), shape=(5, 2)),
    "companion.potentials.double_well": Recipe(shape=(5,)),
    "companion.potentials.quadratic": Recipe(then=points, shape=(5,)),
    "companion.potentials.rosenbrock": Recipe(shape=(5,)),
    "companion.transport.line.line_w2_squared": Recipe(
        lambda: {"x": normal(5), "y": normal(5, seed=1)}, other={"a": normal(5).abs(), "b": normal(5).abs()}, shape=()),
    "companion.transport.line.quantile": Recipe(lambda: {"x": normal(5), "u": torch.tensor([0.3, 0.6])}, other={"a": normal(5).abs()}, shape=(2,)),
    "companion.transport.line.rearrangement": Recipe(lambda: {"x": normal(5), "y": normal(5, seed=1)}, shape=(5,)),
    "companion.transport.plans.assignment": Recipe(shape=(5,)),
    "companion.transport.plans.barycentric": Recipe(lambda: {"P": normal(5, 5).abs()}, shape=(5, 2)),
    "companion.transport.plans.displacement": Recipe(other={"a": normal(5).abs(), "b": normal(5).abs()}, shape=(5, 2)),
    "companion.transport.plans.plan": Recipe(other={"a": normal(5).abs(), "b": normal(5).abs()}, shape=(5, 5)),
}
