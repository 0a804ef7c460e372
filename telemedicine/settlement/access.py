"""Who sees bills: whose they are, whom they let, and the clinic's coordinators, who alone write them."""

import uuid
from dataclasses import replace
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends, Request
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.access import Actor
from app.core.problems import Forbidden
from app.identity.api import Member, ResidentSubject, actor_binds, is_visible, member_guard, resident_guard

READ: Final = "bills:read"

Desk = Annotated[Member, Depends(member_guard("coordinator"))]
"""Whoever bills for the clinic of the path: its coordinators."""

_of_resident: Final = resident_guard(READ)


async def reader_guard(request: Request) -> ResidentSubject:
    """Return whose bills they are to themselves and whom they let; 403 for staff, who see them at their clinic."""
    subject = await _of_resident(request)
    if subject.relation == "staff":
        raise Forbidden("a clinic's bills are seen at the clinic")
    return subject


reader_guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test


def seen(resident_id: sa.ColumnElement[uuid.UUID], organization_id: sa.ColumnElement[uuid.UUID]) -> Any:
    """Return the condition that a bill is one the actor of ``seen_binds`` may see."""
    return sa.or_(
        is_visible(resident_id, READ), organization_id == sa.any_(sa.bindparam("staff_of", type_=ARRAY(sa.Uuid)))
    )


def seen_binds(actor: Actor) -> dict[str, Any]:
    """Return the parameters of ``seen``: no agreement shows one clinic what another asks."""
    return {"staff_of": _staff_of(actor), **actor_binds(replace(actor, memberships=()), READ)}


def _staff_of(actor: Actor) -> list[uuid.UUID]:
    if actor.kind == "client" and READ not in (actor.scopes or ()):
        return []
    return sorted(
        {
            held.organization_id
            for held in actor.memberships
            if held.organization_kind == "clinic" and (held.role == "coordinator" or actor.kind == "client")
        }
    )
