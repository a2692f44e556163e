"""Products with kernels: the input's, for a whole sequence or looked up by token, and the state's inside the loop."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seqapp.contract import Tensor


class Projection(NamedTuple):
    """`inputs` `(steps, batch, features)` times `kernel` `(features, columns)` plus `bias` `(columns,)`."""

    inputs: Tensor
    kernel: Tensor
    bias: Tensor

    def product(self) -> Tensor:
        """Return the product, `(steps, batch, columns)`."""
        shape = tf.shape(self.inputs)
        rows = tf.reshape(self.inputs, [-1, self.kernel.shape[0]])
        return tf.reshape(rows @ self.kernel + self.bias, [shape[0], shape[1], self.kernel.shape[1]])

    def gradient(self, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients with respect to inputs, kernel and bias; `upstream` is `(steps, batch, columns)`."""
        columns = tf.reshape(upstream, [-1, self.kernel.shape[1]])
        rows = tf.reshape(self.inputs, [-1, self.kernel.shape[0]])
        d_inputs = tf.reshape(columns @ tf.transpose(self.kernel), tf.shape(self.inputs))  # transpose_b is slower
        return d_inputs, tf.matmul(rows, columns, transpose_a=True), column_sums(columns)


class TableLookup(NamedTuple):
    """The rows of `table` `(tokens, columns)`, which includes the bias, at `ids` int `(steps, batch)`."""

    table: Tensor
    ids: Tensor

    def product(self) -> Tensor:
        """Return the rows, `(steps, batch, columns)`."""
        return tf.gather(self.table, self.ids)

    def gradient(self, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients with respect to table and ids; `upstream` is `(steps, batch, columns)`."""
        rows = tf.reshape(upstream, [-1, self.table.shape[1]])
        one_hot = tf.one_hot(tf.reshape(self.ids, [-1]), self.table.shape[0], dtype=rows.dtype)
        return tf.matmul(one_hot, rows, transpose_a=True), None  # a product is faster than a scatter


class Precomputed(NamedTuple):
    """`x` `(steps, batch, columns)`, computed outside the engine."""

    x: Tensor

    def product(self) -> Tensor:
        """Return `x`."""
        return self.x

    def gradient(self, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient with respect to `x`."""
        return (upstream,)


Source = Projection | TableLookup | Precomputed


class RecurrentWeights(NamedTuple):
    """The weights used inside the loop; None or empty where a step has no such weight."""

    kernel: Tensor | None  # (units, columns * units)
    bias: Tensor | None  # (columns * units,)
    factor_kernel: Tensor | None  # (units, units), of a factored step
    vectors: dict[str, Tensor]  # the step's weight vectors

    @property
    def units(self) -> int:
        """Width of a state; a traced tensor need not have a static shape, a kernel always has."""
        return int(self.kernel.shape[0] if self.factor_kernel is None else self.factor_kernel.shape[0])  # type: ignore[union-attr]

    def transposed(self) -> RecurrentWeights:
        """Return the weights with transposed kernels, as the backward pass multiplies with them."""
        kernels = [None if kernel is None else tf.transpose(kernel) for kernel in (self.kernel, self.factor_kernel)]
        return RecurrentWeights(kernels[0], None, kernels[1], self.vectors)


class Masks(NamedTuple):
    """Which states a step updates, and how much of the state the kernels read; None: all of it."""

    update: Tensor | None = None  # bool (steps, batch, 1 or state_count * units): False keeps the old state
    state_scale: Tensor | None = None  # (batch, units): factors of the state that the kernels read


def product(x: Tensor, state: Tensor, weights: RecurrentWeights, masks: Masks) -> tuple[Tensor | None, list[Tensor]]:
    """Multiply a state with the recurrent kernel.

    Args:
        x: the input's product with the kernel, `(batch, blocks * units)`; its last block is the factor of a factored
            step.
        state: the output of the step before, `(batch, units)`.
        weights: those inside the loop.
        masks: of which `state_scale` counts here.

    Returns:
        The product, `(batch, columns * units)`, or None where the layer has no recurrent kernel; and, of a factored
        step, the state's product with the factor kernel, `(batch, units)`, as the only entry of a list.
    """
    if weights.kernel is None:
        return None, []
    read = state if masks.state_scale is None else state * masks.state_scale
    factors = []
    if weights.factor_kernel is not None:
        factors = [read @ weights.factor_kernel]
        read = _input_factor(x, weights) * factors[0]
    result = read @ weights.kernel
    return result if weights.bias is None else result + weights.bias, factors


def product_gradient(
    gradients: tuple[Tensor, Tensor], x: Tensor, factors: list[Tensor], transposed: RecurrentWeights, masks: Masks
) -> tuple[Tensor, list[Tensor], Tensor | None]:
    """Take gradients back through `product`.

    Args:
        gradients: with respect to `x` and to the product, each `(batch, columns * units)`.
        x: as for `product`, or the gates that replaced it.
        factors: as `product` returned them.
        transposed: the weights with transposed kernels.
        masks: as for `product`.

    Returns:
        Gradients with respect to `x` `(batch, blocks * units)`, to the factors, and to the state `(batch, units)`;
        without a recurrent kernel, None for the state.
    """
    d_x, d_p = gradients
    if transposed.kernel is None:
        return d_x, [], None
    d_read, d_factors = d_p @ transposed.kernel, []
    if transposed.factor_kernel is not None:
        d_x = tf.concat([d_x, d_read * factors[0]], -1)
        d_factors = [d_read * _input_factor(x, transposed)]
        d_read = d_factors[0] @ transposed.factor_kernel
    return d_x, d_factors, d_read if masks.state_scale is None else d_read * masks.state_scale


def _input_factor(x: Tensor, weights: RecurrentWeights) -> Tensor:
    """Return the last block of `x`, `(..., units)`."""
    return x[..., -weights.units :]


def weight_gradients(
    weights: RecurrentWeights, masks: Masks, states: Tensor, trace: tuple[Tensor, list[Tensor]], gradients: Any
) -> RecurrentWeights:
    """Return the gradients of the weights inside the loop, with one large product for each kernel.

    Args:
        weights: those inside the loop.
        masks: as in the loop.
        states: the output before every step, `(steps, batch, units)`.
        trace: of the forward pass, the gates that replaced `x`, `(steps, batch, blocks * units)`, and the factors.
        gradients: the backward loop's `Gradients`.
    """
    if weights.kernel is None:
        return RecurrentWeights(None, None, None, gradients.vectors)
    width = weights.kernel.shape[1]
    columns = gradients.x if gradients.p is None else gradients.p
    columns = columns if weights.factor_kernel is None else columns[..., :width]
    columns, read, d_factor_kernel = tf.reshape(columns, [-1, width]), states, None

    def rows(sequence: Tensor) -> Tensor:
        return tf.reshape(sequence, [-1, weights.units])

    if masks.state_scale is not None:
        read = read * masks.state_scale
    if weights.factor_kernel is not None:
        x, (factors,) = trace
        d_factor_kernel = tf.matmul(rows(read), rows(gradients.factors), transpose_a=True)
        read = _input_factor(x, weights) * factors
    d_bias = None if weights.bias is None else column_sums(columns)
    d_kernel = tf.matmul(rows(read), columns, transpose_a=True)
    return RecurrentWeights(d_kernel, d_bias, d_factor_kernel, gradients.vectors)


def leaves(structure: Any) -> list[Tensor]:
    """Return all tensors of a nest, in order, without its None entries."""
    return [part for part in tf.nest.flatten(structure) if part is not None]


def pack(structure: Any, tensors: list[Tensor]) -> Any:
    """Return a nest like `structure` with other tensors, in the order of `leaves`."""
    rest = iter(tensors)
    return tf.nest.pack_sequence_as(
        structure, [None if part is None else next(rest) for part in tf.nest.flatten(structure)]
    )


def column_sums(rows: Tensor) -> Tensor:
    """Sum `(rows, columns)` over rows -> `(columns,)`, as a product: tf.reduce_sum takes several times as long."""
    return tf.matmul(tf.ones([1, tf.shape(rows)[0]], rows.dtype), rows)[0]
