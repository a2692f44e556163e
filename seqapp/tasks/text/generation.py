"""Text generated block by block, to be shown as it is made; the same text as the SavedModel's `sample` gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.contract.request import Piece, Request
from seqapp.generation.decoding import BLOCK, Draws, Place, begin, go_on
from seqapp.networks.stack import Network
from seqapp.system.text import to_bytes

if TYPE_CHECKING:
    from seqapp.tasks.text.task import TextTask


def write(task: TextTask, network: Network, prompt: str, request: Request) -> Iterator[Piece]:
    """Go on from a prompt: first the prompt itself, then what comes after it, for all samples in one batch."""
    count = request.samples
    prompts, stop = (tf.constant([to_bytes(text)] * count) for text in (prompt, request.stop))
    stops = task.stops(stop)
    draws, steps = _draws(request), tf.fill([count], request.steps)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def start() -> Place:
        return begin(network, task.encode({"text": prompts}), task.count(prompts) + 1, stops)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def block(place: Place) -> tuple[Tensor, Place]:
        return go_on(network, place, steps, tf.constant(BLOCK), draws, *task.limits(stops))

    place = start()
    writers = [task.cutter.writer(prompt) for _ in range(count)]
    for sample in range(count):
        yield Piece(sample, [], prompt)
    held: list[list[int]] = [[] for _ in range(count)]  # drawn and not yet shown: it may turn out to be the stop
    width = int(stops.ids.shape[1])
    while int(place.done) < request.steps and not bool(tf.reduce_all(place.ended)):
        made, place = block(place)
        over, reached = int(place.done) >= request.steps, stops.reached(place.recent).numpy()
        for sample, row in enumerate(made.numpy().tolist()):
            tokens = held[sample] + [token for token in row if token >= 0]
            whole = not reached[sample] and (over or bool(place.ended[sample]))
            ready = len(tokens) if whole else max(len(tokens) - width, 0)
            text = writers[sample]([task.tokens[token] for token in tokens[:ready]])
            held[sample] = [] if reached[sample] else tokens[ready:]
            if text:
                yield Piece(sample, [text], text)


def _draws(request: Request) -> Draws:
    """Each sample with a seed of its own, from the request's up."""
    count = request.samples
    temperature = tf.fill([count], tf.constant(request.temperature, tf.float32))
    seeds = request.seed + tf.range(count)
    if not request.top_k and request.top_p == 1:
        return Draws(temperature, seeds)
    top_p = tf.fill([count], tf.constant(request.top_p, tf.float32))
    return Draws(temperature, seeds, tf.fill([count], request.top_k), top_p)
