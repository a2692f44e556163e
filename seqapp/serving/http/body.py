"""Reading a request off a socket: never longer than its deadline, never more bytes than allowed."""

from __future__ import annotations

import io
import re
import socket
import time
import zlib
from email.message import Message
from typing import Any

from seqapp.serving.rest.status import Refused, invalid

LINE = 1024  # bytes of a chunk's size line


class Stream(io.RawIOBase):
    """The bytes of a socket, up to a moment that moves from request to request.

    A socket's own timeout starts anew with every byte; this one does not, so a client that sends one byte a second
    holds a thread no longer than any other.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.deadline = connection, 0.0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes.

        Raises:
            TimeoutError: the moment has come.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.connection.settimeout(left)
        return self.connection.recv_into(buffer)


def read_body(stream: io.BufferedReader[Stream], headers: Message, most: int) -> bytes:
    """What a request carries, by its Content-Length or in chunks, unpacked where it says that it is gzip.

    Raises:
        Refused: its length is unclear or too large.
        ConnectionError: the client went away.
    """
    lengths, coding = headers.get_all("Content-Length", []), headers.get("Transfer-Encoding")
    if coding is not None:
        if lengths or coding.strip().lower() != "chunked":
            raise invalid("Transfer-Encoding: expected 'chunked', alone and without a Content-Length.")
        body = _chunks(stream, most)
    elif lengths:
        if len(set(lengths)) > 1 or not re.fullmatch(r"\d{1,18}", lengths[0].strip(), re.ASCII):
            raise invalid(f"Content-Length: expected one number of bytes, got '{', '.join(lengths)[:100]}'.")
        body = _exactly(stream, _allowed(int(lengths[0]), most))
    else:
        return b""
    return _unpacked(body, most) if headers.get("Content-Encoding", "").strip().lower() == "gzip" else body


def _allowed(length: int, most: int) -> int:
    if length > most:
        raise Refused(
            "RESOURCE_EXHAUSTED", f"the body has {length:,} bytes; this server takes {most:,}. Send fewer rows.", 413
        )
    return length


def _exactly(stream: io.BufferedReader[Stream], length: int) -> bytes:
    body = stream.read(length)
    if len(body) < length:
        raise ConnectionError
    return body


def _chunks(stream: io.BufferedReader[Stream], most: int) -> bytes:
    body = bytearray()
    while True:
        line = stream.readline(LINE)
        size = re.fullmatch(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n", line)
        if size is None:
            if not line:
                raise ConnectionError
            raise invalid("Transfer-Encoding: expected a chunk's size in hexadecimal.")
        length = int(size[1], 16)
        if length == 0:
            break
        _allowed(len(body) + length, most)
        body += _exactly(stream, length)
        if stream.readline(3) not in (b"\r\n", b"\n"):
            raise invalid("Transfer-Encoding: expected a line's end after a chunk.")
    for _ in range(100):  # trailers, which mean nothing here
        if stream.readline(LINE) in (b"\r\n", b"\n", b""):
            return bytes(body)
    raise invalid("Transfer-Encoding: too many trailers.")


def _unpacked(body: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        made = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise invalid(f"Content-Encoding: expected gzip: {error}") from None
    _allowed(len(made), most)
    if not unpacker.eof:
        raise invalid("Content-Encoding: expected gzip, which ends too early.")
    return made
