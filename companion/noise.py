"""Counter-based noise: the numbers of step k are a function of (seed, k), the same in Python and in a page, on every device.

**Bits.** Philox-4x32-10 (Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011) maps a counter of four
32-bit words and a key of two to four 32-bit words. One round, all modulo 2^32, with (hi, lo) the halves of a 64-bit product:

    (hi0, lo0) = 0xD2511F53 * c0        (hi1, lo1) = 0xCD9E8D57 * c2
    (c0, c1, c2, c3)  <-  (hi1 ^ c1 ^ k0,  lo1,  hi0 ^ c3 ^ k1,  lo0)

Ten rounds; between two of them k0 += 0x9E3779B9 and k1 += 0xBB67AE85.

**Counter and key.** Elements 4b, 4b+1, 4b+2, 4b+3 of the flattened (row-major) shape come from the block b = 0, 1, ...:

    counter = (b, k mod 2^32, stream, 0)        key = (seed mod 2^32, floor(seed / 2^32))
    stream  = 0 for `noise`, 1 for `uniform`

**Numbers.** The words w0..w3 become u_j = (w_j + 0.5) / 2^32 in float64, strictly between 0 and 1. `uniform` returns u0, u1, u2, u3.
`noise` returns (Box and Muller, 1958), in float64, then rounded to the dtype asked for:

    z0 = r cos(2 pi u1),   z1 = r sin(2 pi u1),   r = sqrt(-2 ln u0)
    z2 = s cos(2 pi u3),   z3 = s sin(2 pi u3),   s = sqrt(-2 ln u2)

Elements beyond the shape are dropped: the noise of n numbers begins the noise of m > n numbers.
"""

import math
from collections.abc import Callable, Sequence

import torch

from companion import callable_module
from companion.hints import State, a_device
from companion.inputs import a_count, a_function, a_tensor
from companion.state import cut, one, parts

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)


def philox(counter: torch.Tensor, key: tuple[int, int]) -> torch.Tensor:
    """Philox-4x32-10: the words (4, ...) of the counters (4, ...), int64 tensors of 32-bit words; key is a pair of ints."""
    if a_tensor(counter, "counter", floating=False).dtype != torch.int64 or counter.ndim == 0 or len(counter) != 4:
        raise TypeError(f"counter is {counter.dtype} of shape {tuple(counter.shape)}; expected torch.int64 words (4, ...).")
    if not isinstance(key, (tuple, list)) or len(key) != 2:
        raise TypeError(f"key is {key!r}; expected a pair of integers: (1, 2).")
    for word in key:
        a_count(word, "a word of key", least=0)
    column = (2,) + (1,) * (counter.ndim - 1)
    multiplier = torch.tensor(_MULTIPLIERS, device=counter.device).view(column)
    even, odd = counter[0::2], counter[1::2]
    for r in range(10):
        round_key = [(word + r * weyl) & _WORD for word, weyl in zip(key, _WEYL, strict=True)]
        low = multiplier * (even & 0xFFFF)  # 32 x 16 bits: no int64 overflow, where 32 x 32 would
        high = multiplier * (even >> 16) + (low >> 16)
        hi, lo = high >> 16, (high & 0xFFFF) << 16 | low & 0xFFFF
        even, odd = hi.flip(0) ^ odd ^ torch.tensor(round_key, device=counter.device).view(column), lo.flip(0)
    return torch.stack((even[0], odd[0], even[1], odd[1]))


def noise(shape: Sequence[int], *, seed: int, k: int, dtype: torch.dtype = torch.float32, device: torch.device | str | None = None) -> torch.Tensor:
    """Independent N(0, 1) numbers of the given shape, a function of (seed, k): the definition is at the top of this module.

    seed is an int in [0, 2^64), k an int, taken modulo 2^32 (by convention k = -1 is the start's own noise). Raises TypeError, ValueError.
    """
    u = _uniforms(shape, seed, k, 0, dtype, device)
    radius, angle = (-2 * u[0::2].log()).sqrt(), 2 * math.pi * u[1::2]
    z = torch.stack((radius * angle.cos(), radius * angle.sin()), 1)  # (pair, cos or sin, block)
    return _in_shape(z.flatten(0, 1), shape, dtype)


def uniform(shape: Sequence[int], *, seed: int, k: int, dtype: torch.dtype = torch.float32, device: torch.device | str | None = None) -> torch.Tensor:
    """Independent numbers, uniform on (0, 1), a function of (seed, k), independent of `noise`. In float32 the largest may round to 1.

    Raises TypeError, ValueError, as `noise`.
    """
    return _in_shape(_uniforms(shape, seed, k, 1, dtype, device), shape, dtype)


def noise_like(x: State, *, seed: int, k: int) -> State:
    """noise in the shape, dtype and on the device of x; of a state with parts one draw, cut into its parts in their order.

    Raises TypeError, ValueError, as `noise`.
    """
    if not all(isinstance(part, torch.Tensor) for part in parts(x).values()):  # values are not looked at: a blow-up may pass
        raise TypeError(f"x is a {type(x).__name__}; expected a torch.Tensor, or a NamedTuple of tensors.")
    size = sum(part.numel() for part in parts(x).values())
    return cut(noise((size,), seed=seed, k=k, dtype=one(x).dtype, device=one(x).device), x)


def with_noise(step: Callable, *, seed: int) -> Callable:
    """The map (k, x) -> step(k, x, xi), where xi = noise_like(x, seed=seed, k=k). Raises TypeError."""
    a_function(step, "step")
    _a_seed(seed)
    return lambda k, x: step(k, x, noise_like(x, seed=seed, k=k))


def _uniforms(shape, seed, k, stream, dtype, device):
    """The float64 uniforms (4, blocks), enough blocks for the shape."""
    if not isinstance(shape, (tuple, list)):
        raise TypeError(f"shape is {shape!r}; expected a tuple of integers: x.shape, or (n, d).")
    for side in shape:
        a_count(side, "an entry of shape", least=0)
    if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise TypeError(f"dtype is {dtype!r}; expected a floating-point dtype: torch.float32 or torch.float64.")
    _a_seed(seed)
    a_count(k, "k", least=-math.inf)
    device = a_device(device)
    block = torch.arange((math.prod(shape) + 3) // 4, device=device)
    words = [torch.full_like(block, word) for word in (k & _WORD, stream, 0)]
    words = philox(torch.stack((block, *words)), (seed & _WORD, seed >> 32))
    return (words.to(torch.float64) + 0.5) / 2.0**32


def _in_shape(columns, shape, dtype):
    """The numbers (4, blocks), block after block, in the given shape."""
    return columns.T.reshape(-1)[: math.prod(shape)].reshape(shape).to(dtype)


def _a_seed(seed):
    """seed, an int in [0, 2^64). Raises TypeError, ValueError."""
    a_count(seed, "seed", least=0)
    if seed >= 2**64:
        raise ValueError(f"seed = {seed}; expected an integer below 2^64.")


callable_module(__name__)
