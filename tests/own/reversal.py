"""Reversal: a word read as a whole, and written backwards letter by letter."""

from dataclasses import dataclass

import numpy as np

from seqapp.contract import Baseline, Dataset, Encoded, Metric
from seqapp.contract import Task as BaseTask
from seqapp.contract.options import option
from seqapp.data import splits
from seqapp.data.windows import Windows
from seqapp.errors import BadInput
from seqapp.features import Tokens
from seqapp.heads import Category
from seqapp.networks.encoder_decoder import encoder_decoder
from seqapp.system.files import sha256

DEFAULTS = {"units": 48, "epochs": 14, "batch_size": 64, "learning_rate": 0.015, "patience": 14}
LETTERS = "abcd"
END, START = len(LETTERS), len(LETTERS) + 1  # ids after those of the letters
LONGEST_WORD = 4


@dataclass(frozen=True)
class Options:
    words: int = option(2000, "Words to draw.", minimum=60)


def load(options, seed):
    random = np.random.default_rng(seed)
    lengths = random.integers(2, LONGEST_WORD + 1, options.words)
    return Reversal(["".join(random.choice(list(LETTERS), length)) for length in lengths])


@dataclass(frozen=True)
class Task(BaseTask):
    """Words `(batch,)` -> the same backwards."""

    literal = True

    @property
    def inputs(self):
        return Tokens(len(LETTERS) + 2)

    @property
    def context(self):
        return {"source": Tokens(len(LETTERS))}

    @property
    def head(self):
        return Category(len(LETTERS) + 1)

    def network(self, layer, options, seed):
        return encoder_decoder(self, layer, options, seed)

    def signature(self):
        import tensorflow as tf

        return {"word": tf.TensorSpec([None], tf.string)}

    def encode(self, raw):
        import tensorflow as tf

        letters = tf.strings.bytes_split(raw["word"])
        ids = tf.cast(tf.io.decode_raw(letters.flat_values, tf.uint8)[:, 0], tf.int32) - ord("a")
        lengths = tf.cast(letters.row_lengths(), tf.int32)
        start = tf.fill([tf.shape(lengths)[0], 1], START)
        return Encoded(start, {"source": letters.with_values(ids).to_tensor()}, {"source": lengths})

    def answer(self, network, raw):
        """The most likely letter after each, until the end."""
        import tensorflow as tf

        encoded = self.encode(raw)
        batch = tf.shape(encoded.inputs)[0]
        names = tf.constant([*LETTERS, ""])

        def write(step, letter, ended, state, text):
            hidden, state = network.step(letter[:, tf.newaxis], state)
            letter = tf.argmax(network.head(hidden)[:, -1], -1, output_type=tf.int32)
            ended |= letter == END
            return step + 1, letter, ended, state, text + tf.where(ended, "", tf.gather(names, letter))

        state = network.start(encoded, batch)
        first = (0, encoded.inputs[:, 0], tf.zeros([batch], tf.bool), state, tf.fill([batch], ""))
        going = lambda step, letter, ended, state, text: (step <= LONGEST_WORD) & ~tf.reduce_all(ended)  # noqa: E731
        return {"backwards": tf.while_loop(going, write, first)[-1]}

    def read(self, text, source):
        word = text.strip()
        if not word or set(word) - set(LETTERS):
            raise BadInput(f"{source}: expected a word of the letters {LETTERS}, got '{word}'.")
        return {"word": np.array([word], object)}


class Reversal(Dataset):
    """Words; predictions are whole words, so that the metric is an error rate over all letters."""

    def __init__(self, words):
        self.task, self.words = Task(), words
        self.cut = splits.cut(len(words), "0.7,0.15,0.15")
        self.split = self.cut.describe()
        self.data = {"sha256": sha256(repr(words)), "rows": len(words), "source": "random words"}
        self.latest = {"word": [words[-1]]}

    def examples(self, split):
        words = self.words[slice(*getattr(self.cut, split))]
        source = _ids(words, LONGEST_WORD, 0)
        target = _ids([word[::-1] for word in words], LONGEST_WORD + 1, END)
        lengths = np.array([len(word) for word in words], np.int32)
        inputs = np.pad(target[:, :-1], [(0, 0), (1, 0)], constant_values=START)
        weights = np.arange(LONGEST_WORD + 1) <= lengths[:, np.newaxis]
        return Windows.from_arrays(inputs, target, weights, {"source": source}, {"source": lengths})

    def predict(self, network, split):
        import tensorflow as tf

        if split != "test":
            return None
        words = self.words[slice(*self.cut.test)]
        answer = self.task.answer(network, {"word": tf.constant(words)})["backwards"]
        return [(word[::-1], message.decode()) for word, message in zip(words, answer.numpy(), strict=True)]

    def baselines(self):
        test = self.words[slice(*self.cut.test)]
        return {"copy": Baseline([(word[::-1], word) for word in test], "copying the word")}

    @property
    def metrics(self):
        return [
            Metric("letter_error_rate", _errors, lambda rows: rows[:, 0].sum() / rows[:, 1].sum()),
            Metric("exact_match", lambda pairs: np.array([float(a == b) for a, b in pairs]), higher_is_better=True),
        ]


def _errors(pairs):
    """Wrong, missing and added letters, and letters of each word, `(words, 2)`."""
    rows = []
    for actual, predicted in pairs:
        wrong = sum(a != b for a, b in zip(actual, predicted, strict=False))
        rows.append((wrong + abs(len(actual) - len(predicted)), len(actual)))
    return np.array(rows, float)


def _ids(words, width, filler):
    ids = np.full((len(words), width), filler, np.int32)
    for row, word in zip(ids, words, strict=True):
        row[: len(word)] = [LETTERS.index(letter) for letter in word]
    return ids
