"""A step that is linear in its state, over all of a sequence at once: a parallel scan, in log₂(steps) rounds.

h_t = a_t·h_{t-1} + b_t for t = 1, 2, … Each round combines every step with the one `distance` before, which doubles the
distance (Hillis & Steele 1986). The work grows by log₂(steps), so a compiled loop is faster on a few cores; a loop that
is not compiled, as in a SavedModel, has an overhead for each step that the scan avoids.
"""

from __future__ import annotations

import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.engine.products import Masks, RecurrentWeights, Source
from seqapp.layers.steps.step import Step


def infer(
    step: Step, source: Source, weights: RecurrentWeights, states: list[Tensor], masks: Masks
) -> tuple[Tensor, list[Tensor]]:
    """Run over a sequence as `loops.infer` does, with its arguments and results; the step must be `linear`."""
    a, b = step.affine(step.gates(source.product(), None))
    if masks.update is not None:
        a, b = tf.where(masks.update, a, 1), tf.where(masks.update, b, 0)
    b = tf.concat([b[:1] + a[:1] * states[0], b[1:]], 0)
    outputs = scan(a, b)
    return outputs, [outputs[-1]]


def scan(a: Tensor, b: Tensor) -> Tensor:
    """Compute h_t = a_t·h_{t-1} + b_t from h_0 = 0.

    Args:
        a: `(steps, batch, units)`.
        b: in the shape of `a`.

    Returns:
        h_1, h_2, …, in the shape of `a`.
    """
    steps = tf.shape(a)[0]

    def one_round(distance: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
        earlier = b[:-distance] * a[distance:]
        b = tf.concat([b[:distance], b[distance:] + earlier], 0)
        a = tf.concat([a[:distance], a[distance:] * a[:-distance]], 0)
        return 2 * distance, a, b

    shape = tf.TensorShape([None, *a.shape[1:]])
    invariants = (tf.TensorShape([]), shape, shape)
    return tf.while_loop(lambda distance, *_: distance < steps, one_round, (1, a, b), invariants)[2]
