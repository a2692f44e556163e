"""Generation by asking again: what was drawn from an answer becomes part of the next question."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

from seqapp.contract import Network, Piece, Raw, Request, Task
from seqapp.errors import BadInput
from seqapp.saved_model.functions import functions


class AskingTask(Task):
    """A task that generates by `extend`: draw one item from an answer, and append it to the question."""

    separator: ClassVar[str] = " "  # between generated items

    @abc.abstractmethod
    def extend(self, raw: Raw, answer: Raw, temperature: float, random: np.random.Generator) -> tuple[Raw, Any]:
        """Draw one item from the answer and append it to the question.

        Args:
            raw: the question, NumPy arrays with a batch of one, text as str.
            answer: the answer to it, likewise.
            temperature: 0 takes the most likely item.
            random: what is drawn with.

        Returns:
            The next raw inputs, and the item; an item of None ends the generation.
        """

    def generate(self, network: Network, raw: Raw, request: Request) -> Iterator[Piece]:
        """Ask and extend, `request.steps` times for each sample.

        Raises:
            BadInput: the request holds what only text knows.
        """
        for name, off in (("top_k", 0), ("top_p", 1.0), ("stop", "")):
            if getattr(request, name) != off:
                raise BadInput(f"--{name.replace('_', '-')}: only text is generated with it.")
        ask = functions(self, network, "serving_default")["serving_default"]
        for sample in range(request.samples):
            random = np.random.default_rng(request.seed + sample)
            yield from self._sample(ask, sample, raw, request, random)

    def _sample(
        self, ask: Callable[..., Raw], sample: int, raw: Raw, request: Request, random: np.random.Generator
    ) -> Iterator[Piece]:
        inputs, before = self.signature().keys(), ""
        for _ in range(request.steps):
            answer = ask(**{name: raw[name] for name in inputs})
            raw, item = self.extend(raw, answer, request.temperature, random)
            if item is None:
                return
            yield Piece(sample, [item], before + (f"{item:.6g}" if isinstance(item, float) else str(item)))
            before = self.separator

    def check_generation(self, answer: Callable[..., Raw], raw: Raw) -> None:
        """Extend the question once, and ask again."""
        inputs = self.signature().keys()
        extended = self.extend(raw, answer(**{name: raw[name] for name in inputs}), 1.0, np.random.default_rng(0))
        if not isinstance(extended, tuple) or len(extended) != 2:
            raise BadInput(_expected("the next raw inputs and the item", type(extended).__name__))
        if extended[0].keys() != raw.keys():
            raise BadInput(_expected(f"raw inputs {', '.join(raw)}", ", ".join(extended[0])))
        answer(**{name: extended[0][name] for name in inputs})


def _expected(expected: str, actual: str) -> str:
    return f"extend: expected {expected}, got {actual}. datasets/README.md says what a dataset gives."
