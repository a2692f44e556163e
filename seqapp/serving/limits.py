"""What a server takes on at most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bytes, rows, numbers and seconds. What goes beyond is refused with a sentence; nothing is cut."""

    body: int = 8 << 20  # bytes
    rows: int = 1024  # in one request
    length: int = 10_000  # of any integer input of that name: how many items to generate
    requests: int = 64  # at work at once; beyond: 429
    connections: int = 512  # open at once; beyond: the one that has been waiting longest makes room, else 503
    seconds: float = 60.0  # for one request, from its first byte to its answer; beyond: 504
    idle: float = 60.0  # seconds that a connection may say nothing
