"""Sampling in the graph: tokens drawn one after the other by a network that keeps its state.

Each row has its own seed and its own length, so a row's text does not depend on the other rows of its batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from seqapp.heads import Tensor
from seqapp.network import Network

EPSILON = 1e-3  # less likely tokens are never drawn: epsilon sampling, Hewitt, Manning & Liang 2022


@dataclass(frozen=True)
class Draws:
    """How to choose tokens, each `(batch,)`: temperature (0 = the likeliest), and the row's seed."""

    temperature: Tensor
    seed: Tensor

    def uniform(self, steps: Tensor) -> Tensor:
        """Numbers in [0, 1), `(batch, steps)`; a row's first n are the same for any number of steps."""
        import tensorflow as tf

        def row(seed: Tensor) -> Tensor:
            return tf.random.stateless_uniform([steps], tf.stack([seed, 0]), alg="philox")

        return tf.map_fn(row, self.seed, fn_output_signature=tf.TensorSpec([None], tf.float32))

    def choose(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """One id a row, `(batch,)`, from logits `(batch, ids)`: the cumulative distribution inverted at `uniform`.

        Tokens less likely than `EPSILON` (at temperature 1) are left out first.
        """
        import tensorflow as tf

        greedy = self.temperature <= 0
        sharpness = tf.where(greedy, 1.0, 1 / self.temperature)[:, tf.newaxis]
        probability = tf.nn.softmax(logits)
        highest = tf.reduce_max(probability, -1, keepdims=True)
        likely = probability >= tf.minimum(EPSILON, highest)
        heaped = tf.cumsum(tf.where(likely, (probability / highest) ** sharpness, 0), axis=-1)
        below = heaped[:, :-1] <= uniform[:, tf.newaxis] * heaped[:, -1:]
        drawn = tf.math.count_nonzero(below, -1, dtype=tf.int32)
        return tf.where(greedy, tf.argmax(logits, -1, output_type=tf.int32), drawn)


def sample(network: Network, prompt: Tensor, lengths: Tensor, steps: Tensor, draws: Draws, barred: Tensor) -> Tensor:
    """Go on from a prompt.

    Args:
        network: reads and predicts token ids.
        prompt: int32 `(batch, places)`, padded on the right.
        lengths: int32 `(batch,)`, how many places of each row are prompt; at least 1.
        steps: int32 `(batch,)`, how many tokens each row is to get.
        draws: temperature and seeds.
        barred: bool `(ids,)`, ids that are never drawn.

    Returns:
        int32 `(batch, most steps)`: the tokens drawn for each row, -1 beyond its steps.
    """
    import tensorflow as tf

    first, most = tf.reduce_min(lengths), tf.maximum(tf.reduce_max(steps), 1)
    total = tf.maximum(tf.reduce_max(lengths + steps), first + 1)  # at least one turn, so that there is a list to stack
    places = tf.range(total)  # what the loop reads lies ready for it, a row for each of its turns
    turns = tf.clip_by_value(places - lengths[:, tf.newaxis], 0, most - 1)
    uniform = tf.transpose(tf.gather(draws.uniform(most), turns, batch_dims=1))
    given = tf.transpose(tf.gather(prompt, tf.minimum(places, tf.shape(prompt)[1] - 1), axis=1))
    is_given = places[:, tf.newaxis] < lengths
    never = tf.where(barred, -1e9, 0.0)
    outputs, states = network.step(prompt[:, :first], network.start(tf.shape(prompt)[0]))
    drawn = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])

    def going(place: Tensor, *_: Tensor) -> Tensor:
        return place < total

    def go(place: Tensor, logits: Tensor, states: list[Tensor], drawn: Tensor) -> tuple[Tensor, ...]:
        token = tf.where(is_given[place], given[place], draws.choose(logits + never, uniform[place]))
        outputs, states = network.step(token[:, tf.newaxis], states)
        return place + 1, outputs[:, -1], states, drawn.write(place - first, token)

    *_, drawn = tf.while_loop(going, go, (first, outputs[:, -1], states, drawn))
    made = tf.transpose(drawn.stack())  # (batch, total - first): from the shortest prompt's end
    made = tf.pad(made, [[0, 0], [0, most]], constant_values=-1)
    taken = (lengths - first)[:, tf.newaxis] + tf.range(most)
    return tf.where(tf.range(most) < steps[:, tf.newaxis], tf.gather(made, taken, batch_dims=1), -1)
