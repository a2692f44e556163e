"""Request bodies: JSON as TF Serving's parser (RapidJSON) accepts it, with its error messages.

NaN and Infinity are numbers, bytes after the document are ignored, text that is not UTF-8 passes through unchanged.
Source: ParseJson in tensorflow_serving/util/json_tensor.cc, rapidjson/error/en.h.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from seqapp.serving.status import StatusError, invalid_argument

BLANKS = " \t\r\n"
MAX_VALUE_CHARACTERS = 2_000  # of a JSON value in an error message
MESSAGES = {  # RapidJSON's for Python's
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma or } after an object member, or a comma or ] after an array element.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}
NUMBER_TOO_BIG = "Number too big to be stored in double."
HALF_SURROGATE_PAIR = re.compile(r"\\u[dD][89a-fA-F]")  # an escape for one half of a surrogate pair
TYPES = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number", type(None): "Null"}
# The parser returns these very objects for the bare words, so any other infinity is a number that overflowed.
CONSTANTS = {"NaN": math.nan, "Infinity": float("inf"), "-Infinity": float("-inf")}
DECODER = json.JSONDecoder(parse_constant=CONSTANTS.__getitem__)


def parse(body: bytes) -> dict[str, Any]:
    """Return a request's JSON object. A number that no double holds, such as 1e999, becomes an infinity.

    Raises:
        StatusError: the body is not JSON, or not an object.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    text, start = _decode(body)
    if start == len(text):
        raise _parse_error("The document is empty.", text, start)
    try:
        document, _ = DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _parse_error(MESSAGES.get(error.msg, "Invalid value."), text, error.pos) from None
    except RecursionError:
        raise invalid_argument("JSON Parse error: lists or objects are nested too deeply.") from None
    except ValueError:  # an integer of thousands of digits
        raise _parse_error(NUMBER_TOO_BIG, text, start) from None
    if HALF_SURROGATE_PAIR.search(text):
        _check_surrogates(document)
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {value_text(document)} Is not object")
    return document


def check_overflow(document: dict[str, Any], body: bytes) -> None:
    """Raise if a number of the document, parsed from `body`, became an infinity that the client did not write.

    Raises:
        StatusError: a number is too big for a double.
    """
    pending: list[Any] = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, float) and math.isinf(value) and not any(value is each for each in CONSTANTS.values()):
            raise _parse_error(NUMBER_TOO_BIG, *_decode(body))


def value_text(value: Any) -> str:
    """Return a JSON value for an error message: as TF Serving prints it, but truncated."""
    try:
        text = json.dumps(value, indent=4, ensure_ascii=False)
    except RecursionError:
        return "…"
    return text if len(text) <= MAX_VALUE_CHARACTERS else text[:MAX_VALUE_CHARACTERS] + "…"


def type_name(value: Any) -> str:
    """Return RapidJSON's name for a value's type."""
    return str(value) if isinstance(value, bool) else TYPES[type(value)]


def _decode(body: bytes) -> tuple[str, int]:
    """Return the text of a body, and the position where its document starts."""
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    return text, len(text) - len(text.lstrip(BLANKS))


def _parse_error(message: str, text: str, position: int) -> StatusError:
    offset = len(text[:position].encode("utf-8", "surrogateescape"))
    return invalid_argument(f"JSON Parse error: {message} at offset: {offset}")


def _check_surrogates(value: Any) -> None:
    """Raise if a text contains half of a surrogate pair, which encodes no character. (DC80 to DCFF may be a byte.)"""
    if isinstance(value, dict):
        for name, each in value.items():
            _check_surrogates(name)
            _check_surrogates(each)
    elif isinstance(value, list):
        for each in value:
            _check_surrogates(each)
    elif isinstance(value, str) and any(
        "\ud800" <= letter < "\udc80" or "\udcff" < letter <= "\udfff" for letter in value
    ):
        raise invalid_argument("JSON Parse error: The surrogate pair in string is invalid.")
