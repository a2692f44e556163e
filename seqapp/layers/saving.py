"""Layers whose files are Keras's own: read without seqapp they give Keras's layer, with it ours."""

from __future__ import annotations

from typing import TypeVar

import keras

Class = TypeVar("Class", bound=type)


def saved_as_keras_own(layer: Class) -> Class:
    """A class decorator. Keras writes down module and name, and on reading asks its custom objects for the name first;
    its own layers are written without a registered name, so they stay Keras's own.
    """
    layer.__module__ = "keras.layers"
    keras.saving.get_custom_objects()[layer.__name__] = layer
    return layer
