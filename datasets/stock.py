"""Stock: the next values of any positive series in a CSV of dated rows (prices, volumes, sales), with an interval.

The network sees log-returns and predicts log-returns, so it knows no price level; prices go in and prices come out.
Rows are trading days as they come: no calendar is invented. Without --csv: Google's daily prices, 2004-2008, that
matplotlib ships.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from seqapp import splits
from seqapp.contract import Baseline, Dataset, Raw, Vectors, Windows
from seqapp.contract import Task as BaseTask
from seqapp.errors import BadInput
from seqapp.heads import Estimated, Quantiles, Tensor
from seqapp.table import Table, parse_csv, read_csv

DEFAULTS = {"units": 32, "epochs": 40, "batch_size": 32, "learning_rate": 0.001, "patience": 8, "dropout": 0.1}
NORMAL_80 = 2 * 1.2816  # width in standard deviations of the interval from the 10 % to the 90 % quantile


@click.option("--csv", type=click.Path(resolve_path=True), help="CSV with a header.  [default: matplotlib's goog.npz]")
@click.option("--target", default="close", show_default=True, help="Column to predict.")
@click.option("--inputs", metavar="COLUMN,…", help="Further columns to look at.")
@click.option("--date", help="Date column.  [default: one called date, month, time …]")
@click.option("--window", default=33, show_default=True, type=click.IntRange(min=3), help="Rows that the model sees.")
@click.option("--horizon", default=1, show_default=True, type=click.IntRange(min=1), help="Rows ahead to predict.")
@click.option("--season", type=click.IntRange(min=2), help="Rows in a season, for the seasonal naive baseline.")
@click.option(
    "--missing",
    default="error",
    show_default=True,
    type=click.Choice(["error", "drop", "forward"]),
    help="What to do with a gap: stop, leave the row out, or take the value before.",
)
@splits.by_date
@splits.by_rows
def load(
    csv: str | None,
    target: str,
    inputs: str | None,
    date: str | None,
    window: int,
    horizon: int,
    season: int | None,
    missing: str,
    split: str,
    split_at: str | None,
    seed: int,
) -> StockDataset:
    """Read the rows, cut them by time, and fit the scale of the returns on the training rows."""
    del seed  # nothing here is drawn
    table, sha256 = read_csv(csv) if csv else _google()
    columns = _columns(table, target, inputs)
    table, values = _values(table, columns, missing)
    dates = table.dates(date)
    if split_at and dates is None:
        raise BadInput(f"--split-at: {table.source} has no date column; name one with --date, or use --split.")
    least = horizon + 1
    cut = splits.cut_at(dates or [], split_at, least) if split_at else splits.cut(table.rows, split, least)
    if cut.train[1] < window + horizon:
        raise BadInput(
            f"{table.source}: --window {window} with --horizon {horizon} needs at least {window + horizon} "
            f"training rows, got {cut.train[1]}. Use a smaller --window, or give more rows."
        )
    returns = np.diff(np.log(values[: cut.train[1]]), axis=0)  # fit on train only: later prices must not leak
    scale = tuple(float(deviation) or 1.0 for deviation in returns.std(0))
    task = Task(tuple(columns), window, horizon, scale, missing)
    data = {"sha256": sha256, "rows": table.rows, "source": table.source}
    return StockDataset(task, values, cut, season, data, cut.describe(dates))


@dataclass(frozen=True)
class Task(BaseTask):
    """The last rows in raw units `(batch, rows ≥ window, columns)` -> forecast, lower, upper `(batch, horizon)`."""

    columns: tuple[str, ...]  # the target first
    window: int
    horizon: int
    scale: tuple[float, ...]  # standard deviation of each column's log-returns on the training rows
    missing: str

    @property
    def inputs(self) -> Vectors:
        """Scaled log-returns of all columns."""
        return Vectors(len(self.columns))

    @property
    def head(self) -> Quantiles:
        """10 %, 50 % and 90 % quantiles of the scaled log-return from the last row to each row of the horizon."""
        return Quantiles(self.horizon)

    def signature(self) -> dict[str, Any]:
        """At least `window` rows, oldest first, columns as in `columns`, raw units."""
        import tensorflow as tf

        return {"history": tf.TensorSpec([None, None, len(self.columns)], tf.float32)}

    def encode(self, raw: Raw) -> Tensor:
        """Scaled log-returns `(batch, window - 1, columns)` of the last `window` rows."""
        import tensorflow as tf

        from seqapp.checks import require

        history, rows = raw["history"], tf.shape(raw["history"])[1]
        needed = f"history: expected at least {self.window} rows (the window of the model), got {{}}"
        history = require(history, rows >= self.window, needed, rows)[:, -self.window :]
        positive = tf.reduce_all(tf.math.is_finite(history) & (history > 0))
        history = require(history, positive, "history: expected finite numbers above 0, as log-returns need")
        logs = tf.math.log(history)
        return (logs[:, 1:] - logs[:, :-1]) / tf.constant(self.scale, tf.float32)

    def growth(self) -> NDArray[Any]:
        """Scale of the target's log-return over 1 to `horizon` rows, `(horizon,)`: it grows with the root of time."""
        return np.float32(self.scale[0]) * np.sqrt(np.arange(1, self.horizon + 1, dtype=np.float32))

    def answer(self, outputs: Tensor, raw: Raw) -> dict[str, Tensor]:
        """Prices: the last one, grown by the median, the 10 % and the 90 % log-return."""
        import tensorflow as tf

        returns = self.head.quantiles(outputs[:, -1]) * self.growth()[:, None]  # (batch, horizon, levels)
        prices = raw["history"][:, -1, 0][:, None, None] * tf.exp(returns)
        return {"forecast": prices[..., 1], "lower": prices[..., 0], "upper": prices[..., 2]}

    def read(self, text: str, source: str) -> Raw:
        """A CSV with the columns of the training, oldest row first."""
        table = parse_csv(text, source)
        names = [table.name(column, "the model's columns") for column in self.columns]
        table, values = _values(table, names, self.missing)
        table.dates(None)
        if len(values) < self.window:
            raise BadInput(f"{source}: expected at least {self.window} rows (the model's window), got {len(values)}.")
        return {"history": values[np.newaxis].astype(np.float32)}

    def describe(self, answer: Raw) -> str:
        """One line a row ahead."""
        rows = zip(answer["forecast"], answer["lower"], answer["upper"], strict=True)
        return "\n".join(
            f"{self.columns[0]} +{ahead}: {forecast:.6g}  (80 % between {lower:.6g} and {upper:.6g})"
            for ahead, (forecast, lower, upper) in enumerate(rows, start=1)
        )

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """The next price, drawn from a log-normal as wide as the interval; further columns stay at their last value."""
        forecast, lower, upper = (float(answer[name][0, 0]) for name in ("forecast", "lower", "upper"))
        price = forecast * np.exp(temperature * random.standard_normal() * np.log(upper / lower) / NORMAL_80)
        row = np.array(raw["history"][:, -1:], np.float32)
        row[0, 0, 0] = price
        return {"history": np.concatenate([raw["history"], row], 1)[:, -self.window :]}, float(row[0, 0, 0])


class StockDataset(Dataset):
    """Windows that end at each row of a split; the rows predicted lie in the same split."""

    task: Task

    def __init__(
        self,
        task: Task,
        values: NDArray[Any],
        cut: splits.Split,
        season: int | None,
        data: dict[str, Any],
        split: dict[str, Any],
    ) -> None:
        self.task, self.values, self.cut, self.season = task, values, cut, season
        self.data, self.split = data, split
        self.latest = {"history": values[np.newaxis, -task.window :].astype(np.float32)}
        self.target = values[:, 0]

    def origins(self, split: str) -> NDArray[Any]:
        """The last known row of each question: what is predicted are the `horizon` rows after it."""
        start, stop = getattr(self.cut, split)
        return np.arange(max(start, self.task.window) - 1, stop - self.task.horizon)

    def ahead(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Row numbers `(origins, horizon)` of what is predicted from each origin."""
        return rows[:, None] + np.arange(1, self.task.horizon + 1)

    def windows(self, split: str) -> Windows:
        """Raw windows through the task's own `encode`; only the last step is scored."""
        import tensorflow as tf

        origins = self.origins(split)
        values, logs = tf.constant(self.values, tf.float32), np.log(self.target)
        returns = (logs[self.ahead(origins)] - logs[origins][:, None]) / self.task.growth()
        held, ends = tf.constant(returns, tf.float32), tf.constant(origins)
        steps = self.task.window - 1

        def gather(indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            rows = tf.gather(ends, indices)[:, None] + tf.range(-steps, 1, dtype=tf.int64)
            last = tf.one_hot(tf.fill(tf.shape(indices), steps - 1), steps)
            return (
                self.task.encode({"history": tf.gather(values, rows)}),
                last[..., None] * tf.gather(held, indices)[:, None],
                last,
            )

        return Windows(len(origins), gather)

    def baselines(self) -> dict[str, Baseline]:
        """Last value, drift, and seasonal naive where a season is given."""
        origins = self.origins("test")
        train = np.log(self.target[slice(*self.cut.train)])
        steps = np.arange(1, self.task.horizon + 1)
        spread = [np.quantile(train[step:] - train[:-step], self.task.head.levels) for step in steps]
        width = np.stack([part - part[1] for part in spread])  # the training returns' own interval, around no change
        still = np.broadcast_to(width, (len(origins), *width.shape))
        drift = (train[-1] - train[0]) / (len(train) - 1)
        found = {
            "repeat_last": Baseline(
                self._scaled(still),
                "repeating the last close" if self.task.columns[0].lower() == "close" else "repeating the last value",
            ),
            "drift": Baseline(self._scaled(still + drift * steps[:, None]), "the training split's drift"),
        }
        if self.season:
            same = origins[:, None] + steps - self.season * np.ceil(steps / self.season).astype(int)
            change = np.log(self.target[same]) - np.log(self.target[origins])[:, None]
            found["seasonal_naive"] = Baseline(self._scaled(change[..., None]), f"the value {self.season} rows before")
        return found

    def _scaled(self, returns: NDArray[Any]) -> Estimated:
        """Log-returns `(origins, horizon, levels)` as a head would have given them."""
        origins = self.origins("test")
        logs = np.log(self.target)
        actual = logs[self.ahead(origins)] - logs[origins][:, None]
        return Estimated(actual / self.task.growth(), returns / self.task.growth()[:, None])

    def _prices(self, predictions: Estimated) -> tuple[NDArray[Any], NDArray[Any]]:
        """Actual prices `(origins, horizon)` and predicted ones `(origins, horizon, levels)`."""
        origins = self.origins("test")
        returns = predictions.quantiles.astype(float) * self.task.growth()[:, None]
        return self.target[self.ahead(origins)], self.target[origins][:, None, None] * np.exp(returns)

    def cases(self, predictions: Estimated) -> dict[str, NDArray[Any]]:
        """Absolute error of each forecast in the target's unit, the mean over the horizon."""
        actual, prices = self._prices(predictions)
        return {"mae": np.abs(actual - prices[..., prices.shape[-1] // 2]).mean(1)}

    def metrics(self, predictions: Estimated) -> dict[str, float]:
        """Errors in the target's unit and on log-returns, direction, and what the interval covers."""
        from seqapp.forecasts import forecast_metrics

        actual, prices = self._prices(predictions)
        train = self.target[slice(*self.cut.train)]
        step = self.season or 1
        scale = np.abs(train[step:] - train[:-step]).mean()
        last = self.target[self.origins("test")]
        return forecast_metrics(actual, prices, last, scale, self.task.head.levels)


def _google() -> tuple[Table, str]:
    """matplotlib's sample data: 1,047 trading days of Google, date, open, high, low, close, volume, adj_close."""
    from matplotlib.cbook import get_sample_data

    sample: Any = get_sample_data("goog.npz")
    prices = sample["price_data"]
    columns = {name: [str(value) for value in prices[name]] for name in prices.dtype.names}
    return Table("goog.npz", columns, list(range(2, len(prices) + 2))), hashlib.sha256(prices.tobytes()).hexdigest()


def _columns(table: Table, target: str, inputs: str | None) -> list[str]:
    """The target's name, then the further inputs' names."""
    names = [table.name(target, "--target")]
    for column in (inputs or "").split(","):
        if column.strip() and (name := table.name(column.strip(), "--inputs")) not in names:
            names.append(name)
    return names


def _values(table: Table, columns: list[str], missing: str) -> tuple[Table, NDArray[Any]]:
    """The rows that remain after `missing`, and their values `(rows, columns)` in raw units, all above 0."""
    table, values = table.without_gaps(columns, missing)
    for row, column in np.argwhere(values <= 0)[:1]:
        raise BadInput(
            f"{table.where(int(row), columns[column])}: expected a number above 0, as log-returns need, "
            f"got {values[row, column]:g}. Choose other columns."
        )
    if len(values) < 2:
        raise BadInput(f"{table.source}: expected at least 2 rows of data, got {len(values)}.")
    return table, values
