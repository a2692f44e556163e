"""The layers that Keras lacks: each step recomputed in NumPy, gradients against finite differences, files, graphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from seqapp import layers, rooms
from seqapp.layers.regularization import Remedies

Array = NDArray[Any]
States = list[Array]
ZOO = [
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
    zip(ZOO, (peephole, coupled, janet, layer_norm_lstm, layer_norm_gru, multiplicative_lstm, multiplicative_rnn,
              independent, minimal), strict=True)
)  # fmt: skip


def drawn(kind: str, **options: Any) -> Any:
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


@pytest.mark.parametrize("way", ["trained", "inferred", "by keras", "one step after the other"])
@pytest.mark.parametrize("kind", ZOO)
def test_every_step_is_the_papers(kind: str, way: str) -> None:
    layer = drawn(kind)
    layer.engine = "keras" if way == "by keras" else "fast"
    inputs, states = sample(layer)
    mask = np.random.default_rng(3).random((4, 6)) < 0.7
    weights = {weight.path.split("/")[-1]: weight.numpy() for weight in layer.trainable_weights}
    expected, now = [], states
    for step in range(6):
        after = ORACLES[kind](weights, inputs[:, step], now)
        held = mask[:, step : step + 1] if way != "one step after the other" else True
        now = [np.where(held, new, old) for new, old in zip(after, now, strict=True)]
        expected.append(now[0])
    if way == "one step after the other":
        found, last = [], [tf.constant(state) for state in states]
        for step in range(6):
            output, *last = layer(inputs[:, step : step + 1], initial_state=last)
            found.append(output[:, 0])
        outputs = np.stack(found, 1)
    else:
        outputs, *last = layer(inputs, initial_state=states, mask=mask, training=way == "trained")
    for one, two in zip(last, now, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)
    seen = np.cumsum(mask, 1) > 0 if way != "one step after the other" else np.ones((4, 6), bool)
    np.testing.assert_allclose(np.asarray(outputs)[seen], np.stack(expected, 1)[seen], atol=1e-12)


@pytest.mark.parametrize("kind", [*ZOO, "SimpleRNN", "LSTM", "GRU"])
def test_gradients_are_those_of_finite_differences(kind: str) -> None:
    layer = drawn(kind)
    inputs, states = (tf.nest.map_structure(tf.Variable, part) for part in sample(layer, batch=3, steps=4))
    watched = [inputs, *states, *(weight.value for weight in layer.trainable_weights)]
    random = np.random.default_rng(5)

    def total() -> Any:
        made = layer(tf.convert_to_tensor(inputs), initial_state=[tf.convert_to_tensor(state) for state in states],
                     training=True)  # fmt: skip
        return tf.add_n([tf.reduce_sum(tf.sin(part * (place + 2))) for place, part in enumerate(made)])

    with tf.GradientTape() as tape:
        value = total()
    gradients = [tf.convert_to_tensor(part).numpy() for part in tape.gradient(value, watched)]
    for variable, gradient in zip(watched, gradients, strict=True):
        direction, kept = random.normal(size=variable.shape), variable.numpy()
        sides = []
        for side in (1e-5, -1e-5):
            variable.assign(kept + side * direction)
            sides.append(float(total()))
        variable.assign(kept)
        expected = (sides[0] - sides[1]) / 2e-5
        assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("omega", [0.0, 1.0])
@pytest.mark.parametrize("kind", [*ZOO, "SimpleRNN", "LSTM", "GRU"])
def test_shapes_may_be_unknown_when_it_is_traced(kind: str, omega: float) -> None:
    layer = drawn(kind)
    layer.remedies = Remedies(omega=omega if kind != "MinimalGRU" else 0.0)

    def gradients(inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(inputs, training=True)[0] ** 2)
        return tape.gradient(total, [weight.value for weight in layer.trainable_weights])

    inputs = tf.constant(sample(layer)[0])
    traced = tf.function(gradients, input_signature=[tf.TensorSpec([None, None, FEATURES], tf.float64)])
    for one, two in zip(traced(inputs), gradients(inputs), strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(one), tf.convert_to_tensor(two), atol=1e-12)


@pytest.mark.parametrize("kind", ZOO)
def test_a_keras_file_gives_the_same_layer_and_answers(kind: str, tmp_path: Path) -> None:
    inputs = keras.Input((None, FEATURES))
    both = layers.BothWays(getattr(layers, kind)(4, return_sequences=True, return_state=True),
                           getattr(layers, kind)(4, return_sequences=True, return_state=True, go_backwards=True))  # fmt: skip
    model = keras.Model(inputs, getattr(layers, kind)(3)(both(inputs)[0]))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.layers[-1]) is getattr(layers, kind)
    batch = np.random.default_rng(0).normal(size=(2, 5, FEATURES))
    np.testing.assert_array_equal(model(batch), again(batch))


def test_options_of_a_step_are_kept_in_its_file() -> None:
    layer = layers.PeepholeLSTM(3, output_activation="linear", go_backwards=True, name="mine")
    again = layers.PeepholeLSTM.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.step().output_activation == "linear"
    assert again.go_backwards


@pytest.mark.parametrize("kind", ZOO)
def test_what_is_saved_is_stock_tensorflow(kind: str, tmp_path: Path) -> None:
    layer = drawn(kind, dtype="float32")

    class Module(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weights = [weight.value for weight in layer.trainable_weights]

        @tf.function(input_signature=[tf.TensorSpec([None, None, FEATURES])])  # type: ignore[untyped-decorator]
        def __call__(self, inputs: Any) -> Any:
            return layer(inputs)

    module, inputs = Module(), sample(layer)[0].astype(np.float32)
    tf.saved_model.save(module, str(tmp_path))
    for one, two in zip(tf.saved_model.load(str(tmp_path))(inputs), layer(inputs), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
    graph = module.__call__.get_concrete_function().graph.as_graph_def()
    used = {node.op for node in graph.node} | {node.op for part in graph.library.function for node in part.node_def}
    assert not [name for name in used if "Xla" in name or "PyFunc" in name]


def test_every_layer_has_a_file_of_its_own() -> None:
    made = {
        type(rooms.find("models", name).call("layer", units=2, name="x")).__name__ for name in rooms.names("models")
    }
    assert made == {*ZOO, "SimpleRNN", "LSTM", "GRU"}


def test_a_linear_steps_scan_is_its_loop() -> None:
    from seqapp.layers import compiled

    layer = drawn("MinimalGRU")
    inputs, states = sample(layer, steps=37)
    mask = np.random.default_rng(3).random((4, 37)) < 0.7
    scanned = layer(inputs, initial_state=states, mask=mask)
    with compiled():
        looped = layer(inputs, initial_state=states, mask=mask)
    for one, two in zip(scanned, looped, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)
