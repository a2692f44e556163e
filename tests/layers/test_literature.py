"""The layers that Keras lacks: each step recomputed in NumPy, gradients against finite differences, files, graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import slow
from layer_oracles import FEATURES, LITERATURE, ORACLES, random_layer, sample

from seqapp import layers, rooms
from seqapp.layers.regularization import Regularization

WAYS = ["trained", "inferred", "by keras", "single steps"]


@pytest.mark.parametrize("way", [*WAYS, pytest.param("trained, compiled", marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", LITERATURE)
def test_every_step_equals_the_papers_formulas(kind: str, way: str, request: pytest.FixtureRequest) -> None:
    if way == "trained, compiled":
        request.getfixturevalue("compiled")
    layer = random_layer(kind)
    layer.engine = "keras" if way == "by keras" else "fast"
    inputs, states = sample(layer)
    mask = np.random.default_rng(3).random((4, 6)) < 0.7
    weights = {weight.path.split("/")[-1]: weight.numpy() for weight in layer.trainable_weights}
    expected, now = [], states
    for step in range(6):
        after = ORACLES[kind](weights, inputs[:, step], now)
        updated = mask[:, step : step + 1] if way != "single steps" else True
        now = [np.where(updated, new, old) for new, old in zip(after, now, strict=True)]
        expected.append(now[0])
    if way == "single steps":
        single, last = [], [tf.constant(state) for state in states]
        for step in range(6):
            output, *last = layer(inputs[:, step : step + 1], initial_state=last)
            single.append(output[:, 0])
        outputs = np.stack(single, 1)
    else:
        outputs, *last = layer(inputs, initial_state=states, mask=mask, training=way.startswith("trained"))
    for one, two in zip(last, now, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)
    visible = np.cumsum(mask, 1) > 0 if way != "single steps" else np.ones((4, 6), bool)
    np.testing.assert_allclose(np.asarray(outputs)[visible], np.stack(expected, 1)[visible], atol=1e-12)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kind", [*LITERATURE, "SimpleRNN", "LSTM", "GRU"])
def test_gradients_equal_finite_differences(kind: str) -> None:
    layer = random_layer(kind)
    inputs, states = (tf.nest.map_structure(tf.Variable, part) for part in sample(layer, batch=3, steps=4))
    watched = [inputs, *states, *(weight.value for weight in layer.trainable_weights)]
    random = np.random.default_rng(5)

    def total() -> Any:
        initial = [tf.convert_to_tensor(state) for state in states]
        results = layer(tf.convert_to_tensor(inputs), initial_state=initial, training=True)
        return tf.add_n([tf.reduce_sum(tf.sin(part * (place + 2))) for place, part in enumerate(results)])

    with tf.GradientTape() as tape:
        result = total()
    gradients = [tf.convert_to_tensor(part).numpy() for part in tape.gradient(result, watched)]
    for variable, gradient in zip(watched, gradients, strict=True):
        direction, value = random.normal(size=variable.shape), variable.numpy()
        sides = []
        for side in (1e-5, -1e-5):
            variable.assign(value + side * direction)
            sides.append(float(total()))
        variable.assign(value)
        expected = (sides[0] - sides[1]) / 2e-5
        assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("omega", [0.0, slow(1.0)])
@pytest.mark.parametrize("kind", [*LITERATURE, "SimpleRNN", "LSTM", "GRU"])
def test_shapes_may_be_unknown_when_a_layer_is_traced(kind: str, omega: float) -> None:
    layer = random_layer(kind)
    layer.regularization = Regularization(omega=omega if kind != "MinimalGRU" else 0.0)

    def gradients(inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(inputs, training=True)[0] ** 2)
        return tape.gradient(total, [weight.value for weight in layer.trainable_weights])

    inputs = tf.constant(sample(layer)[0])
    traced = tf.function(gradients, input_signature=[tf.TensorSpec([None, None, FEATURES], tf.float64)])
    for one, two in zip(traced(inputs), gradients(inputs), strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(one), tf.convert_to_tensor(two), atol=1e-12)


@pytest.mark.parametrize("kind", LITERATURE)
def test_a_keras_file_gives_the_same_layer_and_answers(kind: str, tmp_path: Path) -> None:
    inputs = keras.Input((None, FEATURES))
    forward, backward = (
        getattr(layers, kind)(4, return_sequences=True, return_state=True, go_backwards=backwards)
        for backwards in (False, True)
    )
    hidden = layers.Bidirectional(forward, backward)(inputs)[0]
    model = keras.Model(inputs, getattr(layers, kind)(3)(hidden))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.layers[-1]) is getattr(layers, kind)
    batch = np.random.default_rng(0).normal(size=(2, 5, FEATURES))
    np.testing.assert_array_equal(model(batch), again(batch))


def test_a_config_keeps_the_options_of_the_step() -> None:
    layer = layers.PeepholeLSTM(3, output_activation="linear", go_backwards=True, name="mine")
    again = layers.PeepholeLSTM.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.step().output_activation == "linear"
    assert again.go_backwards


@pytest.mark.parametrize("kind", LITERATURE)
def test_a_saved_model_has_only_tensorflows_own_ops(kind: str, tmp_path: Path) -> None:
    layer = random_layer(kind, dtype="float32")

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


def test_every_layer_has_a_model_file() -> None:
    kinds = {type(rooms.find("models", name).layer(2, "x")).__name__ for name in rooms.names("models")}
    assert kinds == {*LITERATURE, "SimpleRNN", "LSTM", "GRU"}


def test_the_scan_of_a_linear_step_equals_its_loop() -> None:
    from seqapp.layers import compiled

    layer = random_layer("MinimalGRU")
    inputs, states = sample(layer, steps=37)
    mask = np.random.default_rng(3).random((4, 37)) < 0.7
    scanned = layer(inputs, initial_state=states, mask=mask)
    with compiled():
        looped = layer(inputs, initial_state=states, mask=mask)
    for one, two in zip(scanned, looped, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)
