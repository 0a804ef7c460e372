"""Who may do what at gates: who works for the attraction scans, its coordinator keeps and decides, the operator too."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from community.attractions.models import ATTRACTIONS
from community.gates.models import CONFLICTS, GATES

SCANS_WITH: Final = ("worker", "coordinator")
KEEPS: Final = ("coordinator",)

_row_id = sa.bindparam("row_id", type_=sa.Uuid)
_COLUMNS: Final = (
    ATTRACTIONS.c.id.label("attraction_id"),
    *(ATTRACTIONS.c[name] for name in ("community_id", "organization_id", "time_zone")),
)
_OF_GATE: Final[sa.Select[Any]] = (
    sa.select(GATES.c.id, *_COLUMNS)
    .join(ATTRACTIONS, ATTRACTIONS.c.id == GATES.c.attraction_id)
    .where(GATES.c.id == _row_id)
)
_OF_ATTRACTION: Final[sa.Select[Any]] = sa.select(ATTRACTIONS.c.id, *_COLUMNS).where(ATTRACTIONS.c.id == _row_id)
_OF_CONFLICT: Final[sa.Select[Any]] = (
    sa.select(CONFLICTS.c.id, *_COLUMNS)
    .join(ATTRACTIONS, ATTRACTIONS.c.id == CONFLICTS.c.attraction_id)
    .where(CONFLICTS.c.id == _row_id)
)


@dataclass(frozen=True, slots=True)
class AtAttraction:
    """The thing of the path (a gate, an attraction, a conflict), of which attraction it is, and who asks."""

    id: uuid.UUID
    attraction_id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID
    time_zone: str
    actor: Actor


async def required(
    connection: AsyncConnection, actor: Actor, statement: sa.Select[Any], row_id: uuid.UUID, roles: tuple[str, ...]
) -> AtAttraction:
    """Return what a statement finds, to who has one of ``roles`` at the attraction, and to the community's operator.

    Raises ``NotFound`` for who has nothing to do with the attraction, ``Forbidden`` for others of those who do.
    """
    if actor.kind != "account":
        raise Forbidden("this is for people")
    row = (await connection.execute(statement, {"row_id": row_id})).one_or_none()
    if row is None or row.community_id != actor.community_id:
        raise NotFound
    held = [
        membership
        for membership in actor.memberships
        if membership.organization_id == row.organization_id or membership.organization_kind == "operator"
    ]
    if not held:
        raise NotFound
    if not any(
        one.role == "operator" or (one.organization_id == row.organization_id and one.role in roles) for one in held
    ):
        raise Forbidden(f"this is for the roles: {', '.join((*roles, 'operator'))}")
    return AtAttraction(actor=actor, **row._mapping)  # noqa: SLF001 - how a row is read by names


def _guard(name: str, statement: sa.Select[Any], *roles: str) -> Callable[[Request], Awaitable[AtAttraction]]:
    async def guard(request: Request) -> AtAttraction:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        try:
            row_id = uuid.UUID(str(request.path_params[name]))
        except ValueError:
            raise Malformed(errors=[FieldError(f"/path/{name}", "not a UUID", "uuid_parsing")]) from None
        async with _connection(request) as connection:
            return await required(connection, actor, statement, row_id, roles)

    guard.roles = roles  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


@asynccontextmanager
async def _connection(request: Request) -> AsyncIterator[AsyncConnection]:
    """Hand out the request's connection, or one for the moment on routes that open their own units of work."""
    if hasattr(request.state, "session") or hasattr(request.state, "reading"):
        yield await connection_of(request)
    else:
        async with reading() as connection:
            yield connection


Scanning = Annotated[AtAttraction, Depends(_guard("gate_id", _OF_GATE, *SCANS_WITH))]
"""The gate of the path, to whoever scans there."""
GateKeeping = Annotated[AtAttraction, Depends(_guard("gate_id", _OF_GATE, *KEEPS))]
"""The gate of the path, to whoever says what gates there are."""
Seeing = Annotated[AtAttraction, Depends(_guard("attraction_id", _OF_ATTRACTION, *SCANS_WITH))]
"""The attraction of the path, to whoever scans there."""
Keeping = Annotated[AtAttraction, Depends(_guard("attraction_id", _OF_ATTRACTION, *KEEPS))]
"""The attraction of the path, to whoever decides what is let in there."""
Deciding = Annotated[AtAttraction, Depends(_guard("conflict_id", _OF_CONFLICT, *KEEPS))]
"""The conflict of the path, to whoever decides on it."""
