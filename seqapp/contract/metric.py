"""Define how predictions are measured: metrics of the scored cases, and their surprise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

R = TypeVar("R")
BITS, SIGMAS = "bits", "sigmas"


@dataclass(frozen=True)
class Metric(Generic[R]):
    """A number that says how good predictions are.

    Attributes:
        name: as metrics.json has it.
        cases: from a record, the value of each test case `(cases,)` in time order, or a row of statistics
            `(cases, statistics)` of which `summarize` makes the metric (BLEU, error rates); None if the record has no
            such value.
        summarize: the metric of such cases, also of resampled ones.
        higher_is_better: whether a larger value is better.
        judged: whether the verdict is about it.
    """

    name: str
    cases: Callable[[R], NDArray[Any] | None]
    summarize: Callable[[NDArray[Any]], Any] = np.mean
    higher_is_better: bool = False
    judged: bool = True

    def value(self, record: R) -> float | None:
        """The metric of a record, or None if the record has no such value."""
        cases = self.cases(record)
        return None if cases is None else float(self.summarize(cases))


def values(metrics: Sequence[Metric[R]], record: R) -> dict[str, float]:
    """All metrics that a record has, by name."""
    every = {metric.name: metric.value(record) for metric in metrics}
    return {name: value for name, value in every.items() if value is not None}


@dataclass(frozen=True)
class Surprise:
    """How surprising each scored step was, given what the network had predicted.

    Bits are -log2 of the probability of the actual value. Sigmas are (actual - median) / sigma, with sigma the
    half-width of the interval nearest to 80 %, on the side of the actual value, over that of a normal distribution
    (1.2816 for 80 %).

    Attributes:
        labels: what stands at each step, or when it was.
        values: `(steps, tracks)` in `unit`, in the order of the split.
        unit: BITS or SIGMAS.
        tracks: what was predicted side by side.
        texts: how each label stands in a running text, if it is one.
    """

    labels: Sequence[str]
    values: NDArray[np.float64]
    unit: str
    tracks: tuple[str, ...] = ("",)
    texts: Sequence[str] = ()

    @classmethod
    def numbered(cls, values: NDArray[Any], unit: str) -> Surprise:
        """Of values `(steps, tracks)`, with steps counted from 1 as labels."""
        return cls([str(step) for step in range(1, len(values) + 1)], values.astype(float), unit)

    def first(self, steps: int | None) -> Surprise:
        """The first `steps` of them; None: all."""
        return dataclasses.replace(
            self, labels=self.labels[:steps], values=self.values[:steps], texts=self.texts[:steps]
        )

    def of_text(self, tokens: Sequence[str], write: Callable[[list[str]], str]) -> Surprise:
        """The same of tokens; `write` gives the next ones of a text as they stand in it."""
        return dataclasses.replace(self, labels=tokens, texts=[write([token]) for token in tokens])


@dataclass(frozen=True)
class Baseline(Generic[R]):
    """A simple forecast of the same test cases. `description` completes "no better than …"."""

    predictions: R
    description: str
    ceiling: bool = False  # the best that any model could do: to be approached, not beaten


Baselines = Mapping[str, Baseline[Any]]
