"""FastAPI under uvicorn, with uvloop and httptools; a function without `async` runs in its thread pool."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.rivals import answered, loaded


class Question(BaseModel):
    """A request's body."""

    instances: list[list[list[float]]]


def main(folder: str, port: int) -> None:
    """Serve until killed."""
    app, function = FastAPI(), loaded(folder)

    @app.post("/predict")
    def predict(question: Question) -> dict[str, Any]:
        return answered(function, question.instances)

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
