"""The three datasets that show memory: what a sequence holds, what its end gives away, and the way of an answer."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import MODEL, SMALL_OPTIONS, ask, refused, seqapp

from seqapp import rooms
from seqapp.contract import SPLITS, values
from seqapp.data.epochs import batches
from seqapp.data.windows import Windows
from seqapp.runs.run import open_run

NAMES = ["adding", "recall", "temporal_order"]
LENGTH = {"adding": 50, "recall": 52, "temporal_order": 51}  # steps at a gap of 50
SPLIT = "0.7,0.15,0.15"


def load(name: str, gap: int = 50, sequences: int = 3000, seed: int = 0) -> Any:
    return rooms.find("datasets", name).load(seed, gap=gap, sequences=sequences, split=SPLIT)


def every(windows: Windows) -> list[Any]:
    batch = next(iter(batches(windows.gather, np.arange(windows.count), windows.count)))
    return [np.array(part) for part in batch[:3]]


def answer_of(run: Path, question: str) -> dict[str, Any]:
    answers: list[dict[str, Any]] = json.loads(seqapp("predict", run, question, "--json").stdout)["predictions"]
    return answers[0]


@pytest.mark.parametrize("name", NAMES)
class TestAll:
    def test_sequences_are_as_long_as_each_other_and_only_the_last_step_counts(self, name: str) -> None:
        dataset = load(name)
        assert dataset.task.looks_ahead
        for split in SPLITS:
            inputs, targets, weights = every(dataset.examples(split))
            assert inputs.shape[:2] == targets.shape[:2] == (dataset.examples(split).count, LENGTH[name])
            assert (weights == (np.arange(LENGTH[name]) == LENGTH[name] - 1)).all()

    def test_the_length_is_known_before_a_batch_is_made(self, name: str) -> None:
        """Else the batches would be padded behind the last step."""
        windows = load(name).examples("train")
        for part in batches(windows.gather, np.arange(64), 32).element_spec[:3]:
            assert part.shape[:2] == (32, LENGTH[name])

    def test_a_seed_gives_its_data_and_another_seed_gives_other_data(self, name: str) -> None:
        one, same, other = load(name), load(name), load(name, seed=1)
        assert one.data == same.data
        assert one.data["sha256"] != other.data["sha256"]
        for mine, again, theirs in zip(*(every(each.examples("test")) for each in (one, same, other)), strict=True):
            np.testing.assert_array_equal(mine, again)
            if mine.std(0).any():  # not the weights
                assert not np.array_equal(mine, theirs)

    def test_no_sequence_is_in_two_splits(self, name: str) -> None:
        dataset = load(name)
        seen = [{row.tobytes() for row in every(dataset.examples(split))[0]} for split in SPLITS]
        assert [len(rows) for rows in seen] == [2100, 450, 450]
        assert len(set.union(*seen)) == 3000

    def test_a_question_is_encoded_as_its_window_is(self, name: str) -> None:
        dataset = load(name)
        inputs = every(dataset.examples("test"))[0]
        import tensorflow as tf

        raw = {key: tf.constant(value) for key, value in dataset.latest.items()}
        np.testing.assert_array_equal(dataset.task.encode(raw).inputs.numpy(), inputs[-1:])

    def test_long_sequences_fit_into_memory(self, name: str) -> None:
        tracemalloc.start()
        dataset = load(name, gap=1000, sequences=24000)
        contents, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert dataset.data["rows"] == 24000
        assert contents < 100e6
        assert peak < 200e6

    def test_no_baseline_is_near_an_answer(self, name: str) -> None:
        dataset = load(name, sequences=24000)
        for baseline in dataset.baselines().values():
            metrics = values(dataset.metrics, baseline.predictions)
            assert dataset.solved(metrics) is False
            if name == "adding":
                assert metrics["within_0.04"] < 0.12
            else:
                chance = 1 / len(dataset.task.classes)
                assert metrics["accuracy"] == pytest.approx(chance, abs=4 * np.sqrt(chance / 3600))
                assert metrics["log_loss"] == pytest.approx(-np.log(chance), abs=0.02)

    def test_the_way_from_training_to_the_saved_model(self, name: str, exported: Callable[[str], Path]) -> None:
        run = exported(name)
        document = json.loads(seqapp("evaluate", run, "--json").stdout)
        first = {"adding": "mean"}.get(name, "majority")
        assert set(document["baselines"]) == {first, "linear" if name == "adding" else "markov"}
        assert document["verdict"].startswith(f"By {'mae' if name == 'adding' else 'accuracy'} on 60 test cases: ")
        question = {"adding": "0.3 0.7* 0.1 0.2*", "recall": "C a f g b ?", "temporal_order": "a X b Y c ?"}[name]
        predicted = answer_of(run, question)
        words = [word.removesuffix("*") for word in question.split()]
        raw: dict[str, Any] = {"tokens": [words]}
        if name == "adding":
            raw = {"values": [[float(word) for word in words]], "marked": [[0.0, 1.0, 0.0, 1.0]]}
        answer = ask(run, raw)
        assert {key: value[0] for key, value in answer.items()} == {key: predicted[key] for key in answer}

    def test_generation_gives_the_answer_once_and_ends(self, name: str, trained: Callable[[str], Path]) -> None:
        result = json.loads(seqapp("generate", trained(name), "--steps", 5, "--temperature", 0, "--json").stdout)
        answer = json.loads(seqapp("predict", trained(name), "--json").stdout)["predictions"][0]
        assert result["items"] == [answer["sum" if name == "adding" else "answer"]]

    def test_a_question_of_another_length_is_remarked_on(self, name: str, trained: Callable[[str], Path]) -> None:
        question = {"adding": "0.3* 0.7*", "recall": "C", "temporal_order": "X Y ?"}[name]
        steps, usual = (
            len(question.split()) + (name == "recall"),
            {"adding": 10, "recall": 12, "temporal_order": 11}[name],
        )
        assert seqapp("predict", trained(name), question).stderr == (
            f"Note: a question of {steps} steps; the network has only seen {usual}, and may guess at other lengths.\n"
        )
        assert seqapp("predict", trained(name)).stderr == ""

    def test_a_gap_too_small_is_refused(self, name: str) -> None:
        assert "9 is not in the range 10<=x<=100000" in seqapp("train", name, "--gap", 9, code=2).stderr


class TestRecall:
    def test_one_symbol_stands_first_and_is_the_answer(self) -> None:
        inputs, targets, _ = every(load("recall").examples("train"))
        assert ((inputs[:, 0] >= 0) & (inputs[:, 0] < 8)).all()
        assert ((inputs[:, 1:-1] >= 8) & (inputs[:, 1:-1] < 16)).all()
        assert (inputs[:, -1] == 16).all()
        np.testing.assert_array_equal(targets[:, -1], inputs[:, 0])
        assert set(targets[:, -1]) == set(range(8))
        assert set(inputs[:, 1:-1].flat) == set(range(8, 16))

    def test_the_tokens_are_those_of_the_description(self) -> None:
        dataset = load("recall", gap=10)
        assert dataset.task.tokens == tuple("ABCDEFGHabcdefgh?")
        tokens = dataset.latest["tokens"][0]
        assert dataset.task.labels({"tokens": np.array([tokens], object)}) == tokens
        assert dataset.task.classes[every(dataset.examples("test"))[1][-1, -1]] == tokens[0]

    def test_the_distractors_tell_nothing_of_the_symbol(self) -> None:
        """Chi-squared of symbol and distractor, at each place: none stands out of what chance gives."""
        from scipy.stats import chi2_contingency

        inputs, targets, _ = every(load("recall", gap=20, sequences=24000).examples("train"))
        chances = []
        for place in range(1, 21):
            counts = np.zeros((8, 8))
            np.add.at(counts, (targets[:, -1], inputs[:, place] - 8), 1)
            chances.append(chi2_contingency(counts).pvalue)
        assert min(chances) > 0.001

    def test_a_question_mark_is_added_where_it_is_missing(self, trained: Callable[[str], Path]) -> None:
        run = trained("recall")
        assert answer_of(run, "C a f g b") == answer_of(run, "C a f g b ?")
        assert answer_of(run, "C a f g b") != answer_of(run, "C a f g")

    def test_a_question_with_another_number_of_symbols_is_remarked_on(self, trained: Callable[[str], Path]) -> None:
        note = "in the question; the network has only seen 1 at a time."
        for question, result in (("a b", 0), ("A b B a", 2)):
            done = seqapp("predict", trained("recall"), question)
            assert f"Note: {result} of A, B, C, D, E, F, G, H {note}" in done.stderr
        assert seqapp("predict", trained("recall"), "A b b c d e f g h a b ?").stderr == ""

    @pytest.mark.parametrize(
        ("question", "actual"), [("C a x ?", "'x'"), ("", "nothing"), ("?", "nothing"), ("C ? a", "'?'")]
    )
    def test_what_is_no_question(self, question: str, actual: str, trained: Callable[[str], Path]) -> None:
        assert refused("predict", trained("recall"), "-", stdin=question or " ") == (
            "Error: standard input: expected tokens out of A, B, C, D, E, F, G, H, a, b, c, d, e, f, g, h, "
            f"and at the end ?, got {actual}."
        )

    def test_the_graph_refuses_unknown_tokens_too(self, trained: Callable[[str], Path]) -> None:
        from seqapp.errors import BadInput
        from seqapp.saved_model.functions import functions

        run = open_run(trained("recall"))
        function = functions(run.task(), run.load_network(run.task()))["serving_default"]
        with pytest.raises(BadInput, match=r"tokens: expected A, B, .*, h, \?, got x, y"):
            function(tokens=[["A", "x", "?"], ["y", "b", "?"]])

    @pytest.mark.slow
    @pytest.mark.usefixtures("compiled")
    def test_an_lstm_solves_a_gap_of_20_by_default(self, tmp_path: Path) -> None:
        seqapp("train", "recall", "--model", "lstm", "--out", tmp_path / "run")
        assert open_run(tmp_path / "run").record["options"]["dataset"]["gap"] == 20
        metrics = json.loads(seqapp("evaluate", tmp_path / "run", "--json").stdout)["metrics"]
        assert metrics["accuracy"] >= 0.99
        assert load("recall").solved(metrics) is True
        assert answer_of(tmp_path / "run", "F a b b h g d a a c b f e d a h h b a g c")["answer"] == "F"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "model"), [("temporal_order", "gru"), ("adding", "lstm")])
@pytest.mark.usefixtures("compiled")
def test_it_is_solved_by_default(name: str, model: str, tmp_path: Path) -> None:
    seqapp("train", name, "--model", model, "--out", tmp_path / "run")
    metrics = json.loads(seqapp("evaluate", tmp_path / "run", "--json").stdout)["metrics"]
    assert load(name, gap=10, sequences=100).solved(metrics) is True


class TestTemporalOrder:
    @pytest.mark.parametrize(
        ("gap", "first", "second"), [(10, (1, 2), (5, 6)), (50, (5, 10), (25, 30)), (57, (5, 11), (28, 34))]
    )
    def test_two_events_stand_where_they_should(
        self, gap: int, first: tuple[int, int], second: tuple[int, int]
    ) -> None:
        inputs, targets, _ = every(load("temporal_order", gap=gap).examples("train"))
        assert inputs.shape[1] == gap + 1
        assert (inputs[:, -1] == 6).all()
        rows, places = np.nonzero(inputs < 2)
        assert (np.bincount(rows) == 2).all()
        one, two = places.reshape(-1, 2).T
        assert set(one) == set(range(*first))
        assert set(two) == set(range(*second))
        assert set(inputs[:, :-1][inputs[:, :-1] >= 2]) == {2, 3, 4, 5}
        events = inputs[rows, places].reshape(-1, 2)
        np.testing.assert_array_equal(targets[:, -1], 2 * events[:, 0] + events[:, 1])
        assert np.bincount(targets[:, -1]).min() > 2100 / 4 - 100

    def test_the_answer_names_the_events_in_their_order(self) -> None:
        dataset = load("temporal_order")
        assert dataset.task.tokens == ("X", "Y", "a", "b", "c", "d", "?")
        targets = every(dataset.examples("test"))[1]
        events = [token for token in dataset.latest["tokens"][0] if token in "XY"]
        assert dataset.task.classes[targets[-1, -1]] == "".join(events)

    def test_a_question_with_one_event_is_remarked_on(self, trained: Callable[[str], Path]) -> None:
        done = seqapp("predict", trained("temporal_order"), "a X b c ?")
        assert "Note: 1 of X, Y in the question; the network has only seen 2 at a time." in done.stderr

    def test_what_is_drawn_follows_the_question(self, trained: Callable[[str], Path]) -> None:
        task = open_run(trained("temporal_order")).task()
        raw = {"tokens": np.array([["X", "a", "Y", "?"]], object)}
        answer = {
            "classes": np.array([["XX", "XY", "YX", "YY"]], object),
            "probability": np.array([[0.0, 0.0, 1.0, 0.0]]),
        }
        after, item = task.extend(raw, answer, 1.0, np.random.default_rng(0))
        assert item == "YX"
        assert after["tokens"].tolist() == [["X", "a", "Y", "?", "Y", "X"]]
        assert task.extend(after, answer, 1.0, np.random.default_rng(0)) == (after, None)


class TestAdding:
    @pytest.mark.parametrize(("gap", "tenth", "half"), [(10, 1, 5), (50, 5, 25), (57, 5, 28)])
    def test_sums_are_of_two_marked_numbers_in_their_places(self, gap: int, tenth: int, half: int) -> None:
        inputs, targets, _ = every(load("adding", gap=gap).examples("train"))
        values, marked = inputs[..., 0], inputs[..., 1]
        assert values.shape[1] == gap
        assert values.min() >= 0
        assert 0.99 < values.max() < 1
        assert set(marked.flat) == {0, 1}
        rows, places = np.nonzero(marked)
        assert (np.bincount(rows) == 2).all()
        one, two = places.reshape(-1, 2).T
        assert set(one) == set(range(tenth))
        assert set(two) == set(range(tenth, half))
        np.testing.assert_allclose(targets[:, -1, 0], (values * marked).sum(1), rtol=1e-6)

    def test_the_metrics_are_those_of_numpy(self) -> None:
        from seqapp.heads import QuantileRecord

        dataset = load("adding")
        actual = np.array([[0.5], [1.0], [1.5], [0.2]])
        offset = np.array([[0.0], [0.03], [-0.05], [0.3]])
        quantiles = np.stack([actual + offset - 0.1, actual + offset, actual + offset + 0.1], -1)
        assert values(dataset.metrics, QuantileRecord(actual, quantiles)) == pytest.approx(
            {"mae": 0.095, "rmse": np.sqrt((0.03**2 + 0.05**2 + 0.3**2) / 4), "within_0.04": 0.5, "coverage_80": 0.75}
        )
        assert dataset.solved({"within_0.04": 0.99}) is True
        assert dataset.solved({"within_0.04": 0.98}) is False

    def test_the_mean_is_as_far_off_as_two_uniform_numbers_make_it(self) -> None:
        dataset = load("adding", sequences=24000)
        metrics = values(dataset.metrics, dataset.baselines()["mean"].predictions)
        assert metrics["mae"] == pytest.approx(1 / 3, abs=0.015)  # of a triangle over 0 to 2
        assert metrics["rmse"] == pytest.approx(np.sqrt(1 / 6), abs=0.015)

    def test_stars_mark_numbers_on_one_line_or_many(self) -> None:
        task = load("adding").task
        for text in ("0.3 0.7* 0.1 0.2*", "0.3\n0.7*\n0.1\n0.2*\n", "0.3, 0.7*, .1, 0.2*"):
            raw = task.read(text, "input")
            np.testing.assert_allclose(raw["values"], [[0.3, 0.7, 0.1, 0.2]], rtol=1e-6)
            assert raw["marked"].tolist() == [[0, 1, 0, 1]]
            assert task.labels(raw) == ["0.30", "0.70*", "0.10", "0.20*"]

    @pytest.mark.parametrize("word", ["x", "1.5", "-0.1", "nan", "0.5**"])
    def test_what_is_no_number_from_0_to_1(self, word: str, trained: Callable[[str], Path]) -> None:
        message = refused("predict", trained("adding"), f"0.3* 0.1* {word}")
        assert message == f"Error: input: expected numbers from 0 to 1 such as 0.3 or, marked, 0.7*, got '{word}'."

    @pytest.mark.parametrize(("text", "stars"), [("0.3 0.7* 0.1", 1), ("0.3* 0.7* 0.1*", 3), ("0.3 0.4", 0)])
    def test_another_number_of_stars(self, text: str, stars: int, trained: Callable[[str], Path]) -> None:
        message = refused("predict", trained("adding"), text)
        assert message == f"Error: input: expected two numbers marked with a star, such as 0.7*, got {stars}."

    @pytest.mark.parametrize(
        ("values", "marked", "message"),
        [
            ([[0.1, 0.2]], [[1.0]], r"marked: expected as many as values, got shape \[1 1\]"),
            ([[0.1, 1.2]], [[1.0, 1.0]], r"values: expected numbers from 0 to 1, got \[1.2\]"),
            ([[0.1, np.nan]], [[1.0, 1.0]], r"values: expected numbers from 0 to 1, got \[nan\]"),
            ([[0.1, 0.2]], [[1.0, 0.5]], r"marked: expected 0 or 1, got \[0.5\]"),
        ],
    )
    def test_the_graph_refuses_wrong_questions_too(
        self, values: Any, marked: Any, message: str, trained: Callable[[str], Path]
    ) -> None:
        from seqapp.errors import BadInput
        from seqapp.saved_model.functions import functions

        run = open_run(trained("adding"))
        function = functions(run.task(), run.load_network(run.task()))["serving_default"]
        with pytest.raises(BadInput, match=message):
            function(values=values, marked=marked)


def test_their_small_settings_stand_in_conftest() -> None:
    assert set(NAMES) <= SMALL_OPTIONS.keys() & MODEL.keys()
