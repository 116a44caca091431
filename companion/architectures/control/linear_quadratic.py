"""Linear-quadratic problems, exactly: minimise 1/2 integral of (x - a)'Q(x - a) + u'Ru, plus
1/2 (x(T) - a)'F(x(T) - a), with x' = Ax + Bu.

In Pontryagin's sign u = R^-1 B'p, and z = (x, p) follows z' = M z + (0, -Qa) with
M = [[A, B R^-1 B'], [Q, -A']].
Source: Trelat, Controle optimal: theorie et applications (2005), chapter 4; Trelat and Zuazua, J.
Differential Equations 258 (2015).
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch

from companion.architectures.control.problem import NoSolution, Solution
from companion.flow import Path
from companion.hints import Count, Number, Numbers, Positive, Tensor, checked, numbers


class Steady(NamedTuple):
    """The optimal steady state: x (n,), u (m,), p (n,) with Ax + Bu = 0, and the rate at which
    extremals come near and leave: that of the slowest."""

    x: torch.Tensor
    u: torch.Tensor
    p: torch.Tensor
    rate: float


def _matrices(A, B, Q, R):
    """The four as float64, checked. Raises TypeError, ValueError."""
    try:
        given = [
            torch.as_tensor(k, dtype=torch.float64, device="cpu").detach() for k in (A, B, Q, R)
        ]
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"A, B, Q, R are {A!r}, {B!r}, {Q!r}, {R!r}; expected matrices of numbers."
        ) from error
    n, m = given[1].shape if given[1].ndim == 2 and given[1].numel() else (-1, -1)
    if [k.shape for k in given] != [(n, n), (n, m), (n, n),
                                    (m, m)] or not all(bool(k.isfinite().all()) for k in given):
        shapes = [tuple(k.shape) for k in given]
        raise ValueError(f"A, B, Q, R have shapes {shapes}; expected finite matrices (n, n), (n, "
                         "m), (n, n), (m, m).")
    A, B, Q, R = given
    _weighs(Q, "Q"), _weighs(R, "R", definite=True)
    return A, B, Q, R


def _weighs(W, name, *, definite=False):
    """W is a symmetric weight, >= 0 or > 0. Raises ValueError."""
    if not torch.equal(W, W.T):
        raise ValueError(f"{name} is not symmetric; expected a weight: ({name} + {name}.T) / 2.")
    least, size = torch.linalg.eigvalsh(W)[0].item(), W.abs().max().item()
    if least < -1e-12 * size or (definite and least <= 1e-14 * size):
        raise ValueError(f"{name} has the eigenvalue {least:.3g}; expected one that weighs: "
                         f"{name} {'>' if definite else '>='} 0.")


def hamiltonian_matrix(A: Numbers, B: Numbers, Q: Numbers, R: Numbers) -> torch.Tensor:
    """M = [[A, B R^-1 B'], [Q, -A']]: extremals (x, p) of the homogeneous problem follow z' = M z.
    (2n, 2n).

    Raises TypeError, ValueError.
    """
    A, B, Q, R = _matrices(A, B, Q, R)
    return torch.cat([torch.cat([A, B @ torch.linalg.solve(R, B.T)], 1), torch.cat([Q, -A.T], 1)])


def riccati(A: Numbers, B: Numbers, Q: Numbers, R: Numbers) -> tuple[torch.Tensor, torch.Tensor]:
    """(P, K): the stabilising solution of A'P + PA - P B R^-1 B'P + Q = 0, and the gain of the
    optimal feedback u = -K x. Raises TypeError, ValueError."""
    from scipy.linalg import LinAlgError, solve_continuous_are

    A, B, Q, R = _matrices(A, B, Q, R)
    try:
        P = torch.from_numpy(solve_continuous_are(*(m.numpy() for m in (A, B, Q, R))))
    except LinAlgError as error:
        raise ValueError("the Riccati equation has no stabilising solution; expected (A, B) "
                         "stabilisable and (A, Q) detectable.") from error
    return P, torch.linalg.solve(R, B.T @ P)


def riccati_field(A: Numbers, B: Numbers, Q: Numbers, R: Numbers) -> Callable:
    """The field of P in the time to go s = T - t: dP/ds = A'P + PA - P B R^-1 B'P + Q, P(0) = F.
    For `flow`.

    Raises TypeError, ValueError.
    """
    A, B, Q, R = _matrices(A, B, Q, R)
    S = B @ torch.linalg.solve(R, B.T)

    @checked
    def v(s: Number, P: Tensor) -> Tensor:
        if P.shape[-2:] != A.shape:
            raise ValueError(f"P has shape {tuple(P.shape)}; expected {tuple(A.shape)}, as A.")
        return A.T.to(P) @ P + P @ A.to(P) - P @ S.to(P) @ P + Q.to(P)

    return v


def steady(A: Numbers, B: Numbers, Q: Numbers, R: Numbers, target: Numbers) -> Steady:
    """The Steady state that minimises 1/2 (x - a)'Q(x - a) + 1/2 u'Ru under Ax + Bu = 0,
    a = target (n,).

    Raises TypeError, ValueError.
    """
    M, (A, B, Q, R) = hamiltonian_matrix(A, B, Q, R), _matrices(A, B, Q, R)
    a, n = numbers(target, "target", (len(A),)), len(A)
    rates = torch.linalg.eigvals(M).real.abs()
    if rates.min() <= 1e-9 * rates.max():
        raise ValueError("some extremals neither come near a steady state nor leave it; expected "
                         "(A, B) stabilisable and (A, Q) detectable.")
    z, singular = torch.linalg.solve_ex(M, torch.cat([torch.zeros_like(a), Q @ a]))
    if singular:
        raise ValueError("A, B, Q, R have sizes too far apart to be solved for; expected matrices "
                         "of moderate size.")
    return Steady(z[:n], torch.linalg.solve(R, B.T @ z[n:]), z[n:], rates.min().item())


@checked
def linear_quadratic(A: Numbers, B: Numbers, Q: Numbers, R: Numbers, *, x0: Numbers, T: Positive,
                     xT: Numbers | None = None, target: Numbers | None = None,
                     F: Numbers | None = None,
                     steps: Count = 200) -> Solution:
    """The Solution, exact at the nodes: z_{k+1} = e^{hM} z_k on `steps` intervals and the
    conditions at both ends, as one banded system; the cost is exact too.

    One system, because e^{TM} alone grows like e^{rate T}: shooting from p(0) loses that many
    digits.
    xT: (n,), the end; None: it is free, and F (n, n) weighs it. Raises TypeError, ValueError,
    NoSolution.
    """
    A, B, Q, R = _matrices(A, B, Q, R)
    n, T = len(A), float(T)
    h = T / steps
    x0, a = (
        numbers(x0, "x0", (n,)),
        numbers([0.0] * n if target is None else target, "target", (n,)),
    )
    F = numbers(torch.zeros(n, n) if F is None else F, "F", (n, n))
    xT = None if xT is None else numbers(xT, "xT", (n,))
    _weighs(F, "F")
    E, c, held = _step(
        hamiltonian_matrix(A, B, Q, R), torch.cat([torch.zeros_like(a), -Q @ a]), A @ a, h
    )
    eyes = torch.eye(n, dtype=A.dtype)
    last, right = (
        (torch.cat([F, eyes], 1), F @ a) if xT is None else (torch.cat([eyes, 0 * eyes], 1), xT)
    )
    z = _banded(E, c, x0, last, right, steps)
    x, p = z[:, :n], z[:, n:]
    left = max(
        r.abs().max().item() for r in (x[0] - x0, z[1:] - z[:-1] @ E.T - c, z[-1] @ last.T - right)
    )
    if not left <= 1e-6 * (1 + z.abs().max().item()):
        raise NoSolution(f"the conditions are left unmet by {left:.2e}; expected an end xT that "
                         "can be reached, or more steps.", left)
    u, end = torch.linalg.solve(R, B.T @ p.T).T, x[-1] - a
    # along an extremal d/dt <p, x - a> = (x-a)'Q(x-a) + u'Ru + <p, Aa>
    ends, drift = (
        (p[-1] * end).sum() - (p[0] * (x[0] - a)).sum(),
        (z[:-1] @ held[:-1] + held[-1]).sum(),
    )
    return Solution(Path(torch.linspace(0, T, steps + 1, dtype=A.dtype), x), u, p,
                    (ends - drift + end @ F @ end) / 2, left)


def _banded(E, c, x0, last, right, K):
    """z (K+1, 2n) with x_0 = x0, z_{k+1} = E z_k + c, last z_K = right."""
    from scipy.sparse import bmat, eye
    from scipy.sparse.linalg import MatrixRankWarning, spsolve

    n = len(x0)
    first = torch.eye(n, 2 * n, dtype=E.dtype)
    rows = [[None] * (K + 1) for _ in range(K + 2)]
    rows[0][0], rows[K + 1][K] = first.numpy(), last.numpy()
    for k in range(K):
        rows[k + 1][k], rows[k + 1][k + 1] = -E.numpy(), eye(2 * n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MatrixRankWarning)  # said by NoSolution, in words
        z = spsolve(bmat(rows, format="csc"), torch.cat([x0, c.repeat(K), right]).numpy())
    return torch.from_numpy(z).reshape(K + 1, 2 * n)


def _step(M, c, w, h):
    """The exact flow of z' = M z + c over h and the integral of <w, p> along it:
    (e^{hM}, what c adds, (2n + 1,): the integral's dependence on z, and a number).
    One row more in the matrix exponential, and one column."""
    d = len(M)
    big = torch.zeros(d + 2, d + 2, dtype=M.dtype)
    big[:d, :d], big[:d, d], big[d + 1, d // 2: d] = M, c, w
    E = torch.linalg.matrix_exp(h * big)
    return E[:d, :d], E[:d, d], E[d + 1, : d + 1]
