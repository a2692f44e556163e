"""SavedModels made without Keras and seqapp, for the tests of serving."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def half_plus_two(base: Path, version: int = 1, add: float = 2.0) -> Path:
    """Save y = x / 2 + `add` as `base`/`version`, with further signatures for every type and shape; return the folder."""
    import tensorflow as tf

    module: Any = tf.Module()
    module.add = tf.Variable(add)
    x = tf.TensorSpec([None], tf.float32, name="x")

    def signature(specs: dict[str, Any], function: Any) -> Any:
        named = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in specs.items()}
        return tf.function(lambda **raw: function(**raw), autograph=False).get_concrete_function(**named)

    pair = {"a": tf.TensorSpec([None, 2], tf.float32), "b": tf.TensorSpec([None], tf.int64)}
    texts = {"text": tf.TensorSpec([None], tf.string)}
    kinds = {
        name: tf.TensorSpec([None], name) for name in ("bool", "double", "int8", "int32", "uint8", "uint32", "uint64")
    }
    signatures = {
        "serving_default": signature({"x": x}, lambda x: {"y": x / 2 + module.add}),
        "matrix": signature(
            {"x": tf.TensorSpec([None, None, 3], tf.float32)}, lambda x: {"total": tf.reduce_sum(x, -1)}
        ),
        "any": signature({"x": tf.TensorSpec(None, tf.float32)}, lambda x: {"y": tf.identity(x)}),
        "columns": signature(pair, lambda a, b: {"sum": a + tf.cast(b, tf.float32)[:, None], "b_plus_one": b + 1}),
        "text": signature(texts, lambda text: {"same": tf.identity(text)}),
        "bytes": signature(texts, lambda text: {"same_bytes": tf.identity(text), "length": tf.strings.length(text)}),
        "kinds": signature(kinds, lambda **raw: {f"{name}_out": tf.identity(value) for name, value in raw.items()}),
        "half": signature({"x": tf.TensorSpec([None], tf.float16)}, lambda x: {"y": tf.cast(x, tf.float32)}),
        "to_half": signature({"x": x}, lambda x: {"y": tf.cast(x, tf.float16)}),
        "scalar": signature({"x": x}, lambda x: {"total": tf.reduce_sum(x)}),
        "uneven": signature({"x": x}, lambda x: {"all": x, "first": x[:1]}),
        "nothing_left": signature({"x": x}, lambda x: {"none": x[:0]}),
        "divide": signature({"n": tf.TensorSpec([None], tf.int32)}, lambda n: {"share": 10 // n}),
        "generate": signature(
            {"length": tf.TensorSpec([None], tf.int32)}, lambda length: {"text": tf.strings.as_string(length)}
        ),
    }
    folder = base / str(version)
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return folder
