"""The variables of a notice: stored as ids, instants and enumerations, turned into words when a text is rendered.

Kinds, as a notice declares them and as ``send_many`` stores them in ``variables`` (jsonb):

- ``resident`` a resident's id, ``account`` an account's id, ``community`` a community's id: texts say ``{{ x.name }}``
- ``instant`` an RFC 3339 text: ``{{ x | time }}``, ``{{ x | date }}``, ``{{ x | moment }}`` in the reader's zone
- ``date`` an ISO 8601 day: ``{{ x | date }}``
- ``integer`` a number: ``{{ x }}``; ``word`` an enumeration: ``{% if x == "en_route" %}``
- ``categories`` how many of which categories, ``care_circle=2 account=1``: ``{{ x | by_category }}``
- ``text`` somebody's own words or a secret: sealed in the table (``seal_text`` for set-based sending): ``{{ x }}``
- ``announcement`` the id of words kept once for many readers: ``{{ x.title }}``, ``{{ x.body }}``

Names are read when a text is rendered: nothing about a person is copied into a queue, and a corrected name is used at
once. So are announcements: a million copies of somebody's words would be a million times as many bytes.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Literal

from app.core import sealing

Kind = Literal[
    "resident", "account", "community", "instant", "date", "integer", "word", "categories", "text", "announcement"
]
Value = uuid.UUID | datetime | date | int | str
Stored = str | int
Named = Literal["resident", "account", "community"]

NAMED: tuple[Named, ...] = ("resident", "account", "community")
PEOPLE: tuple[Named, ...] = ("resident", "account")
SOMEBODY: Mapping[str, str] = {"en": "somebody", "zh-CN": "某人"}
"""What everybody is called where no names are shown, by language."""
_TYPES: Mapping[Kind, type | tuple[type, ...]] = {
    "resident": uuid.UUID,
    "account": uuid.UUID,
    "community": uuid.UUID,
    "instant": datetime,
    "date": date,
    "integer": int,
    "word": str,
    "categories": str,
    "text": str,
    "announcement": uuid.UUID,
}
_CONTEXT = "notifications.variables.text"
ERASED = "—"
"""What somebody is called whose name is no longer known."""


def seal_text(text: str) -> str:
    """Return ``text`` as a variable of kind ``text`` is stored."""
    return sealing.seal(text, _CONTEXT)


def encode(kinds: Mapping[str, Kind], values: Mapping[str, Value]) -> dict[str, Stored]:
    """Return ``values`` as they are stored; raises ``ValueError`` unless they are exactly what ``kinds`` asks for."""
    if kinds.keys() != values.keys():
        raise ValueError(f"expected the variables {sorted(kinds)}, got {sorted(values)}")
    return {name: _encode(name, kinds[name], value) for name, value in values.items()}


def _encode(name: str, kind: Kind, value: Value) -> Stored:
    if not isinstance(value, _TYPES[kind]) or isinstance(value, bool):
        raise TypeError(f"the variable {name} is a {kind}, not a {type(value).__name__}")
    if kind == "text":
        return seal_text(str(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


def named_ids(kinds: Mapping[str, Kind], stored: Mapping[str, Stored], named: Kind) -> Iterable[uuid.UUID]:
    """Yield the ids of one kind among the variables of a notice."""
    return (uuid.UUID(str(stored[name])) for name, kind in kinds.items() if kind == named and name in stored)


def decode(
    kinds: Mapping[str, Kind], stored: Mapping[str, Stored], names: Mapping[uuid.UUID, str], language: str
) -> dict[str, object]:
    """Return what a template sees: named ids as ``{"id", "name"}``, instants and dates as such, texts unsealed.

    An announcement is seen in ``language``, or in another one if there is none in it.
    Raises ``KeyError`` for a variable that is missing, ``ValueError`` for one that is not of its kind.
    """
    return {name: _decode(kind, stored[name], names, language) for name, kind in kinds.items()}


def _announced(texts: str, language: str) -> Mapping[str, str]:
    """Return title and body in ``language``, or in another one if there is none in it."""
    known: dict[str, dict[str, str]] = json.loads(texts)
    return known.get(language) or next(iter(known.values()), {"title": ERASED, "body": ERASED})


def _decode(kind: Kind, value: Stored, names: Mapping[uuid.UUID, str], language: str) -> object:  # noqa: PLR0911 - a kind each
    match kind:
        case "resident" | "account" | "community":
            identifier = uuid.UUID(str(value))
            return {"id": str(identifier), "name": names.get(identifier) or ERASED}
        case "announcement":
            return _announced(names.get(uuid.UUID(str(value)), "{}"), language)
        case "instant":
            return datetime.fromisoformat(str(value))
        case "date":
            return date.fromisoformat(str(value))
        case "integer":
            return int(value)
        case "text":
            return sealing.unseal(str(value), _CONTEXT)
        case "word" | "categories":
            return str(value)
