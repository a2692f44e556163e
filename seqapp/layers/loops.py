"""A recurrent layer's loop over time, forward and backward, time-major, around any `Step`.

Two habits make the loops fast under XLA on a CPU. What the next step reads is fetched a step ahead and carried: read
where it is used, it would be fused with the arithmetic, which then does not vectorise. And the gates of a step take
the place of the input products that they were made from, so that nothing of that size is allocated twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seqapp.heads import Tensor
from seqapp.layers.products import Source
from seqapp.layers.steps import Step


class Recurrent(NamedTuple):
    """The weights inside the loop: `kernel` `(units, blocks * units)`, `bias` `(blocks * units,)` or None."""

    kernel: Tensor
    bias: Tensor | None


class Trace(NamedTuple):
    """What a forward pass leaves for the backward pass, time-major."""

    gates: list[Tensor]  # what `Step.gates` gave, `(steps, batch, ...)`
    states: list[Tensor]  # before every step and after the last, `(steps + 1, batch, units)`


def forward(step: Step, source: Source, recurrent: Recurrent, states: list[Tensor], mask: Tensor | None) -> Trace:
    """Run over a sequence from `states`; a step masked out leaves the states as they are.

    Args:
        step: the layer's arithmetic.
        source: of the input's product with the kernel, `(steps, batch, blocks * units)`, bias included.
        recurrent: the weights inside the loop.
        states: initial, each `(batch, units)`.
        mask: bool `(steps, batch, 1)`, or None.
    """
    x = source.product()
    steps = tf.shape(x)[0]
    history = [_empty(x, steps + 1).write(0, state) for state in states]

    def body(
        time: Tensor, now: list[Tensor], states: list[Tensor], kept: list[Any], history: list[Any]
    ) -> tuple[Any, ...]:
        gates = step.gates(now[0], _product(states[0], recurrent))
        states = _where(now[1:], step.combine(gates, states), states)
        gates = [tf.concat(gates[: step.blocks], -1), *gates[step.blocks :]]
        kept = [array.write(time, gate) for array, gate in zip(kept, gates, strict=True)]
        history = [array.write(time + 1, state) for array, state in zip(history, states, strict=True)]
        following = tf.minimum(time + 1, steps - 1)
        return time + 1, [array.read(following) for array in (kept[0], *masks)], states, kept, history

    masks = [] if mask is None else [_array(mask)]
    first = [x[0]] if mask is None else [x[0], mask[0]]
    beside = [_empty(x, steps) for _ in step.gates(x[0], x[0])[step.blocks :]]
    start = (0, first, states, [_array(x), *beside], history)
    *_, kept, history = tf.while_loop(lambda time, *_: time < steps, body, start, maximum_iterations=steps)
    return Trace([array.stack() for array in kept], [array.stack() for array in history])


def backward(
    step: Step, trace: Trace, transposed: Tensor, mask: Tensor | None, d_outputs: Tensor, d_last: list[Tensor]
) -> tuple[Tensor, Tensor | None, list[Tensor]]:
    """Run back over a trace.

    Args:
        step: the layer's arithmetic.
        trace: of the forward pass.
        transposed: the recurrent kernel's transpose, `(blocks * units, units)`.
        mask: as in the forward pass.
        d_outputs: gradient with respect to the output of every step, `(steps, batch, units)`.
        d_last: the same for the last states, each `(batch, units)`.

    Returns:
        Gradients with respect to `x`, to the state's product with the kernel (None where it is the same), and to the
        initial states.
    """
    steps = tf.shape(d_outputs)[0]
    read = [_array(part) for part in (*trace.gates, *trace.states, d_outputs, *([] if mask is None else [mask]))]
    gates_end, states_end = len(trace.gates), len(trace.gates) + len(trace.states)
    same = len(trace.gates) == 1

    def at(time: Tensor) -> list[Tensor]:
        return [array.read(time) for array in read]

    def body(time: Tensor, now: list[Tensor], d_states: list[Tensor], written: list[Any]) -> tuple[Any, ...]:
        gates, states, d_output, *held = now[:gates_end], now[gates_end:states_end], *now[states_end:]
        d_states = [d_states[0] + d_output, *d_states[1:]]
        with tf.GradientTape() as tape:
            tape.watch([gates, states])
            after = step.combine([*tf.split(gates[0], step.blocks, -1), *gates[1:]], states)
        active = _where(held, d_states, [tf.zeros_like(part) for part in d_states])
        d_gates, d_before = tape.gradient(after, [gates, states], active, unconnected_gradients="zero")
        d_x, d_p = step.through(gates, d_gates)
        written = [array.write(time, part) for array, part in zip(written, [d_x] if same else [d_x, d_p], strict=True)]
        d_before = [d_before[0] + d_p @ transposed, *d_before[1:]]
        if held:
            d_before = [tf.where(held[0], part, kept) for part, kept in zip(d_before, d_states, strict=True)]
        return time - 1, at(tf.maximum(time - 1, 0)), d_before, written

    start = (steps - 1, at(steps - 1), d_last, [_empty(d_outputs, steps) for _ in range(1 if same else 2)])
    *_, d_first, written = tf.while_loop(lambda time, *_: time >= 0, body, start, maximum_iterations=steps)
    stacked = [array.stack() for array in written]
    return stacked[0], None if same else stacked[1], d_first


def single(step: Step, x: Tensor, recurrent: Recurrent, states: list[Tensor]) -> list[Tensor]:
    """One step: the states after it from `x` `(batch, blocks * units)` and the states before."""
    return step.combine(step.gates(x, _product(states[0], recurrent)), states)


def infer(
    step: Step, source: Source, recurrent: Recurrent, states: list[Tensor], mask: Tensor | None
) -> tuple[Tensor, list[Tensor]]:
    """As `forward`, for use without a backward pass: the outputs `(steps, batch, units)` and the last states."""
    x = source.product()
    steps = tf.shape(x)[0]
    read = [_array(part) for part in ([x] if mask is None else [x, mask])]

    def body(time: Tensor, states: list[Tensor], outputs: Any) -> tuple[Any, ...]:
        now, *held = [array.read(time) for array in read]
        states = _where(held, single(step, now, recurrent, states), states)
        return time + 1, states, outputs.write(time, states[0])

    start = (0, states, _empty(x, steps))
    _, states, outputs = tf.while_loop(lambda time, *_: time < steps, body, start, maximum_iterations=steps)
    return outputs.stack(), states


def _product(state: Tensor, recurrent: Recurrent) -> Tensor:
    product = state @ recurrent.kernel
    return product if recurrent.bias is None else product + recurrent.bias


def _where(held: list[Tensor], new: list[Tensor], old: list[Tensor]) -> list[Tensor]:
    """`new` where the mask, if there is one, says so, `old` elsewhere."""
    return [tf.where(held[0], *pair) for pair in zip(new, old, strict=True)] if held else new


def _array(stacked: Tensor) -> Any:
    return tf.TensorArray(stacked.dtype, size=tf.shape(stacked)[0], element_shape=stacked.shape[1:]).unstack(stacked)


def _empty(like: Tensor, size: Tensor) -> Any:
    return tf.TensorArray(like.dtype, size=size)
