"""A text as a dataset: cut in order into three splits, read as streams with carried state, measured by the token."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from seqapp.contract import SPLITS, Baseline, Dataset, Metric, Raw, Surprise
from seqapp.data.splits import Split
from seqapp.data.streams import Streams
from seqapp.data.vocabulary import UNKNOWN, UNKNOWN_ID
from seqapp.heads import CategoryRecord
from seqapp.system.input import read_input
from seqapp.tasks.classification.dataset import correct
from seqapp.tasks.text.corpus import Corpus
from seqapp.tasks.text.defaults import by_size
from seqapp.tasks.text.encoding import encode
from seqapp.tasks.text.files import read_corpus, text_files
from seqapp.tasks.text.split import TextSplit
from seqapp.tasks.text.task import TextTask

SCORED_LENGTH = 256  # tokens of a window in validation and test, where there are no gradients


@dataclass(frozen=True)
class TextSettings:
    """How a text is read and learned.

    Args:
        source: where the text comes from.
        documents: the rule by which documents begin; None: the whole text is one.
        bptt: tokens after which gradients stop.
        defaults: training options for this text; its size decides the others.
        emphasis: weights of tokens that do not weigh 1 in the training loss.
        probe: measures generated text; None for nothing.
    """

    source: str
    documents: str | None
    bptt: int
    defaults: Mapping[str, Any] = field(default_factory=dict)
    emphasis: Mapping[str, float] = field(default_factory=dict)
    probe: Callable[[Mapping[str, Callable[..., Raw]]], dict[str, float]] | None = None


class TextDataset(Dataset[CategoryRecord]):
    """A text cut into three splits, in order.

    Args:
        task: fitted on the training split.
        corpus: the encoded text.
        document_starts: the first token of each document, `(documents,)`.
        cut: rows are tokens.
        settings: how the text is read and learned.
        latest: the end of the text.
    """

    task: TextTask

    def __init__(
        self,
        task: TextTask,
        corpus: Corpus,
        document_starts: NDArray[np.int64],
        cut: Split,
        settings: TextSettings,
        latest: str,
    ) -> None:
        self.task, self.cut, self.settings, self.probe = task, cut, settings, settings.probe
        bounds: dict[str, tuple[int, int]] = {name: getattr(cut, name) for name in SPLITS}
        self.splits = {name: TextSplit(task, corpus, *bounds[name], document_starts) for name in SPLITS}
        self.data = {"sha256": corpus.sha256, "rows": len(corpus.ids), "bytes": corpus.bytes, "source": settings.source}
        self.split, self.latest = cut.describe(), {"text": [latest]}

    def with_test_data(self, source: str) -> TextDataset:
        """Return the same dataset with another text, whole, as its test split; "-" is standard input."""
        if source == "-":
            content, source = read_input(source, "a text")
            corpus = encode([(source, content)], self.task.level)
        else:
            corpus = read_corpus(text_files([source]), self.task.level, lambda _: None)
        other, count = copy.copy(self), len(corpus.ids)
        test = TextSplit(self.task, corpus, 0, count, corpus.document_starts(self.settings.documents))
        other.splits = self.splits | {"test": test}
        other.split = {"test": {"rows": [0, count], "source": source}}
        other.probe = None
        unknown = int((test.ids() == UNKNOWN_ID).sum())
        if unknown:
            note = f"{source}: {unknown:,} of {count:,} tokens are unknown to the model and count as {UNKNOWN}"
            click.echo(f"Note: {note}", err=True)
        return other

    @property
    def defaults(self) -> dict[str, Any]:
        """Training options for a text of this size, unless the text has its own."""
        return by_size(self.cut.train[1] - self.cut.train[0], self.settings.bptt) | dict(self.settings.defaults)

    @property
    def resolved_options(self) -> dict[str, Any]:
        """The level of the tokens and the windows' length."""
        return {"level": self.task.level, "bptt": self.settings.bptt}

    def examples(self, split: str) -> Streams:
        """Return streams with carried state; in validation and test each token is scored once."""
        if split == "train":
            return self.splits[split].streams(self.settings.bptt, self.settings.emphasis)
        return self.splits[split].streams(SCORED_LENGTH, {})

    def baselines(self) -> dict[str, Baseline[CategoryRecord]]:
        """Return the unigram and the best n-gram."""
        from seqapp.tasks.text.baselines import text_baselines

        return text_baselines(self.task, *(self.splits[name] for name in SPLITS))

    @property
    def metrics(self) -> Sequence[Metric[CategoryRecord]]:
        """Cross-entropy in nats per token, bits per character, perplexity, and accuracy."""
        characters = self.splits["test"].characters()

        def nats(record: CategoryRecord) -> NDArray[Any]:
            return -record.logs

        def bits_per_char(nats: NDArray[Any]) -> float:
            return float(nats.mean() * len(nats) / characters / np.log(2))

        return [
            Metric("cross_entropy", nats),
            Metric("bits_per_char", nats, bits_per_char, judged=False),
            Metric("perplexity", nats, lambda nats: np.exp(float(nats.mean())), judged=False),
            Metric("accuracy", correct, higher_is_better=True, judged=False),
        ]

    def surprise(self, record: CategoryRecord) -> Surprise:
        """Return the bits of each token."""
        tokens = [self.task.tokens[number] for number in record.actual]
        return self.task.head.surprise(record).of_text(tokens, self.task.tokenizer.detokenizer(""))

    def probes(self, functions: Mapping[str, Callable[..., Raw]]) -> dict[str, float]:
        """Measure generated text, where the dataset file says how."""
        return self.probe(functions) if self.probe else {}
