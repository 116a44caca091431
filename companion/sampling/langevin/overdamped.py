"""Langevin in time steps: the bias of the unadjusted scheme in closed form, and the test that removes it.

Scale: potentials V with invariant law exp(-V); S is a matrix (d, d) of curvatures, V(x) = <x, S x> / 2.
"""

import math

import torch

from companion.energies import grad
from companion.inputs import a_function, a_number, a_tensor, look
from companion.sampling.langevin.linear import a_square


def mala(V, h, *, temperature=1.0):
    """ULA's step y = x - h grad V(x) + sqrt(2 h T) xi, taken with probability a, else x again: exp(-V / T) is kept exactly.

    a = min(1, exp(-(V(y) - V(x)) / T) q(y, x) / q(x, y)),   q(x, y) = exp(-|y - x + h grad V(x)|^2 / (4 h T)).

    The state is the pair z = (x, a), z: (2, ..., d), where a is the last probability in every coordinate, so that it can be averaged;
    start from (x0, 1). step(k, z, xi), xi like z: xi[0] proposes, and the first number u of xi[1] decides: yes if Phi(u) < a.
    Roberts and Tweedie, Bernoulli 2 (1996) 341-363. Raises TypeError, ValueError.
    """
    a_function(V, "V")
    a_number(h, "h", above=0)
    a_number(temperature, "temperature", above=0)

    def step(k, z, xi):
        x, noise = _pair(z, xi)
        slope = grad(V, x)
        y = x - h * slope + (2 * h * temperature) ** 0.5 * noise
        back = (x - y + h * grad(V, y)).square().sum(-1) / (4 * h) - temperature * noise.square().sum(-1) / 2
        a = torch.exp(torch.clamp((V(x) - V(y) - back) / temperature, max=0))[..., None]
        yes = torch.special.ndtr(xi[1][..., :1]) < a
        return torch.stack([torch.where(yes, y, x), a.expand(x.shape)])

    return step


def squared_jump(V, h, z, xi, *, temperature=1.0):
    """E |x' - x|^2 of MALA's step from z, given its proposal: a |y - x|^2, (...). Its mean over the target measures the speed.

    z, xi: as for `mala`. A proposal accepted with probability a moves that often.
    """
    x, _ = _pair(z, xi)
    always = torch.cat([xi[:1], torch.full_like(xi[1:], -math.inf)])  # Phi(-inf) = 0: accepted, unless a = 0 and y = x
    y, a = mala(V, h, temperature=temperature)(0, z, always)
    return a[..., 0] * (y - x).square().sum(-1)


def mala_speed(a):
    """a Phi^-1(1 - a / 2)^(2/3): the speed of MALA in high dimension as a function of its acceptance a in [0, 1], up to a factor.

    The largest is at a = 0.574. Roberts and Rosenthal, J. R. Statist. Soc. B 60 (1998) 255-268: a = 2 Phi(-K l^3 / 2), speed l^2 a.
    """
    a = torch.as_tensor(a, dtype=torch.float64) if not isinstance(a, torch.Tensor) else a_tensor(a, "a")
    if look(lambda: ((a < 0) | (a > 1)).any(), a):
        raise ValueError("a has entries outside [0, 1]; expected probabilities of acceptance.")
    return torch.where(a > 0, a * torch.special.ndtri(1 - a.clamp(min=1e-300) / 2) ** (2 / 3), 0)


def ula_variance(h, *, sigma=1.0):
    """sigma^2 / (1 - h / (2 sigma^2)): the variance that ULA keeps on N(0, sigma^2), for h < 2 sigma^2. Plain operations: h may be a slider."""
    a_number(h, "h", above=0)
    a_number(sigma, "sigma", above=0)
    unstable = h >= 2 * sigma**2
    if look(lambda: unstable, unstable) if isinstance(unstable, torch.Tensor) else unstable:
        raise ValueError(f"h = {h} is not below 2 sigma^2 = {2 * sigma**2}; expected a stable step.")
    return sigma**2 / (1 - h / (2 * sigma**2))


def ula_covariance(S, h):
    """(S - h S S / 2)^-1: the covariance that ULA keeps for V = <x, S x> / 2, S symmetric; S^-1 is right.   S: (d, d), h < 2 / |S|.

    Raises TypeError, ValueError.
    """
    a_square(S, "S", symmetric=True)
    if not a_number(h, "h", above=0) < 2 / torch.linalg.eigvalsh(S)[-1]:
        raise ValueError(f"h = {h} is unstable; expected a step below 2 / |S| = {2 / torch.linalg.eigvalsh(S)[-1]:.4g}.")
    C = torch.linalg.inv(S - h * S @ S / 2)
    return (C + C.T) / 2


def ula_kl(h):
    """(r - 1 - log r) / 2, r = 1 / (1 - h / 2): KL from ULA's invariant law to N(0, 1); h^2 / 16 for small h."""
    r = ula_variance(h)
    log = torch.log if isinstance(r, torch.Tensor) else math.log
    return (r - 1 - log(r)) / 2


def ula_w2(h, *, sigma=1.0):
    """sigma ((1 - h / (2 sigma^2))^(-1/2) - 1): W2 from ULA's invariant law to N(0, sigma^2); h / (4 sigma) for small h."""
    return ula_variance(h, sigma=sigma) ** 0.5 - sigma


def ula_bound(k, h, kl0, *, d, lam, L):
    """exp(-lam h k) KL_0 + 8 h d L^2 / lam: a bound on KL after k steps of ULA, if exp(-V) satisfies LSI(lam), grad V is L-Lipschitz.

    For h <= lam / (4 L^2), else ValueError. Vempala and Wibisono, NeurIPS 2019.
    """
    for value, name in ((lam, "lam"), (L, "L"), (d, "d")):
        a_number(value, name, above=0)
    a_number(k, "k", least=0)
    a_number(kl0, "kl0", least=0)
    a_number(h, "h", above=0, most=lam / (4 * L**2))
    return math.exp(-lam * h * k) * kl0 + 8 * h * d * L**2 / lam


def _pair(z, xi):
    """The point x of z = (x, a) and the noise of its proposal. Raises TypeError, ValueError."""
    if a_tensor(z, "z").ndim < 2 or z.shape[0] != 2:
        raise ValueError(f"z has shape {tuple(z.shape)}; expected the pair (x, a), (2, ..., d): torch.stack([x, torch.ones_like(x)]).")
    if a_tensor(xi, "xi", extended=True).shape != z.shape:
        raise ValueError(f"xi has shape {tuple(xi.shape)}; expected the shape of z, {tuple(z.shape)}.")
    return z[0], xi[0]
