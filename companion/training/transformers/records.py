"""Tokens of a real language model, layer by layer:
recorded once by book/assets/tokens/make_tokens.py, read here from the package.

The model is all-MiniLM-L6-v2 (Reimers and Gurevych, arXiv:1908.10084; Wang et al.,
arXiv:2002.10957), licence Apache-2.0.
"""

from importlib.resources import files
from typing import NamedTuple

import numpy as np
import torch

from companion.hints import Dtype, Index, checked


class Sentence(NamedTuple):
    """text; tokens, n names; x (7, n, 384), the tokens' vectors after the embedding and after each
    of the six layers."""

    text: str
    tokens: list
    x: torch.Tensor


def _record():
    with (files("companion.training.transformers") / "minilm.npz").open("rb") as file:
        return dict(np.load(file, allow_pickle=False))


@checked
def minilm_sentence(i: Index = 0, *, dtype: Dtype = torch.float64) -> Sentence:
    """The i-th recorded `Sentence`, i = 0, 1 or 2; vectors were stored in float16,
    so to about 3 digits. Raises TypeError, ValueError."""
    if i > 2:
        raise ValueError(f"i = {i}; expected 0, 1 or 2: three sentences are recorded.")
    record = _record()
    return Sentence(str(record["sentences"][i]), [str(t) for t in record[f"tokens{i}"]],
                    torch.as_tensor(record[f"x{i}"], dtype=dtype))


@checked
def minilm_similarity(*, dtype: Dtype = torch.float64) -> dict:
    """{"whole", "without_mlp", "without_mlp_or_skip"} -> (12, 25):
    mean cosine of a sentence's tokens, 12 sentences, after 0..24 layers.

    The model has six layers; from the seventh on they run again. The parts left out are said by the
    names.
    """
    record = _record()
    return {
        part: torch.as_tensor(record[part], dtype=dtype)
        for part in ("whole", "without_mlp", "without_mlp_or_skip")
    }
