"""A recurrent layer's loop over time, forward and backward, time-major, around any `Step`.

Two habits make the loops fast under XLA on a CPU. What the next step reads is fetched a step ahead and carried: read
where it is used, it would be fused with the arithmetic, which then does not vectorise. And the gates of a step take
the place of the input products that they were made from, so that nothing of that size is allocated twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.layers.engine.products import Masks, Recurrent, Source, product, product_gradient
from seqapp.layers.steps.keras import Step


class Trace(NamedTuple):
    """What a forward pass leaves for the backward pass, time-major."""

    gates: list[Tensor]  # what `Step.gates` gave, `(steps, batch, ...)`
    factors: list[Tensor]  # of a factored step, the state's first product, `(steps, batch, units)`
    states: list[Tensor]  # before every step and after the last, `(steps + 1, batch, units)`


class Gradients(NamedTuple):
    """What a backward pass finds, time-major; None or empty where a step has no such thing."""

    x: Tensor  # with respect to the input's product, `(steps, batch, blocks * units)`
    p: Tensor | None  # to the state's product with the kernel, where that is not the first part of `x`
    factors: Tensor | None  # to the state's first product, `(steps, batch, units)`
    vectors: dict[str, Tensor]
    first: list[Tensor]  # to the initial states
    signals: list[Tensor]  # to the states after every step, `(steps, batch, units)`, if asked for


def forward(step: Step, source: Source, recurrent: Recurrent, states: list[Tensor], masks: Masks) -> Trace:
    """Run over a sequence from `states`.

    Args:
        step: the layer's arithmetic.
        source: of the input's product with the kernel, `(steps, batch, blocks * units)`, bias included.
        recurrent: the weights inside the loop.
        states: initial, each `(batch, units)`.
        masks: where states stay as they are, and what the kernel does not see of them.
    """
    x = source.product()
    steps = tf.shape(x)[0]
    history = [_empty(x, steps + 1).write(0, state) for state in states]

    def body(
        time: Tensor, now: list[Tensor], states: list[Tensor], kept: list[Any], history: list[Any]
    ) -> tuple[Any, ...]:
        p, factors = product(now[0], states[0], recurrent, masks)
        gates = step.gates(now[0], p)
        states = _where(now[1:], step.combine(gates, states, recurrent.vectors), states)
        gates = [tf.concat(gates[: step.blocks], -1), *gates[step.blocks :], *factors]
        kept = [array.write(time, gate) for array, gate in zip(kept, gates, strict=True)]
        history = [array.write(time + 1, state) for array, state in zip(history, states, strict=True)]
        following = tf.minimum(time + 1, steps - 1)
        return time + 1, [array.read(following) for array in (kept[0], *held)], states, kept, history

    held = [] if masks.steps is None else [_array(masks.steps)]
    first = [x[0]] if masks.steps is None else [x[0], masks.steps[0]]
    beside = [_empty(x, steps) for _ in range(step.beside + step.factored)]
    start = (0, first, states, [_array(x), *beside], history)
    *_, kept, history = tf.while_loop(lambda time, *_: time < steps, body, start, maximum_iterations=steps)
    stacked = [array.stack() for array in kept]
    gates = 1 + step.beside
    return Trace(stacked[:gates], stacked[gates:], [array.stack() for array in history])


def backward(
    step: Step, trace: Trace, recurrent: Recurrent, masks: Masks, upstream: list[Tensor], signals: bool
) -> Gradients:
    """Run back over a trace.

    Args:
        step: the layer's arithmetic.
        trace: of the forward pass.
        recurrent: as in the forward pass, but for the kernels, which are transposed.
        masks: as in the forward pass.
        upstream: gradient with respect to the outputs of all steps, `(steps, batch, units)`, then to the last states.
        signals: whether to give the gradients with respect to the states after every step, too.
    """
    d_outputs, *d_last = upstream
    steps = tf.shape(d_outputs)[0]
    parts = [*trace.gates, *trace.factors, *trace.states, d_outputs, *([] if masks.steps is None else [masks.steps])]
    read = [_array(part) for part in parts]

    def at(time: Tensor) -> list[Tensor]:
        return [array.read(time) for array in read]

    def body(
        time: Tensor, now: list[Tensor], d_states: list[Tensor], d_vectors: dict[str, Tensor], written: list[Any]
    ) -> tuple[Any, ...]:
        moment = _moment(now, trace)
        d_states = [d_states[0] + moment.d_output, *d_states[1:]]
        found, d_before, d_now = _back(step, moment, d_states, recurrent, masks)
        found += d_states if signals else []
        written = [array.write(time, part) for array, part in zip(written, found, strict=True)]
        d_vectors = {name: d_vectors[name] + part for name, part in d_now.items()}
        return time - 1, at(tf.maximum(time - 1, 0)), d_before, d_vectors, written

    count = 1 + bool(step.beside) + step.factored + (step.memory if signals else 0)
    zeros = {name: tf.zeros_like(vector) for name, vector in recurrent.vectors.items()}
    start = (steps - 1, at(steps - 1), d_last, zeros, [_empty(d_outputs, steps) for _ in range(count)])
    *_, d_first, d_vectors, written = tf.while_loop(lambda time, *_: time >= 0, body, start, maximum_iterations=steps)
    x, *rest = [array.stack() for array in written]
    p = rest.pop(0) if step.beside else None
    return Gradients(x, p, rest.pop(0) if step.factored else None, d_vectors, d_first, rest)


class Moment(NamedTuple):
    """A step of a trace, and the gradient with respect to its output."""

    gates: list[Tensor]
    factors: list[Tensor]
    states: list[Tensor]  # before it
    d_output: Tensor
    held: list[Tensor]  # the mask, if there is one


def _moment(now: list[Tensor], trace: Trace) -> Moment:
    """What the backward loop reads at a time, in the order of the trace."""
    rest = iter(now)
    gates, factors, states = ([next(rest) for _ in part] for part in trace)
    return Moment(gates, factors, states, next(rest), list(rest))


def _back(
    step: Step, moment: Moment, d_states: list[Tensor], recurrent: Recurrent, masks: Masks
) -> tuple[list[Tensor], list[Tensor], dict[str, Tensor]]:
    """Through one step: gradients with respect to `x` (`p`, factors), to the states before, and to the vectors."""
    gates, factors, states, _, held = moment
    with tf.GradientTape() as tape:
        tape.watch([gates, states, recurrent.vectors])
        after = step.combine([*tf.split(gates[0], step.blocks, -1), *gates[1:]], states, recurrent.vectors)
    active = _where(held, d_states, [tf.zeros_like(part) for part in d_states])
    sources = [gates, states, recurrent.vectors]
    d_gates, d_before, d_vectors = tape.gradient(after, sources, active, unconnected_gradients="zero")
    d_x, d_p = step.through(gates, d_gates)
    d_x, d_factors, d_read = product_gradient((d_x, d_p), gates[0], factors, recurrent, masks)
    if d_read is not None:
        d_before = [d_before[0] + d_read, *d_before[1:]]
    if held:
        stay = _where(held, [tf.zeros_like(part) for part in d_states], d_states)
        d_before = [part + kept for part, kept in zip(d_before, stay, strict=True)]
    return [d_x, *([d_p] if step.beside else []), *d_factors], d_before, d_vectors


def single(step: Step, x: Tensor, recurrent: Recurrent, states: list[Tensor], masks: Masks) -> list[Tensor]:
    """One step: the states after it from `x` `(batch, blocks * units)` and the states before."""
    p, _ = product(x, states[0], recurrent, masks)
    return step.combine(step.gates(x, p), states, recurrent.vectors)


def infer(
    step: Step, source: Source, recurrent: Recurrent, states: list[Tensor], masks: Masks
) -> tuple[Tensor, list[Tensor]]:
    """As `forward`, for use without a backward pass: the outputs `(steps, batch, units)` and the last states."""
    x = source.product()
    steps = tf.shape(x)[0]
    read = [_array(part) for part in ([x] if masks.steps is None else [x, masks.steps])]

    def body(time: Tensor, states: list[Tensor], outputs: Any) -> tuple[Any, ...]:
        now, *held = [array.read(time) for array in read]
        states = _where(held, single(step, now, recurrent, states, masks), states)
        return time + 1, states, outputs.write(time, states[0])

    start = (0, states, _empty(x, steps))
    # Nothing but `maximum_iterations` ends it: of that and `time < steps` together tf2onnx makes a loop of mixed types.
    _, states, outputs = tf.while_loop(lambda *_: tf.constant(True), body, start, maximum_iterations=steps)
    return outputs.stack(), states


def _where(held: list[Tensor], new: list[Tensor], old: list[Tensor]) -> list[Tensor]:
    """`new` where the mask, if there is one, says so, `old` elsewhere; a mask is for all states or for each unit."""
    if not held:
        return new
    each = [held[0]] * len(new) if held[0].shape[-1] == 1 else tf.split(held[0], len(new), -1)
    return [tf.where(*three) for three in zip(each, new, old, strict=True)]


def _array(stacked: Tensor) -> Any:
    return tf.TensorArray(stacked.dtype, size=tf.shape(stacked)[0], element_shape=stacked.shape[1:]).unstack(stacked)


def _empty(like: Tensor, size: Tensor) -> Any:
    return tf.TensorArray(like.dtype, size=size)
