"""Regularization inside recurrent layers, against overfitting and against vanishing gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.steps.step import Step, Vectors


@dataclass(frozen=True)
class Regularization:
    """Fractions and factors; 0 turns a method off."""

    weight_drop: float = 0.0  # of the recurrent weights dropped in a training step: Wan et al. 2013
    recurrent_dropout: float = 0.0  # of the state hidden from the kernel, the same at all steps: Gal & Ghahramani 2016
    zoneout: float = 0.0  # of the states that a step leaves unchanged: Krueger et al. 2017
    omega: float = 0.0  # factor of Ω: seqapp/layers/engine/omega.py

    def active(self) -> dict[str, float]:
        """Return the values that are not 0, by name."""
        return {name: value for name, value in vars(self).items() if value}

    def drop_weights(self, kernel: Tensor, seed: Any) -> Tensor:
        """Drop some weights of a recurrent kernel, the same for all steps of a sequence."""
        return keras.random.dropout(kernel, self.weight_drop, seed=seed) if self.weight_drop else kernel

    def state_scale(self, state: Tensor, seed: Any) -> Tensor | None:
        """Return recurrent dropout's factors of the state that the kernel reads, `(batch, units)`, or None.

        Args:
            state: of the shape that is needed, `(batch, units)`.
            seed: a Keras seed generator.
        """
        if not self.recurrent_dropout:
            return None
        return keras.random.dropout(tf.ones_like(state), self.recurrent_dropout, seed=seed)

    def update_mask(self, states: list[Tensor], steps: Tensor, seed: Any) -> Tensor | None:
        """Return zoneout's mask in training, bool `(batch, steps, state_count * units)`, or None; False keeps a state.

        Args:
            states: initial, each `(batch, units)`.
            steps: length of the sequence.
            seed: a Keras seed generator.
        """
        if not self.zoneout:
            return None
        shape = (tf.shape(states[0])[0], steps, len(states) * states[0].shape[-1])
        return keras.random.uniform(shape, dtype="float32", seed=seed) >= self.zoneout


@dataclass(frozen=True)
class ZoneoutStep(Step):
    """A step with zoneout at inference: states keep a fraction of their old value, the expectation over masks."""

    step: Step
    fraction: float

    def gates(self, x: Tensor, p: Tensor) -> list[Tensor]:
        return self.step.gates(x, p)

    def gates_by_name(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> dict[str, Tensor]:
        return self.step.gates_by_name(gates, states, vectors)

    def combine(self, gates: list[Tensor], states: list[Tensor], vectors: Vectors) -> list[Tensor]:
        new = self.step.combine(gates, states, vectors)
        return [self.fraction * before + (1 - self.fraction) * after for before, after in zip(states, new, strict=True)]
