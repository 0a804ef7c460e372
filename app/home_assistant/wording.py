"""How single values of a configuration are taken: whatever type they came in, within bounds, or not at all."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

_NOT_IN_TEXT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_WORD: Final = re.compile(r"[a-z0-9_]{1,64}")

FREE_TEXT: Final = 255


def text_of(value: object) -> str | None:
    """Return a value as Home Assistant writes it (``True``, ``21.5``), or nothing for what is not one value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    return None


def label(value: object) -> str | None:
    """Return somebody's words without control characters, cut to 255 characters; nothing if none are left."""
    text = text_of(value)
    if text is None:
        return None
    return _NOT_IN_TEXT.sub("", text).strip()[:FREE_TEXT] or None


def is_plain(value: str) -> bool:
    """Say whether a text is free of control characters."""
    return _NOT_IN_TEXT.search(value) is None


def word(value: object) -> str | None:
    """Return one of Home Assistant's own words, such as ``carbon_monoxide``, or nothing."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def number_of(value: object) -> float | None:
    """Return a finite number, also one written as text, or nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > 64 or "_" in value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def setting(config: Mapping[str, Any], key: str, default: str) -> str:
    """Return the text a configuration gives for something, or its default."""
    text = text_of(config.get(key))
    return default if text is None else text


def amount(config: Mapping[str, Any], key: str, default: float) -> float:
    """Return the number a configuration gives for something, or its default."""
    number = number_of(config.get(key))
    return default if number is None else number


def words(config: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return the texts a configuration lists for something."""
    listed = config.get(key)
    if not isinstance(listed, list):
        return ()
    return tuple(text for text in map(text_of, listed) if text is not None)
