"""JSON that strangers sent: read only as far as it is small, flat and can be kept."""

from typing import Any, Final

import orjson

from app.home_assistant.shapes import NotUnderstood

MOST_CONFIG: Final = 65_536
MOST_STATE: Final = 16_384
"""Bytes. What is bigger is not even looked into."""
MOST_DEPTH: Final = 16


def read_json(payload: bytes, most: int) -> Any:
    """Return what JSON says; raises ``NotUnderstood`` with ``too_big``, ``not_json``, ``too_deep`` or ``not_text``.

    ``not_text`` is JSON with the character 0 in it, which no text of ours can hold.
    """
    if len(payload) > most:
        raise NotUnderstood("too_big")
    try:
        document = orjson.loads(payload)
    except (orjson.JSONDecodeError, RecursionError):
        raise NotUnderstood("not_json") from None
    if payload.count(b"{") + payload.count(b"[") > MOST_DEPTH and _is_deep(document):
        raise NotUnderstood("too_deep")
    if b"\\u0000" in payload:
        raise NotUnderstood("not_text")
    return document


def _is_deep(document: Any) -> bool:
    level = [document]
    for _ in range(MOST_DEPTH + 1):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        if not below:
            return False
        level = below
    return True
