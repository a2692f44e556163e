"""One version of a model: a SavedModel in memory, from seqapp or elsewhere, used by its SignatureDefs alone."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.saved_model import warmup
from seqapp.saved_model.functions import error_message
from seqapp.serving.status import StatusError, invalid_argument

DEFAULT_SIGNATURE = "serving_default"
INIT_OP = "__saved_model_init_op"  # stored as a SignatureDef, but cannot be called
CPP_NAMES = {"float32": "float", "float64": "double", "float16": "half"}  # TensorFlow's C++ names of types
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class TensorInfo:
    """The type and shape of an input or output.

    Attributes:
        dtype: TensorFlow's C++ name of the type.
        shape: -1 for an axis of any size; None for any rank.
    """

    dtype: str
    shape: tuple[int, ...] | None

    def check_shape(self, name: str, shape: tuple[int, ...]) -> None:
        """Raise StatusError unless the array named `name`, of shape `shape`, fits."""
        if self.shape is None:
            return
        if len(shape) != len(self.shape) or any(
            expected not in (-1, actual) for expected, actual in zip(self.shape, shape, strict=True)
        ):
            raise invalid_argument(f"Input '{name}': expected the shape {list(self.shape)}, got {list(shape)}.")


@dataclass(frozen=True)
class Signature:
    """A signature that can be called.

    Attributes:
        inputs: its inputs by name.
        outputs: its outputs by name.
        run: takes arrays in the order of `inputs`, returns arrays in the order of `outputs`.
    """

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    run: Callable[..., list[Any]]

    @property
    def dtypes(self) -> dict[str, str]:
        """The type of each input by name."""
        return {name: info.dtype for name, info in self.inputs.items()}

    @property
    def is_batched(self) -> bool:
        """Whether the first axis of all inputs and outputs may have any size."""
        infos = [*self.inputs.values(), *self.outputs.values()]
        return all(info.shape and info.shape[0] == -1 for info in infos)

    def __call__(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """Answer one batch.

        Args:
            arrays: inputs by name; text is bytes in arrays of objects.

        Returns:
            Outputs by name, text likewise.

        Raises:
            StatusError: a shape is wrong, or the graph itself rejects the inputs.
        """
        import tensorflow as tf

        for name, info in self.inputs.items():
            info.check_shape(name, arrays[name].shape)
        try:
            outputs = self.run(*(arrays[name] for name in self.inputs))
        except tf.errors.OpError as error:
            raise StatusError(_code_name(error), error_message(error)) from None
        return {name: np.asarray(output) for name, output in zip(self.outputs, outputs, strict=True)}


class Version:
    """A SavedModel in memory, run in a session as TensorFlow Serving runs it.

    (The functions of `tf.saved_model.load` leak about a kilobyte per input that they reject, TensorFlow 2.21.)

    Args:
        folder: the folder with saved_model.pb.
        number: the version's number.

    Raises:
        Exception: of many kinds, if TensorFlow cannot load the folder.
    """

    def __init__(self, folder: Path, number: int) -> None:
        import tensorflow as tf

        self.folder, self.number = folder, number
        self.definitions = _signature_defs(folder)
        self.examples: dict[str, Arrays] = {}  # inputs by signature, from the model's warm-up requests
        session = tf.compat.v1.Session(graph=tf.Graph())
        weakref.finalize(self, session.close)
        with session.graph.as_default():
            tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        self.signatures = {
            name: Signature(_infos(definition.inputs), _infos(definition.outputs), _callable(session, definition))
            for name, definition in self.definitions.items()
            if name != INIT_OP
        }

    def signature(self, name: str) -> Signature:
        """Return a signature by its name, "" for the default one.

        Raises:
            StatusError: the model has no such signature, or it has no inputs.
        """
        signature = self.signatures.get(name or DEFAULT_SIGNATURE)
        if signature is None:
            raise invalid_argument(f'Serving signature name: "{name or DEFAULT_SIGNATURE}" not found in signature def')
        if not signature.inputs:
            raise invalid_argument(f"Failed to get input map for signature: {name or 'DEFAULT'}")
        return signature

    def method_name(self, name: str) -> str:
        """Return how a signature is meant to be called, such as tensorflow/serving/predict.

        Raises:
            StatusError: the model has no such signature.
        """
        if (name or DEFAULT_SIGNATURE) not in self.definitions:
            raise invalid_argument(f"No signature was found with the name: {name or DEFAULT_SIGNATURE}")
        return str(self.definitions[name or DEFAULT_SIGNATURE].method_name)

    def warm_up(self) -> None:
        """Run the model's warm-up requests, so that the first client need not wait for TensorFlow's initialization.

        Raises:
            Exception: of several kinds, if a request cannot be read or answered.
        """
        for name, inputs in warmup.read(self.folder):
            self.signature(name)(inputs)
            self.examples.setdefault(name or DEFAULT_SIGNATURE, inputs)

    def metadata(self, name: str) -> dict[str, Any]:
        """Return the answer to GET /v1/models/NAME/metadata: every SignatureDef as protobuf's JSON."""
        from google.protobuf.json_format import MessageToDict

        definitions = {
            signature: MessageToDict(
                definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
            for signature, definition in self.definitions.items()
        }
        return {
            "model_spec": {"name": name, "signature_name": "", "version": str(self.number)},
            "metadata": {"signature_def": {"signature_def": definitions}},
        }


def _signature_defs(folder: Path) -> dict[str, Any]:
    """Return the SignatureDefs of the graph tagged `serve`, by name."""
    from tensorflow.core.protobuf import saved_model_pb2

    document = saved_model_pb2.SavedModel()
    document.ParseFromString((folder / "saved_model.pb").read_bytes())
    graphs = [graph for graph in document.meta_graphs if "serve" in graph.meta_info_def.tags]
    if not graphs:
        raise ValueError("no graph is tagged 'serve'")
    return {name: graphs[0].signature_def[name] for name in sorted(graphs[0].signature_def)}


def _callable(session: Any, definition: Any) -> Callable[..., list[Any]]:
    """Return a signature as a function from its inputs to its outputs, each sorted by name."""
    inputs, outputs = (
        [session.graph.get_tensor_by_name(infos[name].name) for name in sorted(infos)]
        for infos in (definition.inputs, definition.outputs)
    )
    function: Callable[..., list[Any]] = session.make_callable(outputs, inputs)
    return function


def _infos(protos: Mapping[str, Any]) -> dict[str, TensorInfo]:
    """Convert TensorInfo messages, sorted by name."""
    import tensorflow as tf

    infos = {}
    for name in sorted(protos):
        proto, dtype = protos[name], tf.dtypes.as_dtype(protos[name].dtype).name
        shape = None if proto.tensor_shape.unknown_rank else tuple(int(dim.size) for dim in proto.tensor_shape.dim)
        infos[name] = TensorInfo(CPP_NAMES.get(dtype, dtype), shape)
    return infos


def _code_name(error: Any) -> str:
    """Return the name of a TensorFlow error's status code."""
    from tensorflow.core.protobuf import error_codes_pb2

    return str(error_codes_pb2.Code.Name(error.error_code))
