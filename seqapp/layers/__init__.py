"""Recurrent layers on a compiled engine: Keras's own, with its options, weights, names and files, and some it lacks.

Imports TensorFlow, so import it inside the functions that build networks.
"""

from seqapp.layers.bidirectional import Bidirectional
from seqapp.layers.embedding import Embedding, ReversibleEmbedding
from seqapp.layers.engine.compilation import compiled
from seqapp.layers.literature import (
    JANET,
    CoupledLSTM,
    IndependentRNN,
    LayerNormGRU,
    LayerNormLSTM,
    MinimalGRU,
    MultiplicativeLSTM,
    MultiplicativeRNN,
    PeepholeLSTM,
)
from seqapp.layers.recurrent import GRU, LSTM, SimpleRNN

__all__ = [
    "GRU", "JANET", "LSTM", "Bidirectional", "CoupledLSTM", "Embedding", "IndependentRNN", "LayerNormGRU",
    "LayerNormLSTM", "MinimalGRU", "MultiplicativeLSTM", "MultiplicativeRNN", "PeepholeLSTM", "ReversibleEmbedding",
    "SimpleRNN", "compiled",
]  # fmt: skip
