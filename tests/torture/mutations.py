"""Inputs that nobody writes on purpose: valid ones with some changes, and bytes at random. For readers.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

Inputs = st.SearchStrategy[Any]
ODD = [
    b"\0", b'"', b'""', b"'", b"\r", b"\n", b"\r\n", b",", b";", b"\t", b" ", b"\\", b"\xef\xbb\xbf", b"\xff\xfe",
    b"\xff", b"\xed\xa0\x80", b"\xc3", b"\x1e", *map(str.encode, ("\u2028", "é", "١٢٣", "½", "²", "😀", "Ⅷ")),
    b"1e999", b"-1e999", b"1e308", b"-1e308", b"1e39", b"1e-400", b"0", b"-0", b"-1", b"inf", b"-Infinity", b"NaN",
    b"null", b"true", b"9" * 400, b"9" * 5000, b"0x10", b"1_0", b"1,5", b"+", b".", b"e", b"date", b"close",
    b"2020-02-30", b"0000-00-00", b"0001-01-01", b"9999-12-31", b"99999-01-01", b"1677-01-01", b"2262-12-31",
    b"2020-01-01T00:00:00+02:00", b"2020-01-01T25:00", b"2020-W01-1", b"20200101", b"1600000000", b"01/02/2020",
    b"12:00", b"today", b"now", b"NaT", b"A" * 1000, b"A" * 150_000, b"," * 3000, b"\n" * 3000, b'"' * 999,
    b"[" * 2000, b"{" * 2000, b'{"a":' * 2000, b"[]", b"{}", b'"\\ud800"', b"<unk>", b"<start>", b"?", b"X",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 7, 10**12, 10**30, 0.5, -0.5, 1e300, 1e-300, "", "a", "lstm", "stock", "fibonacci",
    "../../x.py", "/etc/x.py", "x.py", ".py", "\0", "\0.py", "a/b", "é", "\ud800", "\n", "x" * 5000, "char", "D", "B",
    "2020-01-01", "log-returns", "nan", "nan,nan,nan", "1e999,1,1", [], {}, [[]], [None], [1], ["a"], {"a": 1},
    [[[[1]]]], list(range(50)), ["a"] * 50,
]  # fmt: skip


def run_on(count: int, seed: int, *inputs: Inputs) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """A decorator: the function runs on n inputs from one seed, none of them kept or made smaller."""
    options = settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    return lambda function: hypothesis.seed(seed)(options(hypothesis.given(*inputs)(function)))


@st.composite
def changed(draw: st.DrawFn, valid: bytes) -> bytes:
    """A valid input with a few changes, or bytes at random."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=3000))
    content = valid
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        piece = draw(st.sampled_from(ODD) | st.binary(min_size=1, max_size=8))
        content = draw(st.sampled_from(CHANGES))(content, start, piece)
    return content


def _insert(content: bytes, start: int, piece: bytes) -> bytes:
    return content[:start] + piece + content[start:]


def _overwrite(content: bytes, start: int, piece: bytes) -> bytes:
    return content[:start] + piece + content[start + len(piece) :]


def _field(content: bytes, start: int, piece: bytes) -> bytes:
    """The field around a place, from mark to mark, becomes another."""
    marks = b',\n\r \t":[]{}'
    left = max(content.rfind(mark, 0, start) for mark in (bytes([mark]) for mark in marks)) + 1
    right = min(place if (place := content.find(bytes([mark]), start)) >= 0 else len(content) for mark in marks)
    return content[:left] + piece + content[right:]


def _everywhere(content: bytes, start: int, piece: bytes) -> bytes:
    """A byte of the content becomes another wherever it stands."""
    return content.replace(content[start : start + 1] or b"\n", piece[:3])


def _column(content: bytes, start: int, piece: bytes) -> bytes:
    """A column more, of the same in each line."""
    return b"\n".join(line + b"," + piece[:50] for line in content.split(b"\n")[:100])


def _again(content: bytes, start: int, piece: bytes) -> bytes:
    return content[start:] + content[: start + 300]


def _cut(content: bytes, start: int, piece: bytes) -> bytes:
    return content[:start]


CHANGES = [_insert, _overwrite, _field, _field, _everywhere, _column, _again, _cut]


@st.composite
def altered(draw: st.DrawFn, text: str) -> bytes:
    """A JSON document in which some values are others, or are not there."""
    contents = json.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(contents))
        if not places:
            break
        parent, key = places[draw(st.integers(0, len(places) - 1))]
        if draw(st.integers(0, 5)) == 0:
            del parent[key]
        else:
            parent[key] = json.loads(json.dumps(draw(st.sampled_from(VALUES))))
    return json.dumps(contents).encode()


def _places(document: Any) -> Any:
    """Every place of a document, those near its root several times: there are few of them."""
    waiting = [(document, 0)]
    while waiting:
        part, depth = waiting.pop()
        keys = list(part) if isinstance(part, dict) else range(min(len(part), 20)) if isinstance(part, list) else ()
        for key in keys:
            yield from [(part, key)] * max(1, 6 - 2 * depth)
            waiting.append((part[key], depth + 1))
