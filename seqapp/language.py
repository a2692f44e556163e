"""Language models: which token comes next in a text, by characters or by words; texts that go on; texts scored.

`TextTask` is the question and its three signatures, `TextDataset` cuts one stream of tokens into windows and measures.
A dataset file brings the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline, Dataset, Generated, Raw, Signature, Task, Tokens, Windows
from seqapp.heads import Category, Classified, Tensor
from seqapp.splits import Split
from seqapp.vocabulary import START, UNKNOWN, Vocabulary

if TYPE_CHECKING:
    from seqapp.network import Network

MARKS = r" ([.,;:!?%)\]}])"  # stand close to the word before


@dataclass(frozen=True)
class TextTask(Task):
    """Text `(batch,)` -> the likeliest next tokens; also `generate` and `score`."""

    level: str
    tokens: tuple[str, ...]
    literal: ClassVar[bool] = True
    separator: ClassVar[str] = ""

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
        """UTF-8 text."""
        import tensorflow as tf

        return {"text": tf.TensorSpec([None], tf.string)}

    def encode(self, raw: Raw) -> Tensor:
        """Ids `(batch, tokens + 1)`: `<start>`, then the text's, padded on the right."""
        import tensorflow as tf

        tokens = split_text(raw["text"], self.level).to_tensor("")
        return tf.pad(self.vocabulary.ids(tokens), [[0, 0], [1, 0]], constant_values=self.tokens.index(START))

    def count(self, text: Tensor) -> Tensor:
        """How many tokens each text has, int32 `(batch,)`."""
        import tensorflow as tf

        return tf.cast(split_text(text, self.level).row_lengths(), tf.int32)

    def barred(self) -> NDArray[Any]:
        """Tokens that are no text, bool `(ids,)`."""
        return np.isin(self.tokens, (UNKNOWN, START))

    def answer(self, outputs: Tensor, raw: Raw) -> dict[str, Tensor]:
        """The ten likeliest next tokens and their probabilities, best first."""
        import tensorflow as tf

        logits = tf.gather(outputs, self.count(raw["text"]), batch_dims=1)  # after each row's own last token
        probability = tf.nn.softmax(tf.where(self.barred(), -1e9, logits))
        best, ids = tf.math.top_k(probability, min(10, len(self.tokens) - 2))
        return {"next": self.vocabulary.strings(ids), "probability": best}

    def signatures(self, network: Network) -> dict[str, Signature]:
        """`serving_default`, `generate` and `score`."""
        import tensorflow as tf

        numbers = {"length": tf.int32, "temperature": tf.float32, "seed": tf.int32}
        asked = {"prompt": tf.TensorSpec([None], tf.string)} | {
            name: tf.TensorSpec([None], kind) for name, kind in numbers.items()
        }
        return super().signatures(network) | {
            "generate": Signature(asked, lambda **raw: self._generate(network, **raw)),
            "score": Signature(self.signature(), lambda **raw: self._score(network, raw)),
        }

    def _generate(
        self, network: Network, prompt: Tensor, length: Tensor, temperature: Tensor, seed: Tensor
    ) -> dict[str, Tensor]:
        """Each prompt with `length` tokens more."""
        import tensorflow as tf

        from seqapp.sampling import Draws, sample

        ids, lengths = self.encode({"text": prompt}), self.count(prompt) + 1
        made = sample(
            network, ids, lengths, tf.maximum(length, 0), Draws(temperature, seed), tf.constant(self.barred())
        )
        words = tf.where(made >= 0, self.vocabulary.strings(tf.maximum(made, 0)), "")
        if self.level == "char":
            return {"text": prompt + tf.strings.reduce_join(words, 1)}
        spaced = tf.strings.reduce_join(tf.where(made >= 0, " " + words, ""), 1)
        return {"text": tf.strings.strip(prompt + tf.strings.regex_replace(spaced, MARKS, r"\1"))}

    def _score(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Log-probability of each whole text in nats, from its first token on, and how many tokens it has."""
        import tensorflow as tf

        ids, count = self.encode(raw), self.count(raw["text"])
        scored = tf.sequence_mask(count, tf.shape(ids)[1] - 1, tf.float32)
        loss = self.head.loss(ids[:, 1:], network(ids)[:, :-1])
        return {"log_probability": -tf.reduce_sum(loss * scored, 1), "tokens": count}

    def read(self, text: str, source: str) -> Raw:
        """The text as it is."""
        return {"text": np.array([text], object)}

    def describe(self, answer: Raw) -> str:
        """One line a token: its probability and a bar."""
        pairs = zip(answer["next"], answer["probability"], strict=True)
        return "\n".join(f"{token!r:>14}  {share:6.1%}  {'█' * round(40 * share)}".rstrip() for token, share in pairs)

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """Not used: `generate` goes on in the graph, keeping the state."""
        raise LookupError("text generates through its own signature")

    def generate(
        self, functions: Mapping[str, Callable[..., Raw]], raw: Raw, steps: int, temperature: float, seed: int
    ) -> Generated:
        """The same text as the SavedModel's `generate` gives."""
        asked = {"length": [steps], "temperature": [temperature], "seed": [seed]}
        text = str(functions["generate"](prompt=raw["text"], **asked)["text"][0])
        return Generated([text.removeprefix(str(raw["text"][0]))], text)


def split_text(text: Tensor, level: str) -> Tensor:
    """Strings `(batch,)` as a ragged tensor of tokens: characters, or words and single marks."""
    import tensorflow as tf

    if level == "char":
        return tf.strings.unicode_split(text, "UTF-8")
    return tf.strings.split(tf.strings.regex_replace(text, r"([^\pL\pN\s_'])", r" \1 "))


class TextDataset(Dataset):
    """Windows over one stream of ids; each starts with `<start>`, so that short prompts are nothing new.

    Args:
        task: the fitted task.
        stream: int ids `(tokens,)`.
        cut: rows are tokens.
        length: tokens in a window.
        stride: tokens between two training windows.
        data: as in the contract.
        latest: the end of the text.
        probe: counts something in generated text, given the compiled signatures.
    """

    task: TextTask

    def __init__(
        self,
        task: TextTask,
        stream: NDArray[Any],
        cut: Split,
        length: int,
        stride: int,
        data: dict[str, Any],
        latest: str,
        probe: Callable[[Mapping[str, Callable[..., Raw]]], dict[str, float]] | None = None,
    ) -> None:
        self.task, self.stream, self.cut, self.length, self.stride = task, stream, cut, length, stride
        self.data, self.split, self.latest, self.probe = data, cut.describe(), {"text": [latest]}, probe

    def windows(self, split: str) -> Windows:
        """In training all steps count. Else each token is scored once, after at least `length` tokens of context."""
        import tensorflow as tf

        start, stop = getattr(self.cut, split)
        training = split == "train"
        context = 0 if training else self.length
        length = context + self.length
        begins = (
            np.arange(start, stop - self.length + 1, self.stride)
            if training
            else np.arange(start, stop, self.length) - context
        )
        held, first = tf.constant(self.stream, tf.int32), self.task.tokens.index(START)
        starts = tf.constant(begins)

        def gather(indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            places = tf.gather(starts, indices)[:, None] + tf.range(length, dtype=tf.int64)
            targets = tf.gather(held, tf.minimum(places, len(self.stream) - 1))
            inputs = tf.pad(targets[:, :-1], [[0, 0], [1, 0]], constant_values=first)
            scored = (tf.range(length) >= context) & (places < stop)
            return inputs, targets, tf.cast(scored, tf.float32)

        return Windows(len(begins), gather)

    def _contexts(self, split: str, order: int) -> tuple[list[tuple[int, ...]], NDArray[Any]]:
        """The tokens before each token of a split, and the token."""
        start, stop = getattr(self.cut, split)
        ids = self.stream.tolist()
        return [tuple(ids[max(0, place - order + 1) : place]) for place in range(start, stop)], self.stream[start:stop]

    def baselines(self) -> dict[str, Baseline]:
        """Unigram, and the Witten-Bell n-gram whose order (2 to 5) is the best on validation."""
        from seqapp.ngrams import NGram

        model = NGram(self.stream[slice(*self.cut.train)], 5, len(self.task.tokens))
        contexts, actual = self._contexts("test", model.order)
        order = model.best_order(*self._contexts("validation", model.order))
        return {
            "unigram": Baseline(model.score(contexts, actual, 1), "single-token frequencies"),
            "ngram": Baseline(model.score(contexts, actual, order), f"a smoothed {order}-gram"),
        }

    def cases(self, predictions: Classified) -> dict[str, NDArray[Any]]:
        """Nats of each token."""
        return {"cross_entropy": -predictions.logs}

    def metrics(self, predictions: Classified) -> dict[str, float]:
        """Cross-entropy in nats a token, bits a character, perplexity, and how often the likeliest token came."""
        loss = float(-predictions.logs.mean())
        tokens = [self.task.tokens[token] for token in self.stream[slice(*self.cut.test)]]
        characters = len(tokens) if self.task.level == "char" else len(re.sub(MARKS, r"\1", " ".join(tokens)))
        return {
            "cross_entropy": loss,
            "bits_per_char": loss * len(tokens) / characters / np.log(2),
            "perplexity": float(np.exp(loss)),
            "accuracy": float((predictions.actual == predictions.predicted).mean()),
        }

    def probes(self, functions: Mapping[str, Callable[..., Raw]]) -> dict[str, float]:
        """What the dataset file counts in generated text, if anything."""
        return self.probe(functions) if self.probe else {}
