"""What a user hands over, as bytes and as text: files and standard input, with errors that name them."""

from __future__ import annotations

import sys
from pathlib import Path

from seqapp.errors import BadInput


def read_bytes(path: str, what: str) -> bytes:
    """Return a file's bytes.

    Args:
        path: of the file.
        what: what the file should hold, for error messages.

    Raises:
        BadInput: there is no such file, or it is a folder, unreadable or empty.
    """
    try:
        if Path(path).is_dir():
            raise BadInput(f"{path}: expected {what}, got a directory.")
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; expected {what}.") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}.") from None
    if not content:
        raise BadInput(f"{path}: expected {what}, got a file of 0 bytes.")
    return content


def read_input(source: str, what: str) -> tuple[bytes, str]:
    """Return the bytes of a file, or of standard input for "-"; and its name in error messages."""
    if source != "-":
        return read_bytes(source, what), source
    content = sys.stdin.buffer.read()
    if not content:
        raise BadInput(f"standard input: expected {what}, got nothing.")
    return content, "standard input"


def decode_text(content: bytes, source: str, what: str) -> str:
    """Decode UTF-8 without its byte-order mark; line ends stay as they are.

    Args:
        content: of a file.
        source: the file's name in error messages.
        what: what the file should hold, for error messages.

    Raises:
        BadInput: the content is not UTF-8, or has a zero byte.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{source}: expected {what} in UTF-8, got byte 0x{content[error.start]:02x} at offset {error.start}."
        ) from None
    if "\0" in text:
        raise BadInput(f"{source}: expected {what}, got a binary file (a zero byte at offset {content.index(0)}).")
    return text
