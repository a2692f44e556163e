"""A task's signatures as compiled functions: `predict` calls them, `export` saves them, so their answers are equal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqapp.contract import Network, Raw, Signature, Task
from seqapp.errors import BadInput
from seqapp.saved_model.checks import conform
from seqapp.system.text import from_bytes, to_bytes


@dataclass(frozen=True)
class Function:
    """A compiled signature.

    Attributes:
        inputs: tf.TensorSpec by name.
        concrete: the tf.function with these inputs.
    """

    inputs: Mapping[str, Any]
    concrete: Any

    def __call__(self, **raw: Any) -> Raw:
        """Answer a batch.

        Args:
            **raw: arrays or nested lists by input name, each of shape `(batch, …)`.

        Returns:
            NumPy arrays by output name, text as str.

        Raises:
            BadInput: an input has the wrong type, shape or content.
        """
        import tensorflow as tf

        if raw.keys() != self.inputs.keys():
            raise BadInput(f"expected the inputs {', '.join(self.inputs)}, got {', '.join(raw) or 'none'}.")
        try:
            answer = self.concrete(**self.tensors(raw))
        except tf.errors.InvalidArgumentError as error:
            raise BadInput(error_message(error)) from None
        return {name: _as_array(tensor) for name, tensor in answer.items()}

    def tensors(self, raw: Raw) -> dict[str, Any]:
        """Convert raw inputs to tensors of the signature's types."""
        import tensorflow as tf

        return {
            name: tf.convert_to_tensor(_as_bytes(raw[name]) if spec.dtype == tf.string else raw[name], spec.dtype)
            for name, spec in self.inputs.items()
        }


def functions(task: Task, network: Network, *names: str) -> dict[str, Function]:
    """Compile signatures of a task around its network.

    Args:
        task: defines the signatures.
        network: the network they call.
        *names: the signatures to compile; all if none is named.

    Returns:
        Each compiled signature by name.
    """
    signatures = task.signatures(network)
    return {name: _compile(signatures[name]) for name in names or signatures}


def _compile(signature: Signature) -> Function:
    import tensorflow as tf

    def checked(**raw: Any) -> Raw:
        answer = signature.function(**{name: conform(name, raw[name], spec) for name, spec in signature.inputs.items()})
        if not isinstance(answer, dict):
            raise BadInput(f"answer: expected a dictionary of tensors by name, got {type(answer).__name__}.")
        return answer

    named = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in signature.inputs.items()}
    return Function(signature.inputs, tf.function(checked, autograph=False).get_concrete_function(**named))


def _as_array(tensor: Any) -> Any:
    array = np.asarray(tensor.numpy())
    if array.dtype != object:
        return array
    return np.vectorize(from_bytes, otypes=[object])(array)


def _as_bytes(value: Any) -> Any:
    """Encode text in arrays and nested lists as UTF-8, a lone surrogate as the byte it stands for."""
    if isinstance(value, str):
        return to_bytes(value)
    if isinstance(value, np.ndarray):
        return _as_bytes(value.tolist())
    return [_as_bytes(item) for item in value] if isinstance(value, list | tuple) else value


def error_message(error: Exception) -> str:
    """Return the message of a check in the graph, without the text that TensorFlow puts around it."""
    match = re.search(r"assertion failed: \[(.*?)\](?:\n|\s*\[\[|$)", str(error), re.DOTALL)
    if match:
        return match.group(1)
    lines = [line.strip() for line in str(error).splitlines()]
    return [line for line in lines if line and not line.startswith(("[[", "<"))][-1]
