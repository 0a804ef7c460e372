"""Who reads and writes health records: whose they are, whom they let, and the clinics that treat them.

A clinic treats a resident while its agreement covers health records and there is a reason to look: an appointment that
is booked, a number in its line, a video visit or an encounter, ahead or within a year. The agreement alone does not do.
"""

import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor, authenticate
from app.core.problems import FieldError, Forbidden, Malformed, NotFound
from app.core.routing import connection_of
from app.identity.api import ResidentSubject, organizations_serving, require_resident, resident_guard
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.consultations.models import CONSULTATIONS
from telemedicine.queues.models import TICKETS
from telemedicine.records.models import RECORDS
from telemedicine.records.problems import AnothersRecord, NoTreatment
from telemedicine.records.rules import ENTERED_IN_ERROR, TREATED_WITHIN

READ: Final = "records:read"
WRITE: Final = "records:write"

_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_clinics = sa.bindparam("clinics", type_=ARRAY(sa.Uuid))
_since = sa.bindparam("since", type_=sa.DateTime(timezone=True))


def _of(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[uuid.UUID]]:
    return sa.select(table.c.organization_id).where(
        table.c.resident_id == _resident, table.c.organization_id == sa.any_(_clinics), *conditions
    )


_TREATING: Final = sa.union(
    _of(
        APPOINTMENTS,
        APPOINTMENTS.c.starts_at >= _since,
        APPOINTMENTS.c.status.in_(("booked", "arrived", "checked-in", "fulfilled")),
    ),
    # Who was called and seen was treated, as by an appointment that was kept; numbers are forgotten after a month.
    _of(TICKETS, TICKETS.c.state.in_(("waiting", "called", "done"))),
    _of(CONSULTATIONS, CONSULTATIONS.c.starts_at >= _since, CONSULTATIONS.c.state.not_in(("expired", "cancelled"))),
    _of(RECORDS, RECORDS.c.kind == "encounter", RECORDS.c.effective_at >= _since, RECORDS.c.status != ENTERED_IN_ERROR),
)
_WHOSE: Final = sa.select(RECORDS.c.resident_id).where(RECORDS.c.id == sa.bindparam("record_id", type_=sa.Uuid))


@dataclass(frozen=True, slots=True)
class RecordSubject:
    """The resident a request is about, who asks, and the clinics they ask for: none if on the resident's side."""

    resident: ResidentSubject
    actor: Actor
    clinics: tuple[uuid.UUID, ...]


async def require_records(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, scope: str
) -> RecordSubject:
    """Return whose records they are if the actor has ``scope`` on them.

    Raises ``NotFound``, ``Forbidden`` without the scope or for staff of anything but a clinic, ``NoTreatment``.
    """
    return await _admitted(connection, actor, await require_resident(connection, actor, resident_id, scope), scope)


async def require_record(
    connection: AsyncConnection, actor: Actor, record_id: uuid.UUID, scope: str = READ
) -> RecordSubject:
    """Return whose record it is, for those who know no more than its id; raises as ``require_records``."""
    resident_id = await connection.scalar(_WHOSE, {"record_id": record_id})
    if resident_id is None:
        raise NotFound
    return await require_records(connection, actor, resident_id, scope)


async def _admitted(connection: AsyncConnection, actor: Actor, subject: ResidentSubject, scope: str) -> RecordSubject:
    if subject.relation != "staff":
        return RecordSubject(subject, actor, ())
    works_for = {
        held.organization_id
        for held in actor.memberships
        if held.organization_kind == "clinic" and (held.role == "clinician" or actor.kind == "client")
    }
    serving = await organizations_serving(connection, [subject.resident_id], scope)
    if not (works_for := works_for & serving[subject.resident_id]):
        raise Forbidden("this is for the clinics that treat the resident")
    if not (clinics := await treating(connection, subject.resident_id, works_for)):
        raise NoTreatment
    return RecordSubject(subject, actor, clinics)


async def treating(
    connection: AsyncConnection, resident_id: uuid.UUID, clinics: Collection[uuid.UUID]
) -> tuple[uuid.UUID, ...]:
    """Return those of ``clinics`` that have seen the resident within a year, or are about to."""
    binds: dict[str, Any] = {
        "resident_id": resident_id,
        "clinics": sorted(clinics),
        "since": clock.now() - TREATED_WITHIN,
    }
    return tuple(sorted(row.organization_id for row in await connection.execute(_TREATING, binds)))


def acting_for(subject: RecordSubject, wanted: uuid.UUID | None) -> uuid.UUID | None:
    """Return for which clinic the actor writes: the one they name, the first without; ``None`` for residents.

    Raises ``Malformed`` for one they do not treat the resident for.
    """
    if wanted is None:
        return subject.clinics[0] if subject.clinics else None
    if wanted not in subject.clinics:
        detail = "no clinic for which you treat the resident"
        raise Malformed(errors=[FieldError("/body/organization_id", detail, "not_your_clinic")])
    return wanted


def answering_for(subject: RecordSubject, source: str, organization_id: uuid.UUID | None) -> uuid.UUID | None:
    """Return for which clinic the actor corrects such a record, ``None`` on the resident's side.

    What residents entered is theirs, and of any clinic that treats them: that vouches for it from then on. Raises
    ``AnothersRecord``.
    """
    if source == "resident":
        return subject.clinics[0] if subject.clinics else None
    if organization_id not in subject.clinics:
        raise AnothersRecord
    return organization_id


def records_guard(scope: str) -> Callable[[Request], Awaitable[RecordSubject]]:
    """Return the dependency that hands over whose records ``/me/…`` or ``/residents/{resident_id}/…`` is about.

    Answers 401 to nobody, 404 where the actor may not know the resident, 403 as ``require_records``.
    """
    of_resident = resident_guard(scope)

    async def guard(request: Request) -> RecordSubject:
        subject = await of_resident(request)
        return await _admitted(await connection_of(request), await authenticate(request), subject, scope)

    guard.__name__ = f"guard_{scope.replace(':', '_')}"
    guard.scope = scope  # type: ignore[attr-defined]  # read by the access matrix test
    return guard
