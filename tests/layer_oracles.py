"""Layers with random weights, each step of the literature recomputed in NumPy, and small networks to wire them into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqapp import layers, rooms
from seqapp.contract.options import NetworkOptions
from seqapp.features import Vectors
from seqapp.heads import Category
from seqapp.networks.factory import build, layer_of

Array = NDArray[Any]
States = list[Array]
LITERATURE = [
    "PeepholeLSTM", "CoupledLSTM", "JANET", "LayerNormLSTM", "LayerNormGRU", "MultiplicativeLSTM", "MultiplicativeRNN",
    "IndependentRNN", "MinimalGRU",
]  # fmt: skip
UNITS, FEATURES = 5, 3


def sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def normal(z: Array) -> Array:
    return np.asarray((z - z.mean(-1, keepdims=True)) / np.sqrt(z.var(-1, keepdims=True) + 1e-5))


def blocks(z: Array) -> list[Array]:
    return np.split(z, z.shape[-1] // UNITS, -1)


# Each takes the weights by name, an input (batch, features) and the states before, and gives the states after.
def peephole(w: dict[str, Array], x: Array, s: States) -> States:
    i, f, g, o = blocks(x @ w["kernel"] + s[0] @ w["recurrent_kernel"] + w["bias"])
    p_i, p_f, p_o = blocks(w["peepholes"])
    c = sigmoid(f + p_f * s[1]) * s[1] + sigmoid(i + p_i * s[1]) * np.tanh(g)
    return [sigmoid(o + p_o * c) * np.tanh(c), c]


def coupled(w: dict[str, Array], x: Array, s: States) -> States:
    f, g, o = blocks(x @ w["kernel"] + s[0] @ w["recurrent_kernel"] + w["bias"])
    c = sigmoid(f) * s[1] + (1 - sigmoid(f)) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def janet(w: dict[str, Array], x: Array, s: States) -> States:
    f, g = blocks(x @ w["kernel"] + s[0] @ w["recurrent_kernel"] + w["bias"])
    return [sigmoid(f) * s[0] + (1 - sigmoid(f - 1)) * np.tanh(g)]


def layer_norm_lstm(w: dict[str, Array], x: Array, s: States) -> States:
    z = normal(x @ w["kernel"]) * w["input_gain"] + normal(s[0] @ w["recurrent_kernel"]) * w["state_gain"] + w["bias"]
    i, f, g, o = blocks(z)
    c = sigmoid(f) * s[1] + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(normal(c) * w["cell_gain"] + w["cell_bias"]), c]


def layer_norm_gru(w: dict[str, Array], x: Array, s: States) -> States:
    def apart(z: Array) -> Array:
        return np.concatenate([normal(z[:, : 2 * UNITS]), normal(z[:, 2 * UNITS :])], -1)

    xz, xr, xg = blocks(apart(x @ w["kernel"]) * w["input_gain"] + w["bias"])
    hz, hr, hg = blocks(apart(s[0] @ w["recurrent_kernel"]) * w["state_gain"])
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    return [z * s[0] + (1 - z) * np.tanh(xg + r * hg)]


def multiplicative_lstm(w: dict[str, Array], x: Array, s: States) -> States:
    *z, m = blocks(x @ w["kernel"] + w["bias"])
    p = blocks((m * (s[0] @ w["factor_kernel"])) @ w["recurrent_kernel"])
    i, f, g, o = (one + two for one, two in zip(z, p, strict=True))
    c = sigmoid(f) * s[1] + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def multiplicative_rnn(w: dict[str, Array], x: Array, s: States) -> States:
    z, m = blocks(x @ w["kernel"] + w["bias"])
    return [np.tanh(z + (m * (s[0] @ w["factor_kernel"])) @ w["recurrent_kernel"])]


def independent(w: dict[str, Array], x: Array, s: States) -> States:
    return [np.maximum(x @ w["kernel"] + w["bias"] + w["recurrent_weights"] * s[0], 0)]


def minimal(w: dict[str, Array], x: Array, s: States) -> States:
    z, g = blocks(x @ w["kernel"] + w["bias"])
    return [sigmoid(z) * s[0] + (1 - sigmoid(z)) * g]


ORACLES: dict[str, Callable[[dict[str, Array], Array, States], States]] = dict(
    zip(LITERATURE, (peephole, coupled, janet, layer_norm_lstm, layer_norm_gru, multiplicative_lstm, multiplicative_rnn,
              independent, minimal), strict=True)
)  # fmt: skip


def random_layer(kind: str, **options: Any) -> Any:
    """A layer in float64 with random weights everywhere."""
    options = {"return_sequences": True, "return_state": True, "dtype": "float64"} | options
    layer, random = getattr(layers, kind)(UNITS, **options), np.random.default_rng(1)
    layer.build((None, None, FEATURES))
    for weight in layer.trainable_weights:
        weight.assign(random.normal(0, 0.6, weight.shape))
    return layer


def sample(layer: Any, batch: int = 4, steps: int = 6) -> tuple[Array, States]:
    random = np.random.default_rng(2)
    return random.normal(size=(batch, steps, FEATURES)), [random.normal(size=(batch, UNITS)) for _ in layer.state_size]


class AtTheEnd:
    """A task that is answered at the end of a sequence."""

    inputs: Any = Vectors(4)
    context: ClassVar[dict[str, Any]] = {}
    head = Category(5)
    looks_ahead = True

    def network(self, *_: Any) -> None:
        """No wiring of its own."""


def small_network(model: str = "lstm", task: Any = None, layers: int = 1, **shape: Any) -> Any:
    """A network of six units over four features."""
    return build(
        task or AtTheEnd(), layer_of(rooms.find("models", model), {}), NetworkOptions(units=6, layers=layers, **shape)
    )
