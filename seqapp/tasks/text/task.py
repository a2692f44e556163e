"""Language models: the next token of a text, by characters, bytes or words; texts continued; texts scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Encoded, Network, Piece, Raw, Request, Signature, Task, Tensor, outputs
from seqapp.data.tokenizers import TOKENIZERS, Tokenizer
from seqapp.data.vocabulary import START, UNKNOWN, UNKNOWN_ID, Vocabulary
from seqapp.errors import expect
from seqapp.features import Tokens
from seqapp.heads import Category
from seqapp.saved_model.checks import require
from seqapp.system.text import from_bytes, to_bytes

if TYPE_CHECKING:
    from seqapp.tasks.text.generation import Decoder

_NOTHING = Encoded(None)  # a text has no context


@dataclass(frozen=True)
class TextTask(Task):
    """Text `(batch,)` -> the most likely next tokens; also `generate`, `sample`, `score` and `step`."""

    level: str  # name of a tokenizer
    tokens: tuple[str, ...]
    ends: bool = False  # whether the network has learned where a text ends; it predicts `<start>` there
    literal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expect(self.level in TOKENIZERS, f"a level out of {', '.join(TOKENIZERS)}", self.level)
        expect(self.tokens[:2] == (UNKNOWN, START), f"tokens that begin with {UNKNOWN} and {START}", self.tokens[:2])
        expect(2 < len(self.tokens) == len(set(self.tokens)), "three tokens or more, each once")

    @property
    def tokenizer(self) -> Tokenizer:
        """Text to tokens and back."""
        return TOKENIZERS[self.level]

    @property
    def vocabulary(self) -> Vocabulary:
        """Tokens to ids and back."""
        return Vocabulary(self.tokens)

    @property
    def forbidden(self) -> NDArray[Any]:
        """Tokens that are never predicted, bool `(ids,)`: `<unk>`, and `<start>` unless it ends a text."""
        return np.isin(self.tokens, (UNKNOWN,) if self.ends else (UNKNOWN, START))

    @property
    def inputs(self) -> Tokens:
        """Token ids, the first one always `<start>`."""
        return Tokens(len(self.tokens))

    @property
    def head(self) -> Category:
        """The next token."""
        return Category(len(self.tokens))

    def signature(self) -> dict[str, Any]:
        """Return the one input: UTF-8 text, or any bytes where tokens are bytes."""
        import tensorflow as tf

        return {"text": tf.TensorSpec([None], tf.string)}

    def encode(self, raw: Raw) -> Encoded:
        """Tokenize: ids int32 `(batch, tokens + 1)`, `<start>` first, padded on the right."""
        return Encoded(self.vocabulary.sequences(self.tokenizer.split(raw["text"]))[0])

    def count(self, text: Tensor) -> Tensor:
        """Return the number of tokens of each text, int32 `(batch,)`."""
        import tensorflow as tf

        return tf.cast(self.tokenizer.split(text).row_lengths(), tf.int32)

    def answer(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Return the ten most likely next tokens and their probabilities, `(batch, 10)`, best first."""
        import tensorflow as tf

        logits = outputs(network, self.encode(raw))
        logits = tf.gather(logits, self.count(raw["text"]), batch_dims=1)  # after each row's own last token
        probability = tf.nn.softmax(tf.where(self.forbidden, -1e9, logits))
        best, ids = tf.math.top_k(probability, min(10, len(self.tokens) - 2))
        return {"next": self.vocabulary.strings(ids), "probability": best}

    def signatures(self, network: Network) -> dict[str, Signature]:
        """Return `serving_default`, `generate`, `sample`, `score` and `step`."""
        import tensorflow as tf

        from seqapp.tasks.text.generation import generate

        def rows(**types: Any) -> dict[str, Any]:
            return {name: tf.TensorSpec([None], dtype) for name, dtype in types.items()}

        basic = rows(prompt=tf.string, length=tf.int32, temperature=tf.float32, seed=tf.int32)
        sampling = rows(top_k=tf.int32, top_p=tf.float32, stop=tf.string)
        states = {
            f"state_{number}": tf.TensorSpec([None, *state.shape[1:]], state.dtype)
            for number, state in enumerate(tf.nest.flatten(network.start(_NOTHING, 1).carried), start=1)
        }
        return super().signatures(network) | {
            "generate": Signature(basic, lambda **raw: generate(self.decoder(network), raw)),
            "sample": Signature(basic | sampling, lambda **raw: generate(self.decoder(network), raw)),
            "score": Signature(self.signature(), lambda **raw: self._score(network, raw)),
            "step": Signature(
                {"ids": tf.TensorSpec([None, None], tf.int32)} | states, lambda **raw: self._step(network, **raw)
            ),
        }

    def assets(self) -> dict[str, bytes]:
        """Return `tokens.json`: the text of every id, for clients of `step`."""
        return {"tokens.json": json.dumps(self.tokens).encode()}

    def example_requests(self, latest: Raw) -> dict[str, Raw]:
        """Return requests that continue the text by a few tokens, and one that scores it."""
        basic = {"prompt": latest["text"], "length": [20], "temperature": [0.5], "seed": [1]}
        sampling = {"top_k": [0], "top_p": [1.0], "stop": [""]}
        return super().example_requests(latest) | {"generate": basic, "sample": basic | sampling, "score": latest}

    def decoder(self, network: Network) -> Decoder:
        """Return what generates text with a network."""
        from seqapp.tasks.text.generation import Decoder

        return Decoder(network, self.head, self.tokenizer, self.vocabulary, self.forbidden)

    def _score(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Return the log-probability of each whole text in nats, from its first token on, and its number of tokens."""
        import tensorflow as tf

        encoded, count = self.encode(raw), self.count(raw["text"])
        ids = encoded.inputs
        weights = tf.sequence_mask(count, tf.shape(ids)[1] - 1, tf.float32)
        loss = self.head.loss(ids[:, 1:], network(encoded)[:, :-1], network.head, encoded, training=False)
        return {"log_probability": -tf.reduce_sum(loss * weights, 1), "tokens": count}

    def _step(self, network: Network, ids: Tensor, **states: Tensor) -> dict[str, Tensor]:
        """Return the probabilities of the token after ids `(batch, steps)`, and the next states; zeros at first."""
        import tensorflow as tf

        start = network.start(_NOTHING, tf.shape(ids)[0])
        ids = require(
            ids,
            tf.reduce_all((ids >= 0) & (ids < len(self.tokens))),
            f"ids: expected numbers from 0 to {len(self.tokens) - 1}, got {{}}",
            ids,
        )
        before = [states[f"state_{number}"] for number in range(1, len(states) + 1)]
        hidden, after = network.step(ids, start._replace(carried=tf.nest.pack_sequence_as(start.carried, before)))
        named = {f"state_{number}": state for number, state in enumerate(tf.nest.flatten(after.carried), start=1)}
        return {"probability": tf.nn.softmax(network.head(hidden)[:, -1]), **named}

    def decode(self, content: bytes, source: str) -> str:
        """Return a file's text; where tokens are bytes any file is one, a byte that is not UTF-8 as a surrogate."""
        return from_bytes(content) if self.level == "byte" else super().decode(content, source)

    def read(self, text: str, source: str) -> Raw:
        """Take the text as it is."""
        return {"text": np.array([text], object)}

    def remark(self, raw: Raw) -> str | None:
        """Say which tokens of a question the model has never seen, or that the question is empty."""
        import tensorflow as tf

        if not any(raw["text"]):
            return "empty prompt: generating from the start of a text"

        text = tf.constant([to_bytes(str(part)) for part in raw["text"]])
        tokens = self.tokenizer.split(text).flat_values
        unknown = tf.boolean_mask(tokens, self.vocabulary.ids(tokens) == UNKNOWN_ID).numpy()
        if not len(unknown):
            return None
        examples = ", ".join(repr(token.decode(errors="replace")) for token in dict.fromkeys(unknown.tolist()))[:200]
        return f"{len(unknown)} of {len(tokens)} tokens are unknown to the model and read as {UNKNOWN}: {examples}"

    def labels(self, raw: Raw) -> list[str]:
        """Return `<start>`, then the first text's tokens."""
        tokens = self.tokenizer.split([to_bytes(str(raw["text"][0]))])[0].numpy().tolist()
        return [START, *(token.decode(errors="backslashreplace") for token in tokens)]

    def describe(self, answer: Raw) -> str:
        """Write one line per token: its probability and a bar."""
        tokens = [to_bytes(token) if self.level == "byte" else token for token in answer["next"]]
        pairs = zip(map(repr, tokens), answer["probability"], strict=True)
        return "\n".join(f"{token:>14}  {share:6.1%}  {'█' * round(40 * share)}".rstrip() for token, share in pairs)

    def generate(self, network: Network, raw: Raw, request: Request) -> Iterator[Piece]:
        """Yield the same text as the SavedModel's `sample` gives, block by block."""
        from seqapp.tasks.text.generation import stream

        return stream(self.decoder(network), str(raw["text"][0]), request)
