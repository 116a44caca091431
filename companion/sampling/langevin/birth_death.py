"""Birth and death: mass is not moved, it is reweighted. The Fisher-Rao flow of KL(. | pi),

    d/dt rho = -rho (log(rho / pi) - KL(rho | pi)),      rho_t = rho_0^(e^-t)
    pi^(1 - e^-t) / normalisation,

whose rate is 1 for every pi: a barrier or a wide target does not slow it.
But where rho_0 has no mass it never has any.
For particles the flow becomes jumps: those in excess die, others split. On a grid it is
`companion.fokker_planck.fisher_rao`.
Lu, Lu and Nolen, Accelerating Langevin sampling with birth-death, arXiv 1905.09863;
Lu, Slepcev and Wang, Nonlinearity 36 (2023) 5731-5772.
"""

import math
from collections.abc import Callable

import torch

from companion.hints import Cloud, Function, Number, Positive, checked
from companion.inputs import like, one_each
from companion.kernels import gaussian_sum


@checked
def birth_death_rate(x: Cloud, V: Function, *, bandwidth: Positive) -> torch.Tensor:
    """log (K * rho)(x_i) + V(x_i) minus its mean over i: how much too crowded it is at x_i,
    for the target exp(-V).   x: (..., n, d) -> (..., n).

    rho is the cloud's law, K the Gaussian density of standard deviation `bandwidth` > 0.
    Constants in V do not matter.
    """
    height = one_each(V(x), x.shape[:-1], "V(x)").to(x)
    crowd = torch.log(gaussian_sum(x, x, length=bandwidth)) + height
    return crowd - crowd.mean(-1, keepdim=True)


@checked
def birth_death(V: Function, h: Positive, *, bandwidth: Positive) -> Callable:
    """The map step(k, x, xi) of birth and death for the target exp(-V): n particles x (..., n, d),
    xi like x, independent N(0, 1) numbers.

    With L = `birth_death_rate`: where L_i > 0, x_i dies with probability 1 - exp(-h L_i),
    and a copy of another particle takes its place; where L_i < 0, x_i splits with probability
    1 - exp(h L_i), and its copy takes the place of another. The other one is drawn uniformly,
    n is kept. All draws of a step are made at once: of several copies for one place the last wins,
    and a copy wins over a death; this is O(h^2). One number a particle is used:
    U = Phi(xi_i1) decides, and given an event U / probability is uniform, and draws the other.
    The bias of the kernel: at rest K * rho, not rho, is the target. V: (..., d) -> (...), h > 0.
    Raises TypeError, ValueError.
    """

    @checked
    def step(k: Number, x: Cloud, xi: Cloud) -> torch.Tensor:
        if like(xi, x, "xi").shape[-2] < 2:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (..., n, d) with n >= 2: a "
                             "single particle has no other.")
        return _jump(x, xi[..., 0], birth_death_rate(x, V, bandwidth=bandwidth), h)

    return step


def _jump(x, xi, L, h):
    n = x.shape[-2]
    place, one, none = (
        torch.arange(n, dtype=x.dtype, device=x.device),
        torch.ones_like(L),
        torch.zeros_like(L),
    )
    u, chance = (1 + torch.erf(xi / math.sqrt(2))) / 2, -torch.expm1(-h * L.abs())
    event = u < chance
    share = torch.where(event, u / torch.where(event, chance, one), none)
    # any place but its own
    other = torch.remainder(place + 1 + torch.clamp(torch.floor(share * (n - 1)), max=n - 2), n)
    dies, splits = event & (L > 0), event & (L < 0)
    # 0: no one
    claims = torch.where(splits[..., :, None] & (other[..., :, None] == place), place[:, None] + 1,
                         none[..., None]).amax(-2)
    source = torch.where(claims > 0, claims - 1, torch.where(dies, other, place))
    return (source[..., :, None] == place).to(x.dtype) @ x
