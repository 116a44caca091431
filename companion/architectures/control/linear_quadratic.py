"""Linear-quadratic problems, exactly: minimise 1/2 integral of (x - a)'Q(x - a) + u'Ru, plus 1/2 (x(T) - a)'F(x(T) - a), with x' = Ax + Bu.

In Pontryagin's sign u = R^-1 B'p, and z = (x, p) follows z' = M z + (0, -Qa) with M = [[A, B R^-1 B'], [Q, -A']].
Source: Trelat, Controle optimal: theorie et applications (2005), chapter 4; Trelat and Zuazua, J. Differential Equations 258 (2015).
"""

from typing import NamedTuple

import torch

from companion.architectures.control.problem import Solution
from companion.flow import Path
from companion.inputs import a_count, a_number, a_tensor


class Steady(NamedTuple):
    """The optimal steady state: x (n,), u (m,), p (n,) with Ax + Bu = 0, and the rate at which extremals come near and leave."""

    x: torch.Tensor
    u: torch.Tensor
    p: torch.Tensor
    rate: float


def _matrices(A, B, Q, R):
    A, B, Q, R = (torch.as_tensor(m, dtype=torch.float64) for m in (A, B, Q, R))
    n, m = B.shape if B.ndim == 2 else (-1, -1)
    if A.shape != (n, n) or Q.shape != (n, n) or R.shape != (m, m):
        shapes = [tuple(k.shape) for k in (A, B, Q, R)]
        raise ValueError(f"A, B, Q, R have shapes {shapes}; expected (n, n), (n, m), (n, n), (m, m).")
    if not torch.equal(Q, Q.T) or not torch.equal(R, R.T) or torch.linalg.eigvalsh(R)[0] <= 0 or torch.linalg.eigvalsh(Q)[0] < -1e-12:
        raise ValueError("Q or R does not weigh; expected both symmetric, Q >= 0 and R > 0.")
    return A, B, Q, R


def hamiltonian_matrix(A, B, Q, R):
    """M = [[A, B R^-1 B'], [Q, -A']]: extremals (x, p) of the homogeneous problem follow z' = M z. (2n, 2n). Raises ValueError."""
    A, B, Q, R = _matrices(A, B, Q, R)
    return torch.cat([torch.cat([A, B @ torch.linalg.solve(R, B.T)], 1), torch.cat([Q, -A.T], 1)])


def riccati(A, B, Q, R):
    """(P, K): the stabilising solution of A'P + PA - P B R^-1 B'P + Q = 0, and the gain of the optimal feedback u = -K x. Raises ValueError."""
    from scipy.linalg import LinAlgError, solve_continuous_are

    A, B, Q, R = _matrices(A, B, Q, R)
    try:
        P = torch.from_numpy(solve_continuous_are(*(m.numpy() for m in (A, B, Q, R))))
    except LinAlgError as error:
        raise ValueError("the Riccati equation has no stabilising solution; expected (A, B) stabilisable and (A, Q) detectable.") from error
    return P, torch.linalg.solve(R, B.T @ P)


def riccati_field(A, B, Q, R):
    """The field of P in the time to go s = T - t: dP/ds = A'P + PA - P B R^-1 B'P + Q, P(0) = F. For `flow`. Raises ValueError."""
    A, B, Q, R = _matrices(A, B, Q, R)
    S = B @ torch.linalg.solve(R, B.T)
    return lambda s, P: A.T.to(P) @ P + P @ A.to(P) - P @ S.to(P) @ P + Q.to(P)


def steady(A, B, Q, R, target):
    """The Steady state that minimises 1/2 (x - a)'Q(x - a) + 1/2 u'Ru under Ax + Bu = 0, a = target (n,). Raises ValueError."""
    M, (A, B, Q, R) = hamiltonian_matrix(A, B, Q, R), _matrices(A, B, Q, R)
    n = len(A)
    z = torch.linalg.solve(M, torch.cat([torch.zeros(n, dtype=M.dtype), Q @ torch.as_tensor(target, dtype=M.dtype)]))
    rate = torch.linalg.eigvals(M).real.abs().min().item()
    return Steady(z[:n], torch.linalg.solve(R, B.T @ z[n:]), z[n:], rate)


def linear_quadratic(A, B, Q, R, *, x0, T, xT=None, target=None, F=None, steps=200):
    """The Solution, exact at the nodes: z_{k+1} = e^{hM} z_k on `steps` intervals and the conditions at both ends, as one banded system.

    One system, because e^{TM} alone grows like e^{rate T}: shooting from p(0) loses that many digits. Raises TypeError, ValueError.
    xT: (n,), the end; None: it is free, and F (n, n) weighs it.
    """
    from scipy.sparse import bmat, eye
    from scipy.sparse.linalg import spsolve

    A, B, Q, R = _matrices(A, B, Q, R)
    n, K, h = len(A), a_count(steps, "steps"), float(a_number(T, "T", above=0)) / steps
    x0, a = a_tensor(x0, "x0").to(A), torch.zeros_like(A[0]) if target is None else torch.as_tensor(target, dtype=A.dtype)
    F = torch.zeros_like(A) if F is None else torch.as_tensor(F, dtype=A.dtype)
    E, c = _step(hamiltonian_matrix(A, B, Q, R), torch.cat([torch.zeros_like(a), -Q @ a]), h)
    eyes, zero = torch.eye(n, dtype=A.dtype), torch.zeros(n, n, dtype=A.dtype)
    last = torch.cat([eyes, zero], 1) if xT is not None else torch.cat([F, eyes], 1)
    rows = [[None] * (K + 1) for _ in range(K + 2)]
    rows[0][0], rows[K + 1][K] = torch.cat([eyes, zero], 1).numpy(), last.numpy()
    for k in range(K):
        rows[k + 1][k], rows[k + 1][k + 1] = -E.numpy(), eye(2 * n)
    right = torch.cat([x0, c.repeat(K), F @ a if xT is None else a_tensor(xT, "xT").to(A)])
    z = torch.from_numpy(spsolve(bmat(rows, format="csc"), right.numpy())).reshape(K + 1, 2 * n)
    x, p = z[:, :n], z[:, n:]
    u = torch.linalg.solve(R, B.T @ p.T).T
    t = torch.linspace(0, float(T), K + 1, dtype=A.dtype)
    left = max((x[0] - x0).abs().max().item(), (z[1:] - z[:-1] @ E.T - c).abs().max().item())
    return Solution(Path(t, x), u, p, _cost(t, x, u, p, A, a, Q, R, F), left)


def _step(M, c, h):
    """(e^{hM}, the contribution of the constant c): the exact flow of z' = M z + c over h."""
    d = len(M)
    big = torch.zeros(d + 1, d + 1, dtype=M.dtype)
    big[:d, :d], big[:d, d] = M, c
    E = torch.linalg.matrix_exp(h * big)
    return E[:d, :d], E[:d, d]


def _cost(t, x, u, p, A, a, Q, R, F):
    """The cost, exactly: along an extremal d/dt <p, x - a> = (x-a)'Q(x-a) + u'Ru + <p, A a>, so only <p, Aa> is left to integrate."""
    ends = (p[-1] * (x[-1] - a)).sum() - (p[0] * (x[0] - a)).sum()
    extra = torch.trapezoid((p @ (A @ a)), t) if bool((A @ a).any()) else 0.0
    end = x[-1] - a
    return (ends - extra + end @ F @ end) / 2
