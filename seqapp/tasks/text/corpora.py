"""Texts that need no download, and what is measured in text generated after them.

CPython's documentation; `stories`, sentences of a children's book; `recall`, passages that end on a question about
their first sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from seqapp.contract import Raw

Functions = Mapping[str, Callable[..., Raw]]

NAMES = ("Doug", "Jane", "Spot")
SENTENCE_TOKENS = 4  # of a story's sentence
MEASURED_SENTENCES = 2000  # generated sentences in which mistakes are counted

LANGUAGES = ("Danish", "English", "Finnish", "French", "German", "Polish", "Spanish", "Swedish")
PASSAGES = 4000
LANGUAGE_WEIGHT = 30.0  # of a language in the training loss: it is one token in a hundred
MEASURED_PASSAGES = 200  # for each gap at which recall is measured
GAPS = (200, 500, 1000, 2000)  # words; recall is also measured at the training gap
PEOPLE = ("the cat", "a dog", "my aunt", "the old man", "her brother", "a child")
VERBS = ("saw", "followed", "met", "liked", "heard", "left")
PLACES = ("in the garden", "near the river", "at the market", "behind the house", "on the hill", "after lunch")

PLAIN = {
    "patience": 99,
    "warmup": 0,
    "weight_decay": 0.0,
    "ema_momentum": 0.0,
    "input_dropout": 0.0,
    "weight_drop": 0.0,
}
STORIES = {"units": 128, "layers": 1, "dropout": 0.0, "epochs": 24, "batch_size": 32, "learning_rate": 0.01} | PLAIN
RECALL = {"units": 128, "layers": 1, "dropout": 0.0, "epochs": 40, "batch_size": 32, "learning_rate": 0.005} | PLAIN


class OfflineText(NamedTuple):
    """A text with the settings that suit it; None where the options or the text's size decide."""

    text: str
    level: str = "char"
    documents: str | None = None
    bptt: int | None = None
    defaults: Mapping[str, Any] = MappingProxyType({})  # training options
    emphasis: Mapping[str, float] = MappingProxyType({})  # weights of tokens in the training loss
    probe: Callable[[Functions], dict[str, float]] | None = None  # measures generated text


def python_docs(seed: int, gap: int) -> OfflineText:
    """Return CPython's own documentation topics, about 465,000 characters."""
    from pydoc_data.topics import topics

    return OfflineText("\n\n".join(topics[name] for name in sorted(topics)))


def stories(seed: int, gap: int, sentences: int = 20000) -> OfflineText:
    """Generate the children's book: "NAME saw NAME.", two different names."""
    random = np.random.default_rng(seed)
    pairs = [random.choice(NAMES, 2, replace=False) for _ in range(sentences)]
    text = " ".join(f"{first} saw {second}." for first, second in pairs)
    return OfflineText(text, "word", None, 16, STORIES, probe=_probe_stories)


def _probe_stories(functions: Functions) -> dict[str, float]:
    """Count the mistakes in 2,000 sentences generated at temperature 1."""
    rows = 50
    tokens = (SENTENCE_TOKENS + 1) * MEASURED_SENTENCES // rows
    answer = functions["generate"](
        prompt=[""] * rows, length=[tokens] * rows, temperature=[1.0] * rows, seed=list(range(rows))
    )
    return count_mistakes(list(answer["text"]))


def count_mistakes(texts: list[str], sentences: int = MEASURED_SENTENCES) -> dict[str, float]:
    """Count the mistakes of a network that writes the children's book.

    Args:
        texts: generated; the unfinished last sentence of each counts only where it is too long.
        sentences: how many sentences are looked at.

    Example: ["Doug saw Doug. Spot. Jane saw Spot saw Doug."] -> one of each kind.
    """
    split = [sentence.split() for text in texts for sentence in text.split(".")[:-1]]
    unfinished = [text.split(".")[-1].split() for text in texts]
    split = (split + [words for words in unfinished if len(words) > 3])[:sentences]
    right = [len(words) == 3 and words[0] in NAMES and words[1] == "saw" and words[2] in NAMES for words in split]
    sees_itself = [good and words[0] == words[2] for good, words in zip(right, split, strict=True)]
    return {
        "sentences": len(split),
        "mistakes": sum(not good for good in right) + sum(sees_itself),
        "mistakes_sees_itself": sum(sees_itself),
        "mistakes_does_not_end": sum(len(words) > 3 for words in split),
        "mistakes_one_word": sum(len(words) == 1 for words in split),
        "mistakes_other": sum(not good and len(words) in (0, 2, 3) for good, words in zip(right, split, strict=True)),
    }


def recall(seed: int, gap: int) -> OfflineText:
    """Generate passages, one per line, that begin with a fact and after up to `gap` words ask for it.

    Example: "I am French. the cat saw my aunt near the river. … I speak fluent French."
    """
    random = np.random.default_rng(seed)
    languages = random.choice(LANGUAGES, PASSAGES)
    gaps = random.integers(0, gap + 1, PASSAGES)
    lines = [f"{passage(language, words, random)} {language}." for language, words in zip(languages, gaps, strict=True)]

    def probe(functions: Functions) -> dict[str, float]:
        random = np.random.default_rng([seed, 1])
        return {f"recall_{words}": recall_accuracy(functions, words, random) for words in sorted({*GAPS, gap})}

    emphasis = dict.fromkeys(LANGUAGES, LANGUAGE_WEIGHT)
    return OfflineText("\n".join(lines) + "\n", "word", "line", gap + 24, RECALL, emphasis, probe)


def passage(language: str, words: int, random: np.random.Generator) -> str:
    """Generate a passage up to its question, with `words` words in between."""
    between: list[str] = []
    while len(between) < words:
        who, whom = random.choice(PEOPLE, 2, replace=False)
        between += f"{who} {random.choice(VERBS)} {whom} {random.choice(PLACES)}.".split()
    return " ".join([f"I am {language}.", *between[:words], "I speak fluent"])


def recall_accuracy(functions: Functions, words: int, random: np.random.Generator) -> float:
    """Return the share of passages with this gap after which the most likely next word is right."""
    languages = random.choice(LANGUAGES, MEASURED_PASSAGES)
    texts = [passage(language, words, random) for language in languages]
    answers: list[Any] = []
    for start in range(0, MEASURED_PASSAGES, 50):
        answers += functions["serving_default"](text=texts[start : start + 50])["next"][:, 0].tolist()
    return float(np.mean(np.array(answers) == languages))


CORPORA: dict[str, Callable[[int, int], OfflineText]] = {
    "python_docs": python_docs,
    "stories": stories,
    "recall": recall,
}
