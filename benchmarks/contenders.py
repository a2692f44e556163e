"""The same network, optimizer and batches three times: in seqapp's trainer, Keras's `model.fit`, and a PyTorch loop.

A 65-dimensional embedding of 65 tokens, recurrent layers, a dense head; float32, Adam at 0.001, gradients clipped to a
global norm of 1. Tokens are random, which does not affect the speed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

TOKENS = 65
KINDS = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}  # Keras's name, PyTorch's name
Run = Callable[[], None]


class Size(NamedTuple):
    """Size of a network and of its batches."""

    batch: int
    steps: int
    units: int
    layers: int

    def __str__(self) -> str:
        return f"{self.batch} × {self.steps}, {self.units} × {self.layers}"

    def products(self) -> int:
        """Count the floating-point operations of the matrix products in a training step of seqapp's LSTM."""
        rows, block = self.batch * self.steps, 4 * self.units
        within = 3 * 2 * rows * self.units * block * self.layers  # forward, gradients of state and recurrent kernel
        between = 3 * 2 * rows * self.units * block * (self.layers - 1)  # the same for the kernels of upper layers
        table = 2 * rows * TOKENS * block  # gradient of the embedding's table; forward is a lookup
        head = 3 * 2 * rows * self.units * TOKENS
        return within + between + table + head


GENERATOR_SIZE = Size(1, 1, 256, 2)


def tokens(size: Size, count: int) -> tuple[Any, Any]:
    """Return random inputs and targets, int `(count * batch, steps)`."""
    ids = np.random.default_rng(0).integers(0, TOKENS, (count * size.batch, size.steps + 1))
    return ids[:, :-1], ids[:, 1:]


def network(kind: str, size: Size) -> Any:
    """Build seqapp's network around a layer of class `kind`."""
    from seqapp import layers
    from seqapp.contract.options import NetworkOptions
    from seqapp.features import Tokens
    from seqapp.heads import Category
    from seqapp.networks.factory import build

    def layer(units: int, name: str) -> Any:
        return getattr(layers, kind)(units, return_sequences=True, return_state=True, name=name)

    task: Any = SimpleNamespace(
        inputs=Tokens(TOKENS), head=Category(TOKENS), looks_ahead=False, network=lambda *_: None
    )
    return build(task, layer, NetworkOptions(units=size.units, layers=size.layers))


def seqapp(kind: str, size: Size, count: int) -> Run:
    """Prepare `count` steps of seqapp's trainer, in one call as in a training run."""
    import tensorflow as tf

    from seqapp.contract import Batch
    from seqapp.data.windows import Windows
    from seqapp.heads import Category
    from seqapp.runs.options import TrainingOptions
    from seqapp.training.loop import Trainer

    inputs, targets = (tf.constant(part, tf.int32) for part in tokens(size, count))

    def gather(indices: Any) -> Batch:
        following = tf.gather(targets, indices)
        return Batch(tf.gather(inputs, indices), following, tf.ones_like(following, tf.float32))

    windows = Windows(count * size.batch, gather)
    dataset: Any = SimpleNamespace(examples=lambda _: windows, task=SimpleNamespace(head=Category(TOKENS)))
    plan = TrainingOptions(epochs=1, batch_size=size.batch, learning_rate=1e-3, patience=1, checkpoint_every=1)
    trainer = Trainer(Path(tempfile.gettempdir()), dataset, network(kind, size), plan)
    epoch = windows.scoring(size.batch)

    def run() -> None:
        trainer.train_steps(iter(epoch.batches()), tf.constant(count)).numpy()

    return run


def keras_fit(kind: str, size: Size, count: int) -> Run:
    """Prepare `count` steps of `model.fit` on stock Keras layers."""
    import keras
    import tensorflow as tf

    inputs, targets = tokens(size, count)
    layer = getattr(keras.layers, kind)
    model = keras.Sequential(
        [keras.Input((size.steps,), dtype="int32"), keras.layers.Embedding(TOKENS, TOKENS)]
        + [layer(size.units, return_sequences=True) for _ in range(size.layers)]
        + [keras.layers.Dense(TOKENS)]
    )
    model.compile(
        keras.optimizers.Adam(1e-3, global_clipnorm=1.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    data = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(size.batch, drop_remainder=True).prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = False  # else fit waits after an epoch for its thread, up to the epoch's own time
    data = data.with_options(options)
    return lambda: model.fit(data, shuffle=False, verbose=0)


def torch_network(kind: str, size: Size) -> Any:
    """Build the same network in PyTorch, with one thread per core."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))

    class Model(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(TOKENS, TOKENS)
            self.recurrent = getattr(torch.nn, KINDS[kind])(TOKENS, size.units, size.layers, batch_first=True)
            self.head = torch.nn.Linear(size.units, TOKENS)

        def forward(self, ids: Any, state: Any = None) -> tuple[Any, Any]:
            hidden, state = self.recurrent(self.embedding(ids), state)
            return self.head(hidden), state

    return Model()


def torch_loop(kind: str, size: Size, count: int) -> Run:
    """Prepare `count` steps of the usual PyTorch loop."""
    import torch

    model = torch_network(kind, size)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    inputs, targets = (torch.tensor(part).split(size.batch) for part in tokens(size, count))

    def run() -> None:
        for ids, following in zip(inputs, targets, strict=True):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(ids)[0].flatten(0, 1), following.flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    return run


def seqapp_generator(batch: int, length: int) -> Run:
    """Prepare sampling in the graph: `length` tokens for each of `batch` rows."""
    import tensorflow as tf

    from seqapp.generation.decoding import Decoding, Stop, decode, prefill
    from seqapp.generation.sampling import Sampler
    from seqapp.heads import Category

    net = network("LSTM", GENERATOR_SIZE)
    net.avoid_cudnn()
    forbidden, never = tf.zeros([TOKENS], tf.bool), Stop(tf.zeros([batch, 0], tf.int32))
    sampler = Sampler(tf.ones([batch]), tf.range(batch))
    decoding = Decoding(sampler, tf.fill([batch], length), never, forbidden, end=-1)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def generate(prompt: Any) -> Any:
        state = prefill(net, prompt, tf.ones([batch], tf.int32), never)
        return decode(net, Category(TOKENS), state, tf.constant(length), decoding)[0]

    prompt = tf.ones([batch, 1], tf.int32)
    return lambda: generate(prompt).numpy()


def torch_generator(batch: int, length: int) -> Run:
    """Prepare sampling by the usual PyTorch loop over single steps: `length` tokens for each of `batch` rows."""
    import torch

    net, first = torch_network("LSTM", GENERATOR_SIZE).eval(), torch.ones(batch, 1, dtype=torch.long)

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def generate() -> None:
        ids, state = first, None
        for _ in range(length):
            logits, state = net(ids, state)
            ids = torch.multinomial(torch.softmax(logits[:, -1], -1), 1)

    return generate
