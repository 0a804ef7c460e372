"""A file of an export is fetched: of residents of whom less may be seen than when it was written, nothing is sent."""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Final

from app.core import audit
from app.core.access import Actor
from app.core.database import reading
from app.core.problems import Forbidden, Unauthenticated
from app.fhir.access import require
from app.fhir.exports import views
from app.fhir.exports.problems import ExportRunning
from app.fhir.exports.rules import Piece
from app.identity.api import actor_of_client, agreed_scopes
from app.media.api import sealed_pieces

_AT_ONCE: Final = 50
"""Pieces that are held in memory while it is asked who may still be seen."""
_BYTES: Final = 2**20


async def lines(actor: Actor, file_id: uuid.UUID) -> AsyncIterator[bytes]:
    """Return the lines of a file, piece by piece.

    Raises ``NotFound`` for another's, ``ExportRunning``, ``Forbidden`` for a credential that lets its client do less
    than the one the export was ordered with.
    """
    async with reading() as connection:
        row = await views.file(connection, actor.id, file_id)
        if row.state != "completed":
            raise ExportRunning
        scopes = frozenset(row.scopes)
        if missing := scopes - (actor.scopes or frozenset()):
            raise Forbidden(f"this needs {', '.join(sorted(missing))}")
        require(actor, row.type, "s")
        await audit.record(connection, actor, "bulk_export:fetch", object_id=row.export_id)
    return _lines(actor, file_id, row.size, scopes)


async def _lines(actor: Actor, file_id: uuid.UUID, size: int, scopes: frozenset[str]) -> AsyncIterator[bytes]:
    waiting: list[Piece] = []
    async for text in sealed_pieces(file_id, size):
        waiting.append(Piece.read(text))
        if len(waiting) >= _AT_ONCE or sum(len(piece.lines) for piece in waiting) >= _BYTES:
            for piece in await _still_seen(actor, scopes, waiting):
                yield piece.lines
            waiting = []
    for piece in await _still_seen(actor, scopes, waiting):
        yield piece.lines


async def _still_seen(actor: Actor, scopes: frozenset[str], pieces: Sequence[Piece]) -> list[Piece]:
    """Return what the client may see now as it could when it was written; raises ``Unauthenticated`` once cut off."""
    async with reading() as connection:
        now = await actor_of_client(connection, actor.id, scopes, None)
        if now is None or now.scopes != scopes:
            raise Unauthenticated("the client was cut off")
        (organization,) = now.memberships
        residents = {piece.resident_id for piece in pieces}
        agreed = await agreed_scopes(connection, organization.organization_id, residents)
    return [piece for piece in pieces if piece.scopes <= agreed[piece.resident_id]]
