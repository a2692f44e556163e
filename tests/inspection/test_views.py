"""The looking-glass: what each view of `inspect` measures, against what is known exactly, and how it shows it."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, by_kind, refused, seqapp

from seqapp import rooms
from seqapp.contract import BITS, Batch, Encoded, State, Surprise
from seqapp.data.streams import Streams
from seqapp.data.windows import Windows
from seqapp.heads import Category, CategoryRecord, QuantileRecord, Quantiles
from seqapp.heads.quantiles import sigmas
from seqapp.inspection import _backwards, _shades, gradients, memory
from seqapp.inspection._sequences import sequences
from seqapp.networks.stack import Link, Stack
from seqapp.runs.run import open_run

VIEWS = ("gradients", "memory", "surprise")


NOTHING = Encoded(None)  # no context


def chain(*layers: Any, size: int = 2) -> Stack:
    """A network of these layers over vectors, its weights made."""
    *recurrent, head = layers
    network = Stack(None, None, [Link(layer) for layer in recurrent], head)
    head(network.step(np.zeros((1, 1, size), np.float32), network.start(NOTHING, 1))[0])
    return network


def linear(kernel: Any, classes: int = 4) -> Stack:
    """A SimpleRNN without a squashing, h = x W + h `kernel`."""
    import keras

    kernel = np.asarray(kernel, np.float32)
    layer = keras.layers.SimpleRNN(len(kernel), activation="linear", return_sequences=True, return_state=True)
    network = chain(layer, keras.layers.Dense(classes))
    layer.cell.recurrent_kernel.assign(kernel)
    return network


def random_batch(count: int, steps: int, size: int = 2, classes: int = 4) -> Batch:
    random = np.random.default_rng(0)
    inputs = random.standard_normal((count, steps, size)).astype(np.float32)
    return Batch(inputs, random.integers(0, classes, count), np.ones(count, np.float32))


class TestGradients:
    @pytest.mark.parametrize(("factor", "steps"), [(0.5, 20), (0.1, 60), (1.0, 50), (2.0, 110)])
    def test_through_a_multiple_of_the_identity_the_gradient_is_its_power(self, factor: float, steps: int) -> None:
        network, probed = linear(factor * np.eye(3)), random_batch(5, steps)
        result = _backwards.relative_norms(network, Category(4), probed)
        np.testing.assert_allclose(result, np.arange(steps) * np.log10(factor), atol=1e-4 * steps)

    def test_a_gradient_beyond_float64_is_still_told(self) -> None:
        result = _backwards.relative_norms(linear(1e-4 * np.eye(3)), Category(4), random_batch(3, 120))
        assert result[-1] == pytest.approx(-4 * 119, abs=0.1)
        assert gradients.power(-400.5) == "3.2e-401"
        assert gradients.power(float("-inf")) == "0"
        assert [gradients.power(value) for value in (0, -2, 35.2)] == ["1", "0.01", "1.6e+35"]

    def test_a_gradient_that_ends_is_told_as_nothing(self) -> None:
        result = _backwards.relative_norms(linear(np.eye(3, k=1)), Category(4), random_batch(3, 6))
        assert np.isneginf(result[2:]).all()
        assert np.isfinite(result[:2]).all()

    @pytest.mark.parametrize("kind", ["seqapp", "keras"])
    def test_step_by_step_equals_the_gradient_of_the_whole_sequence(self, kind: str) -> None:
        import keras
        import tensorflow as tf

        from seqapp import layers

        output = layers if kind == "seqapp" else keras.layers
        options: dict[str, Any] = {"return_sequences": True, "return_state": True}
        network = chain(output.LSTM(5, **options), output.GRU(4, **options), keras.layers.Dense(4))
        probed, head = random_batch(3, 12), Category(4)
        result = _backwards.log_norms(network, head, probed)
        for lag in (1, 4, 12):
            start = 12 - lag
            first = network.start(NOTHING, 3)
            state = network.step(probed.inputs[:, :start], first)[1] if start else first
            flat = tf.nest.flatten(state.carried)
            with tf.GradientTape() as tape:
                tape.watch(flat)
                packed = state._replace(carried=tf.nest.pack_sequence_as(state.carried, flat))
                hidden, _ = network.step(probed.inputs[:, start:], packed)
                loss = tf.reduce_sum(head.loss(probed.targets[:, None], hidden[:, -1:], network.head, NOTHING, False))
            parts = [part.numpy() for part in tape.gradient(loss, flat)]
            norm = np.sqrt(sum(np.square(part).sum(-1) for part in parts))
            np.testing.assert_allclose(10 ** result[lag - 1], norm, rtol=1e-4)

    def test_it_equals_finite_differences(self) -> None:
        import keras

        options: dict[str, Any] = {"return_sequences": True, "return_state": True}
        network, probed = chain(keras.layers.GRU(2, **options), keras.layers.Dense(3)), random_batch(1, 3, classes=3)

        def loss(state: Any) -> float:
            hidden, _ = network.step(probed.inputs[:, 1:], State((), [state]))
            loss = Category(3).loss(probed.targets[:, None], hidden[:, -1:], network.head, NOTHING, False)
            return float(loss[0, 0])

        state = np.asarray(network.step(probed.inputs[:, :1], network.start(NOTHING, 1))[1].carried[0]).reshape(1, 2)
        slopes = [
            (loss(state + move) - loss(state - move)) / 0.04 for move in 0.02 * np.eye(2, dtype=np.float32)[:, None]
        ]
        result = _backwards.log_norms(network, Category(3), probed)
        assert 10 ** result[1, 0] == pytest.approx(float(np.linalg.norm(slopes)), rel=5e-3)

    def test_only_recurrent_weights_are_scaled(self) -> None:
        import keras

        network = chain(keras.layers.LSTM(3, return_sequences=True, return_state=True), keras.layers.Dense(2))
        before = {each.path: each.numpy() for layer in network.layers for each in layer.weights}
        _backwards.scale_recurrent(network, 1.5)
        for layer in network.layers:
            for each in layer.weights:
                factor = 1.5 if each.path.endswith("recurrent_kernel") else 1
                np.testing.assert_allclose(each.numpy(), factor * before[each.path])
        assert any(path.endswith("recurrent_kernel") for path in before)

    def test_a_network_without_recurrent_weights_is_refused(self) -> None:
        import keras

        with pytest.raises(ValueError, match="--scale-recurrent: no layer of this network has a weight named rec"):
            _backwards.scale_recurrent(chain(keras.layers.Dense(2)), 1.5)

    def test_states_that_outgrow_their_type_are_said(self) -> None:
        with pytest.raises(ValueError, match=r"the states are not finite after \d+ steps: use fewer --steps\."):
            _backwards.log_norms(linear(100 * np.eye(3)), Category(4), random_batch(2, 40))

    @pytest.mark.usefixtures("no_training")
    def test_a_network_that_reads_from_both_ends_has_a_memory_and_no_gradients_by_lag(self) -> None:
        options = ["--gap", 10, "--sequences", 200, "--epochs", 1, "--units", 4, "--bidirectional", "--out", "run"]
        seqapp("train", "adding", *options)
        assert refused("inspect", "run", "gradients") == (
            "Error: gradients: a network that reads from both ends cannot be followed step by step; give one that does not."
        )
        assert json.loads(seqapp("inspect", "run", "memory", "--json").stdout)["full"] == 10

    def test_the_figures_are_the_first_lags_beyond_the_bounds(self) -> None:
        curve = gradients.Curve(None, "trained", 1, np.array([0, -1, -2, -2.1, 2.5]))  # type: ignore[arg-type]
        assert (curve.below, curve.above) == (4, 5)
        level = gradients.Curve(None, "trained", 1, np.zeros(5))  # type: ignore[arg-type]
        assert (level.below, level.above) == (None, None)

    def test_a_run_begins_at_its_initial_weights(self, trained: Callable[[str], Path]) -> None:
        run = open_run(trained("text"))
        dataset = run.load_dataset()
        probed = sequences(dataset, 4, 20)
        initial = _backwards.relative_norms(run.new_network(dataset.task), dataset.task.head, probed)
        document = json.loads(
            seqapp("inspect", run.folder, "gradients", "--steps", 20, "--sequences", 4, "--json").stdout
        )
        curves = {curve["weights"]: curve for curve in document["curves"]}
        np.testing.assert_allclose(curves["initial"]["log10"], initial, atol=1e-3)
        assert np.abs(np.array(curves["trained"]["log10"]) - initial).max() > 0.01
        assert curves["trained"]["steps"] == len(curves["trained"]["log10"]) == 20

    def test_runs_on_other_datasets_stand_in_one_picture(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        runs = [trained("text"), trained("stock"), trained("fibonacci")]
        done = seqapp("inspect", runs[0], "gradients", *runs[1:], "--steps", 12, "--to", tmp_path / "three", "--csv")
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert list(rows[0]) == ["run", "weights", "lag", "log10"]
        assert {row["run"] for row in rows} == set(map(str, runs))
        assert {row["weights"] for row in rows} == {"initial", "trained"}
        drawing = (tmp_path / "three.svg").read_text()
        assert all(run.name in drawing for run in runs)

    def test_larger_recurrent_weights_let_more_through(self, trained: Callable[[str], Path]) -> None:
        def far(factor: float) -> float:
            arguments = ("inspect", trained("fibonacci"), "gradients", "--steps", 10, "--json")
            document = json.loads(seqapp(*arguments, "--scale-recurrent", factor).stdout)
            assert document["scale_recurrent"] == factor
            return float(document["curves"][0]["log10"][-1])

        assert far(1.5) > far(1) + 0.5 > far(0.5) + 1.5

    def test_where_nothing_leads_back_it_says_so(self, trained: Callable[[str], Path]) -> None:
        done = seqapp("inspect", trained("fibonacci"), "gradients", "--scale-recurrent", 0, code=1)
        assert done.stderr == (
            "Error: the loss at the last step has no gradient in any sequence: there is nothing to follow back.\n"
        )


class TestMemory:
    def test_a_network_that_sees_three_steps_looks_back_three(self) -> None:
        network, probed = (
            linear(np.eye(3, k=1)),
            random_batch(40, 20),
        )  # a shift register: what enters is gone after 3 steps
        lengths = memory.ladder(20)
        assert lengths.tolist() == [1, 2, 3, 4, 6, 8, 12, 16, 20]
        network.chain[0].layer.cell.kernel.assign(3 * np.eye(2, 3, dtype=np.float32))
        loss = memory.losses(network, Category(4), probed, lengths)
        assert loss.shape == (9, 40)
        np.testing.assert_allclose(loss[2:], np.broadcast_to(loss[-1], (7, 40)), rtol=1e-5)
        assert np.abs(loss[1] - loss[2]).mean() > 0.01
        assert memory.Memory(lengths, loss.mean(1), 40, "nats").steps == 3

    def test_the_whole_context_is_what_the_network_says(self, trained: Callable[[str], Path]) -> None:
        import tensorflow as tf

        run = open_run(trained("text"))
        dataset = run.load_dataset()
        network, probed = run.load_network(dataset.task), sequences(dataset, 100, 40)
        loss = memory.losses(network, dataset.task.head, probed, np.array([5, 40]))
        for row, length in enumerate((5, 40)):
            hidden = network(Encoded(tf.constant(probed.inputs[:, -length:])))[:, -1:]
            expected = dataset.task.head.loss(probed.targets[:, None], hidden, network.head, NOTHING, False)[:, 0]
            np.testing.assert_allclose(loss[row], expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(
        ("loss", "steps"),
        [
            ([2.0, 1.5, 1.005, 1.0], 4),  # within 1 % of the full context's loss
            ([2.0, 0.5, 1.0, 1.0], 4),  # what is better than all of it is another prediction too
            ([3.0, 0.5, 0.02, 0.001], 4),  # nearly no loss: within 1 % of what was saved
            ([2.0, 1.0, 1.5, 1.0], 8),  # as good by chance
            ([1.0, 1.0, 1.0, 1.0], 1),
            ([1.0, 1.0, 1.0, 1.5], 8),
        ],
    )
    def test_it_looks_back_until_nothing_changes_by_one_percent(self, loss: list[float], steps: int) -> None:
        assert memory.Memory(np.array([1, 2, 4, 8]), np.array(loss), 1, "nats").steps == steps

    def test_it_says_what_the_json_says(self, trained: Callable[[str], Path]) -> None:
        arguments = ("inspect", trained("text"), "memory", "--steps", 40, "--sequences", 50)
        document = json.loads(seqapp(*arguments, "--json").stdout)
        message = seqapp(*arguments).stdout
        result = re.search(r"It looks back (\d+) steps?( or farther: that is the whole context)?", message)
        assert result
        assert int(result.group(1)) == document["looks_back"]
        visible = re.findall(r"^ +(\d+)  ([\d.]+)$", message, re.MULTILINE)
        assert visible == [(str(row["steps"]), f"{row['loss']:.4f}") for row in document["losses"]]
        assert document["full"] == 40
        assert document["sequences"] == 50
        assert seqapp(*arguments, "--csv").stdout.startswith("steps,loss\n1,")


class TestSurprise:
    def test_bits_are_the_parts_of_the_score(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        from seqapp.saved_model.functions import functions

        run = open_run(trained("text"))
        (tmp_path / "story.txt").write_text("Doug saw Jane. Spot saw Doug saw Jane.")
        document = json.loads(seqapp("inspect", run.folder, "surprise", "story.txt", "--json").stdout)
        rows = document["surprises"]
        tokens = ["Doug", "saw", "Jane", ".", "Spot", "saw", "Doug", "saw", "Jane", "."]
        assert [row["label"] for row in rows] == tokens
        score = functions(run.task(), run.load_network(run.task()), "score")["score"]
        whole = [" ".join(tokens[: end + 1]) for end in range(len(tokens))]
        nats = score(text=whole)["log_probability"]
        np.testing.assert_allclose(np.cumsum([row["bits"] for row in rows]) * np.log(2), -nats, rtol=1e-3, atol=1e-4)
        assert document["mean"] == pytest.approx(-float(nats[-1]) / len(tokens) / np.log(2), rel=1e-3)

    @pytest.mark.slow
    @pytest.mark.usefixtures("compiled")
    def test_the_mistake_is_what_surprises(self, tmp_path: Path) -> None:
        seqapp("train", "text", "--corpus", "stories", "--units", 32, "--epochs", 2, "--out", "run")
        message = seqapp("inspect", "run", "surprise", "-", stdin="Doug saw Jane. Jane saw Spot saw Doug.").stdout
        lines = message.splitlines()
        assert lines[0].startswith("text with lstm, standard input: 10 steps, mean ")
        assert re.match(r" +8 +\d+\.\d\d +Doug saw Jane\. Jane saw Spot +saw$", lines[3])

    def test_the_first_tokens_of_the_test_split_are_those_of_evaluate(self, trained: Callable[[str], Path]) -> None:
        from seqapp.networks.over_split import predict

        run = open_run(trained("text"))
        dataset = run.load_dataset()
        logs = predict(dataset, run.load_network(dataset.task), "test").logs
        message = seqapp("inspect", run.folder, "surprise", "--tokens", 300, "--csv").stdout
        rows = list(csv.DictReader(io.StringIO(message)))
        np.testing.assert_allclose([float(row["bits"]) for row in rows], -logs[:300] / np.log(2), rtol=1e-3, atol=1e-4)
        assert len(json.loads(seqapp("inspect", run.folder, "surprise", "--json").stdout)["surprises"]) == 400

    def test_sigmas_by_hand(self) -> None:
        quantiles = np.tile([-1.0, 0.0, 2.0], (4, 1))
        result = sigmas(np.array([3.0, -3.0, 0.0, 2.0]), quantiles, (0.1, 0.5, 0.9))
        np.testing.assert_allclose(result, [3 / 2 * 1.28155, -3 * 1.28155, 0, 1.28155], rtol=1e-5)
        flat = sigmas(np.array([1.0, 0.0]), np.zeros((2, 3)), (0.1, 0.5, 0.9))
        assert flat.tolist() == [np.inf, 0]
        wide = sigmas(np.array([3.0]), np.array([[-9.0, -1.0, 0.0, 2.0, 9.0]]), (0.025, 0.1, 0.5, 0.9, 0.975))
        np.testing.assert_allclose(wide, [3 / 2 * 1.28155], rtol=1e-5)

    def test_by_default_the_kind_of_predictions_decides(self) -> None:
        message = Category(3).surprise(CategoryRecord(np.array([0, 1]), np.array([0, 2]), np.log([0.25, 1.0])))
        assert (message.unit, message.labels, message.values.tolist()) == (BITS, ["1", "2"], [[2.0], [0.0]])
        message = Quantiles(2).surprise(QuantileRecord(np.ones((5, 2)), np.tile([-1.0, 0.0, 1.0], (5, 2, 1))))
        np.testing.assert_allclose(message.values, np.full((5, 1), 1.28155), rtol=1e-5)

    def test_of_a_series_as_many_lie_within_as_the_interval_covers(self, trained: Callable[[str], Path]) -> None:
        from seqapp.networks.over_split import predict

        run = open_run(trained("stock"))
        dataset: Any = run.load_dataset()
        message = dataset.to_raw_units(predict(dataset, run.load_network(dataset.task), "test"))
        covered = message.covered(80.0)[:, 0, 0].mean()
        document = json.loads(seqapp("inspect", run.folder, "surprise", "--json").stdout)
        assert document["within_1.28"] == pytest.approx(covered)
        rows = document["surprises"]
        assert rows[0].keys() == {"place", "label", "sigmas"}
        assert (rows[0]["label"], rows[-1]["label"]) == ("2008-03-03", "2008-10-13")

    @pytest.mark.usefixtures("no_training")
    def test_several_targets_stand_side_by_side(self) -> None:
        options = ["--target", "close,volume", "--epochs", 1, "--units", 8, "--window", 12, "--out", "run"]
        seqapp("train", "stock", *options)
        rows = json.loads(seqapp("inspect", "run", "surprise", "--json").stdout)["surprises"]
        assert rows[0].keys() == {"place", "label", "close", "volume"}
        assert seqapp("inspect", "run", "surprise").stdout.splitlines()[2].split() == [
            "place",
            "row",
            "close",
            "volume",
        ]

    def test_the_series_refuses_a_file(self, trained: Callable[[str], Path]) -> None:
        message = refused("inspect", trained("stock"), "surprise", "prices.csv")
        assert message == "Error: this dataset is measured on its own test split only: leave the file out."


def surprise_of(text: list[str], bits: list[float]) -> Surprise:
    return Surprise(text, np.array(bits)[:, None], BITS, texts=text)


class TestShades:
    def test_bits_have_five_shades(self) -> None:
        assert [_shades.shade(bits) for bits in (0, 0.99, 1, 2, 4, 7.9, 8, 99, np.inf)] == [0, 0, 1, 2, 3, 3, 4, 4, 4]

    def test_a_terminal_gets_colours(self) -> None:
        from rich.console import Console

        message = io.StringIO()
        Console(file=message, force_terminal=True, color_system="standard").print(
            _shades.coloured(surprise_of(["Doug", " saw", ".", "\n"], [0.5, 9, 3, 0]))
        )
        assert message.getvalue().startswith("Doug \x1b[37;41msaw\x1b[0m\x1b[30;43m.\x1b[0m\n")

    def test_what_is_no_letter_shows_as_python_writes_it(self) -> None:
        assert _shades.visible("a b\n\t\x1b\udcc3é") == r"a b↵\t\x1b\xc3é"

    def test_lines_break_at_spaces_and_hold_every_token(self) -> None:
        words = [f" word{number}" for number in range(100)]
        for text in (words, list("".join(words))):
            lines = _shades.page(surprise_of(text, [2.0] * len(text))).lines[:-2]
            joined = ["".join(piece.text for piece in line) for line in lines]
            assert all(len(line) <= _shades.WIDTH for line in joined)
            assert " ".join(line.strip() for line in joined) == "".join(words).strip()

    def test_letters_are_as_wide_as_their_greys(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        page = _shades.page(surprise_of(["m" * 60], [9.0]))
        figure = Figure(figsize=page.size, dpi=150)
        page.draw(figure)
        FigureCanvasAgg(figure).draw()
        box = figure.axes[0].texts[0].get_window_extent()
        assert box.width == pytest.approx(60 * _shades.LETTER * 150, rel=0.01)


class TestSequences:
    def windows(self, weights: Any) -> Any:
        """Rows that count from 10, 20, … on; targets are their places. The other splits are out of reach."""
        weights = np.array(weights, np.float32)
        inputs = 10 * np.arange(1, len(weights) + 1)[:, None] + np.arange(weights.shape[1])
        targets = np.broadcast_to(np.arange(weights.shape[1]), weights.shape).astype(np.int32)
        return self.only({"validation": Windows.from_arrays(inputs.astype(np.int32), targets, weights)})

    def only(self, splits: dict[str, Any]) -> Any:
        return SimpleNamespace(examples=splits.__getitem__)  # KeyError for any other split

    def test_they_end_at_the_scored_step_of_the_validation_split(self) -> None:
        result = sequences(self.windows([[0, 0, 0, 1, 0]] * 6), 3, 3)
        assert result.inputs.tolist() == [[11, 12, 13], [31, 32, 33], [61, 62, 63]]
        assert result.targets.tolist() == [3, 3, 3]

    def test_where_every_step_is_scored_they_begin_at_the_beginning(self) -> None:
        rows = [[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 0]]
        result = sequences(self.windows(rows), 4, 100)
        assert result.inputs.tolist() == [[20, 21, 22], [30, 31, 32], [40, 41, 42]]
        assert result.targets.tolist() == [2, 2, 2]

    def test_a_split_without_scored_steps_is_refused(self) -> None:
        for rows in ([[0, 0]], [[1, 0]]):
            with pytest.raises(
                ValueError, match="the validation split: expected sequences of at least 2 steps that end"
            ):
                sequences(self.windows(rows), 4, 10)

    def streams(self, starts: list[int], stop: int, length: int) -> Any:
        """Tokens are their own places; before a document stands 999."""

        def read(options: Any) -> Any:
            places = options.place[:, None] + np.arange(-1, length)
            places = np.where(options.first[:, None] & (np.arange(-1, length) == -1), 999, places)
            return places[:, :-1], places[:, 1:], np.ones((len(places), length))

        return self.only({"validation": Streams(np.array(starts), stop, length, read, lambda places: places)})

    def test_a_text_is_read_across_windows_and_never_across_documents(self) -> None:
        result = sequences(self.streams([100], 200, 16), 5, 40)
        assert result.inputs[0].tolist() == [999, *range(100, 139)]
        assert result.targets.tolist() == [139, 154, 169, 184, 199]
        np.testing.assert_array_equal(np.diff(result.inputs[1:], axis=1), 1)
        short = sequences(self.streams([0, 10, 22, 24], 34, 16), 100, 40)
        assert short.inputs.shape[1] == 10
        assert short.inputs[:, 1].tolist() == [0, 10, 11, 12, 24]


@pytest.mark.parametrize("dataset", by_kind(rooms.names("datasets")))
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_every_dataset(
    dataset: str, view: str, trained: Callable[[str], Path], tmp_path: Path
) -> None:
    run = trained(dataset)
    few = {"gradients": ["--steps", 20, "--sequences", 4], "memory": ["--steps", 20, "--sequences", 20]}
    done = seqapp("inspect", run, view, *few.get(view, ["--tokens", 60]), "--to", tmp_path / "seen.png")
    assert len(done.stdout.splitlines()) > 3
    assert "\x1b" not in done.stdout + done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("drawn: ")] == [
        f"drawn: {tmp_path / 'seen'}.{kind}" for kind in ("png", "svg")
    ]
    picture, drawing = (tmp_path / "seen.png").read_bytes(), (tmp_path / "seen.svg").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 5000
    assert b"<text" in drawing
    assert len(drawing) < 60_000
    document = json.loads(seqapp("inspect", run, view, *few.get(view, []), "--json").stdout)
    assert {"gradients": "curves", "memory": "losses", "surprise": "surprises"}[view] in document
    assert {file.name for file in (run / "report").iterdir()} >= {f"{view}.png", f"{view}.svg"}


class TestUsage:
    def test_an_unknown_view(self) -> None:
        message = refused("inspect", "runs/x", "wieghts")
        assert message == f"Error: no view named 'wieghts'. Did you mean 'weights'? Choose from: {', '.join(views())}."
        assert refused("inspect", "nothing") == (
            f"Error: expected a view after the RUN. Choose from: {', '.join(views())}."
        )

    def test_two_forms_at_once(self) -> None:
        for view in VIEWS:
            assert refused("inspect", "runs/x", view, "--json", "--csv") == "Error: --json and --csv: give one of them."

    def test_a_run_that_is_not_there(self, trained: Callable[[str], Path]) -> None:
        for view in views():
            assert refused("inspect", "runs/nope", view).startswith("Error: no run folder 'runs/nope'.")
        assert refused("inspect", trained("text"), "gradients", "runs/nope").startswith("Error: no run folder")

    def test_a_picture_that_cannot_be_written(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("")
        done = seqapp("inspect", trained("text"), "memory", "--steps", 4, "--to", tmp_path / "taken" / "seen", code=2)
        assert re.search(r"Error: .*taken/seen\.png: cannot be written: (Not a directory|File exists)\.", done.stderr)

    def test_a_folder_takes_the_views_name(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        seqapp("inspect", trained("text"), "memory", "--steps", 4, "--to", tmp_path)
        assert (tmp_path / "memory.png").is_file()

    def test_the_help_names_every_view_and_its_options(self) -> None:
        message = seqapp("inspect", "--help").stdout
        for view in views():
            options = set(re.findall(r"--[a-z-]+", seqapp("inspect", "x", view, "--help").stdout)) - {"--help"}
            assert view in message
            assert options <= set(re.findall(r"--[a-z-]+", message))

    @pytest.mark.parametrize(
        "arguments", ["--help", "x nope", "x gradients --help", "x surprise --json --csv", "nope memory"]
    )
    def test_help_and_usage_errors_do_not_wait_for_tensorflow(self, arguments: str) -> None:
        script = (
            f"import sys; sys.argv = ['seqapp', 'inspect', *{arguments.split()!r}]\n"
            "from seqapp.cli import main\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            "heavy = {'tensorflow', 'keras', 'pandas', 'sklearn', 'matplotlib', 'rich'} & set(sys.modules)\n"
            "assert not heavy, heavy\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr


def views() -> list[str]:
    return sorted(file.stem for file in (ROOT / "seqapp" / "inspection").glob("[!_]*.py"))
