"""A step that is linear in its state, over all of a sequence at once: a parallel scan, in log₂(steps) rounds.

h_t = a_t·h_{t-1} + b_t for t = 1, 2, … Each round joins every step with the one `distance` before, which doubles the
distance (Hillis & Steele 1986). The work grows by log₂(steps), so where the loop is compiled, the loop is faster on a
few cores; where it is not, as in a SavedModel, it pays a price for each step that the scan does not.
"""

from __future__ import annotations

import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.layers.engine.products import Masks, Recurrent, Source
from seqapp.layers.steps.keras import Step


def infer(
    step: Step, source: Source, recurrent: Recurrent, states: list[Tensor], masks: Masks
) -> tuple[Tensor, list[Tensor]]:
    """As `loops.infer`, for a step that is `linear`."""
    decay, add = step.affine(step.gates(source.product(), None))
    if masks.steps is not None:
        decay, add = tf.where(masks.steps, decay, 1), tf.where(masks.steps, add, 0)
    add = tf.concat([add[:1] + decay[:1] * states[0], add[1:]], 0)
    outputs = scanned(decay, add)
    return outputs, [outputs[-1]]


def scanned(decay: Tensor, add: Tensor) -> Tensor:
    """h_t = decay_t·h_{t-1} + add_t from h_0 = 0, of `(steps, batch, units)`, h_1 first."""
    steps = tf.shape(decay)[0]

    def joined(distance: Tensor, decay: Tensor, add: Tensor) -> tuple[Tensor, ...]:
        earlier = add[:-distance] * decay[distance:]
        add = tf.concat([add[:distance], add[distance:] + earlier], 0)
        decay = tf.concat([decay[:distance], decay[distance:] * decay[:-distance]], 0)
        return 2 * distance, decay, add

    shape = tf.TensorShape([None, *decay.shape[1:]])
    invariants = (tf.TensorShape([]), shape, shape)
    return tf.while_loop(lambda distance, *_: distance < steps, joined, (1, decay, add), invariants)[2]
