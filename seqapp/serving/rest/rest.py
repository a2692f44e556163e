"""TF Serving's REST interface as a function: a route and a body to a JSON answer. Knows no sockets.

Source: http_rest_api_handler.cc in tensorflow_serving/model_servers.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.limits import Limits
from seqapp.serving.models.batching import run_alone
from seqapp.serving.models.models import Model
from seqapp.serving.models.version import Signature, Version
from seqapp.serving.rest import json_input, responses
from seqapp.serving.rest.requests import Arrays, parse_inputs, signature_name
from seqapp.serving.rest.routes import Route
from seqapp.serving.status import StatusError, invalid_argument
from seqapp.system.text import from_bytes, with_base64

EXAMPLE_METHODS = {"classify": "classification", "regress": "regression"}
Run = Callable[[Version, Signature, Arrays], Arrays]


class RestApi:
    """The REST interface over several models.

    Args:
        models: by name.
        limits: what a request may ask for.
        run: calls a signature, for one request alone or for several as a batch.
    """

    def __init__(self, models: Mapping[str, Model], limits: Limits, run: Run = run_alone) -> None:
        self.models, self.limits, self.run = models, limits, run
        self._free_slots = threading.BoundedSemaphore(limits.max_requests)

    def answer(self, route: Route, body: bytes) -> bytes:
        """Return the JSON answer to a request.

        Raises:
            StatusError: the request cannot be answered.
        """
        if route.resource == "models":
            return json.dumps({"models": [_describe(model) for model in self.models.values()]}).encode()
        if route.resource == "invalid":
            raise invalid_argument(route.error)
        if route.resource in EXAMPLE_METHODS:
            raise self._example_error(route, body)
        if route.resource != "predict":
            return json.dumps(self._describe_model(route)).encode()
        if not self._free_slots.acquire(blocking=False):
            raise StatusError(
                "RESOURCE_EXHAUSTED",
                f"the server is already processing {self.limits.max_requests} requests. Try again in a second.",
            )
        try:
            return self._predict(route, body)
        finally:
            self._free_slots.release()

    def _describe_model(self, route: Route) -> dict[str, Any]:
        """Return a model's metadata or status."""
        if not route.model:
            raise invalid_argument("Missing model name in request.")
        if route.resource == "metadata":
            return self._version(route).metadata(route.model)
        return {"model_version_status": self._model(route).status(route.version, route.label)}

    def _predict(self, route: Route, body: bytes) -> bytes:
        document = json_input.parse(body)
        name = signature_name(document)
        version = self._version(route)
        signature = version.signature(name)
        inputs, row_format = parse_inputs(document, signature.dtypes)
        self._check_limits(inputs)
        if any(array.dtype.kind == "f" and np.isinf(array).any() for array in inputs.values()):
            json_input.check_overflow(document, body)
        outputs = self.run(version, signature, inputs)
        return responses.row_format(outputs) if row_format else responses.column_format(outputs)

    def _example_error(self, route: Route, body: bytes) -> StatusError:
        """Return the error for classify and regress, which take tf.Examples: no Keras model and few others do."""
        name = signature_name(json_input.parse(body))
        actual, expected = self._version(route).method_name(name), f"tensorflow/serving/{route.resource}"
        if actual != expected:
            kind = EXAMPLE_METHODS[route.resource]
            return invalid_argument(f"Expected {kind} signature method_name to be {expected}. Was: {actual}")
        return StatusError(
            "UNIMPLEMENTED", f":{route.method} is not supported by seqapp serve. Use :predict, or TensorFlow Serving."
        )

    def _model(self, route: Route) -> Model:
        return self.models.get(route.model) or Model(route.model, Path())  # has no versions, and reports that

    def _version(self, route: Route) -> Version:
        return self._model(route).version(route.version, route.label)

    def _check_limits(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        """Raise if a request has too many rows or asks to generate too many items."""
        max_rows, max_length = self.limits.max_rows, self.limits.max_length
        for name, array in inputs.items():
            if array.ndim and len(array) > max_rows:
                raise invalid_argument(
                    f"Input '{name}': expected at most {max_rows} rows, got {len(array)}. Send fewer rows per request."
                )
            if name == "length" and array.dtype.kind in "iu" and array.size and array.max() > max_length:
                raise invalid_argument(
                    f"Input 'length': expected at most {max_length}, got {array.max()}. Generate fewer items per "
                    "request, and continue from the answer."
                )


def _describe(model: Model) -> dict[str, Any]:
    """Return a model's entry in /models, for the page: its signatures, with an example where the model has one."""
    version = model.loaded[max(model.loaded)] if model.loaded else None
    if version is None:
        return {"name": model.name, "version": None, "signatures": {}}
    signatures = {name: _describe_signature(signature) for name, signature in version.signatures.items()}
    for name, inputs in version.examples.items():
        signatures[name]["example"] = {key: to_json(array) for key, array in inputs.items()}
    return {"name": model.name, "version": str(version.number), "signatures": signatures}


def _describe_signature(signature: Signature) -> dict[str, Any]:
    return {
        side: {name: {"dtype": f"DT_{info.dtype.upper()}", "shape": info.shape} for name, info in infos.items()}
        for side, infos in (("inputs", signature.inputs), ("outputs", signature.outputs))
    }


def to_json(array: NDArray[Any]) -> Any:
    """Return an array as a JSON document: nested lists, bytes that are not UTF-8 as {"b64": "…"}."""
    if array.dtype != object:
        return array.tolist()
    return with_base64(np.vectorize(from_bytes, otypes=[object])(array).tolist())
