"""Fibonacci: the next term of any sequence in which each term is the sum of the two before, whatever its size.

The network reads the decimal digits of the last terms side by side, least significant first, and predicts the next
term's digit at each step: its state holds the carry. It is trained on terms of at most 20 digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline, Batch, Dataset, Encoded, Metric, Network, Raw, Tensor, outputs
from seqapp.contract.options import option
from seqapp.data import splits
from seqapp.data.windows import Windows
from seqapp.errors import BadInput, expect
from seqapp.features import Vectors
from seqapp.generation.asking import AskingTask
from seqapp.heads import Category, CategoryRecord
from seqapp.system.files import sha256
from seqapp.tasks.classification.dataset import correct
from seqapp.tasks.classification.digits import reversed_digits, to_digits

DEFAULTS = {"units": 64, "epochs": 20, "batch_size": 128, "learning_rate": 0.005, "patience": 20, "dropout": 0.1}
FIRST_TERM = 5  # the first term of 1, 1, 2, 3, 5, … that is predicted


@dataclass(frozen=True)
class Options:
    """Options of the random starts."""

    window: int = option(2, "Number of terms that the model sees.", minimum=2)
    sequences: int = option(6000, "Number of random starts in all.", minimum=30)
    digits: int = option(20, "Digits of the longest term in training.", minimum=2, maximum=300)
    test_digits: int = option(1000, "Digits of the longest term in the test.", minimum=2, maximum=4000)
    split: str = splits.split_option()


def load(options: Options, seed: int) -> FibonacciDataset:
    """Generate random starts and split them; the test split adds the sequence 1, 1, 2, 3, 5, …"""
    return FibonacciDataset(Task(options.window), options, seed)


@dataclass(frozen=True)
class Task(AskingTask):
    """Terms as decimal strings `(batch, window)` -> the next term as a string `(batch,)`."""

    window: int = 2
    literal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expect(self.window > 1, "a window of 2 terms or more", self.window)

    @property
    def inputs(self) -> Vectors:
        """One-hot digits of all terms of the window at one decimal place."""
        return Vectors(10 * self.window)

    @property
    def head(self) -> Category:
        """The next term's digit at this place."""
        return Category(10)

    def signature(self) -> dict[str, Any]:
        """Return the one input: decimal integers of any size, oldest first."""
        import tensorflow as tf

        return {"terms": tf.TensorSpec([None, self.window], tf.string)}

    def encode(self, raw: Raw) -> Encoded:
        """Return one-hot digits `(batch, places, 10 × window)`, least significant first; the last is for a carry."""
        import tensorflow as tf

        from seqapp.saved_model.checks import require

        terms = tf.strings.strip(raw["terms"])
        whole = tf.strings.regex_full_match(terms, "[0-9]+")
        wrong = tf.strings.reduce_join(tf.boolean_mask(terms, ~whole), separator=", ")
        terms = require(terms, tf.reduce_all(whole), "terms: expected non-negative decimal integers, got {}", wrong)
        digits = tf.one_hot(to_digits(terms), 10)  # (batch, places, window, 10)
        return Encoded(tf.reshape(digits, [tf.shape(digits)[0], tf.shape(digits)[1], 10 * self.window]))

    def answer(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Join the most likely digits of all places: strings `(batch,)`."""
        import tensorflow as tf

        longest = tf.reduce_max(tf.strings.length(tf.strings.strip(raw["terms"])), 1)  # a row's, whatever its mates'
        logits = outputs(network, self.encode(raw))
        own = tf.sequence_mask(longest + 1, tf.shape(logits)[1], tf.int32)
        digits = tf.argmax(logits, -1, output_type=tf.int32) * own
        text = tf.strings.reduce_join(tf.strings.as_string(tf.reverse(digits, [1])), 1)
        return {"next": tf.strings.regex_replace(text, "^0+([0-9])", r"\1")}

    def read(self, text: str, source: str) -> Raw:
        """Read terms between spaces or commas; the last `window` of them are used."""
        terms = text.replace(",", " ").split()
        for term in terms:
            if not term.isascii() or not term.isdigit():
                raise BadInput(f"{source}: expected non-negative decimal integers such as '1 1 2 3 5', got '{term}'.")
        if len(terms) < self.window:
            raise BadInput(f"{source}: expected at least {self.window} terms, got {len(terms)}.")
        return {"terms": np.array([terms[-self.window :]], dtype=object)}

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """Append the next term to the window; a sum is not sampled, so the temperature changes nothing."""
        item = str(answer["next"][0])
        return {"terms": np.array([[*raw["terms"][0][1:], item]], dtype=object)}, item

    def labels(self, raw: Raw) -> list[str]:
        """Return the terms' digits at each place, least significant first."""
        digits = to_digits(raw["terms"])[0].numpy()
        return ["+".join(map(str, place)) for place in digits.tolist()]

    def describe(self, answer: Raw) -> str:
        """Write the term."""
        return str(answer["next"])


class FibonacciDataset(Dataset[CategoryRecord]):
    """Windows of terms with the next term, from random starts; 1, 1, 2, 3, 5, … itself is only tested."""

    def __init__(self, task: Task, options: Options, seed: int) -> None:
        self.task = task
        random = np.random.default_rng(seed)
        cut = splits.cut(options.sequences, options.split)
        starts = [_start(random, options.digits) for _ in range(options.sequences)]
        canonical = _canonical(task.window, options.test_digits)
        self.canonical = len(canonical)  # these come first in the test split
        self.rows = {
            "train": _questions(starts[slice(*cut.train)], task.window, options.digits),
            "validation": _questions(starts[slice(*cut.validation)], task.window, options.digits),
            "test": canonical + _unseen(starts[slice(*cut.test)], task.window, options.test_digits, random),
        }
        every = [row for rows in self.rows.values() for row in rows]
        self.data = {"sha256": sha256(repr(every)), "rows": len(every), "source": "random starts"}
        self.split = {
            name: {"rows": [0, len(rows)], "sequences": list(getattr(cut, name))} for name, rows in self.rows.items()
        }
        self.latest = {"terms": [list(map(str, _sequence(1, 1, task.window + 3)[-task.window :]))]}

    def examples(self, split: str) -> Windows:
        """Return one window per question, with weight 0 beyond one place more than its longest term."""
        import tensorflow as tf

        questions = tf.constant([list(map(str, row)) for row in self.rows[split]])

        def gather(indices: Tensor) -> Batch:
            rows = tf.gather(questions, indices)
            terms = rows[:, :-1]
            targets = to_digits(rows)[:, :, -1]
            inputs = self.task.encode({"terms": terms}).inputs
            longest = tf.reduce_max(tf.strings.length(terms), 1)
            width = tf.shape(inputs)[1]
            return Batch(inputs, targets[:, :width], tf.sequence_mask(longest + 1, width, tf.float32))

        return Windows(len(self.rows[split]), gather)

    def baselines(self) -> dict[str, Baseline[CategoryRecord]]:
        """Return the last term again, and linear regression on the window in float64."""
        rows = self.rows["test"]
        return {
            "repeat_last": Baseline(self._digits([row[-2] for row in rows]), "repeating the last term"),
            "linear": Baseline(
                self._digits(self._linear(rows)), "linear regression in float64 (exact only up to 2^53)"
            ),
        }

    def _linear(self, rows: list[list[int]]) -> list[int]:
        from sklearn.linear_model import LinearRegression

        small = [row for row in self.rows["train"] if max(row) < 2**53]
        known = np.array(small, np.float64)
        line = LinearRegression(fit_intercept=False).fit(known[:, :-1], known[:, -1])
        sums = [sum(c * float(str(term)) for c, term in zip(line.coef_, row[:-1], strict=True)) for row in rows]
        return [round(total) if np.isfinite(total) else 0 for total in sums]

    def _digits(self, terms: Sequence[int]) -> CategoryRecord:
        """Return whole terms as predictions of every scored digit, in the windows' order."""
        actual, predicted = [], []
        for row, term in zip(self.rows["test"], terms, strict=True):
            width = _width(row)
            actual.append(reversed_digits(row[-1], width))
            predicted.append(reversed_digits(term, width))
        return CategoryRecord(np.concatenate(actual), np.concatenate(predicted))

    @property
    def metrics(self) -> Sequence[Metric[CategoryRecord]]:
        """Exact terms: all, those of 1, 1, 2, 3, 5, …, and those of unseen starts; and single digits."""
        share: dict[str, Any] = {"higher_is_better": True, "judged": False}
        return [
            Metric("exact_match", self._exact, higher_is_better=True),
            Metric("exact_match_fibonacci", lambda record: self._exact(record)[: self.canonical], **share),
            Metric("exact_match_unseen_starts", lambda record: self._exact(record)[self.canonical :], **share),
            Metric("accuracy", correct, **share),
        ]

    def _exact(self, record: CategoryRecord) -> NDArray[Any]:
        """1 for each term of which every digit is right, else 0, `(terms,)`."""
        ends = np.cumsum([_width(row) for row in self.rows["test"]])
        return np.array([float(part.all()) for part in np.split(record.actual == record.predicted, ends[:-1])])


def _sequence(first: int, second: int, length: int) -> list[int]:
    terms = [first, second]
    while len(terms) < length:
        terms.append(terms[-1] + terms[-2])
    return terms


_FIBONACCI = frozenset(_sequence(0, 1, 100))  # up to 21 digits, more than training terms have


def _start(random: np.random.Generator, digits: int) -> tuple[int, int]:
    """Generate two terms of 1 to `digits` - 1 digits; in a third of cases most digits sum to 9, for long carries."""
    first, second = (random.integers(0, 10, random.integers(1, digits)) for _ in range(2))
    if random.random() < 1 / 3:
        second = np.where(random.random(len(first)) < 0.8, 9 - first, random.integers(0, 10, len(first)))
    return int("".join(map(str, first))), int("".join(map(str, second)))


def _questions(starts: list[tuple[int, int]], window: int, digits: int) -> list[list[int]]:
    """Return up to seven windows from each start, each with its next term, which has at most `digits` digits."""
    rows = []
    for start in starts:
        terms = _sequence(*start, window + 6)
        for index in range(7):
            row = terms[index : index + window + 1]
            if len(row) == window + 1 and row[-1] < 10**digits and not {row[-3], row[-2]} <= _FIBONACCI:
                rows.append(row)
    return rows


def _canonical(window: int, digits: int, count: int = 300) -> list[list[int]]:
    """Return up to `count` windows of 1, 1, 2, 3, 5, … from the 5th term on, evenly spread, the longest included."""
    terms = _sequence(1, 1, FIRST_TERM + window)
    while terms[-1] < 10**digits:
        terms.append(terms[-1] + terms[-2])
    last = len(terms) - 2  # the index of the longest term with at most `digits` digits
    indices = np.unique(np.linspace(max(FIRST_TERM - 1, window), last, count).astype(int))
    return [terms[index - window : index + 1] for index in indices]


def _unseen(starts: list[tuple[int, int]], window: int, digits: int, random: np.random.Generator) -> list[list[int]]:
    """Return one window from each start, at a random place, with a next term of up to `digits` digits."""
    rows = []
    for start in starts:
        size = int(random.integers(1, digits + 1))
        terms = _sequence(*start, window + 1)
        while terms[-1] + terms[-2] < 10**size and terms[-1]:
            terms.append(terms[-1] + terms[-2])
        rows.append(terms[-window - 1 :])
    return rows


def _width(row: list[int]) -> int:
    """Return the number of scored digits: one more than the longest term of the window has."""
    return len(str(max(row[:-1]))) + 1
