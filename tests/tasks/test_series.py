"""Series: windows, scales and their inverse, no leak from later rows, intervals, baselines, many series, backtests."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, refused, seqapp, training_switched_off

from seqapp import rooms
from seqapp.contract import values
from seqapp.data import frequency
from seqapp.runs.run import open_run
from seqapp.saved_model.functions import functions
from seqapp.tasks.series import features, intervals, scale
from seqapp.tasks.series.dataset import SeriesDataset
from seqapp.tasks.series.forecasts import ErrorScale, Forecasts
from seqapp.tasks.series.metrics import forecast_metrics
from seqapp.tasks.series.remarks import lag, remarks
from seqapp.tasks.series.scale import KINDS, Scale

QUICK = ["--epochs", 2, "--units", 8, "--window", 12]
OPTIONS: dict[str, Any] = {
    "csv": (), "series": None, "target": None, "inputs": None, "known": None, "category": None, "calendar": None,
    "date": None, "window": 4, "horizon": 2, "season": None, "segment": None, "channels": "joint", "strategy": "direct", "scale": None,
    "levels": "80,95", "missing": "error", "split": "0.7,0.15,0.15", "split_at": None,
}  # fmt: skip


def load(*files: Path, **changes: Any) -> SeriesDataset:
    """Return the dataset of some files, with some options changed."""
    values = OPTIONS | {"csv": tuple(map(str, files))} | changes
    dataset: SeriesDataset = rooms.find("datasets", "stock").load(0, **values)
    return dataset


def write(path: Path, values: Any, start: str | None = None, step: int = 1, columns: str = "close") -> Path:
    """Write a CSV of values `(rows[, columns])`, with dates from `start` on, `step` days apart, if it is not None."""
    rows = np.asarray(values).reshape(len(values), -1)
    days = [f"{np.datetime64(start) + step * row}," for row in range(len(rows))] if start else [""] * len(rows)
    body = [day + ",".join(map(str, row)) for day, row in zip(days, rows.tolist(), strict=True)]
    path.write_text(("date," if start else "") + columns + "\n" + "\n".join(body) + "\n")
    return path


def walk(rows: int = 200, seed: int = 0) -> Any:
    """Return prices of a random walk."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, rows)))


def example(windows: Any, *indices: int) -> list[Any]:
    """Return inputs, targets and weights of some examples."""
    import tensorflow as tf

    return [part.numpy() for part in windows.gather(tf.constant(indices, tf.int64))[:3]]


def everything(dataset: SeriesDataset, split: str) -> list[Any]:
    return example(dataset.examples(split), *range(dataset.examples(split).count))


class TestWindows:
    def test_equal_a_table_worked_out_by_hand(self, tmp_path: Path) -> None:
        dataset = load(write(tmp_path / "p.csv", [float(2**row) for row in range(40)]))
        scale = dataset.task.scaling
        windows = dataset.examples("train")
        assert windows.count == 28 - 2 - 4 + 1  # origins 3 to 25: a whole window before, the horizon inside the split
        inputs, targets, weights = (part[0] for part in example(windows, 0))
        np.testing.assert_allclose(inputs[:, 0] * scale.spread, np.log([2, 2, 2]), rtol=1e-5)
        np.testing.assert_allclose(targets[-1] * scale.growth(1, 2)[0], np.log([2, 4]), rtol=1e-5)
        assert weights.tolist() == [0, 0, 1]
        assert dataset.rows.origins("test").tolist() == [33, 34, 35, 36, 37]

    def test_have_segments_and_independent_targets(self, tmp_path: Path) -> None:
        values = np.arange(120.0).reshape(40, 3)
        file = write(tmp_path / "p.csv", values, columns="a,b,c")
        options = {"target": "a,b", "inputs": "c", "scale": "last", "window": 4, "segment": 2}
        independent = load(file, channels="independent", **options)
        unit = independent.task.spread[0]
        assert independent.examples("train").count == 2 * len(independent.rows.origins("train"))
        inputs, targets, _ = example(independent.examples("train"), 0, 1)
        assert inputs.shape == (2, 2, 4)  # two rows a step, of each the target's own value and the further input
        np.testing.assert_allclose(inputs[0] * unit, [[-9, -9, -6, -6], [-3, -3, 0, 0]], rtol=1e-5)
        np.testing.assert_allclose(targets[:, -1] * unit, [[3, 6], [3, 6]], rtol=1e-5)
        joint = load(file, **options)
        assert example(joint.examples("train"), 0)[0].shape == (1, 2, 6)
        assert joint.task.head.units == 2 * 2 * 5  # targets, horizon, quantiles

    def test_see_what_is_known_in_advance(self, tmp_path: Path) -> None:
        values = np.stack([np.arange(40.0), 100 + np.arange(40.0)], 1)
        dataset = load(write(tmp_path / "p.csv", values, columns="sales,promotion"), target="sales", known="promotion",
                       scale="last")  # fmt: skip
        inputs, _, _ = example(dataset.examples("train"), 0)
        unit = dataset.task.spread[1]
        # at each step both values less the last ones, then what is known of the two rows after the step
        np.testing.assert_allclose(inputs[0, :, 1] * unit, [-3, -2, -1, 0], atol=1e-4)
        np.testing.assert_allclose(inputs[0, :, 2:] * unit, [[-2, -1], [-1, 0], [0, 1], [1, 2]], atol=1e-4)

    def test_show_gaps_with_a_mask(self, tmp_path: Path) -> None:
        values: list[Any] = [float(row) for row in range(1, 41)]
        values[2] = values[30] = "n/a"
        dataset = load(write(tmp_path / "p.csv", values), missing="mask", scale="last")
        assert 2 not in dataset.rows.origins("train")
        assert not {28, 29, 30} & set(dataset.rows.origins("test")) - {28}
        inputs, _, _ = example(dataset.examples("train"), 0)
        np.testing.assert_allclose(inputs[0, :, 0] * dataset.task.spread[0], [-3, -2, -2, 0], atol=1e-4)
        assert inputs[0, :, 1].tolist() == [1, 1, 0, 1]

    def test_fill_gaps_in_what_is_known_in_advance(self, tmp_path: Path) -> None:
        rows = [f"{row},{'' if row % 3 else row}" for row in range(1, 61)]
        (tmp_path / "p.csv").write_text("sales,promotion\n" + "\n".join(rows))
        dataset = load(tmp_path / "p.csv", target="sales", known="promotion", missing="mask", scale="last")
        assert all(np.isfinite(part).all() for part in everything(dataset, "train"))

    def test_never_span_two_series(self, tmp_path: Path) -> None:
        one, two = write(tmp_path / "a.csv", walk(40)), write(tmp_path / "b.csv", walk(60, 1))
        both = load(one, two)
        assert both.examples("train").count == sum(load(file).examples("train").count for file in (one, two))
        for origin in both.rows.origins("test"):
            start = 0 if origin < 40 else 40
            assert start <= origin - 3 < origin + 2 < (40 if start == 0 else 100)
        long = tmp_path / "long.csv"
        rows = [f"{name},{value}" for name, values in (("a", walk(40)), ("b", walk(60, 1))) for value in values]
        long.write_text("name,close\n" + "\n".join(rows) + "\n")
        same = load(long, series="name")
        assert same.rows.frame.names == ("a", "b")
        np.testing.assert_array_equal(same.rows.frame.values, both.rows.frame.values)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scale_has_an_inverse(kind: str) -> None:
    logs = (kind.startswith("log-"),) * 2
    scale = Scale(kind, logs, (1.0, 2.0), (0.5, 3.0))
    last = np.array([[3.0, 4.0], [5.0, 6.0]], np.float32)
    future = np.random.default_rng(0).uniform(1, 9, (2, 2, 3)).astype(np.float32)
    distances = scale.distances(future, last)
    np.testing.assert_allclose(scale.raw(distances[..., None], last)[..., 0], future, rtol=1e-5)
    if scale.relative:
        np.testing.assert_allclose(scale.distances(last[..., None], last), 0, atol=1e-6)


def test_the_default_scale_depends_on_season_and_sign() -> None:
    above, below = np.array([[1.0], [2.0]]), np.array([[-1.0], [2.0]])
    kinds = {(season, name): scale.default_kind(season, [rows])
              for season in (None, 12) for name, rows in (("above", above), ("below", below))}  # fmt: skip
    assert kinds == {(None, "above"): "log-returns", (None, "below"): "differences",
                      (12, "above"): "log-last", (12, "below"): "last"}  # fmt: skip


def test_calendar_features_agree_with_datetime() -> None:
    import datetime

    import tensorflow as tf

    random = np.random.default_rng(0)
    stamps = [datetime.datetime(1900, 1, 1) + datetime.timedelta(hours=int(hours))
              for hours in random.integers(0, 200 * 365 * 24, 500)]  # fmt: skip
    dates = tf.constant([stamp.isoformat() for stamp in stamps])
    encoded = features.calendar_features(dates, ["weekday", "hour"]).numpy()
    for stamp, (weekday, hour, *cosines) in zip(stamps, encoded, strict=True):
        assert (weekday, hour) == pytest.approx(
            (np.sin(2 * np.pi * stamp.weekday() / 7), np.sin(2 * np.pi * stamp.hour / 24)), abs=1e-4
        )
        assert cosines[1] == pytest.approx(np.cos(2 * np.pi * stamp.hour / 24), abs=1e-4)
    months = features.calendar_features(tf.constant(["2024-01-01", "2024-07-01"]), ["month"]).numpy()
    np.testing.assert_allclose(months, [[0, 1], [0, -1]], atol=1e-6)


@pytest.mark.parametrize(
    ("dates", "name", "season", "after"),
    [
        (["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-08", "2020-01-09", "2020-01-10"], "B", None, "2020-01-13"),
        (["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"], "D", 7, "2020-01-05"),
        (["2020-01-01", "2020-02-01", "2020-03-01"], "MS", 12, "2020-04-01"),
        (["2020-01-01T00:00:00", "2020-01-01T00:15:00", "2020-01-01T00:30:00"], "15min", 96, "2020-01-01T00:45:00"),
    ],
)
def test_the_frequency_of_dates(dates: list[str], name: str, season: int | None, after: str) -> None:
    assert frequency.infer_frequency(dates) == name
    assert frequency.season_length(name) == season
    assert frequency.next_dates(dates[-1], name, 1) == [after]


class TestNoLeak:
    """Later rows change neither what was fitted nor what was predicted before them."""

    @staticmethod
    def pair(tmp_path: Path, from_row: int) -> tuple[Path, Path]:
        calm = np.stack([walk(200), walk(200, 1)], 1)
        wild = calm.copy()
        wild[from_row:] *= np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.5, (200 - from_row, 2)), axis=0))
        return tuple(write(tmp_path / f"{name}.csv", values, "2020-01-01", columns="close,volume")
                     for name, values in (("calm", calm), ("wild", wild)))  # type: ignore[return-value] # fmt: skip

    @pytest.mark.parametrize("kind", [None, *KINDS])
    def test_the_scale_sees_training_rows_only(self, kind: str | None, tmp_path: Path) -> None:
        one, two = (load(file, inputs="volume", scale=kind) for file in self.pair(tmp_path, 140))
        assert one.task == two.task
        for first, second in zip(everything(one, "train"), everything(two, "train"), strict=True):
            np.testing.assert_array_equal(first, second)

    def test_categories_are_those_of_training(self, tmp_path: Path) -> None:
        rows = [f"{value},{'new' if row >= 30 else 'old'}" for row, value in enumerate(walk(40))]
        (tmp_path / "p.csv").write_text("close,kind\n" + "\n".join(rows))
        dataset = load(tmp_path / "p.csv", category="kind")
        assert dataset.task.categories == (("kind", ("old",)),)
        assert example(dataset.examples("test"), 4)[0][0, -1, 1:].tolist() == [1, 0]  # unknown

    @pytest.mark.slow
    def test_training_sees_nothing_after_validation(self, tmp_path: Path) -> None:
        runs = []
        for name, file in zip(("one", "two"), self.pair(tmp_path, 170), strict=True):
            runs.append(tmp_path / name)
            seqapp("train", "stock", "--csv", file, "--inputs", "volume", *QUICK, "--out", runs[-1])
        one, two = (open_run(run) for run in runs)
        assert one.record["task"] == two.record["task"]  # the conformal offsets too
        assert one.record["task"]["offsets"]
        weights = [run.load_network(run.task()).model.get_weights() for run in (one, two)]
        for first, second in zip(*weights, strict=True):
            np.testing.assert_array_equal(first, second)
        answers = []
        for run in (one, two):  # the forecast at the last origin before what changed
            task = run.task()
            rows = run.load_dataset().rows.frame.values[np.newaxis, 170 - task.window : 170]  # type: ignore[attr-defined]
            ask = functions(task, run.load_network(task))["serving_default"]
            answers.append(ask(history=rows.astype(np.float32)))
        for name, value in answers[0].items():
            np.testing.assert_array_equal(value, answers[1][name])

    @pytest.mark.slow
    def test_the_last_weights_see_training_rows_only(self, tmp_path: Path) -> None:
        import zipfile

        weights = []
        for name, file in zip(("one", "two"), self.pair(tmp_path, 140), strict=True):
            out = tmp_path / name
            seqapp("train", "stock", "--csv", file, "--inputs", "volume", *QUICK, "--patience", 99, "--out", out)
            with zipfile.ZipFile(out / "checkpoints" / "last.npz") as archive:
                names = [part for part in archive.namelist() if part.startswith("variable")]
                weights.append([archive.read(part) for part in names])
        assert weights[0]
        assert weights[0] == weights[1]


class TestIntervals:
    def test_offsets_by_hand(self) -> None:
        actual = np.arange(1.0, 10.0).reshape(9, 1, 1)
        quantiles = np.broadcast_to([0.0, 5.0, 100.0], (9, 1, 1, 3))
        assert intervals.conformal_offsets(actual, quantiles, [80]) == (((-2.0,),),)

    def test_they_cover_their_nominal_share_of_new_cases(self) -> None:
        random = np.random.default_rng(0)
        actual = random.standard_normal((2000, 1, 1))
        narrow = np.broadcast_to([-0.2, -0.1, 0.0, 0.1, 0.2], (2000, 1, 1, 5))
        offsets = intervals.conformal_offsets(actual[:1000], narrow[:1000], [95, 80])
        wide = intervals.widen(narrow.astype(np.float32), offsets).numpy()
        for place, level in ((0, 0.95), (1, 0.8)):
            covered = (wide[..., place] <= actual) & (actual <= wide[..., -1 - place])
            assert covered[1000:].mean() == pytest.approx(level, abs=0.03)

    def test_bounds_never_cross_however_far_an_interval_is_narrowed(self) -> None:
        quantiles = np.array([[[[-2.0, -1.0, 0.0, 1.0, 2.0]]]], np.float32)
        assert (np.diff(intervals.widen(quantiles, (((-9.0, -0.5),),)).numpy()) >= 0).all()

    def test_names_of_further_levels_and_targets(self, tmp_path: Path) -> None:
        file = write(tmp_path / "p.csv", np.stack([walk(60), walk(60, 1)], 1), columns="close,Höchst kurs")
        names = load(file, target="close,Höchst kurs", levels="90,50").task.output_names().values()
        assert sorted(names) == sorted([
            "forecast", "lower", "upper", "lower_50", "upper_50", "forecast_H_chst_kurs", "lower_H_chst_kurs",
            "upper_H_chst_kurs", "lower_50_H_chst_kurs", "upper_50_H_chst_kurs",
        ])  # fmt: skip

    def test_answers_scale_with_the_price(self, trained: Callable[[str], Path]) -> None:
        run = open_run(trained("stock"))
        task = run.task()
        answer = functions(task, run.load_network(task))["serving_default"]
        history = np.array(run.record["latest"]["history"], np.float32)
        one, thousand = answer(history=history), answer(history=1000 * history)
        for name, value in one.items():
            np.testing.assert_allclose(1000 * value, thousand[name], rtol=1e-4)
        ordered = [one[name] for name in ("lower_95", "lower", "forecast", "upper", "upper_95")]
        assert all((below <= above).all() for below, above in itertools.pairwise(ordered))


class TestBaselines:
    def test_equal_numbers_worked_out_by_hand(self, tmp_path: Path) -> None:
        file = write(tmp_path / "p.csv", [100.0, 110] * 10)
        dataset = load(file, season=2, split="12,4,4", horizon=1, scale="log-returns")
        metrics = {
            name: values(dataset.metrics, baseline.predictions) for name, baseline in dataset.baselines().items()
        }
        assert metrics["repeat_last"]["mae"] == pytest.approx(10)
        assert metrics["seasonal_naive"]["mae"] == pytest.approx(0, abs=1e-9)
        drift = (110 / 100) ** (1 / 11)
        assert metrics["drift"]["mae"] == pytest.approx(np.mean([abs(110 - 100 * drift), abs(100 - 110 * drift)]))

    def test_gaps_give_no_nan(self, tmp_path: Path) -> None:
        prices = np.round(walk(120), 3).astype(object)
        prices[::11] = "n/a"
        dataset = load(write(tmp_path / "p.csv", prices), missing="mask", season=7)
        metrics = {
            name: values(dataset.metrics, baseline.predictions) for name, baseline in dataset.baselines().items()
        }
        assert len(metrics) == 4
        assert all(np.isfinite(list(each.values())).all() for each in metrics.values())

    def test_linear_regression_predicts_a_straight_line(self, tmp_path: Path) -> None:
        dataset = load(write(tmp_path / "p.csv", 3.0 * np.arange(300)), scale="last", season=7)
        metrics = values(dataset.metrics, dataset.baselines()["linear"].predictions)
        assert metrics["mae"] < 0.2

    def test_persistence_on_the_sp500_is_the_published_one(self, shared: Path) -> None:
        dataset = load(shared / "sp500-daily.csv", horizon=1)
        assert len(dataset.rows.origins("test")) == 766
        metrics = values(dataset.metrics, dataset.baselines()["repeat_last"].predictions)
        assert 100 * metrics["mape"] == pytest.approx(0.729, abs=0.005)  # ../shared/facts
        assert metrics["always_up"] == pytest.approx(0.56, abs=0.002)

    def test_repeating_on_etth1_is_the_published_one(self, shared: Path) -> None:
        dataset = load(shared / "ETTh1.csv", target="OT", horizon=96, window=336, split="8640,2880,2880")
        assert len(dataset.rows.origins("test")) == 2785  # all windows of the test split
        metrics = values(dataset.metrics, dataset.baselines()["repeat_last"].predictions)
        assert metrics["scaled_mse"] == pytest.approx(0.069, abs=0.001)  # ../shared/facts
        assert metrics["scaled_mae"] == pytest.approx(0.203, abs=0.001)


class TestVerdict:
    @pytest.mark.slow
    def test_a_random_walk_is_forecast_no_better_than_by_its_last_close(self, tmp_path: Path) -> None:
        file, run = write(tmp_path / "p.csv", walk(900, 5)), tmp_path / "run"
        seqapp("train", "stock", "--csv", file, "--epochs", 3, "--window", 10, "--units", 8, "--out", run)
        verdict = json.loads(seqapp("evaluate", run, "--json").stdout)["verdict"]
        assert "no better than repeating the last close" in verdict or "worse than repeating the last close" in verdict
        assert "One row ahead the forecast lags: it correlates best with the value one row earlier." in verdict

    @pytest.mark.slow
    @pytest.mark.usefixtures("compiled")
    def test_a_noisy_wave_is_forecast_better_than_by_repeating_the_last_value(self, tmp_path: Path) -> None:
        wave = 10 + np.sin(np.arange(600) / 2) + np.random.default_rng(0).normal(0, 0.1, 600)
        file, run = write(tmp_path / "p.csv", wave), tmp_path / "run"
        seqapp("train", "stock", "--csv", file, "--epochs", 8, "--window", 10, "--units", 16, "--scale", "last",
               "--learning-rate", 0.01, "--out", run)  # fmt: skip
        document = json.loads(seqapp("evaluate", run, "--json").stdout)
        assert document["metrics"]["mae"] < 0.5 * document["baselines"]["repeat_last"]["mae"]


class TestForecasts:
    """The record of forecasts, its metrics and the sentences about it."""

    @staticmethod
    def forecasts(actual: Any, quantiles: Any, last: Any) -> Forecasts:
        """Return forecasts of one target one row ahead, with an interval at 80 % if there are three quantiles."""
        scale = ErrorScale(change=np.array([2.0]), deviation=np.array([4.0]))
        quantiles = np.asarray(quantiles).reshape(len(actual), 1, 1, -1)
        return Forecasts(np.reshape(actual, (-1, 1, 1)), quantiles, ("x",), (80.0,), np.reshape(last, (-1, 1)), scale)

    def test_metrics_equal_numbers_worked_out_by_hand(self) -> None:
        forecasts = self.forecasts([11.0, 9.0], [[9.0, 10.5, 12.0], [9.5, 10.5, 11.0]], [10.0, 10.0])
        metrics = values(forecast_metrics(["x"], [80.0]), forecasts)
        assert metrics["mae"] == pytest.approx(1.0)
        assert metrics["rmse"] == pytest.approx(np.sqrt((0.25 + 2.25) / 2))
        assert metrics["mase"] == pytest.approx(0.5)
        assert metrics["direction_accuracy"] == metrics["always_up"] == metrics["coverage_80"] == 0.5
        assert metrics["mape"] == pytest.approx((0.5 / 11 + 1.5 / 9) / 2)
        assert metrics["scaled_mse"] == pytest.approx((0.25 + 2.25) / 2 / 16)
        assert metrics["pinball"] == pytest.approx(np.mean([0.1 * 2, 0.25, 0.1, 0.9 * 0.5, 0.75, 0.1 * 2]))

    def test_repeating_the_last_value_has_no_direction_and_a_point_forecast_no_coverage(self) -> None:
        metrics = values(forecast_metrics(["x"], [80.0]), self.forecasts([11.0, 9.0], [10.0, 10.0], [10.0, 10.0]))
        assert not metrics.keys() & {"direction_accuracy", "coverage_80", "pinball"}

    def test_a_forecast_that_repeats_the_last_value_lags_and_a_good_one_does_not(self) -> None:
        actual = np.sin(np.arange(200) / 3) + np.random.default_rng(0).normal(0, 0.1, 200)
        assert lag(self.forecasts(actual[1:], actual[:-1], actual[:-1])) == 1
        assert lag(self.forecasts(actual[1:], np.sin(np.arange(1, 200) / 3), actual[:-1])) == 0

    def test_a_series_that_never_changes_gets_no_sentences(self) -> None:
        assert not remarks(self.forecasts(np.ones(60), np.full(60, 2.0), np.ones(60)))


@pytest.mark.usefixtures("no_training")
def test_newest_first_is_reversed_with_a_note(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", walk(200), "2020-01-01")
    _, *rows = file.read_text().splitlines()
    newest_first = tmp_path / "newest_first.csv"
    newest_first.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(
        f"{row.split(',')[0]},1,1,1,{row.split(',')[1]},5" for row in reversed(rows)))  # fmt: skip
    np.testing.assert_array_equal(load(newest_first).rows.frame.values, load(file).rows.frame.values)
    stderr = seqapp("train", "stock", "--csv", newest_first, *QUICK, "--out", tmp_path / "run").stderr
    assert f"{newest_first}: newest row first; read from the last line to the first." in stderr


@pytest.mark.parametrize("header", ["Date,Open,High,Low,Close,Adj Close,Volume", "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<X>,<VOL>",
                                    "timestamp,1. open,2. high,3. low,4. close,x,5. volume"])  # fmt: skip
def test_headers_of_common_sources_are_understood(header: str, tmp_path: Path) -> None:
    rows = [f"{np.datetime64('2020-01-01') + day},1,2,3,{100 + day},4,5" for day in range(60)]
    (tmp_path / "p.csv").write_text(header + "\n" + "\n".join(rows))
    dataset = load(tmp_path / "p.csv")
    assert dataset.rows.frame.values[:3, 0].tolist() == [100, 101, 102]
    assert dataset.split["train"]["first"] == "2020-01-01"


def test_split_at_cuts_by_date(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", np.arange(100.0, 200), "2020-01-01", step=3)
    dataset = load(file, split_at="2020-06-01,2020-08-01")
    assert dataset.split["validation"] == {"rows": [51, 71], "first": "2020-06-02", "last": "2020-07-29"}
    assert dataset.split["test"]["first"] == "2020-08-01"


def test_a_stock_split_is_noted(tmp_path: Path) -> None:
    values = walk(200)
    values[100:] /= 2
    notes = load(write(tmp_path / "p.csv", values)).data["notes"]
    assert len(notes) == 1
    assert f"{tmp_path / 'p.csv'}, line 102, column 'close': " in notes[0]
    assert "in one row. If this is a stock split, use a column that is adjusted for it." in notes[0]


@pytest.mark.usefixtures("no_training")
def test_the_future_is_forecast_with_its_dates(tmp_path: Path) -> None:
    rows = [f"{np.datetime64('2020-01-01') + day},{value},{day % 7 // 5}" for day, value in enumerate(walk(200))]
    file, run = tmp_path / "p.csv", tmp_path / "run"
    file.write_text("date,close,weekend\n" + "\n".join(rows) + "\n")
    seqapp("train", "stock", "--csv", file, "--known", "weekend", "--calendar", "weekday,month", "--horizon", 2, *QUICK,
           "--segment", 1, "--out", run)  # fmt: skip
    extended = tmp_path / "extended.csv"
    extended.write_text(file.read_text() + "2020-07-19,,1\n2020-07-20,,0\n")
    forecast = json.loads(seqapp("predict", run, extended, "--json").stdout)["predictions"][0]
    assert forecast["date"] == ["2020-07-19", "2020-07-20"]
    assert len(forecast["forecast"]) == 2
    result = seqapp("predict", run, file, "--json")
    earlier = json.loads(result.stdout)["predictions"][0]
    assert earlier["date"] == ["2020-07-17", "2020-07-18"]
    assert result.stderr == (
        "Note: the file has no rows with weekend after the last target, so this forecasts the last 2 rows, from the rows "
        "before them. Add rows with weekend below the last one to forecast further.\n"
    )
    assert len(seqapp("generate", run, "--steps", 3).stdout.split()) == 3
    seqapp("export", run)


@pytest.mark.usefixtures("no_training")
def test_many_series_make_one_model(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for seed in range(3):
        write(tmp_path / "folder" / f"{seed}.csv", walk(120, seed), "2020-01-01")
    run = tmp_path / "run"
    seqapp("train", "stock", "--csv", tmp_path / "folder", *QUICK, "--out", run)
    document = json.loads(seqapp("evaluate", run, "--json").stdout)
    assert document["split"]["test"]["series"] == 3
    assert ": 3 series, 54 rows, 2020-04-12 to 2020-04-29\n" in seqapp("evaluate", run).stdout


@pytest.mark.usefixtures("no_training")
def test_a_long_table_is_answered_series_by_series(tmp_path: Path) -> None:
    long, run = tmp_path / "long.csv", tmp_path / "run"
    rows = [f"{name},{np.datetime64('2020-01-01') + day},{value * scale}" for name, scale in (("a", 1), ("b", 9))
            for day, value in enumerate(walk(120))]  # fmt: skip
    long.write_text("shop,date,sales\n" + "\n".join(rows) + "\n")
    seqapp("train", "stock", "--csv", long, "--series", "shop", *QUICK, "--segment", 1, "--out", run)
    lines = seqapp("predict", run, long).stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["a, sales 2020-04-30", "b, sales 2020-04-30"]
    assert seqapp("predict", run).stdout.splitlines() == lines[:1]
    forecasts = json.loads(seqapp("predict", run, long, "--json").stdout)["predictions"]
    assert forecasts[1]["forecast"][0] == pytest.approx(9 * forecasts[0]["forecast"][0], rel=1e-4)
    assert refused("generate", run, "--prompt", long) == "Error: --prompt: expected one series to continue, got 2."


@pytest.mark.parametrize(
    ("dates", "format", "first"),
    [
        (["01/07/2016", "02/07/2016", "13/07/2016"], "%d/%m/%Y", "2016-07-01"),
        (["07/01/2016", "07/02/2016", "07/13/2016"], "%m/%d/%Y", "2016-07-01"),
        (["01/07/2016", "02/07/2016", "03/07/2016"], "%d/%m/%Y", "2016-07-01"),
        (["20160701", "20160702"], "%Y%m%d", "2016-07-01"),
        (["Jul 1, 2016", "Jul 2, 2016"], "%b %d, %Y", "2016-07-01"),
    ],
)
def test_dates_are_read_by_one_format(dates: list[str], format: str, first: str) -> None:
    from seqapp.data.dates import read_dates

    stamps, detected = read_dates(dates)
    assert detected == format
    assert stamps[0].date().isoformat() == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--known", "close"], "--known: 'close' is a target, so it is not known in advance. Leave it out."),
        (["--levels", "80,120"], "--levels: expected different percentages such as 80,95, got '80,120'."),
        (["--calendar", "year"], "--calendar: expected hour, weekday, month, got 'year'."),
        (["--calendar", "hour"], "--calendar: {} has no date column; name one with --date."),
        (["--segment", "4", "--window", "12"],
         "--segment 4: does not divide the 11 steps of --window 12, one step less than rows, as changes are read."),
        (["--scale", "log-last", "--target", "other"],
         "{}, line 2, column 'other': expected a number above 0, as --scale log-last needs, got -1. Use --scale last."),
        (["--series", "nmae"], "--series: {} has no column named 'nmae'. Choose from: close, other."),
    ],
)  # fmt: skip
def test_inconsistent_options_are_refused(options: list[str], message: str, tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", np.stack([walk(100), -1 - np.arange(100.0)], 1), columns="close,other")
    assert refused("train", "stock", "--csv", file, *options) == f"Error: {message.format(file)}"


def test_a_constant_series_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", [5.0] * 80 + [6.0] * 20)
    assert refused("train", "stock", "--csv", file) == (
        f"Error: {file}, column 'close': all 70 training rows hold 5, so there is nothing to learn. "
        "Choose another column, or another --split."
    )


def test_too_few_rows_for_a_window_and_its_horizon_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", walk(30))
    assert refused("train", "stock", "--csv", file, "--window", 30) == (
        f"Error: {file}: --window 30 with --horizon 1 needs at least 31 training rows, got 21. "
        "Use a smaller --window, or give more rows."
    )


@pytest.mark.usefixtures("no_training")
def test_columns_may_have_spaces_and_any_letters(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", np.stack([walk(120), walk(120, 1)], 1), columns="Höchst kurs,成交 量")
    run = tmp_path / "run"
    seqapp("train", "stock", "--csv", file, "--target", "höchst kurs", "--inputs", "成交 量", *QUICK, "--out", run)
    assert seqapp("predict", run, file).stdout.startswith("Höchst kurs +1: ")
    folder = seqapp("export", run).stdout.strip()
    assert (Path(folder) / "saved_model.pb").is_file()


def test_the_default_target_is_the_only_numeric_column(tmp_path: Path) -> None:
    rows = [f"{np.datetime64('2020-01-01') + day},{day},a" for day in range(100)]
    (tmp_path / "p.csv").write_text("date,load,kind\n" + "\n".join(rows))
    assert load(tmp_path / "p.csv").task.columns == ("load",)
    message = refused("train", "stock", "--csv", write(tmp_path / "q.csv", np.ones((50, 2)), columns="a,b"))
    assert message == f"Error: {tmp_path / 'q.csv'}: which column is to be predicted? Name it with --target: a, b."


def test_the_documentation_names_every_kind_of_scale() -> None:
    page = (ROOT / "docs" / "forecasts.md").read_text()
    assert all(f"`{kind}`" in page for kind in KINDS)


@pytest.fixture(scope="module")
def backtested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 200 days, 3 rows ahead."""
    folder = tmp_path_factory.mktemp("backtest")
    file = write(folder / "p.csv", walk(200), "2020-01-01")
    with training_switched_off():
        seqapp("train", "stock", "--csv", file, "--horizon", 3, *QUICK, "--out", folder / "run")
    return folder / "run"


class TestBacktest:
    def test_rolling_origins_are_the_last_ones_a_stride_apart(self, backtested: Path) -> None:
        document = json.loads(seqapp("evaluate", backtested, "--origins", 4, "--stride", 3, "--json").stdout)
        dataset: Any = open_run(backtested).load_dataset()
        assert dataset.rolling(4, 3).rows.origins("test").tolist() == [187, 190, 193, 196]
        ahead = document["by_horizon"]
        assert ahead.keys() == {"lstm", *document["baselines"]}
        assert np.mean([row["mae"] for row in ahead["lstm"]]) == pytest.approx(document["metrics"]["mae"])
        assert ahead["lstm"][0].keys() == {"mae", "coverage_80", "coverage_95"}
        table = seqapp("evaluate", backtested, "--origins", 4, "--stride", 3).stdout
        assert "\n4 origins, 3 rows apart\n" in table
        assert "\nMean absolute error by rows ahead\n" in table

    @pytest.mark.slow
    def test_refit_fits_on_what_was_known_before_each_origin(self, backtested: Path) -> None:
        result = seqapp("evaluate", backtested, "--origins", 2, "--stride", 5, "--refit", "--json")
        assert "origin 2 of 2" in result.stderr
        document = json.loads(result.stdout)
        assert document["refit"]
        plain = json.loads(seqapp("evaluate", backtested, "--origins", 2, "--stride", 5, "--json").stdout)
        assert document["baselines"]["repeat_last"]["mae"] == pytest.approx(plain["baselines"]["repeat_last"]["mae"])
        assert document["metrics"]["mae"] != plain["metrics"]["mae"]
        dataset: Any = open_run(backtested).load_dataset()
        folds = dataset.rolling(2, 5).folds()
        for fold, origin in zip(folds, [191, 196], strict=True):
            assert fold.rows.origins("test").tolist() == [origin]
            assert len(fold.rows.frame.values) == origin + 4
            assert fold.rows.cuts[0].train == (0, origin + 1 - 30)
            assert fold.task.spread != dataset.task.spread

    def test_invalid_requests_are_refused(self, backtested: Path, trained: Callable[[str], Path]) -> None:
        assert refused("evaluate", backtested, "--origins", 99, "--stride", 9) == (
            "Error: --origins 99: the test split has 4 origins 9 rows apart."
        )
        assert refused("evaluate", backtested, "--refit") == (
            "Error: --stride and --refit need --origins N, the number of rows to forecast from."
        )
        assert refused("evaluate", trained("fibonacci"), "--origins", 2) == (
            "Error: --origins: only forecasts of series have origins."
        )


class TestPictures:
    def test_drawing_twice_gives_the_same_files(self, backtested: Path) -> None:
        result = seqapp("evaluate", backtested, "--plot", "--json")
        names = ["learning_curve", "forecast", "coverage", "error_by_horizon"]
        files = [backtested / "report" / f"{name}.{kind}" for name in names for kind in ("png", "svg")]
        assert [line for line in result.stderr.splitlines() if line.startswith("drawn: ")] == [
            f"drawn: {file}" for file in files
        ]
        assert json.loads(result.stdout)["metrics"]
        first = [file.read_bytes() for file in files]
        assert first[0].startswith(b"\x89PNG")
        assert b"<svg" in first[1]
        seqapp("evaluate", backtested, "--plot")
        assert [file.read_bytes() for file in files] == first

    def test_axes_have_labels_with_units_and_lines_show_the_metrics(self, backtested: Path) -> None:
        from matplotlib.figure import Figure

        from seqapp.networks.over_split import predict

        run = open_run(backtested)
        dataset: Any = run.load_dataset()
        network = run.load_network(dataset.task)
        forecasts = dataset.to_raw_units(predict(dataset, network, "test"))
        drawings = dataset.pictures("lstm", forecasts, dataset.baselines())
        axes = {name: Figure().subplots() for name in drawings}
        for name, draw in drawings.items():
            draw(axes[name])
            assert axes[name].get_xlabel()
            assert axes[name].get_ylabel()
        assert axes["forecast"].get_ylabel() == "close"
        assert axes["error_by_horizon"].get_ylabel() == "mean absolute error (close)"
        lines = {line.get_label(): line.get_ydata() for line in axes["error_by_horizon"].lines}
        assert np.mean(lines["lstm"]) == pytest.approx(values(dataset.metrics, forecasts)["mae"])
        ahead = {line.get_label(): line.get_ydata() for line in axes["forecast"].lines}
        assert len(ahead["forecast"]) == 3
        np.testing.assert_allclose(ahead["actual"][-3:], dataset.rows.frame.values[-3:, 0])
        shares = {line.get_label(): line.get_ydata() for line in axes["coverage"].lines}
        assert shares["lstm"][0] == pytest.approx(100 * values(dataset.metrics, forecasts)["coverage_80"])

    def test_plot_and_origins_exclude_each_other(self, backtested: Path) -> None:
        assert refused("evaluate", backtested, "--plot", "--origins", 2) == (
            "Error: --file, --origins and --plot: give one of them."
        )


class TestRecursive:
    def test_it_feeds_its_medians_back_as_rows(self, tmp_path: Path) -> None:
        from seqapp.contract.options import NetworkOptions
        from seqapp.networks.factory import build, layer_of

        rows = [f"{np.datetime64('2020-01-01') + day},{value},{day % 7 // 5},{'ab'[day % 2]}"
                for day, value in enumerate(walk(120))]  # fmt: skip
        (tmp_path / "p.csv").write_text("date,close,weekend,kind\n" + "\n".join(rows))
        options = {"known": "weekend", "category": "kind", "calendar": "weekday", "scale": "log-last", "window": 6}
        recursive = load(tmp_path / "p.csv", strategy="recursive", horizon=3, **options)
        direct = load(tmp_path / "p.csv", horizon=1, **options)
        layer = layer_of(rooms.find("models", "gru"), {})
        networks = [build(each.task, layer, NetworkOptions(units=8), 4) for each in (recursive, direct)]
        ask, one = (functions(each.task, network)["serving_default"]
                    for each, network in zip((recursive, direct), networks, strict=True))  # fmt: skip
        raw = {name: np.asarray(recursive.latest[name]) for name in recursive.task.signature()}
        forecast = ask(**raw)
        history, categories = raw["history"], raw["categories"]
        for step in range(3):
            answer = one(history=history, known=raw["known"][:, step : step + 1], categories=categories,
                         dates=raw["dates"][:, step : step + 7])  # fmt: skip
            for name, value in answer.items():
                assert forecast[name][0, step] == pytest.approx(value[0, 0], rel=1e-5)
            row = np.array([[[answer["forecast"][0, 0], raw["known"][0, step, 0]]]], np.float32)
            history = np.concatenate([history[:, 1:], row], 1)
            categories = np.concatenate([categories[:, 1:], categories[:, -1:]], 1)

    @pytest.mark.usefixtures("no_training")
    def test_evaluation_and_signature_give_the_same_forecasts(self, tmp_path: Path) -> None:
        from seqapp.networks.over_split import predict

        file, run = write(tmp_path / "p.csv", np.stack([walk(150), walk(150, 1)], 1), columns="a,b"), tmp_path / "run"
        seqapp("train", "stock", "--csv", file, "--target", "a,b", "--channels", "independent", "--horizon", 3,
               "--strategy", "recursive", *QUICK, "--out", run)  # fmt: skip
        loaded = open_run(run)
        dataset: Any = loaded.load_dataset()
        assert np.shape(dataset.task.offsets) == (2, 3, 2)
        network = loaded.load_network(dataset.task)
        forecasts = dataset.to_raw_units(predict(dataset, network, "test"))
        origin = int(dataset.rows.origins("test")[0])
        history = dataset.rows.frame.values[np.newaxis, origin - 11 : origin + 1].astype(np.float32)
        answer = functions(dataset.task, network)["serving_default"](history=history)
        middle = forecasts.quantiles[0].reshape(2, 3, 5)
        np.testing.assert_allclose(answer["forecast"][0], middle[0, :, 2], rtol=1e-5)
        np.testing.assert_allclose(answer["lower_95_b"][0], middle[1, :, 0], rtol=1e-5)
        folder = seqapp("export", run).stdout.strip()
        assert (Path(folder) / "saved_model.pb").is_file()
        assert seqapp("evaluate", run, "--origins", 2, "--stride", 3).stdout
