"""The engine behind the recurrent layers: products outside the loop, compiled loops, one gradient for a sequence.

XLA compiles the loops of training; all else, and every graph that is saved, consists of TensorFlow's own ops.
A batch is cut into shards whose loops run side by side, one for each core, because one step is too small to share.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.engine import loops, scan
from seqapp.layers.engine.loops import Gradients, Trace
from seqapp.layers.engine.omega import omega_gradients
from seqapp.layers.engine.products import Masks, RecurrentWeights, Source, leaves, pack, weight_gradients
from seqapp.layers.steps.step import Step

MIN_SHARD_ROWS = 16  # with fewer, a core takes longer for each row
_compile_inference = ContextVar("compile_inference", default=False)


class LoopInputs(NamedTuple):
    """What a loop reads at each step: the input's product, time-major, and the masks."""

    source: Source
    masks: Masks


@contextmanager
def compiled() -> Iterator[None]:
    """Compile the loops of what is traced inside, also for inference; not for graphs that will be saved."""
    token = _compile_inference.set(True)
    try:
        yield
    finally:
        _compile_inference.reset(token)


def compiles(training: bool) -> bool:
    """Return whether the loops of a call are compiled."""
    return training or _compile_inference.get()


def shards(batch: int | None) -> int:
    """Return the number of shards for a compiled batch; None: the graph does not know the batch's size."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, 2 if batch is None else batch // MIN_SHARD_ROWS))


def infer(
    step: Step, inputs: LoopInputs, weights: RecurrentWeights, states: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Run a layer over a sequence, in plain TensorFlow ops unless inside `compiled()`.

    Args:
        step: the layer's arithmetic.
        inputs: the input's product, `(steps, batch, blocks * units)`, and the masks.
        weights: those inside the loop.
        states: initial, each `(batch, units)`.

    Returns:
        The outputs, `(steps, batch, units)`, and the last states, each `(batch, units)`.
    """
    loop = scan.infer if step.linear and not compiles(False) else loops.infer
    outputs, last = _function(loop, step, compiles(False))(inputs.source, weights, states, inputs.masks)
    return _with_static_batch(states, outputs, last)


def train(
    step: Step, inputs: LoopInputs, weights: RecurrentWeights, states: list[Tensor], omega: float = 0.0
) -> tuple[Tensor, list[Tensor]]:
    """Run a layer over a sequence, compiled, with a gradient of its own for inputs, weights and states.

    Args:
        step: the layer's arithmetic.
        inputs: the input's product, `(steps, batch, blocks * units)`, and the masks.
        weights: those inside the loop.
        states: initial, each `(batch, units)`.
        omega: factor of Ω's gradient, which the backward pass adds to that of the weights; 0 computes none.

    Returns:
        The outputs, `(steps, batch, units)`, and the last states, each `(batch, units)`.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(*tensors: Tensor) -> tuple[Any, Any]:
        source, constants, first = pack(arguments, [tf.stop_gradient(part) for part in tensors])
        trace = Trace(*_function(loops.forward, step, True)(source, constants, first, inputs.masks))
        outputs = [trace.states[0][1:], *(history[-1] for history in trace.states)]

        def gradient(*upstream: Tensor) -> list[Tensor | None]:
            return _gradients(step, LoopInputs(source, inputs.masks), constants, trace, list(upstream), omega)

        return outputs, gradient

    arguments = (inputs.source, weights, states)
    outputs, *last = run(*leaves(arguments))
    return _with_static_batch(states, outputs, last)


def _gradients(
    step: Step, inputs: LoopInputs, weights: RecurrentWeights, trace: Trace, upstream: list[Tensor], omega: float
) -> list[Tensor | None]:
    """Return the gradients with respect to the source's tensors, the weights and the initial states, in this order."""
    back = _function(loops.backward, step, True)
    gradients = Gradients(*back(trace, weights.transposed(), inputs.masks, upstream, bool(omega)))
    before = trace.states[0][:-1]
    d_weights = weight_gradients(weights, inputs.masks, before, (trace.gates[0], trace.factors), gradients)
    if omega:
        d_omega = omega_gradients(step, inputs.source.product(), weights, trace.states, gradients.signals)
        pairs = zip(leaves(d_weights), leaves(d_omega), strict=True)
        d_weights = pack(d_weights, [of_loss + omega * of_omega for of_loss, of_omega in pairs])
    return [*inputs.source.gradient(gradients.x), *leaves(d_weights), *gradients.initial_states]


def _with_static_batch(first: list[Tensor], outputs: Tensor, last: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Give a loop's results the initial states' static batch: a function once traced for any batch loses it."""
    outputs.set_shape([None, *first[0].shape])
    for before, after in zip(first, last, strict=True):
        after.set_shape(before.shape)
    return outputs, last


@functools.cache
def _function(loop: Any, step: Step, compile_loop: bool) -> Any:
    """Return one function for equal steps, so that layers of the same shape are compiled once."""
    return tf.function(functools.partial(loop, step), jit_compile=compile_loop, autograph=False)
