"""One SavedModel behind other servers, each as its own documentation has it: what `benchmarks.serving` measures beside.

    python -m benchmarks.rivals fastapi|litserve SAVED_MODEL PORT

Both answer POST /predict with {"instances": [[[…]]]} for a signature whose one input is `history`.
"""

from __future__ import annotations

import sys
from typing import Any


def loaded(folder: str) -> Any:
    """The function that answers."""
    import tensorflow as tf

    model = tf.saved_model.load(folder)
    function = model.signatures["serving_default"]
    function.model = model  # keeps its variables
    return function


def answered(function: Any, instances: Any) -> dict[str, Any]:
    """Rows as JSON."""
    import tensorflow as tf

    made = function(history=tf.constant(instances, tf.float32))
    columns = {name: tensor.numpy().tolist() for name, tensor in made.items()}
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def fastapi(folder: str, port: int) -> None:
    """FastAPI under uvicorn, with uvloop and httptools; a function without `async` runs in its thread pool."""
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Question(BaseModel):
        instances: list[list[list[float]]]

    app, function = FastAPI(), loaded(folder)

    def predict(question: Question) -> dict[str, Any]:
        return answered(function, question.instances)

    predict.__annotations__["question"] = Question  # it is local, and annotations are text here
    app.post("/predict")(predict)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def litserve(folder: str, port: int) -> None:
    """LitServe with its defaults: one worker process on the CPU."""
    import litserve

    class Api(litserve.LitAPI):  # type: ignore[misc]
        def setup(self, device: str) -> None:
            self.function = loaded(folder)

        def decode_request(self, request: dict[str, Any]) -> Any:
            return request["instances"]

        def predict(self, instances: Any) -> dict[str, Any]:
            return answered(self.function, instances)

        def encode_response(self, made: dict[str, Any]) -> dict[str, Any]:
            return made

    litserve.LitServer(Api(), accelerator="cpu").run(host="127.0.0.1", port=port, generate_client_file=False)


if __name__ == "__main__":
    {"fastapi": fastapi, "litserve": litserve}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
