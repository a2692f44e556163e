"""Dates as people write them: a column is parsed once, by one format for all its rows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DateColumn:
    """The column of dates of a table.

    Args:
        name: of the column.
        stamps: a pandas Series of timestamps, NaT where a text is not a date.
        format: how the dates are written, such as "%Y-%m-%d"; None where they do not all have one format.
    """

    name: str
    stamps: Any
    format: str | None

    @classmethod
    def parse(cls, name: str, texts: Sequence[str]) -> DateColumn:
        """Parse the texts of a column."""
        return cls(name, *read_dates(texts))

    @property
    def descending(self) -> bool:
        """Whether the dates fall from the first row to the last, as in files of Alpha Vantage."""
        import pandas as pd

        return len(self.stamps) > 1 and bool((self.stamps.diff().iloc[1:] < pd.Timedelta(0)).all())

    def take(self, rows: list[int]) -> DateColumn:
        """Return the dates of some rows only."""
        return DateColumn(self.name, self.stamps.iloc[rows].reset_index(drop=True), self.format)

    def first_out_of_order(self) -> int | None:
        """Return the first row that is not a date, or not later than the row before; None if there is no such row."""
        import pandas as pd

        wrong = self.stamps.isna() | (self.stamps.diff() <= pd.Timedelta(0))
        return int(wrong.to_numpy().argmax()) if wrong.any() else None

    def iso(self) -> list[str]:
        """Return the dates in ISO format, without a time if all are at midnight."""
        if (self.stamps == self.stamps.dt.normalize()).all():
            return [stamp.date().isoformat() for stamp in self.stamps]
        return [stamp.isoformat() for stamp in self.stamps]


def read_dates(texts: Sequence[str]) -> tuple[Any, str | None]:
    """Parse dates that are written alike.

    Where day and month could be exchanged, the order with fewer days between the first and the last date is taken.

    Returns:
        A pandas Series of timestamps, NaT where a text is not a date; and the format of all, None if there is not one.

    Example: "01/07/2016", "02/07/2016" -> 1 and 2 July, "%d/%m/%Y"
    """
    import pandas as pd

    column = pd.Series(list(texts))
    by_format: dict[str, Any] = {}
    for pattern in _guess_formats(texts):
        stamps = _parse(column, pattern)
        if stamps.notna().all():
            by_format[pattern] = stamps
    if not by_format:
        return _parse(column, "mixed"), None
    spans = {pattern: stamps.max() - stamps.min() for pattern, stamps in by_format.items()}
    best = min(spans, key=lambda pattern: spans[pattern])
    return by_format[best], best


def _guess_formats(texts: Sequence[str]) -> list[str]:
    """Return the formats that the first text may have, the one with the month first before the other."""
    from pandas.tseries.api import guess_datetime_format

    if not texts:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns of a date that does not begin with its day
        formats = [guess_datetime_format(texts[0], dayfirst=day_first) for day_first in (False, True)]
    return list(dict.fromkeys(pattern for pattern in formats if pattern))


def _parse(column: Any, pattern: str) -> Any:
    """Return timestamps by a format, NaT for what does not match and for years that Python's calendar lacks."""
    import pandas as pd

    try:
        stamps = pd.to_datetime(column, format=pattern, errors="coerce")
    except ValueError:  # several time zones, as where summer time is written out
        stamps = pd.to_datetime(column, format=pattern, errors="coerce", utc=True)
    return stamps.where(stamps.dt.year.between(1, 9999))
