"""Transformers as interacting particles: depth is time, tokens are points, attention is the force
that gathers them.

Every function raises TypeError or ValueError for what it cannot take, in words.
"""

from companion.training.transformers.attention import (
    energy,
    noisy_step,
    normalise,
    partition,
    sa,
    similarities,
    tangent,
    usa,
)
from companion.training.transformers.circle import (
    attention_modes,
    growth_sa,
    growth_usa,
    k_max,
    landau_coefficients,
    mode_transition_beta,
    noise_threshold,
    tricritical_beta,
)
from companion.training.transformers.density import bump, grid, order_of, picard
from companion.training.transformers.euclidean import (
    attention,
    blow_up,
    ellipse,
    gaussian_rates,
    gaussian_tokens,
    moments,
    quadrature_tokens,
)
from companion.training.transformers.lattice import (
    lattice_partition,
    lattice_rates,
    paced_usa,
    predicted_clusters,
)
from companion.training.transformers.readouts import (
    angles,
    close_pairs,
    count_clusters,
    cross_ratio,
    mean_similarity,
    mode_amplitude,
    near_lattice,
    on_circle,
    order_parameter,
    uniform,
)
from companion.training.transformers.records import Sentence, minilm_sentence, minilm_similarity
from companion.training.transformers.similarity import (
    equiangular_sa,
    equiangular_usa,
    merge_clock,
    merge_time,
    two_tokens,
)

__all__ = [
    "Sentence", "angles", "attention", "attention_modes", "blow_up", "bump", "close_pairs",
    "count_clusters", "cross_ratio", "ellipse", "energy", "equiangular_sa", "equiangular_usa",
    "gaussian_rates", "gaussian_tokens", "grid", "growth_sa", "growth_usa", "k_max",
    "landau_coefficients", "lattice_partition", "lattice_rates", "mean_similarity",
    "merge_clock", "merge_time", "minilm_sentence", "minilm_similarity", "mode_amplitude",
    "mode_transition_beta", "moments", "near_lattice", "noise_threshold", "noisy_step",
    "normalise", "on_circle", "order_of", "order_parameter", "paced_usa", "partition", "picard",
    "predicted_clusters", "quadrature_tokens", "sa", "similarities", "tangent",
    "tricritical_beta", "two_tokens", "uniform", "usa",
]
