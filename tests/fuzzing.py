"""Every exported function, a valid call of each, and what becomes of it when one argument is bad.

A function is exported if a package lists it in __all__, or if chapters use its module whole (no function of it is listed anywhere).
`python -m tests.fuzzing kernels flow` prints what is wrong with the functions of these names.
A valid call is built from a recipe (tests/recipes/<area>.py), else by the names of the parameters, else by their hints.
"""

import contextlib
import dataclasses
import dis
import functools
import importlib
import inspect
import io
import math
import pkgutil
import re
import sys
import typing
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import companion
from companion import hints
from companion.kernels import energy_kernel
from companion.sde import Phase
from companion.state import each

ROOT = Path(companion.__file__).parent
AREAS = ("ground", "training", "sampling", "architectures", "live")
# checks and inner parts of other modules: no chapter imports them
INNER = {"companion.inputs", "companion.hints", "companion.check.report", "companion.gaussians.checks", "companion.kernels.attention",
         "companion.kernels.formulas", "companion.figures.look", "companion.figures.numbers", "companion.figures.ticks", "companion.figures.ground",
         "companion.transport.weights", "companion.transport.costs",
         "companion.architectures.control.kinks", "companion.architectures.control.program", "companion.sampling.quantization.diagrams",
         "companion.sampling.wide",
         "companion.entries", "companion.state",
         "companion.sampling.quantization.placing"}
COMPLEX, F64 = torch.complex128, torch.float64  # a Python number has these digits
PASSING = {"identity", "shaken", "with_noise", "noise_like", "play", "progress"}  # they hand on what they are given, also a blow-up
DEAF = "NaN is taken for a number"
UNSEEN = {"device": "the numbers are the same on every device", "engine": "says how, not what", "progress": "shows, and changes nothing",
          "create_graph": "says whether the result can be differentiated again", "caption": "a word below a picture"}


class Recipe(typing.NamedTuple):
    """How a function is called: given() makes the arguments, then() those of the function that it returns."""

    given: Callable = dict
    then: Callable | None = None  # a tuple of arguments
    other: dict = {}  # an optional argument -> another valid value, which must change the result  # noqa: RUF012
    idle: dict = {}  # an optional argument -> why it changes no number  # noqa: RUF012
    shape: tuple | None = None  # of the result
    drawn: bool = False  # a picture: its keywords are not compared
    f: Callable | None = None  # for an address that is no exported function (a method)


def area(address):
    """Whose recipes: one of AREAS."""
    part = address.split(".")[1]
    return part if part in AREAS else "ground"


def exported(*, scenes=False):
    """address -> function, each once. Without scenes: they draw what a notebook hands over, and refuse nothing of their own."""
    names = [m.name for m in pkgutil.walk_packages(companion.__path__, "companion.")]
    modules = [importlib.import_module(name) for name in names if scenes or "scenes" not in name.split(".")]
    offers = {}
    for module in modules:
        for name in getattr(module, "__all__", ()):
            if inspect.isfunction(f := getattr(module, name)):
                offers.setdefault(id(f), (f"{f.__module__}.{name}", f))
    used = {f.__module__ for _, f in offers.values()} | INNER
    for module in modules:
        if module.__name__ not in used and not hasattr(module, "__path__") and area(module.__name__) != "live":
            for name, f in vars(module).items():
                if inspect.isfunction(f) and f.__module__ == module.__name__ and not name.startswith("_"):
                    offers.setdefault(id(f), (f"{module.__name__}.{name}", f))
    return {address: f for address, f in sorted(offers.values(), key=lambda offer: offer[0])}


def normal(*shape, seed=0, dtype=torch.float32):
    """Normal numbers, the same each time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def generator():
    return torch.Generator().manual_seed(0)


def bowl(x):
    return x.square().sum(-1) / 2


# name of a parameter -> its value in a valid call, made afresh
COMMON = {
    "x": lambda: normal(5, 2), "y": lambda: normal(5, 2, seed=1) + 0.5, "xi": lambda: normal(5, 2, seed=2), "x0": lambda: normal(5, 2),
    "f": lambda: bowl, "V": lambda: bowl, "E": lambda: lambda x: bowl(x).mean(-1), "v": lambda: lambda t, x: each(torch.neg, x),
    "step": lambda: lambda k, x: each(lambda part: part / 2, x), "score": lambda: lambda x: -x, "kernel": lambda: energy_kernel,
    "generator": generator,
    "t": lambda: 0.5, "k": lambda: 2, "n": lambda: 4, "d": lambda: 3, "h": lambda: 0.1, "lr": lambda: 0.1, "beta": lambda: 1.5,
    "T": lambda: 1.0, "steps": lambda: 3, "tau": lambda: 0.1, "lam": lambda: 2.0, "mu": lambda: 0.5, "eps": lambda: 0.5,
    "length": lambda: 1.0, "gamma": lambda: 1.5, "alt": lambda: "What is to be seen.", "gradient": lambda: lambda x: x,
}
BY_HINT = [(hints.Cloud, COMMON["x"]), (hints.Tensor, COMMON["x"]), (hints.Number, lambda: 0.5), (hints.Positive, lambda: 0.5),
           (hints.NonNegative, lambda: 0.5), (hints.Share, lambda: 0.5), (hints.Count, lambda: 3), (hints.Index, lambda: 2),
           (hints.Generator, generator), (hints.Flag, lambda: True)]


def recipes(part):
    """The recipes and names of an area."""
    module = importlib.import_module(f"tests.recipes.{part}")
    return module.RECIPES, getattr(module, "NAMES", {})


def arguments(address, f):
    """The recipe and the arguments of a valid call. Raises LookupError where a parameter has no value."""
    known, names = recipes(area(address))
    recipe = known.get(address, Recipe())
    given = recipe.given()
    for p in inspect.signature(f).parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) or p.name in given or p.default is not p.empty:
            continue
        make = names.get(p.name) or COMMON.get(p.name) or next((m for h, m in BY_HINT if h == p.annotation), None)
        if make is None:
            raise LookupError(f"{address}: no value for {p.name}: write a recipe in tests/recipes/{area(address)}.py.")
        given[p.name] = make()
    return recipe, given


def called(f, given):
    """f(**given), positional-only and *args too, silent."""
    kinds = inspect.signature(f).parameters
    positional = [given[n] for n, p in kinds.items() if p.kind is p.POSITIONAL_ONLY and n in given]
    for n, p in kinds.items():
        if p.kind is p.VAR_POSITIONAL and n in given:
            positional = [given[m] for m in list(kinds)[: list(kinds).index(n)]] + list(given[n])
            given = {m: g for m, g in given.items() if m not in list(kinds)[: list(kinds).index(n) + 1]}
    named = {n: g for n, g in given.items() if n not in kinds or kinds[n].kind is not inspect.Parameter.POSITIONAL_ONLY}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return f(*positional, **named)


def results(f, given, then):
    """The leaves of what a call gives: tensors, numbers, words; of the function it returns, called with `then`."""
    out = called(f, given)
    if callable(out) and then is not None:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            out = out(*then)
    return list(leaves(out))


def leaves(out):
    if hasattr(out, "alt") and hasattr(out, "png"):
        out = (out.png, out.alt, out.caption)
    elif isinstance(out, dict):
        out = tuple(out.values())
    elif dataclasses.is_dataclass(out) and not isinstance(out, type):
        out = tuple(vars(out).values())
    if isinstance(out, (tuple, list)):
        for part in out:
            yield from leaves(part)
    elif isinstance(out, np.ndarray) and out.dtype.kind in "fiubc":
        yield torch.from_numpy(out.copy())
    else:
        yield out


def numbers(out):
    """The numbers among the leaves, as float64 or complex tensors."""
    for leaf in out:
        if isinstance(leaf, torch.Tensor) or (isinstance(leaf, (int, float, complex)) and not isinstance(leaf, bool)):
            leaf = leaf.detach() if isinstance(leaf, torch.Tensor) else torch.tensor(leaf, dtype=COMPLEX if isinstance(leaf, complex) else F64)
            yield leaf if leaf.is_complex() else leaf.to(F64)


def equal(a, b):
    """Whether two lists of leaves are the same, functions aside."""
    def same(p, q):
        if isinstance(p, torch.Tensor) and isinstance(q, torch.Tensor):
            return p.dtype == q.dtype and torch.equal(p, q)
        return type(p) is type(q) and (callable(p) or p is q or (isinstance(p, (int, float, complex, str, bytes, bool)) and p == q))

    return len(a) == len(b) and all(map(same, a, b))


def last_trace(error):
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    return trace


def in_words(error):
    """Whether a companion's own line raised this, and says what was expected."""
    trace = last_trace(error)
    code = trace.tb_frame.f_code
    ours = Path(code.co_filename).is_relative_to(ROOT) and code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return ours and "expected" in str(error)


def spoilt(v):
    """(what, value) for all that may not stand where v stands; some of it may be right all the same."""
    yield from (("None", None), ("a word", "word"), ("a list", [0.5, "word"]), ("an object", object()), ("complex", 1j))
    if isinstance(v, torch.Tensor):
        yield from (("an int", 3), ("a bool", True))
        yield from spoilt_shape(v)
        yield from spoilt_values(v) if v.is_floating_point() else (("all -1", v - v - 1), ("float", v.to(torch.float32)), ("far", v + 1000))
    elif isinstance(v, (int, float)):
        yield from (("a bool", True), ("a 1-D tensor", torch.tensor([0.5, 0.5])), ("a function", bowl), ("NaN", math.nan), ("inf", math.inf),
                    ("-inf", -math.inf), ("0", type(v)(0)), ("-1", type(v)(-1)), ("a NumPy number", np.float32(v)), ("empty", torch.empty(0)))
        yield from (("1e30", 1e30), ("NaN in a tensor", torch.tensor(math.nan))) if isinstance(v, float) else (("2.5", 2.5),)
    elif callable(v):
        yield from (("an int", 3), ("a tensor", torch.zeros(2)), ("gives a word", lambda *a, **k: "word"), ("gives None", lambda *a, **k: None),
                    ("gives an axis more", functools.wraps(v)(lambda *a, **k: wrapped(v(*a, **k)))),
                    ("gives int64", functools.wraps(v)(lambda *a, **k: integers(v(*a, **k)))))
    else:
        yield from (("an int", 3), ("a tensor", torch.zeros(2)), ("empty", ()), ("a bool", True))
        if hasattr(v, "_asdict") and all(isinstance(part, torch.Tensor) for part in v):
            yield from spoilt_parts(v)


def spoilt_parts(v):
    """A state with named parts of which one is bad while the others are right."""
    for field, part in v._asdict().items():
        yield from ((f"{what} in {field}", v._replace(**{field: bad})) for what, bad in spoilt(part))


def named_parts(hint, v):
    """Where any state may stand: one of two parts, valid, then with one bad part."""
    if hint == hints.State and isinstance(v, torch.Tensor):
        yield "two parts", Phase(v, v / 2)
        yield from spoilt_parts(Phase(v, v / 2))


def wrapped(value):
    return value[..., None] if isinstance(value, torch.Tensor) else value


def integers(value):
    return value.to(torch.int64) if isinstance(value, torch.Tensor) else value


def spoilt_shape(v):
    if v.ndim:
        yield from (("0-d", v.flatten()[0]), ("flat", v.flatten()), ("an axis more", v[None]), ("empty", v[:0]), ("no coordinate", v[..., :0]),
                    ("a coordinate more", torch.cat([v, v[..., :1]], -1)), ("a row less", v[:-1]))
    else:
        yield "1-D", v[None]


def spoilt_values(v):
    other = torch.float64 if v.dtype == torch.float32 else torch.float32
    for dtype in (torch.int64, torch.float16, torch.bfloat16, other, torch.complex64, torch.bool):
        yield str(dtype), v.to(dtype)
    for name, number in (("NaN", math.nan), ("inf", math.inf), ("-inf", -math.inf)):
        bad = v.detach().clone()
        bad.view(-1)[-1:] = number
        yield name, bad
    for name, number in (("zeros", 0.0), ("all -1", -1.0), ("all 1e30", 1e30)):
        yield name, torch.full_like(v, number)


def fault(f, given, then, what=""):
    """What is wrong with how f takes these arguments, or None. what: the kind of the one bad argument."""
    says_inf = re.search(r"\binf(inite|inity)?\b", inspect.getdoc(f) or "")
    try:
        out = results(f, given, then)
    except (TypeError, ValueError) as error:
        return None if what and in_words(error) else f"{type(error).__name__}: {error}"
    except AssertionError as error:
        return None if what and str(error) else f"AssertionError: {error}"  # a check that says no
    except ImportError:
        raise
    except Exception as error:
        own = what == "a function" and last_trace(error).tb_frame.f_code is bowl.__code__  # a reader's function dies by itself
        return None if own else f"{type(error).__name__}: {error}"
    if (what == "NaN" or what.startswith("NaN in")) and f.__name__ not in PASSING:
        return DEAF
    found = list(numbers(out))
    if any(x.isnan().any() for x in found) and f.__name__ not in PASSING and "NaN, is kept" not in (inspect.getdoc(f) or ""):
        return "gives NaN"
    if not says_inf and not what.startswith(("inf", "-inf")) and any(x.isinf().any() for x in found):
        return "gives an infinity that the docstring does not speak of"
    return None


def kind(junk):
    """NaN or inf, if there is one in it: what may not come out as a number."""
    try:
        values = torch.as_tensor(junk)
    except (TypeError, ValueError, RuntimeError):
        return "junk"
    if not (values.is_floating_point() or values.is_complex()):
        return "junk"
    return "NaN" if values.isnan().any() else "inf" if values.isinf().any() else "junk"


def bad_calls(f, recipe, make):
    """(argument, what, given, then) for every bad call. make() gives fresh arguments."""
    signature = inspect.signature(f).parameters
    free = {n for n, p in signature.items() if p.default is None}
    for name, p in signature.items():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        good = make()[name] if name in make() else recipe.other.get(name, p.default)
        for what, bad in (*spoilt(good), *named_parts(p.annotation, good)):
            if not (bad is None and name in free):
                yield name, what, {**make(), name: bad}, recipe.then and recipe.then()
    for i in range(len(recipe.then()) if recipe.then else 0):
        for what, bad in spoilt(recipe.then()[i]):
            then = list(recipe.then())
            then[i] = bad
            yield f"then[{i}]", what, make(), then


def changes(value):
    """Other values for an optional argument of this default."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value + 2, max(1, value // 2)]
    if isinstance(value, float):
        return [value * 0.5 + 0.2, value * 1.5 + 0.1, value / 2]
    if isinstance(value, torch.dtype):
        return [d for d in hints_dtypes() if d != value]
    if isinstance(value, tuple) and value and all(isinstance(v, (int, float)) for v in value):
        return [tuple(v * 2 + 1 for v in value), tuple(v / 2 for v in value)]
    return []


def hints_dtypes():
    return (torch.float32, torch.float64)


def idle_keywords(f, recipe, make):
    """The optional arguments that change nothing, whatever is given."""
    base = results(f, make(), recipe.then and recipe.then())
    for name, p in inspect.signature(f).parameters.items():
        if p.default is p.empty or name in recipe.idle or name in UNSEEN:
            continue
        now = make().get(name, p.default)
        others = [recipe.other[name]] if name in recipe.other else changes(now)
        if not any(changed(f, {**make(), name: other}, recipe, base) for other in others):
            yield f"{name} changes nothing (tried {others})"


def changed(f, given, recipe, base):
    try:
        return not equal(results(f, given, recipe.then and recipe.then()), base)
    except AssertionError:
        return True  # a check that says no
    except (TypeError, ValueError) as error:
        return in_words(error)


def unused(f, given, then, base):
    """Whether the bad argument is a number without influence: the time of a field that has none, the number of a step."""
    clean = all(leaf.isfinite().all() for leaf in leaves((given, then or ())) if isinstance(leaf, torch.Tensor) and leaf.ndim)
    return clean and equal(results(f, given, then), base)


def verdicts(address, f):
    """What is wrong, or None, for one call of f after another: a valid one, every bad one, every keyword."""
    recipe, _ = arguments(address, f)

    def make():
        return arguments(address, f)[1]

    wrong = fault(f, make(), recipe.then and recipe.then())
    yield wrong and f"a valid call: {wrong}"
    if wrong:
        return
    base = results(f, make(), recipe.then and recipe.then())
    shapes = [tuple(x.shape) for x in base if isinstance(x, torch.Tensor)]
    if recipe.shape is not None and recipe.shape not in shapes:
        yield f"the result has shapes {shapes}; expected {recipe.shape}"
    for name, what, given, then in bad_calls(f, recipe, make):
        wrong = fault(f, given, then, what)
        if wrong == DEAF and unused(f, given, then, base):
            wrong = None
        yield wrong and f"{name} {what}: {wrong}"
    if not recipe.drawn:
        yield from idle_keywords(f, recipe, make)


def main(words):
    """Print what is wrong with the functions whose address contains one of the words, and the sums."""
    calls = wrong = unclean = 0
    found = {address: f for address, f in exported().items() if not words or any(word in address for word in words)}
    for address, f in found.items():
        try:
            told = list(verdicts(address, f))
        except LookupError as missing:
            told = [str(missing)]
        faults = [t for t in told if t]
        calls, wrong, unclean = calls + len(told), wrong + len(faults), unclean + bool(faults)
        if faults:
            print(address, *faults, sep="\n    ", flush=True)
    print(f"{len(found)} functions, {calls} calls, {wrong} faults in {unclean} functions")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
