"""LitServe with its defaults: one worker process on the CPU."""

from __future__ import annotations

import sys
from typing import Any

import litserve

from benchmarks.rivals import answered, loaded


class Api(litserve.LitAPI):
    """What its worker does with a request."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def setup(self, device: str) -> None:
        """Load the model, in the worker."""
        self.function = loaded(self.folder)

    def decode_request(self, request):  # type: ignore[no-untyped-def]
        """The rows of a request; LitServe would take a type named here for a form."""
        return request["instances"]

    def predict(self, instances: Any) -> dict[str, Any]:
        """Answer them."""
        return answered(self.function, instances)

    def encode_response(self, made: dict[str, Any]) -> dict[str, Any]:
        """As it is."""
        return made


if __name__ == "__main__":
    server = litserve.LitServer(Api(sys.argv[1]), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False)
