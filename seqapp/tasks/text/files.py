"""Text files, encoded once: a large text's ids are cached under the sha256 of its content."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from seqapp.errors import BadInput
from seqapp.system.files import draft
from seqapp.tasks.text.corpus import Corpus
from seqapp.tasks.text.encoding import BLOCK, Encoder, encode

IN_MEMORY = 1 << 23  # bytes: a smaller text is encoded again each time, which takes less than a second
FORMAT = 1  # of the cached files


def text_files(paths: Iterable[str]) -> list[Path]:
    """Return the files, and for each folder the *.txt files below it in the order of their names.

    Raises:
        BadInput: a folder holds no *.txt file, or a path is standard input.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.name == "-":
            raise BadInput("--file -: training reads its text again later, so it cannot be a pipe. Write it to a file.")
        texts = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
        if not texts:
            raise BadInput(f"{path}: expected text files, got a folder without any *.txt.")
        files += texts
    return files


def read_corpus(paths: list[Path], level: str, note: Callable[[str], None]) -> Corpus:
    """Encode files, one after the other, or open their ids in the cache.

    Args:
        paths: files.
        level: name of a tokenizer.
        note: is called with a sentence before a long encoding.

    Raises:
        BadInput: a file is missing, empty, or not text.
    """
    size = sum(_size(path) for path in paths)
    if size <= IN_MEMORY:
        return encode([(str(path), path.read_bytes()) for path in paths], level)
    cache = _cache_folder()
    if any(cache.glob(f"{level}-{size}-*")):
        corpus = _open(cache / f"{level}-{size}-{_sha256(paths)}", size)
        if corpus is not None:
            return corpus
    note(f"encoding {size / 1e6:,.0f} MB of text; kept in {cache}")
    folder = _encode_to(cache, paths, level, size)
    corpus = _open(folder, size)
    if corpus is None:
        raise BadInput(f"{folder}: the encoded text cannot be read back. Is the disk full?")
    return corpus


def _encode_to(cache: Path, paths: list[Path], level: str, size: int) -> Path:
    """Encode files into a folder of the cache, published by one rename; return the folder."""
    with draft(cache / level) as folder:
        working = folder / "corpus"
        working.mkdir()
        with (working / "ids").open("wb+") as sink:
            encoder = Encoder(level, sink).run((str(path), path.open("rb")) for path in paths)
        description = {"format": FORMAT, "kinds": encoder.types, "files": encoder.file_starts,
                       "dtype": encoder.dtype.name, "tokens": encoder.tokens}  # fmt: skip
        (working / "corpus.json").write_text(json.dumps(description), encoding="utf-8")
        target = cache / f"{level}-{size}-{encoder.digest.hexdigest()}"
        shutil.rmtree(target, ignore_errors=True)
        working.rename(target)
    return target


def _open(folder: Path, size: int) -> Corpus | None:
    """Return the corpus in a folder of the cache, None if it is missing or incomplete."""
    try:
        description = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        ids = np.memmap(folder / "ids", np.dtype(description["dtype"]), "r")
        if description["format"] != FORMAT or description.get("tokens", len(ids)) != len(ids):
            return None
        starts = np.array(description["files"], np.int64)
        return Corpus(tuple(description["kinds"]), ids, starts, folder.name.rpartition("-")[2], size)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sha256(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


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
