"""The parts that datasets share, each against something worked out by hand or by a library."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seqapp.contract import Encoded, Metric
from seqapp.data import splits
from seqapp.data.vocabulary import Vocabulary
from seqapp.errors import BadInput
from seqapp.evaluation.significance import gains, probability_of_chance
from seqapp.evaluation.verdict import verdict
from seqapp.heads import Category, Quantiles
from seqapp.runs.options import TrainingOptions
from seqapp.saved_model.checks import conform
from seqapp.system.files import publish
from seqapp.system.text import json_text
from seqapp.tasks.classification.dataset import majority, markov, repeat_last
from seqapp.tasks.text.ngrams import NGram
from seqapp.training.optimizer import Optimizer


class TestSplits:
    def test_fractions_and_counts(self) -> None:
        assert splits.cut(100, "0.7,0.15,0.15") == splits.Split((0, 70), (70, 85), (85, 100))
        assert splits.cut(100, "60,20,10") == splits.Split((0, 60), (60, 80), (80, 90))

    def test_dates(self) -> None:
        days = ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-06"]
        assert splits.cut_at_dates(days, "2020-01-03,2020-01-04") == splits.Split((0, 2), (2, 3), (3, 4))

    @pytest.mark.parametrize(
        ("split", "message"),
        [
            (
                "0.7,0.3",
                "--split: expected three positive numbers such as 0.7,0.15,0.15 or 700,150,150, got '0.7,0.3'.",
            ),
            ("0.7,0.3,0.3", "--split: the fractions 0.7,0.3,0.3 sum to 1.3, more than 1."),
            ("60,0.2,20", "--split: expected all fractions below 1 or all whole row counts, got '60,0.2,20'."),
            ("90,20,20", "--split: 90,20,20 asks for 130 rows, the data has 100."),
            ("0.98,0.01,0.001", "the test split has 0 rows, 1 are needed; give more data, or another --split."),
        ],
    )
    def test_what_cannot_be_cut_is_refused(self, split: str, message: str) -> None:
        with pytest.raises(BadInput) as refusal:
            splits.cut(100, split)
        assert str(refusal.value) == message

    @given(rows=st.integers(30, 10_000), train=st.floats(0.2, 0.6), validation=st.floats(0.1, 0.2))
    def test_parts_never_overlap(self, rows: int, train: float, validation: float) -> None:
        cut = splits.cut(rows, f"{train},{validation},0.2")
        assert (
            0
            == cut.train[0]
            < cut.train[1]
            == cut.validation[0]
            < cut.validation[1]
            == cut.test[0]
            < cut.test[1]
            <= rows
        )


class TestVocabulary:
    def test_ids_are_by_frequency_then_name_and_unknown_is_zero(self) -> None:
        vocabulary = Vocabulary.fit(["b", "a", "a", "c", "b", "a"])
        assert vocabulary.tokens == ("<unk>", "<start>", "a", "b", "c")
        assert vocabulary.ids(np.array([["c", "a"], ["", "z"]])).numpy().tolist() == [[4, 2], [0, 0]]

    @settings(max_examples=30, deadline=None)
    @given(st.sets(st.text(min_size=1, max_size=5), min_size=1, max_size=40))
    def test_every_token_is_found_again(self, tokens: set[str]) -> None:
        tokens = {token for token in tokens if "\x00" not in token and token.encode(errors="ignore").decode() == token}
        vocabulary = Vocabulary.fit(tokens)
        ids = vocabulary.ids(np.array(vocabulary.tokens, object))
        assert ids.numpy().tolist() == list(range(vocabulary.size))
        assert [token.decode() for token in vocabulary.strings(ids).numpy()] == list(vocabulary.tokens)

    def test_size_counts_the_two_special_tokens(self) -> None:
        assert Vocabulary.fit(["a", "a", "b", "b", "c"], size=4).tokens == ("<unk>", "<start>", "a", "b")


class TestHeads:
    def test_quantiles_never_cross(self) -> None:
        outputs = np.random.default_rng(0).normal(0, 10, (50, 3, 10)).astype(np.float32)
        quantiles = Quantiles(2, (0.05, 0.1, 0.5, 0.9, 0.95)).quantiles(outputs).numpy()
        assert quantiles.shape == (50, 3, 2, 5)
        assert (np.diff(quantiles, axis=-1) >= 0).all()

    def test_pinball_loss_is_scikit_learns(self) -> None:
        from sklearn.metrics import mean_pinball_loss

        random, head = np.random.default_rng(1), Quantiles(2)
        outputs, targets = (random.normal(size=(4, 1, size)).astype(np.float32) for size in (6, 2))
        quantiles = head.quantiles(outputs).numpy()
        expected = np.mean([mean_pinball_loss(targets.ravel(), quantiles[..., index].ravel(), alpha=level)
                            for index, level in enumerate(head.levels)])  # fmt: skip
        assert head.loss(
            targets, outputs, lambda hidden: hidden, Encoded(None), training=False
        ).numpy().mean() == pytest.approx(expected, rel=1e-5)

    def test_category_loss_is_scikit_learns(self) -> None:
        from scipy.special import softmax
        from sklearn.metrics import log_loss

        outputs = np.random.default_rng(2).normal(size=(1, 20, 4)).astype(np.float32)
        targets = np.arange(20).reshape(1, 20) % 4
        expected = log_loss(targets[0], softmax(outputs[0], -1), labels=range(4))
        assert Category(4).loss(
            targets, outputs, lambda hidden: hidden, Encoded(None), training=False
        ).numpy().mean() == pytest.approx(expected, rel=1e-5)

    def test_levels_need_the_median_in_the_middle(self) -> None:
        with pytest.raises(ValueError, match="expected ascending levels"):
            Quantiles(1, (0.1, 0.9))


class TestBaselines:
    train = np.array([0, 0, 1, 0, 2])

    def test_majority_predicts_the_most_frequent_class(self) -> None:
        message = majority(self.train, np.array([1, 0]), 3)
        assert message.predicted.tolist() == [0, 0]
        np.testing.assert_allclose(np.exp(message.logs), [1.5 / 6.5, 3.5 / 6.5])

    def test_markov_counts_what_followed(self) -> None:
        message = markov(np.array([0, 0, 0, 1]), np.array([1, 1, 2, 0]), np.array([0, 1, -1]), np.array([1, 0, 0]), 3)
        np.testing.assert_allclose(np.exp(message.logs), [2.5 / 4.5, 1.5 / 2.5, 1 / 3])

    def test_repeat_last_has_the_probability_it_had_in_training(self) -> None:
        message = repeat_last(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 2]), np.array([2, -1]), np.array([2, 0]), 3)
        np.testing.assert_allclose(np.exp(message.logs), [2.5 / 4.5, 1 / 3])

    @pytest.mark.parametrize("order", [1, 2, 3, 4])
    def test_ngram_is_kneser_ney_counted_one_by_one(self, order: int) -> None:
        stream = np.random.default_rng(0).integers(0, 4, 120)
        question = np.random.default_rng(1).integers(0, 5, 40)  # token 4 was never seen
        ours = NGram(stream, 4, 5).score(question, 3)[order - 1]
        expected = [
            np.log(kneser_ney(stream.tolist(), question[: place + 1].tolist(), order, 5)) for place in range(3, 40)
        ]
        np.testing.assert_allclose(ours.logs, expected, rtol=1e-9)
        np.testing.assert_array_equal(ours.actual, question[3:])

    def test_ngram_distributions_sum_to_one_for_any_context(self) -> None:
        model = NGram(np.random.default_rng(0).integers(0, 5, 400), 4, 6)
        for context in [(5, 5, 5), (1, 2, 3), (0, 0, 0)]:
            after = [model.score(np.array([*context, token]), 3) for token in range(6)]
            for order in range(4):
                assert sum(np.exp(message[order].logs[0]) for message in after) == pytest.approx(1)


def kneser_ney(stream: list[int], question: list[int], order: int, size: int, top: bool = True) -> float:
    """The probability of the last token asked after the ones before it, straight from Chen & Goodman's formulas."""
    if order == 0:
        return 1 / size
    context, token = tuple(question[len(question) - order : -1]), question[-1]
    grams = Counter(tuple(stream[place : place + order]) for place in range(len(stream) - order + 1))
    if not top:
        longer = {tuple(stream[place : place + order + 1]) for place in range(len(stream) - order)}
        grams = Counter({gram: sum(other[1:] == gram for other in longer) for gram in grams})
    times = Counter(grams.values())
    share = times[1] / max(times[1] + 2 * times[2], 1)
    discounts = [0.0, *((n - (n + 1) * share * times[n + 1] / times[n] if times[n] else n / 2) for n in (1, 2, 3))]
    discounts = [0.0, *(min(max(discount, 0.05), n) for n, discount in enumerate(discounts[1:], start=1))]
    after = {gram: count for gram, count in grams.items() if gram[:-1] == context}
    lower = kneser_ney(stream, question, order - 1, size, top=False)
    if not sum(after.values()):
        return lower
    left = sum(discounts[min(count, 3)] for count in after.values())
    count = after.get((*context, token), 0)
    return (count - discounts[min(count, 3)] + left * lower) / sum(after.values())


class TestVerdict:
    def test_noise_is_no_gain_and_a_steady_difference_is_one(self) -> None:
        random = np.random.default_rng(0)
        theirs = random.normal(10, 1, 400)
        assert gains(theirs + random.normal(0, 1, 400), {"one": theirs}, higher_is_better=False)["one"] == 0
        assert gains(theirs - 0.5 + random.normal(0, 1, 400), {"one": theirs}, higher_is_better=False)["one"] == 1
        assert gains(theirs + 0.5 + random.normal(0, 1, 400), {"one": theirs}, higher_is_better=False)["one"] == -1
        assert gains(theirs + 0.5 + random.normal(0, 1, 400), {"one": theirs}, higher_is_better=True)["one"] == 1

    def test_equal_cases_are_equal(self) -> None:
        assert gains(np.ones(100), {"one": np.ones(100)}, higher_is_better=True)["one"] == 0

    def test_the_verdict_says_by_how_much_it_is_better_than_the_best_of_them(self) -> None:
        metrics = [
            Metric("mae", lambda record: np.full(100, record["mae"])),
            Metric("accuracy", lambda record: np.full(100, record["accuracy"]), higher_is_better=True),
        ]
        dataset: Any = SimpleNamespace(metrics=metrics, overlap=1)
        baselines: Any = {
            name: SimpleNamespace(predictions=cases, description=name, ceiling=False)
            for name, cases in {
                "this": {"mae": 4.0, "accuracy": 0.5},
                "that": {"mae": 2.0, "accuracy": 0.4},
                "those": {"mae": 1.0, "accuracy": 0.75},
            }.items()
        }
        ours: Any = {"mae": 1.5, "accuracy": 0.75}
        assert verdict(dataset, ours, baselines) == (
            "By mae on 100 test cases: worse than those, but better than this and that, the best of them by 25.0%. "
            "By accuracy on 100 test cases: no better than those, but better than this and that, the best of them by 25.0 points."
        )
        del baselines["this"], baselines["those"]
        assert verdict(dataset, ours, baselines) == (
            "By mae on 100 test cases: better than that by 25.0%. "
            "By accuracy on 100 test cases: better than that by 35.0 points."
        )

    def test_chance_is_called_a_gain_about_one_time_in_twenty(self) -> None:
        random = np.random.default_rng(3)
        called = [probability_of_chance(random.normal(size=200), 1) < 0.05 for _ in range(1000)]
        assert 0.03 < np.mean(called) < 0.08

    def test_few_cases_and_unknown_ones_prove_nothing(self) -> None:
        assert gains(np.array([1.0, 2.0, 3.0]), {"one": np.array([1.1, 2.5, 3.2])}, higher_is_better=False) == {
            "one": 0
        }
        assert gains(np.ones(3), {"one": np.zeros(3)}, higher_is_better=True) == {"one": 0}
        assert gains(np.ones(9), {"one": np.zeros(9)}, higher_is_better=True) == {"one": 1}
        assert gains(np.ones(50), {"one": np.full(50, np.nan)}, higher_is_better=True) == {"one": 0}
        assert gains(np.ones(50), {"one": np.full(50, np.inf)}, higher_is_better=False) == {"one": 1}

    def test_cases_that_overlap_are_not_counted_as_new_ones(self) -> None:
        random = np.random.default_rng(3)
        noise = random.normal(size=(500, 309))
        sums = [np.convolve(row, np.ones(10), "valid") for row in noise]
        assert np.mean([probability_of_chance(row, 10) < 0.05 for row in sums]) < 0.12
        assert np.mean([probability_of_chance(row, 1) < 0.05 for row in sums]) > 0.15

    def test_who_compares_often_is_lucky_sometimes(self) -> None:
        random = np.random.default_rng(3)
        result = [gains(random.normal(size=100), {str(index): np.zeros(100) + random.normal(size=100) for index in range(8)},
                       higher_is_better=True) for _ in range(300)]  # fmt: skip
        assert np.mean([any(gain.values()) for gain in result]) < 0.1
        once = np.random.default_rng(1).normal(0.22, 1, 100)
        assert gains(once, {"one": np.zeros(100)}, True) == {"one": 1}
        assert gains(once, dict.fromkeys("abcd", np.zeros(100)), True) == dict.fromkeys("abcd", 0)


def test_a_short_training_warms_up_and_averages_over_a_tenth_of_it() -> None:
    plan = TrainingOptions(
        epochs=1,
        batch_size=8,
        learning_rate=0.5,
        patience=1,
        checkpoint_every=1,
        schedule="constant",
        warmup=50,
        ema_momentum=0.99,
    )
    short, long = (Optimizer(plan, [tf.Variable(1.0)], steps) for steps in (40, 4000))
    assert [float(short.rate(step)) for step in (0, 4)] == pytest.approx([0.1, 0.5])
    assert [float(long.rate(step)) for step in (0, 49)] == pytest.approx([0.5 / 51, 0.5 * 50 / 51])
    assert [optimizer.adam.ema_momentum for optimizer in (short, long)] == [0.75, 0.99]


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (np.zeros((2, 3)), "history: expected float32 of shape (batch, n, 2), got shape [2 3]"),
        (np.zeros((2, 3, 4)), "history: expected float32 of shape (batch, n, 2), got shape [2 3 4]"),
        (np.zeros((2, 0, 2)), "history: expected float32 of shape (batch, n, 2), got an empty window, shape [2 0 2]"),
    ],
)
def test_a_question_of_the_wrong_shape_gets_a_sentence_in_the_graph(tensor: Any, message: str) -> None:
    import tensorflow as tf

    graph = tf.function(lambda value: conform("history", value, tf.TensorSpec([None, None, 2])))
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        graph(tf.constant(tensor, tf.float32))
    assert message in str(refusal.value)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Any) -> None:
    def fail(temporary: Any) -> None:
        temporary.write_text("half")
        raise RuntimeError("the power went")

    (tmp_path / "kept.json").write_text("old")
    with pytest.raises(RuntimeError):
        publish(tmp_path / "kept.json", fail)
    assert [file.name for file in tmp_path.iterdir()] == ["kept.json"]
    assert (tmp_path / "kept.json").read_text() == "old"


def test_json_has_no_nan() -> None:
    assert json_text({"a": [float("nan"), 1.5]}) == '{\n  "a": [\n    null,\n    1.5\n  ]\n}\n'
