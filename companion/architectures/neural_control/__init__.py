"""Neural control: a deep network is a controlled flow, x' = f(x, theta(t)); depth is time,
weights are the control."""

from companion.architectures.neural_control.adjoints import (
    come_back,
    continuous_adjoint,
    discrete_gradient,
    divergence,
    log_density_change,
)
from companion.architectures.neural_control.driving import (
    carry_on,
    drive,
    hand_move,
    in_hand,
    line_and_arrow,
    miss,
    moves_driven,
    own_move,
    set_going,
    there_and_back,
)
from companion.architectures.neural_control.feedback import (
    cart_pole,
    closed,
    energy,
    mean_cost,
    network,
    pendulum,
    pendulum_policy,
    policy,
    seen,
    swing_up,
)
from companion.architectures.neural_control.layers import (
    accuracy,
    at_depth,
    layer,
    margin_loss,
    refined,
    through,
    trained,
    weights,
)
from companion.architectures.neural_control.shears import (
    Moves,
    follow,
    half_plane,
    interpolate,
    log_volume,
    moved,
    piecewise,
)

__all__ = [
    "Moves", "accuracy", "at_depth", "carry_on", "cart_pole", "closed", "come_back",
    "continuous_adjoint", "discrete_gradient", "divergence", "drive", "energy", "follow",
    "half_plane", "hand_move", "in_hand", "interpolate", "layer", "line_and_arrow",
    "log_density_change", "log_volume", "margin_loss", "mean_cost", "miss", "moved",
    "moves_driven", "network", "own_move", "pendulum", "pendulum_policy", "piecewise", "policy",
    "refined", "seen", "set_going", "swing_up", "there_and_back", "through", "trained", "weights",
]
