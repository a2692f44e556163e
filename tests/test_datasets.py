"""Each dataset against what it must do: arithmetic, a hand-drawn table, known yardsticks, nothing seen ahead of time."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ask, seqapp
from hypothesis import given, settings
from hypothesis import strategies as st

from seqapp import rooms
from seqapp.contract import values
from seqapp.data.epochs import batches
from seqapp.data.windows import Windows
from seqapp.tasks.classification.digits import to_digits
from seqapp.tasks.text import corpora


def room(name: str) -> Any:
    return rooms.find("datasets", name).module


def example(windows: Windows, index: int) -> list[Any]:
    return [np.array(part)[0] for part in next(iter(batches(windows.gather, np.array([index]), 1)))[:3]]


@functools.cache
def default_fibonacci() -> Any:
    return rooms.find("datasets", "fibonacci").load(0)


class TestFibonacci:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 10**40), st.integers(0, 10**40)), min_size=1, max_size=5))
    def test_places_are_the_digits_least_significant_first(self, pairs: list[tuple[int, int]]) -> None:
        digits = to_digits(np.array([[str(term) for term in pair] for pair in pairs])).numpy()
        for row, pair in zip(digits, pairs, strict=True):
            for column, term in zip(row.T, pair, strict=True):
                assert sum(int(digit) * 10**place for place, digit in enumerate(column)) == term

    def test_targets_are_the_next_terms_digits_and_the_last_carry_counts(self) -> None:
        dataset = rooms.find("datasets", "fibonacci").load(0, sequences=100, test_digits=60)
        windows = dataset.examples("test")
        for index in range(0, windows.count, 29):
            _, targets, weights = example(windows, index)
            *terms, following = dataset.rows["test"][index]
            assert following == terms[-1] + terms[-2]
            assert sum(int(digit) * 10**place for place, digit in enumerate(targets)) == following
            assert weights.sum() == len(str(max(terms))) + 1

    def test_nothing_of_the_canonical_sequence_is_trained_on_and_terms_are_short(self) -> None:
        dataset = default_fibonacci()
        numbers = {1}
        first, second = 1, 1
        for _ in range(120):
            first, second = second, first + second
            numbers.add(second)
        for split in ("train", "validation"):
            assert not [row for row in dataset.rows[split] if row[0] in numbers and row[1] in numbers]
            assert max(max(row) for row in dataset.rows[split]) < 10**20

    def test_the_test_asks_from_the_5th_term_to_1000_digits_and_unseen_starts(self) -> None:
        dataset = default_fibonacci()
        canonical = [row[-1] for row in dataset.rows["test"][: dataset.canonical]]
        assert len(canonical) >= 200
        assert canonical[0] == 5
        assert len(str(canonical[-1])) == 1000
        assert len(str(canonical[-1] + dataset.rows["test"][dataset.canonical - 1][-2])) == 1001
        assert len(dataset.rows["test"]) - dataset.canonical >= 100

    @pytest.mark.slow
    @pytest.mark.usefixtures("compiled")
    def test_the_default_model_is_exact_up_to_1000_digits_also_in_the_saved_model(self, tmp_path: Path) -> None:
        run = tmp_path / "run"
        seqapp("train", "fibonacci", "--model", "simple_rnn", "--out", run)
        document = json.loads(seqapp("evaluate", run, "--json").stdout)
        assert document["metrics"]["exact_match"] == 1.0
        assert document["baselines"]["linear"]["exact_match"] < 0.05
        seqapp("export", run)
        first, second = 1, 1
        while len(str(first + second)) <= 1000:
            first, second = second, first + second
        assert len(str(second)) == 1000
        question = {"terms": [[str(first), str(second)], ["0", "0"], ["007", " 5"], ["9" * 999, "1"], ["1", "9" * 999]]}
        assert ask(run, question)["next"] == [str(first + second), "0", "12", "1" + "0" * 999, "1" + "0" * 999]


class TestWeatherDinner:
    def test_the_forward_filter_by_hand(self) -> None:
        wet, dinner = np.array([False, False, True, False]), np.array([0, -1, -1, 2])
        forecast = room("weather_dinner").best_possible(wet, dinner, noise=0.1)
        step = np.array([0.9, 0.05, 0.05])
        np.testing.assert_allclose(forecast[0], [1 / 3, 1 / 3, 1 / 3])
        np.testing.assert_allclose(forecast[1], [0.05, 0.9, 0.05])
        after = 0.05 * np.roll(step, 0) + 0.9 * np.roll(step, 1) + 0.05 * np.roll(step, 2)  # rain: the same again
        np.testing.assert_allclose(forecast[2], after)
        assert forecast[3].argmax() == 2
        np.testing.assert_allclose(forecast.sum(1), 1)

    def test_no_forecast_from_the_past_beats_the_best_possible(self) -> None:
        dataset = rooms.find("datasets", "weather_dinner").load(0, window=20, days=6000)
        baselines = dataset.baselines()
        best = values(dataset.metrics, baselines["best_possible"].predictions)
        for name in ("majority", "repeat_last", "markov"):
            measured = values(dataset.metrics, baselines[name].predictions)
            assert measured["accuracy"] < best["accuracy"]
            assert measured["log_loss"] > best["log_loss"]
        assert dataset.best
        confidence = (
            dataset.best()[dataset.days("test")].max(1).mean()
        )  # a calibrated forecast is right as often as it says
        assert best["accuracy"] == pytest.approx(confidence, abs=0.015)

    def test_the_weather_is_weather(self) -> None:
        log, _ = room("weather_dinner").simulate(3653, 0.03, np.random.default_rng(0))
        high, low, wind, rain, humidity = log.numbers.T
        assert (high >= low).all()
        assert (wind >= 0).all()
        assert (rain >= 0).all()
        assert ((humidity > 0) & (humidity <= 1)).all()
        assert high[180:220].mean() > high[:30].mean() + 20  # summer
        wet = rain > 0
        assert wet[1:][wet[:-1]].mean() > wet[1:][~wet[:-1]].mean() + 0.2  # rain comes in spells
        away = "".join("x" if dinner == "" else "." for dinner in log.target)
        assert max(map(len, away.split("."))) == 14

    def test_todays_dinner_is_never_in_the_input_and_todays_weather_is(self) -> None:
        import tensorflow as tf

        task = rooms.find("datasets", "weather_dinner").load(0, window=20, days=6000).task
        weather = np.random.default_rng(0).normal(size=(1, 6, 5)).astype(np.float32)
        dinner = np.array([["pizza", "sushi", "", "pizza", "waffles", "pizza"]])
        other = np.array([["pizza", "sushi", "", "pizza", "waffles", "waffles"]])
        one, two = (
            task.encode({"weather": tf.constant(weather), "dinner": tf.constant(value)}).inputs
            for value in (dinner, other)
        )
        np.testing.assert_array_equal(one, two)
        rainy = weather.copy()
        rainy[0, -1, 3] += 1
        three = task.encode({"weather": tf.constant(rainy), "dinner": tf.constant(dinner)}).inputs
        changed = np.abs(three - one).sum(-1)[0] > 0
        assert changed.tolist() == [False] * 5 + [True]

    def test_scales_and_classes_never_see_the_test_split(self) -> None:
        dataset = rooms.find("datasets", "weather_dinner").load(0, window=20, days=6000)
        stop = dataset.cut.train[1]
        np.testing.assert_allclose(dataset.task.mean, dataset.log.numbers[:stop].mean(0))
        np.testing.assert_allclose(dataset.task.scale, dataset.log.numbers[:stop].std(0))

    @pytest.mark.slow
    @pytest.mark.usefixtures("compiled")
    def test_seattle_is_compared_with_persistence_and_the_markov_chain(self, shared: Path, tmp_path: Path) -> None:
        log = shared / "seattle-weather.csv"
        seqapp("train", "weather_dinner", "--csv", log, "--target", "weather", "--inputs", "precipitation,temp_max,temp_min,wind",
               "--split", "0.6,0.2,0.2", "--out", tmp_path / "run")  # fmt: skip
        document = json.loads(seqapp("evaluate", tmp_path / "run", "--json").stdout)
        assert document["baselines"]["repeat_last"]["accuracy"] == pytest.approx(0.611, abs=5e-4)  # ../shared/facts
        assert document["baselines"]["majority"]["accuracy"] == pytest.approx(0.375, abs=5e-4)
        assert "By accuracy on 293 test cases: " in document["verdict"]
        assert "By log_loss on 293 test cases: " in document["verdict"]
        assert document["metrics"]["log_loss"] < document["baselines"]["majority"]["log_loss"]
        assert "repeating the last known weather" in document["verdict"]

    def test_a_log_with_categories_gaps_and_known_columns(self, tmp_path: Path) -> None:
        random = np.random.default_rng(0)
        rows = ["day,Mood,guest count,oven,dish"]
        for day in range(400):
            dish = "" if random.random() < 0.1 else ("soup", "stew")[day % 2]
            count = "" if random.random() < 0.1 else str(random.integers(9))
            rows.append(f"{np.datetime64('2020-01-01') + day},{random.choice(['gay', 'sad', ''])},{count},on,{dish}")
        log = tmp_path / "log.csv"
        log.write_text("\n".join(rows))
        run = tmp_path / "run"
        seqapp("train", "weather_dinner", "--csv", log, "--target", "dish", "--inputs", "Mood", "--known", "guest count,oven",
               "--window", 10, "--epochs", 6, "--out", run)  # fmt: skip
        document = json.loads(seqapp("evaluate", run, "--json").stdout)
        assert document["metrics"]["accuracy"] > 0.95
        log.write_text("\n".join([*rows, "2021-02-04,,3,on,"]))
        message = json.loads(seqapp("predict", run, log, "--json").stdout)["predictions"][0]
        assert message["dish"] == "soup"  # day 400
        seqapp("export", run)
        question = {"numbers": [[[3.0], [float("nan")], [2.0]]], "Mood": [["gay", "", ""]], "oven": [["on", "on", "on"]],
                    "dish": [["soup", "stew", ""]]}  # fmt: skip
        assert ask(run, question).keys() == {"dish", "classes", "probability"}


class TestText:
    def test_the_lectures_mistakes_are_counted(self) -> None:
        count = corpora.count_mistakes
        assert count(["Doug saw Jane. Jane saw Spot."])["mistakes"] == 0
        result = count(["Doug saw Doug. Spot. Jane saw Spot saw Doug. Jane saw Spot."])
        assert result == {"sentences": 4, "mistakes": 3, "mistakes_sees_itself": 1, "mistakes_does_not_end": 1,
                         "mistakes_one_word": 1, "mistakes_other": 0}  # fmt: skip
        assert count(["Doug saw Jane. Jane saw Spot saw Doug saw"])["mistakes_does_not_end"] == 1
        assert count(["Doug saw. saw Jane Doug."])["mistakes"] == 2

    def test_the_stories_keep_to_the_grammar(self) -> None:
        assert corpora.count_mistakes([corpora.stories(0, 0).text], 10**6) == {
            "sentences": 20000, "mistakes": 0, "mistakes_sees_itself": 0, "mistakes_does_not_end": 0, "mistakes_one_word": 0,
            "mistakes_other": 0,
        }  # fmt: skip

    @pytest.mark.slow
    @pytest.mark.usefixtures("compiled")
    def test_an_lstm_writes_2000_sentences_without_a_mistake(self, tmp_path: Path) -> None:
        seqapp("train", "text", "--corpus", "stories", "--out", tmp_path / "run")
        metrics = json.loads(seqapp("evaluate", tmp_path / "run", "--json").stdout)["metrics"]
        assert metrics["sentences"] == 2000
        assert metrics["mistakes"] == 0
        assert metrics["cross_entropy"] == pytest.approx(
            (np.log(3) + np.log(2)) / 4, abs=0.002
        )  # what is left to chance
