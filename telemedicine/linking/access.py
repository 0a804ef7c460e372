"""Who sees and ends a patient number: the resident, whom they trust with it, and the clinic whose number it is."""

import uuid
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.identity.api import ResidenceEnded, ResidentSubject, require_resident, resident_guard
from telemedicine.appointments.access import MANAGE, STAFF, Subject, of_clinics, staff_of
from telemedicine.linking.models import LINKS

_ONE: Final = sa.select(LINKS.c.id, LINKS.c.resident_id, LINKS.c.community_id, LINKS.c.organization_id).where(
    LINKS.c.id == sa.bindparam("link_id", type_=sa.Uuid)
)


def clinics_of(actor: Actor) -> list[uuid.UUID]:
    """Return the clinics whose own numbers the actor sees: where they are on the staff, or whose system they are."""
    held = of_clinics(actor).memberships
    return sorted({one.organization_id for one in held if actor.kind == "client" or one.role in STAFF})


def require_clinic(actor: Actor, organization_id: uuid.UUID) -> None:
    """Raise ``Forbidden`` unless the actor books for the clinic, as one of its staff or its own system."""
    if organization_id not in set(staff_of(actor)) & set(clinics_of(actor)):
        raise Forbidden("this is for those who work at the clinic")


async def require_patient_of(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, resident_id: uuid.UUID
) -> ResidentSubject:
    """Return a resident whom the clinic itself treats.

    Raises ``NotFound`` or ``Forbidden`` where only another organization of the actor's does, ``ResidenceEnded``.
    """
    here = replace(
        actor,
        resident_id=None,
        memberships=tuple(held for held in actor.memberships if held.organization_id == organization_id),
    )
    subject = await require_resident(connection, here, resident_id, MANAGE)
    if subject.relation != "staff":  # a right of their own is none of the clinic's
        raise NotFound
    if subject.state != "active":
        raise ResidenceEnded
    return subject


def is_theirs(subject: ResidentSubject) -> bool:
    """Say whether the actor is the resident, or somebody they trust with it."""
    return subject.relation in ("self", "granted")


def _person_guard() -> Any:
    of_resident = resident_guard(MANAGE)

    async def guard(request: Request) -> ResidentSubject:
        subject = await of_resident(request)
        if not is_theirs(subject):
            raise Forbidden("this is for the resident, and whom they trust with it")
        return subject

    guard.scope = MANAGE  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


person_guard: Final = _person_guard()
"""The resident of the path to themselves, and to whom they let manage appointments."""


async def link_guard(request: Request) -> Subject:
    """Return the link of the path to whoever may end it; 404 for everybody else."""
    actor = await authenticate(request)
    if actor.kind == "anonymous":
        raise Unauthenticated
    try:
        link_id = uuid.UUID(str(request.path_params["patient_link_id"]))
    except ValueError:
        raise Malformed(errors=[FieldError("/path/patient_link_id", "not a UUID", "uuid_parsing")]) from None
    connection = await connection_of(request)
    row = (await connection.execute(_ONE, {"link_id": link_id})).one_or_none()
    if row is None:
        raise NotFound
    if row.organization_id in staff_of(actor) and row.resident_id != actor.resident_id:
        return Subject(*row, by="clinic")
    try:
        subject = await require_resident(connection, actor, row.resident_id, MANAGE)
    except Forbidden:
        raise NotFound from None
    if not is_theirs(subject):
        raise NotFound
    return Subject(*row, by="patient")


link_guard.scope = MANAGE  # type: ignore[attr-defined]  # read by the access matrix test
