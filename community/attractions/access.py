"""Who may do what with attractions: whoever runs one keeps it, the operator oversees, everybody reads."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import Member, member_guard, organizations_named
from community.attractions.models import ATTRACTIONS
from community.attractions.problems import NotAnAttraction

Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
"""Whoever says what the attractions of the path's organization are, or oversees it."""

OnSite = Annotated[Member, Depends(member_guard("coordinator", "operator", "worker"))]
"""Whoever may say that an attraction is shut: also those who stand at its door."""


@dataclass(frozen=True, slots=True)
class AttractionAt:
    """Which attraction of which organization a path names."""

    organization_id: uuid.UUID
    attraction_id: uuid.UUID


async def attraction_at(organization_id: uuid.UUID, attraction_id: uuid.UUID) -> AttractionAt:
    """Return which attraction the path names."""
    return AttractionAt(organization_id, attraction_id)


_attraction_id = sa.bindparam("attraction_id", type_=sa.Uuid)
_PUBLISHED: Final = sa.select(ATTRACTIONS).where(ATTRACTIONS.c.id == _attraction_id, ATTRACTIONS.c.state == "published")
_OF_COMMUNITY: Final = _PUBLISHED.where(ATTRACTIONS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid))
_OF_ORGANIZATION: Final = sa.select(ATTRACTIONS).where(
    ATTRACTIONS.c.id == _attraction_id,
    ATTRACTIONS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
)


async def require_attraction(connection: AsyncConnection, actor: Actor, attraction_id: uuid.UUID) -> sa.Row[Any]:
    """Return a published attraction of the actor's community; raises ``NotFound``."""
    return await _one(connection, _OF_COMMUNITY, {"attraction_id": attraction_id, "community_id": actor.community_id})


async def require_published(connection: AsyncConnection, attraction_id: uuid.UUID) -> sa.Row[Any]:
    """Return a published attraction, whoever asks; raises ``NotFound``."""
    return await _one(connection, _PUBLISHED, {"attraction_id": attraction_id})


async def require_of(connection: AsyncConnection, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> sa.Row[Any]:
    """Return an attraction, in whatever state, of the organization whose guard was passed; raises ``NotFound``."""
    binds = {"attraction_id": attraction_id, "organization_id": organization_id}
    return await _one(connection, _OF_ORGANIZATION, binds)


async def require_runs_attractions(connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID) -> None:
    """Raise ``NotAnAttraction`` unless the organization is one that runs attractions."""
    known = await organizations_named(connection, actor.community_id, [organization_id])
    if organization_id not in known or known[organization_id].kind != "attraction":
        raise NotAnAttraction


async def _one(connection: AsyncConnection, statement: sa.Select[Any], binds: dict[str, Any]) -> sa.Row[Any]:
    row: sa.Row[Any] | None = (await connection.execute(statement, binds)).one_or_none()
    if row is None:
        raise NotFound
    return row
