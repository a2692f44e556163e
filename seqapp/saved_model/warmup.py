"""Warm-up requests: what an exported model is asked before it takes traffic, in the file that TF Serving reads.

A TFRecord of PredictionLog at assets.extra/tf_serving_warmup_requests, at most 1,000 records.
Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
MOST = 1000  # records that TF Serving takes


def write(file: Path, requests: Mapping[str, Mapping[str, Any]]) -> None:
    """Write one predict request, tensors by input name, for each signature; the model's name is left to the server."""
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    with tf.io.TFRecordWriter(str(file)) as records:
        for signature, tensors in requests.items():
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = signature
            for name, tensor in tensors.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor))
            records.write(log.SerializeToString())


def requests(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The signature and the arrays of each predict request that a SavedModel carries; text is bytes.

    Raises:
        Exception: of several kinds, where the file is damaged.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    file = folder / FILE
    if not file.is_file():
        return
    for number, record in enumerate(tf.data.TFRecordDataset(str(file)).as_numpy_iterator()):
        if number == MOST:
            raise ValueError(f"{FILE.name}: more than {MOST} records")
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        yield (
            request.model_spec.signature_name,
            {name: np.asarray(tf.make_ndarray(proto)) for name, proto in request.inputs.items()},
        )
