"""SimpleRNN, LSTM and GRU: Keras's own layers in options, weights, names and files, on the compiled engine."""

from __future__ import annotations

import keras
import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.fast import FastLoop, activation_name
from seqapp.layers.saving import saved_as_keras_layer
from seqapp.layers.steps.keras import GRUStep, LSTMStep, SimpleRNNStep
from seqapp.layers.steps.step import Step


@saved_as_keras_layer
class SimpleRNN(FastLoop, keras.layers.SimpleRNN):  # type: ignore[misc] # Keras has no types
    """`keras.layers.SimpleRNN`."""

    def step(self) -> Step:
        return SimpleRNNStep(activation_name(self.cell.activation))


@saved_as_keras_layer
class LSTM(FastLoop, keras.layers.LSTM):  # type: ignore[misc] # Keras has no types
    """`keras.layers.LSTM`."""

    def step(self) -> Step:
        return LSTMStep(activation_name(self.cell.activation), activation_name(self.cell.recurrent_activation))


@saved_as_keras_layer
class GRU(FastLoop, keras.layers.GRU):  # type: ignore[misc] # Keras has no types
    """`keras.layers.GRU`."""

    def step(self) -> Step:
        return GRUStep(activation_name(self.cell.activation), activation_name(self.cell.recurrent_activation))

    def step_mismatch(self) -> str | None:
        return super().step_mismatch() or (None if self.reset_after else "reset_after=False: two products in one step")

    def biases(self) -> tuple[Tensor, Tensor | None]:
        if self.cell.bias is None:
            return super().biases()
        bias = tf.convert_to_tensor(self.cell.bias)  # (2, 3 * units)
        return bias[0], bias[1]
