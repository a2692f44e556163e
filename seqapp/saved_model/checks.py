"""Checks inside the graph: a question of the wrong shape is answered with a sentence, wherever the SavedModel runs."""

from __future__ import annotations

from typing import Any

from seqapp.contract.head import Tensor


def require(tensor: Tensor, condition: Tensor, message: str, *values: Tensor) -> Tensor:
    """`tensor`, once `condition` holds; else the run stops with `message`, its `{}` filled with `values`.

    Write messages without quotation marks and apostrophes: TensorFlow prints them escaped.
    """
    import tensorflow as tf

    said = tf.constant(message)
    for value in values:
        text = value if value.dtype == tf.string else tf.strings.format("{}", value)
        before, _, after = message.partition("{}")
        said, message = tf.strings.join([before, text, after]), ""
    with tf.control_dependencies([tf.debugging.Assert(condition, [said])]):
        return tf.identity(tensor)


def conform(name: str, tensor: Tensor, spec: Any) -> Tensor:
    """`tensor`, once its rank and fixed axes are those of `spec` and no axis after the first is empty."""
    import tensorflow as tf

    axes = ", ".join(["batch", *("n" if size is None else str(size) for size in spec.shape[1:])])
    expected = f"{name}: expected {spec.dtype.name} of shape ({axes})"
    # The signature's static shape would be trusted and folded into the check; only the real shape is asked. What is
    # asked stands beside the data's way, where runtimes that know neither this op nor Assert leave it out.
    unknown = tf.raw_ops.PlaceholderWithDefault(input=tensor, shape=tf.TensorShape(None))
    shape = tf.shape(unknown)
    checked = require(shape, tf.equal(tf.size(shape), len(spec.shape)), f"{expected}, got shape {{}}", shape)
    for axis, size in enumerate(spec.shape[1:], start=1):
        fits = checked[axis] > 0 if size is None else tf.equal(checked[axis], size)
        why = ", got an empty window, shape {}" if size is None else ", got shape {}"
        checked = require(checked, fits, expected + why, shape)
    with tf.control_dependencies([checked]):
        return tf.identity(tensor)
