"""Keyset pages: opaque signed cursors, and the shape every list is answered in."""

import base64
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import orjson
import sqlalchemy as sa
from fastapi import Depends, Query
from pydantic import BaseModel

from app.core.keys import keys
from app.core.problems import FieldError, Malformed

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_TAG_BYTES = 16

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; ``next`` is the cursor of the page after it, or null at the end."""

    items: list[Item]
    next: str | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many items are wanted, and after which one."""

    limit: int
    cursor: str | None


async def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


PageQuery = Annotated[PageRequest, Depends(_page_request)]
"""``?limit=&cursor=`` of a list route."""


def encode_cursor(kind: str, values: Sequence[Any]) -> str:
    """Return an opaque cursor for the position ``values`` in lists of ``kind``.

    Values are what orjson writes (UUIDs, instants, strings, numbers); they come back as JSON values.
    """
    payload = orjson.dumps(list(values), default=str)  # the driver has UUIDs of its own
    return base64.urlsafe_b64encode(_tag(kind, payload) + payload).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str) -> tuple[Any, ...]:
    """Return the position a cursor of ``kind`` holds; raises ``Malformed`` for any other text."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise _bad_cursor() from None
    tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(kind, payload)):
        raise _bad_cursor()
    return tuple(orjson.loads(payload))


def next_cursor(kind: str, rows: Sequence[Any], limit: int, position: Sequence[str]) -> str | None:
    """Return the cursor after ``rows[limit - 1]`` if more than ``limit`` rows were fetched.

    ``position`` names the attributes the list is ordered by; fetch ``limit + 1`` rows to know whether there are more.
    """
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return encode_cursor(kind, [getattr(last, name) for name in position])


def after(
    columns: Sequence[sa.ColumnElement[Any]], binds: Sequence[str], *, descending: bool = False
) -> sa.ColumnElement[bool]:
    """Return the condition that a row lies after the bound position; null binds mean the first page.

    One comparison of rows for every page, so that the index on ``columns`` finds the position however deep it lies.
    Raises ``TypeError`` for a column without a first and last value (text, where descending).
    """
    position = [
        sa.func.coalesce(sa.bindparam(name, type_=column.type), _before_all(column.type, descending=descending))
        for name, column in zip(binds, columns, strict=True)
    ]
    row = sa.tuple_(*columns)
    return row < sa.tuple_(*position) if descending else row > sa.tuple_(*position)


def _before_all(kind: sa.types.TypeEngine[Any], *, descending: bool) -> sa.ColumnElement[Any]:
    """Return a value no later row lies before: the lowest of its type, or the highest where the list descends."""
    match kind:
        case sa.Uuid():
            literal = f"CAST('{uuid.UUID(int=(1 << 128) - 1 if descending else 0)}' AS uuid)"
        case sa.DateTime():
            literal = f"CAST('{'' if descending else '-'}infinity' AS timestamptz)"
        case sa.Date():
            literal = f"CAST('{'' if descending else '-'}infinity' AS date)"
        case sa.Integer():
            bits = 63 if isinstance(kind, sa.BigInteger) else 31
            literal = str((1 << bits) - 1 if descending else 1 - (1 << bits))
        case sa.String() if not descending:
            literal = "''"
        case _:
            raise TypeError(f"no page can begin before every {kind}")
    return sa.literal_column(literal, kind)


def _tag(kind: str, payload: bytes) -> bytes:
    return hmac.digest(keys().cursor, kind.encode() + b"\n" + payload, "sha256")[:_TAG_BYTES]


def _bad_cursor() -> Malformed:
    return Malformed(errors=[FieldError("/query/cursor", "not a cursor of this list", "cursor")])
