"""Who may see and change an appointment: whose it is, whom they let, and the clinic it is at."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.core.statements import HotStatement
from app.identity.api import (
    Member,
    ResidenceEnded,
    ResidentSubject,
    actor_binds,
    is_visible,
    require_resident,
    resident_guard,
)
from telemedicine.appointments.models import APPOINTMENTS, WAITLIST
from telemedicine.appointments.rules import By

MANAGE: Final = "appointments:manage"
STAFF: Final = ("coordinator", "clinician")


def one_of(table: sa.Table) -> HotStatement:
    """Return the statement that finds a row of a table that says whose it is, and what the actor may with it."""
    names = ("id", "resident_id", "community_id", "organization_id")
    return HotStatement(
        sa.select(
            *(table.c[name] for name in names),
            is_visible(table.c.resident_id, MANAGE).label("is_visible"),
            (table.c.organization_id == sa.any_(sa.bindparam("staff_of", type_=ARRAY(sa.Uuid)))).label("is_clinics"),
        ).where(table.c.id == sa.bindparam("row_id", type_=sa.Uuid))
    )


_APPOINTMENT: Final = one_of(APPOINTMENTS)
_ENTRY: Final = one_of(WAITLIST)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about, and on whose side the actor stands."""

    id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID
    by: By


def staff_of(actor: Actor) -> list[uuid.UUID]:
    """Return the organizations whose appointments the actor sees and changes as one who works there.

    So does a clinic's own system that may manage appointments: what it calls off is called off by the clinic.
    """
    if actor.kind == "client" and MANAGE in (actor.scopes or ()):
        return sorted({held.organization_id for held in of_clinics(actor).memberships})
    if actor.kind != "account":
        return []
    return sorted({held.organization_id for held in actor.memberships if held.role in STAFF})


def of_clinics(actor: Actor) -> Actor:
    """Return the actor as one who works for clinics alone: no agency sees what its clients tell their doctors."""
    return replace(actor, memberships=tuple(held for held in actor.memberships if held.organization_kind == "clinic"))


async def require_patient(connection: AsyncConnection, actor: Actor, subject: ResidentSubject) -> ResidentSubject:
    """Return the subject, on whom the actor has ``appointments:manage``.

    Raises ``Forbidden`` for who has to do with them as staff, and not as a clinic's.
    """
    if subject.relation == "staff":
        try:
            await require_resident(connection, of_clinics(actor), subject.resident_id, MANAGE)
        except NotFound:
            raise Forbidden("this is for the clinics that treat the resident") from None
    return subject


async def require_appointments(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> ResidentSubject:
    """Return the resident if the actor may know what they see doctors for.

    Those are they themselves, whom they let, and the clinics that treat them. Raises ``NotFound``, ``Forbidden``.
    """
    return await require_patient(connection, actor, await require_resident(connection, actor, resident_id, MANAGE))


async def require_bookable(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID | None) -> ResidentSubject:
    """Return whom the actor books for, themselves unless somebody is named.

    Raises ``NotFound``, ``Forbidden`` without ``appointments:manage``, ``ResidenceEnded`` for who lives here no more.
    """
    meant = resident_id or actor.resident_id
    if meant is None:
        raise NotFound("you are not a resident: say for whom you book")
    subject = await require_appointments(connection, actor, meant)
    if subject.state != "active":
        raise ResidenceEnded
    return subject


async def require_appointment(connection: AsyncConnection, actor: Actor, appointment_id: uuid.UUID) -> Subject:
    """Return the appointment if the actor may see it; raises ``NotFound``."""
    return await find(connection, actor, _APPOINTMENT, appointment_id)


def require_clinics(subject: Subject) -> None:
    """Raise ``Forbidden`` unless the actor works at the clinic."""
    if subject.by != "clinic":
        raise Forbidden("this is for those who work at the clinic")


async def find(connection: AsyncConnection, actor: Actor, statement: HotStatement, row_id: uuid.UUID) -> Subject:
    """Return what a statement of ``one_of`` finds, if the actor may see it; raises ``NotFound``."""
    binds = {"row_id": row_id, "staff_of": staff_of(actor), **actor_binds(of_clinics(actor), MANAGE)}
    found = await statement.rows(connection, binds)
    if not found or not (found[0].is_visible or found[0].is_clinics):
        raise NotFound
    row = found[0]
    is_own = actor.resident_id == row.resident_id
    by: By = "clinic" if row.is_clinics and not is_own else "patient"
    return Subject(row.id, row.resident_id, row.community_id, row.organization_id, by)


@asynccontextmanager
async def _connection(request: Request) -> AsyncIterator[AsyncConnection]:
    """Hand out the request's connection, or one for the moment on streams, which hold none."""
    if hasattr(request.state, "session") or hasattr(request.state, "reading"):
        yield await connection_of(request)
    else:
        async with reading() as connection:
            yield connection


def guard_over(
    statement: HotStatement, name: str, *, of_clinic: bool = False
) -> Callable[[Request], Awaitable[Subject]]:
    """Return the dependency that hands over what the path's ``name`` is the id of.

    401 for nobody, 404 for whoever may not know of it, and ``of_clinic`` 403 for who does not work at its clinic.
    """

    async def guard(request: Request) -> Subject:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        try:
            row_id = uuid.UUID(str(request.path_params[name]))
        except ValueError:
            raise Malformed(errors=[FieldError(f"/path/{name}", "not a UUID", "uuid_parsing")]) from None
        async with _connection(request) as connection:
            subject = await find(connection, actor, statement, row_id)
        if of_clinic:
            require_clinics(subject)
        return subject

    guard.scope = MANAGE  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


def _patient_guard() -> Callable[[Request], Awaitable[ResidentSubject]]:
    of_resident = resident_guard(MANAGE)

    async def guard(request: Request) -> ResidentSubject:
        subject = await of_resident(request)
        return await require_patient(await connection_of(request), await authenticate(request), subject)

    guard.scope = MANAGE  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


patient_guard: Final = _patient_guard()
"""The resident of the path for themselves, whom they let, and the clinics that treat them."""
appointment_guard: Final = guard_over(_APPOINTMENT, "appointment_id")
clinics_appointment_guard: Final = guard_over(_APPOINTMENT, "appointment_id", of_clinic=True)
"""As ``appointment_guard``, and 403 for whoever does not work at its clinic."""
entry_guard: Final = guard_over(_ENTRY, "waitlist_entry_id")


def require_staff(member: Member, organization_id: uuid.UUID) -> None:
    """Raise ``Forbidden`` unless the membership is one in that very organization: patients are nobody else's."""
    if organization_id not in staff_of(member.actor):
        raise Forbidden("this is for those who work at the clinic")
