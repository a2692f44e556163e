"""What comes next fits the contract: three datasets of a kind that is not shipped, one file each and no other edit.

A class for a whole clip of frames of unequal length; a word written from a context, with a metric that is no mean; a
head of its own, a mixture of two normal distributions. Each trains, evaluates, resumes, exports, serves and answers.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import OWN_FILES, ask, seqapp

from seqapp.runs.run import open_run

CLIP = [[[0.0] * 6 for _ in range(6)] for _ in range(4)]
for step in range(4):
    CLIP[step][2][step] = 1.0  # to the right
QUESTIONS = {  # a question as `predict` takes it, as the SavedModel takes it, and the name of an answer
    "clips": (json.dumps(CLIP), {"frames": [CLIP, [*CLIP[:3], np.full((6, 6), np.nan).tolist()]]}, "way"),
    "reversal": ("abcd", {"word": ["abcd", "ab"]}, "backwards"),
    "waves": ("0.1 0.5 0.9", {"values": [[0.1, 0.5, 0.9], [0.0, 0.1, 0.2]]}, "means"),
}
BETTER = {
    "clips": "By accuracy on 75 test cases: better than the most frequent way",
    "reversal": "By letter_error_rate on 300 test cases: better than copying the word",
    "waves": "By nll_per_point on 1080 test cases: better than one normal distribution",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three datasets, trained and evaluated once."""
    return tmp_path_factory.mktemp("extensions")


def run_of(name: str, folder: Path) -> Path:
    run = folder / name
    if not run.exists():
        seqapp("train", OWN_FILES / f"{name}.py", "--model", "gru", "--out", run)
    return run


@pytest.mark.parametrize("name", QUESTIONS)
class TestExtension:
    def test_it_learns_and_is_compared_with_its_baselines(self, name: str, runs: Path) -> None:
        document = json.loads(seqapp("evaluate", run_of(name, runs), "--json").stdout)
        assert document["verdict"].startswith(BETTER[name])

    def test_it_resumes(self, name: str, runs: Path) -> None:
        run = run_of(name, runs)
        epochs = open_run(run).record["options"]["training"]["epochs"] + 1
        seqapp("train", OWN_FILES / f"{name}.py", "--out", run, "--resume", "--epochs", epochs)
        history = (run / "history.csv").read_text().splitlines()
        assert history[-1].startswith(f"{epochs},")

    def test_its_saved_model_answers_as_predict_does(self, name: str, runs: Path) -> None:
        run = run_of(name, runs)
        text, question, answer = QUESTIONS[name]
        predicted = json.loads(seqapp("predict", run, "-", "--json", stdin=text).stdout)["predictions"][0]
        seqapp("export", run)
        served = ask(run, question)
        assert len(served[answer]) == 2
        if isinstance(predicted[answer], str):
            assert served[answer][0] == predicted[answer]
        else:
            np.testing.assert_allclose(served[answer][0], predicted[answer], rtol=1e-5)


def test_a_class_of_a_clip_does_not_depend_on_the_clips_beside_it(runs: Path) -> None:
    run = open_run(run_of("clips", runs))
    task = run.task()
    network = run.load_network(task)
    import tensorflow as tf

    short = np.array(CLIP[:3], np.float32)[np.newaxis]
    padded = np.concatenate([short, np.full((1, 5, 6, 6), np.nan, np.float32)], 1)
    both = np.concatenate([padded, np.random.default_rng(0).random((1, 8, 6, 6), np.float32)])
    alone, beside = (
        task.answer(network, {"frames": tf.constant(frames)})["probability"][0] for frames in (short, both)
    )
    np.testing.assert_allclose(alone, beside, atol=1e-6)


def test_a_word_is_written_backwards(runs: Path) -> None:
    assert seqapp("predict", run_of("reversal", runs), "bad").stdout == "backwards: dab\n"


def test_a_wave_goes_on_by_samples_of_its_own_head(runs: Path) -> None:
    run = run_of("waves", runs)
    arguments = ("generate", run, "--prompt", "0.1 0.5 0.9", "--steps", 30, "--json")
    one, same, other = (json.loads(seqapp(*arguments, "--seed", seed).stdout)["items"] for seed in (1, 1, 2))
    assert one == same != other
    assert len(one) == 30
    assert max(map(abs, one)) < 6
