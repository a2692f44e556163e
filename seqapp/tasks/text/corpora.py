"""Texts that come without a download, and what can be counted in them: CPython's documentation, stories, recall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from seqapp.contract import Raw

Functions = Mapping[str, Callable[..., Raw]]

NAMES = ("Doug", "Jane", "Spot")
SENTENCE = 4  # tokens of a story's sentence
SENTENCES = 2000  # of stories, generated to count the lecture's mistakes

LANGUAGES = ("Danish", "English", "Finnish", "French", "German", "Polish", "Spanish", "Swedish")
PASSAGES = 4000
ASKED_AS = 30.0  # tokens that the word asked for counts as in training: one in a hundred would hardly be heard
ASKED = 200  # passages for each gap at which recall is measured
GAPS = (200, 500, 1000, 2000)  # words; and the gap trained at
WHO = ("the cat", "a dog", "my aunt", "the old man", "her brother", "a child")
WHAT = ("saw", "followed", "met", "liked", "heard", "left")
WHERE = ("in the garden", "near the river", "at the market", "behind the house", "on the hill", "after lunch")

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


class Offline(NamedTuple):
    """A text, how it is best read and learned, and what `evaluate` counts."""

    text: str
    level: str = "char"
    documents: str | None = None
    bptt: int | None = None
    defaults: Mapping[str, Any] = MappingProxyType({})
    emphasis: Mapping[str, float] = MappingProxyType({})
    probe: Callable[[Functions], dict[str, float]] | None = None


def python_docs(seed: int, gap: int) -> Offline:
    """CPython's own documentation topics, about 465,000 characters."""
    from pydoc_data.topics import topics

    return Offline("\n\n".join(topics[name] for name in sorted(topics)))


def stories(seed: int, gap: int, sentences: int = 20000) -> Offline:
    """The children's book: "NAME saw NAME.", never a name seeing itself."""
    random = np.random.default_rng(seed)
    pairs = [random.choice(NAMES, 2, replace=False) for _ in range(sentences)]
    text = " ".join(f"{first} saw {second}." for first, second in pairs)
    return Offline(text, "word", None, 16, STORIES, probe=count_mistakes)


def count_mistakes(functions: Functions) -> dict[str, float]:
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
        "mistakes_other": sum(not good and len(words) in (0, 2, 3) for good, words in zip(right, found, strict=True)),
    }


def recall(seed: int, gap: int) -> Offline:
    """Passages, one a line, that open with a fact, go on for up to `gap` words and ask for it.

    "I am French. the cat saw my aunt near the river. … I speak fluent French."
    """
    random = np.random.default_rng(seed)
    lines = [
        f"{opening(language, words, random)} {language}."
        for language, words in zip(
            random.choice(LANGUAGES, PASSAGES), random.integers(0, gap + 1, PASSAGES), strict=True
        )
    ]

    def probe(functions: Functions) -> dict[str, float]:
        drawn = np.random.default_rng([seed, 1])
        return {f"recall_{words}": recalled(functions, words, drawn) for words in sorted({*GAPS, gap})}

    return Offline("\n".join(lines) + "\n", "word", "line", gap + 24, RECALL, dict.fromkeys(LANGUAGES, ASKED_AS), probe)


def opening(language: str, words: int, random: np.random.Generator) -> str:
    """A passage up to the question, with about `words` words between."""
    said: list[str] = []
    while len(said) < words:
        who, whom = random.choice(WHO, 2, replace=False)
        said += f"{who} {random.choice(WHAT)} {whom} {random.choice(WHERE)}.".split()
    return " ".join([f"I am {language}.", *said[:words], "I speak fluent"])


def recalled(functions: Functions, words: int, random: np.random.Generator) -> float:
    """The share of passages with this gap whose question the likeliest next word answers."""
    chosen = random.choice(LANGUAGES, ASKED)
    texts = [opening(language, words, random) for language in chosen]
    answers: list[Any] = []
    for start in range(0, ASKED, 50):
        answers += functions["serving_default"](text=texts[start : start + 50])["next"][:, 0].tolist()
    return float(np.mean(np.array(answers) == chosen))


CORPORA: dict[str, Callable[[int, int], Offline]] = {"python_docs": python_docs, "stories": stories, "recall": recall}
