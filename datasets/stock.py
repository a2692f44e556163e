"""Stock: forecast any numeric series (prices, sensors, demand, climate), with prediction intervals.

Each row is one time step: rows for missing dates are not added. The training rows decide whether the network reads
changes or values relative to the last one, and whether it reads logarithms; --scale overrides this. Inputs and
forecasts are raw values. Without --csv: Google's daily prices, 2004-2008, from matplotlib's sample data.
"""

from __future__ import annotations

from typing import Any

from seqapp.data.table import Table
from seqapp.system.files import sha256
from seqapp.tasks.series.dataset import SeriesDataset
from seqapp.tasks.series.files import read_tables
from seqapp.tasks.series.loading import load_series
from seqapp.tasks.series.options import SeriesOptions
from seqapp.tasks.series.task import SeriesTask

Task, Options = SeriesTask, SeriesOptions
DEFAULTS = {"units": 32, "epochs": 40, "batch_size": 32, "learning_rate": 0.001, "patience": 8, "dropout": 0.1}


def load(options: SeriesOptions, seed: int) -> SeriesDataset:
    """Read the rows, split them by time, and fit the scale on the training rows."""
    del seed  # nothing is random
    tables, checksum = read_tables(options.csv, options.series) if options.csv else _google()
    return load_series(options, tables, checksum, Task)


def _google() -> tuple[list[tuple[str, Table]], str]:
    """Read matplotlib's sample data: 1,047 trading days with date, open, high, low, close, volume and adj_close."""
    from matplotlib.cbook import get_sample_data

    sample: Any = get_sample_data("goog.npz")
    prices = sample["price_data"]
    columns = {name: [str(value) for value in prices[name]] for name in prices.dtype.names}
    table = Table("goog.npz", columns, list(range(2, len(prices) + 2)))
    return [("GOOG", table)], sha256(prices.tobytes())
