"""Prediction intervals: the quantiles that bound them, and their calibration on the validation split.

Calibration is conformalized quantile regression (Romano, Patterson & Candès 2019): each interval is widened by a
quantile of the distances by which actual values lay outside it (inside counts as negative).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Tensor


def quantiles_of(levels: Sequence[float]) -> tuple[float, ...]:
    """Return the quantiles that bound intervals at `levels` in percent, ascending, the median in the middle.

    Example: (80, 95) -> (0.025, 0.1, 0.5, 0.9, 0.975)
    """
    below = sorted((1 - level / 100) / 2 for level in levels)
    return (*below, 0.5, *(1 - level for level in reversed(below)))


def conformal_offsets(actual: NDArray[Any], quantiles: NDArray[Any], levels: Sequence[float]) -> tuple[Any, ...]:
    """Compute how far to widen each interval so that it covers its nominal share of the cases.

    Args:
        actual: actual values `(cases, targets, horizon)`, scaled as the network predicts them.
        quantiles: `(cases, targets, horizon, 2 * levels + 1)`, ascending, the median in the middle.
        levels: nominal coverage of each interval in percent, the widest first.

    Returns:
        Nested tuples `(targets, horizon, levels)`. With too few cases for a level, the largest distance.

    Example: 9 cases, each inside an 80 % interval by 1 to 9 -> -2: narrowed by 2 it still covers 8 of 9.
    """
    count = len(actual)
    offsets = np.empty((*actual.shape[1:], len(levels)))
    for index, level in enumerate(levels):
        outside = np.maximum(quantiles[..., index] - actual, actual - quantiles[..., -1 - index])
        rank = min(count, math.ceil((count + 1) * level / 100))
        offsets[..., index] = np.sort(outside, axis=0)[rank - 1]
    return tuple(tuple(tuple(map(float, cell)) for cell in row) for row in offsets)


def widen(quantiles: Tensor, offsets: tuple[Any, ...]) -> Tensor:
    """Move the bounds of each interval outwards; a negative offset narrows it, at most to the median.

    Args:
        quantiles: float32 `(batch, targets, horizon, 2 * levels + 1)`, ascending, the median in the middle.
        offsets: `(targets, horizon, levels)` in the same unit, the widest interval first; empty for no change.

    Returns:
        Quantiles of the same shape, ascending.
    """
    if not offsets:
        return quantiles
    import tensorflow as tf

    wider = np.array(offsets, np.float32)
    middle = wider.shape[-1]
    moved = quantiles + np.concatenate([-wider, np.zeros_like(wider[..., :1]), wider[..., ::-1]], -1)
    median = moved[..., middle : middle + 1]
    below = tf.minimum(moved[..., :middle], median)
    above = tf.maximum(moved[..., middle + 1 :], median)
    # sorted: an interval that was narrowed more than the one inside it must not lie within that one
    return tf.concat([tf.sort(below, axis=-1), median, tf.sort(above, axis=-1)], -1)
