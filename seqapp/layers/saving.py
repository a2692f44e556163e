"""Names under which layers are saved, so that a file means the same to every version, and to Keras without seqapp."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import keras

Class = TypeVar("Class", bound=type)


def saved_as_keras_layer(layer: Class) -> Class:
    """Decorate a layer whose files are Keras's own: without seqapp they load as Keras's layer, with it as ours.

    Keras saves module and name, and on loading looks the name up in its custom objects first; its own layers are saved
    without a registered name.
    """
    layer.__module__ = "keras.layers"
    keras.saving.get_custom_objects()[layer.__name__] = layer
    return layer


def saved_as(name: str) -> Callable[[Class], Class]:
    """Decorate a layer that files of seqapp 0.1 hold under another name.

    Keras derives the weights' place in a file from the class's `__name__`: a new one could not read old files.
    """

    def decorate(layer: Class) -> Class:
        layer.__name__ = name
        registered: Class = keras.saving.register_keras_serializable("seqapp")(layer)
        return registered

    return decorate
