"""Decimal digits of whole numbers of any size, least significant first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Tensor


def places(terms: Tensor) -> Tensor:
    """Decimal strings `(batch, window)` as digits int32 `(batch, places, window)`, least significant first.

    One place more than the longest term has, for the last carry. Example: [["8", "13"]] -> [[[8, 3], [0, 1], [0, 0]]]
    """
    import tensorflow as tf

    lengths = tf.strings.length(terms)
    longest = tf.reduce_max(lengths) + 1
    zeros = tf.fill(tf.shape(terms), tf.strings.reduce_join(tf.fill([longest], "0")))
    padded = tf.strings.substr(zeros, tf.zeros_like(lengths), longest - lengths) + terms
    digits = tf.cast(tf.io.decode_raw(padded, tf.uint8), tf.int32) - ord("0")  # (batch, window, places)
    return tf.reverse(tf.transpose(digits, [0, 2, 1]), [1])


def reversed_digits(term: int, width: int) -> NDArray[Any]:
    """A term's last `width` digits int `(width,)`, least significant first."""
    return np.array([int(digit) for digit in reversed(str(term).zfill(width)[-width:])])
