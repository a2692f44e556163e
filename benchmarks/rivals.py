"""One SavedModel behind other servers, set up as their documentation shows, for comparison in `benchmarks.serving`.

    python -m benchmarks.rival_fastapi SAVED_MODEL PORT
    python -m benchmarks.rival_litserve SAVED_MODEL PORT

Both answer POST /predict with {"instances": [[[…]]]}, for a signature with the single input `history`.
"""

from __future__ import annotations

from typing import Any


def load(folder: str) -> Any:
    """Return a SavedModel's default signature as a function."""
    import tensorflow as tf

    model = tf.saved_model.load(folder)
    function = model.signatures["serving_default"]
    function.model = model  # keeps its variables in memory
    return function


def predict(function: Any, instances: Any) -> dict[str, Any]:
    """Return the predictions for rows of shape `(rows, steps, features)` as a JSON document."""
    import tensorflow as tf

    outputs = function(history=tf.constant(instances, tf.float32))
    columns = {name: tensor.numpy().tolist() for name, tensor in outputs.items()}
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}
