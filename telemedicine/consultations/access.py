"""Who may know of a video visit, who takes part, who holds it: the guard that finds it, and the same asked again."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.identity.api import ResidentSubject, require_resident, resident_guard
from telemedicine.consultations.models import CONSULTATIONS
from telemedicine.consultations.problems import NotTakingPart, NotYourConsultation

READ: Final = "consultations:read"
JOIN: Final = "consultations:join"
As = Literal["clinician", "colleague", "resident", "family"]

_CONSULTATION = sa.select(
    CONSULTATIONS.c.id, CONSULTATIONS.c.resident_id, CONSULTATIONS.c.organization_id, CONSULTATIONS.c.clinician_id
).where(CONSULTATIONS.c.id == sa.bindparam("consultation_id", type_=sa.Uuid))


@dataclass(frozen=True, slots=True)
class ConsultationSubject:
    """The video visit a request is about, and as what the actor comes to it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    resident: ResidentSubject
    as_what: As
    actor: Actor


async def require_consultation(
    connection: AsyncConnection, actor: Actor, consultation_id: uuid.UUID, scope: str
) -> ConsultationSubject:
    """Return the visit if the actor may see it.

    That is the resident, whom they gave ``scope``, and the clinic's clinicians while the clinic serves the resident.
    Raises ``NotFound`` where the actor may not know of it, ``Forbidden`` where they know the resident but lack the
    scope.
    """
    row = (await connection.execute(_CONSULTATION, {"consultation_id": consultation_id})).one_or_none()
    if row is None:
        raise NotFound
    subject = await require_resident(connection, actor, row.resident_id, scope)
    return ConsultationSubject(row.id, row.organization_id, subject, _as_what(actor, row, subject), actor)


def _as_what(actor: Actor, row: Any, subject: ResidentSubject) -> As:
    if subject.relation == "self":
        return "resident"
    of_clinic = any(
        held.organization_id == row.organization_id and held.role == "clinician" for held in actor.memberships
    )
    if of_clinic:
        return "clinician" if actor.id == row.clinician_id else "colleague"
    if subject.relation == "granted":
        return "family"
    raise Forbidden("this video visit is another clinic's")


def require_taking_part(subject: ConsultationSubject) -> None:
    """Raise ``NotTakingPart`` for a clinician of the clinic whose visit it is not."""
    if subject.as_what == "colleague" or subject.actor.kind != "account":
        raise NotTakingPart


def require_holder(subject: ConsultationSubject) -> None:
    """Raise ``NotYourConsultation`` for everybody but the clinician who holds the visit."""
    if subject.as_what != "clinician":
        raise NotYourConsultation


def consultation_guard(scope: str, *, holder: bool = False) -> Callable[[Request], Awaitable[ConsultationSubject]]:
    """Return the dependency that hands over the visit of ``/consultations/{consultation_id}/…``.

    Answers 401 to nobody, 404 where the actor may not know of it, 403 without ``scope``, or to all but its ``holder``.
    """

    async def guard(request: Request) -> ConsultationSubject:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        subject = await require_consultation(await connection_of(request), actor, _path_id(request), scope)
        if holder:
            require_holder(subject)
        return subject

    guard.__name__ = f"guard_{scope.replace(':', '_')}"
    guard.scope = scope  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


def _clinician_guard() -> Callable[[Request], Awaitable[ResidentSubject]]:
    of_resident = resident_guard(JOIN)

    async def guard(request: Request) -> ResidentSubject:
        subject = await of_resident(request)
        actor = await authenticate(request)
        if not actor.holds("clinician", organization_kind="clinic"):
            raise Forbidden("video visits are made by the clinic")
        return subject

    guard.scope = JOIN  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


clinician_guard: Final = _clinician_guard()
"""The dependency that hands over the resident to a clinic's clinicians: 403 for the resident and their family."""


def _path_id(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(str(request.path_params["consultation_id"]))
    except ValueError:
        raise Malformed(errors=[FieldError("/path/consultation_id", "not a UUID", "uuid_parsing")]) from None
