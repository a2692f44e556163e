"""How large the loss's gradient still is a number of steps back: one step after the other, forward and then backward.

Works for every network that can be stepped. A norm is kept as its logarithm and what goes further back as a direction,
so that neither 1e-300 nor 1e+300 is out of reach.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Batch, Encoded, Head, Network, State, Tensor
from seqapp.errors import BadInput, WorkFailed
from seqapp.system.tensorflow import tf


def relative_norms(network: Network, head: Head[Any], batch: Batch) -> NDArray[np.float64]:
    """log10 of the gradient's norm by lag, relative to lag 1, `(steps,)`: the median over the sequences.

    Lag n is the state n steps before the loss; its norm is over all numbers of all recurrent layers' states.

    Raises:
        WorkFailed: no sequence has a gradient to begin with, or it is not finite.
    """
    norms = log_norms(network, head, batch)
    if np.isnan(norms).any():
        raise WorkFailed(f"the gradients are not finite {np.isnan(norms).any(1).argmax() + 1} steps back.")
    with_gradient = norms[:, np.isfinite(norms[0])]
    if not with_gradient.shape[1]:
        raise WorkFailed("the loss at the last step has no gradient in any sequence: there is nothing to follow back.")
    # one of the values: the mean of two knows no logarithm of 0
    middle = np.quantile(with_gradient, 0.5, axis=1, method="lower")
    return np.asarray(middle - middle[0])


def log_norms(network: Network, head: Head[Any], batch: Batch) -> NDArray[np.float64]:
    """log10 of the norm of ∂loss/∂state, `(steps, sequences)`: row 0 the state before the last step, then earlier ones.

    Raises:
        BadInput: the states themselves outgrow float32, or some layer reads from both ends.
    """
    if not network.can_step:
        raise BadInput(
            "gradients: a network that reads from both ends cannot be followed step by step; give one that does not."
        )
    step = tf.function(lambda inputs, state: network.step(inputs, state)[1], autograph=False)
    inputs = [batch.inputs[:, [place]] for place in range(batch.inputs.shape[1])]
    states = [network.start(batch.encoded, len(batch.inputs))]
    for each in inputs[:-1]:
        states.append(step(each, states[-1]))
        if not all(np.isfinite(state).all() for state in _numbers(states[-1])):
            raise BadInput(f"the states are not finite after {len(states) - 1} steps: use fewer --steps.")
    last_step, step_before = _gradients(network, head)
    signal, size = last_step(inputs[-1], _one_step(head, batch.targets), states[-1])
    sizes = [size.numpy()]
    for each, state in zip(inputs[-2::-1], states[-2::-1], strict=True):
        signal, size = step_before(each, state, signal)
        sizes.append(size.numpy())
    return np.asarray(np.cumsum(sizes, axis=0))


def _one_step(head: Head[Any], targets: NDArray[Any]) -> NDArray[Any]:
    """The targets of one step, with their axis of steps if the head has one."""
    spec = head.targets().shape
    return targets if spec.rank == targets.ndim else targets[:, None]


def scale_recurrent(network: Network, factor: float) -> None:
    """Multiply the weights that lead from a state to the next one: those of recurrent layers named "recurrent…".

    Raises:
        BadInput: the network has no such weights.
    """
    recurrent = [layer for layer in network.layers if hasattr(layer, "get_initial_state")]
    variables = [variable for layer in recurrent for variable in layer.weights]
    kernels = [each for each in variables if each.name.startswith("recurrent") and "bias" not in each.name]
    if not kernels:
        raise BadInput("--scale-recurrent: no layer of this network has a weight named recurrent_kernel.")
    for variable in kernels:
        variable.assign(variable * factor)


def _gradients(network: Network, head: Head[Any]) -> tuple[Any, Any]:
    """The gradient of the last step's loss, and of one step before it: each as directions and log10 of their norms."""

    def last_step(inputs: Tensor, targets: Tensor, state: State) -> tuple[list[Tensor], Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(_numbers(state))
            hidden, _ = network.step(inputs, state)
            loss = tf.reduce_sum(head.loss(targets, hidden, network.head, Encoded(inputs), training=False))
        return _direction(tape.gradient(loss, _numbers(state), unconnected_gradients="zero"))

    def step_before(inputs: Tensor, state: State, signal: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(_numbers(state))
            after = _numbers(network.step(inputs, state)[1])
        return _direction(tape.gradient(after, _numbers(state), signal, unconnected_gradients="zero"))

    return tf.function(last_step, autograph=False), tf.function(step_before, autograph=False)


def _numbers(state: State) -> list[Tensor]:
    """What the state carries and has gradients, flat."""
    return [part for part in tf.nest.flatten(state.carried) if part.dtype.is_floating]


def _direction(parts: list[Tensor]) -> tuple[list[Tensor], Tensor]:
    """Gradients `(batch, …)` scaled to a norm of 1 for each row, and log10 of what it was, float64 `(batch,)`."""
    wide = [tf.cast(part, tf.float64) for part in parts]  # the square of a float32 may be too small for one
    norm = tf.sqrt(tf.add_n([tf.reduce_sum(part * part, range(1, len(part.shape))) for part in wide]))
    divisor = tf.where(norm > 0, norm, 1)
    scaled = [part / tf.reshape(divisor, [-1] + [1] * (len(part.shape) - 1)) for part in wide]
    return [tf.cast(part, before.dtype) for part, before in zip(scaled, parts, strict=True)], tf.math.log(
        norm
    ) / np.log(10)
