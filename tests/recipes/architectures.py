"""Valid calls of architectures, where names and hints of the parameters do not say enough. The form is in tests/fuzzing.py."""

import torch

from companion.architectures import control
from companion.architectures import neural_control as nc
from companion.architectures.control import goddard, playground
from companion.flow import Path, euler, heun
from tests.fuzzing import Recipe, bowl, generator, normal

F8 = torch.float64
C, N = "companion.architectures.control.", "companion.architectures.neural_control."


def vector(*numbers):
    return torch.tensor(numbers, dtype=F8)


def half_square(t, x, u):
    return u.square().sum(-1) / 2


def line(**options):
    """x' = u - x from 0 to 1, least energy."""
    return control.Problem(lambda t, x, u: u - x, half_square, **{"x0": vector(0.0), "xT": (1.0,), "T": 1.0} | options)


def ahead(t, x, p):
    return p


def rocket_states():
    x = vector(1.0, 0.05, 0.8).expand(4, 3) + 0.001 * torch.arange(4.0, dtype=F8)[:, None]
    return {"x": x, "p": x / 2}


def rocket(**more):
    return Recipe(lambda: {"t": 0.1, **rocket_states(), **{k: make() for k, make in more.items()}})


def states():
    return Recipe(rocket_states)


def only_x():
    return Recipe(lambda: {"x": rocket_states()["x"]})


def flown():
    t = torch.linspace(0, 1, 5, dtype=F8)
    x = torch.stack([1 + t, 0.1 * t, 1 - 0.3 * t], -1)
    return control.Solution(Path(t, x), t[:, None], x / 2, t[0], 0.0)


def weighed(**more):
    eye = torch.eye(2, dtype=F8)
    return Recipe(lambda: {"A": vector(0, 1, -1, 0).reshape(2, 2), "B": vector(0, 1)[:, None], "Q": eye, "R": torch.eye(1, dtype=F8),
                           **{k: make() for k, make in more.items()}})


def extremal_given():
    return {"problem": line(), "t": 0.1, "x": vector(0.3), "p": vector(0.4), "u": vector(0.5)}


def pendulum():
    return control.Problem(lambda t, x, u: torch.stack([x[..., 1], u[..., 0] - x[..., 0].sin()], -1), half_square, x0=vector(0, 0), xT=(2, 0),
                           T=4.0)


def lifted():
    problem = pendulum()
    return {"problem": problem, "found": control.solve(problem, method=control.shooting, p0=vector(-0.95, -0.1), steps=40)}


SOLVED = []


def solved():
    """The pendulum, lifted once for all calls."""
    if not SOLVED:
        SOLVED.append(lifted())
    return dict(SOLVED[0])


def hand():
    """The reader's cost, and where it is asked."""
    return {"p": normal(5, 2, dtype=F8), "cost": playground.COSTS["energy, |u| ≤ γ"], "gamma": 5.0}


def by_hand(**more):
    return Recipe(lambda: {**hand(), **{k: make() for k, make in more.items()}})


def one_by_hand(**more):
    return by_hand(p=lambda: normal(2, dtype=F8), **more)


def pair():
    return torch.stack([normal(4, 2), normal(4, 2, seed=1)])


def held():
    return nc.in_hand(normal(4, 2), normal(4, 2, seed=1))


MOVE = {"line": 30.0, "offset": 0.2, "direction": 100.0, "strength": 0.7}


def carts():
    return torch.tensor([[-1.5, 0.5], [-1.5, 0.5], [-1.5, 0.5], [0.0, 0.0]])


def arrows():
    return {"w": normal(2, seed=3), "a": normal(2, seed=4), "b": 0.2}


def net(t, x, theta):
    return nc.layer(x, theta)


def gradients():
    return {"f": net, "phi": lambda x: x.square().sum(), "x0": normal(3, 2), "theta": normal(10, seed=1), "T": 1.0, "steps": 3}


def shears():
    return nc.interpolate(normal(3, 2), normal(3, 2, seed=1))


NAMES = {
    "theta": lambda: normal(2, 10), "labels": lambda: torch.tensor([0, 1, 1, 0, 1]), "start": lambda: normal(2), "u": lambda: normal(5, 1),
    "state": pair, "problem": line, "points": lambda: normal(4, 2), "targets": lambda: normal(4, 2, seed=1),
    "moves": shears, "z": lambda: normal(5, 2),
}

RECIPES = {
    C + "arcs.follow": Recipe(lambda: {"problem": line(), "arcs": [control.Arc(ahead)], "x0": vector(0.0), "p0": vector(1.0),
                                       "times": vector(0, 1)}),
    C + "arcs.shoot_arcs": Recipe(
        lambda: {"problem": line(), "arcs": [control.Arc(ahead), control.Arc(ahead)], "p0": vector(1.0), "times": vector(0.5), "steps": 3,
                 "conditions": lambda t, x, p: torch.stack([x[-1, 0] - 1, t[0] - 0.4])},
        idle={"tol": "says when it is enough", "times": "a guess"}),
    C + "direct.direct": Recipe(lambda: {"problem": line(), "steps": 3}, other={"u0": 0.5, "T": 1.0, "method": euler, "most": 1},
                                 idle={"tol": "says when it is enough"}),
    C + "direct.rollout": Recipe(lambda: {"problem": line(), "u": normal(3, 1, dtype=F8), "T": 1.0},
                                     other={"state_perturbation": normal(4, 1, dtype=F8), "method": euler}),
    C + "double_integrator.bounded_energy": Recipe(lambda: {"gamma": 5.0}),
    C + "double_integrator.fuel": Recipe(lambda: {"gamma": 5.0}),
    C + "exercises.lifted": Recipe(solved), C + "exercises.optimal": Recipe(solved, other={"tol": 1e-12}),
    C + "exercises.running": Recipe(lambda: {"t": vector(0, 1, 2), "values": vector(1, 2, 4)}),
    C + "exercises.saturated": Recipe(lambda: {"p0": (15.588457268119896, 7.794228634059948)}),
    C + "exercises.slow_enough": Recipe(lambda: {"T": 6 ** (1 / 3)}),
    C + "flights.resampled": Recipe(lambda: {"path": Path(vector(0, 1, 1, 2), normal(4, 3, dtype=F8)), "T": 2.0, "frames": 3}),
    C + "flights.resample_solution": Recipe(lambda: {"found": flown()}),
    C + "goddard.below": only_x(), C + "goddard.drift": only_x(), C + "goddard.thrust": only_x(),
    C + "goddard.field": Recipe(lambda: {"t": 0.1, "x": rocket_states()["x"], "u": normal(4, 1, dtype=F8)}),
    C + "goddard.boundary": rocket(), C + "goddard.full": rocket(), C + "goddard.off": rocket(), C + "goddard.pressure": rocket(),
    C + "goddard.conditions": rocket(), C + "goddard.h0": states(), C + "goddard.h1": states(),
    C + "goddard.fly": Recipe(lambda: {"p0": vector(3.945764658689, 0.150395596232, 0.053712712940), "steps": 2,
                                       "times": vector(0.023509684042, 0.059737380900, 0.101571348424, 0.202047440571)}),
    C + "hamiltonian.bracket": Recipe(lambda: {"a": lambda x, p: (x * p).sum(-1), "b": lambda x, p: (x * x).sum(-1)},
                                      then=lambda: (normal(3, 2), normal(3, 2, seed=1))),
    C + "hamiltonian.extremal": Recipe(lambda: {"problem": line(), "law": ahead}, then=lambda: (vector(0.1)[0], normal(2, 1, dtype=F8)),
                                       other={"constraint": lambda x: x.sum(-1), "multiplier": lambda t, x, p: p.sum(-1)}),
    C + "hamiltonian.hamiltonian": Recipe(extremal_given),
    C + "hamiltonian.maximiser": Recipe(then=lambda: (vector(0.1)[0], vector(0.3), vector(0.4))),
    C + "hamiltonian.singular": Recipe(lambda: {"h0": goddard.h0, "h1": goddard.h1}, then=lambda: (0.1, *rocket_states().values())),
    C + "linear_quadratic.hamiltonian_matrix": weighed(), C + "linear_quadratic.riccati": weighed(),
    C + "linear_quadratic.riccati_field": Recipe(weighed().given, then=lambda: (0.0, torch.eye(2, dtype=F8))),
    C + "linear_quadratic.steady": weighed(target=lambda: vector(1, 0)),
    C + "linear_quadratic.linear_quadratic": Recipe(
        weighed(x0=lambda: vector(1, 0), T=lambda: 2.0, steps=lambda: 4).given,
        other={"xT": vector(0.5, 0), "target": vector(1, 0), "F": torch.eye(2, dtype=F8)}),
    C + "moving.clipped_line": Recipe(lambda: {"gamma": 5.0}), C + "moving.initial_carts": Recipe(lambda: {"p": normal(2)}),
    C + "moving.landing": Recipe(lambda: {"u": normal(5)}),
    C + "moving.tilted": Recipe(lambda: {"u": normal(5)}), C + "moving.rounded": Recipe(lambda: {"x": normal(5), "digits": 2.0}),
    C + "moving.wind_step": Recipe(lambda: {"x": carts(), "dt": 0.1}), C + "moving.turnpike": Recipe(lambda: {"t": 0.5, "x0": 3.0, "T": 5.0}),
    C + "newton.newton": Recipe(lambda: {"residual": lambda y: y**2 - 2, "guess": vector(1.0)}, idle={"tol": "says when it is enough"}),
    C + "playground.extremal_state": by_hand(t=lambda: 0.5), C + "playground.shooting_residual": by_hand(), C + "playground.residual_norm": by_hand(),
    C + "playground.newton_step": Recipe(hand, other={"share": 0.5, "longest": 0.1}), C + "playground.line": one_by_hand(),
    C + "playground.control_along": one_by_hand(s=lambda: torch.linspace(0, 1, 5, dtype=F8)),
    C + "playground.optimal_states": Recipe(lambda: {"t": 0.5, "gamma": 5.0}),
    C + "playground.four_controls": Recipe(lambda: {"t": 0.5, "gamma": 5.0}),
    C + "problem.solve": Recipe(lambda: {"problem": line(), "method": lambda problem: problem.x0}),
    C + "shooting.shooting": Recipe(lambda: {"problem": line(), "p0": vector(1.0), "steps": 3},
                                    other={"law": lambda t, x, p: p / 2, "T": 1.0}, idle={"tol": "says when it is enough"}),
    C + "shooting.transversality": Recipe(extremal_given),
    N + "adjoints.discrete_gradient": Recipe(gradients, other={"method": euler}),
    N + "adjoints.continuous_adjoint": Recipe(gradients, other={"method": heun}),
    N + "adjoints.divergence": Recipe(lambda: {"f": lambda t, x: x * x}),
    N + "adjoints.log_density_change": Recipe(lambda: {"f": lambda t, x: -x * x / 9, "x0": normal(3, 2)}, other={"method": euler}),
    N + "adjoints.come_back": Recipe(lambda: {"rate": 1.0, "steps": 4}),
    N + "driving.own_move": Recipe(lambda: {"state": pair(), **MOVE}), N + "driving.hand_move": Recipe(lambda: {"state": held(), **MOVE}),
    N + "driving.line_and_arrow": Recipe(lambda: {"state": pair(), **MOVE}), N + "driving.carry_on": Recipe(lambda: {"k": 0, "state": held()}),
    N + "driving.set_going": Recipe(lambda: {"state": held()}), N + "driving.moves_driven": Recipe(lambda: {"state": held()}),
    N + "driving.there_and_back": Recipe(lambda: {"k": 1, "x": normal(3), "rate": 2.0, "steps": 5}),
    N + "exercises.doubling": Recipe(lambda: {"w": (0.34657359, 0.34657359), "a": (1.0, 1.0), "b": 0.0}),
    N + "exercises.enough_steps": Recipe(lambda: {"steps": 9950}, idle={"rate": "another rate fails the check"}),
    N + "exercises.three_shears": Recipe(lambda: {"amplitudes": (1.0, -3.0, 4.0)}),
    N + "feedback.cart_pole": Recipe(lambda: {"t": 0.0, "x": normal(5, 4), "u": normal(5, 1)}),
    N + "feedback.closed": Recipe(lambda: {"f": nc.pendulum, "law": nc.swing_up}, then=lambda: (0.0, normal(5, 2))),
    N + "feedback.mean_cost": Recipe(lambda: {"f": nc.pendulum, "law": nc.swing_up, "cost": lambda x, u: bowl(x), "x0": normal(5, 2), "T": 1.0,
                                              "steps": 3}, other={"method": euler}),
    N + "feedback.network": Recipe(lambda: {"z": normal(5, 3), "theta": normal(10)}, other={"outputs": 6}),
    N + "feedback.pendulum_policy": Recipe(lambda: {"t": 0.0, "x": normal(5, 2), "theta": normal(10)}),
    N + "feedback.policy": Recipe(lambda: {"inputs": 3, "width": 2, "generator": generator()}),
    N + "layers.at_depth": Recipe(lambda: {"t": 0.3, "x": normal(5, 2), "theta": normal(2, 10)}, other={"T": 0.4, "sigma": torch.relu}),
    N + "layers.layer": Recipe(lambda: {"x": normal(5, 2), "theta": normal(10)}, other={"sigma": torch.relu}),
    N + "layers.refined": Recipe(lambda: {"theta": normal(2, 10), "times": 2}),
    N + "layers.through": Recipe(other={"sigma": torch.relu, "method": euler}),
    N + "layers.trained": Recipe(lambda: {"loss": lambda w: (w - 1).square().sum(), "theta": normal(3), "steps": 3}),
    N + "layers.weights": Recipe(lambda: {"layers": 2, "d": 2, "width": 3, "generator": generator()}),
    N + "shears.half_plane": Recipe(lambda: {"t": 0.0, "x": normal(5, 2), **arrows()}),
    N + "shears.moved": Recipe(lambda: {"x": normal(5, 2), **arrows()}),
    N + "shears.log_volume": Recipe(lambda: {"x": normal(5, 2), **arrows()}),
    N + "shears.interpolate": Recipe(lambda: {"x": normal(3, 2), "y": normal(3, 2, seed=1)}, other={"angle": 0.3}),
    N + "shears.piecewise": Recipe(then=lambda: (0.3, normal(5, 2))),
    N + "shears.follow": Recipe(lambda: {"x": normal(5, 2), "moves": shears()}),
}
