"""The engine behind the recurrent layers: products outside the loop, compiled loops, one gradient for a sequence.

The loops of a training are compiled by XLA; all else, and every graph that is to be saved, is TensorFlow's own ops.
A batch is cut into shards whose loops run side by side, one for each core, because a step alone is too small to share.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import tensorflow as tf

from seqapp.heads import Tensor
from seqapp.layers import loops
from seqapp.layers.loops import Recurrent, Trace
from seqapp.layers.products import Source, summed
from seqapp.layers.steps import Step

SMALLEST_SHARD = 16  # rows: below that a core is faster with more rows than with fewer
_compile_inference = ContextVar("compile_inference", default=False)


class Sequence(NamedTuple):
    """What a recurrent layer runs over: an input's product, time-major, and `mask` bool `(steps, batch, 1)` or None."""

    source: Source
    mask: Tensor | None


@contextmanager
def compiled() -> Iterator[None]:
    """Compile the loops of what is traced here also where nothing is trained; not for graphs that are to be saved."""
    token = _compile_inference.set(True)
    try:
        yield
    finally:
        _compile_inference.reset(token)


def compiles(training: bool) -> bool:
    """Whether the loops of a call are compiled."""
    return training or _compile_inference.get()


def shards(batch: int | None) -> int:
    """Into how many shards to cut a batch whose loops are compiled; None: not known when the graph is made."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, 2 if batch is None else batch // SMALLEST_SHARD))


def infer(step: Step, sequence: Sequence, recurrent: Recurrent, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Outputs `(steps, batch, units)` and last states, in plain ops unless inside `compiled()`."""
    outputs, last = _function(loops.infer, step, compiles(False))(sequence.source, recurrent, states, sequence.mask)
    return _as_wide_as(states, outputs, last)


def train(step: Step, sequence: Sequence, recurrent: Recurrent, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """As `infer`, compiled, and remembered for the backward pass."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(*tensors: Tensor) -> tuple[Any, Any]:
        source, held, first = tf.nest.pack_sequence_as(given, [tf.stop_gradient(part) for part in tensors])
        weights = Recurrent(held[0], held[1] if held[1:] else None)
        trace = Trace(*_function(loops.forward, step, True)(source, weights, first, sequence.mask))
        outputs = [trace.states[0][1:], *(history[-1] for history in trace.states)]

        def gradient(*upstream: Tensor) -> list[Tensor | None]:
            d_x, d_weights, d_first = _gradients(step, trace, weights, sequence.mask, upstream)
            return [*source.gradient(d_x), *d_weights[: len(held)], *d_first]

        return outputs, gradient

    given = (sequence.source, [weight for weight in recurrent if weight is not None], states)
    outputs, *last = run(*tf.nest.flatten(given))
    return _as_wide_as(states, outputs, last)


def _as_wide_as(first: list[Tensor], outputs: Tensor, last: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """What a loop gave, with the initial states' batch: a function once traced for any batch no longer says which."""
    outputs.set_shape([None, *first[0].shape])
    for before, after in zip(first, last, strict=True):
        after.set_shape(before.shape)
    return outputs, last


def _gradients(
    step: Step, trace: Trace, recurrent: Recurrent, mask: Tensor | None, upstream: tuple[Tensor, ...]
) -> tuple[Tensor, list[Tensor | None], list[Tensor]]:
    """Gradients with respect to the input's product, the weights inside the loop, and the initial states."""
    back = _function(loops.backward, step, True)
    d_x, d_p, d_first = back(trace, tf.transpose(recurrent.kernel), mask, upstream[0], list(upstream[1:]))
    before, columns = trace.states[0][:-1], d_x if d_p is None else d_p
    columns = tf.reshape(columns, [-1, recurrent.kernel.shape[1]])
    d_kernel = tf.matmul(tf.reshape(before, [-1, recurrent.kernel.shape[0]]), columns, transpose_a=True)
    return d_x, [d_kernel, None if recurrent.bias is None else summed(columns)], d_first


@functools.cache
def _function(loop: Any, step: Step, compile_loop: bool) -> Any:
    """One function for equal steps, so that layers of the same shape are compiled once."""
    return tf.function(functools.partial(loop, step), jit_compile=compile_loop, autograph=False)
