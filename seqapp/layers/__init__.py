"""Keras's recurrent layers with another engine; weights, names, options and files stay Keras's own.

Imports TensorFlow, so it is imported inside the functions that build networks.
"""

from seqapp.layers.embedding import Embedding, ReversibleEmbedding
from seqapp.layers.engine import compiled
from seqapp.layers.recurrent import GRU, LSTM, SimpleRNN

__all__ = ["GRU", "LSTM", "Embedding", "ReversibleEmbedding", "SimpleRNN", "compiled"]
