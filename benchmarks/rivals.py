"""One SavedModel behind other servers, each as its own documentation has it: what `benchmarks.serving` measures beside.

    python -m benchmarks.rival_fastapi SAVED_MODEL PORT
    python -m benchmarks.rival_litserve SAVED_MODEL PORT

Both answer POST /predict with {"instances": [[[…]]]} for a signature whose one input is `history`.
"""

from __future__ import annotations

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
