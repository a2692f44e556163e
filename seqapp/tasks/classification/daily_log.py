"""Daily logs: a category of each day, from what is known of the day and from the days before, gaps included.

`Log` holds the columns, `LogTask` turns rows into network inputs. daily_log_data.py cuts windows and measures; a
dataset file brings the rows: from a CSV, or simulated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Raw, Task, Vectors
from seqapp.contract.head import Category, Tensor
from seqapp.data.table import Table, parse_csv
from seqapp.errors import BadInput, expect
from seqapp.tasks.classification.dataset import draw


@dataclass(frozen=True)
class Log:
    """Rows in time order: `numbers` (rows, columns) with NaN gaps, text columns and `target` (rows,) with "" gaps."""

    numbers: NDArray[Any]
    texts: Mapping[str, NDArray[Any]]
    target: NDArray[Any]

    @property
    def rows(self) -> int:
        """How many days."""
        return len(self.target)


@dataclass(frozen=True)
class LogTask(Task):
    """Rows `(batch, days)` -> the target of the day that is asked, with the probability of every class.

    With `known` columns the last row is the day that is asked: its known columns count, and what its target says is
    not looked at. Without any, the day after the last row is asked.
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
        named = [self.name(column) for column in (*self.categorical, self.target)]
        expect(len(sizes) == 1 and all(self.scale), "a mean and a scale for each column of numbers")
        expect(len(self.levels) == len(self.categorical), "levels for each column of categories")
        expect(set(self.known) <= set(columns), "known columns among the others", self.known)
        expect(len(set(self.classes) - {""}) == len(self.classes) > 1, "two different classes or more", self.classes)
        expect(self.window > 1, "a window of 2 rows or more", self.window)
        expect(
            len({*named, self.numbers}) == len(named) + 1, "names of columns that differ in letters and digits", named
        )

    @property
    def inputs(self) -> Vectors:
        """Known columns of the day, then all others and the target of the day before."""
        return Vectors(2 * len(self.numeric) + sum(map(len, self.levels)) + len(self.classes))

    @property
    def head(self) -> Category:
        """The target's class."""
        return Category(len(self.classes))

    def name(self, column: str) -> str:
        """A column as a name in the signature: letters, digits and underscores."""
        plain = re.sub(r"\W+", "_", column).strip("_") or "column"
        return f"{plain}_" if plain in ("classes", "probability", self.numbers) or plain[0].isdigit() else plain

    def signature(self) -> dict[str, Any]:
        """All numeric columns as one float input (NaN = unknown), each text column as strings ("" = unknown)."""
        import tensorflow as tf

        numbers = {self.numbers: tf.TensorSpec([None, None, len(self.numeric)], tf.float32)} if self.numeric else {}
        texts = [*self.categorical, self.target]
        return numbers | {self.name(column): tf.TensorSpec([None, None], tf.string) for column in texts}

    def encode(self, raw: Raw) -> Tensor:
        """`(batch, steps, size)`: at each day its known columns beside what was seen the day before."""
        import tensorflow as tf

        target = _one_hot(self._checked(raw[self.name(self.target)]), self.classes)
        known: list[Tensor] = []
        before = [target]
        for index, column in enumerate(self.numeric):
            value = (raw[self.numbers][..., index] - self.mean[index]) / self.scale[index]
            gap = tf.math.is_nan(value)
            pair = tf.stack([tf.where(gap, 0.0, value), tf.cast(gap, tf.float32)], -1)
            (known if column in self.known else before).append(pair)
        for column, levels in zip(self.categorical, self.levels, strict=True):
            (known if column in self.known else before).append(_one_hot(raw[self.name(column)], levels))
        seen = tf.concat(before, -1)
        if not self.known:
            return tf.pad(seen, [[0, 0], [1, 0], [0, 0]])
        return tf.concat([*known, tf.pad(seen[:, :-1], [[0, 0], [1, 0], [0, 0]])], -1)

    def _checked(self, target: Tensor) -> Tensor:
        """The target's values, once each is a class or unknown."""
        import tensorflow as tf

        from seqapp.saved_model.checks import require

        said = tf.equal(target, "") | tf.reduce_any(tf.equal(target[..., tf.newaxis], tf.constant(self.classes)), -1)
        wrong = tf.strings.reduce_join(tf.boolean_mask(target, ~said), separator=", ")
        message = f"{self.name(self.target)}: expected {', '.join(self.classes)} or nothing (unknown), got {{}}"
        return require(target, tf.reduce_all(said), message, wrong)

    def answer(self, outputs: Tensor, raw: Raw) -> dict[str, Tensor]:
        """The likeliest class, and all classes with their probabilities."""
        import tensorflow as tf

        probability = tf.nn.softmax(outputs[:, -1])
        classes = tf.tile(tf.constant(self.classes)[tf.newaxis], [tf.shape(probability)[0], 1])
        likeliest = tf.gather(tf.constant(self.classes), tf.argmax(probability, -1))
        return {self.name(self.target): likeliest, "classes": classes, "probability": probability}

    def labels(self, raw: Raw) -> list[str]:
        """The target of each day, "?" where it is unknown; before the first one, if the day after the last is asked."""
        said = [str(value) or "?" for value in raw[self.name(self.target)][0]]
        return said if self.known else ["", *said]

    def raw(self, log: Log, rows: slice) -> Raw:
        """These rows of a log as raw inputs, batch axis 1."""
        texts = {self.name(column): log.texts[column][np.newaxis, rows] for column in self.categorical}
        numbers = {self.numbers: log.numbers[np.newaxis, rows].astype(np.float32)} if self.numeric else {}
        return numbers | texts | {self.name(self.target): log.target[np.newaxis, rows]}

    def read(self, text: str, source: str) -> Raw:
        """A CSV with the log's columns; with known columns, its last row is the day asked and its target is empty."""
        log = read_log(parse_csv(text, source), self.target, self.numeric, self.categorical)
        if self.known and log.target[-1]:
            raise BadInput(
                f"{source}: expected '{self.target}' of the last row to be empty, as that is what is asked, got "
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
        """The likeliest class, then each with its probability, best first."""
        ranked = sorted(zip(answer["probability"], answer["classes"], strict=True), reverse=True)
        shares = ", ".join(f"{name} {share:.1%}" for share, name in ranked)
        return f"{self.target}: {answer[self.name(self.target)]}  ({shares})"

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """The drawn class joins the log; all other columns repeat those of `window` days ago."""
        item = str(answer["classes"][0, draw(answer["probability"][0], temperature, random)])
        rolled = {name: np.concatenate([values, values[:, :1]], 1) for name, values in raw.items()}
        target = rolled[self.name(self.target)].astype(object)
        target[0, -2 if self.known else -1] = item
        if self.known:
            target[0, -1] = ""
        rolled[self.name(self.target)] = target
        return {name: values[:, -self.window :] for name, values in rolled.items()}, item


def read_log(table: Table, target: str, numeric: tuple[str, ...], categorical: tuple[str, ...]) -> Log:
    """The named columns of a table."""
    numbers = [table.numbers(table.name(column, "")) for column in numeric]
    texts = {column: np.array(table.categories(table.name(column, "")), object) for column in categorical}
    target_values = np.array(table.categories(table.name(target, "")), object)
    return Log(np.stack(numbers, 1) if numbers else np.zeros((table.rows, 0)), texts, target_values)


def _one_hot(values: Tensor, names: tuple[str, ...]) -> Tensor:
    """Strings `(...)` as float32 `(..., names)`; all zeros for a string that is none of them."""
    import tensorflow as tf

    return tf.cast(tf.equal(values[..., tf.newaxis], tf.constant(names, tf.string)), tf.float32)
