"""TensorFlow and Keras, imported when they are first used: `from seqapp.system.tensorflow import keras, tf`.

So `seqapp --help` and every usage error answer before TensorFlow is loaded. What it writes to stderr while it is loaded
is withheld, and shown if that fails.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from typing import Any


class _LazyModule:
    """A module that is imported when one of its attributes is first read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") and attribute != "__version__":  # who inspects objects wants no import
            raise AttributeError(attribute)
        start_tensorflow()
        value = getattr(importlib.import_module(self._name), attribute)
        setattr(self, attribute, value)  # found without this method from now on
        return value


tf: Any = _LazyModule("tensorflow")
keras: Any = _LazyModule("keras")


def start_tensorflow() -> None:
    """Import TensorFlow and run its first operation with stderr withheld; do nothing if it is imported already."""
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as withheld:
        os.dup2(withheld.fileno(), 2)
        try:
            import tensorflow

            tensorflow.constant(0.0) + 1.0
        except Exception:
            withheld.seek(0)
            os.write(stderr, withheld.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
    tensorflow.get_logger().setLevel("ERROR")
