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
            stamps = pd.to_datetime(column, format=guessed, errors="coerce")
            if stamps.notna().all():
                found[guessed] = stamps
    if not found:
        return pd.to_datetime(column, format="mixed", errors="coerce"), None
    spans = {guessed: stamps.max() - stamps.min() for guessed, stamps in found.items()}
    best = min(spans, key=lambda guessed: spans[guessed])
    return found[best], best
