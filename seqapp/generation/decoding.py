"""Sampling in the graph: tokens drawn one after the other by a network that keeps its state.

Each row has its own seed and its own length, so a row's text does not depend on the other rows of its batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from seqapp.contract.head import Tensor
from seqapp.networks.stack import Network

EPSILON = 1e-3  # less likely tokens are never drawn: epsilon sampling, Hewitt, Manning & Liang 2022
BLOCK = 256  # numbers drawn at once; the i-th number of a seed is the same however many are asked for
NOTHING = -1  # in place of a token


@dataclass(frozen=True)
class Draws:
    """How to choose tokens, each `(batch,)`.

    `temperature` (0: the likeliest) and `seed`; `top_k` int (0: all) and `top_p` float (1: all) choose among the
    likeliest tokens only, by number and by the probability that they have together (nucleus, Holtzman et al. 2020).
    """

    temperature: Tensor
    seed: Tensor
    top_k: Tensor | None = None
    top_p: Tensor | None = None

    def uniform(self, start: Tensor, steps: Tensor) -> Tensor:
        """The numbers from `start` on, a multiple of `BLOCK`: `(batch, steps)` in [0, 1)."""
        import tensorflow as tf

        first, count = start // BLOCK, -(-steps // BLOCK)

        def row(seed: Tensor) -> Tensor:
            def block(number: Tensor) -> Tensor:
                return tf.random.stateless_uniform([BLOCK], tf.stack([seed, number]), alg="philox")

            blocks = tf.map_fn(block, first + tf.range(count), fn_output_signature=tf.TensorSpec([BLOCK], tf.float32))
            return tf.reshape(blocks, [-1])[:steps]

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
        heaped = tf.cumsum(self._likeliest(tf.where(likely, (probability / highest) ** sharpness, 0)), axis=-1)
        below = heaped[:, :-1] <= uniform[:, tf.newaxis] * heaped[:, -1:]
        drawn = tf.math.count_nonzero(below, -1, dtype=tf.int32)
        return tf.where(greedy, tf.argmax(logits, -1, output_type=tf.int32), drawn)

    def _likeliest(self, weight: Tensor) -> Tensor:
        """Weights `(batch, ids)` without those that top-k and top-p leave out."""
        import tensorflow as tf

        if self.top_k is None or self.top_p is None:
            return weight
        ranked, size = tf.sort(weight, direction="DESCENDING"), tf.shape(weight)[1]
        last = tf.where(self.top_k > 0, tf.minimum(self.top_k, size), size) - 1
        kept = tf.where(tf.range(size) <= last[:, tf.newaxis], ranked, 0)
        before = tf.cumsum(kept, axis=-1, exclusive=True)
        inside = (before < self.top_p[:, tf.newaxis] * tf.reduce_sum(kept, -1, keepdims=True)) & (kept > 0)
        lowest = tf.reduce_min(tf.where(inside, kept, kept[:, :1]), -1, keepdims=True)
        return tf.where(weight >= lowest, weight, 0)


class Stop(NamedTuple):
    """Where a row ends before its length: `ids` int `(batch, most)`, the tokens at which it stops, right-aligned.

    Free places are `NOTHING`; a row of nothing else never stops. The tokens themselves are left out of the text.
    """

    ids: Tensor

    def recent(self) -> Tensor:
        """No tokens yet, in the shape of `ids`."""
        import tensorflow as tf

        return tf.fill(tf.shape(self.ids), NOTHING)

    def reached(self, recent: Tensor) -> Tensor:
        """Whether each row's last tokens are those at which it stops."""
        import tensorflow as tf

        free = self.ids == NOTHING
        return tf.reduce_all((recent == self.ids) | free, -1) & ~tf.reduce_all(free, -1)


class Place(NamedTuple):
    """Where a generation stands; what `go_on` takes and gives."""

    done: Tensor  # int32 (), tokens drawn for each row
    logits: Tensor  # (batch, ids), of the next token
    states: Any
    recent: Tensor  # int32 (batch, most), the last tokens drawn
    ended: Tensor  # bool (batch,)


def begin(network: Network, prompt: Tensor, lengths: Tensor, stop: Stop) -> Place:
    """Read a prompt int32 `(batch, places)`, padded on the right, of which `lengths` int32 `(batch,)` are prompt."""
    import tensorflow as tf

    first = tf.reduce_min(lengths)
    outputs, states = network.step(prompt[:, :first], network.start(tf.shape(prompt)[0]))

    def read(place: Tensor, logits: Tensor, states: Any) -> tuple[Tensor, ...]:
        outputs, after = network.step(prompt[:, place : place + 1], states)
        more = place < lengths  # (batch,)
        after = tf.nest.map_structure(lambda new, old: tf.where(more[:, tf.newaxis], new, old), after, states)
        return place + 1, tf.where(more[:, tf.newaxis], outputs[:, -1], logits), after

    longest = tf.reduce_max(lengths)
    _, logits, states = tf.while_loop(lambda place, *_: place < longest, read, (first, outputs[:, -1], states))
    ended = tf.zeros([tf.shape(prompt)[0]], tf.bool)
    return Place(tf.constant(0), logits, states, stop.recent(), ended)


def go_on(
    network: Network, place: Place, steps: Tensor, most: Tensor, draws: Draws, barred: Tensor, stop: Stop, end: int
) -> tuple[Tensor, Place]:
    """Draw tokens until each row has `steps` of them, `most` at most in this call.

    Args:
        network: reads and predicts token ids.
        place: where the generation stands; `place.done` is a multiple of `BLOCK`.
        steps: int32 `(batch,)`, how many tokens each row is to get in all.
        most: int32 (), how many to draw now at most.
        draws: how to choose.
        barred: bool `(ids,)`, ids that are never drawn.
        stop: where rows end before.
        end: the id that, where it is not barred, ends a row.

    Returns:
        int32 `(batch, drawn)`: the tokens drawn for each row, `NOTHING` beyond its end; and the place after them.
    """
    import tensorflow as tf

    count = tf.minimum(tf.reduce_max(steps) - place.done, most)
    uniform = tf.transpose(draws.uniform(place.done, tf.maximum(count, 1)))
    never = tf.where(barred, -1e9, 0.0)

    def going(turn: Tensor, place: Place, _: Tensor) -> Tensor:
        return (turn < count) & ~tf.reduce_all(place.ended)

    def go(turn: Tensor, place: Place, drawn: Tensor) -> tuple[Any, ...]:
        token = draws.choose(place.logits + never, uniform[turn])
        ended = place.ended | (place.done >= steps) | (token == end)
        outputs, states = network.step(token[:, tf.newaxis], place.states)
        shown = tf.where(ended, NOTHING, token)
        recent = tf.concat([place.recent, shown[:, tf.newaxis]], 1)[:, 1:]
        recent = tf.where(ended[:, tf.newaxis], place.recent, recent)  # where a row has ended, what it ended with
        after = Place(place.done + 1, outputs[:, -1], states, recent, ended | stop.reached(recent))
        return turn + 1, after, drawn.write(turn, shown)

    drawn = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])
    _, place, drawn = tf.while_loop(going, go, (tf.constant(0), place, drawn))
    made = tf.cond(drawn.size() > 0, drawn.stack, lambda: tf.zeros([0, tf.shape(steps)[0]], tf.int32))
    return tf.transpose(made), place


def without_stop(made: Tensor, stop: Stop, place: Place) -> Tensor:
    """Tokens `(batch, drawn)` without the stop at which a row ended."""
    import tensorflow as tf

    width = tf.reduce_sum(tf.cast(stop.ids != NOTHING, tf.int32), 1)
    length = tf.reduce_sum(tf.cast(made != NOTHING, tf.int32), 1)
    kept = tf.where(stop.reached(place.recent), length - width, length)
    return tf.where(tf.range(tf.shape(made)[1]) < kept[:, tf.newaxis], made, NOTHING)
