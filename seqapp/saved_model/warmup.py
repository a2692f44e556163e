"""Warm-up requests of an exported model: a server runs them before the model takes traffic. TF Serving's file format.

A TFRecord of PredictionLog at assets.extra/tf_serving_warmup_requests, at most 1,000 records.
Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_RECORDS = 1000  # that TF Serving accepts


def write(file: Path, requests: Mapping[str, Mapping[str, Any]]) -> None:
    """Write one predict request for each signature; the model's name is left to the server.

    Args:
        file: the file to write.
        requests: tensors by input name, by signature.
    """
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


def read(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the warm-up requests of a SavedModel: a signature's name, and arrays by input name. Text is bytes.

    Raises:
        Exception: of several kinds, if the file is damaged.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    file = folder / FILE
    if not file.is_file():
        return
    for number, record in enumerate(tf.data.TFRecordDataset(str(file)).as_numpy_iterator()):
        if number == MAX_RECORDS:
            raise ValueError(f"{FILE.name}: expected at most {MAX_RECORDS} records")
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        yield (
            request.model_spec.signature_name,
            {name: np.asarray(tf.make_ndarray(proto)) for name, proto in request.inputs.items()},
        )
