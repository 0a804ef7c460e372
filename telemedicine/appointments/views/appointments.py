"""The SQL that reads appointments: a resident's, a clinic's day, one with its history, and who waits."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.changes import Since, changed_of
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.statements import HotStatement
from app.identity.api import ResidentSubject, community, resident_name, trace_read
from app.media.api import attached
from telemedicine.appointments import rules
from telemedicine.appointments.access import Subject
from telemedicine.appointments.models import ANSWERS, APPOINTMENTS, CANCEL_REASON, CHANGE_REASON, CHANGES, WAITLIST
from telemedicine.appointments.schemas import (
    Answer,
    AppointmentChangePublic,
    AppointmentDetail,
    AppointmentPublic,
    ClinicAppointment,
    EmergencyOffer,
    EncounterPeriod,
    PreparationPublic,
    WaitlistPublic,
)
from telemedicine.clinics.models import PRACTITIONERS, VISIT_TYPES
from telemedicine.clinics.rules import Visit
from telemedicine.clinics.schemas.clinics import ChecklistItem, Money
from telemedicine.consultations.models import CONSULTATIONS

ORIGIN: Final = "appointment"
"""What the time of appointments is taken for at ``app.reservations``."""
PHOTOS: Final = "telemedicine.appointment"
"""The kind of thing photos are attached to."""
_AS_THEY_ARE: Final = tuple(
    AppointmentPublic.model_fields.keys()
    - {"price", "late_fee", "fee", "free_until", "status", "awaits", "follow_up_at"}
)
_LIST_KIND: Final = "telemedicine.appointments"
_DAY_KIND: Final = "telemedicine.appointments_of_day"
INSTANT = sa.DateTime(timezone=True)
LIMIT = sa.bindparam("limit", type_=sa.Integer)
POSITION: Final = ((APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id), ("after_starts_at", "after_id"))
_then = APPOINTMENTS.alias("later")
# Booked by whatever way: called off again, it is suggested again.
_IS_SUGGESTED: Final = sa.and_(
    APPOINTMENTS.c.follow_up_at.is_not(None),
    APPOINTMENTS.c.follow_up_at > sa.bindparam("follow_up_since", type_=INSTANT),
    ~sa.exists()
    .where(
        _then.c.resident_id == APPOINTMENTS.c.resident_id,
        _then.c.starts_at > APPOINTMENTS.c.starts_at,
        # What comes well before the day is something else, and was perhaps booked already.
        _then.c.starts_at >= APPOINTMENTS.c.follow_up_at - sa.literal(rules.FOLLOW_UP_NEAR, sa.Interval),
        _then.c.practitioner_id == APPOINTMENTS.c.practitioner_id,
        _then.c.visit_type_id == APPOINTMENTS.c.visit_type_id,
        sa.or_(
            _then.c.status.in_([sa.literal(one, sa.Text) for one in ("booked", "arrived", "checked-in", "fulfilled")]),
            # What the clinic is asked for is the resident's, as long as it has not said no.
            sa.and_(_then.c.asked_at.is_not(None), _then.c.hold_until.is_not(None)),
        ),
    )
    .correlate(APPOINTMENTS),
)
_FOLLOW_UP = sa.select(APPOINTMENTS).where(
    APPOINTMENTS.c.id == sa.bindparam("appointment_id", type_=sa.Uuid), _IS_SUGGESTED
)
_ENCOUNTER = sa.select(CONSULTATIONS.c.started_at, CONSULTATIONS.c.ended_at).where(
    CONSULTATIONS.c.id == sa.bindparam("consultation_id", type_=sa.Uuid), CONSULTATIONS.c.started_at.is_not(None)
)
SHOWN: Final = (
    sa.select(
        APPOINTMENTS,
        PRACTITIONERS.c.name.label("practitioner"),
        VISIT_TYPES.c.name.label("visit_type"),
        _IS_SUGGESTED.label("is_follow_up_suggested"),
    )
    .join(PRACTITIONERS, PRACTITIONERS.c.id == APPOINTMENTS.c.practitioner_id)
    .join(VISIT_TYPES, VISIT_TYPES.c.id == APPOINTMENTS.c.visit_type_id)
)
_LIST = (
    SHOWN.where(
        APPOINTMENTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), after(*POSITION, descending=True)
    )
    .order_by(APPOINTMENTS.c.starts_at.desc(), APPOINTMENTS.c.id.desc())
    .limit(LIMIT)
)
_DAY = audit.traced_each(
    SHOWN.add_columns(resident_name(APPOINTMENTS.c.resident_id).label("resident_name"))
    .where(
        APPOINTMENTS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        APPOINTMENTS.c.starts_at >= sa.bindparam("since", type_=INSTANT),
        APPOINTMENTS.c.starts_at < sa.bindparam("until", type_=INSTANT),
        after(*POSITION),
    )
    .order_by(APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id)
    .limit(LIMIT),
    "appointments:list_day",
)
_SOME = HotStatement(
    SHOWN.where(APPOINTMENTS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))).order_by(
        APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id
    )
)
_CHANGED = changed_of([APPOINTMENTS.c.id], APPOINTMENTS, APPOINTMENTS.c.starts_at)
_HISTORY = (
    sa.select(CHANGES)
    .where(CHANGES.c.appointment_id == sa.bindparam("appointment_id", type_=sa.Uuid))
    .order_by(CHANGES.c.id)
)
_TYPE = sa.select(VISIT_TYPES.c.preparation, VISIT_TYPES.c.checklist).where(
    VISIT_TYPES.c.id == sa.bindparam("visit_type_id", type_=sa.Uuid)
)
_VISITS = sa.select(
    *(
        APPOINTMENTS.c[name]
        for name in (
            "id",
            "practitioner_id",
            "visit_type_id",
            "location_id",
            "mode",
            "language",
            "starts_at",
            "ends_at",
        )
    )
).where(
    APPOINTMENTS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
    # No visit is longer than a day: the index leads past what is over.
    APPOINTMENTS.c.starts_at > sa.bindparam("since", type_=INSTANT) - sa.literal(timedelta(days=1), sa.Interval),
    APPOINTMENTS.c.ends_at > sa.bindparam("since", type_=INSTANT),
    APPOINTMENTS.c.status.not_in(sorted(rules.OVER)),
    sa.or_(APPOINTMENTS.c.hold_until.is_(None), APPOINTMENTS.c.hold_until > sa.bindparam("since", type_=INSTANT)),
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
_OFFERS = SHOWN.where(
    APPOINTMENTS.c.waitlist_entry_id == sa.any_(sa.bindparam("entry_ids", type_=ARRAY(sa.Uuid))),
    APPOINTMENTS.c.status.in_([sa.literal(one, sa.Text) for one in rules.HELD]),
    APPOINTMENTS.c.hold_until > sa.bindparam("now", type_=INSTANT),
)


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[AppointmentPublic]:
    """Return a page of a resident's appointments, the latest (and those ahead) first."""
    rows = list(
        await connection.execute(
            _LIST, {"resident_id": subject.resident_id, **paging(_LIST_KIND, page), **suggesting()}
        )
    )
    await trace_read(connection, actor, subject, "appointments:list")
    return _page(_LIST_KIND, rows, page)


async def of_day(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    span: tuple[datetime, datetime],
    page: PageRequest,
) -> Page[ClinicAppointment]:
    """Return a page of a clinic's appointments that begin in a stretch of time, in order."""
    binds = {
        "organization_id": organization_id,
        "since": span[0],
        "until": span[1],
        **paging(_DAY_KIND, page),
        **suggesting(),
        **audit.trace_each_binds(actor, shown=page.limit, object_id=organization_id),
    }
    rows = list(await connection.execute(_DAY, binds))
    items = [ClinicAppointment(**fields(row), resident_name=row.resident_name) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_DAY_KIND, rows, page.limit, ["starts_at", "id"]))


async def shown(connection: AsyncConnection, appointment_ids: Sequence[uuid.UUID]) -> list[AppointmentPublic]:
    """Return appointments whose reader's rights were checked, in order of time."""
    return [public(row) for row in await rows(connection, appointment_ids)]


async def rows(connection: AsyncConnection, appointment_ids: Sequence[uuid.UUID]) -> list[Any]:
    """Return appointments as ``public`` shows them, in order of time."""
    return await _SOME.rows(connection, {"ids": list(appointment_ids), **suggesting()})


async def changed(connection: AsyncConnection, resident_id: uuid.UUID, since: Since) -> list[AppointmentPublic]:
    """Return a resident's appointments of the last 90 days and ahead that changed, in the order of their ids."""
    ids = list(await connection.scalars(_CHANGED, since.binds_of(resident_id)))
    return sorted(await shown(connection, ids), key=lambda one: one.id)


async def detail(connection: AsyncConnection, actor: Actor, subject: Subject) -> AppointmentDetail:
    """Return an appointment with its history; what others than its resident read of it is on record."""
    (row,) = await rows(connection, [subject.id])
    await trace(connection, actor, subject, "appointment:read")
    seen = (await connection.execute(_ENCOUNTER, {"consultation_id": row.consultation_id})).one_or_none()
    history = await connection.execute(_HISTORY, {"appointment_id": subject.id})
    return AppointmentDetail(
        **public(row).model_dump(),
        cancelled_by=row.cancelled_by,
        cancel_reason=unseal(row.cancel_reason, CANCEL_REASON) if row.cancel_reason else None,
        encounter=EncounterPeriod(started_at=seen.started_at, ended_at=seen.ended_at) if seen else None,
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
    (row,) = await rows(connection, [subject.id])
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


async def visits(connection: AsyncConnection, organization_id: uuid.UUID, since: datetime) -> list[Visit]:
    """Return what is held or booked at a clinic and not over, as it was agreed."""
    rows = await connection.execute(_VISITS, {"organization_id": organization_id, "since": since})
    return [Visit(origin_kind=ORIGIN, **row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's own name


async def waits(connection: AsyncConnection, actor: Actor, subject: ResidentSubject) -> list[WaitlistPublic]:
    """Return what a resident waits for, and what is kept for them now."""
    await trace_read(connection, actor, subject, "waitlist:list")
    return await waits_of(connection, subject.resident_id)


async def waits_of(connection: AsyncConnection, resident_id: uuid.UUID) -> list[WaitlistPublic]:
    """Return what a resident waits for, as ``waits`` does, to who puts the reading on record."""
    return await _waits(connection, list(await connection.execute(_ENTRIES, {"resident_id": resident_id})))


async def wait(connection: AsyncConnection, resident_id: uuid.UUID, entry_id: uuid.UUID) -> WaitlistPublic:
    """Return somebody's place on a waitlist; raises ``NotFound``."""
    rows = await connection.execute(_ENTRIES, {"resident_id": resident_id})
    found = await _waits(connection, [row for row in rows if row.id == entry_id])
    if not found:
        raise NotFound
    return found[0]


async def _waits(connection: AsyncConnection, rows: Sequence[sa.Row[Any]]) -> list[WaitlistPublic]:
    binds = {"entry_ids": [row.id for row in rows], "now": clock.now(), **suggesting()}
    offers = {row.waitlist_entry_id: public(row) for row in await connection.execute(_OFFERS, binds)}
    names = WaitlistPublic.model_fields.keys() - {"offer"}
    return [WaitlistPublic(**{name: getattr(row, name) for name in names}, offer=offers.get(row.id)) for row in rows]


async def follow_up(connection: AsyncConnection, appointment_id: uuid.UUID) -> sa.Row[Any] | None:
    """Return an appointment whose follow-up is suggested; ``None`` once that is booked or past."""
    binds = {"appointment_id": appointment_id, **suggesting()}
    return (await connection.execute(_FOLLOW_UP, binds)).one_or_none()


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
    items = [public(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ["starts_at", "id"]))


def public(row: Any) -> AppointmentPublic:
    """Return an appointment as it is shown: a row of it with its names, and whether a follow-up is suggested."""
    return AppointmentPublic(**fields(row))


def fields(row: Any) -> dict[str, Any]:
    """Return what is shown of an appointment's row, by its name."""
    is_over = row.hold_until is not None and row.hold_until <= clock.now()
    currency = row.price_currency
    return {name: getattr(row, name) for name in _AS_THEY_ARE} | {
        # A hold that is over is over, though no worker has written it down yet.
        "status": "cancelled" if is_over and row.status in rules.HELD else row.status,
        "awaits": None if is_over else rules.awaits(row.status, row.asked_at, row.answered_at),
        "follow_up_at": row.follow_up_at if row.is_follow_up_suggested else None,
        "free_until": row.starts_at - row.notice_period,
        "price": _money(row.price_amount, currency),
        "late_fee": _money(row.late_fee_amount, currency),
        "fee": _money(row.fee_amount, currency),
    }


@lru_cache(maxsize=1_000)
def _money(amount: int, currency: str) -> Money:
    return Money(amount=amount, currency=currency)


def suggesting() -> dict[str, Any]:
    """Return the binds of ``SHOWN``."""
    return {"follow_up_since": clock.now() - rules.FOLLOW_UP_KEPT}


def paging(kind: str, page: PageRequest) -> dict[str, Any]:
    """Return the binds of ``POSITION`` and ``LIMIT``."""
    starts_at, last_id = decode_cursor(kind, page.cursor) if page.cursor else (None, None)
    return {
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
