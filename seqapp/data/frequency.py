"""The rhythm of dated rows: how far apart they are, what its season is, and which dates come next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DAY = 86_400  # seconds
WEEKDAYS = "B"


def rhythm(dates: Sequence[str]) -> str | None:
    """Pandas's name for the rhythm of ISO dates, oldest first: "h", "MS", "B" (weekdays) …; None: too few rows.

    Rows that are left out, such as holidays, do not change it: the commonest step counts.

    Example: 2020-01-02, 2020-01-03, 2020-01-06, 2020-01-08 -> "B"
    """
    import pandas as pd

    if len(dates) < 3:
        return None
    stamps = pd.DatetimeIndex(pd.to_datetime(list(dates[-1000:]), format="ISO8601"))
    with pd.option_context("future.infer_freq_returns_offset", True):
        exact = pd.infer_freq(stamps)
    if exact is not None:
        return str(exact.freqstr)
    steps, counts = np.unique(np.diff(stamps.as_unit("s").asi8), return_counts=True)
    usual = int(steps[counts.argmax()])
    if usual == DAY and (stamps.day_of_week < 5).all():
        return WEEKDAYS
    if 28 * DAY <= usual <= 31 * DAY:
        return "MS" if (stamps.day == 1).all() else "ME"
    return str(pd.tseries.frequencies.to_offset(pd.Timedelta(seconds=usual)).freqstr)


def is_one(name: str | None) -> bool:
    """Whether this is None, or a rhythm by its name."""
    import pandas as pd

    try:
        return name is None or pd.tseries.frequencies.to_offset(name) is not None
    except ValueError:
        return False


def following(last: str, name: str | None, steps: int) -> list[str]:
    """The next `steps` dates after an ISO date, by rhythm; without one, "+1", "+2", …"""
    import pandas as pd

    if name is None:
        return [f"+{step}" for step in range(1, steps + 1)]
    offset = pd.tseries.frequencies.to_offset(name)
    stamp = pd.Timestamp(last)
    found = []
    for _ in range(steps):
        stamp = stamp + offset
        found.append(stamp.date().isoformat() if len(last) == len("2020-01-01") else stamp.isoformat())
    return found


def season(name: str | None) -> int | None:
    """How many rows of a rhythm make a season: a day of hours, a week of days, a year of months; else None."""
    import pandas as pd

    if name is None or name == WEEKDAYS:
        return None
    for start, rows in (("W", 52), ("M", 12), ("Q", 4), ("BM", 12), ("BQ", 4)):
        if name.startswith(start):
            return rows
    try:
        seconds = pd.Timedelta(pd.tseries.frequencies.to_offset(name)).total_seconds()
    except ValueError:
        return None
    if seconds == DAY:
        return 7
    return int(DAY / seconds) if seconds < DAY and DAY % seconds == 0 else None
