"""Stock: the next values of any series of numbers (prices, sensors, demand, climate), with intervals.

Rows are steps as they come: no calendar is invented. What the network sees, changes or levels less the last one, on
logarithms or not, is chosen from the training rows (--scale says another); raw values go in, raw values come out.
Without --csv: Google's daily prices, 2004-2008, that matplotlib ships.
"""

from __future__ import annotations

import hashlib
from typing import Any

from seqapp.data.table import Table
from seqapp.tasks.series.dataset import SeriesDataset
from seqapp.tasks.series.files import read_tables
from seqapp.tasks.series.loading import load_series
from seqapp.tasks.series.options import Asked, series_options
from seqapp.tasks.series.task import SeriesTask

Task = SeriesTask
DEFAULTS = {"units": 32, "epochs": 40, "batch_size": 32, "learning_rate": 0.001, "patience": 8, "dropout": 0.1}


@series_options
def load(seed: int, **asked: Any) -> SeriesDataset:
    """Read the rows, cut them by time, and fit the scale on the training rows."""
    del seed  # nothing here is drawn
    tables, sha256 = read_tables(asked["csv"], asked["series"]) if asked["csv"] else _google()
    return load_series(Asked(**asked), tables, sha256, Task)


def _google() -> tuple[list[tuple[str, Table]], str]:
    """matplotlib's sample data: 1,047 trading days of Google, date, open, high, low, close, volume, adj_close."""
    from matplotlib.cbook import get_sample_data

    sample: Any = get_sample_data("goog.npz")
    prices = sample["price_data"]
    columns = {name: [str(value) for value in prices[name]] for name in prices.dtype.names}
    table = Table("goog.npz", columns, list(range(2, len(prices) + 2)))
    return [("GOOG", table)], hashlib.sha256(prices.tobytes()).hexdigest()
