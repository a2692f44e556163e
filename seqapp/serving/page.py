"""The web page at `/`."""

from __future__ import annotations

import functools
from pathlib import Path

SECURITY_HEADER = (
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@functools.cache
def content() -> bytes:
    """Return the HTML: a single file that loads nothing from elsewhere."""
    return Path(__file__).with_name("page.html").read_bytes()
