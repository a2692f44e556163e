"""What a server accepts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper limits; a request beyond one is rejected with an error message, never truncated.

    Attributes:
        max_body: bytes of a request's body, also after decompression.
        max_rows: rows in one request.
        max_length: the value of an integer input named `length`, the number of items to generate.
        max_requests: predict requests processed at once; further ones get 429.
        max_connections: connections open at once; a new one closes the one that has been idle longest, else gets 503.
        timeout: seconds from a request's first byte to its answer; after that, 504.
        idle_timeout: seconds until a connection without a request is closed.
    """

    max_body: int = 8 << 20
    max_rows: int = 1024
    max_length: int = 10_000
    max_requests: int = 64
    max_connections: int = 512
    timeout: float = 60.0
    idle_timeout: float = 60.0
