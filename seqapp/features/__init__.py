"""Features, one kind of input per file; each knows the layer that reads it."""

from seqapp.features.frames import Frames
from seqapp.features.tokens import Tokens
from seqapp.features.vectors import Vectors

__all__ = ["Frames", "Tokens", "Vectors"]
