"""Who may do what with a clinic: its coordinators and the operator keep it, its staff see it, residents find times."""

import uuid
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import Member, member_guard
from telemedicine.clinics.models import CLINICS
from telemedicine.clinics.problems import NotAClinic

_CLINIC: Final = sa.select(CLINICS).where(
    CLINICS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    CLINICS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
)

Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
"""Whoever keeps the clinic of the path: its coordinators, and the operator who oversees it."""

ClinicStaff = Annotated[Member, Depends(member_guard("coordinator", "operator", "clinician"))]
"""Whoever works at the clinic of the path, or oversees it."""


async def require_clinic(connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID) -> sa.Row[Any]:
    """Return the clinic if it is one of the actor's community; raises ``NotFound``."""
    row = await _find(connection, actor, organization_id)
    if row is None:
        raise NotFound
    return row


async def require_own_clinic(connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID) -> sa.Row[Any]:
    """Return the clinic of an organization that a guard let the actor through to; raises ``NotAClinic``."""
    row = await _find(connection, actor, organization_id)
    if row is None:
        raise NotAClinic
    return row


async def _find(connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID) -> sa.Row[Any] | None:
    binds = {"organization_id": organization_id, "community_id": actor.community_id}
    return (await connection.execute(_CLINIC, binds)).one_or_none()


def works_for(actor: Actor) -> list[uuid.UUID]:
    """Return the organizations the actor is a member of: those whose own visit types they may book."""
    return sorted({held.organization_id for held in actor.memberships})
