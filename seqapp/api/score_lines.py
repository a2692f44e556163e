"""Score each line of a text by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import click
import numpy as np

from seqapp.contract import Raw
from seqapp.errors import BadInput
from seqapp.runs.run import Run
from seqapp.saved_model.functions import functions
from seqapp.system.input import read_input

MAX_CHARACTERS = 100_000  # of a line
BATCH = 64  # lines


def score_lines(run: Run, source: str) -> Iterator[dict[str, Any]]:
    """Score each line of a text by itself: `text`, `log_probability` in nats, `tokens` and `perplexity`.

    Raises:
        BadInput: the run is not a language model, or a line is too long.
    """
    task = run.task()
    network = run.load_network(task)
    if "score" not in task.signatures(network):
        raise BadInput("--per-line: only language models score lines.")
    content, name = read_input(source, "a text")
    lines = task.decode(content, name).splitlines()
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_CHARACTERS:
            raise BadInput(
                f"{name}, line {number}: {len(line):,} characters; --per-line takes {MAX_CHARACTERS:,} at most. "
                "Leave --per-line out to score the file as one text."
            )
    if remark := task.remark({"text": np.array(lines, object)}):
        click.echo(f"Note: {remark}", err=True)
    score = functions(task, network, "score")["score"]
    for start in range(0, len(lines), BATCH):
        yield from _score(score, lines[start : start + BATCH])


def _score(score: Callable[..., Raw], lines: list[str]) -> Iterator[dict[str, Any]]:
    scores = score(text=lines)
    for line, nats, tokens in zip(lines, scores["log_probability"].tolist(), scores["tokens"].tolist(), strict=True):
        perplexity = math.exp(-nats / tokens) if tokens else None
        yield {"text": line, "log_probability": nats, "tokens": tokens, "perplexity": perplexity}
