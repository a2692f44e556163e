"""The journey's end: a process that imports TensorFlow alone answers exactly as `seqapp predict --json` does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ask, refused, seqapp
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from seqapp import rooms
from seqapp.runs.run import open_run

DATASETS = rooms.names("datasets")
SIGNATURES = {  # DESIGN's table: dtype and rank of every input and output
    "fibonacci": {"serving_default": ({"terms": ("string", 2)}, {"next": ("string", 1)})},
    "weather_dinner": {
        "serving_default": (
            {"weather": ("float32", 3), "dinner": ("string", 2)},
            {"dinner": ("string", 1), "classes": ("string", 2), "probability": ("float32", 2)},
        )
    },
    "text": {
        "serving_default": ({"text": ("string", 1)}, {"next": ("string", 2), "probability": ("float32", 2)}),
        "generate": (
            {"prompt": ("string", 1), "length": ("int32", 1), "temperature": ("float32", 1), "seed": ("int32", 1)},
            {"text": ("string", 1)},
        ),
        "sample": (
            {
                "prompt": ("string", 1),
                "length": ("int32", 1),
                "temperature": ("float32", 1),
                "seed": ("int32", 1),
                "top_k": ("int32", 1),
                "top_p": ("float32", 1),
                "stop": ("string", 1),
            },
            {"text": ("string", 1)},
        ),
        "step": (
            {"ids": ("int32", 2), "state_1": ("float32", 2), "state_2": ("float32", 2)},
            {"probability": ("float32", 2), "state_1": ("float32", 2), "state_2": ("float32", 2)},
        ),
        "score": ({"text": ("string", 1)}, {"log_probability": ("float32", 1), "tokens": ("int32", 1)}),
    },
    "stock": {
        "serving_default": (
            {"history": ("float32", 3)},
            dict.fromkeys(["forecast", "lower", "upper", "lower_95", "upper_95"], ("float32", 2)),
        )
    },
}
# For each dataset, two questions that may share a batch, of different sizes where the dataset allows it.
BATCHES: dict[str, list[dict[str, Any]]] = {
    "fibonacci": [{"terms": ["5", "8"]}, {"terms": ["99999999999", "123456789012345678901234567890"]}],
    "text": [{"text": "Doug saw"}, {"text": "Jane saw Spot. Spot saw Doug. Jane"}],
}


def load(run: Path) -> Any:
    import tensorflow as tf

    return tf.saved_model.load(str(run / "export" / "1"))


@pytest.mark.parametrize("dataset", DATASETS)
def test_tensorflow_alone_answers_as_predict_does(dataset: str, exported: Callable[[str], Path]) -> None:
    run = exported(dataset)
    message = json.loads(seqapp("predict", run, "--json").stdout)["predictions"]
    answer = ask(run, "--latest")
    assert [{name: values[row] for name, values in answer.items()} for row in range(len(message))] == [
        {name: row[name] for name in answer} for row in message
    ]


@pytest.mark.parametrize("dataset", DATASETS)
def test_signatures_are_the_designs(dataset: str, exported: Callable[[str], Path]) -> None:
    contents = load(exported(dataset)).signatures
    expected = SIGNATURES.get(dataset)
    assert "serving_default" in contents
    for name, function in contents.items():
        inputs, outputs = function.structured_input_signature[1], function.structured_outputs
        described = tuple(
            {key: (spec.dtype.name, len(spec.shape)) for key, spec in part.items()} for part in (inputs, outputs)
        )
        assert all(spec.shape[0] is None for spec in inputs.values())
        assert expected is None or described == expected[name]
    assert expected is None or contents.keys() == expected.keys()


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_graph_holds_neither_python_nor_cudnn(dataset: str, exported: Callable[[str], Path]) -> None:
    graph = (
        SavedModel.FromString((exported(dataset) / "export" / "1" / "saved_model.pb").read_bytes())
        .meta_graphs[0]
        .graph_def
    )
    ops = {node.op for node in graph.node} | {
        node.op for function in graph.library.function for node in function.node_def
    }
    assert {"While", "StatelessWhile"} & ops
    assert not [op for op in ops if "PyFunc" in op or "Cudnn" in op or "Xla" in op]
    assert not any(function.attr["_XlaMustCompile"].b for function in graph.library.function)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_rows_answer_does_not_depend_on_its_batch_mates(dataset: str, exported: Callable[[str], Path]) -> None:
    import tensorflow as tf

    run = exported(dataset)
    function = load(run).signatures["serving_default"]
    specs = function.structured_input_signature[1]
    latest = {name: values[0] for name, values in open_run(run).record["latest"].items()}
    mate = {name: values[::-1] if isinstance(values, list) else values for name, values in latest.items()}
    rows = BATCHES.get(dataset, [latest, mate])
    together = function(**{name: tf.constant([row[name] for row in rows], spec.dtype) for name, spec in specs.items()})
    for index, row in enumerate(rows):
        alone = function(**{name: tf.constant([row[name]], spec.dtype) for name, spec in specs.items()})
        for name, value in alone.items():
            if value.dtype == tf.string:
                np.testing.assert_array_equal(value.numpy()[0], together[name].numpy()[index])
            else:
                np.testing.assert_allclose(value.numpy()[0], together[name].numpy()[index], rtol=1e-5, atol=1e-6)


class TestWrongQuestions:
    """What TensorFlow's Python loader lets through reaches the graph's own checks; the rest names the input itself."""

    def test_an_empty_window(self, exported: Callable[[str], Path]) -> None:
        import tensorflow as tf

        function = load(exported("stock")).signatures["serving_default"]
        with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
            function(history=tf.zeros([1, 0, 1]))
        message = "history: expected float32 of shape (batch, n, 1), got an empty window, shape [1 0 1]"
        assert message in str(refusal.value)

    def test_a_window_too_short(self, exported: Callable[[str], Path]) -> None:
        import tensorflow as tf

        function = load(exported("stock")).signatures["serving_default"]
        with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
            function(history=tf.ones([1, 7, 1]))
        assert "history: expected at least 12 rows (the window of the model), got 7" in str(refusal.value)

    def test_a_price_of_zero(self, exported: Callable[[str], Path]) -> None:
        import tensorflow as tf

        function = load(exported("stock")).signatures["serving_default"]
        with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
            function(history=tf.zeros([1, 12, 1]))
        assert "history: expected finite numbers above 0, as log-returns need" in str(refusal.value)

    def test_terms_that_are_no_integers(self, exported: Callable[[str], Path]) -> None:
        import tensorflow as tf

        function = load(exported("fibonacci")).signatures["serving_default"]
        with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
            function(terms=tf.constant([["8", "-13"]]))
        assert "terms: expected non-negative decimal integers, got -13]" in str(refusal.value)

    def test_a_dinner_that_nobody_knows(self, exported: Callable[[str], Path]) -> None:
        import tensorflow as tf

        function = load(exported("weather_dinner")).signatures["serving_default"]
        with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
            function(weather=tf.zeros([1, 3, 5]), dinner=tf.constant([["pizza", "tacos", ""]]))
        assert "dinner: expected pizza, sushi, waffles or nothing (unknown), got tacos" in str(refusal.value)

    def test_a_wrong_rank(self, exported: Callable[[str], Path]) -> None:
        import tensorflow as tf

        function = load(exported("stock")).signatures["serving_default"]
        with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
            function(history=tf.ones([12, 1]))
        assert "history: expected float32 of shape (batch, n, 1), got shape [12 1]" in str(refusal.value)

    @pytest.mark.parametrize(("wrong", "kind"), [(np.zeros((1, 12, 1), np.int32), "int32"), ("dear", "string")])
    def test_a_wrong_type_is_named_by_tensorflow(self, wrong: Any, kind: str, exported: Callable[[str], Path]) -> None:
        import tensorflow as tf

        function = load(exported("stock")).signatures["serving_default"]
        with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
            function(history=tf.constant(wrong))
        assert f"was expected to be a float tensor but is a {kind} tensor" in str(refusal.value)

    def test_a_session_without_pythons_check_gets_the_graphs_sentence(self, exported: Callable[[str], Path]) -> None:
        """Clients in other languages feed the graph directly: there the rank reaches the graph's own check."""
        import tensorflow as tf

        graph = tf.Graph()
        with tf.compat.v1.Session(graph=graph) as session:
            folder = str(exported("stock") / "export" / "1")
            loaded = tf.compat.v1.saved_model.load(session, ["serve"], folder)
            signature = loaded.signature_def["serving_default"]
            question, answer = signature.inputs["history"].name, signature.outputs["forecast"].name
            call = session._make_callable_from_options(_options(question, answer))
            assert call(np.ones((2, 12, 1), np.float32))[0].shape == (2, 2)
            with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
                call(np.ones((12, 1), np.float32))
        assert "history: expected float32 of shape (batch, n, 1), got shape [12 1]" in str(refusal.value)


def _options(feed: str, fetch: str) -> Any:
    from tensorflow.core.protobuf.config_pb2 import CallableOptions

    return CallableOptions(feed=[feed], fetch=[fetch])


class TestText:
    def test_the_saved_model_writes_the_same_text_as_python(self, exported: Callable[[str], Path]) -> None:
        run = exported("text")
        message = json.loads(
            seqapp("generate", run, "--prompt", "Doug saw", "--steps", 30, "--seed", 7, "--json").stdout
        )
        question = {"prompt": ["Doug saw"], "length": [30], "temperature": [1.0], "seed": [7]}
        assert ask(run, question, "generate") == {"text": [message["text"]]}
        assert message["text"].startswith("Doug saw")

    def test_each_row_has_its_own_prompt_length_temperature_and_seed(self, exported: Callable[[str], Path]) -> None:
        import tensorflow as tf

        function = load(exported("text")).signatures["generate"]

        def output(*rows: tuple[str, int, float, int]) -> list[bytes]:
            prompts, lengths, temperatures, seeds = zip(*rows, strict=True)
            result: list[bytes] = function(
                prompt=tf.constant(prompts), length=tf.constant(lengths), temperature=tf.constant(temperatures),
                seed=tf.constant(seeds),
            )["text"].numpy().tolist()  # fmt: skip
            return result

        rows = [("", 12, 1.0, 3), ("Doug saw", 40, 0.5, 4), ("Jane saw Spot.", 0, 1.0, 5), ("Spot", 9, 0.0, 6)]
        together = output(*rows)
        assert together == [output(row)[0] for row in rows]
        assert together[2] == b"Jane saw Spot."
        assert output(("", 12, 1.0, 8)) != output(("", 12, 1.0, 3))
        assert output(("Spot", 9, 0.0, 1)) == output(("Spot", 9, 0.0, 2))
        assert len(together[0].replace(b".", b" .").split()) == 12

    def test_a_score_is_the_sum_of_the_next_token_log_probabilities(self, exported: Callable[[str], Path]) -> None:
        import tensorflow as tf

        from seqapp.contract import outputs

        run = exported("text")
        opened = open_run(run)
        task = opened.task()
        network = opened.load_network(task)
        text = "Doug saw Jane. Spot"
        encoded = task.encode({"text": tf.constant([text])})
        ids, logs = encoded.inputs, tf.nn.log_softmax(outputs(network, encoded))[0].numpy()
        expected = sum(logs[step, ids[0, step + 1]] for step in range(ids.shape[1] - 1))
        scored = ask(run, {"text": [text, "", "Jane"]}, "score")
        assert scored["log_probability"][0] == pytest.approx(expected, rel=1e-5)
        assert scored["log_probability"][1] == 0
        assert scored["tokens"] == [5, 0, 1]


class TestVersions:
    def test_each_export_is_the_next_version(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        to = tmp_path / "models" / "fibonacci"
        for version in ("1", "2"):
            assert json.loads(seqapp("export", trained("fibonacci"), "--to", to, "--json").stdout) == {
                "saved_model": str(to / version)
            }
        (to / "17").mkdir()
        assert seqapp("export", trained("fibonacci"), "--to", to).stdout == f"{to / '18'}\n"
        assert sorted(path.name for path in to.iterdir()) == ["1", "17", "18", "2"]

    def test_a_file_in_the_way_is_left_alone(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        (tmp_path / "file").write_text("kept")
        message = refused("export", trained("fibonacci"), "--to", tmp_path / "file")
        assert message == f"Error: --to: expected a folder, got the file '{tmp_path / 'file'}'."
        assert (tmp_path / "file").read_text() == "kept"

    def test_a_failed_export_leaves_nothing(
        self, trained: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import tensorflow as tf

        def fail(module: Any, path: str, signatures: Any) -> None:
            Path(path).mkdir(parents=True)
            raise OSError("disk full")

        monkeypatch.setattr(tf.saved_model, "save", fail)
        with pytest.raises(OSError, match="disk full"):
            seqapp("export", trained("fibonacci"), "--to", tmp_path / "to")
        assert list((tmp_path / "to").iterdir()) == []
