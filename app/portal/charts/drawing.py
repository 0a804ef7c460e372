"""Elements of a picture as markup: whatever is put in is escaped, and nothing that could run or style can be said."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

# What XML 1.0 (section 2.2) does not allow, and what turns the direction of the text around it.
_UNFIT: Final = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u007f-\u009f\u202a-\u202e\u2066-\u2069]"
)
_TAGS: Final = frozenset({"circle", "g", "line", "path", "polygon", "rect", "text", "title", "desc"})
# Drawn on 360 units: at 320 px of a small phone a letter of 13 units is still 11.5 px high.
WIDTH: Final = 360
TEXT: Final = 13
_WIDE: Final = frozenset("WF")


@dataclass(frozen=True, slots=True)
class Table:
    """What a picture shows, in words and numbers."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture, and the same data as a table for whoever cannot see it or wants the numbers."""

    svg: Markup
    table: Table


def fit(text: str) -> str:
    """Return the text without what a document may not hold and without what reverses its neighbours."""
    return _UNFIT.sub("", text)


def element(tag: str, *children: Markup | str, **attributes: str | float) -> Markup:
    """Return one element: children and values escaped; `class_` is the class, an underline is a hyphen.

    Raises ValueError for a tag or an attribute that has no business in a picture.
    """
    if tag not in _TAGS:
        raise ValueError(f"{tag} is no part of a picture")
    inner = Markup("").join(_safe(child) for child in children)
    said = _attributes(attributes)
    return Markup(f"<{tag}{said}>{inner}</{tag}>") if inner else Markup(f"<{tag}{said}/>")  # noqa: S704 (each part is escaped)


def picture(title: str, description: str, height: float, *children: Markup, class_: str = "chart") -> Markup:
    """Return the whole picture, `WIDTH` units wide, scaled by where it stands and read out by its title."""
    opening = _attributes({"class_": class_, "viewBox": f"0 0 {WIDTH} {number(height)}", "role": "img"})
    said = element("title", fit(title) or "–"), element("desc", fit(description))
    inner = Markup("").join((*said, *children))
    return Markup(f'<svg xmlns="http://www.w3.org/2000/svg"{opening}>{inner}</svg>')  # noqa: S704 (each part is escaped)


def words(text: str, x: float, y: float, class_: str = "", *, anchor: str = "start", most: float = WIDTH) -> Markup:
    """Return one line of text at most `most` units wide (cut with an ellipsis); nothing for no text."""
    shown = cut(text, most)
    if not shown:
        return Markup("")
    return element("text", shown, x=x, y=y, class_=f"chart-text {class_}".strip(), font_size=TEXT, text_anchor=anchor)


def width_of(text: str) -> float:
    """Return about how wide a text of usual size is: a Chinese character is square, a Latin letter not quite."""
    return sum(_width(character) for character in text)


def cut(text: str, most: float) -> str:
    """Return the text in one line, cut with an ellipsis when it would be wider than `most` units."""
    line = " ".join(fit(text).split())
    if width_of(line) <= most:
        return line
    taken, kept = _width("…"), ""
    for character in line:
        taken += _width(character)
        if taken > most:
            break
        kept += character
    return kept.rstrip() + "…"


def wrapped(text: str, most: float, lines: int) -> list[str]:
    """Return the text in at most so many lines, each no wider than `most` units; the last is cut."""
    rest, found = " ".join(fit(text).split()), list[str]()
    while rest and len(found) < lines - 1 and width_of(rest) > most:
        end = _fitting(rest, most)
        found.append(rest[:end].strip())
        rest = rest[end:].strip()
    return [*found, cut(rest, most)] if rest else found


def number(value: float) -> str:
    """Return a coordinate, to a tenth of a unit; raises ValueError for what is no number."""
    if not math.isfinite(value):
        raise ValueError("a place in a picture is a finite number")
    # Adding nothing turns a minus nought into a nought.
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def finite(values: Sequence[float]) -> None:
    """Raise ValueError unless every value is a finite number: a picture of nothing would still look like one."""
    if not all(math.isfinite(value) for value in values):
        raise ValueError("only finite numbers can be drawn")


def _fitting(text: str, most: float) -> int:
    taken = 0.0
    for index, character in enumerate(text):
        taken += _width(character)
        if taken > most:
            blank = text.rfind(" ", 0, index + 1)
            return blank if blank > 0 else max(index, 1)
    return len(text)


def _width(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    return TEXT * (1.05 if unicodedata.east_asian_width(character) in _WIDE else 0.58)


def _safe(child: Markup | str) -> Markup:
    return child if isinstance(child, Markup) else escape(fit(child))


def _attributes(attributes: dict[str, str | float]) -> Markup:
    return Markup("").join(_attribute(name, value) for name, value in attributes.items())


def _attribute(name: str, value: str | float) -> Markup:
    spelled = name.rstrip("_").replace("_", "-")
    if spelled == "style" or spelled.startswith("on") or "href" in spelled:
        raise ValueError(f"{spelled} is no attribute of a picture")
    said = fit(value) if isinstance(value, str) else number(value)
    return Markup(' {}="{}"').format(spelled, said)
