"""The Nesterov equation on a quadratic: x'' + (r/t) x' + mu x = 0 is Bessel's equation in disguise.

x(t) = x(0) A_r(sqrt(mu) t),  A_r(s) = Gamma((r+1)/2) (2/s)^p J_p(s),  p = (r - 1)/2.
To the next order in the step it is so again.
Sources: Su, Boyd, Candes, JMLR 17 (2016), section 3; Shi, Du, Jordan, Su, Math. Program.
195 (2022);
Poisson's integral for J_p: Watson, Theory of Bessel Functions, section 2.3.
"""

import math

import torch
from scipy.optimize import minimize_scalar
from scipy.special import gamma, j1, jv

from companion.entries import AtLeastOne, NonNegatives, Numbers, Positives, wide
from companion.hints import Count, Positive, Tensor, checked
from companion.inputs import a_number, a_tensor, batch, concrete_value


@checked
def nesterov_quadratic(t: NonNegatives, x0: Numbers, *, mu: Positives, r: Positive = 3.0) -> Tensor:
    """X(t) = x0 A_r(sqrt(mu) t) on f = mu x^2/2 (r = 3: 2 x0 J_1(s)/s): float64, of the shape of t,
    x0 and mu together.

    t >= 0, x0, mu > 0: numbers or tensors, mu one curvature an entry of x0; r > 0, a number.
    Through SciPy; in a live figure `bessel_profile`.
    """
    t, x0, mu = (torch.as_tensor(value, dtype=torch.float64) for value in (t, x0, mu))
    batch((t.shape, "t"), (x0.shape, "x0"), (mu.shape, "mu"))
    p = (float(r) - 1) / 2
    s = torch.sqrt(mu) * t
    safe = s.clamp(min=1e-8)  # below it A_r is 1 to the last digit
    profile = gamma(p + 1) * (2 / safe) ** p * torch.as_tensor(jv(p, safe.cpu().numpy()),
                                                               device=s.device)
    return x0 * profile


@checked
def bessel_profile(s: Tensor, *, r: AtLeastOne = 3.0, nodes: Count = 512) -> Tensor:
    """A_r(s) = int sin(u)^(r-1) cos(s cos u) du / int sin(u)^(r-1) du over 0 < u < pi: like s.
    Plain operations, r >= 1 a number.

    The midpoint rule after u = w - sin(2w)/2, which flattens the ends:
    to 1e-9 in float64 for |s| <= nodes and every r.
    Raises TypeError, ValueError.
    """
    if s.numel() and concrete_value(lambda: s.abs().amax() > nodes, s):
        raise ValueError(f"s has the entry {s.abs().max().item():.6g}; "
                         f"expected |s| <= nodes = {nodes}: give more nodes.")
    dtype, s = s.dtype, wide(s)
    # the other half is its mirror
    w = math.pi / 2 * (torch.arange(nodes, dtype=s.dtype, device=s.device) + 0.5) / nodes
    u = w - torch.sin(2 * w) / 2
    weights = torch.sin(u) ** (r - 1) * torch.sin(w).square()
    return ((torch.cos(s[..., None] * torch.cos(u)) * weights).sum(-1) / weights.sum()).to(dtype)


@checked
def nesterov_profile(t: Tensor, *, mu: float | torch.Tensor, h: float | torch.Tensor,
                     r: float = 3.0) -> Tensor:
    """e^{-h mu s/2} A_r(sqrt(mu (1 - h^2 mu/4)) s), s = t + (r/2 - 1) h: `nesterov` with
    lr = h^2 on mu x^2/2 from x = 1, after t/h steps, with an error O(h^2).

    It solves x'' + (r/s) x' + h mu x' + (1 + r h/(2 s)) mu x = 0, the equation of the next order.
    t: a tensor; mu, h >= 0: numbers or tensors that go with it, h^2 mu <= 4; 1 <= r <= 10^4,
    a number. Plain operations.
    Raises TypeError, ValueError.
    """
    a_number(r, "r", least=1.0, most=1e4)
    mu, h = (_beside(t, value, name) for value, name in ((mu, "mu"), (h, "h")))
    s = t + (r / 2 - 1) * h
    slower = torch.sqrt(torch.clamp(mu * (1 - h.square() * mu / 4), min=0))
    return torch.exp(-h * mu * s / 2) * bessel_profile(slower * s, r=r)


def bessel_peak() -> float:
    """sup of t^2 f(X(t))/x0^2 = 2 max J_1^2, whatever mu (r = 3): a float, 0.677.
    The bound for all convex f is 2."""
    return (
        2
        * j1(
            minimize_scalar(
                lambda s: -j1(s), bounds=(1.0, 3.0), method="bounded", options={"xatol": 1e-12}
            ).x
        )
        ** 2
    )


@checked
def bessel_tail(mu: Positives) -> Tensor:
    """limsup of t^3 f(X(t))/x0^2 = 4/(pi sqrt(mu)), since J_1(s)^2 is about 2 cos(.)^2/(pi s)
    (r = 3): mu > 0, a number or a tensor."""
    return 4 / (math.pi * torch.sqrt(torch.as_tensor(mu, dtype=torch.float64)))


def _beside(t, value, name):
    """value, a number or a tensor, as a tensor that broadcasts with t. Raises TypeError,
    ValueError."""
    if not isinstance(value, torch.Tensor):
        return torch.as_tensor(a_number(value, name, least=0), dtype=t.dtype, device=t.device)
    if value.ndim == 0:
        return a_number(value, name, least=0).to(t)
    if concrete_value(lambda: (a_tensor(value, name) < 0).any() | value.isinf().any(), value):
        raise ValueError(f"{name} has an entry that is negative or infinite; expected finite "
                         "numbers >= 0.")
    if any(a != b and 1 not in (a, b) for a,
           b in zip(value.shape[::-1], t.shape[::-1], strict=False)):
        raise ValueError(f"{name} has shape {tuple(value.shape)}, t has {tuple(t.shape)}; "
                         "expected shapes that broadcast.")
    return value
