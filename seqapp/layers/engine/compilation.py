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

from seqapp.contract.head import Tensor
from seqapp.layers.engine import loops, scan
from seqapp.layers.engine.loops import Gradients, Trace
from seqapp.layers.engine.omega import omega_gradients
from seqapp.layers.engine.products import Masks, Recurrent, Source, leaves, packed, weight_gradients
from seqapp.layers.steps.keras import Step

SMALLEST_SHARD = 16  # rows: below that a core is faster with more rows than with fewer
_compile_inference = ContextVar("compile_inference", default=False)


class Sequence(NamedTuple):
    """What a recurrent layer runs over: an input's product, time-major, and what is held back."""

    source: Source
    masks: Masks


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
    loop = scan.infer if step.linear and not compiles(False) else loops.infer
    outputs, last = _function(loop, step, compiles(False))(sequence.source, recurrent, states, sequence.masks)
    return _as_wide_as(states, outputs, last)


def train(
    step: Step, sequence: Sequence, recurrent: Recurrent, states: list[Tensor], omega: float = 0.0
) -> tuple[Tensor, list[Tensor]]:
    """As `infer`, compiled, and remembered for the backward pass, which adds `omega` times the gradient of Ω."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(*tensors: Tensor) -> tuple[Any, Any]:
        source, weights, first = packed(given, [tf.stop_gradient(part) for part in tensors])
        trace = Trace(*_function(loops.forward, step, True)(source, weights, first, sequence.masks))
        outputs = [trace.states[0][1:], *(history[-1] for history in trace.states)]

        def gradient(*upstream: Tensor) -> list[Tensor | None]:
            back = _function(loops.backward, step, True)
            turned = weights.transposed()
            found = Gradients(*back(trace, turned, sequence.masks, list(upstream), bool(omega)))
            before = trace.states[0][:-1]
            d_weights = weight_gradients(weights, sequence.masks, before, (trace.gates[0], trace.factors), found)
            if omega:
                more = omega_gradients(step, source.product(), weights, trace.states, found.signals)
                d_weights = _added(d_weights, more, omega)
            return [*source.gradient(found.x), *leaves(d_weights), *found.first]

        return outputs, gradient

    given = (sequence.source, recurrent, states)
    outputs, *last = run(*leaves(given))
    return _as_wide_as(states, outputs, last)


def _added(weights: Recurrent, more: Recurrent, factor: float) -> Recurrent:
    pairs = zip(leaves(weights), leaves(more), strict=True)
    made: Recurrent = packed(weights, [one + factor * two for one, two in pairs])
    return made


def _as_wide_as(first: list[Tensor], outputs: Tensor, last: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """What a loop gave, with the initial states' batch: a function once traced for any batch no longer says which."""
    outputs.set_shape([None, *first[0].shape])
    for before, after in zip(first, last, strict=True):
        after.set_shape(before.shape)
    return outputs, last


@functools.cache
def _function(loop: Any, step: Step, compile_loop: bool) -> Any:
    """One function for equal steps, so that layers of the same shape are compiled once."""
    return tf.function(functools.partial(loop, step), jit_compile=compile_loop, autograph=False)
