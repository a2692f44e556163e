"""A text as a dataset: streams of tokens with carried state, n-gram baselines, and how predictions are measured."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from seqapp.contract import SPLITS, Baseline, Dataset, Raw
from seqapp.contract.head import Classified
from seqapp.data.splits import Split
from seqapp.data.streams import Batch, Chosen, Places, Streams
from seqapp.data.table import read_input
from seqapp.data.tokenizers import MARKS
from seqapp.data.vocabulary import START, UNKNOWN
from seqapp.errors import BadInput
from seqapp.heads.surprise import Surprise
from seqapp.tasks.text.corpus import Corpus, encode, read_corpus
from seqapp.tasks.text.defaults import by_size
from seqapp.tasks.text.task import TextTask

COUNTED = 10_000_000  # tokens at most from which n-grams are counted: the last ones before validation
ORDERS = {"char": 8, "byte": 8, "word": 5}  # of the n-gram baseline, at most
FAR = 2000  # tokens in which a line should end
SCORED_LENGTH = 256  # tokens of a window in validation and test, where nothing is learned


@dataclass(frozen=True)
class Reading:
    """How a corpus is read: `documents` by rule (None: one), `bptt` tokens between two borders of the gradient.

    `defaults` are training options that it is known to be learned with; in training, what is in `emphasis` counts more.
    """

    documents: str | None
    bptt: int
    defaults: Mapping[str, Any] = field(default_factory=dict)
    emphasis: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """Tokens `start` to `stop` of a corpus, in a task's vocabulary."""

    task: TextTask
    corpus: Corpus
    start: int
    stop: int
    documents: NDArray[np.int64]  # where they begin, in the whole corpus

    @property
    def table(self) -> NDArray[np.int32]:
        """The vocabulary's id of each kind of the corpus, `(kinds,)`; 0 where it has none."""
        numbers = {token: number for number, token in enumerate(self.task.tokens)}
        return np.array([numbers.get(kind, 0) for kind in self.corpus.kinds], np.int32)

    @property
    def inside(self) -> NDArray[np.int64]:
        """Where documents begin after the first token."""
        return self.documents[(self.documents > self.start) & (self.documents < self.stop)]

    def streams(self, length: int, emphasis: Mapping[str, float]) -> Streams:
        """Windows of `length` tokens; those in `emphasis` count as often."""
        starts = np.append([self.start], self.inside)
        return Streams(starts, self.stop, length, self._reader(length, emphasis), self._border, int(self.task.ends))

    def _reader(self, length: int, emphasis: Mapping[str, float]) -> Callable[[Chosen], Batch]:
        counted = np.array([emphasis.get(token, 1.0) for token in self.task.tokens], np.float32)
        corpus, table, start = self.corpus, self.table, self.task.tokens.index(START)
        ends = np.append(self.inside, self.stop) if self.task.ends else np.zeros(0)

        def read(chosen: Chosen) -> Batch:
            places, end = chosen.place[:, np.newaxis] + np.arange(-1, length), chosen.end[:, np.newaxis]
            tokens = table[corpus.rows(chosen.place - 1, length + 1)]
            tokens[chosen.first, 0] = start
            if len(ends):
                tokens[:, 1:][(places[:, 1:] == end - 1) & np.isin(end - 1, ends)] = start
            return tokens[:, :-1], tokens[:, 1:], (places[:, 1:] < end) * counted[tokens[:, 1:]]

        return read

    def _border(self, places: Places) -> Places:
        """The next place from each on where a line begins, or a sentence of words; the place itself if that is far."""
        marks = ("\n", ".", "!", "?") if self.task.level == "word" else ("\n",)
        last = np.array([number for number, kind in enumerate(self.corpus.kinds) if kind in marks])
        steps = []
        for some in np.array_split(places, -(-len(places) // 1000) or 1):
            found = np.isin(self.corpus.rows(some, FAR), last)
            steps.append(np.where(found.any(1), found.argmax(1) + 1, 0))
        moved: Places = places + np.concatenate(steps)
        return moved

    def ids(self, most: int | None = None) -> NDArray[np.int32]:
        """All tokens, or the last ones, `most` at most, with `<start>` between documents; at the end if predicted."""
        start = max(self.start, self.stop - most) if most else self.start
        pieces = [self.table[block] for block in self.corpus.blocks(start, self.stop)]
        tokens = np.concatenate([np.zeros(0, np.int32), *pieces])
        borders = self.inside[self.inside > start]
        borders = np.append(borders, self.stop) if self.task.ends else borders
        return np.insert(tokens, borders - start, self.task.tokens.index(START))

    def characters(self) -> int:
        """How many characters the tokens stand for; of bytes, how many bytes; of words, with the spaces between."""
        if self.task.level != "word":
            return self.stop - self.start
        close = [kind == "\n" or re.fullmatch(MARKS, f" {kind}") for kind in self.corpus.kinds]
        widths = np.array([len(kind) + (not near) for kind, near in zip(self.corpus.kinds, close, strict=True)])
        return int(self.corpus.counts(self.start, self.stop) @ widths)


class TextDataset(Dataset):
    """A corpus cut in three, in order.

    Args:
        task: fitted on the training split.
        corpus: the encoded text.
        cut: rows are tokens.
        reading: how it is read.
        source: where it came from.
        latest: the end of the text.
        probe: counts something in generated text, given the network.
    """

    task: TextTask

    def __init__(
        self,
        task: TextTask,
        corpus: Corpus,
        cut: Split,
        reading: Reading,
        source: str,
        latest: str,
        probe: Callable[[Mapping[str, Callable[..., Raw]]], dict[str, float]] | None = None,
    ) -> None:
        self.task, self.cut, self.reading, self.probe = task, cut, reading, probe
        documents = corpus.documents(reading.documents)
        bounds: dict[str, tuple[int, int]] = {name: getattr(cut, name) for name in SPLITS}
        self.parts = {name: Part(task, corpus, *bounds[name], documents) for name in SPLITS}
        self.data = {"sha256": corpus.sha256, "rows": len(corpus.ids), "bytes": corpus.bytes, "source": source}
        self.split, self.latest = cut.describe(), {"text": [latest]}

    def on(self, source: str) -> TextDataset:
        """The same task, with another text, whole, as its test split."""
        if source == "-":
            content, source = read_input(source, "a text")
            corpus = encode([(source, content)], self.task.level)
        else:
            corpus = read_corpus(files([source]), self.task.level, lambda _: None)
        other = copy.copy(self)
        documents = corpus.documents(self.reading.documents)
        other.parts = self.parts | {"test": Part(self.task, corpus, 0, len(corpus.ids), documents)}
        other.split = {"test": {"rows": [0, len(corpus.ids)], "source": source}}
        unknown = int((other.parts["test"].ids() == 0).sum())
        if unknown:
            said = (
                f"{source}: {unknown:,} of {len(corpus.ids):,} tokens are unknown to the model and count as {UNKNOWN}"
            )
            click.echo(f"Note: {said}", err=True)
        other.probe = None
        return other

    @property
    def defaults(self) -> dict[str, Any]:
        """Options that suit a text of this size, unless its source has its own."""
        return by_size(self.cut.train[1] - self.cut.train[0], self.reading.bptt) | dict(self.reading.defaults)

    @property
    def settled(self) -> dict[str, Any]:
        """The level of the tokens and the windows' length."""
        return {"level": self.task.level, "bptt": self.reading.bptt}

    def windows(self, split: str) -> Streams:
        """Streams with carried state; in validation and test each token is scored once."""
        if split == "train":
            return self.parts[split].streams(self.reading.bptt, self.reading.emphasis)
        return self.parts[split].streams(SCORED_LENGTH, {})

    def baselines(self) -> dict[str, Baseline]:
        """Unigram, and the Kneser-Ney n-gram whose order is the best on validation."""
        from seqapp.tasks.text.ngrams import NGram

        most, training = ORDERS[self.task.level], self.parts["train"].ids(COUNTED)
        model = NGram(training, most, len(self.task.tokens))
        validation, test = (self.parts[name].ids() for name in ("validation", "test"))
        before = training[-most:]
        on_validation = self._scored(model.score(np.concatenate([before, validation]), len(before)))
        order = int(np.argmax([predictions.logs.mean() for predictions in on_validation]))
        before = validation[-most:]
        on_test = self._scored(model.score(np.concatenate([before, test]), len(before)))
        counted = "" if len(training) < COUNTED else f" counted on the last {COUNTED:,} training tokens"
        return {
            "unigram": Baseline(on_test[0], "single-token frequencies"),
            "ngram": Baseline(on_test[order], f"a Kneser-Ney {order + 1}-gram{counted}"),
        }

    def _scored(self, found: list[Classified]) -> list[Classified]:
        """Without the borders between documents, where the network does not predict them."""
        if self.task.ends:
            return found
        real = found[0].actual != self.task.tokens.index(START)
        return [Classified(each.actual[real], each.predicted[real], each.logs[real]) for each in found]

    def cases(self, predictions: Classified) -> dict[str, NDArray[Any]]:
        """Nats of each token."""
        return {"cross_entropy": -predictions.logs}

    def metrics(self, predictions: Classified) -> dict[str, float]:
        """Cross-entropy in nats a token, bits a character, perplexity, and how often the likeliest token came."""
        loss = float(-predictions.logs.mean())
        nats = loss * len(predictions.logs)
        return {
            "cross_entropy": loss,
            "bits_per_char": nats / self.parts["test"].characters() / np.log(2),
            "perplexity": float(np.exp(loss)),
            "accuracy": float((predictions.actual == predictions.predicted).mean()),
        }

    def surprise(self, predictions: Classified) -> Surprise:
        """Bits of each token."""
        tokens = [self.task.tokens[place] for place in predictions.actual]
        return super().surprise(predictions).of_text(tokens, self.task.cutter.writer(""))

    def probes(self, functions: Mapping[str, Callable[..., Raw]]) -> dict[str, float]:
        """What the dataset file counts in generated text, if anything."""
        return self.probe(functions) if self.probe else {}


def files(given: Iterable[str]) -> list[Path]:
    """The files named, and the *.txt files below folders named, in the order of their names.

    Raises:
        BadInput: a folder holds none, or standard input is named.
    """
    found: list[Path] = []
    for path in map(Path, given):
        if path.name == "-":
            raise BadInput("--file -: a training needs its text again later. Write it to a file.")
        texts = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
        if not texts:
            raise BadInput(f"{path}: expected text files, got a folder without any *.txt.")
        found += texts
    return found
