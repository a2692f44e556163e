"""A text with each token shaded by its bits: in color on a terminal, in shades of gray in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from seqapp.contract import Surprise
from seqapp.system.text import to_bytes

SHADES = ((1, "", "1.0"), (2, "black on bright_yellow", "0.88"), (4, "black on yellow", "0.76"),
          (8, "black on bright_red", "0.64"), (float("inf"), "white on red", "0.52"))  # fmt: skip
# bits below which each is used, on a terminal, and as a grey
LEGEND = ("under 1 bit", "1 to 2", "2 to 4", "4 to 8", "8 or more")
WIDTH = 88  # characters of a line
LETTER, LINE, MARGIN = 13 / 150, 0.2, 0.15  # inches: a letter is 13 whole pixels wide, so that greys and letters agree
POINTS = 72 * LETTER / 0.602  # of the letters: those of DejaVu Sans Mono are 0.602 of their height wide


class Piece(NamedTuple):
    """A token as it is shown, and the number of its shade."""

    text: str
    shade: int


def shade(bits: float) -> int:
    """The number of a shade: from 0 for no surprise to 4."""
    return next((number for number, (below, _, _) in enumerate(SHADES) if bits < below), len(SHADES) - 1)


def visible(text: str) -> str:
    """Make a text printable: spaces and letters stay, a line end becomes ↵, all else is escaped as in Python."""
    escaped = to_bytes(text).decode(errors="backslashreplace").replace("\n", "↵")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in escaped)


def pieces(surprise: Surprise) -> list[Piece]:
    """The tokens of a text; the space before a word is not part of it."""
    parts = []
    for text, bits in zip(map(visible, surprise.texts), surprise.values[:, 0].tolist(), strict=True):
        word = text.lstrip(" ") or text
        parts += [Piece(" ", 0)] * (len(text) - len(word)) + [Piece(word, shade(bits))]
    return parts


def coloured(surprise: Surprise) -> Any:
    """The text and a legend as rich's Text."""
    from rich.text import Text

    text = Text()
    for piece in pieces(surprise):
        style = SHADES[piece.shade][1]
        if style or piece.text != "↵":
            text.append(piece.text, style)
        if piece.text == "↵":
            text.append("\n")
    text.append("\n\n")
    for label, (_, style, _) in zip(LEGEND, SHADES, strict=True):
        text.append(f" {label} ", style)
    return text


@dataclass(frozen=True)
class Page:
    """Lines of pieces, as they go on a picture."""

    lines: list[list[Piece]]

    @property
    def size(self) -> tuple[float, float]:
        """Inches, width and height."""
        return WIDTH * LETTER + 2 * MARGIN, len(self.lines) * LINE + 2 * MARGIN

    def draw(self, figure: Any) -> None:
        """Greys behind the tokens, then the letters, a line at a time."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        width, height = self.size
        figure.set_layout_engine("none")
        axes = figure.add_axes((MARGIN / width, MARGIN / height, 1 - 2 * MARGIN / width, 1 - 2 * MARGIN / height))
        axes.set(xlim=(0, WIDTH), ylim=(len(self.lines), 0))
        axes.axis("off")
        for number, (_, _, grey) in enumerate(SHADES[1:], start=1):
            if boxes := self._boxes(number):
                corners = [
                    corner
                    for left, right, top in boxes
                    for corner in ((left, top), (right, top), (right, top + 0.9), (left, top + 0.9), (left, top))
                ]
                codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(boxes)
                axes.add_patch(PathPatch(Path(corners, codes), facecolor=grey, lw=0))
        for row, line in enumerate(self.lines):
            letters = "".join(piece.text for piece in line).replace(" ", "\N{NO-BREAK SPACE}")
            axes.text(0, row + 0.47, letters, family="monospace", size=POINTS, va="center_baseline", parse_math=False)

    def _boxes(self, number: int) -> list[tuple[float, float, int]]:
        """Left, right and top of every piece of a shade, in letters and lines; a little apart from each other."""
        boxes = []
        for row, line in enumerate(self.lines):
            left = 0
            for piece in line:
                right = left + len(piece.text)
                if piece.shade == number:
                    boxes.append((left + 0.06, right - 0.06, row))
                left = right
        return boxes


def page(surprise: Surprise) -> Page:
    """The text in lines that fit, with a legend below."""
    lines: list[list[Piece]] = [[]]
    for piece in pieces(surprise):
        lines[-1].append(piece._replace(text=piece.text[:WIDTH]))
        if sum(len(each.text) for each in lines[-1]) > WIDTH:
            cut = _break(lines[-1])
            lines.append(lines[-1][cut:])
            del lines[-2][cut:]
            if lines[-1][0] == Piece(" ", 0):
                del lines[-1][0]
        if piece.text == "↵":
            lines.append([])
    legend = [Piece(f" {label} ", number) for number, label in enumerate(LEGEND)]
    return Page([*(lines if lines[-1] else lines[:-1]), [], legend])


def _break(line: list[Piece]) -> int:
    """Where to break a line: at its last space that does not end it, or before its last piece."""
    spaces = [place for place in range(1, len(line)) if line[place - 1].text == " "]
    return spaces[-1] if spaces else len(line) - 1
