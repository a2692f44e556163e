"""The Ω regularizer: recurrent weights that keep the error signal's norm on its way back through time.

Ω = mean over steps and rows of (‖δ ∂s⁺/∂s‖ / ‖δ‖ - 1)², with δ = ∂L/∂s⁺ the loss's gradient with respect to the states
after a step: Pascanu, Mikolov & Bengio 2013, equation 9, as a mean where it has a sum, so that its factor is the same
at every length. As there, δ, the states and the inputs are constants: the gradient reaches the recurrent weights
through ∂s⁺/∂s only. That makes all steps independent of each other, and of any step's arithmetic.
"""

from __future__ import annotations

import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.engine.loops import single
from seqapp.layers.engine.products import Masks, RecurrentWeights, leaves, pack
from seqapp.layers.steps.step import Step


def omega_gradients(
    step: Step, x: Tensor, weights: RecurrentWeights, states: list[Tensor], signals: list[Tensor]
) -> RecurrentWeights:
    """Return the gradient of Ω with respect to the weights inside the loop.

    Args:
        step: the layer's arithmetic.
        x: the input's product with the kernel, `(steps, batch, blocks * units)`.
        weights: those inside the loop.
        states: before every step and after the last, each `(steps + 1, batch, units)`.
        signals: the loss's gradient with respect to the states after every step, each `(steps, batch, units)`.
    """
    with tf.GradientTape() as tape:
        tape.watch(leaves(weights))
        value = omega(step, x, weights, states, signals)
    gradients: RecurrentWeights = pack(weights, tape.gradient(value, leaves(weights), unconnected_gradients="zero"))
    return gradients


def omega(step: Step, x: Tensor, weights: RecurrentWeights, states: list[Tensor], signals: list[Tensor]) -> Tensor:
    """Return Ω, a scalar; rows at whose step δ is zero do not count.

    Args:
        step: the layer's arithmetic.
        x: the input's product with the kernel, `(steps, batch, blocks * units)`.
        weights: those inside the loop.
        states: before every step and after the last, each `(steps + 1, batch, units)`.
        signals: δ, the loss's gradient with respect to the states after every step, each `(steps, batch, units)`.
    """
    units = leaves(weights)[0].shape[0]  # a kernel's rows, or a vector
    parts = (x, *(state[:-1] for state in states), *signals)
    widths = [step.blocks * units] + [units] * (len(parts) - 1)
    rows = [tf.reshape(part, [-1, width]) for part, width in zip(parts, widths, strict=True)]
    x, before, delta = rows[0], rows[1 : 1 + len(states)], rows[1 + len(states) :]
    largest = tf.reduce_max([tf.reduce_max(tf.abs(part), -1, keepdims=True) for part in delta], 0)
    nonzero = largest > 0
    delta = [tf.where(nonzero, part / largest, 0) for part in delta]  # so that squares of small signals do not vanish
    with tf.GradientTape() as tape:
        tape.watch(before)
        after = single(step, x, weights, before, Masks())
    back = tape.gradient(after, before, output_gradients=delta, unconnected_gradients="zero")
    ratio = tf.where(nonzero, _norm(back) / tf.where(nonzero, _norm(delta), 1), 1)
    counted = tf.cast(nonzero, ratio.dtype)
    return tf.reduce_sum(counted * tf.square(ratio - 1)) / tf.maximum(tf.reduce_sum(counted), 1)


def _norm(parts: list[Tensor]) -> Tensor:
    """Return the norm over all states of each row, `(rows, 1)`; never so near zero that it has no gradient."""
    return tf.sqrt(tf.add_n([tf.reduce_sum(part * part, -1, keepdims=True) for part in parts]) + 1e-20)
