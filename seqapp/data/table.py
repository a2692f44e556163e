"""CSV files as typed columns; every row keeps its line number, so that an error can say where it is."""

from __future__ import annotations

import collections
import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqapp.data.dates import DateColumn
from seqapp.errors import BadInput, UnknownName
from seqapp.system.input import decode_text, read_bytes

DATE_NAMES = ("date", "datetime", "timestamp", "month", "day", "time")  # names of a column of dates
FLOAT32_MAX = float(np.finfo(np.float32).max)  # networks read float32
MISSING = {"", "na", "n/a", "nan", "null", "none", "-"}


@dataclass(frozen=True)
class Table:
    """Rows of text below a header.

    Args:
        source: the file's name in error messages.
        columns: the values of each column, by name.
        lines: each row's line in the file.
    """

    source: str
    columns: dict[str, list[str]]
    lines: list[int]
    _dates: dict[str, DateColumn] = field(default_factory=dict, repr=False, compare=False)  # as parsed, by name

    @property
    def rows(self) -> int:
        """The number of rows below the header."""
        return len(self.lines)

    def take(self, rows: list[int]) -> Table:
        """Return the table of some rows, in the order of `rows`."""
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        dates = {name: dates.take(rows) for name, dates in self._dates.items() if dates.format}
        return Table(self.source, columns, [self.lines[row] for row in rows], dates)

    def match(self, column: str) -> str | None:
        """Return a column's exact name, None if there is no such column; case does not matter if only one matches."""
        if column in self.columns:
            return column
        same = [name for name in self.columns if _simplify(name) == _simplify(column)]
        return same[0] if len(same) == 1 else None

    def name(self, column: str, option: str) -> str:
        """Return a column's exact name; case does not matter if only one column matches.

        Args:
            column: as a user wrote it.
            option: the option that names it, for error messages; may be empty.

        Raises:
            UnknownName: there is no such column.
        """
        name = self.match(column)
        if name is None:
            prefix = f"{option}: " if option else ""
            raise UnknownName("column", column, self.columns, where=f"{prefix}{self.source} has ")
        return name

    def numbers(self, columns: Sequence[str]) -> NDArray[Any]:
        """Return columns as float64 `(rows, columns)`; missing values are NaN.

        Raises:
            BadInput: a value is neither a finite number nor missing.
        """
        values = [[self._number(column, row) for row in range(self.rows)] for column in columns]
        return np.ascontiguousarray(np.array(values, np.float64).reshape(len(columns), self.rows).T)

    def _number(self, column: str, row: int) -> float:
        text = self.columns[column][row].strip()
        if text.lower() in MISSING:
            return float("nan")
        try:
            value = float(text)
        except ValueError:
            value = float("inf")
        if not abs(value) <= FLOAT32_MAX:
            raise BadInput(f"{self.where(row, column)}: expected a number, got '{text}'. {_number_advice(text, value)}")
        return value

    def is_numeric(self, column: str) -> bool:
        """Return whether a column's first value that is not missing is a number."""
        first = next((text for text in self.columns[column] if text.strip().lower() not in MISSING), "")
        return bool(re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", first))

    def without_gaps(self, columns: list[str], missing: str) -> tuple[Table, NDArray[Any]]:
        """Return numeric columns without missing values.

        Args:
            columns: names.
            missing: "error" refuses gaps, "drop" leaves their rows out, "forward" repeats the value before.

        Returns:
            The table of the remaining rows, and their values, float64 `(rows, columns)`.

        Raises:
            BadInput: there is a gap that `missing` does not allow.
        """
        values = self.numbers(columns)
        gaps = np.isnan(values)
        if missing == "drop":
            complete = np.flatnonzero(~gaps.any(1))
            return self.take(complete.tolist()), values[complete]
        if missing == "forward" and not gaps[0].any():
            import pandas as pd

            return self, pd.DataFrame(values).ffill().to_numpy()
        for row, index in np.argwhere(gaps)[:1]:
            where, text = self.where(int(row), columns[index]), self.columns[columns[index]][row]
            hint = "--missing drop|mask" if missing == "forward" else "--missing drop|forward|mask"
            raise BadInput(f"{where}: expected a number, got '{text}'. Use {hint} to say what to do with gaps.")
        return self, values

    def categories(self, column: str) -> list[str]:
        """Return a column as text, missing values as ""."""
        return ["" if text.strip().lower() in MISSING else text.strip() for text in self.columns[column]]

    def date_column(self, column: str | None) -> DateColumn | None:
        """Return the column of dates, parsed once.

        Args:
            column: its name; None: a column called date, month, time … if there is one.
        """
        if column is not None:
            name: str | None = self.name(column, "--date")
        else:
            name = next((name for name in self.columns if _simplify(name) in DATE_NAMES), None)
        if name is None:
            return None
        if name not in self._dates:
            self._dates[name] = DateColumn.parse(name, self.columns[name])
        return self._dates[name]

    def dates(self, column: str | None) -> list[str] | None:
        """Return the dates as ISO text, ascending; None if there is no column of dates.

        Args:
            column: as in `date_column`.

        Raises:
            BadInput: a date cannot be read, appears twice, or is out of order.
        """
        dates = self.date_column(column)
        if dates is None:
            return None
        row = dates.first_out_of_order()
        if row is None:
            return dates.iso()
        where, texts = self.where(row, dates.name), self.columns[dates.name]
        if not dates.stamps[row] == dates.stamps[row]:  # NaT
            raise BadInput(f"{where}: expected a date, got '{texts[row]}'.")
        if dates.stamps[row] == dates.stamps[row - 1]:
            first = f"first in line {self.lines[row - 1]}"
            raise BadInput(f"{where}: {texts[row]} appears twice ({first}). Keep one row for each date.")
        raise BadInput(f"{where}: {texts[row]} comes after {texts[row - 1]}. Sort the rows, oldest first.")

    def where(self, row: int, column: str) -> str:
        """Return a cell's place for an error message: "prices.csv, line 17, column 'Close'"."""
        return f"{self.source}, line {self.lines[row]}, column '{column}'"


def _simplify(name: str) -> str:
    """Return a column's name without case, Stooq's brackets, Alpha Vantage's numbers, spaces and underscores.

    Example: "<CLOSE>", "4. close", "Close" -> "close"
    """
    return re.sub(r"^\d+\. |[<>\s_]", "", name.lower())


def _number_advice(text: str, value: float) -> str:
    """Return what to do about a text that is not a number that networks can read; `value` is inf if it is not one."""
    if re.fullmatch(r"[-+]?\d+,\d+", text):
        return "Write decimal points."
    if np.isfinite(value) or re.fullmatch(r"[-+]?inf(inity)?|[-+.\de]*", text.lower()):
        return "Correct it, or leave the row out."
    return "Name numeric columns with --target and --inputs."


def read_csv(path: str) -> tuple[Table, str]:
    """Read a CSV file with a header; return it and the sha256 of its bytes.

    Raises:
        BadInput: the file cannot be read again later, or is not a CSV file.
    """
    if len(path) < 4096 and (Path(path).is_fifo() or Path(path).is_char_device()):
        raise BadInput(f"{path}: expected a file, got a pipe: training reads its data again later. Write it to a file.")
    content = read_bytes(path, "a CSV file with a header")
    return parse_csv(decode_text(content, path, "a CSV file"), path), hashlib.sha256(content).hexdigest()


def parse_csv(text: str, source: str) -> Table:
    """Parse CSV text with a header, in any mix of line ends; empty lines are skipped.

    Args:
        text: the file's content.
        source: the file's name in error messages.

    Raises:
        BadInput: the text is not a table.
    """
    header, rows, lines = _split_rows(text, source)
    _check_header(header, len(rows), source)
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise BadInput(f"{source}, line {line}: expected {len(header)} values as in the header, got {len(row)}.")
    return Table(source, {name: [row[index] for row in rows] for index, name in enumerate(header)}, lines)


def _split_rows(text: str, source: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Return the header, the rows and the line of each row."""
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
    return header, rows, lines


def _check_header(header: list[str], rows: int, source: str) -> None:
    if not header or not rows:
        raise BadInput(f"{source}: expected a header and rows of data, got {rows} rows below the header.")
    if len(header) == 1 and (other := next((mark for mark in (";", "\t") if mark in header[0]), None)):
        raise BadInput(f"{source}: expected commas between the values, got {other!r}. Save it as CSV with commas.")
    name, times = collections.Counter(header).most_common(1)[0]
    if times > 1:
        raise BadInput(f"{source}: column '{name}' appears {times} times in the header. Rename one.")
