"""How surprising each scored step was, given what the network had said of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.head import Classified, Head, Predictions, Quantiles

BITS, SIGMAS = "bits", "sigmas"


@dataclass(frozen=True)
class Surprise:
    """`values` `(steps, tracks)` in `unit`, in the order of the split.

    Bits are -log2 of the probability of what came. Sigmas are (actual - median) / sigma, with sigma the half-width of
    the interval nearest to 80 %, on the side of the actual value, over that of a normal distribution (1.2816 for 80 %).
    """

    labels: Sequence[str]  # what stands at each step, or when it was
    values: NDArray[np.float64]
    unit: str  # BITS or SIGMAS
    tracks: tuple[str, ...] = ("",)  # what was predicted side by side
    texts: Sequence[str] = ()  # how each label stands in a running text, if it is one

    def first(self, steps: int | None) -> Surprise:
        """The first `steps` of them; None: all."""
        return dataclasses.replace(
            self, labels=self.labels[:steps], values=self.values[:steps], texts=self.texts[:steps]
        )

    def of_text(self, tokens: Sequence[str], write: Callable[[list[str]], str]) -> Surprise:
        """The same of tokens; `write` gives the next ones of a text as they stand in it."""
        return dataclasses.replace(self, labels=tokens, texts=[write([token]) for token in tokens])


def surprise(head: Head, predictions: Predictions) -> Surprise:
    """Of categories bits; of numbers sigmas, of the first one that is predicted at a step. Steps have numbers."""
    if isinstance(predictions, Classified):
        values, unit = (0 - predictions.logs[:, None]) / np.log(2), BITS
    else:
        assert isinstance(head, Quantiles)  # it made the predictions
        values, unit = sigmas(predictions.actual[:, :1], predictions.quantiles[:, :1], head.levels), SIGMAS
    return Surprise([str(step) for step in range(1, len(values) + 1)], values.astype(float), unit)


def sigmas(actual: NDArray[Any], quantiles: NDArray[Any], levels: Sequence[float]) -> NDArray[np.float64]:
    """Standardised errors, in the shape of `actual`, from quantiles `(..., levels)`; infinite beyond an empty interval.

    Example: actual 3, quantiles [-1, 0, 2] at (0.1, 0.5, 0.9) -> 3 / (2 / 1.2816) = 1.92
    """
    middle = len(levels) // 2
    place = int(np.abs(np.array(levels[:middle]) - 0.1).argmin())
    median, off = quantiles[..., middle], actual - quantiles[..., middle]
    half = np.where(off < 0, median - quantiles[..., place], quantiles[..., -1 - place] - median)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(off == 0, 0.0, off * NormalDist().inv_cdf(1 - levels[place]) / half)
