"""TF Serving's REST interface as a function: verb, path and body in, HTTP status and body out. No sockets here.

Source: http_rest_api_util.cc and http_rest_api_handler.cc in tensorflow_serving/model_servers.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from seqapp.serving.limits import Limits
from seqapp.serving.models.models import Model
from seqapp.serving.models.version import Signature, Version
from seqapp.serving.rest import json_input, responses
from seqapp.serving.rest.requests import arrays, signature_name
from seqapp.serving.rest.status import Refused, invalid
from seqapp.system.text import from_bytes, portable

AT = r"(?:(?:/versions/(?P<version>\d+))|(?:/labels/(?P<label>[^/:]+)))?"
PREDICT = re.compile(rf"/v1/models/(?P<name>[^/:]+){AT}:(?P<method>classify|regress|predict)", re.IGNORECASE)
STATUS = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{AT}(?:/(?P<metadata>metadata))?", re.IGNORECASE)
EXAMPLES = {"classify": "classification", "regress": "regression"}
Run = Callable[[Version, Signature, dict[str, NDArray[Any]]], dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class Asked:
    """What the path says."""

    name: str
    version: int | None
    label: str | None
    word: str  # predict, classify, regress, metadata or nothing


def at_once(version: Version, signature: Signature, given: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Run a request by itself."""
    return signature(given)


class Rest:
    """The interface over some models. `run` calls a signature: by itself, or in a batch with other requests."""

    def __init__(self, models: Mapping[str, Model], limits: Limits, run: Run = at_once) -> None:
        self.models, self.limits, self.run = models, limits, run
        self._free = threading.BoundedSemaphore(limits.requests)

    def answer(self, verb: str, path: str, body: bytes) -> bytes:
        """The JSON of an answer.

        Raises:
            Refused: anything else.
        """
        if path == "/models" and verb == "GET":
            return json.dumps({"models": [_described(model) for model in self.models.values()]}).encode()
        asked = _asked(verb, path)
        if verb == "GET":
            return self._told(asked)
        if asked.word.lower() in EXAMPLES:
            raise self._no_examples(asked, body)
        if not self._free.acquire(blocking=False):
            raise Refused(
                "RESOURCE_EXHAUSTED", f"{self.limits.requests} requests are at work already. Try again in a second."
            )
        try:
            return self._predict(asked, body)
        finally:
            self._free.release()

    def _told(self, asked: Asked) -> bytes:
        """Status or metadata."""
        if not asked.name:
            raise invalid("Missing model name in request.")
        if asked.word:
            version = self._model(asked).version(asked.version, asked.label)
            return json.dumps(version.metadata(asked.name)).encode()
        return json.dumps({"model_version_status": self._model(asked).status(asked.version, asked.label)}).encode()

    def _predict(self, asked: Asked, body: bytes) -> bytes:
        document = json_input.parse(body)
        name = signature_name(document)
        version = self._model(asked).version(asked.version, asked.label)
        signature = version.signature(name)
        given, row = arrays(document, signature.dtypes)
        self._check(given, body)
        made = self.run(version, signature, given)
        return (responses.rows if row else responses.columns)(made)

    def _no_examples(self, asked: Asked, body: bytes) -> Refused:
        """Why a model is not asked by tf.Examples: hardly any takes them, and no model of Keras does."""
        name = signature_name(json_input.parse(body))
        method = self._model(asked).version(asked.version, asked.label).method(name)
        wanted, kind = f"tensorflow/serving/{asked.word.lower()}", EXAMPLES[asked.word.lower()]
        if method != wanted:
            return invalid(f"Expected {kind} signature method_name to be {wanted}. Was: {method}")
        return Refused("UNIMPLEMENTED", f":{asked.word} is not served here. Use :predict, or TensorFlow Serving.")

    def _model(self, asked: Asked) -> Model:
        return self.models.get(asked.name) or Model(asked.name, Path())  # which has no versions, and says so

    def _check(self, given: Mapping[str, NDArray[Any]], body: bytes) -> None:
        """Refuse too many rows, too much to generate, and numbers that a double cannot hold."""
        for name, array in given.items():
            if array.ndim and len(array) > self.limits.rows:
                raise invalid(
                    f"{len(array)} rows; this server takes {self.limits.rows} in a request. Send fewer at once."
                )
            if name == "length" and array.dtype.kind in "iu" and array.size and array.max() > self.limits.length:
                raise invalid(
                    f"Input 'length': {array.max()}; this server generates {self.limits.length} at most. Ask for less, "
                    "and go on from the answer."
                )
            if array.dtype.kind == "f" and np.isinf(array).any():
                json_input.parse(body, json_input.STRICT)


def _asked(verb: str, path: str) -> Asked:
    found = {"POST": PREDICT, "GET": STATUS}[verb].fullmatch(path) if verb in ("POST", "GET") else None
    if found is None:
        raise invalid(f"Malformed request: {verb} {path}")
    named = found.groupdict()
    number = int(named["version"]) if named["version"] else None
    if number is not None and number >= 2**63:
        raise invalid(f"Failed to convert version: {named['version']} to numeric.")
    label = unquote(named["label"]) if named["label"] else None
    word = named.get("method") or named.get("metadata") or ""
    return Asked(unquote(named["name"] or ""), number, label, word)


def _described(model: Model) -> dict[str, Any]:
    """One entry of /models, for the page: signatures with an example each, where the model carries one."""
    version = model.loaded[max(model.loaded)] if model.loaded else None
    if version is None:
        return {"name": model.name, "version": None, "signatures": {}}
    examples = {name: {key: listed(value) for key, value in given.items()} for name, given in version.examples.items()}
    signatures = {
        name: {
            side: {key: {"dtype": f"DT_{place.dtype.upper()}", "shape": place.shape} for key, place in places.items()}
            for side, places in (("inputs", signature.inputs), ("outputs", signature.outputs))
        }
        | ({"example": examples[name]} if name in examples else {})
        for name, signature in version.signatures.items()
    }
    return {"name": model.name, "version": str(version.number), "signatures": signatures}


def listed(array: NDArray[Any]) -> Any:
    """An array as JSON has it."""
    if array.dtype != object:
        return array.tolist()
    return portable(np.vectorize(from_bytes, otypes=[object])(array).tolist())
