"""The field's words: no name is a house word, no sentence uses a phrase that nobody in the field would say.

Names are read from the syntax tree: whole identifiers, an underscore in front ignored. Phrases are searched in comments,
docstrings, messages and Markdown. `python tests/test_words.py` prints all places.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHERE = (
    "seqapp",
    "datasets",
    "models",
    "tests",
    "docs",
    "benchmarks",
    "deploy",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)
EXCEPT = ("tests/test_words.py",)  # it quotes them all
SAVED = {("seqapp/tasks/series/spec.py", "rhythm")}  # names that run.json of 0.1 has

# Participles as nouns, private words where the field has one, bare adjectives as constants, words that say nothing.
NAMES = frozenset(
    [
        "found",
        "made",
        "said",
        "held",
        "told",
        "listed",
        "asked",
        "given",
        "kept",
        "chosen",
        "drawn",
        "settled",
        "claimed",
        "at_rest",
        "came",
        "begun",
        "gone_on",
        "go_on",
        "begin",
        "barred",
        "heaped",
        "fresh",
        "written",
        "shown",
        "known_to",
        "taken",
        "sought",
        "wanted_by",
        "laid_out",
        "rolled",
        "measured_by",
        "spoken",
        "Draws",
        "choose",
        "Place",
        "BothWays",
        "both_ways",
        "halves",
        "Starts",
        "Remedies",
        "remedies",
        "keeps",
        "admits",
        "rhythm",
        "cutter",
        "in_units",
        "Asked",
        "terminable",
        "interruptible",
        "refuse_nothing",
        "zoo",
        "Zoo",
        "Classified",
        "Estimated",
        "LONGEST",
        "MOST",
        "LARGEST",
        "SMALLEST",
        "FEWEST",
        "NEAR",
        "FAR",
        "MANY",
        "SHORT",
        "LONG",
        "ALONE",
        "AT_ONCE",
        "OWN",
        "SMALL",
        "DEEPEST",
        "HIGHEST",
        "SQUASHED",
        "cfg",
        "proc",
        "manager",
        "handler",
        "utils",
    ]
)
PHRASES = {
    r"\banew\b": "again, from scratch",
    r"\bcommonest\b": "most frequent",
    r"\blikeliest\b": "most likely",
    r"\bby heart\b": "overfits",
    r"\bsceptic": "baseline",
    r"\btrainings\b": "training runs",
    r"\ba training(?=[.,;:!?)]|$| (?:is|was|has|that|which|of|with|goes|ends|stops|stopped|by|on|from|in|and|or|for|leaves|needs|may|can|wrote|to)\b)": "a training run",
    r"\bwhat came\b": "the actual value",
    r"\bso many\b": "n, a number of",
    r"(?<!there )\b(?:is|are) (?-i:none)\b": "there is no …",
    r"\bgo(?:es|ne)? on (?:with|from)\b|\bwent on (?:with|from)\b": "continue",
    r"\bboth ways\b": "bidirectional, in both directions",
    r"\bin the mean\b": "on average",
    r"\bthe way there\b": "traceback",
    r"\bwhat it says\b|\bwhat they say\b": "predicted",
    r"\bat rest\b": "idle",
    r"\bheaped\b|\bbarred\b": "cumulative, forbidden",
    r"\bremed(?:y|ies)\b": "regularization",
    r"\bhalf made\b|\bheld back\b": "partial, withheld",
    r"\bis to hand\b|\bas good as all of\b": "say it plainly",
    r"\bwithout a word to\b": "without returning to",
    r"\bfor want of\b": "for lack of",
}  # fmt: skip


def files() -> list[Path]:
    """The project's own Python and Markdown files."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name for name in listing.stdout.split() if name.startswith(WHERE) and name not in EXCEPT]
    return [ROOT / name for name in names if name.endswith((".py", ".md")) and (ROOT / name).is_file()]


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that a file defines: functions, classes, parameters, variables, attributes of `self`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname


def prose(file: Path) -> Iterator[tuple[int, str]]:
    """Comments and strings of a Python file, all lines of a Markdown file."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        yield from enumerate(text.splitlines(), start=1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING) or token.type == getattr(tokenize, "FSTRING_MIDDLE", -1):
            for offset, line in enumerate(token.string.splitlines()):
                yield token.start[0] + offset, line


def places() -> Iterator[str]:
    """Each house word or phrase: where it is, and what to say instead."""
    for file in files():
        where = file.relative_to(ROOT)
        if file.suffix == ".py":
            for line, name in names(ast.parse(file.read_text(encoding="utf-8"))):
                if name.lstrip("_") in NAMES and (str(where), name) not in SAVED:
                    yield f"{where}:{line}: the name `{name}`"
        for line, text in prose(file):
            for phrase, better in PHRASES.items():
                if match := re.search(phrase, text, re.IGNORECASE):
                    yield f"{where}:{line}: “{match[0]}”: say {better}"


def test_names_and_sentences_are_those_of_the_field() -> None:
    assert not list(places())


def test_the_test_sees_a_house_word() -> None:
    tree = ast.parse("def told(found):\n    self.kept = LONGEST = 1\n")
    assert {name for _, name in names(tree)} & NAMES == {"told", "found", "kept", "LONGEST"}
    assert re.search(next(iter(PHRASES)), "it begins anew")


if __name__ == "__main__":
    print(*places(), sep="\n")
