"""Checks of what a reader gives, in the reader's words: what came, what is expected, how to mend it.

Values are looked at only where there are values: in an exported graph, under torch.compile and torch.func.vmap only shapes are checked.
Inside a run only shapes are checked too: a blow-up is something to see, and a look at every step would make a GPU wait.
"""

import contextlib
import contextvars
import math

import torch

DTYPES = (torch.float32, torch.float64)  # half and bfloat16 keep three digits: no claim of the book survives them
RUNNING = contextvars.ContextVar("RUNNING", default=False)


@contextlib.contextmanager
def running():
    """Within it values are trusted: the verbs have looked at what the reader gave, and the run goes where it goes."""
    before = RUNNING.set(True)
    try:
        yield
    finally:
        RUNNING.reset(before)


def a_tensor(x, name="x", *, floating=True, extended=False):
    """Return x, a tensor of finite numbers; extended: -inf too, as of log 0. Raises TypeError, ValueError."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} is a {type(x).__name__}; expected a torch.Tensor: use torch.as_tensor({name}).")
    if floating and not x.is_floating_point():
        raise TypeError(f"{name} has dtype {x.dtype}; expected floating point: use {name}.to(torch.float32).")
    if floating and x.dtype not in DTYPES:
        raise TypeError(f"{name} has dtype {x.dtype}; expected torch.float32 or torch.float64: use {name}.to(torch.float32).")
    if x.is_floating_point() and x.numel():
        z = x.detach()
        size = concrete_value(lambda: (z.amax() if extended else z.abs().amax()), x)
        _a_size(size, name, extended)
    return x


def _a_size(size, name, extended):
    """size, the largest entry, is a finite number; None is not looked at. Raises ValueError."""
    if size is None or size < math.inf:
        return
    if math.isnan(size):
        raise ValueError(f"{name} contains NaN; expected numbers: find where with torch.isnan({name}).nonzero().")
    kind = "inf; expected numbers or -inf" if extended else "an infinity; expected finite numbers"
    raise ValueError(f"{name} contains {kind}: find where with torch.isinf({name}).nonzero().")


def a_cloud(x, name="x", *, d=None):
    """Return x, a cloud (..., n, d) of n >= 1 points, rows are points. Raises TypeError, ValueError."""
    a_tensor(x, name)
    if x.ndim < 2:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected a cloud (..., n, d): points on a line are {name}[:, None].")
    if x.shape[-2] == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected at least one point of at least one coordinate.")
    if d is not None and x.shape[-1] != d:
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected points with {d} coordinates: (..., n, {d}).")
    return x


def same_dimension(x, y, names=("x", "y")):
    """Two clouds live in one space, dtype and device, and batches go together. Raises TypeError, ValueError."""
    a_cloud(x, names[0])
    a_cloud(y, names[1], d=x.shape[-1])
    alike({names[0]: x, names[1]: y})
    if max(x.ndim, y.ndim) > 2 and has_values(x) and has_values(y):
        batch(*((z.shape[:-2], f"the batch of {name}") for z, name in zip((x, y), names, strict=True)))


def batch(*shapes):
    """The common shape of (shape, name) pairs under broadcasting. Raises ValueError."""
    try:
        return torch.broadcast_shapes(*(shape for shape, _ in shapes))
    except RuntimeError:
        told = ", ".join(f"{name} has shape {tuple(shape)}" for shape, name in shapes)
        raise ValueError(f"{told}; expected shapes that broadcast: equal, or 1, from the last on.") from None


def a_function(f, name="f"):
    """Return f, a callable. Raises TypeError."""
    if not callable(f):
        raise TypeError(f"{name} is a {type(f).__name__}; expected a function: write {name}=lambda ...: ...")
    return f


def a_number(value, name, *, above=-math.inf, least=-math.inf, most=math.inf):
    """Return value, a finite number (or 0-d tensor) with above < value, least <= value <= most. Raises TypeError, ValueError."""
    if isinstance(value, torch.Tensor) and value.ndim == 0:
        if value.dtype == torch.bool or value.is_complex():
            raise TypeError(f"{name} has dtype {value.dtype}; expected a real number.")
        number = concrete_value(lambda: value, value)
        if number is None:
            return value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    else:
        raise TypeError(f"{name} is {value!r}; expected a number: float({name}) if it is one.")
    if not (math.isfinite(number) and number > above and least <= number <= most):
        bounds = [f"{word} {bound}" for word, bound in (("above", above), ("at least", least), ("at most", most)) if math.isfinite(bound)]
        raise ValueError(f"{name} = {number}; expected a finite number{' ' * bool(bounds)}{' and '.join(bounds)}.")
    return value


def a_count(value, name, *, least=1):
    """Return value, an integer of at least `least`. Raises TypeError, ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}; expected an integer: int({name}) if it is one.")
    if value < least:
        raise ValueError(f"{name} = {value}; expected an integer of at least {least}.")
    return value


def a_generator(generator, name="generator"):
    """Return generator, a torch.Generator on the CPU: there a seed gives the same points on every machine. Raises TypeError."""
    if not isinstance(generator, torch.Generator) or generator.device.type != "cpu":
        raise TypeError(f"{name} is {generator!r}; expected a generator on the CPU: torch.Generator().manual_seed(0).")
    return generator


def alike(tensors):
    """Tensors name -> x share dtype and device. Raises TypeError."""
    (first, x), *others = tensors.items() or [(None, None)]
    for name, y in others:
        if y.dtype != x.dtype or y.device != x.device:
            raise TypeError(f"{name} is {y.dtype} on {y.device}; expected {x.dtype} on {x.device}, like {first}: use {name}.to({first}).")


def a_state(x, name="x"):
    """Return x, a state: a tensor, or a flat NamedTuple of tensors that share dtype and device. Raises TypeError, ValueError."""
    if not isinstance(x, tuple):
        return a_tensor(x, name)
    if not getattr(x, "_fields", ()):
        raise TypeError(f"{name} is a {type(x).__name__}; expected a torch.Tensor, or a NamedTuple of tensors: "
                        "class Phase(NamedTuple), with the lines x: Tensor and v: Tensor.")
    named = {f"{name}.{field}": part for field, part in zip(x._fields, x, strict=True)}
    for field, part in named.items():
        a_tensor(part, field)
    alike(named)
    return x


def like(out, x, name):
    """Return out, what a reader's function gave: a tensor, or named parts, with the shape, dtype and device of x. Raises TypeError, ValueError."""
    if isinstance(x, tuple):
        if type(out) is not type(x):
            raise TypeError(f"{name} is a {type(out).__name__}; expected {type(x).__name__}({', '.join(x._fields)}), like x.")
        for field, ours, theirs in zip(x._fields, out, x, strict=True):
            like(ours, theirs, f"{name}.{field}")
        return out
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"{name} is a {type(out).__name__}; expected a torch.Tensor of shape {tuple(x.shape)}.")
    if out.shape != x.shape:
        raise ValueError(f"{name} has shape {tuple(out.shape)}; expected the shape of x, {tuple(x.shape)}.")
    if out.dtype != x.dtype or out.device != x.device:
        raise TypeError(f"{name} is {out.dtype} on {out.device}; expected {x.dtype} on {x.device}, like x.")
    return out


def one_each(value, shape, name, what="one number for each point, as .sum(-1) leaves it"):
    """Return value, what a reader's function gave: a floating-point tensor of this shape. Raises TypeError, ValueError."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        kind = f"has dtype {value.dtype}" if isinstance(value, torch.Tensor) else f"is a {type(value).__name__}"
        raise TypeError(f"{name} {kind}; expected a floating-point torch.Tensor, {what}.")
    if value.shape != torch.Size(shape):
        raise ValueError(f"{name} has shape {tuple(value.shape)}; expected {tuple(shape)}: {what}.")
    return value


def has_values(x):
    """Whether the tensor x holds numbers: inside an export it stands for any tensor, sizes are symbols, and nothing may be decided by them."""
    return type(x) in (torch.Tensor, torch.nn.Parameter) and not torch.compiler.is_compiling()


def concrete_value(measure, x):
    """The Python number measure(), a 0-d tensor computed from x; None where x has no values, or is inside a run."""
    if not has_values(x) or RUNNING.get():
        return None
    try:
        found = measure().item()
    except RuntimeError:  # vmap, a meta tensor, a tracer
        return None
    return found if isinstance(found, (bool, int, float)) else None  # a constant of a traced function: its number is a symbol
