"""Series from CSV files: one or many files, or one long table of many series; which columns mean what; gaps.

Newest-first files are turned round; rows below the last target that hold what is known in advance are kept apart.
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

SPLIT_LIKE = 0.4  # a change from one close to the next by this much or more may be a split of shares


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are to a model, by name."""

    targets: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    date: str | None = None
    series: str | None = None  # of a long table, the one that names each row's series

    @property
    def numbers(self) -> list[str]:
        """Targets, inputs, and what is known in advance, each once."""
        first = [name for name in (*self.targets, *self.inputs) if name not in self.known]
        return list(dict.fromkeys([*first, *self.known]))


@dataclass(frozen=True)
class Series:
    """One series, oldest row first."""

    name: str
    table: Table
    values: NDArray[Any]  # (rows, numbers), NaN where a value is missing
    categories: NDArray[Any]  # str (rows, categories)
    dates: list[str] | None
    known: NDArray[Any]  # (rows to come, known)
    notes: tuple[str, ...] = ()

    def until(self, stop: int) -> Series:
        """Its first `stop` rows; nothing is known of later ones."""
        dates = None if self.dates is None else self.dates[:stop]
        table = self.table.keep(list(range(stop)))
        return Series(self.name, table, self.values[:stop], self.categories[:stop], dates, self.known[:0])


def read_tables(paths: Sequence[str], series: str | None) -> tuple[list[tuple[str, Table]], str]:
    """The tables of all files, folders and patterns, a long one cut into its series; and the sha256 of all bytes.

    Raises:
        BadInput: there is no such file, or a series comes twice.
    """
    files = [file for path in paths for file in _files(path)]
    found: list[tuple[str, Table]] = []
    digest = hashlib.sha256()
    for file in files:
        table, sha256 = read_csv(file)
        digest.update(sha256.encode())
        found += cut_table(table, series) if series else [(Path(file).stem, table)]
    for name, times in collections.Counter(name for name, _ in found).most_common(1):
        if times > 1:
            raise BadInput(f"--csv: the series '{name}' comes {times} times. Name each once.")
    return found, (sha256 if len(files) == 1 else digest.hexdigest())


def _files(path: str) -> list[str]:
    if Path(path).is_dir():
        found = sorted(str(file) for file in Path(path).glob("*.csv"))
    elif any(mark in path for mark in "*?["):
        found = sorted(glob.glob(path))
    else:
        return [path]
    if not found:
        raise BadInput(f"--csv: {path} holds no CSV file.")
    return found


def cut_table(table: Table, series: str) -> list[tuple[str, Table]]:
    """A long table by the names in its column `series`, in the order in which they come."""
    column = table.name(series, "--series")
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(table.categories(column)):
        if not name:
            raise BadInput(f"{table.where(row, column)}: expected the name of a series, got nothing.")
        rows.setdefault(name, []).append(row)
    return [(name, table.keep(own)) for name, own in rows.items()]


def read_series(name: str, table: Table, columns: Columns, missing: str) -> Series:
    """Rows in time order, their gaps as `missing` says: "error", "drop", "forward", or "mask" (kept as NaN).

    Raises:
        BadInput: a value is no finite number, there is a gap that `missing` does not provide for, or dates mix.
    """
    notes = []
    if table.newest_first(columns.date):
        table = table.keep(list(range(table.rows))[::-1])
        notes.append(f"{table.source}: newest row first; read from the last line to the first.")
    table, to_come = _parted(table, columns)
    if missing == "mask":
        values = np.stack([table.numbers(column) for column in columns.numbers], 1)
    else:
        table, values = table.without_gaps(columns.numbers, missing)
    if len(values) < 2:
        raise BadInput(f"{table.source}: expected at least 2 rows of data, got {len(values)}.")
    named = [table.categories(column) for column in columns.categories]
    categories = np.array(named, object).reshape(len(named), len(values)).T
    known = np.stack([to_come.numbers(column) for column in columns.known], 1) if columns.known else np.empty((0, 0))
    dates = table.dates(columns.date)
    return Series(name, table, values, categories, dates, known, (*notes, *_jumps(table, values, columns)))


def _parted(table: Table, columns: Columns) -> tuple[Table, Table]:
    """The rows up to the last one with a target; and those below, of which only what is known in advance is there."""
    rows = table.rows
    if columns.known:
        targets = [table.categories(column) for column in columns.targets]
        while rows and not any(values[rows - 1] for values in targets):
            rows -= 1
    return table.keep(list(range(rows))), table.keep(list(range(rows, table.rows)))


def _jumps(table: Table, values: NDArray[Any], columns: Columns) -> list[str]:
    """A sentence for the first target's largest jump, where it looks like a split of shares."""
    if columns.targets[0].lower() not in ("close", "adj close", "adjclose", "adj_close", "price", "last"):
        return []
    own = values[:, 0]
    with np.errstate(all="ignore"):
        change = np.nan_to_num(own[1:] / own[:-1] - 1)
    places = np.flatnonzero((change >= 1 / (1 - SPLIT_LIKE) - 1) | (change <= -SPLIT_LIKE))
    if not len(places):
        return []
    row = int(places[0])
    others = f", and {len(places) - 1} more like it" if len(places) > 1 else ""
    return [
        f"{table.where(row + 1, columns.targets[0])}: {own[row]:g} -> {own[row + 1]:g}, {change[row]:+.0%} in one "
        f"row{others}. If that is a split of shares, use a column that is adjusted for it."
    ]
