"""Adam and its relatives: maps step(k, z) on phase space, z = Moments(x, m, v),
start at_rest(x, Moments).

    m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,  x <- x - lr
    m^ / (sqrt(v^) + eps),  g = grad f(x),
    m^ = m / (1 - beta1^{k+1}),  v^ = v / (1 - beta2^{k+1}),  k = 0, 1, ...;  all coordinate
    by coordinate.

Sources: Kingma and Ba, arXiv:1412.6980; Reddi, Kale, Kumar, arXiv:1904.09237 (AMSGrad);
Loshchilov and Hutter, arXiv:1711.05101 (AdamW). Each agrees with torch.optim step by step.
f: (..., d) -> (...), one number a start; lr > 0; betas in [0, 1); eps >= 0.
With eps = 0 the iterates do not feel the scale of f, and a coordinate whose v is 0
(never a gradient, or one whose square underflows) stays where it is.
"""

from typing import Annotated

import torch

from companion.energies import grad
from companion.entries import NonNegatives
from companion.hints import Function, NonNegative, Number, Positive, Tensor, checked
from companion.inputs import a_number, batch, concrete_value
from companion.training.momentum.phase import WithMaxMoments, WithMoments, mean_square, ratio


def a_beta(beta: float | torch.Tensor, name: str) -> float | torch.Tensor:
    """Return beta, a number in [0, 1). Raises TypeError, ValueError."""
    a_number(beta, name, least=0)
    if (concrete_value(lambda: beta >= 1, beta) if isinstance(beta, torch.Tensor) else beta >= 1):
        raise ValueError(f"{name} = {float(beta)}; expected a number in [0, 1), such as 0.9.")
    return beta


Beta = Annotated[float | torch.Tensor, a_beta]


@checked
def adam(k: NonNegative, z: WithMoments, *, f: Function, lr: Positive,
         beta1: Beta = 0.9, beta2: Beta = 0.999, eps: NonNegative = 1e-8) -> WithMoments:
    """One step of Adam: torch.optim.Adam."""
    m, v = _moments(z, grad(f, z.x), beta1, beta2)
    return z._replace(x=z.x - _step(k, m, v, lr, beta1, beta2, eps), m=m, v=v)


@checked
def amsgrad(k: NonNegative, z: WithMaxMoments, *, f: Function, lr: Positive,
            beta1: Beta = 0.9, beta2: Beta = 0.999, eps: NonNegative = 1e-8) -> WithMaxMoments:
    """Adam divided by the largest v so far: start at_rest(x, MaxMoments).
    torch.optim.Adam(amsgrad=True)."""
    m, v = _moments(z, grad(f, z.x), beta1, beta2)
    top = torch.maximum(mean_square(z.top, "top, the largest v,"), v)
    return z._replace(x=z.x - _step(k, m, top, lr, beta1, beta2, eps), m=m, v=v, top=top)


@checked
def adamw(k: NonNegative, z: WithMoments, *, f: Function, lr: Positive, decay: NonNegative,
          beta1: Beta = 0.9, beta2: Beta = 0.999, eps: NonNegative = 1e-8) -> WithMoments:
    """Adam with decoupled decay: x <- (1 - lr decay) x - lr m^ / (sqrt(v^) + eps).
    torch.optim.AdamW(weight_decay=decay)."""
    m, v = _moments(z, grad(f, z.x), beta1, beta2)
    kept = 1 - lr * decay
    return z._replace(x=kept * z.x - _step(k, m, v, lr, beta1, beta2, eps), m=m, v=v)


@checked
def adam_l2(k: NonNegative, z: WithMoments, *, f: Function, lr: Positive, decay: NonNegative,
            beta1: Beta = 0.9, beta2: Beta = 0.999, eps: NonNegative = 1e-8) -> WithMoments:
    """Adam on f + decay |x|^2 / 2: the decay passes through the division.
    torch.optim.Adam(weight_decay=decay)."""
    m, v = _moments(z, grad(f, z.x) + decay * z.x, beta1, beta2)
    return z._replace(x=z.x - _step(k, m, v, lr, beta1, beta2, eps), m=m, v=v)


@checked
def sgd_decay(k: Number, x: Tensor, *, f: Function, lr: Positive, decay: NonNegative) -> Tensor:
    """x <- (1 - lr decay) x - lr grad f(x): gradient descent with weight decay,
    the same as descending f + decay |x|^2 / 2. x: (..., d)."""
    return (1 - lr * decay) * x - lr * grad(f, x)


@checked
def preconditioner(k: NonNegatives, z: WithMoments, *, beta2: Beta = 0.999,
                   eps: NonNegative = 1e-8) -> Tensor:
    """1 / (sqrt(v^) + eps) in the state z after k >= 1 steps: (..., d), 0 where v = 0 = eps.
    What lr is multiplied by. k: a number, or one for each state, as path.t[:, None] for path.x."""
    batch((getattr(k, "shape", ()), "k"), (z.v.shape, "z.v"))
    last = torch.clamp(k.to(z.v), min=1) - 1 if isinstance(k, torch.Tensor) else max(k, 1) - 1
    return ratio(torch.ones_like(z.v), _root(last, mean_square(z.v), beta2, eps))


@checked
def stability_limit(beta1: Beta) -> float | torch.Tensor:
    """2 (1 + beta1) / (1 - beta1): where momentum with a frozen preconditioner P turns unstable,
    in units of lr times curvature times P.

    38 at beta1 = 0.9 (Cohen et al., arXiv:2207.14484). Raises TypeError, ValueError.
    """
    return 2 * (1 + beta1) / (1 - beta1)


@checked
def step_bound(beta1: Beta, beta2: Beta) -> float | torch.Tensor:
    """(1 - beta1) / sqrt((1 - beta2)(1 - beta1^2 / beta2)): the least bound on |step| / lr that
    holds whatever the gradients, beta1^2 < beta2.

    By Cauchy and Schwarz on m and v; approached by gradients that grow by the factor beta2 / beta1.
    For a gradient after silence the step is lr (1 - beta1) / sqrt(1 - beta2), as Kingma and Ba say.
    7.3 and 3.2 with the usual betas. Raises TypeError, ValueError.
    """
    room = torch.as_tensor(beta2 - beta1**2)
    if concrete_value(lambda: room <= 0, room):
        raise ValueError(f"beta1 = {float(beta1)}, beta2 = {float(beta2)}; "
                         "expected beta1^2 < beta2: else no bound holds.")
    return (1 - beta1) / ((1 - beta2) * (1 - beta1**2 / beta2)) ** 0.5


def _moments(z, g, beta1, beta2):
    return beta1 * z.m + (1 - beta1) * g, beta2 * mean_square(z.v) + (1 - beta2) * g.square()


def _root(k, v, beta2, eps):
    return torch.sqrt(v) / (1 - beta2 ** (k + 1)) ** 0.5 + eps


def _step(k, m, v, lr, beta1, beta2, eps):
    return lr / (1 - beta1 ** (k + 1)) * ratio(m, _root(k, v, beta2, eps))
