"""Language models: which token comes next in a text, by characters, bytes or words; texts that go on; texts scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Raw, Signature, Task, Tokens
from seqapp.contract.head import Category, Tensor
from seqapp.contract.request import Piece, Request
from seqapp.data.tokenizers import LEVELS, Level
from seqapp.data.vocabulary import START, UNKNOWN, Vocabulary
from seqapp.errors import expect
from seqapp.saved_model.checks import require
from seqapp.system.text import from_bytes, to_bytes

if TYPE_CHECKING:
    from seqapp.generation.decoding import Stop
    from seqapp.networks.stack import Network


@dataclass(frozen=True)
class TextTask(Task):
    """Text `(batch,)` -> the likeliest next tokens; also `generate`, `sample`, `score` and `step`."""

    level: str  # of seqapp/data/tokenizers.py
    tokens: tuple[str, ...]
    ends: bool = False  # whether the network has learned where a text ends; it then says `<start>`
    literal: ClassVar[bool] = True
    separator: ClassVar[str] = ""

    def __post_init__(self) -> None:
        expect(self.level in LEVELS, f"a level out of {', '.join(LEVELS)}", self.level)
        expect(self.tokens[:2] == (UNKNOWN, START), f"tokens that begin with {UNKNOWN} and {START}", self.tokens[:2])
        expect(2 < len(self.tokens) == len(set(self.tokens)), "three tokens or more, each once")

    @property
    def cutter(self) -> Level:
        """What cuts a text into tokens."""
        return LEVELS[self.level]

    @property
    def vocabulary(self) -> Vocabulary:
        """Ids of the tokens."""
        return Vocabulary(self.tokens)

    @property
    def inputs(self) -> Tokens:
        """Token ids, the first one always `<start>`."""
        return Tokens(len(self.tokens))

    @property
    def head(self) -> Category:
        """The next token."""
        return Category(len(self.tokens))

    def signature(self) -> dict[str, Any]:
        """UTF-8 text; at the level of bytes, any."""
        import tensorflow as tf

        return {"text": tf.TensorSpec([None], tf.string)}

    def encode(self, raw: Raw) -> Tensor:
        """Ids `(batch, tokens + 1)`: `<start>`, then the text's, padded on the right."""
        import tensorflow as tf

        tokens = self.cutter.split(raw["text"]).to_tensor("")
        return tf.pad(self.vocabulary.ids(tokens), [[0, 0], [1, 0]], constant_values=self.tokens.index(START))

    def count(self, text: Tensor) -> Tensor:
        """How many tokens each text has, int32 `(batch,)`."""
        import tensorflow as tf

        return tf.cast(self.cutter.split(text).row_lengths(), tf.int32)

    def barred(self) -> NDArray[Any]:
        """Tokens that are no text, bool `(ids,)`; where texts end, `<start>` may come and says so."""
        return np.isin(self.tokens, (UNKNOWN,) if self.ends else (UNKNOWN, START))

    def answer(self, outputs: Tensor, raw: Raw) -> dict[str, Tensor]:
        """The ten likeliest next tokens and their probabilities, best first."""
        import tensorflow as tf

        logits = tf.gather(outputs, self.count(raw["text"]), batch_dims=1)  # after each row's own last token
        probability = tf.nn.softmax(tf.where(self.barred(), -1e9, logits))
        best, ids = tf.math.top_k(probability, min(10, len(self.tokens) - 2))
        return {"next": self.vocabulary.strings(ids), "probability": best}

    def signatures(self, network: Network) -> dict[str, Signature]:
        """`serving_default`, `generate`, `sample`, `score` and `step`."""
        import tensorflow as tf

        def rows(**kinds: Any) -> dict[str, Any]:
            return {name: tf.TensorSpec([None], kind) for name, kind in kinds.items()}

        asked = rows(prompt=tf.string, length=tf.int32, temperature=tf.float32, seed=tf.int32)
        chosen = rows(top_k=tf.int32, top_p=tf.float32, stop=tf.string)
        states = {
            f"state_{number}": tf.TensorSpec([None, *state.shape[1:]], state.dtype)
            for number, state in enumerate(tf.nest.flatten(network.start(1)), start=1)
        }
        return super().signatures(network) | {
            "generate": Signature(asked, lambda **raw: self._generate(network, **raw)),
            "sample": Signature(asked | chosen, lambda **raw: self._generate(network, **raw)),
            "score": Signature(self.signature(), lambda **raw: self._score(network, raw)),
            "step": Signature(
                {"ids": tf.TensorSpec([None, None], tf.int32)} | states, lambda **raw: self._step(network, **raw)
            ),
        }

    def assets(self) -> dict[str, bytes]:
        """`tokens.json`: the text of every id, for clients of `step`."""
        return {"tokens.json": json.dumps(self.tokens).encode()}

    def examples(self, latest: Raw) -> dict[str, Raw]:
        """How the text goes on, in a few tokens; and how likely it was."""
        going_on = {"prompt": latest["text"], "length": [20], "temperature": [0.5], "seed": [1]}
        chosen = going_on | {"top_k": [0], "top_p": [1.0], "stop": [""]}
        return super().examples(latest) | {"generate": going_on, "sample": chosen, "score": latest}

    def _generate(self, network: Network, **raw: Tensor) -> dict[str, Tensor]:
        """Each prompt with `length` tokens more, or up to where it stops."""
        import tensorflow as tf

        from seqapp.generation.decoding import Draws, begin, go_on, without_stop

        raw = _checked(raw)
        prompt, length = raw["prompt"], raw["length"]
        ids, lengths = self.encode({"text": prompt}), self.count(prompt) + 1
        stops = self.stops(raw.get("stop", tf.zeros_like(prompt)))
        place = begin(network, ids, lengths, stops)
        draws = Draws(raw["temperature"], raw["seed"], raw.get("top_k"), raw.get("top_p"))
        made, place = go_on(network, place, length, tf.reduce_max(length), draws, *self.limits(stops))
        made = without_stop(made, stops, place)
        words = tf.where(made >= 0, self.vocabulary.strings(tf.maximum(made, 0)), "")
        return {"text": self.cutter.joined(words, prompt)}

    def stops(self, text: Tensor) -> Stop:
        """Where rows stop, from a string for each, "" for never."""
        import tensorflow as tf

        from seqapp.generation.decoding import NOTHING, Stop

        tokens = self.cutter.split(text)
        ids = tokens.with_flat_values(self.vocabulary.ids(tokens.flat_values))
        return Stop(tf.reverse(tf.reverse(ids, [1]).to_tensor(NOTHING), [1]))

    def limits(self, stop: Stop) -> tuple[Tensor, Stop, int]:
        """What is never drawn, and where a text ends: the last arguments of `go_on`."""
        import tensorflow as tf

        return tf.constant(self.barred()), stop, self.tokens.index(START)

    def _score(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Log-probability of each whole text in nats, from its first token on, and how many tokens it has."""
        import tensorflow as tf

        ids, count = self.encode(raw), self.count(raw["text"])
        scored = tf.sequence_mask(count, tf.shape(ids)[1] - 1, tf.float32)
        loss = self.head.loss(ids[:, 1:], network(ids)[:, :-1])
        return {"log_probability": -tf.reduce_sum(loss * scored, 1), "tokens": count}

    def _step(self, network: Network, ids: Tensor, **states: Tensor) -> dict[str, Tensor]:
        """Probabilities of the token after ids `(batch, steps)`, and the states to go on from; zeros to begin with."""
        import tensorflow as tf

        structure = network.start(tf.shape(ids)[0])
        ids = require(
            ids,
            tf.reduce_all((ids >= 0) & (ids < len(self.tokens))),
            f"ids: expected numbers from 0 to {len(self.tokens) - 1}, got {{}}",
            ids,
        )
        before = tf.nest.pack_sequence_as(structure, [states[f"state_{n}"] for n in range(1, len(states) + 1)])
        outputs, after = network.step(ids, before)
        named = {f"state_{number}": state for number, state in enumerate(tf.nest.flatten(after), start=1)}
        return {"probability": tf.nn.softmax(outputs[:, -1]), **named}

    def decode(self, content: bytes, source: str) -> str:
        """At the level of bytes any file, a byte that is not UTF-8 as a surrogate."""
        return from_bytes(content) if self.level == "byte" else super().decode(content, source)

    def read(self, text: str, source: str) -> Raw:
        """The text as it is."""
        return {"text": np.array([text], object)}

    def remark(self, raw: Raw) -> str | None:
        """Which tokens of a question the model has never seen; and whether there are any."""
        import tensorflow as tf

        if not any(raw["text"]):
            return "nothing is given to go on from: this is how a text begins"

        text = tf.constant([to_bytes(str(part)) for part in raw["text"]])
        tokens = self.cutter.split(text).flat_values
        unknown = tf.boolean_mask(tokens, self.vocabulary.ids(tokens) == 0).numpy()
        if not len(unknown):
            return None
        shown = ", ".join(repr(token.decode(errors="replace")) for token in dict.fromkeys(unknown.tolist()))[:200]
        return f"{len(unknown)} of {len(tokens)} tokens are unknown to the model and read as {UNKNOWN}: {shown}"

    def labels(self, raw: Raw) -> list[str]:
        """`<start>`, then the first text's tokens."""
        tokens = self.cutter.split([to_bytes(str(raw["text"][0]))])[0].numpy().tolist()
        return [START, *(token.decode(errors="backslashreplace") for token in tokens)]

    def describe(self, answer: Raw) -> str:
        """One line a token: its probability and a bar."""
        shown = [to_bytes(token) if self.level == "byte" else token for token in answer["next"]]
        pairs = zip(map(repr, shown), answer["probability"], strict=True)
        return "\n".join(f"{token:>14}  {share:6.1%}  {'█' * round(40 * share)}".rstrip() for token, share in pairs)

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """Not used: `generate` keeps the state."""
        raise LookupError("text generates through its own signature")

    def generate(self, network: Network, raw: Raw, request: Request) -> Iterator[Piece]:
        """The same text as the SavedModel's `sample` gives, a block of tokens after the other."""
        from seqapp.tasks.text.generation import write

        return write(self, network, str(raw["text"][0]), request)


def _checked(raw: Raw) -> Raw:
    """The inputs of `generate` or `sample`, once they are as many as each other and within their bounds."""
    import tensorflow as tf

    rows = tf.stack([tf.shape(part)[0] for part in raw.values()])
    said = f"{', '.join(raw)}: expected as many rows of each, got {{}}"
    checked = raw | {"length": require(raw["length"], tf.reduce_all(rows == rows[0]), said, tf.unique(rows)[0])}
    bounds = {"length": "0 or more", "temperature": "0 or more", "top_k": "0 (all) or more",
              "top_p": "above 0 and at most 1 (all)"}  # fmt: skip
    for name in (name for name in bounds if name in checked):
        value = checked[name]
        inside = (value > 0) & (value <= 1) if name == "top_p" else value >= 0
        checked[name] = require(value, tf.reduce_all(inside), f"{name}: expected {bounds[name]}, got {{}}", value)
    return checked
