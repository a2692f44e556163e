"""Text: what letter comes next, or what word; and text that goes on from a prompt.

Offline corpora: CPython's own documentation topics (the default) and `stories`, the children's book over the
dictionary {Doug, Jane, Spot, saw, .}; or any UTF-8 file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import click
import numpy as np

from seqapp import splits
from seqapp.contract import Raw
from seqapp.errors import BadInput
from seqapp.language import TextDataset, TextTask, split_text
from seqapp.table import decode, read_bytes
from seqapp.vocabulary import Vocabulary

Task = TextTask
DEFAULTS = {"units": 128, "epochs": 12, "batch_size": 64, "learning_rate": 0.01, "patience": 12}
NAMES = ("Doug", "Jane", "Spot")
SENTENCE = 4  # tokens
SENTENCES = 2000  # generated to count the lecture's mistakes
WORDS = 10_000  # vocabulary of words where --vocabulary-size is not given


@click.option(
    "--corpus",
    default="python_docs",
    show_default=True,
    type=click.Choice(["python_docs", "stories"]),
    help="An offline text.",
)
@click.option("--file", type=click.Path(resolve_path=True), help="A UTF-8 text in place of a corpus.")
@click.option("--level", type=click.Choice(["char", "word"]), help="Tokens.  [default: word for stories, else char]")
@click.option("--length", type=click.IntRange(min=2), help="Tokens in a window.  [default: 64, stories: 16]")
@click.option(
    "--stride", type=click.IntRange(min=1), help="Tokens between two training windows.  [default: half of --length]"
)
@click.option(
    "--vocabulary-size",
    type=click.IntRange(min=4),
    help=f"Commonest tokens to keep.  [default: all characters, {WORDS} words]",
)
@splits.by_rows
def load(
    corpus: str,
    file: str | None,
    level: str | None,
    length: int | None,
    stride: int | None,
    vocabulary_size: int | None,
    split: str,
    seed: int,
) -> TextDataset:
    """A corpus as one stream of tokens, cut in order; the vocabulary is that of the training tokens."""
    stories = corpus == "stories" and not file
    content = read_bytes(file, "a text file") if file else (_stories(seed) if stories else _python_docs()).encode()
    text = decode(content, file or corpus, "text")
    level = level or ("word" if stories else "char")
    tokens = split_text(np.array([text], object), level).numpy()[0]
    length = length or (16 if stories else 64)
    stride = stride or (SENTENCE if stories else max(1, length // 2))
    if len(tokens) < 8 * length:
        raise BadInput(
            f"{file or corpus}: expected at least {8 * length} tokens for --length {length}, got {len(tokens)}. "
            "Use a smaller --length, or give more text."
        )
    cut = splits.cut(len(tokens), split, length)
    known = [token.decode() for token in tokens[slice(*cut.train)]]
    size = vocabulary_size or (WORDS if level == "word" else None)
    task = Task(level, Vocabulary.fit(known, size).tokens)
    stream = task.vocabulary.ids(tokens).numpy()
    data = {"sha256": hashlib.sha256(content).hexdigest(), "rows": len(tokens), "source": file or corpus}
    return TextDataset(task, stream, cut, length, stride, data, text[-200:], count_mistakes if stories else None)


def count_mistakes(functions: Mapping[str, Callable[..., Raw]]) -> dict[str, float]:
    """The lecture's mistakes in 2,000 sentences generated at temperature 1."""
    streams = 50
    tokens = (SENTENCE + 1) * SENTENCES // streams
    made = functions["generate"](
        prompt=[""] * streams, length=[tokens] * streams, temperature=[1.0] * streams, seed=list(range(streams))
    )
    return mistakes(list(made["text"]))


def mistakes(texts: list[str], sentences: int = SENTENCES) -> dict[str, float]:
    """Count the mistakes of the children's book in the first `sentences` sentences.

    Example: ["Doug saw Doug. Spot. Jane saw Spot saw Doug."] -> one of each kind.
    """
    found = [sentence.split() for text in texts for sentence in text.split(".")[:-1]]
    found = (found + [text.split(".")[-1].split() for text in texts if len(text.split(".")[-1].split()) > 3])[
        :sentences
    ]
    right = [len(words) == 3 and words[0] in NAMES and words[1] == "saw" and words[2] in NAMES for words in found]
    self_seen = [good and words[0] == words[2] for good, words in zip(right, found, strict=True)]
    return {
        "sentences": len(found),
        "mistakes": sum(not good for good in right) + sum(self_seen),
        "mistakes_sees_itself": sum(self_seen),
        "mistakes_does_not_end": sum(len(words) > 3 for words in found),
        "mistakes_one_word": sum(len(words) == 1 for words in found),
    }


def _python_docs() -> str:
    """CPython's own documentation topics, about 465,000 characters."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


def _stories(seed: int, sentences: int = 20000) -> str:
    """The children's book: "NAME saw NAME.", never a name seeing itself."""
    random = np.random.default_rng(seed)
    pairs = [random.choice(NAMES, 2, replace=False) for _ in range(sentences)]
    return " ".join(f"{first} saw {second}." for first, second in pairs)
