"""Clips: which way does a dot move over a short film of 6 × 6 pixels, of 3 to 8 frames?"""

import json
from dataclasses import dataclass

import numpy as np

from seqapp.contract import Baseline, Encoded
from seqapp.contract import Task as BaseTask
from seqapp.contract.options import option
from seqapp.data import splits
from seqapp.data.windows import Windows
from seqapp.errors import BadInput
from seqapp.features import Frames
from seqapp.heads import Category
from seqapp.system.files import sha256
from seqapp.tasks.classification.dataset import CategoryDataset, majority

DEFAULTS = {"units": 16, "epochs": 8, "batch_size": 32, "learning_rate": 0.01}
WAYS = {"right": (0, 1), "left": (0, -1), "down": (1, 0), "up": (-1, 0)}
SIZE, LONGEST_CLIP = 6, 8


@dataclass(frozen=True)
class Options:
    clips: int = option(500, "Clips to draw.", minimum=30)


def load(options, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(WAYS), options.clips)
    lengths = random.integers(3, LONGEST_CLIP + 1, options.clips)
    return Clips(np.stack([_clip(*pair, random) for pair in zip(labels, lengths, strict=True)]), labels, lengths)


@dataclass(frozen=True)
class Task(BaseTask):
    """Frames `(batch, steps, 6, 6)`, from 0 to 1; frames of NaN at the end are absent -> a way and its probability."""

    looks_ahead = True

    @property
    def inputs(self):
        return Frames(SIZE, SIZE)

    @property
    def head(self):
        return Category(len(WAYS), whole=True)

    def signature(self):
        import tensorflow as tf

        return {"frames": tf.TensorSpec([None, None, SIZE, SIZE], tf.float32)}

    def encode(self, raw):
        import tensorflow as tf

        absent = tf.reduce_all(tf.math.is_nan(raw["frames"]), [2, 3])
        lengths = tf.reduce_sum(tf.cast(~absent, tf.int32), 1)
        frames = tf.where(tf.math.is_nan(raw["frames"]), 0.0, raw["frames"])
        return Encoded(frames[..., tf.newaxis], lengths={"inputs": lengths})

    def answer(self, network, raw):
        import tensorflow as tf

        encoded = self.encode(raw)
        probability = tf.nn.softmax(self.head.logits(network(encoded), network.head, encoded))
        way = tf.gather(tf.constant(list(WAYS)), tf.argmax(probability, -1))
        return {"way": way, "probability": probability}

    def read(self, text, source):
        try:
            frames = np.array(json.loads(text), np.float32)
        except ValueError:
            frames = np.zeros(0)
        if frames.shape[1:] != (SIZE, SIZE):
            raise BadInput(f"{source}: expected a JSON list of frames of {SIZE} × {SIZE} numbers.")
        return {"frames": frames[np.newaxis]}


class Clips(CategoryDataset):
    """Clips `(clips, 8, 6, 6)`, black after their last frame."""

    def __init__(self, clips, labels, lengths):
        self.task, self.clips, self.labels, self.lengths = Task(), clips, labels, lengths
        self.cut = splits.cut(len(clips), "0.7,0.15,0.15")
        self.split = self.cut.describe()
        self.data = {"sha256": sha256(clips.tobytes()), "rows": len(clips), "source": "random clips"}
        self.latest = {"frames": clips[[-1], : lengths[-1]].tolist()}

    def examples(self, split):
        rows = slice(*getattr(self.cut, split))
        count = len(self.labels[rows])
        return Windows.from_arrays(
            self.clips[rows][..., np.newaxis],
            self.labels[rows].astype(np.int32),
            np.ones(count),
            lengths={"inputs": self.lengths[rows].astype(np.int32)},
        )

    def baselines(self):
        train, test = slice(*self.cut.train), slice(*self.cut.test)
        return {
            "majority": Baseline(majority(self.labels[train], self.labels[test], len(WAYS)), "the most frequent way")
        }


def _clip(label, length, random):
    down, right = list(WAYS.values())[label]
    clip = np.zeros((LONGEST_CLIP, SIZE, SIZE), np.float32)
    row, column = random.integers(0, SIZE, 2)
    for frame in clip[:length]:
        frame[row % SIZE, column % SIZE] = 1
        row, column = row + down, column + right
    return clip
