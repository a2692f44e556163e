"""The frequency of dated rows: how far apart they are, how long a season is, and which dates come next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DAY = 86_400  # seconds
WEEKDAYS = "B"
SEASONS = (("W", 52), ("M", 12), ("Q", 4), ("BM", 12), ("BQ", 4))  # rows a season, by how a frequency's name begins


def infer_frequency(dates: Sequence[str]) -> str | None:
    """Return pandas's name for the frequency of dates: "h", "MS", "B" (weekdays) …

    Rows that are missing, such as holidays, do not change it: the most frequent step decides.

    Args:
        dates: in ISO format, oldest first.

    Returns:
        None if there are fewer than three dates.

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
    usual = int(steps[counts.argmax()])  # seconds
    if usual == DAY and (stamps.day_of_week < 5).all():
        return WEEKDAYS
    if 28 * DAY <= usual <= 31 * DAY:
        return "MS" if (stamps.day == 1).all() else "ME"
    return str(pd.tseries.frequencies.to_offset(pd.Timedelta(seconds=usual)).freqstr)


def is_frequency(name: str | None) -> bool:
    """Return whether this is None, or the name of a frequency."""
    import pandas as pd

    try:
        return name is None or pd.tseries.frequencies.to_offset(name) is not None
    except ValueError:
        return False


def next_dates(last: str, frequency: str | None, steps: int) -> list[str]:
    """Return the `steps` dates after an ISO date; "+1", "+2", … if the frequency is None."""
    import pandas as pd

    if frequency is None:
        return [f"+{step}" for step in range(1, steps + 1)]
    offset = pd.tseries.frequencies.to_offset(frequency)
    stamp, dates = pd.Timestamp(last), []
    for _ in range(steps):
        stamp = stamp + offset
        dates.append(stamp.date().isoformat() if len(last) == len("2020-01-01") else stamp.isoformat())
    return dates


def season_length(frequency: str | None) -> int | None:
    """Return the rows of a season: a day of hours, a week of days, a year of months; None if there is no usual one."""
    import pandas as pd

    if frequency is None or frequency == WEEKDAYS:
        return None
    for start, rows in SEASONS:
        if frequency.startswith(start):
            return rows
    try:
        seconds = pd.Timedelta(pd.tseries.frequencies.to_offset(frequency)).total_seconds()
    except ValueError:
        return None
    if seconds == DAY:
        return 7
    return int(DAY / seconds) if seconds < DAY and DAY % seconds == 0 else None
