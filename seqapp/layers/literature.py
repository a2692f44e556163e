"""The recurrent layers that Keras lacks: Keras layers around a cell whose step is in seqapp/layers/steps/literature.py.

They take Keras's options (`return_sequences`, `return_state`, `go_backwards`, …), masks, initial states and files; the
`.keras` file of a model that has one loads where `seqapp.layers` is imported.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import keras
import tensorflow as tf

from seqapp.contract import Tensor
from seqapp.layers.engine.loops import single
from seqapp.layers.engine.products import Masks, RecurrentWeights
from seqapp.layers.fast import FastLoop
from seqapp.layers.steps import literature
from seqapp.layers.steps.step import Step

OPTIONS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")
INITIALIZERS = {"random_uniform_0_1": lambda: keras.initializers.RandomUniform(0.0, 1.0)}


class StepCell(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    """A Keras cell: a step and its weights."""

    dropout = recurrent_dropout = 0.0  # Keras's cells have these attributes; here the layers around drop

    def __init__(self, units: int, step: Step, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.step = units, step
        self.state_size = [units] * step.state_count if step.state_count > 1 else units
        self.output_size = units
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, shape: Any) -> None:
        """Add the weights: kernels by Keras's defaults, biases 0 but 1 for the forget gate."""
        step, units = self.step, self.units
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], step.blocks * units))
        self.recurrent_kernel = self.factor_kernel = None
        if step.columns:
            square = (units, step.columns * units)
            self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=square, initializer="orthogonal")
        if step.factored:
            self.factor_kernel = self.add_weight(name="factor_kernel", shape=(units, units), initializer="orthogonal")
        self.bias = self.add_weight(name="bias", shape=(step.blocks * units,), initializer=self._initial_bias)
        self.vector_weights = {
            name: self.add_weight(name=name, shape=(length * units,), initializer=_initializer(kind))
            for name, (length, kind) in step.vectors.items()
        }
        self.built = True

    def _initial_bias(self, shape: Any, dtype: Any = None) -> Tensor:
        forget_gate = -1 if self.step.forget_gate is None else self.step.forget_gate
        return tf.repeat(tf.one_hot(forget_gate, self.step.blocks, dtype=dtype), self.units)

    def recurrent_weights(self) -> RecurrentWeights:
        """Return the weights inside the loop."""
        kernels = [
            None if kernel is None else tf.convert_to_tensor(kernel)
            for kernel in (self.recurrent_kernel, self.factor_kernel)
        ]
        return RecurrentWeights(kernels[0], None, kernels[1], self.vectors())

    def vectors(self) -> dict[str, Tensor]:
        """Return the step's weight vectors by name."""
        return {name: tf.convert_to_tensor(vector) for name, vector in self.vector_weights.items()}

    def call(self, inputs: Tensor, states: Any) -> tuple[Tensor, Any]:
        """Compute one step.

        Args:
            inputs: `(batch, features)`.
            states: before the step, each `(batch, units)`.

        Returns:
            The output `(batch, units)`, and the states after the step.
        """
        product, bias = inputs @ tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        x = self.step.input_term(product, bias, self.vectors())
        states = list(states) if isinstance(states, list | tuple) else [states]
        new = single(self.step, x, self.recurrent_weights(), states, Masks())
        return new[0], new


def _initializer(kind: str) -> Any:
    return INITIALIZERS[kind]() if kind in INITIALIZERS else kind


class StepLayer(FastLoop, keras.layers.RNN):  # type: ignore[misc] # Keras has no types
    """A recurrent layer of `units` around a step of class `step_class`, whose fields are options of the layer."""

    step_class: ClassVar[type[Step]]
    cudnn = False

    def __init__(self, units: int, **options: Any) -> None:
        names = {field.name for field in dataclasses.fields(self.step_class)} & options.keys()
        step = self.step_class(**{name: options.pop(name) for name in names})
        super().__init__(StepCell(units, step, dtype=options.get("dtype")), **options)

    @property
    def units(self) -> int:
        """Width of the output and of each state."""
        return int(self.cell.units)

    def step(self) -> Step:
        step: Step = self.cell.step
        return step

    def vectors(self) -> dict[str, Tensor]:
        return self.cell.vectors()  # type: ignore[no-any-return]

    def recurrent_weights(self) -> RecurrentWeights:
        return self.cell.recurrent_weights()  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        """Return units, the step's options and those of `keras.layers.RNN`."""
        config: dict[str, Any] = keras.layers.Layer.get_config(self)
        options = {name: getattr(self, name) for name in OPTIONS}
        return config | options | {"units": self.units, **dataclasses.asdict(self.cell.step)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> StepLayer:
        """Build a layer from a `get_config`."""
        return cls(**config)


def _layer(step_class: type[Step]) -> type[StepLayer]:
    """Return the layer of a step: for PeepholeLSTMStep, "PeepholeLSTM", which files name "seqapp>PeepholeLSTM"."""
    name = step_class.__name__.removesuffix("Step")
    layer = type(name, (StepLayer,), {"step_class": step_class, "__doc__": step_class.__doc__})
    return keras.saving.register_keras_serializable("seqapp")(layer)  # type: ignore[no-any-return]


PeepholeLSTM = _layer(literature.PeepholeLSTMStep)
CoupledLSTM = _layer(literature.CoupledLSTMStep)
JANET = _layer(literature.JANETStep)
LayerNormLSTM = _layer(literature.LayerNormLSTMStep)
LayerNormGRU = _layer(literature.LayerNormGRUStep)
MultiplicativeLSTM = _layer(literature.MultiplicativeLSTMStep)
MultiplicativeRNN = _layer(literature.MultiplicativeRNNStep)
IndependentRNN = _layer(literature.IndependentRNNStep)
MinimalGRU = _layer(literature.MinimalGRUStep)
