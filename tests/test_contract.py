"""The contract, held over every file in datasets/ and models/: a new file is tested without an edit here."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import KINDS, MODEL
from conftest import small_dataset as load

from seqapp import rooms
from seqapp.contract import SPLITS, Dataset, Encoded, Request, values
from seqapp.contract.options import NetworkOptions
from seqapp.evaluation.verdict import judged
from seqapp.generation.sampling import sample
from seqapp.networks.factory import build, layer_of
from seqapp.networks.over_split import predict, weighted_loss
from seqapp.runs.run import open_run
from seqapp.saved_model.functions import functions
from seqapp.training.preflight import check_causal, check_dataset

DATASETS, MODELS = rooms.names("datasets"), rooms.names("models")


loaded = functools.cache(load)


@functools.cache
def once(name: str, split: str) -> list[Any]:
    """The arrays of a split of a dataset, made once."""
    return arrays(loaded(name), split)


def arrays(dataset: Dataset[Any], split: str) -> list[Any]:
    """Inputs, targets and weights of a few examples."""
    return list(dataset.examples(split).first(32)[:3])


@pytest.mark.parametrize("name", DATASETS)
class TestDataset:
    def test_examples_have_the_promised_axes_types_and_ranges(self, name: str) -> None:
        check_dataset(loaded(name))

    def test_train_comes_before_validation_before_test(self, name: str) -> None:
        split = loaded(name).split
        key = "sequences" if "sequences" in split["train"] else "rows"
        bounds = [split[part][key] for part in SPLITS]
        assert bounds == sorted(bounds)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(bounds))

    def test_the_same_seed_gives_the_same_data(self, name: str) -> None:
        one, two = loaded(name), load(name)
        assert one.data == two.data
        assert one.task == two.task
        for split in SPLITS:
            for first, second in zip(once(name, split), arrays(two, split), strict=True):
                np.testing.assert_array_equal(first, second)

    def test_asking_for_the_windows_again_gives_the_same_windows(self, name: str) -> None:
        for split in SPLITS:
            for first, second in zip(once(name, split), arrays(loaded(name), split), strict=True):
                np.testing.assert_array_equal(first, second)

    def test_the_task_survives_json(self, name: str) -> None:
        task = loaded(name).task
        assert type(task).restore(json.loads(json.dumps(task.state()))) == task

    def test_baselines_are_about_the_same_steps_as_the_model(self, name: str) -> None:
        dataset = loaded(name)
        layer = layer_of(rooms.find("models", "simple_rnn"), {})
        network = build(dataset.task, layer, NetworkOptions(units=4))
        ours = dataset.to_raw_units(predict(dataset, network, "test"))
        for baseline in dataset.baselines().values():
            np.testing.assert_allclose(baseline.predictions.actual, ours.actual, rtol=1e-4, atol=1e-4)
            assert values(dataset.metrics, baseline.predictions).keys() <= values(dataset.metrics, ours).keys()
        assert judged(dataset, ours)
        assert len({len(cases) for cases in judged(dataset, ours).values()}) == 1

    def test_the_latest_question_is_answered_and_generation_goes_on(
        self, name: str, trained: Callable[[str], Path]
    ) -> None:
        run = open_run(trained(name))
        task = run.task()
        compiled = functions(task, run.load_network(task), "serving_default")
        answer = compiled["serving_default"](**run.record["latest"])
        assert all(len(value) == 1 for value in answer.values())
        assert task.describe({key: value[0] for key, value in answer.items()})
        raw = {key: np.asarray(value) for key, value in run.record["latest"].items()}
        network = run.load_network(task)
        one, two = (list(task.generate(network, raw, Request(4, seed=5))) for _ in range(2))
        assert one == two
        assert "".join(piece.text for piece in one)


def pairs() -> list[Any]:
    """Every model with every dataset; those that differ from others by name alone are left to `make test-all`.

    A network is made from the kinds of features and head, so a model is proven on one dataset of each kind, and a
    dataset with one model.
    """
    seen: set[Any] = set()
    result = []
    for model, dataset in itertools.product(MODELS, DATASETS):
        new = {(model, KINDS.get(dataset, (dataset,))[:2]), dataset} - seen
        seen |= new
        result.append(pytest.param(model, dataset, marks=[] if new else [pytest.mark.slow]))
    return result


@pytest.mark.parametrize(("model", "dataset"), pairs())
def test_every_model_takes_a_step_on_every_dataset(model: str, dataset: str) -> None:
    import tensorflow as tf

    data = loaded(dataset)
    network = build(
        data.task, layer_of(rooms.find("models", model), {}), NetworkOptions(units=6, layers=2, dropout=0.1)
    )
    check_causal(network, data.task)
    batch = tf.nest.map_structure(tf.constant, data.examples("train").first(32))
    with tf.GradientTape() as tape:
        hidden, _, _ = network.train(batch.encoded, None)
        loss, _ = weighted_loss(data.task.head, batch, hidden, network.head, training=True)
    gradients = tape.gradient(loss, network.model.trainable_variables)
    assert np.isfinite(loss)
    assert all(gradient is not None and np.isfinite(tf.convert_to_tensor(gradient)).all() for gradient in gradients)


@pytest.mark.parametrize("model", MODELS)
def test_stepping_gives_what_the_whole_sequence_gives(model: str) -> None:
    import tensorflow as tf

    task = loaded("stock").task
    network = build(task, layer_of(rooms.find("models", model), {}), NetworkOptions(units=5, layers=2, dropout=0.2))
    inputs = np.random.default_rng(0).standard_normal((3, 7, task.inputs.size)).astype(np.float32)
    encoded = Encoded(tf.constant(inputs))
    first, states = network.step(tf.constant(inputs[:, :4]), network.start(encoded, tf.constant(3)))
    rest = []
    for step in range(4, 7):
        output, states = network.step(tf.constant(inputs[:, step : step + 1]), states)
        rest.append(output)
    np.testing.assert_allclose(np.concatenate([first, *rest], 1), network(encoded), atol=1e-5)


def test_a_draw_at_temperature_zero_is_the_likeliest() -> None:
    assert sample(np.array([0.2, 0.5, 0.3]), 0.0, np.random.default_rng(0)) == 1


def test_models_for_the_small_runs_exist() -> None:
    assert set(MODEL.values()) <= set(MODELS)
