"""FastAPI under uvicorn with uvloop and httptools. Functions without `async` run in its thread pool."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks import rivals


class Question(BaseModel):
    """The body of a request."""

    instances: list[list[list[float]]]


def main(folder: str, port: int) -> None:
    """Serve a SavedModel until killed."""
    app, function = FastAPI(), rivals.load(folder)

    @app.post("/predict")
    def predict(question: Question) -> dict[str, Any]:
        return rivals.predict(function, question.instances)

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
