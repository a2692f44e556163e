"""Read a request's body from a socket, within its deadline and its size limit."""

from __future__ import annotations

import io
import re
import socket
import time
import zlib
from email.message import Message
from typing import Any

from seqapp.serving.status import StatusError, invalid_argument

MAX_LINE = 1024  # bytes, of a chunk's size or a trailer
MAX_TRAILERS = 100


class DeadlineStream(io.RawIOBase):
    """Reads a socket until a deadline, which the connection moves from request to request.

    A socket's own timeout starts again with every byte; a deadline does not, so a client that sends one byte per second
    occupies a thread no longer than any other client.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.deadline = connection, 0.0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes.

        Raises:
            TimeoutError: the deadline has passed.
        """
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        self.connection.settimeout(seconds)
        return self.connection.recv_into(buffer)


def read_body(stream: io.BufferedReader[DeadlineStream], headers: Message, max_bytes: int) -> bytes:
    """Read a body by its Content-Length or in chunks, and decompress it if it is gzip.

    Args:
        stream: positioned after the headers.
        headers: the request's headers.
        max_bytes: the size limit, before and after decompression.

    Returns:
        The body, empty if the headers announce none.

    Raises:
        StatusError: its length is ambiguous or over the limit, or its encoding is invalid.
        ConnectionError: the client closed the connection.
        TimeoutError: the deadline has passed.
    """
    lengths, coding = headers.get_all("Content-Length", []), headers.get("Transfer-Encoding")
    if coding is not None:
        if lengths or coding.strip().lower() != "chunked":
            raise invalid_argument("Transfer-Encoding: expected 'chunked', alone and without a Content-Length.")
        body = _read_chunks(stream, max_bytes)
    elif lengths:
        if len(set(lengths)) > 1 or not re.fullmatch(r"\d{1,18}", lengths[0].strip(), re.ASCII):
            raise invalid_argument(f"Content-Length: expected one number of bytes, got '{', '.join(lengths)[:100]}'.")
        _check_size(int(lengths[0]), max_bytes)
        body = _read_exactly(stream, int(lengths[0]))
    else:
        return b""
    return _decompress(body, max_bytes) if headers.get("Content-Encoding", "").strip().lower() == "gzip" else body


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise StatusError(
            "RESOURCE_EXHAUSTED",
            f"expected a body of at most {max_bytes:,} bytes, got {size:,}. Send fewer rows per request.",
            http=413,
        )


def _read_exactly(stream: io.BufferedReader[DeadlineStream], size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise ConnectionError
    return body


def _read_chunks(stream: io.BufferedReader[DeadlineStream], max_bytes: int) -> bytes:
    body = bytearray()
    while size := _read_chunk_size(stream):
        _check_size(len(body) + size, max_bytes)
        body += _read_exactly(stream, size)
        if stream.readline(3) not in (b"\r\n", b"\n"):
            raise invalid_argument("Transfer-Encoding: expected the end of a line after a chunk.")
    for _ in range(MAX_TRAILERS):  # they are ignored
        if stream.readline(MAX_LINE) in (b"\r\n", b"\n", b""):
            return bytes(body)
    raise invalid_argument("Transfer-Encoding: too many trailers.")


def _read_chunk_size(stream: io.BufferedReader[DeadlineStream]) -> int:
    line = stream.readline(MAX_LINE)
    if not line:
        raise ConnectionError
    match = re.fullmatch(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n", line)
    if match is None:
        raise invalid_argument("Transfer-Encoding: expected the size of a chunk in hexadecimal.")
    return int(match[1], 16)


def _decompress(body: bytes, max_bytes: int) -> bytes:
    """Decompress gzip, but no more than the size limit and one byte."""
    decompressor = zlib.decompressobj(wbits=31)
    try:
        content = decompressor.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise invalid_argument(f"Content-Encoding: expected gzip: {error}") from None
    _check_size(len(content), max_bytes)
    if not decompressor.eof:
        raise invalid_argument("Content-Encoding: expected gzip, got a truncated body.")
    return content
