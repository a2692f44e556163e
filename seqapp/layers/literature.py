"""The recurrent layers that Keras lacks: Keras layers around a cell whose step is in seqapp/layers/steps/literature.py.

They take Keras's options (`return_sequences`, `return_state`, `go_backwards`, …), masks, initial states and files; the
`.keras` file of a model that holds one opens where `seqapp.layers` is imported.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import keras
import tensorflow as tf

from seqapp.contract.head import Tensor
from seqapp.layers.engine.loops import single
from seqapp.layers.engine.products import Masks, Recurrent
from seqapp.layers.recurrent import Fast
from seqapp.layers.steps import literature
from seqapp.layers.steps.keras import Step

OPTIONS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")
INITIALIZERS = {"random_uniform_0_1": lambda: keras.initializers.RandomUniform(0.0, 1.0)}


class StepCell(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
    """The weights of a step and one step with them: `(batch, features)`, states -> `(batch, units)`, states."""

    dropout = recurrent_dropout = 0.0  # what Keras's own cells have, and these leave to the layers around them

    def __init__(self, units: int, step: Step, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.step = units, step
        self.state_size = [units] * step.memory if step.memory > 1 else units
        self.output_size = units
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, shape: Any) -> None:
        """Kernels by Keras's defaults, the forget gate's bias 1."""
        step, units = self.step, self.units
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], step.blocks * units))
        self.recurrent_kernel = self.factor_kernel = None
        if step.columns:
            square = (units, step.columns * units)
            self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=square, initializer="orthogonal")
        if step.factored:
            self.factor_kernel = self.add_weight(name="factor_kernel", shape=(units, units), initializer="orthogonal")
        self.bias = self.add_weight(name="bias", shape=(step.blocks * units,), initializer=self._bias)
        self.small = {
            name: self.add_weight(name=name, shape=(length * units,), initializer=_initializer(kind))
            for name, (length, kind) in step.vectors.items()
        }
        self.built = True

    def _bias(self, shape: Any, dtype: Any = None) -> Tensor:
        blocks = tf.one_hot(-1 if self.step.keeps is None else self.step.keeps, self.step.blocks, dtype=dtype)
        return tf.repeat(blocks, self.units)

    def weights_inside(self) -> Recurrent:
        """The weights inside the loop."""
        kernels = [
            None if kernel is None else tf.convert_to_tensor(kernel)
            for kernel in (self.recurrent_kernel, self.factor_kernel)
        ]
        return Recurrent(kernels[0], None, kernels[1], self.vectors())

    def vectors(self) -> dict[str, Tensor]:
        """The step's small weights."""
        return {name: tf.convert_to_tensor(vector) for name, vector in self.small.items()}

    def call(self, inputs: Tensor, states: Any) -> tuple[Tensor, Any]:
        """One step."""
        product, bias = inputs @ tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        x = self.step.prepared(product, bias, self.vectors())
        states = list(states) if isinstance(states, list | tuple) else [states]
        new = single(self.step, x, self.weights_inside(), states, Masks())
        return new[0], new


def _initializer(kind: str) -> Any:
    return INITIALIZERS[kind]() if kind in INITIALIZERS else kind


class StepLayer(Fast, keras.layers.RNN):  # type: ignore[misc] # Keras has no types
    """A recurrent layer of `units` around the step that its class names; options of the step are the layer's own."""

    made: ClassVar[type[Step]]
    cudnn = False

    def __init__(self, units: int, **options: Any) -> None:
        names = {field.name for field in dataclasses.fields(self.made)} & options.keys()
        step = self.made(**{name: options.pop(name) for name in names})
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

    def weights_inside(self) -> Recurrent:
        return self.cell.weights_inside()  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        """Units, the step's options and those of `keras.layers.RNN`."""
        held = {name: getattr(self, name) for name in OPTIONS}
        config: dict[str, Any] = keras.layers.Layer.get_config(self)
        return config | held | {"units": self.units, **dataclasses.asdict(self.cell.step)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> StepLayer:
        """The layer of a `get_config`."""
        return cls(**config)


def _registered(layer: type[StepLayer]) -> type[StepLayer]:
    layer.__doc__ = layer.made.__doc__
    return keras.saving.register_keras_serializable("seqapp")(layer)  # type: ignore[no-any-return]


@_registered
class PeepholeLSTM(StepLayer):
    made = literature.PeepholeLSTMStep


@_registered
class CoupledLSTM(StepLayer):
    made = literature.CoupledLSTMStep


@_registered
class JANET(StepLayer):
    made = literature.JANETStep


@_registered
class LayerNormLSTM(StepLayer):
    made = literature.LayerNormLSTMStep


@_registered
class LayerNormGRU(StepLayer):
    made = literature.LayerNormGRUStep


@_registered
class MultiplicativeLSTM(StepLayer):
    made = literature.MultiplicativeLSTMStep


@_registered
class MultiplicativeRNN(StepLayer):
    made = literature.MultiplicativeRNNStep


@_registered
class IndependentRNN(StepLayer):
    made = literature.IndependentRNNStep


@_registered
class MinimalGRU(StepLayer):
    made = literature.MinimalGRUStep
