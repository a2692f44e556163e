"""LitServe with its defaults: one worker process on the CPU."""

from __future__ import annotations

import sys
from typing import Any

import litserve

from benchmarks import rivals


class Api(litserve.LitAPI):
    """The steps of a request in LitServe's worker process."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def setup(self, device: str) -> None:
        """Load the model, in the worker."""
        self.function = rivals.load(self.folder)

    def decode_request(self, request):  # type: ignore[no-untyped-def]
        """Return the rows of a request. (LitServe reads a parameter with a type annotation as form data.)"""
        return request["instances"]

    def predict(self, instances: Any) -> dict[str, Any]:
        """Return the predictions for the rows."""
        return rivals.predict(self.function, instances)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """Return the predictions unchanged."""
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Api(sys.argv[1]), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False)
