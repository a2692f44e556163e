"""The products of a whole sequence with its kernel: one large product, or one table of rows for tokens."""

from __future__ import annotations

import tensorflow as tf

from seqapp.heads import Tensor

Gradients = tuple[Tensor, ...]


@tf.custom_gradient  # type: ignore[untyped-decorator]
def project(inputs: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, object]:
    """`inputs @ kernel + bias` for every step: `(..., features)` -> `(..., columns)`."""
    rows = tf.reshape(inputs, [-1, kernel.shape[0]])

    def gradient(upstream: Tensor) -> Gradients:
        columns = tf.reshape(upstream, [-1, kernel.shape[1]])
        back = tf.reshape(columns @ tf.transpose(kernel), tf.shape(inputs))  # faster than transpose_b: rows stay rows
        return back, tf.matmul(rows, columns, transpose_a=True), summed(columns)

    outer = tf.concat([tf.shape(inputs)[:-1], [kernel.shape[1]]], 0)
    return tf.reshape(rows @ kernel + bias, outer), gradient


@tf.custom_gradient  # type: ignore[untyped-decorator]
def look_up(table: Tensor, ids: Tensor) -> tuple[Tensor, object]:
    """The rows of a table `(tokens, columns)` at integer `ids`: `(..., columns)`."""

    def gradient(upstream: Tensor) -> Gradients:
        rows = tf.reshape(upstream, [-1, table.shape[1]])
        chosen = tf.one_hot(tf.reshape(ids, [-1]), table.shape[0], dtype=rows.dtype)  # a product beats a scatter
        return tf.matmul(chosen, rows, transpose_a=True), None

    return tf.gather(table, ids), gradient


def summed(rows: Tensor) -> Tensor:
    """The sum over rows `(rows, columns)` -> `(columns,)`, as a product: tf.reduce_sum takes several times as long."""
    return tf.matmul(tf.ones([1, tf.shape(rows)[0]], rows.dtype), rows)[0]
