"""The Ω regulariser: recurrent weights that keep the error signal's norm on its way back through time.

Ω = mean over steps and rows of (‖δ ∂s⁺/∂s‖ / ‖δ‖ - 1)², with δ = ∂L/∂s⁺ the loss's gradient with respect to the states
after a step: Pascanu, Mikolov & Bengio 2013, equation 9, as a mean where it has a sum, so that its factor is the same
at every length. As there, δ, the states and the inputs are held fixed: only what ∂s⁺/∂s itself owes to the recurrent
weights is followed. That makes all steps independent of each other, and of any step's arithmetic.
"""

from __future__ import annotations

import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.layers.engine.loops import single
from seqapp.layers.engine.products import Masks, Recurrent, leaves, packed
from seqapp.layers.steps.keras import Step


def omega_gradients(
    step: Step, x: Tensor, recurrent: Recurrent, states: list[Tensor], signals: list[Tensor]
) -> Recurrent:
    """The gradient of Ω with respect to the weights inside the loop.

    Args:
        step: the layer's arithmetic.
        x: the input's product with the kernel, `(steps, batch, blocks * units)`.
        recurrent: the weights.
        states: before every step and after the last, each `(steps + 1, batch, units)`.
        signals: the loss's gradient with respect to the states after every step, each `(steps, batch, units)`.
    """
    with tf.GradientTape() as tape:
        tape.watch(leaves(recurrent))
        value = omega(step, x, recurrent, states, signals)
    found: Recurrent = packed(recurrent, tape.gradient(value, leaves(recurrent), unconnected_gradients="zero"))
    return found


def omega(step: Step, x: Tensor, recurrent: Recurrent, states: list[Tensor], signals: list[Tensor]) -> Tensor:
    """Ω itself; rows at whose step nothing comes back from the loss are left out."""
    units = leaves(recurrent)[0].shape[0]  # a kernel's rows, or a vector
    parts = (x, *(state[:-1] for state in states), *signals)
    widths = [step.blocks * units] + [units] * (len(parts) - 1)
    rows = [tf.reshape(part, [-1, width]) for part, width in zip(parts, widths, strict=True)]
    x, before, delta = rows[0], rows[1 : 1 + len(states)], rows[1 + len(states) :]
    size = tf.reduce_max([tf.reduce_max(tf.abs(part), -1, keepdims=True) for part in delta], 0)
    there = size > 0
    delta = [tf.where(there, part / size, 0) for part in delta]  # so that small signals do not vanish when squared
    with tf.GradientTape() as tape:
        tape.watch(before)
        after = single(step, x, recurrent, before, Masks())
    back = tape.gradient(after, before, output_gradients=delta, unconnected_gradients="zero")
    ratio = tf.where(there, _norm(back) / tf.where(there, _norm(delta), 1), 1)
    counted = tf.cast(there, ratio.dtype)
    return tf.reduce_sum(counted * tf.square(ratio - 1)) / tf.maximum(tf.reduce_sum(counted), 1)


def _norm(parts: list[Tensor]) -> Tensor:
    """Over all states of each row, `(rows, 1)`; never so near zero that it has no gradient."""
    return tf.sqrt(tf.add_n([tf.reduce_sum(part * part, -1, keepdims=True) for part in parts]) + 1e-20)
