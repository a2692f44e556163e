"""Files to ids: in parallel and in one pass, however large they are."""

from __future__ import annotations

import collections
import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from seqapp.data.tokenizers import TOKENIZERS, TokenBlock
from seqapp.errors import BadInput
from seqapp.tasks.text.corpus import Corpus

BLOCK = 1 << 22  # bytes


def encode(texts: list[tuple[str, bytes]], level: str) -> Corpus:
    """Encode texts in memory.

    Args:
        texts: each with its name in error messages.
        level: name of a tokenizer.
    """
    sink = io.BytesIO()
    encoder = Encoder(level, sink).run((name, io.BytesIO(content)) for name, content in texts)
    ids = np.frombuffer(sink.getvalue(), encoder.dtype)
    return encoder.corpus(ids, sum(len(content) for _, content in texts))


class Encoder:
    """Writes the ids of files to `sink`, a binary file that can be read and written.

    Worker threads tokenize blocks; ids are assigned here, in the order of the text. They are written in the smallest
    type that holds them, and rewritten when a larger one is needed.
    """

    def __init__(self, level: str, sink: Any) -> None:
        self.tokenizer, self.sink = TOKENIZERS[level], sink
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self.types: list[str] = []
        self.ids: dict[str, int] = {}
        self.file_starts: list[int] = []
        self.tokens = 0
        self.digest = hashlib.sha256()

    def run(self, files: Iterable[tuple[str, Any]]) -> Encoder:
        """Encode files, each a name and a binary file to read; return self."""
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        waiting: collections.deque[Future[TokenBlock]] = collections.deque()
        with ThreadPoolExecutor(workers) as pool:
            for name, file in files:
                with file:
                    self._drain(waiting, 0)
                    self.file_starts.append(self.tokens)
                    for block, offset in self._blocks(name, file):
                        waiting.append(pool.submit(self.tokenizer.encode, block, name, offset))
                        self._drain(waiting, 2 * workers)
            self._drain(waiting, 0)
        return self

    def corpus(self, ids: Any, size: int) -> Corpus:
        """Return the corpus with these ids, encoded from `size` bytes."""
        starts = np.array(self.file_starts, np.int64)
        return Corpus(tuple(self.types), ids, starts, self.digest.hexdigest(), size)

    def _blocks(self, name: str, file: Any) -> Iterator[tuple[bytes, int]]:
        """Yield blocks that end at a token boundary, each with its offset."""
        rest, offset = b"", 0
        while content := file.read(BLOCK):
            self.digest.update(content)
            block = rest + content
            end = self.tokenizer.boundary(block)
            if end == 0 and len(block) > 2 * BLOCK:
                raise BadInput(
                    f"{name}, offset {offset}: {len(block)} bytes without a space between words. Use --level char."
                )
            if end:
                yield block[:end], offset
            rest, offset = block[end:], offset + end
        if rest:
            yield rest, offset

    def _drain(self, waiting: collections.deque[Future[TokenBlock]], limit: int) -> None:
        while len(waiting) > limit:
            self._write(waiting.popleft().result())

    def _write(self, block: TokenBlock) -> None:
        for token in block.types:
            if token not in self.ids:
                self.ids[token] = len(self.types)
                self.types.append(token)
        needed = np.min_scalar_type(max(len(self.types) - 1, 0))
        if needed.itemsize > self.dtype.itemsize:
            self._widen(needed)
        table = np.array([self.ids[token] for token in block.types], self.dtype)
        self.sink.write(table[block.indices].tobytes())
        self.tokens += len(block.indices)

    def _widen(self, dtype: np.dtype[Any]) -> None:
        """Rewrite the ids written so far in a larger type, from the last block to the first."""
        narrow, wide = self.dtype.itemsize, dtype.itemsize
        for first in reversed(range(0, self.tokens, BLOCK)):
            count = min(BLOCK, self.tokens - first)
            self.sink.seek(first * narrow)
            ids = np.frombuffer(self.sink.read(count * narrow), self.dtype)
            self.sink.seek(first * wide)
            self.sink.write(ids.astype(dtype).tobytes())
        self.sink.seek(self.tokens * wide)
        self.dtype = dtype
