"""Networks: what padding must not change, a state at each row's own length, and a decoder that knows its context."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seqapp import rooms
from seqapp.contract import Encoded, NetworkOptions, reset_rows
from seqapp.errors import BadInput
from seqapp.features import Frames, Tokens, Vectors
from seqapp.heads import Category, Quantiles
from seqapp.networks.encoder_decoder import encoder_decoder
from seqapp.networks.factory import build, build_model, layer_of

RANDOM = np.random.default_rng(0)


def task(inputs: Any, head: Any, context: Any = None, network: Any = lambda *_: None) -> Any:
    return SimpleNamespace(inputs=inputs, head=head, context=context or {}, network=network, looks_ahead=True)


def layer(model: str = "gru") -> Any:
    return layer_of(rooms.find("models", model), {"activation": "tanh"} if model == "simple_rnn" else {})


def pair() -> Any:
    """A task with a context, and its network."""
    result = task(Tokens(7), Category(7), {"source": Tokens(5)})
    result.network = lambda *arguments: encoder_decoder(result, *arguments)
    return result


@pytest.mark.parametrize("feature", [Tokens(7), Vectors(3), Frames(2, 3, 2)])
class TestFeature:
    def test_random_values_are_as_the_feature_says(self, feature: Any) -> None:
        values = feature.random_values(4, 6, RANDOM)
        assert feature.spec().shape.is_compatible_with(values.shape)
        assert values.dtype == feature.spec().dtype.as_numpy_dtype
        assert feature.fault(values) is None

    def test_every_feature_is_read(self, feature: Any) -> None:
        network = build(task(feature, Category(3)), layer(), NetworkOptions(units=4))
        hidden = network(Encoded(tf.constant(feature.random_values(2, 5, RANDOM))))
        assert hidden.shape == (2, 5, 4)
        assert network.head(hidden).shape == (2, 5, 3)


def test_a_value_outside_a_feature_is_a_fault() -> None:
    assert Tokens(3).fault(np.array([[0, 3]])) == ("numbers from 0 to 2", "0 to 3")
    assert Vectors(1).fault(np.array([[[np.nan]]])) == ("finite numbers", "NaN or infinity")
    assert Category(3).fault(np.array([-1])) == ("numbers from 0 to 2", "-1 to -1")


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("model", ["simple_rnn", "lstm", "gru", "peephole_lstm"])
def test_padding_changes_nothing(model: str, bidirectional: bool) -> None:
    options = NetworkOptions(units=4, layers=2, bidirectional=bidirectional)
    network, head = build(task(Vectors(3), Category(3, whole=True)), layer(model), options), Category(3, whole=True)
    inputs, lengths = RANDOM.standard_normal((3, 6, 3)).astype(np.float32), np.array([2, 6, 4], np.int32)
    padded = inputs.copy()
    padded[0, 2:], padded[2, 4:] = 99, -99
    encoded = Encoded(tf.constant(padded), lengths={"inputs": tf.constant(lengths)})
    logits = head.logits(network(encoded), network.head, encoded)
    for row, length in enumerate(lengths):
        alone = Encoded(tf.constant(inputs[row : row + 1, :length]))
        np.testing.assert_allclose(logits[row], head.logits(network(alone), network.head, alone)[0], atol=1e-5)


@pytest.mark.parametrize("model", ["lstm", "gru"])
def test_a_state_is_that_after_each_rows_own_length(model: str) -> None:
    network = build(task(Vectors(2), Quantiles()), layer(model), NetworkOptions(units=3, layers=2))
    inputs = tf.constant(RANDOM.standard_normal((2, 5, 2)).astype(np.float32))
    start = network.start(Encoded(inputs), 2)
    _, state = network.step(inputs, start, tf.constant([3, 5]))
    for row, length in enumerate((3, 5)):
        _, alone = network.step(inputs[row : row + 1, :length], network.start(Encoded(inputs), 1))
        for one, two in zip(tf.nest.flatten(state.carried), tf.nest.flatten(alone.carried), strict=True):
            np.testing.assert_allclose(one[row], two[0], atol=1e-6)


def test_penalties_leave_padding_out() -> None:
    options = NetworkOptions(units=3, activation_l2=1.0, temporal_l2=1.0)
    network = build(task(Vectors(2), Quantiles()), layer(), options)
    inputs = RANDOM.standard_normal((1, 4, 2)).astype(np.float32)
    padded = np.concatenate([inputs, np.full((1, 3, 2), 9, np.float32)], 1)
    _, _, alone = network.train(Encoded(tf.constant(inputs)), None)
    _, _, penalty = network.train(Encoded(tf.constant(padded), lengths={"inputs": tf.constant([4])}), None)
    assert float(penalty) == pytest.approx(float(alone), rel=1e-5)


def test_only_rows_that_are_reset_start_again() -> None:
    network = build(task(Vectors(2), Quantiles()), layer("lstm"), NetworkOptions(units=3))
    encoded = Encoded(tf.constant(RANDOM.standard_normal((2, 4, 2)).astype(np.float32)))
    _, state = network.step(encoded.inputs, network.start(encoded, 2))
    for part, before in zip(
        tf.nest.flatten(reset_rows(network, state, encoded, tf.constant([True, False])).carried),
        tf.nest.flatten(state.carried),
        strict=True,
    ):
        np.testing.assert_array_equal(part[0], 0)
        np.testing.assert_array_equal(part[1], before[1])


class TestEncoderDecoder:
    def test_what_pads_a_context_changes_nothing(self) -> None:
        network = build(pair(), layer("lstm"), NetworkOptions(units=4, layers=2))
        source, lengths = np.array([[1, 2, 0, 0], [1, 2, 3, 4]], np.int32), tf.constant([2, 4])
        other = np.array([[1, 2, 4, 3], [1, 2, 3, 4]], np.int32)
        inputs = tf.constant(RANDOM.integers(0, 7, (2, 3), np.int32))
        one, two = (
            network(Encoded(inputs, {"source": tf.constant(ids)}, {"source": lengths})) for ids in (source, other)
        )
        np.testing.assert_array_equal(one, two)
        assert np.abs(one[0] - network(Encoded(inputs, {"source": tf.constant(source[:, ::-1])}))[0]).max() > 1e-3

    def test_gradients_reach_the_encoder_and_weights_survive_saving(self, tmp_path: Any) -> None:
        network = build(pair(), layer(), NetworkOptions(units=4))
        encoded = Encoded(tf.constant([[1, 2]]), {"source": tf.constant([[3, 4]])})
        with tf.GradientTape() as tape:
            hidden, _, penalty = network.train(encoded, None)
            loss = tf.reduce_sum(Category(7).loss(tf.constant([[2, 3]]), hidden, network.head, encoded, True)) + penalty
        assert all(gradient is not None for gradient in tape.gradient(loss, network.model.trainable_variables))
        network.model.save(tmp_path / "model.keras")
        other = build(pair(), layer(), NetworkOptions(units=4), seed=1)
        other.model.load_weights(tmp_path / "model.keras")
        np.testing.assert_array_equal(network(encoded), other(encoded))

    def test_it_needs_one_context(self) -> None:
        with pytest.raises(BadInput, match="expected a task with one context, got 0"):
            encoder_decoder(task(Tokens(7), Category(7)), layer(), NetworkOptions(), 0)


class TestModelFile:
    def room(self, tmp_path: Any, text: str) -> Any:
        (tmp_path / "mine.py").write_text(text)
        return rooms.find("models", str(tmp_path / "mine.py"))

    def test_it_may_wire_its_own_network(self, tmp_path: Any) -> None:
        text = (
            "from seqapp.networks.factory import stack\nfrom seqapp.layers import GRU\n\n\n"
            "def network(task, options, seed):\n"
            "    layer = lambda units, name: GRU(units, return_sequences=True, return_state=True, name=f'own_{name}')\n"
            "    return stack(task, layer, options, seed)\n"
        )
        network = build_model(self.room(tmp_path, text), {}, task(Vectors(2), Quantiles()), NetworkOptions(units=3))
        assert [each.name for each in network.layers] == ["own_recurrent_1", "head"]

    def test_what_it_does_not_read_is_refused_in_one_line(self, tmp_path: Any) -> None:
        text = "def reads(feature):\n    return hasattr(feature, 'height')\n\n\ndef layer(units, name):\n    pass\n"
        with pytest.raises(BadInput) as error:
            build_model(self.room(tmp_path, text), {}, task(Vectors(2), Quantiles()), NetworkOptions())
        assert str(error.value) == (
            "--model mine: expected inputs that it reads, got Vectors(size=2). Choose another model."
        )


class TestSample:
    def sampler(self, value: float) -> Any:
        return SimpleNamespace(
            category=lambda logits: tf.argmax(logits, -1, output_type=tf.int32),
            uniform=lambda count: tf.fill([2, count], value),
        )

    def test_a_category_is_an_id(self) -> None:
        outputs = tf.constant([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
        sampled = Category(3).sample(outputs, lambda hidden: hidden, self.sampler(0.5))
        assert sampled.numpy().tolist() == [1, 0]

    @pytest.mark.parametrize(("uniform", "place"), [(0.0, 0), (0.5, 1), (1.0, 2)])
    def test_a_number_lies_between_the_quantiles(self, uniform: float, place: int) -> None:
        head, outputs = Quantiles(2), tf.constant(RANDOM.standard_normal((2, 6)).astype(np.float32))
        sampled = head.sample(outputs, lambda hidden: hidden, self.sampler(uniform))
        np.testing.assert_allclose(sampled, head.quantiles(outputs)[..., place], atol=1e-5)
