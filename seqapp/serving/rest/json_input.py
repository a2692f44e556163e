"""Request bodies: JSON as TF Serving's parser (RapidJSON) takes it, and its words for what it does not take.

NaN and Infinity are numbers, bytes after the document are ignored, text that is not UTF-8 passes through as it is.
Source: ParseJson in tensorflow_serving/util/json_tensor.cc, rapidjson/error/en.h.
"""

from __future__ import annotations

import json
import re
from typing import Any

from seqapp.serving.rest.status import Refused, invalid

LONGEST_SAID = 2_000  # characters of a value in an error
WORDS = {  # Python's for RapidJSON's
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}
HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")  # an escape for half of a surrogate pair
TYPES = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number", type(None): "Null"}


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise OverflowError
    return number


PLAIN, STRICT = json.JSONDecoder(), json.JSONDecoder(parse_float=_finite)


def parse(body: bytes, decoder: json.JSONDecoder = PLAIN) -> dict[str, Any]:
    """A request's document. PLAIN takes 1e999 for Infinity; STRICT, which is slower, refuses it.

    Raises:
        Refused: it is not JSON, or no object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if start == len(text):
        raise _wrong("The document is empty.", text, start)
    try:
        document, _ = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _wrong(_words(error), text, error.pos) from None
    except RecursionError:
        raise invalid("JSON Parse error: lists or objects are nested too deeply.") from None
    except (ValueError, OverflowError):  # an integer of thousands of digits
        raise _wrong("Number too big to be stored in double.", text, start) from None
    if HALF_PAIR.search(text):
        _check_pairs(document)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {said(document)} Is not object")
    return document


def said(value: Any) -> str:
    """A value in an error: as TF Serving prints it, but not longer than a page."""
    try:
        text = json.dumps(value, indent=4, ensure_ascii=False)
    except RecursionError:
        return "…"
    return text if len(text) <= LONGEST_SAID else text[:LONGEST_SAID] + "…"


def type_name(value: Any) -> str:
    """RapidJSON's name for a value's type."""
    return str(value) if isinstance(value, bool) else TYPES[type(value)]


def _words(error: json.JSONDecodeError) -> str:
    if error.msg == "Expecting ',' delimiter":
        return "Missing a comma or } after an object member, or a comma or ] after an array element."
    return WORDS.get(error.msg, "Invalid value.")


def _wrong(words: str, text: str, place: int) -> Refused:
    offset = len(text[:place].encode("utf-8", "surrogateescape"))
    return invalid(f"JSON Parse error: {words} at offset: {offset}")


def _check_pairs(value: Any) -> None:
    """Refuse text with half of a surrogate pair: it stands for no character. (From DC80 to DCFF it may be a byte.)"""
    if isinstance(value, dict):
        for name, each in value.items():
            _check_pairs(name)
            _check_pairs(each)
    elif isinstance(value, list):
        for each in value:
            _check_pairs(each)
    elif isinstance(value, str) and any(
        "\ud800" <= letter < "\udc80" or "\udcff" < letter <= "\udfff" for letter in value
    ):
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.")
