"""Input checks inside the graph: a wrong input is answered with an error message wherever the SavedModel runs."""

from __future__ import annotations

from typing import Any

from seqapp.contract import Tensor


def require(tensor: Tensor, condition: Tensor, message: str, *values: Tensor) -> Tensor:
    """Return `tensor` if `condition` holds; otherwise the run fails with `message`.

    Args:
        tensor: any tensor; the check runs before it is used.
        condition: a bool scalar.
        message: may contain `{}` for each of `values`. Avoid quotation marks and apostrophes: TensorFlow escapes them.
        *values: tensors to insert into the message.

    Returns:
        A tensor equal to `tensor`.
    """
    import tensorflow as tf

    text = tf.constant(message)
    for value in values:
        value_text = value if value.dtype == tf.string else tf.strings.format("{}", value)
        before, _, after = message.partition("{}")
        text, message = tf.strings.join([before, value_text, after]), ""
    with tf.control_dependencies([tf.debugging.Assert(condition, [text])]):
        return tf.identity(tensor)


def conform(name: str, tensor: Tensor, spec: Any) -> Tensor:
    """Return `tensor` if its shape fits a signature; otherwise the run fails with a message.

    Args:
        name: the input's name, for the message.
        tensor: of shape `(batch, …)`.
        spec: tf.TensorSpec of the input. Rank and fixed axes must match; a free axis after the first must not be empty.

    Returns:
        A tensor equal to `tensor`.
    """
    import tensorflow as tf

    axes = ", ".join(["batch", *("n" if size is None else str(size) for size in spec.shape[1:])])
    expected = f"{name}: expected {spec.dtype.name} of shape ({axes})"
    # TensorFlow would trust the signature's static shape and fold the check away, so the shape is read through an op
    # whose static shape is unknown. That op is off the path of the data: runtimes that know neither it nor Assert
    # leave both out.
    unknown = tf.raw_ops.PlaceholderWithDefault(input=tensor, shape=tf.TensorShape(None))
    shape = tf.shape(unknown)
    checked = require(shape, tf.equal(tf.size(shape), len(spec.shape)), f"{expected}, got shape {{}}", shape)
    for axis, size in enumerate(spec.shape[1:], start=1):
        fits = checked[axis] > 0 if size is None else tf.equal(checked[axis], size)
        actual = ", got an empty window, shape {}" if size is None else ", got shape {}"
        checked = require(checked, fits, expected + actual, shape)
    with tf.control_dependencies([checked]):
        return tf.identity(tensor)
