"""Weather-dinner: what is for dinner, from today's weather and earlier dinners, also after two weeks away.

The days are simulated by default: a fair day has the next dinner in the cycle pizza, sushi, waffles, a rainy day the
same as the day before, with an occasional whim; in stretches of up to 14 days nobody was home and the dinners are
unknown. With --csv: any daily log, a category predicted from numbers and categories, gaps included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.options import option
from seqapp.data import splits
from seqapp.data.table import read_csv
from seqapp.errors import BadInput
from seqapp.system.files import sha256
from seqapp.tasks.classification.daily_log import Log, LogColumns, LogTask, read_log
from seqapp.tasks.classification.daily_log_data import LogDataset
from seqapp.tasks.classification.daily_log_loading import fit_task, log_columns

Task = LogTask
DEFAULTS = {"units": 32, "epochs": 12, "batch_size": 64, "learning_rate": 0.005, "patience": 6}
DINNERS = ("pizza", "sushi", "waffles")  # in the order of the cycle
WEATHER = ("high", "low", "wind", "precipitation", "humidity")  # °F, °F, mph, inches, 0 to 1
LONGEST_ABSENCE = 14
DAYS_LIMIT = 10_000_000


@dataclass(frozen=True)
class Options:
    """Options of a daily log; without `csv` it is simulated."""

    csv: str | None = option(None, "A daily log.", default_text="simulated days", is_path=True)
    target: str = option("dinner", "With --csv: the category to predict.")
    inputs: str | None = option(None, "With --csv: further columns, known of the days before.", metavar="COLUMN,…")
    known: str | None = option(
        None, "With --csv: further columns, known of the day itself too (a forecast).", metavar="COLUMN,…"
    )
    date: str | None = option(None, "With --csv: the date column.", default_text="one called date, day …")
    window: int = option(30, "Number of days that the model reads.", minimum=2)
    days: int = option(150000, "Number of days to simulate.", minimum=300, maximum=DAYS_LIMIT)
    noise: float = option(0.03, "Fraction of simulated days with a whim.", minimum=0, maximum=1)
    hide: int | None = option(
        None, "Copies of each training window in which a stretch of the target is hidden from the model.",
        minimum=0, default_text="3 where the log has gaps, else 0",
    )  # fmt: skip
    split_at: str | None = splits.split_at_option()
    split: str = splits.split_option()


def load(options: Options, seed: int) -> LogDataset:
    """Read or simulate a log and split it by time; scales and categories are fitted on the training days."""
    return _read_log(options, seed) if options.csv else _simulate_log(options, seed)


def _simulate_log(options: Options, seed: int) -> LogDataset:
    if options.inputs or options.known or options.date or options.split_at or options.target != "dinner":
        raise BadInput("--target, --inputs, --known, --date and --split-at describe a CSV: give one with --csv FILE.")
    log, best = simulate(options.days, options.noise, np.random.default_rng(seed))
    cut = splits.cut(options.days, options.split)
    task = fit_task(log, cut.train, LogColumns("dinner", WEATHER, (), WEATHER), options.window, "weather")
    checksum = sha256(log.numbers.tobytes(), "".join(log.target))
    data = {"sha256": checksum, "rows": options.days, "source": "simulated"}
    return LogDataset(task, log, cut, data, 3 if options.hide is None else options.hide, seed, lambda: best)


def _read_log(options: Options, seed: int) -> LogDataset:
    table, checksum = read_csv(str(options.csv))
    columns = log_columns(table, options.target, options.known, options.inputs)
    log = read_log(table, columns, table.dates(options.date))
    cut = splits.cut_table(table, log.dates, options.split, options.split_at)
    task = fit_task(log, cut.train, columns, options.window, "numbers")
    gaps = bool((log.target[slice(*cut.train)] == "").any())
    data = {"sha256": checksum, "rows": table.rows, "source": options.csv}
    hide = (3 if gaps else 0) if options.hide is None else options.hide
    return LogDataset(task, log, cut, data, hide, seed)


def simulate(days: int, noise: float, random: np.random.Generator) -> tuple[Log, NDArray[np.float64]]:
    """Simulate days of weather and dinners.

    Args:
        days: how many.
        noise: fraction of days with a whim.
        random: generates everything.

    Returns:
        The log, and the best possible forecast of each dinner from all that was known before it, `(days, 3)`.
    """
    numbers, wet = _weather(days, random)
    dinner = np.zeros(days, int)
    for day in range(1, days):
        usual = dinner[day - 1] + (not wet[day])
        dinner[day] = (usual + (random.integers(1, 3) if random.random() < noise else 0)) % 3
    away = _absences(days, random)
    target = np.where(away, "", np.array(DINNERS, object)[dinner])
    return Log(numbers, {}, target), best_possible(wet, np.where(away, -1, dinner), noise)


def _weather(days: int, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Simulate the columns of WEATHER, `(days, 5)`, and whether each day is rainy, `(days,)`.

    Temperatures follow the season with anomalies that last some days; rain comes in spells; rainy days are humid.
    """
    season = np.sin(2 * np.pi * (np.arange(days) - 105) / 365.25)
    anomaly, wet = np.zeros(days), np.zeros(days, bool)
    for day in range(1, days):
        anomaly[day] = 0.7 * anomaly[day - 1] + 5 * random.standard_normal()
        wet[day] = random.random() < (0.6 if wet[day - 1] else 0.3 - 0.1 * season[day])
    high = 62 + 20 * season + anomaly - 4 * wet
    low = high - random.gamma(9, 1.6, days)
    wind = random.gamma(4, 2, days) + 2 * wet
    precipitation = np.where(wet, 0.1 + random.gamma(2, 0.12, days), 0.0)
    humidity = np.clip(0.55 + 0.25 * wet + 0.1 * random.standard_normal(days), 0.1, 1.0)
    return np.stack([high, low, wind, precipitation, humidity], 1).round(2), wet


def best_possible(wet: NDArray[np.bool_], dinner: NDArray[np.int64], noise: float) -> NDArray[np.float64]:
    """Return the probability of each day's dinner from all that was known before it: a forward filter.

    Args:
        wet: whether each day is rainy, `(days,)`.
        dinner: the dinner's index in the cycle, -1 where unknown, `(days,)`.
        noise: fraction of days with a whim, which makes the two other dinners equally likely.

    Returns:
        Probabilities `(days, 3)`.
    """
    belief, forecast = np.full(3, 1 / 3), np.zeros((len(wet), 3))
    for day in range(len(wet)):
        usual = belief if wet[day] else np.roll(belief, 1)
        belief = forecast[day] = usual * (1 - 1.5 * noise) + 0.5 * noise
        if dinner[day] >= 0:
            belief = np.eye(3)[dinner[day]]
    return forecast


def _absences(days: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Simulate when nobody is home: for 1 to 14 days in a row, about once a month; bool `(days,)`."""
    away = np.zeros(days, bool)
    day = 0
    while day < days:
        day += int(random.integers(8, 40))
        length = int(random.integers(1, LONGEST_ABSENCE + 1))
        away[day : day + length] = True
        day += length
    return away
