"""Daily logs: the category of a day, from what is known of that day and from the days before, gaps included.

`Log` holds the columns; `LogTask` turns rows into network inputs and answers. daily_log_data.py cuts windows and
measures predictions. A dataset file brings the rows: from a CSV, or simulated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Encoded, Network, Raw, Tensor, outputs
from seqapp.data.table import Table, parse_csv
from seqapp.errors import BadInput, expect
from seqapp.features import Vectors
from seqapp.generation.asking import AskingTask
from seqapp.generation.sampling import sample
from seqapp.heads import Category


@dataclass(frozen=True)
class LogColumns:
    """What the columns of a log are to a model, by name."""

    target: str  # the category to predict
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    known: tuple[str, ...]  # those of the two that are known of the day itself


@dataclass(frozen=True)
class Log:
    """The rows of a log in time order.

    Args:
        numbers: float `(rows, columns)`, NaN where a value is missing.
        texts: each categorical column, str `(rows,)`, "" where a value is missing.
        target: str `(rows,)`, "" where it is unknown.
        dates: ISO dates `(rows,)`, if there are any.
    """

    numbers: NDArray[Any]
    texts: Mapping[str, NDArray[Any]]
    target: NDArray[Any]
    dates: list[str] | None = None

    @property
    def rows(self) -> int:
        """The number of days."""
        return len(self.target)


@dataclass(frozen=True)
class LogTask(AskingTask):
    """Rows `(batch, days)` -> the target of one day, with the probability of every class.

    With `known` columns that day is the last row: its known columns are read, its target is ignored. Without, it is the
    day after the last row.
    """

    target: str
    classes: tuple[str, ...]
    numeric: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    categorical: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]  # of each categorical column
    known: tuple[str, ...]  # columns that are known of the day itself
    window: int
    numbers: str = "numbers"  # the signature's name for all numeric columns together

    def __post_init__(self) -> None:
        columns, sizes = (*self.numeric, *self.categorical), {len(self.numeric), len(self.mean), len(self.scale)}
        names = [self.name(column) for column in (*self.categorical, self.target)]
        expect(len(sizes) == 1 and all(self.scale), "a mean and a scale for each column of numbers")
        expect(len(self.levels) == len(self.categorical), "levels for each column of categories")
        expect(set(self.known) <= set(columns), "known columns among the others", self.known)
        expect(len(set(self.classes) - {""}) == len(self.classes) > 1, "two different classes or more", self.classes)
        expect(self.window > 1, "a window of 2 rows or more", self.window)
        expect(
            len({*names, self.numbers}) == len(names) + 1, "names of columns that differ in letters and digits", names
        )

    @property
    def inputs(self) -> Vectors:
        """The day's known columns, then all other columns and the target of the day before."""
        return Vectors(2 * len(self.numeric) + sum(map(len, self.levels)) + len(self.classes))

    @property
    def head(self) -> Category:
        """The target's class."""
        return Category(len(self.classes))

    def name(self, column: str) -> str:
        """Return a column's name in the signature: letters, digits and underscores."""
        plain = re.sub(r"\W+", "_", column).strip("_") or "column"
        return f"{plain}_" if plain in ("classes", "probability", self.numbers) or plain[0].isdigit() else plain

    def signature(self) -> dict[str, Any]:
        """Return all numeric columns as one input (NaN = unknown), each text column as strings ("" = unknown)."""
        import tensorflow as tf

        numbers = {self.numbers: tf.TensorSpec([None, None, len(self.numeric)], tf.float32)} if self.numeric else {}
        texts = [*self.categorical, self.target]
        return numbers | {self.name(column): tf.TensorSpec([None, None], tf.string) for column in texts}

    def encode(self, raw: Raw) -> Encoded:
        """Return `(batch, steps, size)`: at each day its known columns beside all others of the day before.

        A number is standardised, and stands beside 1 where it is missing; a category is one-hot.
        """
        import tensorflow as tf

        target = _one_hot(self._check_target(raw[self.name(self.target)]), self.classes)
        known: list[Tensor] = []
        before = [target]
        for index, column in enumerate(self.numeric):
            value = (raw[self.numbers][..., index] - self.mean[index]) / self.scale[index]
            missing = tf.math.is_nan(value)
            pair = tf.stack([tf.where(missing, 0.0, value), tf.cast(missing, tf.float32)], -1)
            (known if column in self.known else before).append(pair)
        for column, levels in zip(self.categorical, self.levels, strict=True):
            (known if column in self.known else before).append(_one_hot(raw[self.name(column)], levels))
        past = tf.concat(before, -1)
        if not self.known:
            return Encoded(tf.pad(past, [[0, 0], [1, 0], [0, 0]]))
        return Encoded(tf.concat([*known, tf.pad(past[:, :-1], [[0, 0], [1, 0], [0, 0]])], -1))

    def _check_target(self, target: Tensor) -> Tensor:
        """Return the target's values with a check in the graph that each is a class or unknown."""
        import tensorflow as tf

        from seqapp.saved_model.checks import require

        valid = tf.equal(target, "") | tf.reduce_any(tf.equal(target[..., tf.newaxis], tf.constant(self.classes)), -1)
        wrong = tf.strings.reduce_join(tf.boolean_mask(target, ~valid), separator=", ")
        message = f"{self.name(self.target)}: expected {', '.join(self.classes)} or nothing (unknown), got {{}}"
        return require(target, tf.reduce_all(valid), message, wrong)

    def answer(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Return the most likely class `(batch,)`, and all classes with their probabilities `(batch, classes)`."""
        import tensorflow as tf

        probability = tf.nn.softmax(outputs(network, self.encode(raw))[:, -1])
        classes = tf.tile(tf.constant(self.classes)[tf.newaxis], [tf.shape(probability)[0], 1])
        likeliest = tf.gather(tf.constant(self.classes), tf.argmax(probability, -1))
        return {self.name(self.target): likeliest, "classes": classes, "probability": probability}

    def labels(self, raw: Raw) -> list[str]:
        """Return the target of each day, "?" where unknown; "" before the first day if no column is known."""
        targets = [str(value) or "?" for value in raw[self.name(self.target)][0]]
        return targets if self.known else ["", *targets]

    def raw(self, log: Log, rows: slice) -> Raw:
        """Return rows of a log as raw inputs, batch axis 1."""
        texts = {self.name(column): log.texts[column][np.newaxis, rows] for column in self.categorical}
        numbers = {self.numbers: log.numbers[np.newaxis, rows].astype(np.float32)} if self.numeric else {}
        return numbers | texts | {self.name(self.target): log.target[np.newaxis, rows]}

    def read(self, text: str, source: str) -> Raw:
        """Read a CSV with the log's columns; with known columns, the target of its last row must be empty."""
        columns = LogColumns(self.target, self.numeric, self.categorical, self.known)
        log = read_log(parse_csv(text, source), columns)
        if self.known and log.target[-1]:
            raise BadInput(
                f"{source}: expected '{self.target}' of the last row to be empty, as it is to be predicted, got "
                f"'{log.target[-1]}'. Add a row with {', '.join(self.known)} of the day to predict."
            )
        unknown = sorted(set(log.target) - {"", *self.classes})
        if unknown:
            raise BadInput(
                f"{source}, column '{self.target}': '{unknown[0]}' did not occur in training. "
                f"Expected one of {', '.join(self.classes)}, or nothing where it is unknown."
            )
        return self.raw(log, slice(-self.window, None))

    def describe(self, answer: Raw) -> str:
        """Write the most likely class, then each class with its probability, best first."""
        ranked = sorted(zip(answer["probability"], answer["classes"], strict=True), reverse=True)
        shares = ", ".join(f"{name} {share:.1%}" for share, name in ranked)
        return f"{self.target}: {answer[self.name(self.target)]}  ({shares})"

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """Append the sampled class to the log; all other columns repeat those of `window` days ago."""
        item = str(answer["classes"][0, sample(answer["probability"][0], temperature, random)])
        shifted = {name: np.concatenate([values, values[:, :1]], 1) for name, values in raw.items()}
        target = shifted[self.name(self.target)].astype(object)
        target[0, -2 if self.known else -1] = item
        if self.known:
            target[0, -1] = ""
        shifted[self.name(self.target)] = target
        return {name: values[:, -self.window :] for name, values in shifted.items()}, item


def read_log(table: Table, columns: LogColumns, dates: list[str] | None = None) -> Log:
    """Return the columns of a table as a log."""
    numbers = table.numbers([table.name(column, "") for column in columns.numeric])
    texts = {name: np.array(table.categories(table.name(name, "")), object) for name in columns.categorical}
    target = np.array(table.categories(table.name(columns.target, "")), object)
    return Log(numbers, texts, target, dates)


def _one_hot(values: Tensor, names: tuple[str, ...]) -> Tensor:
    """Encode strings `(...)` as float32 `(..., names)`; all zeros for a string that is not among the names."""
    import tensorflow as tf

    return tf.cast(tf.equal(values[..., tf.newaxis], tf.constant(names, tf.string)), tf.float32)
