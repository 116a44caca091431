"""Adam and its relatives: maps step(k, z) on phase space z = (x, m, v), start at_rest(x, 3) (AMSGrad: four parts).

    m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,  x <- x - lr m^ / (sqrt(v^) + eps),  g = grad f(x),
    m^ = m / (1 - beta1^{k+1}),  v^ = v / (1 - beta2^{k+1}),  k = 0, 1, ...;  all coordinate by coordinate.

Sources: Kingma and Ba, arXiv:1412.6980; Reddi, Kale, Kumar, arXiv:1904.09237 (AMSGrad); Loshchilov and Hutter, arXiv:1711.05101 (AdamW). Each agrees
with torch.optim step by step. f: (..., d) -> (...), one number a start; lr > 0; betas in [0, 1); eps >= 0. With eps = 0 the iterates do not feel the
scale of f, and a coordinate whose v is 0 (never a gradient, or one whose square underflows) stays where it is.
"""

import torch

from companion.energies import grad
from companion.inputs import a_number
from companion.training.momentum.phase import parts, ratio


def adam(k, z, *, f, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """One step of Adam on z = (x, m, v): (3, ..., d). torch.optim.Adam."""
    x, m, v = parts(z, "x", "m", "v")
    m, v = _moments(m, v, grad(f, x), beta1, beta2)
    return torch.stack([x - _step(k, m, v, lr, beta1, beta2, eps), m, v])


def amsgrad(k, z, *, f, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam divided by the largest v so far, z = (x, m, v, largest v): (4, ..., d). torch.optim.Adam(amsgrad=True)."""
    x, m, v, top = parts(z, "x", "m", "v", "largest v")
    m, v = _moments(m, v, grad(f, x), beta1, beta2)
    top = torch.maximum(top, v)
    return torch.stack([x - _step(k, m, top, lr, beta1, beta2, eps), m, v, top])


def adamw(k, z, *, f, lr, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam with decoupled decay: x <- (1 - lr decay) x - lr m^ / (sqrt(v^) + eps), z = (x, m, v). torch.optim.AdamW(weight_decay=decay)."""
    x, m, v = parts(z, "x", "m", "v")
    m, v = _moments(m, v, grad(f, x), beta1, beta2)
    kept = 1 - lr * a_number(decay, "decay", least=0)
    return torch.stack([kept * x - _step(k, m, v, lr, beta1, beta2, eps), m, v])


def adam_l2(k, z, *, f, lr, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    """Adam on f + decay |x|^2 / 2, z = (x, m, v): the decay passes through the division. torch.optim.Adam(weight_decay=decay)."""
    x, m, v = parts(z, "x", "m", "v")
    g = grad(f, x) + a_number(decay, "decay", least=0) * x
    m, v = _moments(m, v, g, beta1, beta2)
    return torch.stack([x - _step(k, m, v, lr, beta1, beta2, eps), m, v])


def sgd_decay(k, z, *, f, lr, decay):
    """x <- (1 - lr decay) x - lr grad f(x): gradient descent with weight decay, the same as descending f + decay |x|^2 / 2. z = x: (..., d)."""
    a_number(lr, "lr", above=0)
    return (1 - lr * a_number(decay, "decay", least=0)) * z - lr * grad(f, z)


def preconditioner(k, z, *, beta2=0.999, eps=1e-8):
    """1 / (sqrt(v^) + eps) in the state z = (x, m, v) after k >= 1 steps: (..., d). What lr is multiplied by; 0 where v = 0 = eps."""
    v = parts(z, "x", "m", "v")[2]
    k = torch.as_tensor(k, dtype=z.dtype, device=z.device)
    return ratio(torch.ones_like(v), _root(torch.clamp(k, min=1) - 1, v, _beta(beta2, "beta2"), eps))


def stability_limit(beta1):
    """2 (1 + beta1) / (1 - beta1): where momentum with a frozen preconditioner P turns unstable, in units of lr times curvature times P.

    38 at beta1 = 0.9 (Cohen et al., arXiv:2207.14484). Raises TypeError, ValueError.
    """
    _beta(beta1, "beta1")
    return 2 * (1 + beta1) / (1 - beta1)


def step_bound(beta1, beta2):
    """(1 - beta1) / sqrt((1 - beta2)(1 - beta1^2 / beta2)): the least bound on |step| / lr that holds whatever the gradients, beta1^2 < beta2.

    By Cauchy and Schwarz on m and v; approached by gradients that grow by the factor beta2 / beta1. For a gradient after silence the step is
    lr (1 - beta1) / sqrt(1 - beta2), as Kingma and Ba say. 7.3 and 3.2 with the usual betas. Raises TypeError, ValueError.
    """
    _beta(beta1, "beta1"), _beta(beta2, "beta2")
    if not isinstance(beta1, torch.Tensor) and not isinstance(beta2, torch.Tensor) and beta1**2 >= beta2:
        raise ValueError(f"beta1 = {beta1}, beta2 = {beta2}; expected beta1^2 < beta2: else no bound holds.")
    return (1 - beta1) / ((1 - beta2) * (1 - beta1**2 / beta2)) ** 0.5


def _moments(m, v, g, beta1, beta2):
    _beta(beta1, "beta1"), _beta(beta2, "beta2")
    return beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g.square()


def _root(k, v, beta2, eps):
    return torch.sqrt(v) / (1 - beta2 ** (k + 1)) ** 0.5 + a_number(eps, "eps", least=0)


def _step(k, m, v, lr, beta1, beta2, eps):
    return a_number(lr, "lr", above=0) / (1 - beta1 ** (k + 1)) * ratio(m, _root(k, v, beta2, eps))


def _beta(beta, name):
    a_number(beta, name, least=0)
    if not isinstance(beta, torch.Tensor) and beta >= 1:
        raise ValueError(f"{name} = {beta}; expected a number in [0, 1), such as 0.9.")
    return beta
