"""Tokenizers: text to tokens and back, in bulk for training and in TensorFlow ops for what is served.

`char`: Unicode code points. `byte`: any file, without loss. `word`: words and punctuation marks, a line's end as "\\n".
Bulk and TensorFlow give the same tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from seqapp.contract import Tensor
from seqapp.errors import BadInput
from seqapp.system.text import from_bytes

CLOSING = r" ([.,;:!?%)\]}])"  # a mark that follows a word without a space, with the space that `word` put before it


class TokenBlock(NamedTuple):
    """A block of text: the distinct tokens (types), each once, and for every token its index in `types`."""

    types: Sequence[str]
    indices: NDArray[Any]


class Tokenizer(Protocol):
    """One way to turn text into tokens."""

    def split(self, text: Tensor) -> Tensor:
        """Tokenize strings `(batch,)` in TensorFlow ops: ragged strings `(batch, tokens)`."""

    def join(self, tokens: Tensor, prompt: Tensor) -> Tensor:
        """Append tokens `(batch, steps)`, "" for no token, to `prompt` `(batch,)`: strings `(batch,)`."""

    def detokenizer(self, text: str) -> Callable[[list[str]], str]:
        """Return a function from the next tokens to the text that they add; `text` is what comes before the first."""

    def encode(self, block: bytes, source: str, offset: int) -> TokenBlock:
        """Tokenize a block of a file.

        Args:
            block: ends at a token boundary.
            source: the file's name in error messages.
            offset: the block's first byte in the file.

        Raises:
            BadInput: the block is not text.
        """

    def boundary(self, block: bytes) -> int:
        """Return the last offset at which a block can be cut without cutting a token; 0 if there is none."""


@dataclass(frozen=True)
class Characters:
    """Unicode code points of UTF-8."""

    def split(self, text: Tensor) -> Tensor:
        """Split at every code point."""
        import tensorflow as tf

        return tf.strings.unicode_split(text, "UTF-8")

    def join(self, tokens: Tensor, prompt: Tensor) -> Tensor:
        """Append the characters."""
        import tensorflow as tf

        return prompt + tf.strings.reduce_join(tokens, 1)

    def detokenizer(self, text: str) -> Callable[[list[str]], str]:
        """Return a function that joins characters."""
        return "".join

    def encode(self, block: bytes, source: str, offset: int) -> TokenBlock:
        """Tokenize a block of UTF-8."""
        if block.isascii():
            codes = np.frombuffer(_without_zeros(block, source, offset), np.uint8)
        else:
            codes = np.frombuffer(_decode(block, source, offset).encode("utf-32-le"), np.uint32)
        present = np.flatnonzero(np.bincount(codes))
        table = np.zeros(int(present[-1]) + 1 if len(present) else 1, np.int32)
        table[present] = np.arange(len(present))
        return TokenBlock([chr(code) for code in present.tolist()], table[codes])

    def boundary(self, block: bytes) -> int:
        """Return the end of the last whole code point."""
        end = len(block)
        for back in range(1, min(4, end) + 1):
            if block[end - back] & 0xC0 != 0x80:  # the first byte of a code point
                width = 1 + sum(block[end - back] >= first for first in (0xC0, 0xE0, 0xF0))
                return end if width <= back else end - back
        return end


@dataclass(frozen=True)
class Bytes:
    """Single bytes; as text, a byte that is not UTF-8 is a surrogate, as in Python's file names (PEP 383)."""

    def split(self, text: Tensor) -> Tensor:
        """Split at every byte."""
        import tensorflow as tf

        return tf.strings.bytes_split(text)

    def join(self, tokens: Tensor, prompt: Tensor) -> Tensor:
        """Append the bytes."""
        return Characters().join(tokens, prompt)

    def detokenizer(self, text: str) -> Callable[[list[str]], str]:
        """Return a function that joins bytes."""
        return "".join

    def encode(self, block: bytes, source: str, offset: int) -> TokenBlock:
        """Tokenize any bytes; the types are always the same 256."""
        return TokenBlock(BYTES, np.frombuffer(block, np.uint8))

    def boundary(self, block: bytes) -> int:
        """Return the block's end: a block can be cut anywhere."""
        return len(block)


@dataclass(frozen=True)
class Words:
    """Words and single punctuation marks. `<unk>` is one token, as in the Penn Treebank."""

    def split(self, text: Tensor) -> Tensor:
        """Split at spaces and around every mark; a line's end becomes "\\n"."""
        import tensorflow as tf

        spaced = tf.strings.regex_replace(text, r"([^\pL\pN\s_'])", r" \1 ")
        spaced = tf.strings.regex_replace(spaced, " < unk > ", " <unk> ")
        spaced = tf.strings.regex_replace(spaced, r"\r\n|\r|\n", " \x1e ")
        tokens = tf.strings.split(spaced)
        return tokens.with_flat_values(tf.where(tokens.flat_values == "\x1e", "\n", tokens.flat_values))

    def join(self, tokens: Tensor, prompt: Tensor) -> Tensor:
        """Append words with a space before each, but none before closing marks and none at the start of a line."""
        import tensorflow as tf

        spaced = tf.strings.reduce_join(tf.where(tokens == "", "", " " + tokens), 1)
        closed = tf.strings.regex_replace(tf.strings.regex_replace(spaced, CLOSING, r"\1"), " ?\n ?", "\n")
        at_start = tf.strings.regex_full_match(prompt, r"(?s)(.*\n)?")
        return prompt + tf.where(at_start, tf.strings.regex_replace(closed, "^ ", ""), closed)

    def detokenizer(self, text: str) -> Callable[[list[str]], str]:
        """Return a function that adds words to a text as `join` does."""
        last = text[-1:] or "\n"

        def append(tokens: list[str]) -> str:
            nonlocal last
            added = re.sub(CLOSING, r"\1", "".join(f" {token}" for token in tokens))
            added = re.sub(" ?\n ?", "\n", added)
            added = added[1:] if last == "\n" and added.startswith(" ") else added
            last = added[-1:] or last
            return added

        return append

    def encode(self, block: bytes, source: str, offset: int) -> TokenBlock:
        """Tokenize a block of UTF-8 with the same ops as `split`."""
        import tensorflow as tf

        _decode(block, source, offset)
        with tf.device("CPU"):
            types, indices, _ = tf.unique_with_counts(self.split(tf.constant([block]))[0])
        return TokenBlock([token.decode() for token in types.numpy()], indices.numpy())

    def boundary(self, block: bytes) -> int:
        """Return the offset after the last space or line end."""
        return 1 + max(block.rfind(space) for space in (b"\n", b" "))


BYTES = tuple(from_bytes(bytes([byte])) for byte in range(256))
TOKENIZERS: dict[str, Tokenizer] = {"char": Characters(), "byte": Bytes(), "word": Words()}  # by --level


def _decode(block: bytes, source: str, offset: int) -> str:
    try:
        return _without_zeros(block, source, offset).decode("utf-8-sig" if offset == 0 else "utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{source}: expected text in UTF-8, got byte 0x{block[error.start]:02x} at offset {offset + error.start}. "
            "Trained with --level byte, a run reads any file."
        ) from None


def _without_zeros(block: bytes, source: str, offset: int) -> bytes:
    if b"\0" in block:
        raise BadInput(
            f"{source}: expected text, got a binary file (a zero byte at offset {offset + block.index(0)}). "
            "Trained with --level byte, a run reads any file."
        )
    return block
