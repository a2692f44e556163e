"""Events among noise: a sequence of tokens ends with a question mark, where its category is predicted.

A dataset file brings the sequences: which events matter, where they are and what the category is. All sequences of a
dataset have one length, and only the last step is scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Baseline, Batch, Encoded, Network, Raw, Tensor, outputs
from seqapp.contract.options import option
from seqapp.data import splits
from seqapp.data.windows import Windows
from seqapp.errors import BadInput, expect
from seqapp.features import Tokens
from seqapp.generation.asking import AskingTask
from seqapp.generation.sampling import sample
from seqapp.heads import Category, CategoryRecord
from seqapp.system.files import sha256
from seqapp.tasks.classification.dataset import CategoryDataset, majority, markov

QUESTION = "?"
SOLVED_ACCURACY = 0.99


def gap_option(default: int, help: str) -> Any:
    """Return the field `gap` of a dataset's `Options`."""
    return option(default, help, minimum=10, maximum=100_000)


def count_option() -> Any:
    """Return the field `sequences` of a dataset's `Options`."""
    return option(24000, "Number of sequences in all.", minimum=100, maximum=10_000_000)


@dataclass(frozen=True)
class EventTask(AskingTask):
    """Tokens `(batch, steps)`, the last one a question mark -> a class, and the probability of each class.

    A class's name is its events in order, one letter each: "XY" is first X, then Y.
    """

    tokens: tuple[str, ...]  # events, then noise, then the question mark
    classes: tuple[str, ...]
    steps: int  # of each sequence in training
    literal: ClassVar[bool] = True
    looks_ahead: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expect(self.tokens[-1:] == (QUESTION,), f"tokens that end with {QUESTION}", self.tokens[-1:])
        expect(len(set(self.tokens)) == len(self.tokens), "tokens that differ", self.tokens)
        expect(len(set(self.classes)) == len(self.classes) > 1, "two different classes or more", self.classes)
        expect(len(set(map(len, self.classes))) == 1, "classes of as many events", self.classes)
        expect(self.steps > 0, "a length of 1 or more", self.steps)

    @property
    def inputs(self) -> Tokens:
        """A token's index in `tokens`."""
        return Tokens(len(self.tokens))

    @property
    def head(self) -> Category:
        """The class."""
        return Category(len(self.classes))

    @property
    def events(self) -> tuple[str, ...]:
        """The tokens of which the classes' names consist."""
        return tuple(sorted(set("".join(self.classes))))

    def signature(self) -> dict[str, Any]:
        """Return the one input: tokens, oldest first, the question mark last."""
        import tensorflow as tf

        return {"tokens": tf.TensorSpec([None, None], tf.string)}

    def encode(self, raw: Raw) -> Encoded:
        """Return each token's index in `tokens`, int32 `(batch, steps)`."""
        import tensorflow as tf

        from seqapp.saved_model.checks import require

        same = tf.equal(raw["tokens"][..., tf.newaxis], tf.constant(self.tokens))  # (batch, steps, tokens)
        known = tf.reduce_any(same, -1)
        wrong = tf.strings.reduce_join(tf.boolean_mask(raw["tokens"], ~known), separator=", ")
        message = f"tokens: expected {', '.join(self.tokens)}, got {{}}"
        same = require(same, tf.reduce_all(known), message, wrong)
        return Encoded(tf.argmax(tf.cast(same, tf.int32), -1, output_type=tf.int32))

    def answer(self, network: Network, raw: Raw) -> dict[str, Tensor]:
        """Return the most likely class `(batch,)`, and all classes with their probabilities `(batch, classes)`."""
        import tensorflow as tf

        probability = tf.nn.softmax(outputs(network, self.encode(raw))[:, -1])
        classes = tf.tile(tf.constant(self.classes)[tf.newaxis], [tf.shape(probability)[0], 1])
        likeliest = tf.gather(tf.constant(self.classes), tf.argmax(probability, -1))
        return {"answer": likeliest, "classes": classes, "probability": probability}

    def read(self, text: str, source: str) -> Raw:
        """Split at spaces and line ends; add the question mark if it is missing."""
        tokens = text.split()
        if tokens[-1:] != [QUESTION]:
            tokens.append(QUESTION)
        unknown = [token for token in tokens[:-1] if token not in self.tokens[:-1]]
        if unknown or len(tokens) < 2:
            actual = f"'{unknown[0]}'" if unknown else "nothing"
            known = ", ".join(self.tokens[:-1])
            raise BadInput(f"{source}: expected tokens out of {known}, and at the end {QUESTION}, got {actual}.")
        return {"tokens": np.array([tokens], dtype=object)}

    def remark(self, raw: Raw) -> str | None:
        """Say whether the number of events, or of steps, differs from training."""
        usual, events = len(self.classes[0]), sum(token in self.events for token in self.labels(raw))
        if events != usual:
            return f"{events} of {', '.join(self.events)} in the question; the network has only seen {usual} at a time."
        return length_remark(raw["tokens"].shape[1], self.steps)

    def labels(self, raw: Raw) -> list[str]:
        """Return the tokens of the first row."""
        return [str(token) for token in raw["tokens"][0]]

    def describe(self, answer: Raw) -> str:
        """Write the class and its probability."""
        return f"{answer['answer']}  ({max(answer['probability']):.1%})"

    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """Append the sampled class's events after the question mark; then there is no further question."""
        if raw["tokens"][0, -1] != QUESTION:
            return raw, None
        item = str(answer["classes"][0, sample(answer["probability"][0], temperature, random)])
        return {"tokens": np.append(raw["tokens"], [list(item)], axis=1)}, item


def length_remark(steps: int, usual: int) -> str | None:
    """Warn of a question of `steps` steps where the network was trained on `usual` steps only."""
    if steps == usual:
        return None
    return f"a question of {steps} steps; the network has only seen {usual}, and may guess at other lengths."


class EventDataset(CategoryDataset):
    """Sequences and their classes, cut in order.

    Args:
        task: has the tokens and the classes.
        sequences: uint8 of shape `(sequences, steps)`, indices of the task's tokens; the last is the question mark.
        answers: uint8 of shape `(sequences,)`, indices of the task's classes.
        split: the option `--split`.
    """

    task: EventTask

    def __init__(self, task: EventTask, sequences: NDArray[Any], answers: NDArray[Any], split: str) -> None:
        self.task, self.sequences, self.answers = task, sequences, answers
        self.cut = splits.cut(len(sequences), split)
        self.split = self.cut.describe()
        fingerprint = sha256(sequences.tobytes(), answers.tobytes())
        self.data = {"sha256": fingerprint, "rows": len(sequences), "source": "random sequences"}
        self.latest = {"tokens": [[task.tokens[number] for number in sequences[self.cut.test[1] - 1]]]}

    def examples(self, split: str) -> Windows:
        """Return one sequence per window, of which only the last step is scored."""
        import tensorflow as tf

        rows = slice(*getattr(self.cut, split))
        sequences, answers = tf.constant(self.sequences[rows]), tf.constant(self.answers[rows], tf.int32)
        steps = self.sequences.shape[1]
        last = tf.one_hot(steps - 1, steps)

        def gather(indices: Tensor) -> Batch:
            inputs = tf.cast(tf.gather(sequences, indices), tf.int32)
            targets = tf.zeros_like(inputs) + tf.gather(answers, indices)[:, tf.newaxis]
            return Batch(inputs, targets, tf.zeros_like(inputs, tf.float32) + last)

        return Windows(self.answers[rows].size, gather)

    def baselines(self) -> dict[str, Baseline[CategoryRecord]]:
        """Return two that do not remember: the most frequent class, and a chain from the token before the question."""
        train, test = slice(*self.cut.train), slice(*self.cut.test)
        past, actual, classes = self.answers[train], self.answers[test], len(self.task.classes)
        before = np.unique(self.sequences[:, -2], return_inverse=True)[1]  # numbered from 0, as `markov` takes it
        chain = markov(before[train], past, before[test], actual, classes)
        return {
            "majority": Baseline(majority(past, actual, classes), "always the most frequent answer"),
            "markov": Baseline(chain, "the Markov chain from the token before the question mark"),
        }

    def solved(self, metrics: Mapping[str, float]) -> bool:
        """Return whether at least 99 % of the answers are right."""
        return metrics["accuracy"] >= SOLVED_ACCURACY
