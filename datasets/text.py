"""Text: the next letter or word, and text that continues a prompt.

Texts without a download: CPython's documentation topics (the default); `stories`, the children's book over the
dictionary {Doug, Jane, Spot, saw, .}; `recall`, passages that open with "I am French." and end with "I speak fluent …".
Or any file.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqapp.contract.options import option
from seqapp.data import splits
from seqapp.data.tokenizers import TOKENIZERS
from seqapp.data.vocabulary import Vocabulary
from seqapp.errors import BadInput
from seqapp.system.text import to_bytes
from seqapp.tasks.text.corpora import CORPORA, OfflineText
from seqapp.tasks.text.corpus import Corpus
from seqapp.tasks.text.dataset import TextDataset, TextSettings
from seqapp.tasks.text.encoding import encode
from seqapp.tasks.text.files import read_corpus, text_files
from seqapp.tasks.text.task import TextTask

Task = TextTask
DEFAULTS = dict.fromkeys(
    (
        "units", "layers", "dropout", "input_dropout", "weight_drop", "epochs", "batch_size", "learning_rate",
        "patience", "warmup", "weight_decay", "ema_momentum",
    )
)  # fmt: skip
CORPUS, GAP = "python_docs", 200
WORD_VOCABULARY = 10_000  # default size of a vocabulary of words
TAIL = 200  # tokens at the end of the text, which `predict` and `generate` continue by default
MIN_WINDOWS, MIN_LENGTH = 8, 2  # of a text; tokens of a window

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """Options of a text; None leaves a value to the text."""

    corpus: str | None = option(None, "A text that needs no download.", choices=CORPORA, default_text=CORPUS)
    gap: int | None = option(
        None, "Number of words to remember across, in the corpus recall.", minimum=1, default_text=str(GAP)
    )
    file: tuple[str, ...] = option(
        (), "A text in place of a corpus; may be given several times, and may be a folder of *.txt files.", is_path=True
    )
    level: str | None = option(
        None, "What a token is.", choices=TOKENIZERS, default_text="word for the corpora stories and recall, else char"
    )
    bptt: int | None = option(
        None, "Number of tokens after which gradients stop; the state is carried on.",
        minimum=MIN_LENGTH, default_text="up to 128",
    )  # fmt: skip
    documents: str | None = option(
        None, "What a document is; each begins with a state of zero.",
        choices=("line", "blank-line", "file"), default_text="the whole text is one",
    )  # fmt: skip
    vocabulary_size: int | None = option(
        None, "Number of most frequent tokens to keep, <unk> and <start> included.",
        minimum=4, default_text=f"all characters, {WORD_VOCABULARY} words",
    )  # fmt: skip
    split: str = splits.split_option()


def load(options: Options, seed: int) -> TextDataset:
    """Read a text as one stream of tokens and split it in order; the vocabulary is that of the training tokens."""
    offline, source = _offline(options, seed)
    level, documents = options.level or offline.level, options.documents or offline.documents
    if options.file:
        encoded = read_corpus(text_files(options.file), level, logger.info)
    else:
        encoded = encode([(source, offline.text.encode())], level)
    starts = encoded.document_starts(documents)
    if documents in ("line", "blank-line") and len(starts) == 1:
        raise BadInput(f"{source}: --documents {documents}: there is no border between documents. Leave it out.")
    length = options.bptt or offline.bptt or _bptt(len(encoded.ids), starts)
    if len(encoded.ids) < MIN_WINDOWS * length:
        raise BadInput(
            f"{source}: expected at least {MIN_WINDOWS * length} tokens for --bptt {length}, got {len(encoded.ids)}. "
            + ("Use a smaller --bptt, or give more text." if (options.bptt or 0) > MIN_LENGTH else "Give more text.")
        )
    cut = splits.cut(len(encoded.ids), options.split, length)
    vocabulary = _vocabulary(encoded, cut.train, level, options.vocabulary_size, source)
    task = Task(level, vocabulary.tokens, documents == "file")
    settings = TextSettings(source, documents, length, offline.defaults, offline.emphasis, offline.probe)
    return TextDataset(task, encoded, starts, cut, settings, _end(encoded, level))


def _end(corpus: Corpus, level: str) -> str:
    """Return the end of the text, which is what is continued by default."""
    tokens = [corpus.types[number] for number in corpus.ids[-TAIL:].tolist()]
    return to_bytes(TOKENIZERS[level].detokenizer("")(tokens)).decode(errors="ignore")


def _offline(options: Options, seed: int) -> tuple[OfflineText, str]:
    """Return the offline text of the options, an empty one where there are files; and its name."""
    if options.file and options.corpus:
        raise BadInput("--file and --corpus: give one of them.")
    if options.gap and options.corpus != "recall":
        raise BadInput("--gap: only --corpus recall has one.")
    name = options.corpus or CORPUS
    if options.file:
        return OfflineText(""), ", ".join(options.file)
    return CORPORA[name](seed, options.gap or GAP), name


def _vocabulary(corpus: Corpus, train: tuple[int, int], level: str, size: int | None, source: str) -> Vocabulary:
    """Return the vocabulary of the training tokens; of bytes that of all 256."""
    counts = dict(zip(corpus.types, corpus.counts(*train).tolist(), strict=True))
    counts = {token: 1 if level == "byte" else count for token, count in counts.items() if count or level == "byte"}
    if len(counts) < 2:
        raise BadInput(f"{source}: expected a text, got one token over and over: {next(iter(counts))!r}.")
    return Vocabulary.from_counts(counts, size or (WORD_VOCABULARY if level == "word" else None))


def _bptt(tokens: int, starts: NDArray[np.int64]) -> int:
    """Return the default length of a window: 128, less if the text or its documents are short.

    Args:
        tokens: of the whole text.
        starts: the first token of each document.
    """
    length = min(128, tokens // (8 * MIN_WINDOWS))
    if len(starts) > 1:
        length = min(length, -(-int(np.quantile(np.diff(starts), 0.9)) // 8) * 8)
    return max(16, length)
