"""Decimal digits of whole numbers of any size, least significant first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Tensor


def to_digits(terms: Tensor) -> Tensor:
    """Split decimal numbers into digits, least significant first.

    Args:
        terms: strings `(batch, window)`.

    Returns:
        int32 `(batch, places, window)`, with one decimal place more than the longest term has, for the last carry.

    Example: [["8", "13"]] -> [[[8, 3], [0, 1], [0, 0]]]
    """
    import tensorflow as tf

    lengths = tf.strings.length(terms)
    width = tf.reduce_max(lengths) + 1
    zeros = tf.fill(tf.shape(terms), tf.strings.reduce_join(tf.fill([width], "0")))
    padded = tf.strings.substr(zeros, tf.zeros_like(lengths), width - lengths) + terms
    digits = tf.cast(tf.io.decode_raw(padded, tf.uint8), tf.int32) - ord("0")  # (batch, window, places)
    return tf.reverse(tf.transpose(digits, [0, 2, 1]), [1])


def reversed_digits(term: int, width: int) -> NDArray[Any]:
    """Return a term's last `width` digits, int `(width,)`, least significant first."""
    return np.array([int(digit) for digit in reversed(str(term).zfill(width)[-width:])])
