"""Neural control: a deep network is a controlled flow, x' = f(x, theta(t)); depth is time, weights are the control."""

from companion.architectures.neural_control.adjoints import come_back, continuous_adjoint, discrete_gradient, divergence, log_density_change
from companion.architectures.neural_control.shears import Moves, follow, half_plane, interpolate, log_volume, moved, piecewise

__all__ = ["Moves", "come_back", "continuous_adjoint", "discrete_gradient", "divergence", "follow", "half_plane", "interpolate", "log_density_change",
           "log_volume", "moved", "piecewise"]
