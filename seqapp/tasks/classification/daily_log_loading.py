"""From a table to a daily log's task: which columns are numbers, and what is fitted on the training rows."""

from __future__ import annotations

import numpy as np

from seqapp.data.table import Table
from seqapp.errors import BadInput
from seqapp.tasks.classification.daily_log import Log, LogColumns, LogTask

CATEGORIES_LIMIT = 20  # a target with more different values that are all numbers is not a category


def log_columns(table: Table, target: str, known: str | None, inputs: str | None) -> LogColumns:
    """Find the columns of a log by their exact names.

    Args:
        table: the log.
        target: the option `--target`.
        known: the option `--known`, names between commas.
        inputs: the option `--inputs`, names between commas.

    Raises:
        BadInput: there is no such column.
    """
    target = table.name(target, "--target")
    ahead = _names(table, known, "--known")
    columns = [*ahead, *(name for name in _names(table, inputs, "--inputs") if name not in (*ahead, target))]
    numeric = tuple(name for name in columns if all(_is_number(value) for value in table.categories(name) if value))
    categorical = tuple(name for name in columns if name not in numeric)
    return LogColumns(target, numeric, categorical, tuple(ahead))


def fit_task(log: Log, train: tuple[int, int], columns: LogColumns, window: int, numbers: str) -> LogTask:
    """Fit classes, scales and levels on the training rows.

    Args:
        log: all rows.
        train: the training rows.
        columns: what the log's columns are.
        window: days that the network reads.
        numbers: the signature's name for all numeric columns together.

    Raises:
        BadInput: the target is not a category, or there are too few training rows.
    """
    rows = slice(*train)
    known = [values[~np.isnan(values)] for values in log.numbers[rows].T]
    return LogTask(
        target=columns.target,
        classes=_classes(log, train, columns.target, window),
        numeric=columns.numeric,
        mean=tuple(float(values.mean()) if len(values) else 0.0 for values in known),
        scale=tuple(float(values.std()) or 1.0 if len(values) else 1.0 for values in known),
        categorical=columns.categorical,
        levels=tuple(tuple(sorted(set(log.texts[column][rows]) - {""})) for column in columns.categorical),
        known=columns.known,
        window=window,
        numbers=numbers,
    )


def _classes(log: Log, train: tuple[int, int], target: str, window: int) -> tuple[str, ...]:
    """Return the target's classes in the training rows, in alphabetical order."""
    classes = tuple(sorted(set(log.target[slice(*train)]) - {""}))
    if len(classes) > CATEGORIES_LIMIT and all(_is_number(name) for name in classes):
        raise BadInput(
            f"column '{target}': expected categories, got {len(classes)} different numbers. "
            "seqapp train stock predicts numbers."
        )
    if len(classes) < 2:
        raise BadInput(f"column '{target}': expected at least two categories in the training rows, got {len(classes)}.")
    later = sorted(set(log.target) - {"", *classes})
    if later:
        raise BadInput(
            f"column '{target}': '{later[0]}' occurs only after the training rows, so it cannot be learnt. "
            "Use another --split."
        )
    if train[1] <= window:
        raise BadInput(
            f"--window {window} needs more than {window} training rows, got {train[1]}. Use a smaller --window."
        )
    return classes


def _names(table: Table, columns: str | None, option: str) -> list[str]:
    return [table.name(column.strip(), option) for column in (columns or "").split(",") if column.strip()]


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
