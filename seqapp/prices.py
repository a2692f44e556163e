"""Prices: the next values of a positive series, with an interval; log-returns inside, raw units outside.

`PriceTask` is the question, `PriceDataset` cuts windows that end at each row and measures. A dataset file brings the
rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline, Dataset, Raw, Task, Vectors, Windows
from seqapp.errors import BadInput
from seqapp.forecasts import forecast_metrics
from seqapp.heads import Estimated, Quantiles, Tensor
from seqapp.splits import Split
from seqapp.table import Table, parse_csv

NORMAL_80 = 2 * 1.2816  # width in standard deviations of the interval from the 10 % to the 90 % quantile


@dataclass(frozen=True)
class PriceTask(Task):
    """The last rows in raw units `(batch, rows ≥ window, columns)` -> forecast, lower, upper `(batch, horizon)`."""

    columns: tuple[str, ...]  # the target first
    window: int
    horizon: int
    scale: tuple[float, ...]  # standard deviation of each column's log-returns on the training rows
    missing: str
    date: str | None = None  # the date column, where one was named

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
        names = [table.name(column, "") for column in self.columns]
        table, values = positive_values(table, names, self.missing)
        table.dates(self.date if self.date in table.columns else None)  # refuses rows out of order
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


class PriceDataset(Dataset):
    """Windows that end at each row of a split; the rows predicted lie in the same split."""

    task: PriceTask

    def __init__(
        self,
        task: PriceTask,
        values: NDArray[Any],
        cut: Split,
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
        actual, prices = self._prices(predictions)
        train = self.target[slice(*self.cut.train)]
        step = self.season or 1
        scale = np.abs(train[step:] - train[:-step]).mean()
        last = self.target[self.origins("test")]
        return forecast_metrics(actual, prices, last, scale, self.task.head.levels)


def positive_values(table: Table, columns: list[str], missing: str) -> tuple[Table, NDArray[Any]]:
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
