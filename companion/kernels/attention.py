"""Gaussian and softmax sums as fused attention: torch's scaled_dot_product_attention never holds
the n x m matrix.

-|q - k|^2 = <(2q, 1, -|q|^2), (k, -|k|^2, 1)> is a dot product with two coordinates more.
Attention returns sum_j softmax_j(s_ij) v_j;
one more key, of score t_i, has weight e^t / (e^t + sum_j e^s_ij), and a column of v that is 1 there
and 0 elsewhere reads it off: dividing by it gives back the sums that softmax divides by.
(The fused form in torch: Dao et al., FlashAttention, NeurIPS 2022.)
"""

import torch
from torch.nn.functional import pad, scaled_dot_product_attention

from companion.kernels.formulas import MANY, exp_sum, log_sum, soft_average


def attention(q, k, v):
    """sum_j softmax_j(<q_i, k_j>) v_j in linear memory: one head, and channels of equal number,
    as the fused form on a CPU asks."""
    batch = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    wide = max(q.shape[-1], v.shape[-1])

    def heads(z):
        z = pad(z, (0, wide - z.shape[-1]))
        return z.expand(*batch, *z.shape[-2:]).reshape(-1, 1, *z.shape[-2:])

    out = scaled_dot_product_attention(heads(q), heads(k), heads(v), scale=1.0)
    return out.reshape(*batch, *out.shape[-2:])[..., : v.shape[-1]]


def lift(q, k, h=0.0):
    """Q (..., n, d + 2) and K (..., m, d + 2) with <Q_i, K_j> = h_j - |q_i - k_j|^2, h (..., m, 1).
    """
    own, other = q.square().sum(-1, keepdim=True), h - k.square().sum(-1, keepdim=True)
    return torch.cat([2 * q, torch.ones_like(own), -own], -1), torch.cat(
        [k, other, torch.ones_like(k[..., :1])], -1
    )


def sums(Q, K, b, t):
    """sum_j exp(<Q_i, K_j> - t_i) b_j, t (..., n, 1): by a key more, of score t_i."""
    batch = torch.broadcast_shapes(K.shape[:-2], b.shape[:-2])
    Q, K = torch.cat([Q, t], -1), pad(K, (0, 1))
    extra = torch.zeros_like(K[..., :1, :])
    extra[..., -1] = 1.0
    columns = pad(b, (0, 1)).expand(*batch, *b.shape[-2:-1], b.shape[-1] + 1)
    reader = torch.zeros_like(columns[..., :1, :])
    reader[..., -1] = 1.0
    K = torch.cat([K, extra], -2)
    out = attention(Q, K, torch.cat([columns, reader], -2))
    return out[..., :-1] / out[..., -1:]


def careful(fused, spread):
    """The same sum of clouds about the mean of k, in float64 where |q|^2 or |k|^2 is above spread,
    or where k has many points.

    In float32 the terms of the lifted dot product cancel and 1e-7 of them is lost;
    and attention adds one block of points after another, so that a sum over 4e6 of them is off
    by 0.3 %. float64 costs twice the time.
    """

    def centred(q, k, b):
        centre = k.detach().mean(-2, keepdim=True, dtype=torch.float64)
        Q, K = q.double() - centre, k.double() - centre
        if k.shape[-2] >= MANY or max(z.detach().square().sum(-1).max() for z in (Q, K)) > spread:
            return fused(Q, K, b.double()).to(q.dtype)
        return fused(Q.to(q.dtype), K.to(q.dtype), b)

    return centred


def fused_soft_average(q, k, b):
    """soft_average: softmax_j(<q_i, k_j>) is that of <q_i, k_j - c> for every c.
    In float64 as in `careful`, for the same reasons."""
    K = k.double() - k.detach().mean(-2, keepdim=True, dtype=torch.float64)
    wide = q.detach().square().sum(-1).max() * K.detach().square().sum(-1).max() > 64.0**2
    if k.shape[-2] >= MANY or wide:
        return attention(q.double(), K, b.double()).to(q.dtype)
    return attention(q, K.to(q.dtype), b)


def fused_exp_sum(q, k, b):
    """exp_sum, with a key of score 0: every other score is below it, so nothing overflows."""
    return sums(*lift(q, k), b, torch.zeros_like(q[..., :1]))


def fused_log_sum(q, k, h):
    """log_sum in two passes. With p = softmax(s_i), t_i = <p, s_i> is the value less the entropy
    of p, so log m at most: no underflow."""
    top = h.detach().amax(-2, keepdim=True)
    Q, K = lift(q, k, (h - top).clamp(min=-1e30))  # a point of no weight has h = -inf, and inf * 0 is NaN
    with torch.no_grad():
        t = (Q * attention(Q, K, K)).sum(-1, keepdim=True)
    return top + t + sums(Q, K, torch.ones_like(K[..., :1]), t).log()


FUSED = {exp_sum: careful(fused_exp_sum, 64.0), soft_average: fused_soft_average,
         log_sum: careful(fused_log_sum, 0.0)}
