"""One version of a model: a SavedModel loaded for use, whoever wrote it, known by its SignatureDefs alone."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.saved_model import warmup
from seqapp.saved_model.functions import said
from seqapp.serving.rest.status import Refused, invalid

DEFAULT = "serving_default"
INITIALIZER = "__saved_model_init_op"  # a SignatureDef that is none
CPP_NAMES = {"float32": "float", "float64": "double", "float16": "half"}  # TensorFlow's C++ words for types
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Place:
    """An input or output: its type in TensorFlow's C++ words and its shape, -1 for any size, None for any rank."""

    dtype: str
    shape: tuple[int, ...] | None

    def check(self, name: str, shape: tuple[int, ...]) -> None:
        """Refuse an array of another shape."""
        if self.shape is None:
            return
        if len(shape) != len(self.shape) or any(
            wanted not in (-1, got) for wanted, got in zip(self.shape, shape, strict=True)
        ):
            raise invalid(f"Input '{name}': expected the shape {list(self.shape)}, got {list(shape)}.")


@dataclass(frozen=True)
class Signature:
    """A signature that can be called."""

    inputs: Mapping[str, Place]
    outputs: Mapping[str, Place]
    run: Callable[..., list[Any]]  # arrays in, in the inputs' order; arrays out, in the outputs'

    @property
    def dtypes(self) -> dict[str, str]:
        """The types of its inputs by name."""
        return {name: place.dtype for name, place in self.inputs.items()}

    @property
    def batched(self) -> bool:
        """Whether all that goes in and comes out leads with an axis of any size."""
        places = [*self.inputs.values(), *self.outputs.values()]
        return all(place.shape and place.shape[0] == -1 for place in places)

    def __call__(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """Answer one batch; text is bytes in arrays of objects.

        Raises:
            Refused: a shape is wrong, or the graph itself refuses what it is given.
        """
        import tensorflow as tf

        for name, place in self.inputs.items():
            place.check(name, arrays[name].shape)
        try:
            made = self.run(*(arrays[name] for name in self.inputs))
        except tf.errors.OpError as error:
            raise Refused(_code(error), said(error)) from None
        return {name: np.asarray(each) for name, each in zip(self.outputs, made, strict=True)}


class Version:
    """A SavedModel in memory, run in a session as TensorFlow Serving does.

    (The functions of `tf.saved_model.load` keep a kilobyte of every question that they refuse, TensorFlow 2.21.)

    Raises:
        Exception: of many kinds, where the folder holds no SavedModel that TensorFlow can load.
    """

    def __init__(self, folder: Path, number: int) -> None:
        import tensorflow as tf

        self.folder, self.number = folder, number
        self.definitions = _definitions(folder)
        self.examples: dict[str, Arrays] = {}  # what each signature may be asked, as far as the model says
        session = tf.compat.v1.Session(graph=tf.Graph())
        weakref.finalize(self, session.close)
        with session.graph.as_default():
            tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        self.signatures = {
            name: Signature(_places(found.inputs), _places(found.outputs), _callable(session, found))
            for name, found in self.definitions.items()
            if name != INITIALIZER
        }

    def signature(self, name: str) -> Signature:
        """The signature of this name, the default one for an empty name.

        Raises:
            Refused: there is none, or it takes nothing.
        """
        found = self.signatures.get(name or DEFAULT)
        if found is None:
            raise invalid(f'Serving signature name: "{name or DEFAULT}" not found in signature def')
        if not found.inputs:
            raise invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
        return found

    def method(self, name: str) -> str:
        """How the signature of this name is meant to be asked, such as tensorflow/serving/predict.

        Raises:
            Refused: there is none.
        """
        if (name or DEFAULT) not in self.definitions:
            raise invalid(f"No signature was found with the name: {name or DEFAULT}")
        return str(self.definitions[name or DEFAULT].method_name)

    def warm(self) -> None:
        """Ask what the model's warm-up requests ask, so that the first client does not wait for TensorFlow to begin.

        Raises:
            Exception: of several kinds, where a request cannot be read or answered.
        """
        for name, given in warmup.requests(self.folder):
            self.signature(name)(given)
            self.examples.setdefault(name or DEFAULT, given)

    def metadata(self, name: str) -> dict[str, Any]:
        """What GET /v1/models/NAME/metadata says: every SignatureDef as protobuf's JSON."""
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


def _definitions(folder: Path) -> dict[str, Any]:
    """The SignatureDefs of the graph tagged `serve`, by name."""
    from tensorflow.core.protobuf import saved_model_pb2

    document = saved_model_pb2.SavedModel()
    document.ParseFromString((folder / "saved_model.pb").read_bytes())
    graphs = [graph for graph in document.meta_graphs if "serve" in graph.meta_info_def.tags]
    if not graphs:
        raise ValueError("no graph is tagged 'serve'")
    return {name: graphs[0].signature_def[name] for name in sorted(graphs[0].signature_def)}


def _callable(session: Any, definition: Any) -> Callable[..., list[Any]]:
    """A signature as a function of its inputs in order, to its outputs in order."""
    fed, fetched = (
        [session.graph.get_tensor_by_name(places[name].name) for name in sorted(places)]
        for places in (definition.inputs, definition.outputs)
    )
    made: Callable[..., list[Any]] = session.make_callable(fetched, fed)
    return made


def _places(described: Mapping[str, Any]) -> dict[str, Place]:
    import tensorflow as tf

    made = {}
    for name in sorted(described):
        place, dtype = described[name], tf.dtypes.as_dtype(described[name].dtype).name
        shape = None if place.tensor_shape.unknown_rank else tuple(int(dim.size) for dim in place.tensor_shape.dim)
        made[name] = Place(CPP_NAMES.get(dtype, dtype), shape)
    return made


def _code(error: Any) -> str:
    """The name of an error's status code."""
    from tensorflow.core.protobuf import error_codes_pb2

    return str(error_codes_pb2.Code.Name(error.error_code))
