"""Text after a prompt: whole in the graph of a SavedModel, or in blocks on a terminal; the same text either way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from seqapp.contract import Network, Piece, Raw, Request, Tensor
from seqapp.data.tokenizers import Tokenizer
from seqapp.data.vocabulary import START_ID, Vocabulary
from seqapp.generation import decoding
from seqapp.generation.decoding import NO_TOKEN, DecoderState, Decoding, Stop
from seqapp.generation.sampling import BLOCK, Sampler
from seqapp.heads import Category
from seqapp.saved_model.checks import require
from seqapp.system.text import to_bytes


@dataclass(frozen=True)
class Decoder:
    """A network that continues texts.

    Args:
        network: predicts the next token's id.
        head: samples it.
        tokenizer: text to tokens and back.
        vocabulary: tokens to ids and back.
        forbidden: bool `(ids,)`, ids that are never sampled; where `<start>` is not among them, it ends a text.
    """

    network: Network
    head: Category
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    forbidden: NDArray[Any]

    def decoding(self, sampler: Sampler, length: Tensor, stop: Tensor) -> Decoding:
        """Say how a batch is decoded.

        Args:
            sampler: samples a token for each row.
            length: int32 `(batch,)`, tokens to generate.
            stop: strings `(batch,)`, the text before which a row ends; "" for none.
        """
        import tensorflow as tf

        tokens = self.tokenizer.split(stop)
        ids = tokens.with_flat_values(self.vocabulary.ids(tokens.flat_values))
        aligned = tf.reverse(tf.reverse(ids, [1]).to_tensor(NO_TOKEN), [1])  # on the right
        return Decoding(sampler, length, Stop(aligned), tf.constant(self.forbidden), START_ID)

    def prefill(self, prompt: Tensor, options: Decoding) -> DecoderState:
        """Read prompts, strings `(batch,)`, into the network's state."""
        ids, lengths = self.vocabulary.sequences(self.tokenizer.split(prompt))
        return decoding.prefill(self.network, ids, lengths, options.stop)

    def decode(self, state: DecoderState, limit: Tensor, options: Decoding) -> tuple[Tensor, DecoderState]:
        """Sample up to `limit` ids for each row, int32 `(batch, steps)`, and the state after them."""
        return decoding.decode(self.network, self.head, state, limit, options)

    def text(self, ids: Tensor, prompt: Tensor) -> Tensor:
        """Append ids `(batch, steps)` to prompts `(batch,)`: strings `(batch,)`."""
        import tensorflow as tf

        tokens = tf.where(ids >= 0, self.vocabulary.strings(tf.maximum(ids, 0)), "")
        return self.tokenizer.join(tokens, prompt)


def generate(decoder: Decoder, raw: Raw) -> dict[str, Tensor]:
    """Continue each prompt in the graph.

    Args:
        decoder: the network and its tokens.
        raw: the inputs of the signatures `generate` and `sample`, each `(batch,)`: prompt, length, temperature, seed;
            in `sample` also top_k, top_p and stop.

    Returns:
        `text`: strings `(batch,)`, the prompt with `length` tokens more, or up to its stop.
    """
    import tensorflow as tf

    raw = _check(raw)
    prompt, length = raw["prompt"], raw["length"]
    sampler = Sampler(raw["temperature"], raw["seed"], raw.get("top_k"), raw.get("top_p"))
    options = decoder.decoding(sampler, length, raw.get("stop", tf.zeros_like(prompt)))
    state = decoder.prefill(prompt, options)
    ids, state = decoder.decode(state, tf.reduce_max(length), options)
    return {"text": decoder.text(options.stop.remove(ids, state.recent), prompt)}


def stream(decoder: Decoder, prompt: str, request: Request) -> Iterator[Piece]:
    """Continue a prompt: yield the prompt itself, then the text after it in blocks, all samples in one batch."""
    import tensorflow as tf

    batch = request.samples
    prompts, stop = (tf.constant([to_bytes(text)] * batch) for text in (prompt, request.stop))
    options = decoder.decoding(_sampler(request), tf.fill([batch], request.steps), stop)
    prefill = tf.function(lambda: decoder.prefill(prompts, options), autograph=False)
    decode = tf.function(lambda state: decoder.decode(state, tf.constant(BLOCK), options), autograph=False)

    state = prefill()
    outputs = [_Output(decoder, prompt, int(options.stop.ids.shape[1])) for _ in range(batch)]
    for sample in range(batch):
        yield Piece(sample, [], prompt)
    while int(state.steps) < request.steps and not bool(tf.reduce_all(state.ended)):
        ids, state = decode(state)
        last = state.ended.numpy() | (int(state.steps) >= request.steps)
        stopped = options.stop.reached(state.recent).numpy()
        for sample, row in enumerate(ids.numpy().tolist()):
            text = outputs[sample].add(row, bool(last[sample]), bool(stopped[sample]))
            if text:
                yield Piece(sample, [text], text)


class _Output:
    """The text of one sample; holds back as many tokens as its stop has, as they may turn out to be the stop."""

    def __init__(self, decoder: Decoder, prompt: str, width: int) -> None:
        self.tokens, self.width = decoder.vocabulary.tokens, width
        self.detokenize = decoder.tokenizer.detokenizer(prompt)
        self.pending: list[int] = []

    def add(self, ids: list[int], last: bool, stopped: bool) -> str:
        """Take the ids of a block and return the text that is certain: all of it after the last block."""
        pending = self.pending + [number for number in ids if number != NO_TOKEN]
        ready = len(pending) if last and not stopped else max(len(pending) - self.width, 0)
        self.pending = [] if stopped else pending[ready:]
        return self.detokenize([self.tokens[number] for number in pending[:ready]])


def _sampler(request: Request) -> Sampler:
    """Return a sampler with one seed per sample, counting up from the request's."""
    import tensorflow as tf

    batch = request.samples
    temperature = tf.fill([batch], tf.constant(request.temperature, tf.float32))
    seeds = request.seed + tf.range(batch)
    if not request.top_k and request.top_p == 1:
        return Sampler(temperature, seeds)
    top_p = tf.fill([batch], tf.constant(request.top_p, tf.float32))
    return Sampler(temperature, seeds, tf.fill([batch], request.top_k), top_p)


def _check(raw: Raw) -> Raw:
    """Return the inputs of `generate` or `sample` with checks in the graph: equal numbers of rows, values in range."""
    import tensorflow as tf

    rows = tf.stack([tf.shape(part)[0] for part in raw.values()])
    message = f"{', '.join(raw)}: expected as many rows of each, got {{}}"
    checked = raw | {"length": require(raw["length"], tf.reduce_all(rows == rows[0]), message, tf.unique(rows)[0])}
    bounds = {"length": "0 or more", "temperature": "0 or more", "top_k": "0 (all) or more",
              "top_p": "above 0 and at most 1 (all)"}  # fmt: skip
    for name in (name for name in bounds if name in checked):
        value = checked[name]
        inside = (value > 0) & (value <= 1) if name == "top_p" else value >= 0
        checked[name] = require(value, tf.reduce_all(inside), f"{name}: expected {bounds[name]}, got {{}}", value)
    return checked
