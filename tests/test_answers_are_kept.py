"""No check of an exercise gives its answer away: what it prints and raises at a wrong answer holds no right number, nor the way to it."""

import json
import math
import re
from pathlib import Path

import pytest
import torch

from companion import check
from companion.architectures.control import exercises as control
from companion.architectures.neural_control import exercises as neural
from companion.check.report import magnitude
from companion.sampling.generative import exercises as generative
from companion.sampling.langevin import exercises as langevin
from companion.sampling.particle_flows import exercises as particle_flows
from companion.sampling.quantization import exercises as quantization
from companion.sampling.sliced import exercises as sliced
from companion.training.gradient_flows import exercises as gradient_flows
from companion.training.momentum import exercises as momentum
from companion.training.transformers import exercises as transformers

BOOK = Path(__file__).parents[1] / "book"
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
TIMES = (math.log(0.99 / (1 - 1 / 1.21354)), math.log(99 / 0.21354) / 2)
W = math.sqrt(3 * (1 / 4 - 1 / 4.5))



def saturated(*p0):
    control.saturated(p0)


# check: (right answer, wrong answers), an answer is the tuple of the arguments
NUMBERS = {
    gradient_flows.check_unbiased_step: ((0.5,), [(0.3,), (0.25,), (0.8,), (1.5,)]),
    gradient_flows.check_forgotten: ((0.48203,), [(0.1,), (0.4,), (1.0,), (3.0,)]),
    momentum.stable_up_to_ten: ((2 / 3,), [(0.0,), (0.5,), (0.9,)]),
    momentum.slowest_mode: ((2.0,), [(0.5,), (1.5,), (2.5,), (5.0,)]),
    transformers.five_clusters: ((10.2285, 15.2363), [(9.0, 15.2363), (10.2285, 17.0), (11.0, 12.0)]),
    transformers.a_million: ((17.3557,), [(15.0,), (20.0,), (1.5,)]),
    saturated: ((4.5 / W, 4.5 / (2 * W)), [(12.0, 6.0), (0.0, 0.0), (20.0, 7.0)]),
    control.slow_enough: ((6 ** (1 / 3),), [(1.0,), (2.0,), (10.0,)]),
    neural.enough_steps: ((9950,), [(100,), (9000,), (20_000,)]),
    generative.check_floor: ((10 * math.pi,), [(0.0,), (1.0,), (30.0,), (50.0,)]),
    generative.check_guidance: ((math.log(0.05) / math.log(0.5) - 1,), [(0.0,), (1.0,), (3.0,), (132.0,)]),
    langevin.check_friction: ((2.0,), [(0.5,), (1.0,), (2.7,), (10.0,)]),
    langevin.check_ula_step: ((2 * (1 - 1 / 1.1),), [(0.1,), (1.0,), (1.9,), (3.0,)]),
    langevin.check_times: (TIMES, [(0.0, TIMES[1]), (TIMES[0], 0.0), (1.0, TIMES[1]), (TIMES[0], 9.0), (9.0, 9.0)]),
    particle_flows.check_radius: ((29 / (math.e - 1),), [(1.0,), (10.0,), (500.0,)]),
    particle_flows.check_length: ((1.304849,), [(1.0,), (1.5,), (3.0,)]),
    quantization.lloyd_rate: ((math.cos(math.pi / 20) ** 2,), [(0.0,), (0.5,), (math.cos(math.pi / 20),), (1.0,)]),
    quantization.fewest: ((1604,), [(10,), (1000,), (1700,)]),
    sliced.check_directions: ((19412,), [(1,), (1000,), (19_000,), (40_000,)]),
    sliced.check_gaussians: ((1.74582236,), [(0.0,), (1.0,), (1.5,), (2.0,)]),
}


def told(call, *answer):
    """What a refused answer is told: the printed line and the message."""
    with pytest.raises(AssertionError) as caught:
        call(*answer)
    return str(caught.value)


def near(a, b):
    """To three significant digits, as far as three digits say."""
    return abs(a - b) <= 0.0051 * abs(b)


def gives_away(text, wrong, right):
    """The numbers of a text that are the answer, or lead from the wrong answer to it."""
    for number in map(float, NUMBER.findall(text)):
        ways = {number, wrong + number, wrong - number}
        if "times" in text and number:
            ways |= {wrong * number, wrong / number}
        if not math.isclose(number, wrong, rel_tol=1e-6) and any(near(way, right) for way in ways):
            yield number


@pytest.mark.parametrize("f", NUMBERS, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_a_number_is_not_given_away(f, capsys):
    right, wrongs = NUMBERS[f]
    f(*right)
    capsys.readouterr()
    for wrong in wrongs:
        text = told(f, *wrong) + capsys.readouterr().out
        for mine, theirs in zip(wrong, right, strict=True):
            if not near(mine, theirs):
                assert not list(gives_away(text, float(mine), float(theirs))), (wrong, text)


def shrink(tau, lam):
    return 1 / (1 + 2 * lam * tau)


def triangle(beta):
    return (0.75 * beta + 0.5) * math.exp(-beta / 2)


@pytest.mark.parametrize("wrong", [lambda t, m: shrink(t, m) ** 2, lambda t, m: 1 / (1 + t * m), lambda t, m: 0.0, lambda t, m: math.nan])
def test_the_factor_of_contraction_is_not_given_away(wrong, capsys):
    gradient_flows.check_contraction(shrink)
    capsys.readouterr()
    text = told(gradient_flows.check_contraction, wrong)
    tau, lam = (float(NUMBER.search(text, text.index(name)).group()) for name in ("tau = ", "lam = "))
    rest = text.replace(f"tau = {tau:.3g}", "").replace(f"lam = {lam:.3g}", "") + capsys.readouterr().out
    assert not list(gives_away(rest, wrong(tau, lam), shrink(tau, lam))), rest


@pytest.mark.parametrize("wrong", [lambda b: 0.9 * (b + 2 / 3), lambda b: 0.0, lambda b: triangle(b) / 3, lambda b: -triangle(b)])
def test_the_rate_of_three_tokens_is_not_given_away(wrong, capsys):
    transformers.three_tokens(triangle)
    capsys.readouterr()
    text = told(transformers.three_tokens, wrong)
    text += capsys.readouterr().out.splitlines()[-1]  # the line of the beta that failed
    beta = float(re.search(r"beta = (-?[\d.]+)", text).group(1))
    assert not list(gives_away(text.replace(f"beta = {beta}", ""), wrong(beta), triangle(beta))), text


def test_a_wrong_field_is_not_given_away(capsys):
    from companion.architectures.control import Problem, direct, solve

    def field(t, x, u):
        return torch.stack([x[..., 1], u[..., 0] + x[..., 0].sin()], -1)

    problem = Problem(field, lambda t, x, u: u.square().sum(-1) / 2, x0=torch.zeros(2, dtype=torch.float64), xT=(2, 0), T=4.0)
    text = told(control.lifted, problem, solve(problem, method=direct, steps=6)) + capsys.readouterr().out
    assert "field f(t, x, u)" in text and "expected" not in text.replace("as expected", "")


# answers that are a cloud, a step, a pair of matrices: any of many is right, and the message is a counterexample to the one given
OPEN = {momentum.turned_valley, control.lifted, neural.three_shears, neural.doubling, generative.check_far_from_optimal, langevin.check_scheme,
        particle_flows.check_hidden_minimum, quantization.hexagons, quantization.break_the_line, sliced.check_invisible,
        gradient_flows.check_contraction, transformers.three_tokens}


def test_every_check_of_the_book_is_here():
    used = set()
    for path in BOOK.rglob("*.ipynb"):
        code = "".join("".join(c["source"]) for c in json.loads(path.read_text("utf8"))["cells"] if c["cell_type"] == "code")
        used |= {(path.stem.removesuffix("_solutions"), name) for name in re.findall(r"\bexercises\.(\w+)\(", code)}
    assert used == {(f.__module__.split(".")[-2], f.__name__) for f in {*NUMBERS, control.saturated, *OPEN} - {saturated}}


def test_three_shears_names_heights_and_no_amplitudes():
    text = told(neural.three_shears, (1.0, 1.0, 1.0))
    assert not {-3.0, 4.0} & {float(n) for n in NUMBER.findall(text)}, text


def test_answer_says_the_side_and_the_power_of_ten(capsys):
    assert told(check.answer, 3.0, math.pi) == "The value is right to 1e-06: no. 3 is too small, by more than 0.1."
    assert "3.14" not in capsys.readouterr().out
    assert "too large, by more than 10." in told(check.answer, torch.tensor([1.0, 50.0]), torch.tensor([1.0, 4.0]))
    assert "more than any number" in told(check.answer, math.nan, 1.0)
    check.answer(math.pi + 1e-7, math.pi)
    with pytest.raises(ValueError, match="shape"):
        check.answer(torch.ones(2), 1.0)


@pytest.mark.parametrize(("error", "words"), [(0.0, "nothing"), (0.03, "more than 0.01"), (0.1, "more than 0.1"), (31.0, "more than 10"),
                                              (3e-9, "more than 1e-09"), (math.inf, "more than any number")])
def test_magnitude(error, words):
    assert magnitude(error) == words


def test_the_watch_sees_each_way_of_telling():
    for text in ("expected 31.4159", "off by 3.14e+01", "it is 1.0472 times too small", "rate is 0.98; expected 31.4"):
        assert list(gives_away(text, 30.0 if "times" in text else 0.0, 10 * math.pi)), text
    assert not list(gives_away("30 is too small, by more than 1.", 30.0, 10 * math.pi))
