"""Regularization and initialization of recurrent layers: zoneout, recurrent dropout, Ω; deep and bidirectional stacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import SMALL_OPTIONS, refused, seqapp
from layer_oracles import UNITS, AtTheEnd, random_layer, sample, small_network

from seqapp import rooms
from seqapp.contract import Encoded
from seqapp.contract.options import NetworkOptions
from seqapp.errors import BadInput
from seqapp.features import Tokens
from seqapp.layers.engine import compilation, loops
from seqapp.layers.engine.compilation import LoopInputs
from seqapp.layers.engine.omega import omega, omega_gradients
from seqapp.layers.engine.products import Masks
from seqapp.layers.regularization import Regularization
from seqapp.networks.factory import build, layer_of
from seqapp.runs.run import load_weights, open_run

KINDS = ["SimpleRNN", "LSTM", "GRU", "LayerNormGRU", "MultiplicativeLSTM", "IndependentRNN"]


class TestMasks:
    """The masks of zoneout and recurrent dropout in the engine, against single steps with TensorFlow's gradients."""

    @pytest.mark.usefixtures("engine")
    @pytest.mark.parametrize("scaled", [False, True])
    @pytest.mark.parametrize("kind", KINDS)
    def test_outputs_and_gradients(self, kind: str, scaled: bool) -> None:
        layer = random_layer(kind)
        inputs, states = sample(layer)
        random, step = np.random.default_rng(4), layer.step()
        update = tf.constant(random.random((6, 4, UNITS * len(states))) < 0.7)
        scale = tf.constant(random.random((4, UNITS)) * 2) if scaled else None
        x = tf.constant(np.swapaxes(inputs, 0, 1))

        def plain() -> Any:
            now, outputs = [tf.constant(state) for state in states], []
            for time in range(6):
                term = layer.input_term(x[time] @ tf.convert_to_tensor(layer.cell.kernel))
                after = loops.single(step, term, layer.loop_weights(False), now, Masks(None, scale))
                each = tf.split(update[time], len(now), -1)
                now = [tf.where(*three) for three in zip(each, after, now, strict=True)]
                outputs.append(now[0])
            return tf.stack(outputs), now

        def fast() -> Any:
            source = layer.loop_source(tf.constant(inputs), True)[1](tf.constant(inputs))
            inputs_and_masks = LoopInputs(source, Masks(update, scale))
            return compilation.train(step, inputs_and_masks, layer.loop_weights(False), [*map(tf.constant, states)])

        results = []
        for run in (plain, fast):
            with tf.GradientTape() as tape:
                outputs, last = run()
                total = tf.add_n([tf.reduce_sum(tf.sin(3 * part)) for part in (outputs, *last)])
            gradients = tape.gradient(total, [weight.value for weight in layer.trainable_weights])
            results.append([tf.convert_to_tensor(part).numpy() for part in (outputs, *last, *gradients)])
        for one, two in zip(*results, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-10)

    def test_zoneout_keeps_a_fraction_of_the_states_in_training_and_its_expectation_at_inference(self) -> None:
        layer = random_layer("LSTM")
        layer.regularization = Regularization(zoneout=0.25)
        inputs, states = sample(layer, batch=4000, steps=1)
        states = [np.zeros((4000, UNITS)), np.full((4000, UNITS), 9.0)]
        outputs, _, cell = layer(inputs, initial_state=states, training=True)
        unchanged = np.asarray(cell) == 9.0
        assert unchanged.mean() == pytest.approx(0.25, abs=0.02)
        assert (np.asarray(outputs)[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.02)
        layer.regularization = Regularization()
        expected = 0.25 * 9.0 + 0.75 * np.asarray(layer(inputs, initial_state=states)[2])
        layer.regularization = Regularization(zoneout=0.25)
        np.testing.assert_allclose(layer(inputs, initial_state=states)[2], expected, atol=1e-12)

    def test_recurrent_dropout_hides_the_same_units_at_all_steps(self) -> None:
        regularization = Regularization(recurrent_dropout=0.4)
        scale = regularization.state_scale(tf.ones([500, 20]), keras.random.SeedGenerator(1))
        assert set(np.unique(np.asarray(scale)).round(5)) == {0.0, np.float32(1 / 0.6).round(5)}
        assert (np.asarray(scale) == 0).mean() == pytest.approx(0.4, abs=0.02)


class TestOmega:
    def test_it_equals_equation_9(self) -> None:
        """Against Jacobians written out: for h = tanh(x + h U), diag(1 - h²) Uᵀ."""
        layer = random_layer("SimpleRNN")
        random = np.random.default_rng(0)
        x, delta = random.normal(size=(3, 2, UNITS)), random.normal(size=(3, 2, UNITS))
        states = random.normal(size=(4, 2, UNITS))
        kernel = layer.cell.recurrent_kernel.numpy()
        expected = []
        for time in range(3):
            for row in range(2):
                after = np.tanh(x[time, row] + states[time, row] @ kernel)
                back = (delta[time, row] * (1 - after**2)) @ kernel.T
                expected.append((np.linalg.norm(back) / np.linalg.norm(delta[time, row]) - 1) ** 2)
        weights = layer.loop_weights(False)
        actual = omega(layer.step(), tf.constant(x), weights, [tf.constant(states)], [tf.constant(delta)])
        assert float(actual) == pytest.approx(np.mean(expected))

    @pytest.mark.parametrize("kind", KINDS)
    def test_its_gradient_equals_finite_differences(self, kind: str) -> None:
        layer = random_layer(kind)
        random, step = np.random.default_rng(0), layer.step()
        x = tf.constant(random.normal(size=(3, 2, step.blocks * UNITS)))
        states, signals = (
            [tf.constant(random.normal(size=(length, 2, UNITS))) for _ in layer.state_size] for length in (4, 3)
        )
        gradients = omega_gradients(step, x, layer.loop_weights(False), states, signals)
        name = "recurrent_weights" if gradients.kernel is None else "recurrent_kernel"
        gradient = gradients.vectors[name] if gradients.kernel is None else gradients.kernel
        weight = next(part for part in layer.trainable_weights if part.path.endswith(name))
        value, direction = weight.numpy(), random.normal(size=weight.shape)
        sides = []
        for side in (1e-6, -1e-6):
            weight.assign(value + side * direction)
            sides.append(float(omega(step, x, layer.loop_weights(False), states, signals)))
        expected = (sides[0] - sides[1]) / 2e-6
        assert float(np.sum(np.asarray(gradient) * direction)) == pytest.approx(expected, rel=1e-5)

    def test_small_signals_count_and_zero_signals_do_not(self) -> None:
        layer, random = random_layer("SimpleRNN", dtype="float32"), np.random.default_rng(0)
        x, delta = random.normal(size=(2, 1, UNITS)), random.normal(size=(2, 1, UNITS))
        states = [tf.constant(random.normal(size=(3, 1, UNITS)), tf.float32)]

        def at(scale: Any) -> float:
            signals = [tf.constant(delta * scale, tf.float32)]
            return float(omega(layer.step(), tf.constant(x, tf.float32), layer.loop_weights(False), states, signals))

        assert at(1e-35) == pytest.approx(at(1.0), rel=1e-4)
        assert at(np.array([[[1.0]], [[0.0]]])) != pytest.approx(at(1.0), rel=1e-4)
        assert at(0.0) == 0.0

    def test_training_adds_it_to_the_gradient_of_the_recurrent_weights_only(self) -> None:
        inputs = tf.random.stateless_normal((3, 8, 4), [1, 2])
        gradients = []
        for factor in (0.0, 1.0, 2.0):
            network = small_network("simple_rnn", omega=factor)
            with tf.GradientTape() as tape:
                hidden, _, _ = network.train(Encoded(inputs), None)
                total = tf.reduce_sum(network.head(hidden)[:, -1] ** 2)
            tensors = tape.gradient(total, network.model.trainable_variables)
            gradients.append([tf.convert_to_tensor(part).numpy() for part in tensors])
        names = [variable.path.split("/")[-1] for variable in network.model.trainable_variables]
        for name, without, once, twice in zip(names, *gradients, strict=True):
            change = np.abs(once - without).max()
            assert (change > 1e-4) == (name == "recurrent_kernel"), name
            np.testing.assert_allclose(twice - without, 2 * (once - without), atol=1e-4)


class TestInitialization:
    def test_the_forget_bias_is_that_of_the_forget_or_update_gate(self) -> None:
        for model, block in (
            ("lstm", 1),
            ("coupled_lstm", 0),
            ("janet", 0),
            ("minimal_gru", 0),
            ("multiplicative_lstm", 1),
        ):
            bias = small_network(model, forget_bias=3.5).layers[0].cell.bias.numpy()
            parts = np.split(bias, len(bias) // 6)
            assert (parts[block] == 3.5).all()
            assert all((part == 0).all() for place, part in enumerate(parts) if place != block)
        assert (small_network("gru", forget_bias=3.5).layers[0].cell.bias.numpy()[0, :6] == 3.5).all()

    def test_chrono_spreads_memories_up_to_its_steps(self) -> None:
        layer = build(
            AtTheEnd(), layer_of(rooms.find("models", "lstm"), {}), NetworkOptions(units=500, chrono=500.0)
        ).layers[0]  # type: ignore[arg-type]
        i, f, g, o = np.split(layer.cell.bias.numpy(), 4)
        times = 1 + np.exp(f)  # sigmoid(b) = 1 - 1 / time
        assert 2 <= times.min() < 10
        assert 480 < times.max() <= 500
        assert np.median(times) == pytest.approx(250, rel=0.1)
        np.testing.assert_array_equal(i, -f)
        assert not g.any()
        assert not o.any()

    @pytest.mark.parametrize("model", ["lstm", "gru", "simple_rnn", "multiplicative_rnn"])
    def test_each_gates_matrix_is_initialized_by_itself(self, model: str) -> None:
        for kind in ("identity", "orthogonal"):
            kernel = small_network(model, recurrent_init=kind).layers[0].cell.recurrent_kernel.numpy()
            for part in np.split(kernel, kernel.shape[1] // 6, 1):
                np.testing.assert_allclose(part @ part.T, np.eye(6), atol=1e-6)
                assert (part == np.eye(6)).all() == (kind == "identity")
        ones = (
            small_network("independent_rnn", recurrent_init="identity")
            .layers[0]
            .cell.vector_weights["recurrent_weights"]
        )
        assert (ones.numpy() == 1).all()

    @pytest.mark.parametrize(
        ("model", "options", "message"),
        [
            ("simple_rnn", {"chrono": 9.0}, "--chrono: the layer SimpleRNN has no forget gate."),
            ("simple_rnn", {"forget_bias": 1.0}, "--forget-bias: the layer SimpleRNN has no forget gate."),
            ("minimal_gru", {"recurrent_init": "identity"}, "--recurrent-init: the layer MinimalGRU has no recurrent weights."),
            ("minimal_gru", {"omega": 1.0}, "--omega: the layer MinimalGRU does not multiply its state with a kernel."),
            ("lstm", {"zoneout": 0.1, "engine": "keras"}, "--zoneout: only the layers of seqapp.layers on --engine fast know it."),
        ],
    )  # fmt: skip
    def test_an_option_that_the_layer_lacks_is_refused(self, model: str, options: dict[str, Any], message: str) -> None:
        with pytest.raises(BadInput) as refusal:
            small_network(model, **options)
        assert str(refusal.value) == message


class TestStacks:
    def test_a_residual_layer_adds_its_input_to_its_output(self) -> None:
        plain, residual = (small_network(layers=2, residual=on) for on in (False, True))
        inputs = tf.random.stateless_normal((2, 5, 4), [1, 2])
        # the first one is wider than its input
        assert [link.residual for link in residual.chain] == [False, True]
        below, _ = plain.chain[0](inputs)[:2]
        above = plain.chain[1](below)[0]
        hidden = residual(Encoded(inputs))
        np.testing.assert_allclose(hidden, below + above, atol=1e-6)
        first, state = residual.step(inputs[:, :3], residual.start(Encoded(inputs), 2))
        rest, _ = residual.step(inputs[:, 3:], state)
        np.testing.assert_allclose(tf.concat([first, rest], 1), hidden, atol=1e-6)

    @pytest.mark.parametrize("model", ["simple_rnn", "peephole_lstm"])
    def test_a_last_bidirectional_layer_repeats_the_backward_layers_last_output(self, model: str) -> None:
        for depth in (1, 2):
            network = small_network(model, layers=depth, bidirectional=True)
            inputs = np.random.default_rng(0).normal(size=(1, 9, 4)).astype(np.float32)
            layer = network.chain[0].layer
            ahead = layer.forward_layer(inputs)[0]
            back = layer.backward_layer(inputs)[0]
            expected = back[:, -1:] if depth == 1 else back[:, ::-1]
            np.testing.assert_allclose(
                layer(inputs)[0], tf.concat([ahead, tf.broadcast_to(expected, ahead.shape)], -1), atol=1e-6
            )
            hidden, _ = network.step(inputs, network.start(Encoded(inputs), 1))
            np.testing.assert_allclose(hidden, network(Encoded(inputs)), atol=1e-6)

    def test_the_backward_layer_remembers_the_beginning_better_than_the_forward_layer(self) -> None:
        network = small_network("simple_rnn", bidirectional=True)
        inputs = np.random.default_rng(0).normal(size=(1, 60, 4)).astype(np.float32)
        changed = inputs.copy()
        changed[:, 0] += 1
        forward = network.chain[0].layer.forward_layer
        assert np.abs(network(Encoded(inputs))[:, -1] - network(Encoded(changed))[:, -1]).max() > 1e-3
        assert np.abs(forward(inputs)[0][:, -1] - forward(changed)[0][:, -1]).max() < 1e-3

    @pytest.mark.parametrize("model", rooms.names("models"))
    def test_every_model_learns_in_a_deep_bidirectional_stack(self, model: str, tmp_path: Path) -> None:
        options = {"layers": 3, "residual": True, "bidirectional": True, "zoneout": 0.1}
        network, other = small_network(model, **options), small_network(model, **options, forget_bias=None)
        inputs = tf.random.stateless_normal((3, 7, 4), [1, 2])
        with tf.GradientTape() as tape:
            hidden, _, _ = network.train(Encoded(inputs), None)
            total = tf.reduce_sum(network.head(hidden)[:, -1] ** 2)
        gradients = tape.gradient(total, network.model.trainable_variables)
        for variable, gradient in zip(network.model.trainable_variables, gradients, strict=True):
            variable.assign_sub(0.1 * tf.convert_to_tensor(gradient))
        assert all(np.isfinite(variable).all() for variable in network.model.trainable_variables)
        network.model.save(tmp_path / "model.keras")
        assert np.abs(network(Encoded(inputs)) - other(Encoded(inputs))).max() > 1e-4
        load_weights(other, tmp_path / "model.keras")
        np.testing.assert_array_equal(network(Encoded(inputs)), other(Encoded(inputs)))

    def test_a_bidirectional_network_that_would_see_its_targets_is_refused(self) -> None:
        message = refused("train", "text", *SMALL_OPTIONS["text"], "--bidirectional")
        assert message == (
            "Error: --bidirectional: this task is answered at every step, where a network that reads from the end would "
            "see what it is to predict. Only tasks that read a whole sequence and answer at its end can be."
        )

    def test_tied_embeddings_do_not_go_with_bidirectional(self) -> None:
        class Tied(AtTheEnd):
            inputs = Tokens(5)

        with pytest.raises(BadInput, match="--tie-embeddings: not with --bidirectional"):
            small_network(task=Tied(), bidirectional=True, tie_embeddings=True)


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_all_options_together_train_evaluate_export_and_resume() -> None:
    options = ["--bidirectional", "--residual", "--layers", 2, "--zoneout", 0.1, "--recurrent-dropout", 0.1, "--omega", 0.5,
               "--chrono", 10, "--recurrent-init", "orthogonal"]  # fmt: skip
    seqapp("train", "adding", *SMALL_OPTIONS["adding"], *options, "--epochs", 1, "--out", "run")
    seqapp("train", "adding", "--out", "run", "--resume", "--epochs", 2)
    seqapp("evaluate", "run")
    seqapp("export", "run")
    assert open_run("run").record["options"]["network"]["chrono"] == 10
    assert "recurrent_1_backward" in seqapp("inspect", "run", "weights").stdout
