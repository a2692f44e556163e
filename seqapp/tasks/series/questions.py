"""Raw inputs from a CSV file or a series, the dates of the rows to forecast, and the next row by sampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqapp.contract import Raw
from seqapp.data.frequency import next_dates
from seqapp.data.table import Table, parse_csv
from seqapp.errors import BadInput
from seqapp.tasks.series.files import Columns, Series, cut_table, read_series
from seqapp.tasks.series.spec import SeriesSpec


def read(spec: SeriesSpec, text: str, source: str) -> Raw:
    """Read a CSV with the columns of the training data, to forecast the rows after its last one.

    Args:
        spec: the columns and the window.
        text: CSV with a header. In a long table each series is forecast.
        source: the name of the file in error messages.

    Returns:
        The raw inputs, one row of the batch for each series.

    Raises:
        BadInput: a column is missing, a value is not usable, or there are too few rows.
    """
    table = parse_csv(text, source)
    long = spec.series is not None and spec.series in table.columns
    tables = cut_table(table, str(spec.series)) if long else [(source, table)]
    parts = [_of_table(spec, name, part, source, long) for name, part in tables]
    return {key: np.concatenate([raw[key] for raw in parts]) for key in parts[0]}


def _of_table(spec: SeriesSpec, name: str, table: Table, source: str, named: bool) -> Raw:
    names = [table.name(column, "") for column in spec.columns]
    known = len(names) - spec.known
    columns = Columns(
        targets=tuple(names[: spec.targets]),
        inputs=tuple(names[spec.targets : known]),
        known=tuple(names[known:]),
        categories=tuple(table.name(column, "") for column, _ in spec.categories),
        date=spec.date if spec.date in table.columns else None,
    )
    series = read_series(name, table, columns, spec.missing)
    needed = spec.window + (spec.horizon if len(series.known) < spec.horizon and spec.known else 0)
    if len(series.values) < needed:
        of = f", series '{name}'" if named else ""
        raise BadInput(f"{source}{of}: expected at least {needed} rows (the model's window), got {len(series.values)}.")
    return raw_inputs(spec, series, named)


def raw_inputs(spec: SeriesSpec, series: Series, named: bool = False) -> Raw:
    """Return the raw inputs to forecast the rows after the last one of a series.

    Where too little is known in advance of these rows, the last `horizon` rows of the series are forecast instead.

    Args:
        spec: the columns, the window and the horizon.
        series: at least `window` rows, or `window + horizon` where too little is known in advance.
        named: whether to include the name of the series.

    Returns:
        The signature's inputs with a batch axis of 1, and beside them `date`, the dates of the forecast rows;
        `series`, the name; and `earlier`, by how many rows the forecast starts before the end.
    """
    stop, horizon, dates = len(series.values), spec.horizon, series.dates
    known = series.known[:horizon]
    ahead = next_dates(dates[-1], spec.rhythm, horizon) if dates and spec.rhythm else None
    extra: Raw = {"series": np.array([series.name], object)} if named else {}
    if spec.known and len(known) < horizon:
        stop -= horizon
        known = series.values[stop:, len(spec.columns) - spec.known :]
        ahead = dates[stop:] if dates else None
        extra["earlier"] = np.array([horizon])
    rows = slice(stop - spec.window, stop)
    raw: Raw = {"history": series.values[np.newaxis, rows].astype(np.float32)} | extra
    if spec.known:
        raw["known"] = known[np.newaxis].astype(np.float32)
    if spec.categories:
        raw["categories"] = series.categories[np.newaxis, rows]
    if spec.calendar and dates and ahead:
        raw["dates"] = np.array([[*dates[rows], *ahead]], object)
    if ahead:
        raw["date"] = np.array([ahead], object)
    return raw


def describe(spec: SeriesSpec, answer: Raw) -> str:
    """Return one line for each target and row ahead: the date if it is known, the forecast and its intervals."""
    names, lines = spec.output_names(), []
    series = f"{answer['series']}, " if "series" in answer else ""
    dates = answer.get("date", [f"+{ahead}" for ahead in range(1, spec.horizon + 1)])
    for target, column in enumerate(spec.columns[: spec.targets]):
        for ahead, date in enumerate(dates[: spec.horizon]):
            quantiles = [answer[names[target, index]][ahead] for index in range(len(spec.quantiles))]
            bounds = [(level, spec.widest_first.index(level)) for level in spec.levels]
            intervals = [
                f"{level:g} % between {quantiles[index]:.6g} and {quantiles[-1 - index]:.6g}" for level, index in bounds
            ]
            lines.append(f"{series}{column} {date}: {quantiles[len(spec.levels)]:.6g}  ({', '.join(intervals)})")
    return "\n".join(lines)


def extend(spec: SeriesSpec, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
    """Append the next row to the history, each target sampled from its quantiles.

    All other columns, what is known in advance and categories keep their last value; dates continue.

    Args:
        spec: the columns and the levels of the intervals.
        raw: raw inputs with a batch axis of 1.
        answer: the forecast for these inputs, raw units, by output name.
        temperature: scales the distance of the sample from the median; 0 gives the median.
        random: the source of random numbers.

    Returns:
        The new raw inputs, and the sampled value, a list of them with several targets.
    """
    row, names = np.array(raw["history"][:, -1:], np.float32), spec.output_names()
    for target in range(spec.targets):
        knots = [float(answer[names[target, index]][0, 0]) for index in range(len(spec.quantiles))]
        sample = _inverse_cdf(knots, spec.quantiles, spec.logs[target], random.random())
        median = knots[len(spec.levels)]
        row[0, 0, target] = median + temperature * (sample - median)
    extended = raw | {"history": np.concatenate([raw["history"], row], 1)[:, -spec.window :]}
    for name in raw.keys() & {"known", "categories"}:
        extended[name] = np.concatenate([raw[name][:, 1:], raw[name][:, -1:]], 1)
    for name in raw.keys() & {"dates", "date"}:
        after = next_dates(str(raw[name][0, -1]), spec.rhythm, 1)
        extended[name] = np.concatenate([raw[name][:, 1:], np.array([after], object)], 1)
    values = [float(value) for value in row[0, 0, : spec.targets]]
    return extended, values[0] if spec.targets == 1 else values


def _inverse_cdf(knots: list[float], levels: tuple[float, ...], logarithmic: bool, probability: float) -> float:
    """Return the value at a probability, by linear interpolation between quantiles and extrapolation beyond them."""
    values = np.log(knots) if logarithmic else np.array(knots)
    above = int(np.clip(np.searchsorted(levels, probability), 1, len(levels) - 1))
    part = (probability - levels[above - 1]) / (levels[above] - levels[above - 1])
    value = values[above - 1] + part * (values[above] - values[above - 1])
    return float(np.exp(value) if logarithmic else value)
