"""The products of a whole sequence with its kernel: one large product, or one table of rows for tokens."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from seqapp.heads import Tensor


class Dense(NamedTuple):
    """`inputs` `(steps, batch, features)` times `kernel` plus `bias`."""

    inputs: Tensor
    kernel: Tensor
    bias: Tensor

    def product(self) -> Tensor:
        """`(steps, batch, columns)`."""
        shape = tf.shape(self.inputs)
        rows = tf.reshape(self.inputs, [-1, self.kernel.shape[0]])
        return tf.reshape(rows @ self.kernel + self.bias, [shape[0], shape[1], self.kernel.shape[1]])

    def gradient(self, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """With respect to inputs, kernel and bias."""
        columns = tf.reshape(upstream, [-1, self.kernel.shape[1]])
        rows = tf.reshape(self.inputs, [-1, self.kernel.shape[0]])
        back = tf.reshape(columns @ tf.transpose(self.kernel), tf.shape(self.inputs))  # transpose_b would be slower
        return back, tf.matmul(rows, columns, transpose_a=True), summed(columns)


class LookUp(NamedTuple):
    """The rows of `table` `(tokens, columns)`, in which the bias is included, at `ids` int `(steps, batch)`."""

    table: Tensor
    ids: Tensor

    def product(self) -> Tensor:
        """`(steps, batch, columns)`."""
        return tf.gather(self.table, self.ids)

    def gradient(self, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """With respect to table and ids; as a product, which beats a scatter."""
        rows = tf.reshape(upstream, [-1, self.table.shape[1]])
        chosen = tf.one_hot(tf.reshape(self.ids, [-1]), self.table.shape[0], dtype=rows.dtype)
        return tf.matmul(chosen, rows, transpose_a=True), None


Source = Dense | LookUp


def summed(rows: Tensor) -> Tensor:
    """The sum over rows `(rows, columns)` -> `(columns,)`, as a product: tf.reduce_sum takes several times as long."""
    return tf.matmul(tf.ones([1, tf.shape(rows)[0]], rows.dtype), rows)[0]
