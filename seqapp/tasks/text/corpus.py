"""A text as ids on disk: encoded once, in parallel and in one pass, however large, and read where it lies from then on.

The ids are provisional, in the order in which tokens were first met, and independent of any split; a vocabulary fitted
on the training split translates them. The file is cached under the sha256 of the content.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.data.tokenizers import LEVELS, Encoded
from seqapp.errors import BadInput, WorkFailed
from seqapp.system.files import draft

BLOCK = 1 << 22  # bytes
IN_MEMORY = 1 << 23  # bytes: a smaller text is encoded anew each time, which takes less than a second
FORMAT = 1  # of the cached files


@dataclass(frozen=True)
class Corpus:
    """Tokens of a text: `ids` unsigned `(tokens,)`, in memory or mapped from disk, as places in `kinds`."""

    kinds: tuple[str, ...]
    ids: NDArray[Any]
    files: NDArray[np.int64]  # where each file begins
    sha256: str
    bytes: int

    def blocks(self, start: int, stop: int) -> Iterator[NDArray[Any]]:
        """The ids from `start` to `stop` in pieces, read and not mapped: they do not stay in memory."""
        size = self.ids.itemsize
        for first in range(start, stop, BLOCK):
            count = min(BLOCK, stop - first)
            if isinstance(self.ids, np.memmap):
                yield _whole(np.fromfile(str(self.ids.filename), self.ids.dtype, count, offset=first * size), count)
            else:
                yield self.ids[first : first + count]

    def rows(self, starts: NDArray[np.int64], width: int) -> NDArray[Any]:
        """`width` ids from each of `starts` `(rows,)` on, `(rows, width)`; any id where there is no text.

        Read from the file at each place and not through the map: pages once mapped count as the process's memory.
        """
        if not isinstance(self.ids, np.memmap):
            found: NDArray[Any] = self.ids[(starts[:, np.newaxis] + np.arange(width)).clip(0, len(self.ids) - 1)]
            return found
        held, size = np.zeros((len(starts), width), self.ids.dtype), self.ids.itemsize
        with Path(str(self.ids.filename)).open("rb", buffering=0) as file:
            for row, start in zip(held, starts.tolist(), strict=True):
                first, stop = max(start, 0), max(min(start + width, len(self.ids)), 0)
                content = os.pread(file.fileno(), max(stop - first, 0) * size, first * size)
                piece = _whole(content, max(stop - first, 0) * size)
                row[first - start : first - start + len(piece) // size] = np.frombuffer(piece, row.dtype)
        return held

    def counts(self, start: int, stop: int) -> NDArray[np.int64]:
        """How often each kind occurs from `start` to `stop`, `(kinds,)`."""
        total = np.zeros(len(self.kinds), np.int64)
        for block in self.blocks(start, stop):
            total += np.bincount(block, minlength=len(total))
        return total

    def documents(self, rule: str | None) -> NDArray[np.int64]:
        """Where documents begin, `(documents,)`: at lines, after blank lines, at files, or once at the beginning."""
        if rule in ("file", None) or "\n" not in self.kinds:
            return self.files if rule == "file" else self.files[:1]
        newline, starts, before = self.kinds.index("\n"), [self.files[:1]], 0
        held = np.zeros(0, np.int64)  # the newlines of a piece and the last one before it
        for block in self.blocks(0, len(self.ids)):
            found = np.flatnonzero(block == newline) + before
            before += len(block)
            if rule == "line":
                starts.append(found + 1)
            else:
                both = np.concatenate([held[-1:], found])
                starts.append(both[1:][np.diff(both) == 1] + 1)
                held = found if len(found) else held
        ends = np.concatenate(starts)
        if rule == "blank-line":  # of several blank lines in a row, the last one ends the document
            ends = ends[np.append(np.diff(ends) > 1, True)]
        ends[0] = 0
        return ends[ends < len(self.ids)]


def read_corpus(paths: list[Path], level: str, note: Callable[[str], None]) -> Corpus:
    """Encode files, one after the other, or find them encoded.

    Raises:
        BadInput: a file is missing, empty, or not text.
    """
    size = sum(_size(path) for path in paths)
    if size <= IN_MEMORY:
        return encode([(str(path), path.read_bytes()) for path in paths], level)
    cache = _cache_folder()
    if any(cache.glob(f"{level}-{size}-*")):
        digest = hashlib.sha256()
        for path in paths:
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    digest.update(block)
        if found := _cached(cache / f"{level}-{size}-{digest.hexdigest()}", size):
            return found
    note(f"encoding {size / 1e6:,.0f} MB of text; kept in {cache}")
    with draft(cache / level) as folder:
        working = folder / "corpus"
        working.mkdir()
        with (working / "ids").open("wb+") as sink:
            made = _Encoder(level, sink).run((str(path), path.open("rb")) for path in paths)
        described = {"format": FORMAT, "kinds": made.kinds, "files": made.files, "dtype": made.dtype.name}
        described |= {"tokens": made.tokens}
        (working / "corpus.json").write_text(json.dumps(described), encoding="utf-8")
        target = cache / f"{level}-{size}-{made.digest.hexdigest()}"
        shutil.rmtree(target, ignore_errors=True)
        working.rename(target)
    found = _cached(target, size)
    if found is None:
        raise BadInput(f"{target}: the encoded text cannot be read back. Is the disk full?")
    return found


def encode(content: list[tuple[str, bytes]], level: str) -> Corpus:
    """Encode texts, each with the name by which errors call it, in memory."""
    import io

    sink = io.BytesIO()
    made = _Encoder(level, sink).run((name, io.BytesIO(held)) for name, held in content)
    ids = np.frombuffer(sink.getvalue(), made.dtype)
    size = sum(len(held) for _, held in content)
    return Corpus(tuple(made.kinds), ids, np.array(made.files, np.int64), made.digest.hexdigest(), size)


class _Encoder:
    """Blocks in, ids out, in order; workers find what kinds a block holds, the numbers are given out here."""

    def __init__(self, level: str, sink: Any) -> None:
        self.level, self.sink = LEVELS[level], sink
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self.kinds: list[str] = []
        self.numbers: dict[str, int] = {}
        self.files: list[int] = []
        self.tokens = 0
        self.digest = hashlib.sha256()

    def run(self, files: Iterable[tuple[str, Any]]) -> _Encoder:
        """Encode files, each a name and what reads its bytes."""
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        waiting: collections.deque[Future[Encoded]] = collections.deque()
        with ThreadPoolExecutor(workers) as pool:
            for name, reader in files:
                with reader:
                    self._drain(waiting, 0)
                    self.files.append(self.tokens)
                    for block, offset in self._blocks(name, reader):
                        waiting.append(pool.submit(self.level.encode, block, name, offset))
                        self._drain(waiting, 2 * workers)
            self._drain(waiting, 0)
        return self

    def _blocks(self, name: str, reader: Any) -> Iterator[tuple[bytes, int]]:
        """Pieces that end where a token ends, and their offsets."""
        rest, offset = b"", 0
        while block := reader.read(BLOCK):
            self.digest.update(block)
            whole = rest + block
            end = self.level.border(whole)
            if end == 0 and len(whole) > 2 * BLOCK:
                raise BadInput(
                    f"{name}, offset {offset}: {len(whole)} bytes without a space between words. Use --level char."
                )
            if end:
                yield whole[:end], offset
            rest, offset = whole[end:], offset + end
        if rest:
            yield rest, offset

    def _drain(self, waiting: collections.deque[Future[Encoded]], most: int) -> None:
        while len(waiting) > most:
            self._write(waiting.popleft().result())

    def _write(self, encoded: Encoded) -> None:
        for kind in encoded.kinds:
            if kind not in self.numbers:
                self.numbers[kind] = len(self.kinds)
                self.kinds.append(kind)
        needed = np.min_scalar_type(max(len(self.kinds) - 1, 0))
        if needed.itemsize > self.dtype.itemsize:
            self._widen(needed)
        table = np.array([self.numbers[kind] for kind in encoded.kinds], self.dtype)
        self.sink.write(table[encoded.places].tobytes())
        self.tokens += len(encoded.places)

    def _widen(self, dtype: np.dtype[Any]) -> None:
        """Rewrite what was written, from the end, in a larger type."""
        narrow, wide = self.dtype.itemsize, dtype.itemsize
        for first in reversed(range(0, self.tokens, BLOCK)):
            count = min(BLOCK, self.tokens - first)
            self.sink.seek(first * narrow)
            held = np.frombuffer(self.sink.read(count * narrow), self.dtype)
            self.sink.seek(first * wide)
            self.sink.write(held.astype(dtype).tobytes())
        self.sink.seek(self.tokens * wide)
        self.dtype = dtype


def _whole(piece: Any, expected: int) -> Any:
    if len(piece) != expected:
        raise WorkFailed("the encoded text has shrunk while it was read; it is made anew next time")
    return piece


def _cached(folder: Path, size: int) -> Corpus | None:
    """A corpus encoded before; None where it is not there, or not whole."""
    try:
        described = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        ids = np.memmap(folder / "ids", np.dtype(described["dtype"]), "r")
        if described["format"] != FORMAT or described.get("tokens", len(ids)) != len(ids):
            return None
        files = np.array(described["files"], np.int64)
        return Corpus(tuple(described["kinds"]), ids, files, folder.name.rpartition("-")[2], size)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _cache_folder() -> Path:
    base = os.environ.get("SEQAPP_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seqapp"
    return Path(base) / "corpora"


def _size(path: Path) -> int:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; expected a text file.") from None
    if size == 0:
        raise BadInput(f"{path}: expected a text file, got a file of 0 bytes.")
    return size
