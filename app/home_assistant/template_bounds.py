"""What keeps a template small while it is rendered: texts, lists and numbers within bounds, patterns that end."""

import re
from functools import lru_cache
from typing import Any, Final

MOST_CHARACTERS: Final = 32_768
MOST_ITEMS: Final = 2_000
MOST_BITS: Final = 256
MOST_EXPONENT: Final = 64
_MOST_SEARCHED: Final = 256
_MOST_PATTERN: Final = 128
_MOST_REPEATS: Final = 2
_MOST_MAYBES: Final = 8
_REPEATS: Final = "*+{"


class TemplateTooMuch(ValueError):  # noqa: N818 - says what happened
    """A template asks for more than a template is given."""


def bounded(result: Any) -> Any:
    """Return a result that is not too big; raises ``TemplateTooMuch``."""
    if isinstance(result, str):
        too_much = len(result) > MOST_CHARACTERS
    elif isinstance(result, int):
        too_much = result.bit_length() > MOST_BITS
    elif isinstance(result, list | tuple | dict):
        too_much = len(result) > MOST_ITEMS
    else:
        too_much = isinstance(result, complex)
    if too_much:
        raise TemplateTooMuch
    return result


def replaced(text: str, old: str, new: str, most: int = -1) -> str:
    """Return a text with one thing put for another; raises ``TemplateTooMuch`` before it grows too long."""
    if not old or len(text) + text.count(old) * len(new) > MOST_CHARACTERS:
        raise TemplateTooMuch
    return text.replace(old, new, most)


def binary(operator: str, left: Any, right: Any) -> Any:
    """Return what arithmetic gives; raises ``TemplateTooMuch`` for what would grow without an end."""
    if operator == "+" and isinstance(left, str | list | tuple):
        return _added(left, right)
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        raise TemplateTooMuch
    if operator == "**":
        if abs(right) > MOST_EXPONENT:
            raise TemplateTooMuch
        return bounded(left**right)
    return bounded(_ARITHMETIC[operator](left, right))


_ARITHMETIC: Final = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
}


def _added(left: Any, right: Any) -> Any:
    most = MOST_CHARACTERS if isinstance(left, str) else MOST_ITEMS
    if len(left) + len(right) > most:
        raise TemplateTooMuch
    return left + right


@lru_cache(maxsize=512)
def pattern(source: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Return a regular expression that always ends soon; raises ``TemplateTooMuch``.

    At most two repetitions, none of them of a group, nothing that looks around or back: on 256 characters the worst of
    them takes some milliseconds.
    """
    if len(source) > _MOST_PATTERN or not _is_tame(source):
        raise TemplateTooMuch
    try:
        return re.compile(source, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError):
        raise TemplateTooMuch from None


def searched(text: str) -> str:
    """Return a text short enough to be searched; raises ``TemplateTooMuch``."""
    if len(text) > _MOST_SEARCHED:
        raise TemplateTooMuch
    return text


def _is_tame(source: str) -> bool:
    bare = re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "C", re.sub(r"\\[^1-9]", "E", source))
    if "\\" in bare or re.search(r"\(\?(?!:|i\)|P<)", bare) or re.search(r"\)[*+{?]", bare):
        return False
    # ``(?`` opens a group, and ``+?`` is one repetition.
    counted = re.sub(r"([*+?}])[?+]", r"\1", bare.replace("(?", "("))
    repeats = sum(counted.count(sign) for sign in _REPEATS)
    return repeats <= _MOST_REPEATS and counted.count("?") <= _MOST_MAYBES
