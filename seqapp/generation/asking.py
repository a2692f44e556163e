"""Generation by repeated questions: what is sampled from an answer becomes part of the next question."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seqapp.contract import Raw, Task
from seqapp.contract.request import Piece, Request
from seqapp.errors import BadInput
from seqapp.networks.stack import Network
from seqapp.saved_model.functions import functions


def generate(task: Task, network: Network, raw: Raw, request: Request) -> Iterator[Piece]:
    """Call `Task.extend` up to `request.steps` times for each sample.

    Args:
        task: its `extend` samples an item from an answer and appends it to the question.
        network: answers the questions.
        raw: the first question, batch axis 1.
        request: steps, temperature, seed and samples.

    Raises:
        BadInput: the request has a value for an option that only text generation knows.
    """
    for name, off in (("top_k", 0), ("top_p", 1.0), ("stop", "")):
        if getattr(request, name) != off:
            raise BadInput(f"--{name.replace('_', '-')}: only text is generated with it.")
    answer, names = functions(task, network, "serving_default")["serving_default"], task.signature().keys()
    for sample in range(request.samples):
        random, question, separator = np.random.default_rng(request.seed + sample), raw, ""
        for _ in range(request.steps):
            answers = answer(**{name: question[name] for name in names})
            question, item = task.extend(question, answers, request.temperature, random)
            if item is None:
                break
            yield Piece(sample, [item], separator + (f"{item:.6g}" if isinstance(item, float) else str(item)))
            separator = task.separator
