"""A text as ids in memory or on disk, read in blocks or rows where it lies; and where its documents begin.

The ids are provisional: in the order in which tokens first occur, and independent of any split. A vocabulary fitted on
the training split translates them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.errors import WorkFailed

BLOCK = 1 << 22  # tokens


@dataclass(frozen=True)
class Corpus:
    """The tokens of a text.

    Args:
        types: the distinct tokens.
        ids: unsigned int `(tokens,)`, each token's index in `types`; in memory, or a map of a file.
        file_starts: the first token of each file, `(files,)`.
        sha256: of the text's bytes.
        bytes: size of the text.
    """

    types: tuple[str, ...]
    ids: NDArray[Any]
    file_starts: NDArray[np.int64]
    sha256: str
    bytes: int

    def blocks(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """Yield the ids from `start` to `stop` block by block; read from the file, not mapped, to save memory."""
        size = self.ids.itemsize
        for first in range(start, stop, BLOCK):
            count = min(BLOCK, stop - first)
            if isinstance(self.ids, np.memmap):
                ids = np.fromfile(str(self.ids.filename), self.ids.dtype, count, offset=first * size)
                yield _require_length(ids, count)
            else:
                yield self.ids[first : first + count]

    def rows(self, starts: NDArray[np.int64], width: int) -> NDArray[Any]:
        """Read `width` ids from each start on.

        The file is read at each start and not through the map: pages once mapped count as the process's memory.

        Args:
            starts: `(rows,)`; may lie before the first token.
            width: tokens of a row.

        Returns:
            `(rows, width)`; any id where there is no text.
        """
        if not isinstance(self.ids, np.memmap):
            inside: NDArray[Any] = self.ids[(starts[:, np.newaxis] + np.arange(width)).clip(0, len(self.ids) - 1)]
            return inside
        rows, size = np.zeros((len(starts), width), self.ids.dtype), self.ids.itemsize
        with Path(str(self.ids.filename)).open("rb", buffering=0) as file:
            for row, start in zip(rows, starts.tolist(), strict=True):
                first, stop = max(start, 0), max(min(start + width, len(self.ids)), 0)
                content = os.pread(file.fileno(), max(stop - first, 0) * size, first * size)
                content = _require_length(content, max(stop - first, 0) * size)
                row[first - start : first - start + len(content) // size] = np.frombuffer(content, row.dtype)
        return rows

    def counts(self, start: int, stop: int) -> NDArray[np.int64]:
        """Count how often each type occurs from `start` to `stop`, `(types,)`."""
        total = np.zeros(len(self.types), np.int64)
        for block in self.blocks(start, stop):
            total += np.bincount(block, minlength=len(total))
        return total

    def document_starts(self, rule: str | None) -> NDArray[np.int64]:
        """Return the first token of each document, `(documents,)`.

        Args:
            rule: "line", "blank-line" or "file" begins a document; None: the whole text is one.
        """
        if rule in ("file", None) or "\n" not in self.types:
            return self.file_starts if rule == "file" else self.file_starts[:1]
        starts = self._after_lines() if rule == "line" else self._after_blank_lines()
        return np.append(0, starts[starts < len(self.ids)])

    def _newlines(self) -> Iterator[NDArray[np.int64]]:
        """Yield the positions of the newlines of each block."""
        newline, before = self.types.index("\n"), 0
        for block in self.blocks(0, len(self.ids)):
            yield np.flatnonzero(block == newline) + before
            before += len(block)

    def _after_lines(self) -> NDArray[np.int64]:
        return np.concatenate([newlines + 1 for newlines in self._newlines()])

    def _after_blank_lines(self) -> NDArray[np.int64]:
        """Return the tokens after blank lines; after the last one of several in a row."""
        starts, last = [np.zeros(0, np.int64)], np.zeros(0, np.int64)
        for newlines in self._newlines():
            joined = np.concatenate([last, newlines])  # a blank line may lie across two blocks
            starts.append(joined[1:][np.diff(joined) == 1] + 1)
            last = joined[-1:]
        every = np.concatenate(starts)
        return every[np.diff(every, append=every[-1:] + 2) > 1]


def _require_length(content: Any, expected: int) -> Any:
    if len(content) != expected:
        raise WorkFailed("the encoded text was truncated while it was read; run the command again to encode it again")
    return content
