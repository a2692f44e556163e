"""`inspect RUN gates`: what is shown is what the layers compute, what units hold is found, every model has its own gates."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tensorflow as tf
from conftest import OWN_FILES, SMALL_OPTIONS, by_kind, refused, seqapp
from layer_oracles import LITERATURE, ORACLES, UNITS, random_layer, sample
from layer_oracles import small_network as network

from seqapp import rooms
from seqapp.contract import Encoded
from seqapp.inspection import _traces
from seqapp.inspection._traces import Trace, holdings, openness

GATES = {
    "coupled_lstm": ["forget gate", "candidate", "output gate"],
    "gru": ["update gate", "reset gate", "candidate"],
    "independent_rnn": [],
    "janet": ["forget gate", "input share", "candidate"],
    "layer_norm_gru": ["update gate", "reset gate", "candidate"],
    "layer_norm_lstm": ["input gate", "forget gate", "candidate", "output gate"],
    "lstm": ["input gate", "forget gate", "candidate", "output gate"],
    "minimal_gru": ["update gate", "candidate"],
    "multiplicative_lstm": ["input gate", "forget gate", "candidate", "output gate", "input factor"],
    "multiplicative_rnn": ["input factor"],
    "peephole_lstm": ["input gate", "forget gate", "candidate", "output gate"],
    "simple_rnn": [],
}


@pytest.mark.parametrize("kind", LITERATURE)
def test_states_are_those_of_the_step(kind: str) -> None:
    layer = random_layer(kind)
    inputs, _ = sample(layer, batch=1)
    weights = {weight.path.split("/")[-1]: weight.numpy() for weight in layer.trainable_weights}
    now = [np.zeros((1, UNITS)) for _ in layer.state_size]
    result = _traces._trace(layer, tf.constant(inputs), list(layer.get_initial_state(1)))
    for step in range(inputs.shape[1]):
        now = ORACLES[kind](weights, inputs[:, step], now)
        for values, state in zip(result.states.values(), now, strict=True):
            np.testing.assert_allclose(values[step], state[0], atol=1e-12)


def test_an_lstms_gates_make_its_states() -> None:
    layer = random_layer("LSTM")
    result = _traces._trace(layer, tf.constant(sample(layer, batch=1)[0]), list(layer.get_initial_state(1)))
    i, f, g, o = result.gates.values()
    cell = result.states["cell state"]
    np.testing.assert_allclose(cell[1:], f[1:] * cell[:-1] + i[1:] * g[1:], atol=1e-12)
    np.testing.assert_allclose(result.states["hidden state"], o * np.tanh(cell), atol=1e-12)


@pytest.mark.parametrize("model", rooms.names("models"))
def test_every_model_shows_its_own_gates(model: str) -> None:
    output = network(model, layers=2, residual=True, zoneout=0.1)
    inputs = tf.random.stateless_normal((1, 7, 4), [1, 2])
    result = _traces.traces(output, Encoded(inputs))
    assert [trace.layer for trace in result] == ["recurrent_1", "recurrent_2"]
    for trace in result:
        assert list(trace.gates) == GATES[model]
        assert all(values.shape == (7, 6) for values in trace.everything.values())
        assert sorted(trace.order().tolist()) == list(range(6))
        assert all(0 <= row["mean"] <= 1 for row in openness(trace))
    below = output.chain[0](inputs)[0]
    np.testing.assert_allclose(result[0].states["hidden state"], below[0], atol=1e-5)
    np.testing.assert_allclose(result[1].states["hidden state"], output.chain[1](below)[0][0], atol=1e-5)


def test_what_reads_from_the_end_is_shown_at_the_steps_it_read() -> None:
    result = network("gru", bidirectional=True)
    inputs = tf.random.stateless_normal((1, 7, 4), [1, 2])
    ahead, back = _traces.traces(result, Encoded(inputs))
    layer = result.chain[0].layer
    np.testing.assert_allclose(ahead.memory, layer.forward_layer(inputs)[0][0], atol=1e-6)
    np.testing.assert_allclose(back.memory, layer.backward_layer(inputs)[0][0, ::-1], atol=1e-6)


class TestWhatUnitsHold:
    labels: ClassVar[list[str]] = list(np.random.default_rng(0).choice(list("abc"), 300))

    def trace(self, **units: Any) -> Trace:
        noise = np.random.default_rng(1).normal(size=(300, 6))
        for unit, values in units.items():
            noise[:, int(unit[1:])] = values
        return Trace("recurrent_1", "LSTM", {}, {"hidden state": noise[:, :1] * 0, "cell state": noise})

    def test_the_unit_that_tells_what_stood_before_is_found(self) -> None:
        worth = {"a": 1.0, "b": 2.0, "c": 4.0}
        one_before = [0.0] + [worth[label] for label in self.labels[:-1]]
        rows = holdings(self.trace(u4=one_before, u2=[worth[label] for label in self.labels]), self.labels)
        assert [row["lag"] for row in rows] == [0, 1, 2, 3, 4]
        assert (rows[0]["unit"], rows[1]["unit"]) == (2, 4)
        assert rows[0]["share"] == pytest.approx(1)
        assert rows[1]["share"] == pytest.approx(1)
        assert rows[1]["values"] == pytest.approx(worth)
        assert all(abs(row["share"]) < 0.05 for row in rows[2:])

    def test_after_a_label_only_what_is_held_there_counts(self) -> None:
        contents = [float(before == "b") if now == "a" else 9.0 * place
                for place, (before, now) in enumerate(zip(["c", *self.labels], self.labels, strict=False))]  # fmt: skip
        every, after = (holdings(self.trace(u5=contents), self.labels, after=label)[-4] for label in (None, "a"))
        assert every["share"] < 0.1
        assert (after["lag"], after["unit"], after["share"]) == (1, 5, pytest.approx(1))

    def test_too_short_a_sequence_says_nothing(self) -> None:
        assert holdings(self.trace(), self.labels[:8]) == []

    def test_units_that_run_alike_lie_side_by_side(self) -> None:
        wave = np.sin(np.arange(300))
        order = self.trace(u0=wave, u3=2 * wave + 1, u5=wave * 0.5).order().tolist()
        places = sorted(order.index(unit) for unit in (0, 3, 5))
        assert places[2] - places[0] == 2


@pytest.mark.parametrize("dataset", by_kind(rooms.names("datasets")))
def test_every_dataset_is_drawn(dataset: str, trained: Callable[[str], Path], tmp_path: Path) -> None:
    result = seqapp("inspect", trained(dataset), "gates", "--json", "--to", tmp_path / "picture")
    document = json.loads(result.stdout)
    values = document["layers"][0]["values"]
    assert all(len(rows) == len(document["steps"]) for rows in values.values())
    assert result.stderr.endswith(f"drawn: {tmp_path}/picture.png\ndrawn: {tmp_path}/picture.svg\n")
    assert 3_000 < (tmp_path / "picture.svg").stat().st_size < 300_000


def test_a_text_is_labelled_with_its_tokens_and_rows_are_values(trained: Callable[[str], Path]) -> None:
    run = trained("text")
    question = ["inspect", run, "gates", "Doug saw Jane."]
    document = json.loads(seqapp(*question, "--json").stdout)
    assert document["steps"] == ["<start>", "Doug", "saw", "Jane", "."]
    rows = list(csv.DictReader(io.StringIO(seqapp(*question, "--csv").stdout)))
    assert len(rows) == 5 * 8 * 6
    last = rows[-1]
    assert (last["token"], last["name"], last["unit"]) == (".", "cell state", "7")
    assert float(last["value"]) == pytest.approx(document["layers"][0]["values"]["cell state"][-1][-1])


def test_a_person_reads_what_units_hold(trained: Callable[[str], Path]) -> None:
    book = "Doug saw Jane. Spot saw Doug. Jane saw Spot. " * 9
    message = seqapp("inspect", trained("text"), "gates", book, "--after", "saw").stdout
    assert "recurrent_1 forget gate" in message
    assert "Which unit tells best what stood before right after 'saw':" in message
    assert "1 step before" in message
    assert "\x1b" not in message
    short = seqapp("inspect", trained("text"), "gates", "Doug saw Jane.", "--after", "saw").stdout
    assert "'saw' does not stand there often enough" in short


@pytest.mark.usefixtures("no_training")
def test_a_users_own_layer_shows_its_states(tmp_path: Path) -> None:
    source = (OWN_FILES / "stacked_gru.py").read_text()
    (tmp_path / "stacked_gru.py").write_text(source)
    seqapp("train", "recall", *SMALL_OPTIONS["recall"], "--model", "./stacked_gru.py", "--out", "run")
    document = json.loads(seqapp("inspect", "run", "gates", "--json").stdout)
    assert list(document["layers"][0]["values"]) == ["1. state", "2. state"]
    assert seqapp("inspect", "run", "gates").stdout == "12 steps; these layers have no gates.\n"


def test_mistakes_are_named(trained: Callable[[str], Path]) -> None:
    run = trained("text")
    assert refused("inspect", run, "gates", "--layer", 2) == "Error: --layer: expected a number from 1 to 1, got 2."
    assert refused("inspect", run, "gates", "Doug saw", "--after", "Jane") == (
        "Error: --after: expected one of its tokens, got 'Jane'; there are <start>, Doug, saw."
    )
    assert refused("inspect", run, "gates", "Doug", "--json", "--csv") == "Error: --json and --csv: give one of them."
