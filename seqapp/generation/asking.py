"""Generation by asking again and again: what was drawn from an answer becomes part of the next question."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqapp.contract import Raw, Task
from seqapp.contract.request import Piece, Request
from seqapp.errors import BadInput
from seqapp.networks.stack import Network
from seqapp.saved_model.functions import functions


def go_on(task: Task, network: Network, raw: Raw, request: Request) -> Iterator[Piece]:
    """`Task.extend`, `request.steps` times for each sample.

    Raises:
        BadInput: the request holds what only text knows.
    """
    for name, off in (("top_k", 0), ("top_p", 1.0), ("stop", "")):
        if getattr(request, name) != off:
            raise BadInput(f"--{name.replace('_', '-')}: only text is generated with it.")
    ask, asked = functions(task, network, "serving_default")["serving_default"], task.signature().keys()
    for sample in range(request.samples):
        random, now, before = np.random.default_rng(request.seed + sample), raw, ""
        for _ in range(request.steps):
            now, item = task.extend(now, ask(**{name: now[name] for name in asked}), request.temperature, random)
            if item is None:
                break
            yield Piece(sample, [item], before + (f"{item:.6g}" if isinstance(item, float) else str(item)))
            before = task.separator
