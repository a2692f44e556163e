"""Splits by time: training, validation and test follow each other, and are cut before anything is fitted."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqapp.contract import SPLITS
from seqapp.contract.options import option
from seqapp.data.table import Table
from seqapp.errors import BadInput

DEFAULT = "0.7,0.15,0.15"


@dataclass(frozen=True)
class Split:
    """Row ranges `[start, stop)` of the three splits, in time order and without overlap."""

    train: tuple[int, int]
    validation: tuple[int, int]
    test: tuple[int, int]

    def shifted(self, rows: int) -> Split:
        """Return the same splits, `rows` rows later."""
        return Split(*((start + rows, stop + rows) for start, stop in (self.train, self.validation, self.test)))

    def describe(self, dates: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the rows of each split, and its first and last date where there are dates, for run.json."""
        description: dict[str, Any] = {}
        for name in SPLITS:
            start, stop = getattr(self, name)
            description[name] = {"rows": [start, stop]}
            if dates is not None:
                description[name] |= {"first": dates[start], "last": dates[stop - 1]}
        return description


def split_option() -> Any:
    """Return the field `split` of a dataset's `Options`."""
    return option(
        DEFAULT,
        "Fractions (at most 1 in all) or row counts, in time order; rows beyond their sum are left out.",
        metavar="TRAIN,VALIDATION,TEST",
    )


def split_at_option() -> Any:
    """Return the field `split_at` of a dataset's `Options`."""
    return option(None, "First day of validation and first day of test, in place of --split.", metavar="DATE,DATE")


def cut(rows: int, split: str, minimum: int = 1) -> Split:
    """Cut rows by `--split`.

    Args:
        rows: number of rows.
        split: the option's value: three fractions or three row counts.
        minimum: rows that each split must have.

    Raises:
        BadInput: the option is not readable, or a split is too short.

    Example: 100 rows, "0.7,0.15,0.15" -> 0-70, 70-85, 85-100. 100 rows, "60,20,10" -> 0-60, 60-80, 80-90.
    """
    try:
        parts = [float(part) for part in split.split(",")]
    except ValueError:
        parts = []
    if len(parts) != 3 or not all(0 < part < math.inf for part in parts):
        raise BadInput(f"--split: expected three positive numbers such as {DEFAULT} or 700,150,150, got '{split}'.")
    fractions = max(parts) < 1
    if fractions and sum(parts) > 1 + 1e-9:
        raise BadInput(f"--split: the fractions {split} sum to {sum(parts):g}, more than 1.")
    if not fractions and any(part != int(part) for part in parts):
        raise BadInput(f"--split: expected all fractions below 1 or all whole row counts, got '{split}'.")
    total = 0.0
    bounds = [0]
    for part in parts:
        total += part * rows if fractions else part
        bounds.append(math.floor(total + 1e-6))
    if bounds[-1] > rows:
        raise BadInput(f"--split: {split} asks for {bounds[-1]} rows, the data has {rows}.")
    return _from_bounds(bounds, minimum)


def cut_at_dates(dates: Sequence[str], split_at: str, minimum: int = 1) -> Split:
    """Cut rows by `--split-at`: where validation and test begin.

    Args:
        dates: of the rows, in ISO format, ascending.
        split_at: the option's value: two dates.
        minimum: rows that each split must have.

    Raises:
        BadInput: the option is not readable, or a split is too short.
    """
    parts = [part.strip() for part in split_at.split(",")]
    if len(parts) != 2 or parts[0] >= parts[1]:
        raise BadInput(f"--split-at: expected two ascending dates such as 2019-01-01,2020-01-01, got '{split_at}'.")
    bounds = [0, *(bisect.bisect_left(dates, part) for part in parts), len(dates)]
    return _from_bounds(bounds, minimum)


def cut_table(table: Table, dates: Sequence[str] | None, split: str, split_at: str | None, minimum: int = 1) -> Split:
    """Cut a table's rows by `--split-at` if it has a value, else by `--split`.

    Args:
        table: has the rows.
        dates: of the rows, in ISO format, ascending; None if there are none.
        split: the value of `--split`.
        split_at: the value of `--split-at`.
        minimum: rows that each split must have.

    Raises:
        BadInput: an option is not readable or needs dates, or a split is too short.
    """
    if not split_at:
        return cut(table.rows, split, minimum)
    if dates is None:
        raise BadInput(f"--split-at: {table.source} has no date column; name one with --date, or use --split.")
    return cut_at_dates(dates, split_at, minimum)


def _from_bounds(bounds: list[int], minimum: int) -> Split:
    parts = list(itertools.pairwise(bounds))
    for name, (start, stop) in zip(SPLITS, parts, strict=True):
        if stop - start < minimum:
            raise BadInput(
                f"the {name} split has {stop - start} rows, {minimum} are needed; give more data, or another --split."
            )
    return Split(*parts)
