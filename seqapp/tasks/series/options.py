"""The options of a series; the data decides the values that are left out."""

from __future__ import annotations

from dataclasses import dataclass

from seqapp.contract.options import option
from seqapp.data import splits
from seqapp.errors import BadInput
from seqapp.tasks.series.features import PERIODS
from seqapp.tasks.series.scale import KINDS
from seqapp.tasks.series.spec import CHANNELS, MISSING, STRATEGIES

WINDOW = 33  # rows without a season
MAX_WINDOW = 1000  # rows with a season, unless two seasons are longer


@dataclass(frozen=True)
class SeriesOptions:
    """The options of a dataset of series; None leaves a value to the data."""

    csv: tuple[str, ...] = option(
        (), "CSV with a header, may be given again; several files make one model.",
        metavar="FILE|FOLDER|PATTERN", default_text="matplotlib's goog.npz", is_path=True,
    )  # fmt: skip
    series: str | None = option(
        None, "In a table of several series: the column with the name of each row's series.", metavar="COLUMN"
    )
    target: str | None = option(
        None, "Columns to predict.", metavar="COLUMN,…", default_text="close, else the only numeric column"
    )
    inputs: str | None = option(None, "Further numeric columns to read.", metavar="COLUMN,…")
    known: str | None = option(
        None, "Numeric columns known in advance, such as holidays or planned prices.", metavar="COLUMN,…"
    )
    category: str | None = option(None, "Categorical columns to read.", metavar="COLUMN,…")
    calendar: str | None = option(None, "Read the date's hour, weekday or month.", metavar="ITEM,…")
    date: str | None = option(None, "Date column.", metavar="COLUMN", default_text="one called date, month, time …")
    window: int | None = option(None, "Number of rows that the model reads.", minimum=3, default_text="by the season")
    horizon: int = option(1, "Number of rows to predict at once.", minimum=1)
    season: int | None = option(
        None, "Number of rows in a season.", minimum=2, default_text="by the frequency of the dates"
    )
    segment: int | None = option(None, "Number of rows in one step.", minimum=1, default_text="by the season")
    channels: str = option(
        "joint", "Several targets: read together, or each by itself with the same network.", choices=CHANNELS
    )
    strategy: str = option(
        "direct", "Predict the whole horizon directly, or recursively row by row from the predicted medians.",
        choices=STRATEGIES,
    )  # fmt: skip
    scale: str | None = option(None, "How values are scaled.", choices=KINDS, default_text="by the season")
    levels: str = option("80,95", "Coverage of the intervals in percent.")
    missing: str = option(
        "error", "A gap: stop, drop the row, use the last value, or show the model that the value is missing.",
        choices=MISSING,
    )  # fmt: skip
    split_at: str | None = splits.split_at_option()
    split: str = splits.split_option()

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
