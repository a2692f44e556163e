"""One split of a text: its tokens as ids of the vocabulary, and as streams that a network reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqapp.data.streams import Chosen, Places, Rows, Streams
from seqapp.data.tokenizers import CLOSING
from seqapp.data.vocabulary import START_ID, UNKNOWN_ID
from seqapp.tasks.text.corpus import Corpus
from seqapp.tasks.text.task import TextTask

BORDER_DISTANCE = 2000  # tokens within which a line is expected to end


@dataclass(frozen=True)
class TextSplit:
    """Tokens `start` to `stop` of a corpus, in a task's vocabulary.

    Args:
        task: has the vocabulary.
        corpus: the whole text.
        start: the first token.
        stop: the token after the last one.
        document_starts: the first token of each document of the whole corpus, `(documents,)`.
    """

    task: TextTask
    corpus: Corpus
    start: int
    stop: int
    document_starts: NDArray[np.int64]

    @property
    def table(self) -> NDArray[np.int32]:
        """The vocabulary's id of each of the corpus's types, `(types,)`; `UNKNOWN_ID` where it has none."""
        ids = {token: number for number, token in enumerate(self.task.tokens)}
        return np.array([ids.get(token, UNKNOWN_ID) for token in self.corpus.types], np.int32)

    @property
    def inner_starts(self) -> NDArray[np.int64]:
        """The starts of the documents that begin after the split's first token."""
        starts = self.document_starts
        return starts[(starts > self.start) & (starts < self.stop)]

    def streams(self, length: int, emphasis: Mapping[str, float]) -> Streams:
        """Return the split as streams with carried state.

        Args:
            length: tokens of a window.
            emphasis: weights of tokens that do not weigh 1 in the loss.
        """
        starts = np.append([self.start], self.inner_starts)
        return Streams(starts, self.stop, length, self._reader(length, emphasis), self._border, int(self.task.ends))

    def _reader(self, length: int, emphasis: Mapping[str, float]) -> Callable[[Chosen], Rows]:
        token_weights = np.array([emphasis.get(token, 1.0) for token in self.task.tokens], np.float32)
        corpus, table = self.corpus, self.table
        ends = np.append(self.inner_starts, self.stop) if self.task.ends else np.zeros(0)

        def read(reading: Chosen) -> Rows:
            positions, end = reading.place[:, np.newaxis] + np.arange(-1, length), reading.end[:, np.newaxis]
            ids = table[corpus.rows(reading.place - 1, length + 1)]
            ids[reading.first, 0] = START_ID
            if len(ends):
                ids[:, 1:][(positions[:, 1:] == end - 1) & np.isin(end - 1, ends)] = START_ID
            return ids[:, :-1], ids[:, 1:], (positions[:, 1:] < end) * token_weights[ids[:, 1:]]

        return read

    def _border(self, positions: Places) -> Places:
        """Move each position on to the next line, or to the next sentence of words; not if that is far."""
        ends = ("\n", ".", "!", "?") if self.task.level == "word" else ("\n",)
        last = np.array([number for number, token in enumerate(self.corpus.types) if token in ends])
        steps = []
        for some in np.array_split(positions, -(-len(positions) // 1000) or 1):
            at_end = np.isin(self.corpus.rows(some, BORDER_DISTANCE), last)
            steps.append(np.where(at_end.any(1), at_end.argmax(1) + 1, 0))
        moved: Places = positions + np.concatenate(steps)
        return moved

    def ids(self, limit: int | None = None) -> NDArray[np.int32]:
        """Return the ids with `<start>` between documents, and at the end where ends are predicted.

        Args:
            limit: only this many of the last tokens; None for all.
        """
        start = max(self.start, self.stop - limit) if limit else self.start
        blocks = [self.table[block] for block in self.corpus.blocks(start, self.stop)]
        ids = np.concatenate([np.zeros(0, np.int32), *blocks])
        borders = self.inner_starts[self.inner_starts > start]
        borders = np.append(borders, self.stop) if self.task.ends else borders
        return np.insert(ids, borders - start, START_ID)

    def characters(self) -> int:
        """Count the characters that the tokens stand for: of words with the spaces between them, of bytes the bytes."""
        if self.task.level != "word":
            return self.stop - self.start
        types = self.corpus.types
        closing = [token == "\n" or re.fullmatch(CLOSING, f" {token}") for token in types]
        widths = np.array([len(token) + (not close) for token, close in zip(types, closing, strict=True)])
        return int(self.corpus.counts(self.start, self.stop) @ widths)
