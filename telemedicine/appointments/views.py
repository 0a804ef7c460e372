"""The SQL that reads appointments: a resident's, a clinic's day, one with its history, and who waits."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import ResidentSubject, community, trace_read
from app.media.api import attached
from telemedicine.appointments import rules
from telemedicine.appointments.access import Subject
from telemedicine.appointments.models import ANSWERS, APPOINTMENTS, CANCEL_REASON, CHANGE_REASON, CHANGES, WAITLIST
from telemedicine.appointments.schemas import (
    Answer,
    AppointmentChangePublic,
    AppointmentDetail,
    AppointmentEntry,
    AppointmentPublic,
    EmergencyOffer,
    PreparationPublic,
    WaitlistPublic,
)
from telemedicine.clinics.models import PRACTITIONERS, VISIT_TYPES
from telemedicine.clinics.schemas.clinics import ChecklistItem, Money

PHOTOS: Final = "telemedicine.appointment"
"""The kind of thing photos are attached to."""
_LIST_KIND: Final = "telemedicine.appointments"
_DAY_KIND: Final = "telemedicine.appointments_of_day"
_INSTANT = sa.DateTime(timezone=True)
_LIMIT = sa.bindparam("limit", type_=sa.Integer)
_POSITION: Final = ((APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id), ("after_starts_at", "after_id"))
_SHOWN: Final = (
    sa.select(APPOINTMENTS, PRACTITIONERS.c.name.label("practitioner"), VISIT_TYPES.c.name.label("visit_type"))
    .join(PRACTITIONERS, PRACTITIONERS.c.id == APPOINTMENTS.c.practitioner_id)
    .join(VISIT_TYPES, VISIT_TYPES.c.id == APPOINTMENTS.c.visit_type_id)
)
_LIST = (
    _SHOWN.where(
        APPOINTMENTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), after(*_POSITION, descending=True)
    )
    .order_by(APPOINTMENTS.c.starts_at.desc(), APPOINTMENTS.c.id.desc())
    .limit(_LIMIT)
)
_DAY = audit.traced_each(
    _SHOWN.where(
        APPOINTMENTS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        APPOINTMENTS.c.starts_at >= sa.bindparam("since", type_=_INSTANT),
        APPOINTMENTS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
        after(*_POSITION),
    )
    .order_by(APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id)
    .limit(_LIMIT),
    "appointments:list_day",
)
_SOME = _SHOWN.where(APPOINTMENTS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))).order_by(
    APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id
)
_HISTORY = (
    sa.select(CHANGES)
    .where(CHANGES.c.appointment_id == sa.bindparam("appointment_id", type_=sa.Uuid))
    .order_by(CHANGES.c.id)
)
_TYPE = sa.select(VISIT_TYPES.c.preparation, VISIT_TYPES.c.checklist).where(
    VISIT_TYPES.c.id == sa.bindparam("visit_type_id", type_=sa.Uuid)
)
_other = WAITLIST.alias("other")
_AHEAD: Final = (
    sa.select(sa.func.count())
    .select_from(_other)
    .where(
        _other.c.organization_id == WAITLIST.c.organization_id,
        _other.c.visit_type_id == WAITLIST.c.visit_type_id,
        _other.c.state == sa.literal("waiting", sa.Text),
        sa.tuple_(_other.c.queued_at, _other.c.id) < sa.tuple_(WAITLIST.c.queued_at, WAITLIST.c.id),
    )
    .correlate(WAITLIST)
    .scalar_subquery()
)
_ENTRIES = (
    sa.select(WAITLIST, _AHEAD.label("ahead"))
    .where(
        WAITLIST.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        WAITLIST.c.state != sa.literal("closed", sa.Text),
    )
    .order_by(WAITLIST.c.id)
    .limit(100)
)
_OFFERS = _SHOWN.where(
    APPOINTMENTS.c.waitlist_entry_id == sa.any_(sa.bindparam("entry_ids", type_=ARRAY(sa.Uuid))),
    APPOINTMENTS.c.status == sa.literal("proposed", sa.Text),
    APPOINTMENTS.c.hold_until > sa.bindparam("now", type_=_INSTANT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentQuery:
    """Which appointments are meant, of those one may see: nothing given, all."""

    ids: Collection[uuid.UUID] | None = None
    statuses: Collection[str] | None = None
    practitioner_ids: Collection[uuid.UUID] | None = None
    visit_type_ids: Collection[uuid.UUID] | None = None
    location_ids: Collection[uuid.UUID] | None = None
    starts_since: datetime | None = None
    starts_before: datetime | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None


def _among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


def _within(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    since, before = (sa.bindparam(f"{name}_{end}", type_=_INSTANT) for end in ("since", "before"))
    return sa.and_(sa.or_(since.is_(None), column >= since), sa.or_(before.is_(None), column < before))


# A hold that is over is over, though no worker has written it down yet.
_STANDS: Final = sa.case(
    (APPOINTMENTS.c.hold_until <= sa.bindparam("now", type_=_INSTANT), sa.literal("cancelled", sa.Text)),
    else_=APPOINTMENTS.c.status,
)


@cache
def _found(*, of_one: bool, descending: bool) -> sa.Select[Any]:
    """Return the statement of a page: of one resident's, or of whole clinics'."""
    whose = (
        APPOINTMENTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
        if of_one
        else APPOINTMENTS.c.organization_id == sa.any_(sa.bindparam("staff_of", type_=ARRAY(sa.Uuid)))
    )
    order = [APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id]
    statement = (
        _SHOWN.where(
            whose,
            _among(APPOINTMENTS.c.id, "ids"),
            _among(_STANDS, "statuses"),
            _among(APPOINTMENTS.c.practitioner_id, "practitioner_ids"),
            _among(APPOINTMENTS.c.visit_type_id, "visit_type_ids"),
            _among(APPOINTMENTS.c.location_id, "location_ids"),
            _within(APPOINTMENTS.c.starts_at, "starts"),
            _within(APPOINTMENTS.c.updated_at, "updated"),
            after(*_POSITION, descending=descending),
        )
        .order_by(*(column.desc() if descending else column for column in order))
        .limit(_LIMIT)
    )
    return audit.traced_each(statement, "appointments:list")


async def found(
    connection: AsyncConnection,
    actor: Actor,
    query: AppointmentQuery,
    page: PageRequest,
    *,
    resident_id: uuid.UUID | None,
    organization_ids: Sequence[uuid.UUID],
    descending: bool,
) -> Page[AppointmentEntry]:
    """Return a page of a resident's appointments, or without one of those at clinics, in order of time.

    What others than the resident read is on record.
    """
    kind = f"{_LIST_KIND}_found_{descending}"
    binds = {
        **asdict(query),
        **({"resident_id": resident_id} if resident_id else {"staff_of": list(organization_ids)}),
        **_paging(kind, page),
        **audit.trace_each_binds(actor, shown=page.limit),
        "now": clock.now(),
    }
    rows = list(await connection.execute(_found(of_one=resident_id is not None, descending=descending), binds))
    items = [_entry(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ["starts_at", "id"]))


async def entry(connection: AsyncConnection, actor: Actor, subject: Subject) -> AppointmentEntry:
    """Return an appointment as other systems keep it; what others than its resident read of it is on record."""
    row = (await connection.execute(_SOME, {"ids": [subject.id]})).one()
    await trace(connection, actor, subject, "appointment:read")
    return _entry(row)


def _entry(row: Any) -> AppointmentEntry:
    shown = _public(row)
    by: rules.By | None = "nobody" if shown.status != row.status else row.cancelled_by
    return AppointmentEntry(**shown.model_dump(), cancelled_by=by, created_at=row.created_at, updated_at=row.updated_at)


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[AppointmentPublic]:
    """Return a page of a resident's appointments, the latest (and those ahead) first."""
    rows = list(await connection.execute(_LIST, {"resident_id": subject.resident_id, **_paging(_LIST_KIND, page)}))
    await trace_read(connection, actor, subject, "appointments:list")
    return _page(_LIST_KIND, rows, page)


async def of_day(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    span: tuple[datetime, datetime],
    page: PageRequest,
) -> Page[AppointmentPublic]:
    """Return a page of a clinic's appointments that begin in a stretch of time, in order."""
    binds = {
        "organization_id": organization_id,
        "since": span[0],
        "until": span[1],
        **_paging(_DAY_KIND, page),
        **audit.trace_each_binds(actor, shown=page.limit, object_id=organization_id),
    }
    return _page(_DAY_KIND, list(await connection.execute(_DAY, binds)), page)


async def shown(connection: AsyncConnection, appointment_ids: Sequence[uuid.UUID]) -> list[AppointmentPublic]:
    """Return appointments whose reader's rights were checked, in order of time."""
    return [_public(row) for row in await connection.execute(_SOME, {"ids": list(appointment_ids)})]


async def detail(connection: AsyncConnection, actor: Actor, subject: Subject) -> AppointmentDetail:
    """Return an appointment with its history; what others than its resident read of it is on record."""
    row = (await connection.execute(_SOME, {"ids": [subject.id]})).one()
    await trace(connection, actor, subject, "appointment:read")
    history = await connection.execute(_HISTORY, {"appointment_id": subject.id})
    return AppointmentDetail(
        **_public(row).model_dump(),
        cancelled_by=row.cancelled_by,
        cancel_reason=unseal(row.cancel_reason, CANCEL_REASON) if row.cancel_reason else None,
        history=[
            AppointmentChangePublic(
                at=change.created_at,
                status=change.status,
                starts_at=change.starts_at,
                practitioner_id=change.practitioner_id,
                changed_by=change.changed_by,
                reason=unseal(change.reason, CHANGE_REASON) if change.reason else None,
            )
            for change in history
        ],
    )


async def preparation(connection: AsyncConnection, actor: Actor, subject: Subject) -> PreparationPublic:
    """Return what the clinic asks before an appointment, and what was answered."""
    row = (await connection.execute(_SOME, {"ids": [subject.id]})).one()
    await trace(connection, actor, subject, "appointment_answers:read")
    asked = (await connection.execute(_TYPE, {"visit_type_id": row.visit_type_id})).one()
    said: dict[str, Any] = orjson.loads(unseal(row.answers, ANSWERS)) if row.answers else {}
    checklist = [ChecklistItem.model_validate(item) for item in asked.checklist]
    emergency = None
    if any(item.shows_emergency for item in checklist):
        numbers = (await community(connection, row.community_id)).emergency_numbers
        is_own = actor.resident_id == row.resident_id
        path = "/v1/me/sos" if is_own else f"/v1/residents/{row.resident_id}/alarms"
        emergency = EmergencyOffer(emergency_number=numbers.get("medical"), raise_alarm=path)
    return PreparationPublic(
        preparation=asked.preparation,
        checklist=checklist,
        answers=[Answer.model_validate(answer) for answer in said.get("answers", [])],
        text=said.get("text"),
        photos=(await attached(connection, PHOTOS, [subject.id]))[subject.id],
        emergency=emergency,
    )


async def waits(connection: AsyncConnection, actor: Actor, subject: ResidentSubject) -> list[WaitlistPublic]:
    """Return what a resident waits for, and what is kept for them now."""
    rows = list(await connection.execute(_ENTRIES, {"resident_id": subject.resident_id}))
    await trace_read(connection, actor, subject, "waitlist:list")
    return await _waits(connection, rows)


async def wait(connection: AsyncConnection, resident_id: uuid.UUID, entry_id: uuid.UUID) -> WaitlistPublic:
    """Return somebody's place on a waitlist; raises ``NotFound``."""
    rows = await connection.execute(_ENTRIES, {"resident_id": resident_id})
    found = await _waits(connection, [row for row in rows if row.id == entry_id])
    if not found:
        raise NotFound
    return found[0]


async def _waits(connection: AsyncConnection, rows: Sequence[sa.Row[Any]]) -> list[WaitlistPublic]:
    binds = {"entry_ids": [row.id for row in rows], "now": clock.now()}
    offers = {row.waitlist_entry_id: _public(row) for row in await connection.execute(_OFFERS, binds)}
    names = WaitlistPublic.model_fields.keys() - {"offer"}
    return [WaitlistPublic(**{name: getattr(row, name) for name in names}, offer=offers.get(row.id)) for row in rows]


async def trace(connection: AsyncConnection, actor: Actor, subject: Subject, action: str) -> None:
    """Put a read by somebody else than whose appointment it is on record."""
    if actor.resident_id != subject.resident_id:
        await audit.record(
            connection,
            actor,
            action,
            resident_id=subject.resident_id,
            object_id=subject.id,
            community_id=subject.community_id,
        )


def _page(kind: str, rows: Sequence[sa.Row[Any]], page: PageRequest) -> Page[AppointmentPublic]:
    items = [_public(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ["starts_at", "id"]))


def _public(row: Any) -> AppointmentPublic:
    given = AppointmentPublic.model_fields.keys() - {"price", "late_fee", "fee", "free_until", "status"}
    is_over = row.hold_until is not None and row.hold_until <= clock.now()

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=row.price_currency)

    return AppointmentPublic(
        **{name: getattr(row, name) for name in given},
        # A hold that is over is over, though no worker has written it down yet.
        status="cancelled" if is_over and row.status in rules.HELD else row.status,
        free_until=row.starts_at - row.notice_period,
        price=money(row.price_amount),
        late_fee=money(row.late_fee_amount),
        fee=money(row.fee_amount),
    )


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    starts_at, last_id = decode_cursor(kind, page.cursor) if page.cursor else (None, None)
    return {
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
