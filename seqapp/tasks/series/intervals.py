"""Conformalised quantile regression (Romano, Patterson & Candès 2019): intervals that cover what they say.

How far what came lay outside an interval on the validation split (inside counts as negative) says by how much to widen
it: by the quantile of these distances that the interval's level asks for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def offsets(actual: NDArray[Any], quantiles: NDArray[Any], levels: Sequence[float]) -> tuple[Any, ...]:
    """By how much to widen each interval.

    Args:
        actual: what came, `(cases, targets, horizon)`, scaled as the network says it.
        quantiles: `(cases, targets, horizon, 2 * levels + 1)`, ascending, the median in the middle.
        levels: percent that each interval is to cover, the widest first.

    Returns:
        Nested tuples `(targets, horizon, levels)`. With too few cases for a level, the largest distance.

    Example: 9 cases that lie inside an 80 % interval by 1 to 9 -> -2: narrowed by 2 it still covers 8 of 9.
    """
    count = len(actual)
    found = np.empty((*actual.shape[1:], len(levels)))
    for place, level in enumerate(levels):
        outside = np.maximum(quantiles[..., place] - actual, actual - quantiles[..., -1 - place])
        rank = min(count, math.ceil((count + 1) * level / 100))
        found[..., place] = np.sort(outside, axis=0)[rank - 1]
    return tuple(tuple(tuple(map(float, cell)) for cell in row) for row in found)
