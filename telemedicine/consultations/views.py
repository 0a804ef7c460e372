"""The SQL that reads video visits: a resident's, a clinician's, one with who takes part, what was written."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.audit import trace_each_binds, traced_each
from app.core.changes import Since, changed_of
from app.core.paging import Page, PageRequest, after, decode_cursor, encode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import account_name, actor_binds, is_visible
from telemedicine.consultations.access import READ, ConsultationSubject, clinics_of
from telemedicine.consultations.models import CONSULTATIONS, GUEST_NAME, NOTE_CONTENT, NOTES, PARTICIPANTS, PRESENCES
from telemedicine.consultations.rules import AWAY
from telemedicine.consultations.schemas.consultations import (
    ConsultationDetail,
    ConsultationPublic,
    ConsultationQuery,
    ParticipantPublic,
)
from telemedicine.consultations.schemas.notes import ConsultationNoteContent, ConsultationNotePublic

_LIST, _HELD = "telemedicine.consultations", "telemedicine.held_consultations"
EVERY: Final = ConsultationQuery()
_A_DAY: Final = timedelta(days=1)
_consultation_id = sa.bindparam("consultation_id", type_=sa.Uuid)
_since = sa.bindparam("since", type_=sa.DateTime(timezone=True))
_own = sa.bindparam("own_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)
_shown = sa.select(
    *(CONSULTATIONS.c[name] for name in ConsultationPublic.model_fields if name != "clinician_name"),
    account_name(CONSULTATIONS.c.clinician_id).label("clinician_name"),
)


def _within(column: sa.ColumnElement[Any], since: str, before: str) -> sa.ColumnElement[bool]:
    earliest, end = (sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in (since, before))
    return sa.and_(sa.or_(earliest.is_(None), column >= earliest), sa.or_(end.is_(None), column < end))


def _among(column: sa.ColumnElement[Any], name: str, kind: sa.types.TypeEngine[Any]) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(kind))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


_standing = sa.case(
    (CONSULTATIONS.c.close_at.is_not(None), CONSULTATIONS.c.state),
    (CONSULTATIONS.c.started_at.is_not(None), sa.literal("held", sa.Text)),
    else_=sa.literal("not_held", sa.Text),
)
_clinics = sa.bindparam("clinics", type_=ARRAY(sa.Uuid))
_OF_RESIDENT = (
    _shown.where(
        CONSULTATIONS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        _among(CONSULTATIONS.c.id, "ids", sa.Uuid()),
        _among(_standing, "standings", sa.Text()),
        _among(CONSULTATIONS.c.organization_id, "organization_ids", sa.Uuid()),
        _within(sa.func.coalesce(CONSULTATIONS.c.started_at, CONSULTATIONS.c.starts_at), "first", "end"),
        _within(CONSULTATIONS.c.updated_at, "updated_since", "updated_before"),
        sa.or_(_clinics.is_(None), CONSULTATIONS.c.organization_id == sa.any_(_clinics)),
        after((CONSULTATIONS.c.id,), ("after_id",), descending=True),
    )
    .order_by(CONSULTATIONS.c.id.desc())
    .limit(_limit)
)
_invited = sa.any_(
    sa.func.array(
        sa.select(PARTICIPANTS.c.consultation_id)
        .where(
            PARTICIPANTS.c.account_id == _own,
            PARTICIPANTS.c.organization_id == sa.any_(_clinics),
            PARTICIPANTS.c.state != sa.literal("removed", sa.Text),
        )
        .scalar_subquery()
    )
)
_OF_CLINICIAN = traced_each(
    _shown.where(
        sa.or_(
            CONSULTATIONS.c.clinician_id == _own,
            CONSULTATIONS.c.interpreter_id == _own,
            CONSULTATIONS.c.id == _invited,
        ),
        # Whom an appointment is with needs no agreement.
        sa.or_(
            sa.and_(CONSULTATIONS.c.interpreter_id == _own, CONSULTATIONS.c.close_at.is_not(None)),
            sa.and_(CONSULTATIONS.c.id == _invited, CONSULTATIONS.c.close_at.is_not(None)),
            sa.and_(
                CONSULTATIONS.c.appointment_id.is_not(None),
                CONSULTATIONS.c.organization_id == sa.any_(_clinics),
            ),
            is_visible(CONSULTATIONS.c.resident_id, READ),
        ),
        CONSULTATIONS.c.starts_at >= sa.bindparam("from_at", type_=sa.DateTime(timezone=True)),
        after((CONSULTATIONS.c.starts_at, CONSULTATIONS.c.id), ("after_at", "after_id")),
    )
    .order_by(CONSULTATIONS.c.starts_at, CONSULTATIONS.c.id)
    .limit(_limit),
    "consultations:list",
)
_CHANGED = changed_of([*_shown.selected_columns], CONSULTATIONS, CONSULTATIONS.c.starts_at)
_ONE = _shown.where(CONSULTATIONS.c.id == _consultation_id)
_spent = (
    sa.select(
        sa.func.coalesce(
            sa.func.sum(
                sa.func.extract("epoch", sa.func.coalesce(PRESENCES.c.ended_at, PRESENCES.c.seen_at))
                - sa.func.extract("epoch", PRESENCES.c.began_at)
            ),
            0,
        )
    )
    .where(PRESENCES.c.participant_id == PARTICIPANTS.c.id)
    .correlate(PARTICIPANTS)
    .scalar_subquery()
)
_PARTICIPANTS = (
    sa.select(
        PARTICIPANTS.c.id,
        PARTICIPANTS.c.role,
        PARTICIPANTS.c.name.label("sealed_name"),
        PARTICIPANTS.c.account_id,
        account_name(PARTICIPANTS.c.account_id).label("account_name"),
        PARTICIPANTS.c.state,
        PARTICIPANTS.c.seat,
        PARTICIPANTS.c.instance,
        PARTICIPANTS.c.wishes_phone_at,
        sa.exists()
        .where(
            PRESENCES.c.participant_id == PARTICIPANTS.c.id,
            PRESENCES.c.ended_at.is_(None),
            PRESENCES.c.seen_at > _since,
        )
        .label("is_present"),
        _spent.label("seconds"),
    )
    .where(PARTICIPANTS.c.consultation_id == _consultation_id)
    .order_by(PARTICIPANTS.c.id)
)
_NOTES = (
    sa.select(NOTES, account_name(NOTES.c.author_id).label("author_name"))
    .where(
        NOTES.c.consultation_id == _consultation_id,
        sa.or_(NOTES.c.signed_at.is_not(None), NOTES.c.author_id == sa.bindparam("reader", type_=sa.Uuid)),
    )
    .order_by(NOTES.c.id)
)


async def of_resident(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    page: PageRequest,
    query: ConsultationQuery = EVERY,
) -> Page[ConsultationPublic]:
    """Return a page of a resident's visits, those planned last first; to a clinic's system those of the clinic."""
    (last_id,) = decode_cursor(_LIST, page.cursor) if page.cursor else (None,)
    binds: dict[str, Any] = {
        name: None if (wanted := getattr(query, name)) is None else list(wanted)
        for name in ("ids", "standings", "organization_ids")
    }
    binds |= {name: getattr(query, name) for name in ("first", "end", "updated_since", "updated_before")}
    binds |= {"clinics": clinics_of(actor) if actor.kind == "client" else None, "limit": page.limit + 1}
    binds |= {"resident_id": resident_id, "after_id": uuid.UUID(last_id) if last_id else None}
    rows = (await connection.execute(_OF_RESIDENT, binds)).all()
    items = [ConsultationPublic.model_validate(row) for row in rows[: page.limit]]
    return Page(items=items, next=cursor_after(items[-1]) if len(rows) > page.limit else None)


def cursor_after(visit: ConsultationPublic) -> str:
    """Return the cursor of what follows on a visit in a resident's list."""
    return encode_cursor(_LIST, [visit.id])


async def changed(connection: AsyncConnection, resident_id: uuid.UUID, since: Since) -> list[ConsultationPublic]:
    """Return a resident's visits of the last 90 days and ahead that changed, in the order of their ids."""
    rows = await connection.execute(_CHANGED, since.binds_of(resident_id))
    return [ConsultationPublic.model_validate(row) for row in rows]


async def held_by(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[ConsultationPublic]:
    """Return a page of the visits the actor holds, interprets at or is invited to, from a day back on, in order."""
    at, last_id = decode_cursor(_HELD, page.cursor) if page.cursor else (None, None)
    now = clock.now()
    binds: dict[str, Any] = {
        "own_id": actor.id,
        "clinics": [held.organization_id for held in actor.memberships if held.role == "clinician"],
        "from_at": now - _A_DAY,
        "after_at": datetime.fromisoformat(at) if at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
        **actor_binds(actor, READ),
        **trace_each_binds(actor, shown=page.limit),
    }
    rows = (await connection.execute(_OF_CLINICIAN, binds)).all()
    return Page(
        items=[ConsultationPublic.model_validate(row) for row in rows[: page.limit]],
        next=next_cursor(_HELD, rows, page.limit, ("starts_at", "id")),
    )


async def detail(connection: AsyncConnection, consultation_id: uuid.UUID) -> ConsultationDetail:
    """Return a visit with who takes part; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"consultation_id": consultation_id})).one_or_none()
    if row is None:
        raise NotFound
    known = ConsultationPublic.model_validate(row)
    return ConsultationDetail(
        **known.model_dump(), participants=[person for _, person in await participants(connection, consultation_id)]
    )


async def participants(
    connection: AsyncConnection, consultation_id: uuid.UUID
) -> list[tuple[sa.Row[Any], ParticipantPublic]]:
    """Return who takes part in a visit, each as the row it is and as it is shown."""
    binds = {"consultation_id": consultation_id, "since": clock.now() - AWAY}
    rows = await connection.execute(_PARTICIPANTS, binds)
    return [
        (
            row,
            ParticipantPublic(
                id=row.id,
                role=row.role,
                name=unseal(row.sealed_name, GUEST_NAME) if row.sealed_name else row.account_name,
                is_guest=row.account_id is None,
                state=row.state,
                is_present=row.is_present,
                wishes_phone=row.wishes_phone_at is not None,
                seconds=round(row.seconds),
            ),
        )
        for row in rows
    ]


async def notes(connection: AsyncConnection, subject: ConsultationSubject) -> list[ConsultationNotePublic]:
    """Return what was written about a visit, oldest first: signed, or the reader's own draft."""
    rows = await connection.execute(_NOTES, {"consultation_id": subject.id, "reader": subject.actor.id})
    return [_note(row) for row in rows]


def _note(row: Any) -> ConsultationNotePublic:
    words = unseal(row.content, NOTE_CONTENT) if row.content else None
    is_note = row.kind == "soap"
    return ConsultationNotePublic(
        id=row.id,
        consultation_id=row.consultation_id,
        kind=row.kind,
        author_id=row.author_id,
        author_name=row.author_name,
        signed_at=row.signed_at,
        content=ConsultationNoteContent.model_validate_json(words) if words and is_note else None,
        text=words if not is_note else None,
        follow_up_days=row.follow_up_days,
        version=row.version,
    )


async def note(connection: AsyncConnection, subject: ConsultationSubject, note_id: uuid.UUID) -> ConsultationNotePublic:
    """Return one of them that is known to be there."""
    return next(written for written in await notes(connection, subject) if written.id == note_id)
