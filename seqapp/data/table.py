"""CSV files read with their line numbers, so that an error can say where it is. Values stay text until asked for."""

from __future__ import annotations

import collections
import csv
import hashlib
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.data.dates import read_dates
from seqapp.errors import BadInput, UnknownName

DATES = ("date", "datetime", "timestamp", "month", "day", "time")  # what a column of dates is called
LARGEST = float(np.finfo(np.float32).max)  # what networks read
MISSING = {"", "na", "n/a", "nan", "null", "none", "-"}


@dataclass(frozen=True)
class Table:
    """Rows of text: `columns` by name, and the `lines` of the file that they came from."""

    source: str
    columns: dict[str, list[str]]
    lines: list[int]

    @property
    def rows(self) -> int:
        """How many rows there are below the header."""
        return len(self.lines)

    def keep(self, rows: list[int]) -> Table:
        """The table of these rows only."""
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        return Table(self.source, columns, [self.lines[row] for row in rows])

    def match(self, column: str) -> str | None:
        """Return the column's exact name, or None; case does not matter if only one column fits."""
        if column in self.columns:
            return column
        same = [name for name in self.columns if _plain(name) == _plain(column)]
        return same[0] if len(same) == 1 else None

    def name(self, column: str, option: str) -> str:
        """Return the column's exact name; case does not matter if only one column fits.

        Raises:
            UnknownName: there is no such column; the message begins with `option`, if it is not empty.
        """
        name = self.match(column)
        if name is None:
            prefix = f"{option}: " if option else ""
            raise UnknownName("column", column, self.columns, where=f"{prefix}{self.source} has ")
        return name

    def numbers(self, column: str) -> NDArray[Any]:
        """A column as float64, `(rows,)`; missing values are NaN.

        Raises:
            BadInput: a value is neither a finite number nor missing.
        """
        return np.array([self._number(column, row) for row in range(self.rows)], np.float64)

    def _number(self, column: str, row: int) -> float:
        text = self.columns[column][row].strip()
        if text.lower() in MISSING:
            return float("nan")
        try:
            value = float(text)
        except ValueError:
            value = float("inf")
        if not abs(value) <= LARGEST:
            advice = "Name numeric columns with --target and --inputs."
            if re.fullmatch(r"[-+]?\d+,\d+", text):
                advice = "Write decimal points."
            elif np.isfinite(value) or re.fullmatch(r"[-+]?inf(inity)?|[-+.\de]*", text.lower()):
                advice = "Correct it, or leave the row out."
            raise BadInput(f"{self.where(row, column)}: expected a number, got '{text}'. {advice}")
        return value

    def is_numeric(self, column: str) -> bool:
        """Whether a column's first value that is not missing is a number."""
        first = next((text for text in self.columns[column] if text.strip().lower() not in MISSING), "")
        return bool(re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", first))

    def without_gaps(self, columns: list[str], missing: str) -> tuple[Table, NDArray[Any]]:
        """Numeric columns `(rows, columns)` with gaps refused ("error"), left out ("drop") or filled ("forward").

        Raises:
            BadInput: there is a gap that `missing` does not provide for.
        """
        values = np.stack([self.numbers(column) for column in columns], 1)
        gaps = np.isnan(values)
        if missing == "drop":
            kept = np.flatnonzero(~gaps.any(1))
            return self.keep(kept.tolist()), values[kept]
        if missing == "forward" and not gaps[0].any():
            import pandas as pd

            return self, pd.DataFrame(values).ffill().to_numpy()
        for row, column in np.argwhere(gaps)[:1]:
            where, came = self.where(int(row), columns[column]), self.columns[columns[column]][row]
            hint = "--missing drop|mask" if missing == "forward" else "--missing drop|forward|mask"
            raise BadInput(f"{where}: expected a number, got '{came}'. Use {hint} to say what to do with gaps.")
        return self, values

    def categories(self, column: str) -> list[str]:
        """A column as text, missing values as ""."""
        return ["" if text.strip().lower() in MISSING else text.strip() for text in self.columns[column]]

    def dates(self, column: str | None) -> list[str] | None:
        """The date column as ISO text, ascending. Without a name: a column called date, month, time … if there is one.

        Raises:
            BadInput: a date cannot be read, comes twice, or is out of order.
        """
        named = self.date_column(column)
        if named is None:
            return None
        import pandas as pd

        read, _ = read_dates(self.columns[named])
        stamps = [None if pd.isna(stamp) else stamp for stamp in read]
        whole_days = all(stamp is None or stamp == stamp.normalize() for stamp in stamps)
        for row, stamp in enumerate(stamps):
            if stamp is None:
                raise BadInput(f"{self.where(row, named)}: expected a date, got '{self.columns[named][row]}'.")
            if row and stamp == stamps[row - 1]:
                raise BadInput(
                    f"{self.where(row, named)}: {self.columns[named][row]} comes twice "
                    f"(first in line {self.lines[row - 1]}). Keep one row for each date."
                )
            if row and stamp < stamps[row - 1]:
                raise BadInput(
                    f"{self.where(row, named)}: {self.columns[named][row]} comes after "
                    f"{self.columns[named][row - 1]}. Sort the rows, oldest first."
                )
        return [stamp.date().isoformat() if whole_days else stamp.isoformat() for stamp in stamps if stamp is not None]

    def date_column(self, column: str | None) -> str | None:
        """The column of dates: the one named, else one called date, month, time … if there is one."""
        if column is not None:
            return self.name(column, "--date")
        return next((name for name in self.columns if _plain(name) in DATES), None)

    def date_format(self, column: str | None) -> str | None:
        """How dates are written, such as "%Y-%m-%d"; None where they have not all one format."""
        named = self.date_column(column)
        return None if named is None else read_dates(self.columns[named])[1]

    def newest_first(self, column: str | None) -> bool:
        """Whether the dates fall from the first row to the last, as Alpha Vantage has them."""
        import pandas as pd

        named = self.date_column(column)
        if named is None or self.rows < 2:
            return False
        stamps, _ = read_dates(self.columns[named])
        return bool((stamps.diff().iloc[1:] < pd.Timedelta(0)).all())

    def where(self, row: int, column: str) -> str:
        """ "prices.csv, line 17, column 'Close'"."""
        return f"{self.source}, line {self.lines[row]}, column '{column}'"


def _plain(name: str) -> str:
    """A column's name as people say it: without case, Stooq's brackets, Alpha Vantage's numbers, underscores.

    Example: "<CLOSE>", "4. close", "Close" -> "close"
    """
    return re.sub(r"^\d+\. |[<>\s_]", "", name.lower())


def read_bytes(path: str, what: str) -> bytes:
    """A file's bytes; `what` says what was expected to be in it."""
    try:
        if Path(path).is_dir():
            raise BadInput(f"{path}: expected {what}, got a directory.")
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; expected {what}.") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}.") from None
    if not content:
        raise BadInput(f"{path}: expected {what}, got a file of 0 bytes.")
    return content


def read_input(source: str, what: str) -> tuple[bytes, str]:
    """The bytes of a file, or of standard input for "-", and how errors call them."""
    if source != "-":
        return read_bytes(source, what), source
    content = sys.stdin.buffer.read()
    if not content:
        raise BadInput(f"standard input: expected {what}, got nothing.")
    return content, "standard input"


def decode(content: bytes, source: str, what: str) -> str:
    """UTF-8 text without its byte-order mark, line ends as they come."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{source}: expected {what} in UTF-8, got byte 0x{content[error.start]:02x} at offset {error.start}."
        ) from None
    if "\0" in text:
        raise BadInput(f"{source}: expected {what}, got a binary file (a zero byte at offset {content.index(0)}).")
    return text


def read_csv(path: str) -> tuple[Table, str]:
    """A CSV file with a header, and the sha256 of its bytes."""
    if len(path) < 4096 and (Path(path).is_fifo() or Path(path).is_char_device()):
        raise BadInput(f"{path}: expected a file: a training needs its data again later. Write it to one.")
    content = read_bytes(path, "a CSV file with a header")
    return parse_csv(decode(content, path, "a CSV file"), path), hashlib.sha256(content).hexdigest()


def parse_csv(text: str, source: str) -> Table:
    """CSV text with a header, in any mix of line ends. Empty lines are passed over."""
    reader = csv.reader(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"), newline=""))
    header: list[str] = []
    rows, lines = [], []
    try:
        for row in reader:
            if not any(row):
                continue
            if not header:
                header = [name.strip() for name in row]
            else:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise BadInput(f"{source}, line {reader.line_num}: not readable as CSV: {error}.") from None
    if len(header) < 1 or not rows:
        raise BadInput(f"{source}: expected a header and rows of data, got {len(rows)} rows below the header.")
    if len(header) == 1 and (other := next((mark for mark in (";", "\t") if mark in header[0]), None)):
        raise BadInput(f"{source}: expected commas between the values, got {other!r}. Save it as CSV with commas.")
    name, times = collections.Counter(header).most_common(1)[0]
    if times > 1:
        raise BadInput(f"{source}: column '{name}' comes {times} times in the header. Rename one.")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise BadInput(f"{source}, line {line}: expected {len(header)} values as in the header, got {len(row)}.")
    return Table(source, {name: [row[index] for row in rows] for index, name in enumerate(header)}, lines)
