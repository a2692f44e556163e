"""Web-log: which page does a visitor open next? Many short sessions, not one long series."""

from dataclasses import dataclass

import numpy as np

from seqapp.contract import Baseline, Encoded, outputs
from seqapp.contract.options import option
from seqapp.data import splits
from seqapp.data.vocabulary import START, Vocabulary
from seqapp.data.windows import Windows
from seqapp.errors import BadInput
from seqapp.features import Tokens
from seqapp.generation.asking import AskingTask
from seqapp.generation.sampling import sample
from seqapp.heads import Category
from seqapp.system.files import sha256
from seqapp.tasks.classification.dataset import CategoryDataset, majority, markov

DEFAULTS = {"units": 24, "epochs": 6, "batch_size": 32, "learning_rate": 0.01}
PAGES = ("home", "search", "list", "item", "cart", "pay")


@dataclass(frozen=True)
class Options:
    sessions: int = option(1500, "Sessions to simulate.")
    split: str = splits.split_option()


def load(options, seed):
    random = np.random.default_rng(seed)
    visits = [_session(random) for _ in range(options.sessions)]
    cut = splits.cut(options.sessions, options.split)
    known = [page for visit in visits[slice(*cut.train)] for page in visit]
    return WebLog(Task(Vocabulary.fit(known).tokens), visits, cut)


@dataclass(frozen=True)
class Task(AskingTask):
    """Sessions `(batch, pages)`, "" after the last page -> pages by probability, best first."""

    tokens: tuple
    literal = True

    @property
    def inputs(self):
        return Tokens(len(self.tokens))

    @property
    def head(self):
        return Category(len(self.tokens))

    def signature(self):
        import tensorflow as tf

        return {"pages": tf.TensorSpec([None, None], tf.string)}

    def encode(self, raw):
        import tensorflow as tf

        ids = Vocabulary(self.tokens).ids(raw["pages"])
        return Encoded(tf.pad(ids, [[0, 0], [1, 0]], constant_values=self.tokens.index(START)))

    def answer(self, network, raw):
        import tensorflow as tf

        length = tf.reduce_sum(tf.cast(raw["pages"] != "", tf.int32), 1)
        logits = tf.gather(outputs(network, self.encode(raw)), length, batch_dims=1)[:, 2:]
        probability, order = tf.math.top_k(tf.nn.softmax(logits), len(self.tokens) - 2)
        return {"next": tf.gather(tf.constant(self.tokens[2:]), order), "probability": probability}

    def read(self, text, source):
        pages = text.split()
        if unknown := [page for page in pages if page not in self.tokens]:
            raise BadInput(f"{source}: no page '{unknown[0]}'. Choose from: {', '.join(self.tokens[2:])}.")
        return {"pages": np.array([pages or [""]], object)}

    def extend(self, raw, answer, temperature, random):
        item = answer["next"][0, sample(answer["probability"][0], temperature, random)]
        return {"pages": np.append(raw["pages"], [[item]], axis=1)}, item


class WebLog(CategoryDataset):
    """Each session is one row, padded on the right with weight 0."""

    def __init__(self, task, visits, cut):
        self.task, self.visits, self.cut, self.split = task, visits, cut, cut.describe()
        self.data = {"sha256": sha256(repr(visits)), "rows": len(visits), "source": "simulated"}
        self.latest = {"pages": [visits[-1]]}

    def rows(self, split):
        """Ids with <start> before the first page, `(sessions, longest + 1)`; 0 is padding."""
        part = self.visits[slice(*getattr(self.cut, split))]
        longest = max(map(len, self.visits)) + 1
        rows = np.zeros((len(part), longest), np.int32)
        for row, visit in zip(rows, part, strict=True):
            row[: len(visit) + 1] = [self.task.tokens.index(token) for token in (START, *visit)]
        return rows

    def examples(self, split):
        rows = self.rows(split)
        return Windows.from_arrays(rows[:, :-1], rows[:, 1:], rows[:, 1:] > 0)

    def baselines(self):
        train, test = self.rows("train"), self.rows("test")
        before, after = train[:, :-1][train[:, 1:] > 0], train[:, 1:][train[:, 1:] > 0]
        last, actual, size = test[:, :-1][test[:, 1:] > 0], test[:, 1:][test[:, 1:] > 0], len(self.task.tokens)
        return {
            "majority": Baseline(majority(after, actual, size), "always the most frequent page"),
            "markov": Baseline(markov(before, after, last, actual, size), "the Markov chain"),
        }


def _session(random):
    """A visitor continues from the last two pages, and after some pages leaves."""
    pages = ["home", PAGES[random.integers(6)]]
    while random.random() < 0.85 and len(pages) < 15:
        usual = PAGES[(PAGES.index(pages[-1]) + 2 * PAGES.index(pages[-2]) + 1) % 6]
        pages.append(usual if random.random() < 0.9 else PAGES[random.integers(6)])
    return pages
