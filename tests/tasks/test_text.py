"""Texts: encoded as they are, read as streams whose state is carried, scored once, and continued."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import SMALL_OPTIONS, refused, seqapp
from hypothesis import given, settings
from hypothesis import strategies as st

from seqapp import rooms
from seqapp.contract import Encoded, outputs
from seqapp.contract.options import NetworkOptions
from seqapp.data.streams import Chosen, Layout, Streams
from seqapp.data.tokenizers import BYTES, TOKENIZERS
from seqapp.errors import BadInput
from seqapp.generation.decoding import Stop
from seqapp.generation.sampling import Sampler
from seqapp.networks.factory import build, layer_of
from seqapp.networks.over_split import predict
from seqapp.runs.run import open_run
from seqapp.saved_model.functions import functions
from seqapp.tasks.text import corpus, encoding, files
from seqapp.tasks.text.corpus import Corpus
from seqapp.tasks.text.dataset import TextDataset
from seqapp.tasks.text.defaults import by_size
from seqapp.tasks.text.encoding import encode
from seqapp.tasks.text.files import read_corpus

ALPHABET = "".join(chr(97 + place % 26) for place in range(2000))


def load(text: str | bytes, tmp_path: Path, **options: Any) -> TextDataset:
    """The text room's dataset of a file with this content."""
    file = tmp_path / "a.txt"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    values = {"corpus": None, "gap": None, "file": (str(file),), "level": None, "bptt": 16, "documents": None,
              "vocabulary_size": None, "split": "0.7,0.15,0.15"} | options  # fmt: skip
    loaded: TextDataset = rooms.find("datasets", "text").load(0, **values)
    return loaded


def text_of(contents: Corpus) -> str:
    return "".join(contents.types[place] for place in contents.ids)


def read(options: Any) -> Any:
    raise AssertionError("not asked for")


def at_tens(places: Any) -> Any:
    """Lines begin at every tenth token."""
    return -(-places // 10) * 10


def whole(layout: Layout) -> Chosen:
    """What is read at all steps, each `(steps, rows)`."""
    return Chosen(*map(np.stack, zip(*(layout.at(step) for step in range(layout.steps)), strict=True)))


class TestCorpus:
    @settings(max_examples=60, deadline=None)
    @given(
        text=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1),
        block=st.integers(4, 9),
    )
    def test_characters_come_back_however_the_text_is_cut(self, text: str, block: int) -> None:
        text = text.removeprefix("\ufeff")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(encoding, "BLOCK", block)
            assert text_of(encode([("t", text.encode())], "char")) == text

    @settings(max_examples=60, deadline=None)
    @given(content=st.binary(min_size=1))
    def test_bytes_come_back_without_loss(self, content: bytes) -> None:
        contents = encode([("t", content)], "byte")
        assert text_of(contents).encode("utf-8", "surrogateescape") == content
        assert contents.types == BYTES

    @settings(max_examples=60, deadline=None)
    @given(text=st.text("aé .,\n'<>uk1_☃", min_size=1), block=st.integers(8, 30))
    def test_words_are_those_of_the_served_graph(self, text: str, block: int) -> None:
        if not text.strip():
            text += "x"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(encoding, "BLOCK", 40 + block)
            contents = encode([("t", text.encode())], "word")
        served = TOKENIZERS["word"].split(tf.constant([text]))[0].numpy()
        assert [contents.types[place] for place in contents.ids] == [token.decode() for token in served]

    def test_words_and_marks_and_ends_of_lines(self) -> None:
        contents = encode([("t", b"Doug saw <unk>, didn't he?\r\nHe did.\n")], "word")
        assert [contents.types[place] for place in contents.ids] == [
            "Doug", "saw", "<unk>", ",", "didn't", "he", "?", "\n", "He", "did", ".", "\n"
        ]  # fmt: skip

    def test_ids_widen_as_kinds_come_up(self) -> None:
        text = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000, 50))) + "".join(map(chr, range(0x100, 0x500)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(encoding, "BLOCK", 64)
            contents = encode([("t", text.encode())], "char")
        assert contents.ids.dtype == np.uint16
        assert text_of(contents) == text

    def test_a_large_text_is_encoded_once_and_mapped(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "IN_MEMORY", 10)
        monkeypatch.setenv("SEQAPP_CACHE", str(tmp_path / "cache"))
        file, message = tmp_path / "a.txt", list[str]()
        file.write_text(ALPHABET)
        first, second = (read_corpus([file], "char", message.append) for _ in range(2))
        assert isinstance(first.ids, np.memmap)
        assert text_of(first) == text_of(second) == ALPHABET
        starts = np.array([-1, 0, 700, 1998])
        np.testing.assert_array_equal(
            first.rows(starts, 5)[[0, 1, 2, 3], [1, 0, 4, 1]], first.ids[np.array([0, 0, 704, 1999])]
        )
        in_memory = encode([("a", ALPHABET.encode())], "char").rows(starts, 5)
        assert (in_memory == first.rows(starts, 5))[1:3].all()
        assert len(message) == 1
        file.write_text(ALPHABET[::-1])  # of the same size
        changed = read_corpus([file], "char", message.append)
        assert text_of(changed) == ALPHABET[::-1]
        assert changed.sha256 != first.sha256
        assert len(message) == 2
        for contents in (tmp_path / "cache").rglob("corpus.json"):
            contents.write_text("{")
        assert text_of(read_corpus([file], "char", message.append)) == ALPHABET[::-1]

    def test_documents_begin_where_the_rule_says(self) -> None:
        contents = encode([("one", b"ab\ncd\n\n\nef\n"), ("two", b"\ngh")], "char")
        assert text_of(contents) == "ab\ncd\n\n\nef\n\ngh"
        assert contents.document_starts(None).tolist() == [0]
        assert contents.document_starts("line").tolist() == [0, 3, 6, 7, 8, 11, 12]
        assert contents.document_starts("blank-line").tolist() == [0, 8, 12]
        assert contents.document_starts("file").tolist() == [0, 11]

    def test_rules_see_across_the_pieces_they_are_read_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        contents = encode([("t", b"ab\n\ncd\n\nef\ngh\n\n")], "char")
        result = contents.document_starts("blank-line").tolist()
        monkeypatch.setattr(corpus, "BLOCK", 1)
        assert contents.document_starts("blank-line").tolist() == result == [0, 4, 8]


class TestStreams:
    @settings(max_examples=40, deadline=None)
    @given(
        sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=6),
        length=st.integers(2, 300),
        rows=st.integers(1, 9),
    )
    def test_scoring_reads_every_token_once_in_order(self, sizes: list[int], length: int, rows: int) -> None:
        starts = np.cumsum([0, *sizes[:-1]])
        options = whole(Streams(starts, sum(sizes), length, read, at_tens).scoring_layout(rows))
        places = [
            np.arange(place, min(place + length, end))
            for row in range(options.real.shape[1])
            for place, end, real in zip(options.place[:, row], options.end[:, row], options.real[:, row], strict=True)
            if real
        ]
        np.testing.assert_array_equal(np.concatenate(places), np.arange(sum(sizes)))
        assert set(starts) <= set(options.place[options.first])
        assert (options.reset >= options.first).all()
        assert options.reset[0].all()

    @settings(max_examples=80, deadline=None)
    @given(
        sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=6),
        length=st.integers(2, 60),
        rows=st.integers(1, 9),
        seed=st.integers(0, 9),
    )
    def test_training_goes_on_where_it_stopped_or_begins_anew(
        self, sizes: list[int], length: int, rows: int, seed: int
    ) -> None:
        starts = np.cumsum([0, *sizes[:-1]])
        streams = Streams(starts, sum(sizes), length, read, at_tens)
        options = whole(streams.training_layout(rows, np.random.default_rng(seed)))
        assert options.place.shape[1] == streams.rows(rows)
        assert options.reset[0].all()
        assert options.real.all()
        assert len(np.unique(options.place)) == options.real.size
        goes_on = options.place[1:] == options.place[:-1] + length
        assert (goes_on | options.first[1:]).all()
        assert all(place in starts or place % 10 == 0 for place in options.place[options.first])

    def test_an_epoch_leaves_out_less_than_a_row_and_another_one_cuts_elsewhere(self) -> None:
        streams = Streams(np.array([0]), 100_000, 50, read, at_tens)
        one, two = (whole(streams.training_layout(8, np.random.default_rng(seed))) for seed in (0, 1))
        assert one.real.size >= 2000 - 8
        assert 300 <= len(set(one.place[one.first])) <= 391
        assert len(set(one.place[one.first]) & set(two.place[two.first])) <= 40

    @pytest.mark.parametrize("ending", [0, 1])
    def test_pieces_and_documents_are_whole_and_only_documents_end(self, ending: int) -> None:
        streams = Streams(np.array([0, 40_000, 40_007]), 90_000, 50, read, at_tens, ending)
        layout = streams.training_layout(1, np.random.default_rng(0))
        order = np.argsort(layout.begins)
        begins, ends = layout.begins[order], layout.ends[order]
        closed = np.isin(ends - ending, [40_000, 40_007, 90_000])
        assert closed.sum() == 3
        np.testing.assert_array_equal(ends[:-1] - ending * closed[:-1], begins[1:])


class TestCarriedState:
    def network(self, dataset: TextDataset) -> Any:
        return build(dataset.task, layer_of(rooms.find("models", "lstm"), {}), NetworkOptions(units=6, layers=2))

    @pytest.mark.parametrize("batch_size", [1, 4])
    def test_a_split_is_scored_as_one_long_sequence(
        self, batch_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("seqapp.tasks.text.dataset.SCORED_LENGTH", 16)
        monkeypatch.setattr("seqapp.data.streams.ROW", 64)
        dataset = load(ALPHABET, tmp_path)
        network = self.network(dataset)
        if batch_size == 4:
            monkeypatch.setattr("seqapp.data.streams.MAX_SINGLE_STREAM", 0)
            monkeypatch.setattr("seqapp.data.streams.SIDE_BY_SIDE", batch_size)
        scored = predict(dataset, network, "test")
        test = dataset.splits["test"].ids()
        np.testing.assert_array_equal(scored.actual, test)
        logs = tf.nn.log_softmax(outputs(network, Encoded(tf.constant([[1, *test[:-1]]]))))[0].numpy()
        np.testing.assert_allclose(scored.logs, logs[np.arange(len(test)), test], atol=1e-4)

    def test_a_document_knows_nothing_of_the_one_before(self, tmp_path: Path) -> None:
        lines = "abc\n" * 300 + "xyz\n" * 60 + "abc\n" * 60
        dataset = load(lines, tmp_path, documents="line", split="1200,120,360")
        scored = predict(dataset, self.network(dataset), "test")
        first, second = scored.logs[:4], scored.logs[-4:]
        test = dataset.splits["test"].ids()
        np.testing.assert_array_equal(scored.actual, test[test != dataset.task.tokens.index("<start>")])
        np.testing.assert_allclose(scored.logs[4:8], first, atol=1e-6)
        np.testing.assert_allclose(scored.logs[-8:-4], second, atol=1e-6)

    def test_the_baseline_too_knows_where_documents_begin(self, tmp_path: Path) -> None:
        dataset = load("abcd\n" * 90, tmp_path, documents="line", split="300,50,100")
        start_id, test = dataset.task.tokens.index("<start>"), dataset.splits["test"].ids()
        assert np.flatnonzero(test == start_id).tolist() == [5 + 6 * line for line in range(19)]
        for baseline in dataset.baselines().values():
            np.testing.assert_array_equal(baseline.predictions.actual, test[test != start_id])

    def test_the_end_of_a_file_is_predicted(self, tmp_path: Path) -> None:
        for name in "abcdefgh":
            (tmp_path / f"{name}.txt").write_text("Doug saw Jane. " * 9)
        values = {"corpus": None, "gap": None, "file": (str(tmp_path),), "level": "word", "bptt": 16, "documents": "file",
                  "vocabulary_size": None, "split": "0.5,0.25,0.25"}  # fmt: skip
        dataset: TextDataset = rooms.find("datasets", "text").load(0, **values)
        scored = predict(dataset, self.network(dataset), "test")
        assert (scored.actual == dataset.task.tokens.index("<start>")).sum() == 2
        np.testing.assert_array_equal(scored.actual, dataset.splits["test"].ids())
        for baseline in dataset.baselines().values():
            np.testing.assert_array_equal(baseline.predictions.actual, scored.actual)
        assert not dataset.task.forbidden[dataset.task.tokens.index("<start>")]

    @pytest.mark.slow
    @pytest.mark.usefixtures("compiled")
    def test_training_learns_what_only_the_carried_state_knows(self, tmp_path: Path) -> None:
        """A window of 4 holds no trace of the letter 8 places back; with the state carried it can be learned."""
        random = np.random.default_rng(0)
        blocks = [2 * str(block) for block in random.choice(["abcd", "efgh", "ijkl", "mnop"], 2500)]
        (tmp_path / "t.txt").write_text("".join(blocks))
        seqapp("train", "text", "--file", tmp_path / "t.txt", "--bptt", 4, "--units", 24, "--epochs", 6,
               "--batch-size", 16, "--learning-rate", 0.02, "--dropout", 0, "--weight-drop", 0, "--out", tmp_path / "run")  # fmt: skip
        metrics = json.loads(seqapp("evaluate", tmp_path / "run", "--json").stdout)["metrics"]
        assert metrics["cross_entropy"] < 1.15 * np.log(4) / 8  # one choice of 4 in 8 letters; blind: twice as much


class TestVocabulary:
    def test_it_is_that_of_the_training_split(self, tmp_path: Path) -> None:
        dataset = load("ab" * 400 + "xyz" * 60, tmp_path, split="700,100,180")
        assert set(dataset.task.tokens) == {"<unk>", "<start>", "a", "b"}
        assert (dataset.splits["test"].ids() == 0).all()

    def test_bytes_are_all_known(self, tmp_path: Path) -> None:
        dataset = load(bytes(range(200)) * 20, tmp_path, level="byte")
        assert len(dataset.task.tokens) == 258
        ids = dataset.task.vocabulary.ids(tf.constant([b"\xff", b"a"]))
        assert (ids.numpy() > 0).all()
        assert dataset.task.vocabulary.strings(ids).numpy().tolist() == [b"\xff", b"a"]


class TestGenerating:
    def test_an_unknown_character_is_said_and_does_no_harm(self, trained: Callable[[str], Path]) -> None:
        done = seqapp("generate", trained("text"), "--prompt", "Ωμέγα 🎈 saw", "--steps", 3, "--json")
        message = json.loads(done.stdout)
        assert message["text"].startswith("Ωμέγα 🎈 saw")
        assert "Note: 2 of 3 tokens are unknown to the model and read as <unk>: 'Ωμέγα', '🎈'" in done.stderr
        assert seqapp("predict", trained("text"), "").stdout

    def test_a_prompt_of_nothing_begins_a_text_and_says_so(self, trained: Callable[[str], Path]) -> None:
        done = seqapp("generate", trained("text"), "--prompt", "", "--steps", 5)
        assert "Note: empty prompt: generating from the start of a text" in done.stderr
        assert done.stdout.strip()

    def test_samples_have_seeds_of_their_own(self, trained: Callable[[str], Path]) -> None:
        result = json.loads(
            seqapp("generate", trained("text"), "--prompt", "", "--samples", 3, "--seed", 4, "--json").stdout
        )["samples"]
        alone = [
            json.loads(seqapp("generate", trained("text"), "--prompt", "", "--seed", seed, "--json").stdout)["text"]
            for seed in (4, 5, 6)
        ]
        assert [sample["text"] for sample in result] == alone
        assert len(set(alone)) == 3

    def test_it_stops_before_the_text_that_it_is_told(self, trained: Callable[[str], Path]) -> None:
        whole, cut = (
            seqapp("generate", trained("text"), "--prompt", "Doug", "--steps", 60, *more).stdout.rstrip("\n")
            for more in ([], ["--stop", "."])
        )
        assert cut == whole.partition(".")[0]

    def test_the_saved_model_samples_the_same_text(self, exported: Callable[[str], Path]) -> None:
        run = exported("text")
        sample = tf.saved_model.load(str(run / "export" / "1")).signatures["sample"]
        rows = [
            ("Doug", 40, 1.0, 3, 2, 1.0, "Jane"),
            ("", 400, 1.3, 4, 0, 0.8, ""),
            ("Jane saw", 9, 0.5, 5, 0, 1.0, "."),
        ]
        columns = zip(*rows, strict=True)
        names = ("prompt", "length", "temperature", "seed", "top_k", "top_p", "stop")
        question = {name: tf.constant(column) for name, column in zip(names, columns, strict=True)}
        served = [text.decode() for text in sample(**question)["text"].numpy()]
        for row, text in zip(rows, served, strict=True):
            prompt, steps, temperature, seed, top_k, top_p, stop = row
            message = seqapp("generate", run, "--prompt", prompt, "--steps", steps, "--temperature", temperature, "--seed", seed,
                          "--top-k", top_k, "--top-p", top_p, "--stop", stop, "--json").stdout  # fmt: skip
            assert json.loads(message)["text"] == text

    def test_a_client_that_keeps_the_state_gets_the_same_probabilities(self, exported: Callable[[str], Path]) -> None:
        run = exported("text")
        loaded = tf.saved_model.load(str(run / "export" / "1"))
        tokens = json.loads((run / "export" / "1" / "assets.extra" / "tokens.json").read_text())
        step, states = loaded.signatures["step"], [tf.zeros([1, 8])] * 2
        for word in ("<start>", "Doug", "saw"):
            result = step(ids=tf.constant([[tokens.index(word)]]), state_1=states[0], state_2=states[1])
            states = [result["state_1"], result["state_2"]]
        message = loaded.signatures["serving_default"](text=tf.constant(["Doug saw"]))
        best = [tokens.index(token.decode()) for token in message["next"].numpy()[0]]
        expected = result["probability"].numpy()[0][best]
        allowed = np.delete(result["probability"].numpy()[0], [0, 1]).sum()
        np.testing.assert_allclose(message["probability"].numpy()[0], expected / allowed, rtol=1e-4)

    def test_ten_million_tokens_are_streamed_and_an_interruption_keeps_them(
        self, trained: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from seqapp.tasks.text.task import TextTask

        real, pieces = TextTask.generate, 0

        def interrupted(self: Any, *arguments: Any) -> Any:
            nonlocal pieces
            for piece in real(self, *arguments):
                yield piece
                pieces += 1
                if pieces == 3:
                    raise KeyboardInterrupt

        monkeypatch.setattr(TextTask, "generate", interrupted)
        done = seqapp("generate", trained("text"), "--steps", 10_000_000, "--prompt", "Doug", code=130)
        assert len(done.stdout.split()) > 300

    @pytest.mark.slow
    @pytest.mark.usefixtures("compiled")
    def test_bytes_go_in_and_out(self, tmp_path: Path) -> None:
        (tmp_path / "noise").write_bytes(b"\xff\x00\xfe" * 700)
        seqapp("train", "text", "--file", tmp_path / "noise", "--level", "byte", "--bptt", 16, "--units", 24, "--epochs", 40, "--learning-rate", 0.02, "--dropout", 0,
               "--weight-drop", 0, "--out", tmp_path / "run")  # fmt: skip
        (tmp_path / "prompt").write_bytes(b"\xff\x00")
        result = seqapp(
            "generate", tmp_path / "run", "--prompt-file", tmp_path / "prompt", "--temperature", 0, "--steps", 4
        )
        assert result.stdout_bytes == b"\xff\x00\xfe\xff\x00\xfe\n"
        message = json.loads(seqapp("predict", tmp_path / "run", tmp_path / "prompt", "--json").stdout)
        assert message["predictions"][0]["next"][0] == {"b64": "/g=="}
        done = seqapp("evaluate", tmp_path / "run", "--file", "-", stdin=b"\xff\x00\xfe" * 9)
        assert "text with lstm, standard input: rows 0–27" in done.stdout


class TestSampler:
    def share(self, **limits: Any) -> list[float]:
        """How often each of four tokens is drawn."""
        logits = tf.math.log(tf.constant([[0.1, 0.4, 0.3, 0.2]] * 1000))
        rows = {name: tf.constant([value] * 1000) for name, value in limits.items()}
        sampler = Sampler(tf.ones(1000), tf.zeros(1000, tf.int32), **rows)
        tokens = sampler.sample(logits, tf.range(1000, dtype=tf.float32) / 1000).numpy()
        shares: list[float] = (np.bincount(tokens, minlength=4) / 1000).tolist()
        return shares

    @pytest.mark.parametrize(
        ("limits", "expected"),
        [
            ({}, [0.1, 0.4, 0.3, 0.2]),
            ({"top_k": 2, "top_p": 1.0}, [0, 4 / 7, 3 / 7, 0]),
            ({"top_k": 0, "top_p": 0.5}, [0, 4 / 7, 3 / 7, 0]),
            ({"top_k": 0, "top_p": 0.75}, [0, 4 / 9, 3 / 9, 2 / 9]),
            ({"top_k": 9, "top_p": 1.0}, [0.1, 0.4, 0.3, 0.2]),
            ({"top_k": 3, "top_p": 0.01}, [0, 1, 0, 0]),
        ],
    )
    def test_top_k_and_top_p_by_hand(self, limits: dict[str, Any], expected: list[float]) -> None:
        np.testing.assert_allclose(self.share(**limits), expected, atol=2e-3)

    def test_the_numbers_of_a_seed_do_not_depend_on_how_many_are_asked_for(self) -> None:
        sampler = Sampler(tf.ones([2]), tf.constant([3, 4]))
        many = sampler.uniform(tf.constant(0), tf.constant(700)).numpy()
        np.testing.assert_array_equal(sampler.uniform(tf.constant(256), tf.constant(10)), many[:, 256:266])
        np.testing.assert_array_equal(sampler.uniform(tf.constant(0), tf.constant(5)), many[:, :5])

    def test_a_stop_is_reached_by_its_last_tokens_alone(self) -> None:
        stop = Stop(tf.constant([[-1, 5], [4, 5], [-1, -1]]))
        assert stop.reached(tf.constant([[9, 5], [9, 5], [9, 5]])).numpy().tolist() == [True, False, False]
        assert stop.reached(tf.constant([[5, 9], [4, 5], [-1, -1]])).numpy().tolist() == [False, True, False]


class TestScoring:
    def test_another_text_whole(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        file = tmp_path / "other.txt"
        file.write_text("Doug saw Jane. Jane saw Spot. " * 50)
        document = json.loads(seqapp("evaluate", trained("text"), "--file", file, "--json").stdout)
        assert document["split"]["test"] == {"rows": [0, 400], "source": str(file)}
        assert document["baselines"].keys() == {"unigram", "ngram"}
        assert (
            not (trained("text") / "metrics.json").exists()
            or json.loads((trained("text") / "metrics.json").read_text())["split"] != document["split"]
        )

    def test_what_is_unknown_in_another_text_is_said(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        file = tmp_path / "other.txt"
        file.write_text("Doug saw Rex. " * 60)
        done = seqapp("evaluate", trained("text"), "--file", file)
        assert f"Note: {file}: 60 of 240 tokens are unknown to the model and count as <unk>" in done.stderr
        assert f"text with lstm, {file}: rows 0–240" in done.stdout

    def test_lines_one_by_one(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        lines = ["Doug saw Jane.", "", "Jane saw Spot. Spot saw Doug."] * 30
        (tmp_path / "lines.txt").write_text("\n".join(lines))
        message = seqapp(
            "evaluate", trained("text"), "--file", tmp_path / "lines.txt", "--per-line"
        ).stdout.splitlines()
        rows = [json.loads(line) for line in message]
        assert [row["text"] for row in rows] == lines
        assert [row["tokens"] for row in rows[:3]] == [4, 0, 8]
        assert rows[0]["perplexity"] == pytest.approx(np.exp(-rows[0]["log_probability"] / 4))
        assert rows[1]["perplexity"] is None
        assert rows[0]["log_probability"] == pytest.approx(rows[87]["log_probability"], rel=1e-5)
        done = seqapp("evaluate", trained("text"), "--file", "-", "--per-line", stdin="Doug saw Rex.\nJane saw Rex.\n")
        assert done.stderr == "Note: 2 of 8 tokens are unknown to the model and read as <unk>: 'Rex'\n"

    def test_standard_input(self, trained: Callable[[str], Path]) -> None:
        text = "Doug saw Jane. Jane saw Spot.\n" * 9
        message = seqapp("evaluate", trained("text"), "--file", "-", "--per-line", stdin=text).stdout
        assert len(message.splitlines()) == 9
        document = json.loads(seqapp("evaluate", trained("text"), "--file", "-", "--json", stdin=text).stdout)
        assert document["split"]["test"] == {"rows": [0, 81], "source": "standard input"}
        assert refused("evaluate", trained("text"), "--file", "-", stdin="") == (
            "Error: standard input: expected a text, got nothing."
        )

    def test_what_cannot_be_scored(self, trained: Callable[[str], Path], tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("x" * 100_001)
        assert refused("evaluate", trained("text"), "--file", tmp_path / "a.txt", "--per-line") == (
            f"Error: {tmp_path / 'a.txt'}, line 1: 100,001 characters; --per-line takes 100,000 at most. "
            "Leave --per-line out to score the file as one text."
        )
        assert refused("evaluate", trained("text"), "--per-line") == (
            "Error: --per-line: name the lines to score with --file."
        )
        assert refused("evaluate", trained("stock"), "--file", tmp_path / "a.txt") == (
            "Error: this dataset is measured on its own test split only: leave the file out."
        )
        assert refused("evaluate", trained("stock"), "--file", tmp_path / "a.txt", "--per-line") == (
            "Error: --per-line: only language models score lines."
        )


class TestBadTexts:
    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"top_p": [0.0]}, "top_p: expected above 0 and at most 1 (all), got [0]"),
            ({"top_k": [-1]}, "top_k: expected 0 (all) or more, got [-1]"),
            ({"length": [-1]}, "length: expected 0 or more, got [-1]"),
            ({"temperature": [-1.0]}, "temperature: expected 0 or more, got [-1]"),
            ({"seed": [1, 2]}, "expected as many rows of each, got [1 2]"),
        ],
    )
    def test_a_served_question_gets_a_sentence(
        self, wrong: dict[str, Any], message: str, trained: Callable[[str], Path]
    ) -> None:
        run = open_run(trained("text"))
        task = run.task()
        sample = functions(task, run.load_network(task), "sample")["sample"]
        question = {"prompt": ["Doug"], "length": [3], "temperature": [1.0], "seed": [1], "top_k": [0], "top_p": [1.0],
                 "stop": [""]}  # fmt: skip
        with pytest.raises(BadInput, match=re.escape(message)):
            sample(**question | wrong)

    @pytest.mark.usefixtures("no_training")
    def test_the_same_command_resumes(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text(ALPHABET)
        command = [
            "train",
            "text",
            "--file",
            tmp_path / "a.txt",
            "--units",
            4,
            "--epochs",
            1,
            "--out",
            tmp_path / "run",
        ]
        seqapp(*command)
        seqapp(*command, "--resume")

    @pytest.mark.parametrize(
        ("content", "options", "message"),
        [
            (
                "ab" * 60,
                [],
                "expected at least 128 tokens for --bptt 16, got 120. Give more text.",
            ),
            (
                "ab" * 60,
                ["--bptt", "20"],
                "expected at least 160 tokens for --bptt 20, got 120. Use a smaller --bptt, or give more text.",
            ),
            ("ab" * 6, ["--bptt", "2"], "expected at least 16 tokens for --bptt 2, got 12. Give more text."),
            ("a" * 4000, [], "expected a text, got one token over and over: 'a'."),
            (
                "ab\0" * 400,
                [],
                "expected text, got a binary file (a zero byte at offset 2). Trained with --level byte, a run reads any file.",
            ),
            (
                b"ab\xff" * 400,
                [],
                "expected text in UTF-8, got byte 0xff at offset 2. Trained with --level byte, a run reads any file.",
            ),
            ("", [], "expected a text file, got a file of 0 bytes."),
            (
                "ab" * 4000,
                ["--documents", "line"],
                "--documents line: there is no border between documents. Leave it out.",
            ),
        ],
    )
    def test_one_clear_line(self, content: str | bytes, options: list[str], message: str, tmp_path: Path) -> None:
        file = tmp_path / "a.txt"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        assert refused("train", "text", "--file", file, *options) == f"Error: {file}: {message}"

    @pytest.mark.usefixtures("no_training")
    def test_a_line_of_many_megabytes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(encoding, "BLOCK", 1000)
        (tmp_path / "a.txt").write_text("ab" * 5000)
        seqapp("train", "text", "--file", tmp_path / "a.txt", "--units", 4, "--epochs", 1, "--out", tmp_path / "run")
        assert refused("train", "text", "--file", tmp_path / "a.txt", "--level", "word") == (
            f"Error: {tmp_path / 'a.txt'}, offset 0: 3000 bytes without a space between words. Use --level char."
        )

    def test_a_folder_without_texts(self, tmp_path: Path) -> None:
        assert refused("train", "text", "--file", tmp_path) == (
            f"Error: {tmp_path}: expected text files, got a folder without any *.txt."
        )

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--file", "a.txt", "--corpus", "stories"], "--file and --corpus: give one of them."),
            (["--file", "a.txt", "--gap", 5], "--gap: only --corpus recall has one."),
            (["--gap", 5], "--gap: only --corpus recall has one."),
            (
                ["--file", "-"],
                "--file -: training reads its text again later, so it cannot be a pipe. Write it to a file.",
            ),
        ],
    )
    def test_options_that_do_not_go_together(self, options: list[object], message: str) -> None:
        assert refused("train", "text", *options) == f"Error: {message}"

    def test_a_vocabulary_of_one(self) -> None:
        assert "1 is not in the range x>=4" in seqapp("train", "text", "--vocabulary-size", 1, code=2).output

    def test_a_temperature_below_zero(self, trained: Callable[[str], Path]) -> None:
        assert (
            "-1.0 is not in the range x>=0" in seqapp("generate", trained("text"), "--temperature", -1, code=2).output
        )

    @pytest.mark.usefixtures("no_training")
    def test_a_text_that_changed_under_a_run(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text(ALPHABET)
        seqapp("train", "text", "--file", tmp_path / "a.txt", "--units", 4, "--epochs", 1, "--out", tmp_path / "run")
        (tmp_path / "a.txt").write_text(ALPHABET[::-1])
        assert "the data has changed since training" in refused("evaluate", tmp_path / "run")


def test_the_larger_a_text_the_larger_the_network_and_the_less_is_dropped() -> None:
    sizes = (70_000, 800_000, 2_900_000, 35_000_000, 700_000_000)
    selection = [by_size(tokens, 128) for tokens in sizes]
    assert [options["units"] * options["layers"] for options in selection] == [384, 768, 768, 1024, 1024]
    assert [options["dropout"] for options in selection] == [0.5, 0.25, 0.25, 0.1, 0.1]
    assert [options["epochs"] for options in selection] == [60, 21, 12, 10, 10]
    assert [options["epoch_steps"] * 10 * 32 * 128 for options in selection[3:]] == pytest.approx([3e7, 3e7], rel=0.01)


@pytest.mark.parametrize(("engine", "dropped"), [("fast", 0.5), ("keras", 0.0)])
@pytest.mark.usefixtures("no_training")
def test_weights_are_dropped_by_default_where_the_layers_know_how(engine: str, dropped: float, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ALPHABET)
    message = seqapp("train", "text", "--file", tmp_path / "a.txt", "--units", 4, "--epochs", 1, "--engine", engine,
                  "--out", tmp_path / "run").stderr  # fmt: skip
    assert open_run(tmp_path / "run").record["options"]["network"]["weight_drop"] == dropped
    assert (
        f"for 2,000 rows: --level char, --bptt 31, --layers 1, --dropout 0.5, --input-dropout 0.0, --weight-drop {dropped}"
        in message
    )


def test_regularisers_and_averaging_train_and_are_kept(tmp_path: Path) -> None:
    seqapp("train", "text", *SMALL_OPTIONS["text"], "--layers", 2, "--dropout", 0.2, "--input-dropout", 0.1, "--weight-drop", 0.3,
           "--tie-embeddings", "--activation-l2", 2, "--temporal-l2", 1, "--weight-decay", 0.01, "--ema-momentum", 0.9,
           "--schedule", "plateau", "--warmup", 10, "--epoch-steps", 20, "--out", tmp_path / "run")  # fmt: skip
    run = open_run(tmp_path / "run")
    assert run.record["options"]["network"]["tie_embeddings"] is True
    assert seqapp("predict", tmp_path / "run", "Doug saw").stdout
    names = [row["layer"] for row in json.loads(seqapp("inspect", tmp_path / "run", "weights", "--json").stdout)]
    assert names.count("embedding") == 1
    assert "head" not in names
