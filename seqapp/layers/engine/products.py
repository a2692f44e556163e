"""Products with kernels: a whole sequence's, large or looked up by tokens, and the state's inside the loop."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seqapp.contract.head import Tensor


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


class Given(NamedTuple):
    """`x` `(steps, batch, columns)` that was made outside the loop."""

    x: Tensor

    def product(self) -> Tensor:
        """`(steps, batch, columns)`."""
        return self.x

    def gradient(self, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """With respect to `x`."""
        return (upstream,)


Source = Dense | LookUp | Given


class Recurrent(NamedTuple):
    """The weights inside the loop; what a step does not have is None or empty."""

    kernel: Tensor | None  # (units, columns * units)
    bias: Tensor | None  # (columns * units,)
    factor_kernel: Tensor | None  # (units, units), of a factored step
    vectors: dict[str, Tensor]  # the step's small weights

    @property
    def units(self) -> int:
        """Width of a state; known also where a traced tensor no longer says its shape."""
        return int(self.kernel.shape[0] if self.factor_kernel is None else self.factor_kernel.shape[0])  # type: ignore[union-attr]

    def transposed(self) -> Recurrent:
        """The kernels as the backward pass multiplies with them."""
        turned = [None if held is None else tf.transpose(held) for held in (self.kernel, self.factor_kernel)]
        return Recurrent(turned[0], None, turned[1], self.vectors)


class Masks(NamedTuple):
    """What is held back in the loop, if anything."""

    steps: Tensor | None = None  # bool (steps, batch, 1 or states * units): where states change, not stay
    reads: Tensor | None = None  # (batch, units): factors of the state that the kernels read


def product(x: Tensor, state: Tensor, recurrent: Recurrent, masks: Masks) -> tuple[Tensor | None, list[Tensor]]:
    """The state's product with the kernel, `(batch, columns * units)`; and what it was factored by."""
    if recurrent.kernel is None:
        return None, []
    read = state if masks.reads is None else state * masks.reads
    factors = []
    if recurrent.factor_kernel is not None:
        factors = [read @ recurrent.factor_kernel]
        read = _factor(x, recurrent) * factors[0]
    made = read @ recurrent.kernel
    return made if recurrent.bias is None else made + recurrent.bias, factors


def product_gradient(
    gradients: tuple[Tensor, Tensor], x: Tensor, factors: list[Tensor], transposed: Recurrent, masks: Masks
) -> tuple[Tensor, list[Tensor], Tensor | None]:
    """Back through `product`, kernels transposed: with respect to `x`, to the factors and to the state."""
    d_x, d_p = gradients
    if transposed.kernel is None:
        return d_x, [], None
    d_read, d_factors = d_p @ transposed.kernel, []
    if transposed.factor_kernel is not None:
        d_x = tf.concat([d_x, d_read * factors[0]], -1)
        d_factors = [d_read * _factor(x, transposed)]
        d_read = d_factors[0] @ transposed.factor_kernel
    return d_x, d_factors, d_read if masks.reads is None else d_read * masks.reads


def _factor(x: Tensor, recurrent: Recurrent) -> Tensor:
    """The last block of `x`."""
    return x[..., -recurrent.units :]


def weight_gradients(
    recurrent: Recurrent, masks: Masks, states: Tensor, kept: tuple[Tensor, list[Tensor]], found: Any
) -> Recurrent:
    """Gradients of the weights inside the loop, one large product for each kernel.

    Args:
        recurrent: the weights.
        masks: as in the loop.
        states: before every step, `(steps, batch, units)`.
        kept: of the trace, the remembered `x` and the factors.
        found: the loop's `Gradients`.
    """
    if recurrent.kernel is None:
        return Recurrent(None, None, None, found.vectors)
    width = recurrent.kernel.shape[1]
    columns = found.x if found.p is None else found.p
    columns = columns if recurrent.factor_kernel is None else columns[..., :width]
    columns, read, inner = tf.reshape(columns, [-1, width]), states, None

    def rows(sequence: Tensor) -> Tensor:
        return tf.reshape(sequence, [-1, recurrent.units])

    if masks.reads is not None:
        read = read * masks.reads
    if recurrent.factor_kernel is not None:
        x, (factors,) = kept
        inner = tf.matmul(rows(read), rows(found.factors), transpose_a=True)
        read = _factor(x, recurrent) * factors
    bias = None if recurrent.bias is None else summed(columns)
    return Recurrent(tf.matmul(rows(read), columns, transpose_a=True), bias, inner, found.vectors)


def leaves(structure: Any) -> list[Tensor]:
    """All tensors of a structure, in order."""
    return [part for part in tf.nest.flatten(structure) if part is not None]


def packed(structure: Any, tensors: list[Tensor]) -> Any:
    """The structure with other tensors, in the order of `leaves`."""
    rest = iter(tensors)
    return tf.nest.pack_sequence_as(
        structure, [None if part is None else next(rest) for part in tf.nest.flatten(structure)]
    )


def summed(rows: Tensor) -> Tensor:
    """The sum over rows `(rows, columns)` -> `(columns,)`, as a product: tf.reduce_sum takes several times as long."""
    return tf.matmul(tf.ones([1, tf.shape(rows)[0]], rows.dtype), rows)[0]
