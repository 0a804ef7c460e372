"""Who may know of a video visit, who takes part, who holds it: the guard that finds it, and the same asked again."""

import hmac
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import sqlalchemy as sa
from fastapi import Header, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor, authenticate, system_actor
from app.core.idempotency import HEADER as IDEMPOTENCY
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.identity.api import (
    ResidentSubject,
    actor_in_session,
    organizations_serving,
    require_resident,
    resident_guard,
)
from telemedicine.consultations.models import CONSULTATIONS, PARTICIPANTS
from telemedicine.consultations.problems import NotTakingPart, NotYourConsultation
from telemedicine.consultations.rules import WRITING, read_credential

READ: Final = "consultations:read"
JOIN: Final = "consultations:join"
As = Literal["clinician", "colleague", "resident", "family", "interpreter", "consultant"]

_consulting_for = (
    sa.select(PARTICIPANTS.c.organization_id)
    .where(
        PARTICIPANTS.c.consultation_id == CONSULTATIONS.c.id,
        PARTICIPANTS.c.account_id == sa.bindparam("actor_id", type_=sa.Uuid),
        PARTICIPANTS.c.state != sa.literal("removed", sa.Text),
    )
    .scalar_subquery()
)
_CONSULTATION = sa.select(
    *(
        CONSULTATIONS.c[name]
        for name in (
            "id",
            "community_id",
            "resident_id",
            "organization_id",
            "clinician_id",
            "interpreter_id",
            "appointment_id",
            "close_at",
        )
    ),
    _consulting_for.label("consulting_for"),
).where(CONSULTATIONS.c.id == sa.bindparam("consultation_id", type_=sa.Uuid))

_CLINICIANS_PASS = (
    sa.select(
        PARTICIPANTS.c.consultation_id,
        PARTICIPANTS.c.account_id,
        PARTICIPANTS.c.session_id,
        PARTICIPANTS.c.pass_digest,
    )
    .join(CONSULTATIONS, CONSULTATIONS.c.id == PARTICIPANTS.c.consultation_id)
    .where(
        PARTICIPANTS.c.id == sa.bindparam("participant_id", type_=sa.Uuid),
        PARTICIPANTS.c.role == sa.literal("clinician", sa.Text),
        sa.or_(
            CONSULTATIONS.c.ended_at.is_(None),
            CONSULTATIONS.c.ended_at > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
        ),
    )
)
PassHeader = Annotated[
    str | None, Header(alias="Consultation-Pass", max_length=200, description="of the page on which the visit is held")
]


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

    That is the resident, whom they gave ``scope``, the clinic's clinicians and own systems while it serves them. Of
    a visit that was booked it is also the clinician it was booked with, agreement or none, and who was booked to
    interpret, until it is over: an appointment with somebody lets them come to it. So does the invitation of another
    clinic's clinician, until it is over, taken back or refused, and while the clinic that invites may see the resident.
    Raises ``NotFound`` where the actor may not know of it, ``Forbidden`` where they know the resident but lack the
    scope.
    """
    binds = {"consultation_id": consultation_id, "actor_id": actor.id}
    row = (await connection.execute(_CONSULTATION, binds)).one_or_none()
    if row is None:
        raise NotFound
    booked_as = _booked_as(actor, row)
    if booked_as == "consultant" and row.appointment_id is None:
        serving = await organizations_serving(connection, [row.resident_id], scope)
        if row.organization_id not in serving[row.resident_id]:
            raise NotFound
    asking = actor if booked_as is None else system_actor(row.community_id)
    subject = await require_resident(connection, asking, row.resident_id, scope)
    if booked_as is not None:
        return ConsultationSubject(row.id, row.organization_id, subject, booked_as, actor)
    return ConsultationSubject(row.id, row.organization_id, subject, _as_what(actor, row, subject), actor)


def _booked_as(actor: Actor, row: Any) -> As | None:
    if actor.kind != "account":
        return None
    if row.close_at is not None and _is_clinician_of(actor, row.consulting_for):
        return "consultant"
    if row.appointment_id is None:
        return None
    if actor.id == row.interpreter_id:
        return "interpreter" if row.close_at is not None else None
    return "clinician" if actor.id == row.clinician_id and _is_of_clinic(actor, row) else None


def clinics_of(actor: Actor) -> list[uuid.UUID]:
    """Return the organizations a system acts for: of no others it sees video visits."""
    return [held.organization_id for held in actor.memberships]


def _is_of_clinic(actor: Actor, row: Any) -> bool:
    return _is_clinician_of(actor, row.organization_id)


def _is_clinician_of(actor: Actor, organization_id: uuid.UUID | None) -> bool:
    return any(held.organization_id == organization_id and held.role == "clinician" for held in actor.memberships)


def _as_what(actor: Actor, row: Any, subject: ResidentSubject) -> As:
    if subject.relation == "self":
        return "resident"
    if _is_of_clinic(actor, row):
        return "clinician" if actor.id == row.clinician_id else "colleague"
    if actor.kind == "client" and row.organization_id in clinics_of(actor):
        return "colleague"
    if subject.relation == "granted":
        return "family"
    raise Forbidden("this video visit is another clinic's")


def require_taking_part(subject: ConsultationSubject) -> None:
    """Raise ``NotTakingPart`` for a clinician of the clinic whose visit it is not."""
    if subject.as_what == "colleague" or subject.actor.kind != "account":
        raise NotTakingPart


def require_host(subject: ConsultationSubject) -> None:
    """Raise ``NotTakingPart`` for whoever may not bring guests: all but those the visit is between, and family."""
    require_taking_part(subject)
    if subject.as_what in ("interpreter", "consultant"):
        raise NotTakingPart


def require_reader(subject: ConsultationSubject) -> None:
    """Raise ``Forbidden`` for who interprets or was invited: notes are for those whose record it is."""
    if subject.as_what in ("interpreter", "consultant"):
        raise Forbidden("notes are for the resident and the clinic")


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


def note_guard(scope: str, *, holder: bool = False) -> Callable[..., Awaitable[ConsultationSubject]]:
    """Return the dependency of what is written about a visit: as ``consultation_guard``, and who only comes
    to the room, to interpret or as another clinic's clinician, gets 403.

    The page on which the clinician holds the visit has no access token: its pass stands for the session in which its
    link was asked for, in this visit alone, and until some hours after it.
    """

    async def guard(request: Request, consultation_pass: PassHeader = None) -> ConsultationSubject:
        connection, consultation_id = await connection_of(request), _path_id(request)
        if consultation_pass is None:
            actor = await authenticate(request)
        elif IDEMPOTENCY in request.headers:
            # Answers are kept for who is signed in: this page is nobody, and would share them with everybody.
            raise Malformed(errors=[FieldError(f"/header/{IDEMPOTENCY}", "not with a pass", "not_with_a_pass")])
        else:
            actor = await _by_pass(connection, consultation_id, consultation_pass)
        if actor.kind == "anonymous":
            raise Unauthenticated
        subject = await require_consultation(connection, actor, consultation_id, scope)
        if holder:
            require_holder(subject)
        require_reader(subject)
        return subject

    guard.scope = scope  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


async def _by_pass(connection: AsyncConnection, consultation_id: uuid.UUID, text: str) -> Actor:
    found = read_credential(text)
    if found is None:
        raise Unauthenticated("the pass is malformed")
    binds = {"participant_id": found[0], "since": clock.now() - WRITING}
    row = (await connection.execute(_CLINICIANS_PASS, binds)).one_or_none()
    known = row.pass_digest if row is not None and row.consultation_id == consultation_id else None
    if not hmac.compare_digest(found[1], known or bytes(32)) or row is None or row.session_id is None:
        raise Unauthenticated("the pass is not good any more")
    actor = await actor_in_session(connection, row.session_id, row.account_id)
    if actor is None:
        raise Unauthenticated("the session has ended")
    return actor


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
