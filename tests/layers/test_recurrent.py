"""The recurrent layers against Keras's own: outputs, states and every gradient; files; fallbacks; exported graphs."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import SMALL_OPTIONS, seqapp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqapp import layers
from seqapp.layers.engine import compilation
from seqapp.runs.run import open_run

KINDS = ["SimpleRNN", "LSTM", "GRU"]
TOLERANCE = {"float32": 1e-5, "float64": 1e-10, "mixed_bfloat16": 4e-2}


def assert_close(ours: Any, keras_own: Any, tolerance: float) -> None:
    """Equal, relative to the largest entry of each tensor."""
    pairs = list(zip(tf.nest.flatten(ours), tf.nest.flatten(keras_own), strict=True))
    assert pairs
    for one, two in pairs:
        one, two = (np.asarray(tf.cast(tf.convert_to_tensor(part), tf.float64)) for part in (one, two))
        assert one.shape == two.shape
        np.testing.assert_allclose(one, two, rtol=0, atol=tolerance * max(np.abs(two).max(initial=0), 1e-3))


def results(layer: Any, inputs: Any, mask: Any, states: Any, training: bool, jit: bool = False) -> Any:
    """Outputs, last states, and the gradients of a fixed sum of them: inputs, initial states, every weight."""

    def run(inputs: Any, mask: Any, states: Any) -> Any:
        watched = [inputs, *(states or []), *(weight.value for weight in layer.trainable_weights)]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            outputs = tf.nest.flatten(layer(inputs, mask=mask, initial_state=states, training=training))
            total = tf.add_n([_sum(part, place) for place, part in enumerate(outputs)])
        return outputs, tape.gradient(total, watched)

    layer.build(inputs.shape)
    if jit:
        return tf.function(run, jit_compile=True)(inputs, mask, states)
    optional = [part for part in (mask, states) if part is not None]  # a signature cannot have None
    specs = tf.nest.map_structure(lambda part: tf.TensorSpec([None] * len(part.shape), part.dtype), optional)

    def unpacked(inputs: Any, *optional: Any) -> Any:
        rest = iter(optional)
        return run(inputs, next(rest) if mask is not None else None, next(rest) if states else None)

    signature = (tf.TensorSpec([None, None, inputs.shape[2]], inputs.dtype), *specs)
    return tf.function(unpacked, input_signature=signature)(inputs, *optional)


def _sum(part: Any, place: int) -> Any:
    """A sum in which every entry has its own factor."""
    entries = tf.range(tf.size(part, tf.int64))
    return tf.reduce_sum(tf.reshape(tf.cast(part, tf.float64), [-1]) * tf.cos(tf.cast(entries + place, tf.float64)))


def pair(kind: str, options: dict[str, Any]) -> tuple[Any, Any]:
    """Ours and Keras's layer with the same initial weights, of which the bias is not zero."""
    options = {"kernel_initializer": keras.initializers.GlorotUniform(1), "use_cudnn": False} | options
    if kind == "SimpleRNN":
        del options["use_cudnn"]
    options = {"recurrent_initializer": keras.initializers.GlorotUniform(2), **options}
    if not options.get("unit_forget_bias"):
        options["bias_initializer"] = keras.initializers.RandomNormal(0, 0.5, 3)
    return getattr(layers, kind)(**options), getattr(keras.layers, kind)(**options)


@st.composite
def cases(draw: Any, kind: str) -> dict[str, Any]:
    options = {
        "units": draw(st.integers(1, 9)),
        "return_sequences": draw(st.booleans()),
        "return_state": draw(st.booleans()),
        "go_backwards": draw(st.booleans()),
        "use_bias": draw(st.sampled_from([True, True, False])),
        "activation": draw(st.sampled_from(["tanh", "tanh", "relu", "linear", "sigmoid"])),
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "zero_output_for_mask": draw(st.booleans()),
    }
    if kind == "LSTM":
        options["unit_forget_bias"] = draw(st.booleans())
    if kind == "GRU":
        options["reset_after"] = draw(st.sampled_from([True, True, True, False]))
    return {
        "options": options,
        "shape": (draw(st.integers(1, 35)), draw(st.integers(1, 7)), draw(st.integers(1, 5))),
        "mask": draw(st.sampled_from([None, "right", "gaps"])),
        "states": draw(st.booleans()),
        "training": draw(st.sampled_from([True, True, False])),
        "jit": draw(st.sampled_from([False, False, True])),
        "seed": draw(st.integers(0, 1000)),
    }


def compare(kind: str, case: dict[str, Any]) -> None:
    options, (batch, steps, features) = case["options"], case["shape"]
    random, dtype = np.random.default_rng(case["seed"]), options["dtype"].removeprefix("mixed_")
    exact = tf.as_dtype(dtype)
    inputs = tf.cast(random.normal(size=(batch, steps, features)), exact)
    mask = {
        None: None,
        "right": tf.sequence_mask(random.integers(0, steps + 1, batch), steps),
        "gaps": tf.constant(random.random((batch, steps)) < 0.6),
    }[case["mask"]]
    states = [tf.cast(random.normal(size=(batch, options["units"])), exact) for _ in range(1 + (kind == "LSTM"))]
    ours, own = pair(kind, options)
    initial = states if case["states"] else None
    expected = results(own, inputs, mask, initial, case["training"])
    actual = results(ours, inputs, mask, initial, case["training"], case["jit"])
    assert ours.fallback() == (
        None if options.get("reset_after", True) else "reset_after=False: two products in one step"
    )
    assert_close(actual, expected, TOLERANCE[options["dtype"]])


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_states_and_gradients_equal_keras(kind: str, engine: str) -> None:
    @settings(
        max_examples=20 if engine == "compiled" else 5,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(kind))
    def check(case: dict[str, Any]) -> None:
        compare(kind, case | {"jit": case["jit"] and engine == "compiled"})

    check()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.usefixtures("engine")
def test_in_bfloat16_with_float32_weights(kind: str, training: bool) -> None:
    options = {"units": 8, "return_sequences": True, "return_state": True, "dtype": "mixed_bfloat16"}
    compare(kind, {"options": options, "shape": (4, 5, 3), "mask": "gaps", "states": True, "training": training,
                   "jit": False, "seed": 0})  # fmt: skip


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("kind", KINDS)
def test_stacked_bidirectional_and_used_twice(kind: str) -> None:
    def model(home: Any, embedding: Any) -> Any:
        inputs = keras.Input((None,), dtype="int32")
        hidden = embedding(11, 6, mask_zero=True)(inputs)
        hidden = keras.layers.Bidirectional(getattr(home, kind)(5, return_sequences=True))(hidden)
        shared = getattr(home, kind)(10, return_sequences=True)
        return keras.Model(inputs, getattr(home, kind)(3)(shared(shared(hidden))))

    ours, own = model(layers, layers.Embedding), model(keras.layers, keras.layers.Embedding)
    assert isinstance(ours.layers[-1], getattr(layers, kind))
    bidirectional = next(layer for layer in ours.layers if isinstance(layer, keras.layers.Bidirectional))
    directions = (bidirectional.forward_layer, bidirectional.backward_layer)
    assert {type(part) for part in directions} == {getattr(layers, kind)}
    ours.set_weights(own.get_weights())
    ids = tf.constant(np.random.default_rng(0).integers(0, 11, (6, 9)))
    gradients = []
    for each in (ours, own):
        with tf.GradientTape() as tape:
            total = _sum(each(ids, training=True), 0)
        gradients.append([tf.convert_to_tensor(part) for part in tape.gradient(total, each.trainable_variables)])
    assert_close(*gradients, tolerance=1e-5)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_model_fit_learns_the_same(jit: bool) -> None:
    random = np.random.default_rng(0)
    ids, targets = random.integers(0, 7, (40, 6)), random.integers(0, 7, (40, 6))
    losses, initial = [], None
    for home, embedding in ((layers, layers.Embedding), (keras.layers, keras.layers.Embedding)):
        model = keras.Sequential(
            [keras.Input((None,), dtype="int32"), embedding(7, 4), home.LSTM(8, return_sequences=True),
             keras.layers.Dense(7)]
        )  # fmt: skip
        initial = initial or model.get_weights()
        model.set_weights(initial)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, jit_compile=jit and home is layers)
        losses.append(model.fit(ids, targets, epochs=3, batch_size=16, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_on_the_inputs_equals_keras(kind: str) -> None:
    options = {"units": 4, "return_sequences": True, "dropout": 0.5, "seed": 3}
    inputs = tf.ones([3, 5, 6])
    ours, own = pair(kind, options)
    assert_close(results(ours, inputs, None, None, True), results(own, inputs, None, None, True), 1e-5)


def test_a_layer_that_the_engine_does_not_cover_runs_keras_loop_and_returns_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reasons = {
        "recurrent_dropout=0.2": layers.LSTM(3, recurrent_dropout=0.2),
        "unroll=True": layers.SimpleRNN(3, unroll=True),
        "activation=elu": layers.GRU(3, activation="elu"),
        "activation=<lambda>": layers.SimpleRNN(3, activation=lambda x: x),
        "recurrent_activation=hard_sigmoid": layers.LSTM(3, recurrent_activation="hard_sigmoid"),
        "reset_after=False: two products in one step": layers.GRU(3, reset_after=False),
    }
    for reason, layer in reasons.items():
        assert layer.fallback() == reason
        assert layer(tf.ones([2, 4, 5]), training=True).shape == (2, 3)
    layer = layers.LSTM(3)
    assert layer.fallback() is None
    layer.engine = "keras"
    assert layer.fallback() == "--engine keras"
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["GPU"])
    assert layers.LSTM(3).fallback() == "there is a GPU, for which Keras has cuDNN"


@pytest.mark.parametrize("kind", KINDS)
def test_config_round_trips(kind: str) -> None:
    layer = getattr(layers, kind)(4, return_state=True, go_backwards=True, name="mine")
    again = type(layer).from_config(layer.get_config())
    assert (
        again.get_config()
        == layer.get_config()
        == getattr(keras.layers, kind).from_config(layer.get_config()).get_config()
    )


@pytest.mark.parametrize("home", [layers, keras.layers], ids=["ours", "keras"])
def test_a_file_loads_with_and_without_seqapp(home: Any, tmp_path: Path) -> None:
    ids, answers = np.arange(12).reshape(2, 6) % 7, {}
    for kind in KINDS:
        model = keras.Sequential([keras.Input((6,), dtype="int32"), home.Embedding(7, 4), getattr(home, kind)(5)])
        model.save(tmp_path / f"{kind}.keras")
        answers[kind] = model(ids).numpy()
        here = keras.saving.load_model(tmp_path / f"{kind}.keras")
        np.testing.assert_allclose(here(ids).numpy(), answers[kind], atol=1e-6)
        assert isinstance(here.layers[-1], getattr(home, kind))
    if home is keras.layers:
        return
    code = (
        "import sys, json, keras, numpy as np\n"
        "for kind in sys.argv[1:]:\n"
        "    model = keras.saving.load_model(kind + '.keras')\n"
        "    assert type(model.layers[-1]) is getattr(keras.layers, kind)\n"
        "    print(json.dumps(model(np.arange(12).reshape(2, 6) % 7).numpy().tolist()))\n"
        "assert 'seqapp' not in sys.modules"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, *KINDS], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    for kind, line in zip(KINDS, process.stdout.splitlines()[-len(KINDS) :], strict=True):
        np.testing.assert_allclose(json.loads(line), answers[kind], atol=1e-6)


@pytest.mark.usefixtures("compiled")
def test_only_training_is_compiled() -> None:
    layer = layers.LSTM(4)
    layer.build([None, None, 3])

    def compiled_ops(training: bool) -> bool:
        traced = tf.function(lambda x: layer(x, training=training)).get_concrete_function(
            tf.TensorSpec([None, None, 3])
        )
        return any(part.attr["_XlaMustCompile"].b for part in traced.graph.as_graph_def().library.function)

    assert compiled_ops(training=True)
    assert not compiled_ops(training=False)
    with layers.compiled():
        assert compiled_ops(training=False)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
def test_a_batch_keeps_its_size_after_one_of_any_size(kind: str, training: bool) -> None:
    layer = getattr(layers, kind)(5, return_sequences=True, return_state=True)
    shapes = []
    for batch in (None, 3):
        run = tf.function(lambda inputs: layer(inputs, training=training), autograph=False)
        traced = run.get_concrete_function(tf.TensorSpec([batch, None, 2]))
        shapes.append([tuple(output.shape) for output in traced.outputs])
    states = len(shapes[0]) - 1
    assert shapes == [[(batch, None, 5), *[(batch, 5)] * states] for batch in (None, 3)]


def test_a_batch_is_cut_into_shards_of_enough_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)), raising=False)
    assert [compilation.shards(batch) for batch in (1, 31, 32, 64, 500, None)] == [1, 1, 2, 4, 4, 2]
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    assert compilation.shards(64) == 1


@pytest.mark.usefixtures("compiled")
def test_both_engines_train_to_the_same_loss_and_inspect_names_them(tmp_path: Path) -> None:
    losses = []
    for name in ("fast", "keras"):
        run = tmp_path / name
        seqapp("train", "recall", *SMALL_OPTIONS["recall"], "--engine", name, "--out", run)
        losses.append(open_run(run).folder.joinpath("history.csv").read_text().splitlines()[-1].split(",")[2])
        rows = json.loads(seqapp("inspect", run, "weights", "--json").stdout)
        engines = {row["engine"] for row in rows if row["class"] == "LSTM"}
        assert engines == {"fast" if name == "fast" else "keras: --engine keras"}
        assert {row["engine"] for row in rows if row["class"] == "Dense"} == {""}
    assert math.isclose(*map(float, losses), rel_tol=1e-3)
