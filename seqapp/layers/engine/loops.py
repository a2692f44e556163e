"""A recurrent layer's loop over time, forward and backward, time-major, around any `Step`.

Two things make the loops fast under XLA on a CPU. What the next step reads is fetched a step ahead and carried: read
where it is used, it would be fused with the arithmetic, which then does not vectorize. And the gates of a step replace
the input products that they were computed from, so that nothing of that size is allocated twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.engine.products import Masks, RecurrentWeights, Source, product, product_gradient
from seqapp.layers.steps.step import Step


class Trace(NamedTuple):
    """What a forward pass keeps for the backward pass, time-major."""

    gates: list[Tensor]  # first the step's blocks, `(steps, batch, blocks * units)`, then each extra gate
    factors: list[Tensor]  # of a factored step, the state's first product, `(steps, batch, units)`
    states: list[Tensor]  # before every step and after the last, `(steps + 1, batch, units)`


class Gradients(NamedTuple):
    """The results of a backward pass, time-major; None or empty where a step has no such input."""

    x: Tensor  # with respect to the input's product, `(steps, batch, blocks * units)`
    p: Tensor | None  # to the state's product with the kernel, where that is not the first part of `x`
    factors: Tensor | None  # to the state's first product, `(steps, batch, units)`
    vectors: dict[str, Tensor]
    initial_states: list[Tensor]  # each `(batch, units)`
    signals: list[Tensor]  # on request, to the states after every step, `(steps, batch, units)`


def forward(step: Step, source: Source, weights: RecurrentWeights, states: list[Tensor], masks: Masks) -> Trace:
    """Run over a sequence from `states`.

    Args:
        step: the layer's arithmetic.
        source: of the input's product with the kernel, `(steps, batch, blocks * units)`, bias included.
        weights: those inside the loop.
        states: initial, each `(batch, units)`.
        masks: which states a step updates, and what the kernels read of them.

    Returns:
        What `backward` needs; the outputs of all steps are `states[0][1:]` of it.
    """
    x = source.product()
    steps = tf.shape(x)[0]
    history = [_empty(x, steps + 1).write(0, state) for state in states]

    def body(
        time: Tensor, now: list[Tensor], states: list[Tensor], gate_arrays: list[Any], history: list[Any]
    ) -> tuple[Any, ...]:
        p, factors = product(now[0], states[0], weights, masks)
        gates = step.gates(now[0], p)
        states = _where(now[1:], step.combine(gates, states, weights.vectors), states)
        gates = [tf.concat(gates[: step.blocks], -1), *gates[step.blocks :], *factors]
        gate_arrays = [array.write(time, gate) for array, gate in zip(gate_arrays, gates, strict=True)]
        history = [array.write(time + 1, state) for array, state in zip(history, states, strict=True)]
        following = tf.minimum(time + 1, steps - 1)
        read_ahead = [array.read(following) for array in (gate_arrays[0], *update)]
        return time + 1, read_ahead, states, gate_arrays, history

    update = [] if masks.update is None else [_array(masks.update)]
    first = [x[0]] if masks.update is None else [x[0], masks.update[0]]
    extra = [_empty(x, steps) for _ in range(step.extra_gates + step.factored)]
    start = (0, first, states, [_array(x), *extra], history)
    *_, gate_arrays, history = tf.while_loop(lambda time, *_: time < steps, body, start, maximum_iterations=steps)
    stacked = [array.stack() for array in gate_arrays]
    gate_count = 1 + step.extra_gates
    return Trace(stacked[:gate_count], stacked[gate_count:], [array.stack() for array in history])


def backward(
    step: Step, trace: Trace, transposed: RecurrentWeights, masks: Masks, upstream: list[Tensor], signals: bool
) -> Gradients:
    """Run back over a trace.

    Args:
        step: the layer's arithmetic.
        trace: of the forward pass.
        transposed: the weights inside the loop, with transposed kernels.
        masks: as in the forward pass.
        upstream: gradient with respect to the outputs of all steps, `(steps, batch, units)`, then to the last states,
            each `(batch, units)`.
        signals: whether to return the gradients with respect to the states after every step, too.
    """
    d_outputs, *d_last = upstream
    steps = tf.shape(d_outputs)[0]
    update = [] if masks.update is None else [masks.update]
    arrays = [_array(part) for part in (*trace.gates, *trace.factors, *trace.states, d_outputs, *update)]

    def at(time: Tensor) -> list[Tensor]:
        return [array.read(time) for array in arrays]

    def body(
        time: Tensor, now: list[Tensor], d_states: list[Tensor], d_vectors: dict[str, Tensor], results: list[Any]
    ) -> tuple[Any, ...]:
        one = _trace_step(now, trace)
        d_states = [d_states[0] + one.d_output, *d_states[1:]]
        gradients, d_before, d_now = _step_back(step, one, d_states, transposed, masks)
        gradients += d_states if signals else []
        results = [array.write(time, part) for array, part in zip(results, gradients, strict=True)]
        d_vectors = {name: d_vectors[name] + part for name, part in d_now.items()}
        return time - 1, at(tf.maximum(time - 1, 0)), d_before, d_vectors, results

    count = 1 + bool(step.extra_gates) + step.factored + (step.state_count if signals else 0)
    zeros = {name: tf.zeros_like(vector) for name, vector in transposed.vectors.items()}
    start = (steps - 1, at(steps - 1), d_last, zeros, [_empty(d_outputs, steps) for _ in range(count)])
    *_, d_first, d_vectors, results = tf.while_loop(lambda time, *_: time >= 0, body, start, maximum_iterations=steps)
    x, *rest = [array.stack() for array in results]
    p = rest.pop(0) if step.extra_gates else None
    return Gradients(x, p, rest.pop(0) if step.factored else None, d_vectors, d_first, rest)


class TraceStep(NamedTuple):
    """One step of a trace, and the gradient with respect to its output `(batch, units)`."""

    gates: list[Tensor]
    factors: list[Tensor]
    states: list[Tensor]  # before the step
    d_output: Tensor
    update: list[Tensor]  # the mask, if there is one


def _trace_step(now: list[Tensor], trace: Trace) -> TraceStep:
    """Sort the tensors that the backward loop reads at one time, which are in the order of the trace."""
    rest = iter(now)
    gates, factors, states = ([next(rest) for _ in part] for part in trace)
    return TraceStep(gates, factors, states, next(rest), list(rest))


def _step_back(
    step: Step, one: TraceStep, d_states: list[Tensor], transposed: RecurrentWeights, masks: Masks
) -> tuple[list[Tensor], list[Tensor], dict[str, Tensor]]:
    """Return the gradients with respect to `x` (`p`, factors), to the states before the step, and to the vectors."""
    gates, factors, states, _, update = one
    vectors = transposed.vectors
    with tf.GradientTape() as tape:
        tape.watch([gates, states, vectors])
        after = step.combine([*tf.split(gates[0], step.blocks, -1), *gates[1:]], states, vectors)
    active = _where(update, d_states, [tf.zeros_like(part) for part in d_states])
    sources = [gates, states, vectors]
    d_gates, d_before, d_vectors = tape.gradient(after, sources, active, unconnected_gradients="zero")
    d_x, d_p = step.gates_gradient(gates, d_gates)
    d_x, d_factors, d_read = product_gradient((d_x, d_p), gates[0], factors, transposed, masks)
    if d_read is not None:
        d_before = [d_before[0] + d_read, *d_before[1:]]
    if update:
        unchanged = _where(update, [tf.zeros_like(part) for part in d_states], d_states)
        d_before = [part + other for part, other in zip(d_before, unchanged, strict=True)]
    return [d_x, *([d_p] if step.extra_gates else []), *d_factors], d_before, d_vectors


def single(step: Step, x: Tensor, weights: RecurrentWeights, states: list[Tensor], masks: Masks) -> list[Tensor]:
    """Compute one step.

    Args:
        step: the layer's arithmetic.
        x: the input's product with the kernel, `(batch, blocks * units)`, bias included.
        weights: those inside the loop.
        states: before the step, each `(batch, units)`.
        masks: of which `state_scale` counts here.

    Returns:
        The states after the step, each `(batch, units)`, the output first.
    """
    p, _ = product(x, states[0], weights, masks)
    return step.combine(step.gates(x, p), states, weights.vectors)


def infer(
    step: Step, source: Source, weights: RecurrentWeights, states: list[Tensor], masks: Masks
) -> tuple[Tensor, list[Tensor]]:
    """Run over a sequence from `states` without keeping anything for a backward pass.

    Args:
        step: the layer's arithmetic.
        source: of the input's product with the kernel, `(steps, batch, blocks * units)`, bias included.
        weights: those inside the loop.
        states: initial, each `(batch, units)`.
        masks: which states a step updates, and what the kernels read of them.

    Returns:
        The outputs, `(steps, batch, units)`, and the last states, each `(batch, units)`.
    """
    x = source.product()
    steps = tf.shape(x)[0]
    arrays = [_array(part) for part in ([x] if masks.update is None else [x, masks.update])]

    def body(time: Tensor, states: list[Tensor], outputs: Any) -> tuple[Any, ...]:
        now, *update = [array.read(time) for array in arrays]
        states = _where(update, single(step, now, weights, states, masks), states)
        return time + 1, states, outputs.write(time, states[0])

    start = (0, states, _empty(x, steps))
    # `maximum_iterations` alone ends the loop: of that and `time < steps` together tf2onnx makes a loop of mixed types.
    _, states, outputs = tf.while_loop(lambda *_: tf.constant(True), body, start, maximum_iterations=steps)
    return outputs.stack(), states


def _where(update: list[Tensor], new: list[Tensor], old: list[Tensor]) -> list[Tensor]:
    """Return `new` where the mask, if there is one, is True, else `old`; a mask is for all states or for each unit."""
    if not update:
        return new
    each = [update[0]] * len(new) if update[0].shape[-1] == 1 else tf.split(update[0], len(new), -1)
    return [tf.where(*three) for three in zip(each, new, old, strict=True)]


def _array(stacked: Tensor) -> Any:
    return tf.TensorArray(stacked.dtype, size=tf.shape(stacked)[0], element_shape=stacked.shape[1:]).unstack(stacked)


def _empty(like: Tensor, size: Tensor) -> Any:
    return tf.TensorArray(like.dtype, size=size)
