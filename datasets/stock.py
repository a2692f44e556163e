"""Stock: the next values of any positive series in a CSV of dated rows (prices, volumes, sales), with an interval.

The network sees log-returns and predicts log-returns, so it knows no price level; prices go in and prices come out.
Rows are trading days as they come: no calendar is invented. Without --csv: Google's daily prices, 2004-2008, that
matplotlib ships.
"""

from __future__ import annotations

import hashlib
from typing import Any

import click
import numpy as np

from seqapp import splits
from seqapp.errors import BadInput
from seqapp.prices import PriceDataset, PriceTask, positive_values
from seqapp.table import Table, read_csv

Task = PriceTask
DEFAULTS = {"units": 32, "epochs": 40, "batch_size": 32, "learning_rate": 0.001, "patience": 8, "dropout": 0.1}


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
) -> PriceDataset:
    """Read the rows, cut them by time, and fit the scale of the returns on the training rows."""
    del seed  # nothing here is drawn
    table, sha256 = read_csv(csv) if csv else _google()
    columns = _columns(table, target, inputs)
    table, values = positive_values(table, columns, missing)
    dates = table.dates(date)
    cut = splits.cut_dated(table, dates, split, split_at, least=horizon + 1)
    if cut.train[1] < window + horizon:
        raise BadInput(
            f"{table.source}: --window {window} with --horizon {horizon} needs at least {window + horizon} "
            f"training rows, got {cut.train[1]}. Use a smaller --window, or give more rows."
        )
    returns = np.diff(np.log(values[: cut.train[1]]), axis=0)  # fit on train only: later prices must not leak
    scale = tuple(float(deviation) or 1.0 for deviation in returns.std(0))
    task = Task(tuple(columns), window, horizon, scale, missing, table.name(date, "--date") if date else None)
    data = {"sha256": sha256, "rows": table.rows, "source": table.source}
    return PriceDataset(task, values, cut, season, data, cut.describe(dates))


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
