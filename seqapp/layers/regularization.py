"""What a training may do to a recurrent layer against overfitting and against gradients that vanish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.layers.steps.keras import Step, Vectors


@dataclass(frozen=True)
class Remedies:
    """Fractions and factors; 0 does nothing."""

    weight_drop: float = 0.0  # of the recurrent weights left out of a training step: Wan et al. 2013
    recurrent_dropout: float = 0.0  # of the state hidden from the kernel, the same at all steps: Gal & Ghahramani 2016
    zoneout: float = 0.0  # of the states that stay as they were at a step: Krueger et al. 2017
    omega: float = 0.0  # factor of Ω: seqapp/layers/engine/omega.py

    def named(self) -> dict[str, float]:
        """Those that do something."""
        return {name: value for name, value in vars(self).items() if value}

    def dropped(self, kernel: Tensor, seed: Any) -> Tensor:
        """A recurrent kernel without some of its weights; dropped for a whole sequence, all steps miss the same."""
        return keras.random.dropout(kernel, self.weight_drop, seed=seed) if self.weight_drop else kernel

    def reads(self, state: Tensor, seed: Any) -> Tensor | None:
        """Factors `(batch, units)` of the state that the kernel reads."""
        if not self.recurrent_dropout:
            return None
        return keras.random.dropout(tf.ones_like(state), self.recurrent_dropout, seed=seed)

    def changes(self, states: list[Tensor], steps: Tensor, seed: Any) -> Tensor | None:
        """Where states change in training and do not stay, bool `(batch, steps, states * units)`."""
        if not self.zoneout:
            return None
        shape = (tf.shape(states[0])[0], steps, len(states) * states[0].shape[-1])
        return keras.random.uniform(shape, dtype="float32", seed=seed) >= self.zoneout


@dataclass(frozen=True)
class Zoned(Step):
    """A step as zoneout has it where nothing is trained: a share of the old state always stays."""

    step: Step
    share: float

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return self.step.gates(x, p)

    def named(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return self.step.named(gates, states, vectors)

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        new = self.step.combine(gates, states, vectors)
        return [self.share * before + (1 - self.share) * after for before, after in zip(states, new, strict=True)]
