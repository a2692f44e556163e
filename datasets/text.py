"""Text: what letter comes next, or what word; and text that goes on from a prompt.

Offline corpora: CPython's own documentation topics (the default); `stories`, the children's book over the dictionary
{Doug, Jane, Spot, saw, .}; `recall`, passages that open with "I am French." and end on "I speak fluent …"; or any file.
"""

from __future__ import annotations

import click
import numpy as np
from numpy.typing import NDArray

from seqapp.data import splits
from seqapp.data.tokenizers import LEVELS
from seqapp.data.vocabulary import Vocabulary
from seqapp.errors import BadInput
from seqapp.system.text import to_bytes
from seqapp.tasks.text.corpora import CORPORA, Offline
from seqapp.tasks.text.corpus import Corpus, encode, read_corpus
from seqapp.tasks.text.dataset import Reading, TextDataset, files
from seqapp.tasks.text.task import TextTask

Task = TextTask
DEFAULTS = dict.fromkeys(
    (
        "units", "layers", "dropout", "input_dropout", "weight_drop", "epochs", "batch_size", "learning_rate",
        "patience", "warmup", "weight_decay", "ema_momentum",
    )
)  # fmt: skip
CORPUS, GAP = "python_docs", 200
WORDS = 10_000  # vocabulary of words where --vocabulary-size is not given
TAIL = 200  # tokens that `predict` and `generate` go on from where nothing else is given
LEAST, LEAST_LENGTH = 8, 2  # windows that a text must hold, and tokens of a window


@click.option("--corpus", type=click.Choice(list(CORPORA)), help=f"An offline text.  [default: {CORPUS}]")
@click.option("--gap", type=click.IntRange(min=1), help=f"Words to remember across, in recall.  [default: {GAP}]")
@click.option(
    "--file",
    multiple=True,
    type=click.Path(resolve_path=True),
    help="A text in place of a corpus; may be given several times, and may be a folder of *.txt files.",
)
@click.option(
    "--level", type=click.Choice(list(LEVELS)), help="Tokens.  [default: word for stories, recall; else char]"
)
@click.option(
    "--bptt",
    type=click.IntRange(min=LEAST_LENGTH),
    help="Tokens after which gradients stop; the state goes on.  [default: up to 128]",
)
@click.option(
    "--documents",
    type=click.Choice(["line", "blank-line", "file"]),
    help="What begins anew, with a state of zero.  [default: nothing, the text is one]",
)
@click.option(
    "--vocabulary-size",
    type=click.IntRange(min=4),
    help=f"Commonest tokens to keep, <unk> and <start> included.  [default: all characters, {WORDS} words]",
)
@splits.by_rows
def load(
    corpus: str | None,
    gap: int | None,
    file: tuple[str, ...],
    level: str | None,
    bptt: int | None,
    documents: str | None,
    vocabulary_size: int | None,
    split: str,
    seed: int,
) -> TextDataset:
    """A corpus as one stream of tokens, cut in order; the vocabulary is that of the training tokens."""
    offline, source = _offline(corpus, gap, file, seed)
    level, documents = level or offline.level, documents or offline.documents
    if file:
        held = read_corpus(files(file), level, lambda text: click.echo(text, err=True))
    else:
        held = encode([(source, offline.text.encode())], level)
    starts = held.documents(documents)
    if documents in ("line", "blank-line") and len(starts) == 1:
        raise BadInput(f"{source}: --documents {documents}: found no border between documents. Leave it out.")
    length = bptt or offline.bptt or _bptt(len(held.ids), starts)
    if len(held.ids) < LEAST * length:
        raise BadInput(
            f"{source}: expected at least {LEAST * length} tokens for --bptt {length}, got {len(held.ids)}. "
            + ("Use a smaller --bptt, or give more text." if bptt and bptt > LEAST_LENGTH else "Give more text.")
        )
    cut = splits.cut(len(held.ids), split, length)
    vocabulary = _vocabulary(held, cut.train, level, vocabulary_size, source)
    task = Task(level, vocabulary.tokens, documents == "file")
    tail = LEVELS[level].writer("")([held.kinds[place] for place in held.ids[-TAIL:].tolist()])
    latest = to_bytes(tail).decode(errors="ignore")
    reading = Reading(documents, length, offline.defaults, offline.emphasis)
    return TextDataset(task, held, cut, reading, source, latest, offline.probe)


def _offline(corpus: str | None, gap: int | None, file: tuple[str, ...], seed: int) -> tuple[Offline, str]:
    """The offline text that is asked for, an empty one where files are; and what it is called."""
    if file and corpus:
        raise BadInput("--file and --corpus: give one of them.")
    if gap and corpus != "recall":
        raise BadInput("--gap: only --corpus recall has one.")
    name = corpus or CORPUS
    return (Offline(""), ", ".join(file)) if file else (CORPORA[name](seed, gap or GAP), name)


def _vocabulary(held: Corpus, train: tuple[int, int], level: str, size: int | None, source: str) -> Vocabulary:
    """That of the training tokens; all bytes are known."""
    counts = dict(zip(held.kinds, held.counts(*train).tolist(), strict=True))
    counted = {kind: 1 if level == "byte" else count for kind, count in counts.items() if count or level == "byte"}
    if len(counted) < 2:
        raise BadInput(f"{source}: expected a text, got one token over and over: {next(iter(counted))!r}.")
    return Vocabulary.counted(counted, size or (WORDS if level == "word" else None))


def _bptt(tokens: int, starts: NDArray[np.int64]) -> int:
    """128; less where the text or its documents are short."""
    longest = min(128, tokens // (8 * LEAST))
    if len(starts) > 1:
        longest = min(longest, -(-int(np.quantile(np.diff(starts), 0.9)) // 8) * 8)
    return max(16, longest)
