"""Dates as people write them, read by one format for a whole column."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any


def read_dates(texts: Sequence[str]) -> tuple[Any, str | None]:
    """A pandas Series of timestamps, NaT where a text is no date, and the format that all have, if there is one.

    Where day and month could change places, the order counts that leaves fewer days between the first and the last.

    Example: "01/07/2016", "02/07/2016" -> 1 and 2 July, "%d/%m/%Y"
    """
    import pandas as pd
    from pandas.tseries.api import guess_datetime_format

    column = pd.Series(list(texts))
    found: dict[str, Any] = {}
    for day_first in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a date does not begin with its day
            guessed = guess_datetime_format(texts[0], dayfirst=day_first) if texts else None
        if guessed and guessed not in found:
            stamps = _stamps(column, guessed)
            if stamps.notna().all():
                found[guessed] = stamps
    if not found:
        return _stamps(column, "mixed"), None
    spans = {guessed: stamps.max() - stamps.min() for guessed, stamps in found.items()}
    best = min(spans, key=lambda guessed: spans[guessed])
    return found[best], best


def _stamps(column: Any, pattern: str) -> Any:
    """Timestamps by a format, NaT for what is none and for years that no calendar of Python's has."""
    import pandas as pd

    try:
        stamps = pd.to_datetime(column, format=pattern, errors="coerce")
    except ValueError:  # several time zones, as where a summer has one of its own
        stamps = pd.to_datetime(column, format=pattern, errors="coerce", utc=True)
    return stamps.where(stamps.dt.year.between(1, 9999))
