"""Who knows of a referral or a question: whose it is, the clinic that asks, the clinic that is asked, and nobody else.

The clinic that is asked needs no agreement: the referral itself lets it see what goes with it, nothing more and no
longer than it is open. It treats the resident, and sees the record, by the rules of ``telemedicine.records.access``.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor, authenticate
from app.core.problems import FieldError, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.identity.api import actor_binds, granted_accounts, is_visible, require_resident
from telemedicine.appointments.access import MANAGE, of_clinics
from telemedicine.records.access import READ, WRITE, RecordSubject, records_guard
from telemedicine.referrals.models import QUESTIONS, REFERRALS
from telemedicine.referrals.problems import ForReferrers, NotYourPart
from telemedicine.referrals.rules.deadlines import DESK
from telemedicine.referrals.rules.states import CLERKS, OPEN, Side, State

_clinicians_of = sa.bindparam("clinician_of", type_=ARRAY(sa.Uuid))
_clerks_of = sa.bindparam("clerk_of", type_=ARRAY(sa.Uuid))
_DESK_ROLES: Final = ("dispatcher", "operator", "coordinator")


@dataclass(frozen=True, slots=True)
class Subject:
    """The referral or question a request is about, and as what the actor comes to it.

    ``is_clinician``: they are one, or their clinic's own system. ``sees_content``: what is asked, and what goes with
    it, is for them.
    """

    id: uuid.UUID
    actor: Actor
    resident_id: uuid.UUID
    community_id: uuid.UUID
    from_organization_id: uuid.UUID
    to_organization_id: uuid.UUID
    side: Side
    is_clinician: bool
    sees_content: bool
    is_own: bool


def _seats(
    table: sa.Table,
    *,
    is_sent: sa.ColumnElement[bool],
    is_open: sa.ColumnElement[bool],
    is_back: sa.ColumnElement[bool] | None = None,
) -> dict[str, Any]:
    """Return SQL for each way in which the bound actor can have to do with a row.

    Who gives care back (``is_back``) asks as the clinic that was asked: it needs no agreement then, either.
    """
    resident_id = table.c.resident_id
    granted = granted_accounts(READ)
    of_row = granted.where(
        granted.selected_columns.resident_id == resident_id,
        granted.selected_columns.account_id == sa.bindparam("own_account", type_=sa.Uuid),
    )
    # Both clinics' people may be one: then they are of the clinic that is asked, whose answer is waited for.
    return {
        "is_own": sa.and_(resident_id == sa.bindparam("own_resident", type_=sa.Uuid), is_sent),
        "is_granted": sa.and_(of_row.correlate(table).exists(), is_sent),
        "is_to_clinician": sa.and_(table.c.to_organization_id == sa.any_(_clinicians_of), is_sent),
        "is_to_clerk": sa.and_(table.c.to_organization_id == sa.any_(_clerks_of), is_sent),
        "is_from_clinician": sa.and_(
            table.c.from_organization_id == sa.any_(_clinicians_of),
            sa.or_(is_visible(resident_id, READ), *([] if is_back is None else [is_back])),
        ),
        "is_from_clerk": sa.and_(
            table.c.from_organization_id == sa.any_(_clerks_of), is_visible(resident_id, MANAGE), is_sent
        ),
        "is_desk": sa.and_(
            table.c.community_id == sa.bindparam("desk_of", type_=sa.Uuid),
            table.c.step >= sa.literal_column(str(DESK)),
            is_open,
        ),
    }


_REFERRAL_OPEN: Final = REFERRALS.c.state.in_([sa.literal(state, sa.Text) for state in OPEN])
_QUESTION_OPEN: Final = QUESTIONS.c.state != sa.literal("closed", sa.Text)
REFERRAL_SEATS: Final = _seats(
    REFERRALS,
    is_sent=REFERRALS.c.requested_at.is_not(None),
    is_open=_REFERRAL_OPEN,
    is_back=sa.and_(REFERRALS.c.follows_as == sa.literal("return", sa.Text), _REFERRAL_OPEN),
)
QUESTION_SEATS: Final = _seats(QUESTIONS, is_sent=sa.true(), is_open=_QUESTION_OPEN)
REFERRAL_KNOWN: Final = sa.or_(*REFERRAL_SEATS.values())
QUESTION_KNOWN: Final = sa.or_(*QUESTION_SEATS.values())
"""The condition that the bound actor may know of a row."""


def _content(seats: dict[str, Any], is_open: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    mine = sa.or_(seats["is_own"], seats["is_granted"], seats["is_from_clinician"])
    return sa.or_(mine, sa.and_(seats["is_to_clinician"], is_open))


REFERRAL_CONTENT: Final = _content(REFERRAL_SEATS, _REFERRAL_OPEN)
QUESTION_CONTENT: Final = _content(QUESTION_SEATS, _QUESTION_OPEN)
"""The condition that what is asked, and what goes with it, is for the bound actor."""


def _one(table: sa.Table, seats: dict[str, Any], content: sa.ColumnElement[bool]) -> sa.Select[Any]:
    names = ("id", "resident_id", "community_id", "from_organization_id", "to_organization_id")
    return sa.select(
        *(table.c[name] for name in names),
        *(condition.label(name) for name, condition in seats.items()),
        content.label("sees_content"),
    ).where(table.c.id == sa.bindparam("row_id", type_=sa.Uuid), sa.or_(*seats.values()))


_REFERRAL: Final = _one(REFERRALS, REFERRAL_SEATS, REFERRAL_CONTENT)
_QUESTION: Final = _one(QUESTIONS, QUESTION_SEATS, QUESTION_CONTENT)


def seat_binds(actor: Actor) -> dict[str, Any]:
    """Return the bind parameters that make the conditions above speak of ``actor`` at this instant."""
    clinics = of_clinics(actor)
    is_person = actor.kind == "account"
    reads = actor.scopes is None or READ in actor.scopes
    clinician_of = {
        held.organization_id
        for held in clinics.memberships
        if (held.role == "clinician" if is_person else actor.kind == "client" and reads)
    }
    clerk_of = {held.organization_id for held in clinics.memberships if is_person and held.role == "coordinator"}
    is_desk = is_person and actor.holds(*_DESK_ROLES, organization_kind="operator")
    return actor_binds(clinics, READ, MANAGE) | {
        "own_resident": actor.resident_id if reads else None,
        "own_account": actor.id if reads and is_person else None,
        "clinician_of": sorted(clinician_of),
        "clerk_of": sorted(clerk_of),
        "desk_of": actor.community_id if is_desk else None,
        "granted_at": clock.now(),
    }


async def require_referral(connection: AsyncConnection, actor: Actor, referral_id: uuid.UUID) -> Subject:
    """Return the referral if the actor may know of it; raises ``NotFound``."""
    return await _require(connection, actor, _REFERRAL, referral_id)


async def require_question(connection: AsyncConnection, actor: Actor, question_id: uuid.UUID) -> Subject:
    """Return the question if the actor may know of it; raises ``NotFound``."""
    return await _require(connection, actor, _QUESTION, question_id)


async def _require(connection: AsyncConnection, actor: Actor, statement: sa.Select[Any], row_id: uuid.UUID) -> Subject:
    row = (await connection.execute(statement, seat_binds(actor) | {"row_id": row_id})).one_or_none()
    if row is None:
        raise NotFound
    return Subject(
        id=row.id,
        actor=actor,
        resident_id=row.resident_id,
        community_id=row.community_id,
        from_organization_id=row.from_organization_id,
        to_organization_id=row.to_organization_id,
        side=side_of(row),
        is_clinician=row.is_to_clinician or row.is_from_clinician,
        sees_content=row.sees_content,
        is_own=row.is_own,
    )


def side_of(row: Any) -> Side:
    """Return on which side the actor stands by the conditions that were found true."""
    if row.is_own:
        return "patient"
    if row.is_to_clinician or row.is_to_clerk:
        return "to"
    if row.is_from_clinician or row.is_from_clerk:
        return "from"
    return "patient" if row.is_granted else "desk"


async def require_deciding(connection: AsyncConnection, subject: Subject, after: State, sides: frozenset[Side]) -> None:
    """Raise ``NotYourPart`` unless the actor's side may bring that about, and ``Forbidden`` without the scope for it.

    Whom the resident lets only look decides nothing; a clinic's coordinators do what is clerks' work.
    """
    if subject.side not in sides:
        raise NotYourPart(side=subject.side)
    if subject.side == "patient":
        scope = MANAGE if after == "booked" else WRITE
        await require_resident(connection, subject.actor, subject.resident_id, scope)
    elif subject.side in ("from", "to") and not subject.is_clinician and after not in CLERKS:
        raise NotYourPart("this is for a clinician", side=subject.side)
    if subject.actor.kind == "client" and WRITE not in (subject.actor.scopes or ()):
        raise NotYourPart("this needs records:write", side=subject.side)


async def trace(connection: AsyncConnection, subject: Subject, action: str) -> None:
    """Put on record what the actor read or did, unless they only looked at what is theirs."""
    if subject.is_own and action.partition(":")[2].startswith(("read", "list")):
        return
    await audit.record(
        connection,
        subject.actor,
        action,
        resident_id=subject.resident_id,
        object_id=subject.id,
        community_id=subject.community_id,
    )


def _guard_of(
    name: str, find: Callable[[AsyncConnection, Actor, uuid.UUID], Awaitable[Subject]]
) -> Callable[[Request], Awaitable[Subject]]:
    async def guard(request: Request) -> Subject:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        try:
            row_id = uuid.UUID(str(request.path_params[name]))
        except ValueError:
            raise Malformed(errors=[FieldError(f"/path/{name}", "not a UUID", "uuid_parsing")]) from None
        return await find(await connection_of(request), actor, row_id)

    guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


referral_guard: Final = _guard_of("referral_id", require_referral)
question_guard: Final = _guard_of("question_id", require_question)
reader_guard: Final = records_guard(READ)
_writer_guard: Final = records_guard(WRITE)


async def referrer_guard(request: Request) -> RecordSubject:
    """Return whom it is about to a clinic that treats them; 403 for everybody else."""
    subject = await _writer_guard(request)
    require_clinics(subject)
    return subject


referrer_guard.scope = WRITE  # type: ignore[attr-defined]  # read by the access matrix test


def require_clinics(subject: RecordSubject) -> None:
    """Raise ``ForReferrers`` for the resident's own side."""
    if not subject.clinics:
        raise ForReferrers
