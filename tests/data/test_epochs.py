"""Batches: every window once, all of one shape; and how many steps a call takes changes no result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import SMALL_OPTIONS, seqapp
from hypothesis import given, settings
from hypothesis import strategies as st

from seqapp.contract import Batch, Shard
from seqapp.data.epochs import LENGTHS, batches
from seqapp.data.streams import Chosen, Streams
from seqapp.data.windows import Windows
from seqapp.runs.run import open_run
from seqapp.training import loop


def numbered(count: int, longest: bool = False) -> Windows:
    """Windows whose inputs are their own number; `longest`: as many steps as the largest number in the batch."""

    def gather(indices: Any) -> Batch:
        steps = tf.reduce_max(indices) + 1 if longest else 3
        inputs = tf.repeat(indices[:, tf.newaxis], steps, axis=1)
        return Batch(inputs, inputs + 1, tf.ones_like(inputs, tf.float32))

    return Windows(count, gather)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 40), size=st.integers(1, 50), done=st.integers(0, 39))
def test_every_window_counts_once_and_all_batches_have_one_shape(count: int, size: int, done: int) -> None:
    order = np.random.default_rng(count).permutation(count)[min(done, count - 1) :]
    result = [
        [part.numpy() for part in batch[:3]] for batch in batches(numbered(count).gather, order, min(size, count))
    ]
    assert {inputs.shape for inputs, _, _ in result} == {(min(size, count), 3)}
    counted = np.concatenate([inputs[weights[:, 0] > 0, 0] for inputs, _, weights in result])
    np.testing.assert_array_equal(counted, order)


def test_windows_of_changing_length_are_filled_up_with_weight_0() -> None:
    for inputs, targets, weights, *_ in batches(numbered(40, longest=True).gather, np.arange(40), 8):
        assert inputs.shape[1] == targets.shape[1] == weights.shape[1]
        assert inputs.shape[1] % LENGTHS == 0
        real = int(inputs.numpy().max()) + 1
        assert (weights.numpy()[:, :real] == 1).all()
        assert (weights.numpy()[:, real:] == 0).all()


def test_a_resumed_epoch_ends_with_the_same_batch() -> None:
    order = np.random.default_rng(0).permutation(21)
    straight, resumed = (
        list(batches(numbered(21, longest=True).gather, part, 8))[-1][:3] for part in (order, order[8:])
    )
    for one, two in zip(straight, resumed, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("dataset", ["recall", pytest.param("text", marks=pytest.mark.slow)])
def test_how_many_steps_a_call_takes_changes_no_bit(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = []
    for name, moment in (("one", 0.0), ("many", 1e9)):
        monkeypatch.setattr(loop, "CALL_SECONDS", moment)
        seqapp("train", dataset, *SMALL_OPTIONS[dataset], "--out", tmp_path / name)
        opened = open_run(tmp_path / name)
        result.append([np.asarray(variable) for variable in opened.load_network(opened.task()).model.variables])
    for one, many in zip(*result, strict=True):
        np.testing.assert_array_equal(one, many)


@pytest.mark.parametrize("workers", [2, 3])
def test_the_shares_of_all_workers_are_the_global_batch(workers: int) -> None:
    split = numbered(21)
    for whole, *shares in zip(
        split.training(8, np.random.default_rng(0)).batches(),
        *(split.training(8, np.random.default_rng(0), Shard(each, workers)).batches() for each in range(workers)),
        strict=True,
    ):
        for part in range(3):
            np.testing.assert_array_equal(whole[part], np.concatenate([share[part] for share in shares]))


def test_the_shares_of_streams_are_the_global_batch() -> None:
    def read(options: Chosen) -> Any:
        places = (options.place[:, np.newaxis] + np.arange(10)).astype(np.int32)
        return places, places + 1, np.ones(places.shape, np.float32)

    streams = Streams(np.array([0, 400]), 1000, 10, read, lambda places: places)
    epochs = [streams.training(4, np.random.default_rng(0), shard) for shard in (Shard(0, 1), Shard(0, 2), Shard(1, 2))]
    assert [epoch.rows for epoch in epochs] == [4, 2, 2]
    for whole, one, two in zip(*(epoch.batches() for epoch in epochs), strict=True):
        for name in ("inputs", "targets", "weights", "reset"):
            parts = [getattr(share, name) for share in (one, two)]
            np.testing.assert_array_equal(getattr(whole, name), np.concatenate(parts))
