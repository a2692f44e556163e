"""The protocols that a dataset or model file is written against; importing them loads no TensorFlow.

A dataset file defines `Options`, `load(options, seed) -> Dataset` and a `Task`. The Task says what goes into the
network, what comes out, and how that becomes an answer; it holds all that was fitted on the training split and is saved
with the run. The Dataset holds the examples of the three splits, baselines and metrics. Training and evaluation need
both; predict, generate and export need the Task alone.
"""

from seqapp.contract.batch import WHOLE, Batch, Encoded, Shard, Tensor
from seqapp.contract.dataset import SPLITS, Dataset
from seqapp.contract.examples import Epoch, Examples
from seqapp.contract.features import Feature
from seqapp.contract.head import Head
from seqapp.contract.metric import BITS, SIGMAS, Baseline, Metric, Surprise, values
from seqapp.contract.network import Network, State, outputs, reset_rows
from seqapp.contract.options import NetworkOptions
from seqapp.contract.request import Piece, Request
from seqapp.contract.sampler import Sampler
from seqapp.contract.task import Raw, Signature, Task

__all__ = [
    "BITS", "SIGMAS", "SPLITS", "WHOLE", "Baseline", "Batch", "Dataset", "Encoded", "Epoch", "Examples", "Feature",
    "Head", "Metric", "Network", "NetworkOptions", "Piece", "Raw", "Request", "Sampler", "Shard", "Signature", "State",
    "Surprise", "Task", "Tensor", "outputs", "reset_rows", "values",
]  # fmt: skip
