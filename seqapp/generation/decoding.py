"""Decoding in the graph: read a prompt, then sample one token after another from a network that keeps its state.

Each row has its own seed and its own length, so a row's tokens do not depend on the other rows of its batch. Nothing
here knows what a token stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Encoded, Head, Network, Raw, Request, State, Task, Tensor
from seqapp.generation.sampling import Sampler, StepSampler

NO_TOKEN = -1  # the id where a row has no token


class Stop(NamedTuple):
    """The tokens after which a row ends: `ids` int32 `(batch, tokens)`, right-aligned, `NO_TOKEN` on the left.

    A row of `NO_TOKEN` alone never stops. The stop tokens do not belong to the generated text.
    """

    ids: Tensor

    def no_tokens(self) -> Tensor:
        """Return the most recent tokens before any was sampled, in the shape of `ids`."""
        import tensorflow as tf

        return tf.fill(tf.shape(self.ids), NO_TOKEN)

    def reached(self, recent: Tensor) -> Tensor:
        """Return whether each row's most recent tokens, int32 `(batch, tokens)`, are its stop tokens: `(batch,)`."""
        import tensorflow as tf

        padding = self.ids == NO_TOKEN
        return tf.reduce_all((recent == self.ids) | padding, -1) & ~tf.reduce_all(padding, -1)

    def remove(self, ids: Tensor, recent: Tensor) -> Tensor:
        """Replace the stop tokens at the end of generated ids by `NO_TOKEN`.

        Args:
            ids: int32 `(batch, steps)`, all tokens that `decode` sampled.
            recent: int32 `(batch, tokens)`, of the last decoder state.
        """
        import tensorflow as tf

        width = tf.reduce_sum(tf.cast(self.ids != NO_TOKEN, tf.int32), 1)
        length = tf.reduce_sum(tf.cast(ids != NO_TOKEN, tf.int32), 1)
        length = tf.where(self.reached(recent), length - width, length)
        return tf.where(tf.range(tf.shape(ids)[1]) < length[:, tf.newaxis], ids, NO_TOKEN)


@dataclass(frozen=True)
class Decoding:
    """What does not change while a batch is decoded.

    Args:
        sampler: samples a token for each row.
        length: int32 `(batch,)`, tokens to generate for each row.
        stop: tokens after which a row ends before its length.
        forbidden: bool `(ids,)`, ids that are never sampled.
        end: the id that ends a row, unless it is forbidden.
    """

    sampler: Sampler
    length: Tensor
    stop: Stop
    forbidden: Tensor
    end: int


class DecoderState(NamedTuple):
    """The state between two calls of `decode`."""

    steps: Tensor  # int32 (), tokens sampled so far for each row
    hidden: Tensor  # (batch, units), after the last step
    network: State
    recent: Tensor  # int32 (batch, tokens), the most recent tokens, as many as the longest stop has
    ended: Tensor  # bool (batch,)


def prefill(network: Network, prompt: Tensor, lengths: Tensor, stop: Stop) -> DecoderState:
    """Read a prompt into the network's state.

    Args:
        network: reads and predicts token ids.
        prompt: int32 `(batch, steps)`, padded on the right.
        lengths: int32 `(batch,)`, tokens of each prompt, at least 1.
        stop: tokens after which a row ends.
    """
    import tensorflow as tf

    first = tf.reduce_min(lengths)
    hidden, state = network.step(prompt[:, :first], network.start(Encoded(prompt), tf.shape(prompt)[0]))

    def read(step: Tensor, last: Tensor, state: State) -> tuple[Any, ...]:
        hidden, after = network.step(prompt[:, step : step + 1], state)
        inside = (step < lengths)[:, tf.newaxis]  # (batch, 1)
        carried = tf.nest.map_structure(lambda new, old: tf.where(inside, new, old), after.carried, state.carried)
        return step + 1, tf.where(inside, hidden[:, -1], last), state._replace(carried=carried)

    steps = tf.reduce_max(lengths)
    _, last, state = tf.while_loop(lambda step, *_: step < steps, read, (first, hidden[:, -1], state))
    ended = tf.zeros([tf.shape(prompt)[0]], tf.bool)
    return DecoderState(tf.constant(0), last, state, stop.no_tokens(), ended)


def decode(
    network: Network, head: Head[Any], state: DecoderState, limit: Tensor, decoding: Decoding
) -> tuple[Tensor, DecoderState]:
    """Sample tokens until each row has ended or `limit` steps are done.

    Args:
        network: reads and predicts token ids.
        head: samples an id from a hidden state.
        state: `state.steps` is a multiple of `sampling.BLOCK`.
        limit: int32 (), maximum number of tokens per row in this call.
        decoding: how to sample, and where rows end.

    Returns:
        The sampled ids, int32 `(batch, steps)`, `NO_TOKEN` after a row's end; and the state after them.
    """
    import tensorflow as tf

    count = tf.minimum(tf.reduce_max(decoding.length) - state.steps, limit)
    uniform = tf.transpose(decoding.sampler.uniform(state.steps, tf.maximum(count, 1)))  # (steps, batch)
    mask = tf.where(decoding.forbidden, -1e9, 0.0)

    def proceed(step: Tensor, state: DecoderState, _: Tensor) -> Tensor:
        return (step < count) & ~tf.reduce_all(state.ended)

    def advance(step: Tensor, state: DecoderState, sampled: Tensor) -> tuple[Any, ...]:
        token = head.sample(state.hidden, network.head, StepSampler(decoding.sampler, state.steps, uniform[step], mask))
        visible, state = _advance(network, state, token, decoding)
        return step + 1, state, sampled.write(step, visible)

    sampled = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])
    _, state, sampled = tf.while_loop(proceed, advance, (tf.constant(0), state, sampled))
    batch = tf.shape(decoding.length)[0]
    ids = tf.cond(sampled.size() > 0, sampled.stack, lambda: tf.zeros([0, batch], tf.int32))
    return tf.transpose(ids), state


def _advance(network: Network, state: DecoderState, token: Tensor, decoding: Decoding) -> tuple[Tensor, DecoderState]:
    """Feed one sampled token per row, int32 `(batch,)`; return it, `NO_TOKEN` where a row has ended, and the state."""
    import tensorflow as tf

    ended = state.ended | (state.steps >= decoding.length) | (token == decoding.end)
    hidden, after = network.step(token[:, tf.newaxis], state.network)
    visible = tf.where(ended, NO_TOKEN, token)
    recent = tf.concat([state.recent, visible[:, tf.newaxis]], 1)[:, 1:]
    recent = tf.where(ended[:, tf.newaxis], state.recent, recent)  # an ended row keeps the tokens it ended with
    ended |= decoding.stop.reached(recent)
    return visible, DecoderState(state.steps + 1, hidden[:, -1], after, recent, ended)


def sample_steps(task: Task, network: Network, raw: Raw, request: Request) -> NDArray[Any]:
    """Continue a question by what the task's head samples, each sample the next step's input.

    Args:
        task: whose inputs are what its head predicts.
        network: can step.
        raw: one question, NumPy arrays with batch axis 1.
        request: steps, temperature, seed and samples.

    Returns:
        The sampled inputs `(samples, steps, …)`.
    """
    import tensorflow as tf

    count = request.samples
    repeated = {name: tf.repeat(tf.convert_to_tensor(np.asarray(raw[name]), spec.dtype), count, 0)
                for name, spec in task.signature().items()}  # fmt: skip
    sampler = Sampler(tf.fill([count], float(request.temperature)), request.seed + tf.range(count))
    spec = task.inputs.spec()

    def run() -> Tensor:
        encoded = task.encode(repeated)
        hidden, state = network.step(encoded.inputs, network.start(encoded, count))
        uniform = tf.transpose(sampler.uniform(tf.constant(0), tf.constant(request.steps)))  # (steps, batch)

        def advance(step: Tensor, hidden: Tensor, state: State, values: Any) -> tuple[Any, ...]:
            value = task.head.sample(hidden, network.head, StepSampler(sampler, step, uniform[step], 0.0))
            after, state = network.step(value[:, tf.newaxis], state)
            return step + 1, after[:, -1], state, values.write(step, value)

        values = tf.TensorArray(spec.dtype, request.steps, element_shape=[count, *spec.shape[2:]])
        first = (tf.constant(0), hidden[:, -1], state, values)
        values = tf.while_loop(lambda step, *_: step < request.steps, advance, first)[-1]
        return tf.experimental.numpy.swapaxes(values.stack(), 0, 1)

    return np.asarray(tf.function(run, autograph=False)())
