"""The request of `seqapp generate`, and a piece of its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Request:
    """What `seqapp generate` is asked for: `steps` items for each of `samples`, whose seeds count up from `seed`."""

    steps: int
    temperature: float = 1.0
    seed: int = 0
    samples: int = 1
    top_k: int = 0  # choose among this many most likely items; 0: all
    top_p: float = 1.0  # choose among the most likely items with this cumulative probability
    stop: str = ""  # end where this comes up


class Piece(NamedTuple):
    """A part of what is generated, in order: more `items` (numbers or strings) of a sample, and `text` for a person."""

    sample: int
    items: list[Any]
    text: str
