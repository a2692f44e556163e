"""The options of a series on the command line, and the values that depend on the data where they are left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from seqapp.data import splits
from seqapp.errors import BadInput
from seqapp.tasks.series.features import PERIODS
from seqapp.tasks.series.scale import KINDS
from seqapp.tasks.series.spec import CHANNELS, MISSING, STRATEGIES

WINDOW = 33  # rows without a season
MAX_WINDOW = 1000  # rows with a season, unless two seasons are longer


@dataclass(frozen=True)
class Asked:
    """The options of a series, as they were given; None is left to the data."""

    csv: tuple[str, ...]
    series: str | None
    target: str | None
    inputs: str | None
    known: str | None
    category: str | None
    calendar: str | None
    date: str | None
    window: int | None
    horizon: int
    season: int | None
    segment: int | None
    channels: str
    strategy: str
    scale: str | None
    levels: str
    missing: str
    split: str
    split_at: str | None

    def interval_levels(self) -> tuple[float, ...]:
        """Return the nominal coverage of the intervals in percent.

        Raises:
            BadInput: a level is not a number between 0 and 100, or two are equal.
        """
        try:
            levels = tuple(float(part) for part in self.levels.split(","))
        except ValueError:
            levels = ()
        if not levels or not all(0 < level < 100 for level in levels) or len(set(levels)) < len(levels):
            raise BadInput(f"--levels: expected different percentages such as 80,95, got '{self.levels}'.")
        return levels

    def calendar_items(self) -> tuple[str, ...]:
        """Return the items of the calendar.

        Raises:
            BadInput: an item is not one of `PERIODS`.
        """
        items = split_names(self.calendar)
        for item in items:
            if item not in PERIODS:
                raise BadInput(f"--calendar: expected {', '.join(PERIODS)}, got '{item}'.")
        return items

    def window_and_segment(self, season: int | None, training: int, changes: bool) -> tuple[int, int]:
        """Return the rows of a window and of a time step; what was left out depends on the data.

        A season becomes a time step; the window has 2 to 14 of them, at most `MAX_WINDOW` rows and a quarter of the
        training rows. Without a season, or with rows read as changes, each row is a time step and a window has 33.

        Args:
            season: rows in a season, or None.
            training: rows of the shortest training split.
            changes: whether rows are read as changes from the row before.

        Raises:
            BadInput: the segment does not divide the steps of the window.
        """
        segment = self.segment or (season if season and not changes and not self.window else 1)
        window = self.window
        if window is None:
            seasons = max(2, min(14, training // (4 * season), MAX_WINDOW // season)) if season else 0
            window = seasons * season if season and not changes else WINDOW
        steps = window - (1 if changes else 0)
        if steps % segment:
            less = ", one step less than rows, as changes are read" if changes else ""
            raise BadInput(f"--segment {segment}: does not divide the {steps} steps of --window {window}{less}.")
        return window, segment


def split_names(names: str | None) -> tuple[str, ...]:
    """Split names at commas, without repetitions.

    Example: "a, b" -> ("a", "b")
    """
    return tuple(dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip()))


OPTIONS: list[Callable[[Any], Any]] = [
    click.option(
        "--csv",
        multiple=True,
        type=click.Path(resolve_path=True),
        metavar="FILE|FOLDER|PATTERN",
        help="CSV with a header, may be given again; several make one model.  [default: matplotlib's goog.npz]",
    ),
    click.option("--series", metavar="COLUMN", help="A long table: the column that names the series of each row."),
    click.option("--target", metavar="COLUMN,…", help="To predict.  [default: close, else the only column of numbers]"),
    click.option("--inputs", metavar="COLUMN,…", help="Further numbers to look at."),
    click.option("--known", metavar="COLUMN,…", help="Numbers known in advance, such as holidays or planned prices."),
    click.option("--category", metavar="COLUMN,…", help="Categories to look at."),
    click.option("--calendar", metavar="ITEM,…", help="Look at the date's hour, weekday or month."),
    click.option("--date", metavar="COLUMN", help="Date column.  [default: one called date, month, time …]"),
    click.option("--window", type=click.IntRange(min=3), help="Rows that the model sees.  [default: by the season]"),
    click.option(
        "--horizon",
        default=1,
        show_default=True,
        type=click.IntRange(min=1),
        help="Rows ahead to predict at once.",
    ),
    click.option("--season", type=click.IntRange(min=2), help="Rows in a season.  [default: by the dates' rhythm]"),
    click.option("--segment", type=click.IntRange(min=1), help="Rows that make one step.  [default: by the season]"),
    click.option(
        "--channels",
        default="joint",
        show_default=True,
        type=click.Choice(CHANNELS),
        help="Several targets: read together, or each by itself by one network.",
    ),
    click.option(
        "--strategy",
        default="direct",
        show_default=True,
        type=click.Choice(STRATEGIES),
        help="The horizon said at once, or row by row from its own medians.",
    ),
    click.option("--scale", type=click.Choice(KINDS), help="How values are read.  [default: by the season]"),
    click.option("--levels", default="80,95", show_default=True, help="Percent that the intervals are to cover."),
    click.option(
        "--missing",
        default="error",
        show_default=True,
        type=click.Choice(MISSING),
        help="A gap: stop, leave the row out, take the value before, or show the model that it is one.",
    ),
    splits.by_date,
    splits.by_rows,
]


def series_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare all of `Asked` on a dataset's `load`."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function
