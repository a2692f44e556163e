"""Levels of a text: how it is cut into tokens, in bulk for training and in TensorFlow ops for what is served.

`char`: Unicode code points. `byte`: any file, without loss. `word`: words and single marks, a line's end as "\\n"; both
ways give the same tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.head import Tensor
from seqapp.errors import BadInput
from seqapp.system.text import from_bytes

MARKS = r" ([.,;:!?%)\]}])"  # stand close to the word before


class Encoded(NamedTuple):
    """A piece of text: its kinds of tokens, each once, and the place in `kinds` of every token."""

    kinds: Sequence[str]
    places: NDArray[Any]


class Level(Protocol):
    """One way to cut a text."""

    def split(self, text: Tensor) -> Tensor:
        """Strings `(batch,)` as a ragged tensor of tokens, in TensorFlow ops."""

    def joined(self, tokens: Tensor, prompt: Tensor) -> Tensor:
        """`prompt` `(batch,)` followed by tokens `(batch, most)`, "" where there is none."""

    def writer(self, before: str) -> Callable[[list[str]], str]:
        """A function that gives the next tokens of a text as text; `before` is what it begins with."""

    def encode(self, block: bytes, source: str, offset: int) -> Encoded:
        """A piece of a file; `source` and `offset` name it in errors."""

    def border(self, block: bytes) -> int:
        """The last place at which the piece can be cut; 0 if there is none."""


@dataclass(frozen=True)
class Characters:
    """Unicode code points of UTF-8."""

    def split(self, text: Tensor) -> Tensor:
        import tensorflow as tf

        return tf.strings.unicode_split(text, "UTF-8")

    def joined(self, tokens: Tensor, prompt: Tensor) -> Tensor:
        import tensorflow as tf

        return prompt + tf.strings.reduce_join(tokens, 1)

    def writer(self, before: str) -> Callable[[list[str]], str]:
        return "".join

    def encode(self, block: bytes, source: str, offset: int) -> Encoded:
        if block.isascii():
            codes = np.frombuffer(_text_only(block, source, offset), np.uint8)
        else:
            codes = np.frombuffer(_decoded(block, source, offset).encode("utf-32-le"), np.uint32)
        found = np.flatnonzero(np.bincount(codes))
        table = np.zeros(int(found[-1]) + 1 if len(found) else 1, np.int32)
        table[found] = np.arange(len(found))
        return Encoded([chr(code) for code in found.tolist()], table[codes])

    def border(self, block: bytes) -> int:
        end = len(block)
        for back in range(1, min(4, end) + 1):
            if block[end - back] & 0xC0 != 0x80:  # where a code point begins
                width = 1 + sum(block[end - back] >= first for first in (0xC0, 0xE0, 0xF0))
                return end if width <= back else end - back
        return end


@dataclass(frozen=True)
class Bytes:
    """Bytes; as text, a byte that is not UTF-8 is a surrogate, as Python has it in file names."""

    def split(self, text: Tensor) -> Tensor:
        import tensorflow as tf

        return tf.strings.bytes_split(text)

    def joined(self, tokens: Tensor, prompt: Tensor) -> Tensor:
        return Characters().joined(tokens, prompt)

    def writer(self, before: str) -> Callable[[list[str]], str]:
        return "".join

    def encode(self, block: bytes, source: str, offset: int) -> Encoded:
        return Encoded(BYTES, np.frombuffer(block, np.uint8))

    def border(self, block: bytes) -> int:
        return len(block)


@dataclass(frozen=True)
class Words:
    """Words and single marks. `<unk>` stays whole, as the Penn Treebank has it."""

    def split(self, text: Tensor) -> Tensor:
        import tensorflow as tf

        spaced = tf.strings.regex_replace(text, r"([^\pL\pN\s_'])", r" \1 ")
        spaced = tf.strings.regex_replace(spaced, " < unk > ", " <unk> ")
        spaced = tf.strings.regex_replace(spaced, r"\r\n|\r|\n", " \x1e ")
        tokens = tf.strings.split(spaced)
        return tokens.with_flat_values(tf.where(tokens.flat_values == "\x1e", "\n", tokens.flat_values))

    def joined(self, tokens: Tensor, prompt: Tensor) -> Tensor:
        import tensorflow as tf

        spaced = tf.strings.reduce_join(tf.where(tokens == "", "", " " + tokens), 1)
        closed = tf.strings.regex_replace(tf.strings.regex_replace(spaced, MARKS, r"\1"), " ?\n ?", "\n")
        at_start = tf.strings.regex_full_match(prompt, r"(?s)(.*\n)?")
        return prompt + tf.where(at_start, tf.strings.regex_replace(closed, "^ ", ""), closed)

    def writer(self, before: str) -> Callable[[list[str]], str]:
        last = before[-1:] or "\n"

        def write(tokens: list[str]) -> str:
            nonlocal last
            text = re.sub(MARKS, r"\1", "".join(f" {token}" for token in tokens))
            text = re.sub(" ?\n ?", "\n", text)
            text = text[1:] if last == "\n" and text.startswith(" ") else text
            last = text[-1:] or last
            return text

        return write

    def encode(self, block: bytes, source: str, offset: int) -> Encoded:
        import tensorflow as tf

        _decoded(block, source, offset)
        with tf.device("CPU"):
            kinds, places, _ = tf.unique_with_counts(self.split(tf.constant([block]))[0])
        return Encoded([kind.decode() for kind in kinds.numpy()], places.numpy())

    def border(self, block: bytes) -> int:
        return 1 + max(block.rfind(space) for space in (b"\n", b" "))


BYTES = tuple(from_bytes(bytes([byte])) for byte in range(256))
LEVELS: dict[str, Level] = {"char": Characters(), "byte": Bytes(), "word": Words()}


def _decoded(block: bytes, source: str, offset: int) -> str:
    try:
        return _text_only(block, source, offset).decode("utf-8-sig" if offset == 0 else "utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{source}: expected text in UTF-8, got byte 0x{block[error.start]:02x} at offset {offset + error.start}. "
            "Trained with --level byte, a run reads any file."
        ) from None


def _text_only(block: bytes, source: str, offset: int) -> bytes:
    if b"\0" in block:
        raise BadInput(
            f"{source}: expected text, got a binary file (a zero byte at offset {offset + block.index(0)}). "
            "Trained with --level byte, a run reads any file."
        )
    return block
