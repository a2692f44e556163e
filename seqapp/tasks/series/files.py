"""Series from CSV files: one or many files, or one long table of many series; the roles of columns; gaps.

Files with the newest row first are reversed; rows below the last target hold what is known in advance.
"""

from __future__ import annotations

import collections
import glob
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.data.table import Table, read_csv
from seqapp.errors import BadInput

STOCK_SPLIT = 0.4  # a fall by this share of the value, or the rise that reverses it, may be a stock split
PRICES = ("close", "adj close", "adjclose", "adj_close", "price", "last")  # columns of share prices, in lower case


@dataclass(frozen=True)
class Columns:
    """The names of a table's columns by their role."""

    targets: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    known: tuple[str, ...] = ()  # in advance
    categories: tuple[str, ...] = ()
    date: str | None = None
    series: str | None = None  # in a long table, the column with the name of each row's series

    @property
    def numbers(self) -> list[str]:
        """Targets, inputs, and columns known in advance, each once."""
        first = [name for name in (*self.targets, *self.inputs) if name not in self.known]
        return list(dict.fromkeys([*first, *self.known]))


@dataclass(frozen=True)
class Series:
    """One series, oldest row first."""

    name: str
    table: Table
    values: NDArray[Any]  # (rows, numeric columns), raw units, NaN where a value is missing
    categories: NDArray[Any]  # str (rows, categorical columns)
    dates: list[str] | None
    known: NDArray[Any]  # (rows after the last target, known columns)
    notes: tuple[str, ...] = ()

    def until(self, stop: int) -> Series:
        """Return its first `stop` rows, without what is known of later ones."""
        dates = None if self.dates is None else self.dates[:stop]
        table = self.table.take(list(range(stop)))
        return Series(self.name, table, self.values[:stop], self.categories[:stop], dates, self.known[:0])


def read_tables(paths: Sequence[str], series: str | None) -> tuple[list[tuple[str, Table]], str]:
    """Read the tables of files, folders and patterns.

    Args:
        paths: CSV files, folders of them, or patterns such as `shop-*.csv`.
        series: the column that names each row's series, to cut each table into its series; None for one series a file.

    Returns:
        Pairs of a series' name and its table, and the sha256 of all bytes.

    Raises:
        BadInput: a file does not exist or cannot be read, or a series occurs twice.
    """
    files = [file for path in paths for file in _csv_files(path)]
    tables: list[tuple[str, Table]] = []
    digest = hashlib.sha256()
    for file in files:
        table, sha256 = read_csv(file)
        digest.update(sha256.encode())
        tables += cut_table(table, series) if series else [(Path(file).stem, table)]
    for name, count in collections.Counter(name for name, _ in tables).most_common(1):
        if count > 1:
            raise BadInput(f"--csv: expected each series once, got '{name}' {count} times. Rename or leave out a file.")
    return tables, (sha256 if len(files) == 1 else digest.hexdigest())


def _csv_files(path: str) -> list[str]:
    if Path(path).is_dir():
        files = sorted(str(file) for file in Path(path).glob("*.csv"))
    elif any(mark in path for mark in "*?["):
        files = sorted(glob.glob(path))
    else:
        return [path]
    if not files:
        raise BadInput(f"--csv: {path}: expected CSV files, found none.")
    return files


def cut_table(table: Table, series: str) -> list[tuple[str, Table]]:
    """Cut a long table by the names in its column `series`, in the order of their first rows.

    Raises:
        BadInput: the column does not exist, or a row has no name in it.
    """
    column = table.name(series, "--series")
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(table.categories(column)):
        if not name:
            raise BadInput(f"{table.where(row, column)}: expected the name of a series, got an empty cell.")
        rows.setdefault(name, []).append(row)
    return [(name, table.take(own)) for name, own in rows.items()]


def read_series(name: str, table: Table, columns: Columns, missing: str) -> Series:
    """Convert a table to a series in time order.

    Args:
        name: of the series.
        table: rows oldest or newest first.
        columns: the columns to read.
        missing: what to do with gaps: "error", "drop" the row, fill "forward", or "mask" (keep as NaN).

    Raises:
        BadInput: a value is not a finite number, there is a gap that `missing` does not handle, or dates are unordered.
    """
    notes = []
    dates = table.date_column(columns.date)
    if dates is not None and dates.descending:
        table = table.take(list(range(table.rows))[::-1])
        notes.append(f"{table.source}: newest row first; read from the last line to the first.")
    table, future = _split_future(table, columns)
    if missing == "mask":
        values = table.numbers(columns.numbers)
    else:
        table, values = table.without_gaps(columns.numbers, missing)
    if len(values) < 2:
        raise BadInput(f"{table.source}: expected at least 2 rows of data, got {len(values)}.")
    names = [table.categories(column) for column in columns.categories]
    categories = np.array(names, object).reshape(len(names), len(values)).T
    known = future.numbers(columns.known)
    iso_dates, notes = table.dates(columns.date), [*notes, *_stock_splits(table, values, columns)]
    return Series(name, table, values, categories, iso_dates, known, tuple(notes))


def _split_future(table: Table, columns: Columns) -> tuple[Table, Table]:
    """Return the rows up to the last one with a target, and those below, which hold only what is known in advance."""
    rows = table.rows
    if columns.known:
        targets = [table.categories(column) for column in columns.targets]
        while rows and not any(values[rows - 1] for values in targets):
            rows -= 1
    return table.take(list(range(rows))), table.take(list(range(rows, table.rows)))


def _stock_splits(table: Table, values: NDArray[Any], columns: Columns) -> list[str]:
    """Return a note on the first change of a share price that looks like a stock split, if there is one."""
    if columns.targets[0].lower() not in PRICES:
        return []
    prices = values[:, 0]
    with np.errstate(all="ignore"):
        change = np.nan_to_num(prices[1:] / prices[:-1] - 1)
    rows = np.flatnonzero((change >= 1 / (1 - STOCK_SPLIT) - 1) | (change <= -STOCK_SPLIT))
    if not len(rows):
        return []
    row = int(rows[0])
    others = f", and {len(rows) - 1} more like it" if len(rows) > 1 else ""
    where = table.where(row + 1, columns.targets[0])
    return [
        f"{where}: {prices[row]:g} -> {prices[row + 1]:g}, {change[row]:+.0%} in one row{others}. "
        "If this is a stock split, use a column that is adjusted for it."
    ]
