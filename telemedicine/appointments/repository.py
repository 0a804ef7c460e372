"""The SQL that locks and counts appointments, and finds whose wait something that came free may end."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.database import connection_of
from app.core.events import EmittingStatement, Event
from app.core.problems import NotFound
from app.core.statements import HotStatement
from telemedicine.appointments.models import APPOINTMENTS, CHANGES, WAITLIST, Appointment, WaitlistEntry
from telemedicine.appointments.rules import AHEAD, HELD, Asking, News
from telemedicine.clinics.models import BOOKABLE_RESOURCES, CLINICS, PRACTITIONERS, VISIT_TYPES
from telemedicine.events import AppointmentBooked, AppointmentHeld, AppointmentRequested

LOOK_CHANNEL: Final = "telemedicine.waitlists"
"""Where it is heard that somebody who waits may be offered something now."""
_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.bindparam("now", type_=_INSTANT)
_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_ALONE = HotStatement(
    sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("whose", type_=sa.Text), 0)))
)
_OF_ONE: Final = sa.and_(
    APPOINTMENTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    APPOINTMENTS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
)
# What belongs to one series counts once.
_EACH: Final = sa.func.coalesce(APPOINTMENTS.c.series_id, APPOINTMENTS.c.id)
# What a clinic was asked for is out of the resident's hands.
_IS_HOLD: Final = sa.and_(APPOINTMENTS.c.status == "pending", APPOINTMENTS.c.asked_at.is_(None))
_COUNTS = HotStatement(
    sa.select(
        sa.func.count(_EACH.distinct()).filter(_IS_HOLD).label("holds"),
        sa.func.count(_EACH.distinct()).label("ahead"),
        sa.func.min(APPOINTMENTS.c.hold_until).filter(_IS_HOLD).label("until"),
    ).where(
        _OF_ONE,
        APPOINTMENTS.c.starts_at > _NOW,
        APPOINTMENTS.c.status.in_([sa.literal(status, sa.Text) for status in AHEAD]),
        sa.or_(APPOINTMENTS.c.hold_until.is_(None), APPOINTMENTS.c.hold_until > _NOW),
    )
)
_IS_WAITED_FOR: Final = sa.exists().where(
    WAITLIST.c.organization_id == CLINICS.c.organization_id, WAITLIST.c.state == sa.literal("waiting", sa.Text)
)
_LOOK = (
    sa.update(CLINICS)
    .where(
        CLINICS.c.organization_id.in_(
            sa.select(PRACTITIONERS.c.organization_id)
            .where(PRACTITIONERS.c.calendar_id == sa.any_(_IDS))
            .union(
                sa.select(BOOKABLE_RESOURCES.c.organization_id).where(
                    BOOKABLE_RESOURCES.c.calendar_id == sa.any_(_IDS)
                ),
                # A seat is of no calendar of the clinic's.
                sa.select(APPOINTMENTS.c.organization_id).where(
                    APPOINTMENTS.c.id == sa.any_(sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid)))
                ),
            )
        ),
        _IS_WAITED_FOR,
    )
    .values(waitlist_look_at=_NOW)
    .returning(CLINICS.c.id)
)
_LOOK_AT_WAITED = (
    sa.update(CLINICS)
    .where(CLINICS.c.organization_id == sa.any_(_IDS), _IS_WAITED_FOR)
    .values(waitlist_look_at=_NOW)
    .returning(CLINICS.c.id)
)
_LOOK_AT = (
    sa.update(CLINICS)
    .where(CLINICS.c.organization_id == sa.any_(_IDS))
    .values(waitlist_look_at=sa.bindparam("at", type_=_INSTANT))
)
_QUEUE = (
    sa.select(WaitlistEntry)
    .where(
        col(WaitlistEntry.organization_id) == sa.bindparam("organization_id", type_=sa.Uuid),
        col(WaitlistEntry.state) == sa.literal("waiting", sa.Text),
    )
    .order_by(col(WaitlistEntry.queued_at), col(WaitlistEntry.id))
)


_HISTORY: Final = ("resident_id", "status", "starts_at", "practitioner_id")


def _recorded(
    event: type[Event], change: sa.UpdateBase, *, action: str | None, news: News | None = None
) -> EmittingStatement:
    """Return the statement that changes an appointment, tells of it, adds to its history, and shows it with its names.

    ``news`` is what timelines tell of it. With an ``action`` it is put on record, too: execute it with
    ``audit.trace_binds(actor, …)``.
    """
    payload: list[Any] = []
    for name in ("resident_id", "organization_id"):
        payload += [sa.literal_column(f"'{name}'"), APPOINTMENTS.c[name]]
    told = change.returning(
        APPOINTMENTS.c.id.label("aggregate_id"),
        sa.func.jsonb_build_object(*payload, type_=JSONB).label("payload"),
        *APPOINTMENTS.c,
    )

    def shown(changed: sa.CTE) -> sa.Select[Any]:
        line = sa.select(
            sa.bindparam("change_id", type_=sa.Uuid),
            _NOW,
            _NOW,
            sa.literal_column("1"),
            changed.c.id,
            *(changed.c[name] for name in _HISTORY),
            sa.cast(sa.null() if news is None else sa.literal_column(f"'{news}'"), sa.Text),
            sa.bindparam("changed_by", type_=sa.Uuid),
        )
        names = ["id", "created_at", "updated_at", "version", "appointment_id", *_HISTORY, "news", "changed_by"]
        found = (
            sa.select(
                changed,
                PRACTITIONERS.c.name.label("practitioner"),
                VISIT_TYPES.c.name.label("visit_type"),
                # What comes after a visit is said once it was.
                sa.false().label("is_follow_up_suggested"),
            )
            .join(PRACTITIONERS, PRACTITIONERS.c.id == changed.c.practitioner_id)
            .join(VISIT_TYPES, VISIT_TYPES.c.id == changed.c.visit_type_id)
            .add_cte(sa.insert(CHANGES).from_select(names, line).cte("history"))
        )
        return found if action is None else audit.traced(found, action)

    return EmittingStatement(event, told, shown)


_ENTER: Final = sa.insert(APPOINTMENTS).values(
    {column.name: sa.bindparam(f"given_{column.name}") for column in APPOINTMENTS.c}
)
_HOLD: Final = _recorded(AppointmentHeld, _ENTER, action="appointment:pending")
_KEEP: Final = _recorded(AppointmentHeld, _ENTER, action=None)
_BOOK: Final = _recorded(
    AppointmentBooked,
    sa.update(APPOINTMENTS)
    .where(APPOINTMENTS.c.id == sa.bindparam("row_id", type_=sa.Uuid))
    .values(
        status=sa.literal_column("'booked'", sa.Text),
        hold_until=sa.null(),
        remind_at=sa.bindparam("next_reminder", type_=_INSTANT),
        consultation_id=sa.bindparam("visit_id", type_=sa.Uuid),
        answer_look_at=sa.null(),
        answered_at=sa.case(
            (APPOINTMENTS.c.answer_within.is_not(None), sa.func.coalesce(APPOINTMENTS.c.answered_at, _NOW))
        ),
        updated_at=_NOW,
        version=APPOINTMENTS.c.version + sa.literal_column("1"),
    ),
    action="appointment:booked",
    news="booked",
)
_ASK: Final = _recorded(
    AppointmentRequested,
    sa.update(APPOINTMENTS)
    .where(APPOINTMENTS.c.id == sa.bindparam("row_id", type_=sa.Uuid))
    .values(
        status=sa.literal_column("'pending'", sa.Text),
        hold_until=sa.bindparam("kept_until", type_=_INSTANT),
        answer_look_at=sa.bindparam("look_at", type_=_INSTANT),
        asked_at=_NOW,
        updated_at=_NOW,
        version=APPOINTMENTS.c.version + sa.literal_column("1"),
    ),
    action="appointment:ask",
)
# As the model has it: a row of it made anew costs as much as the statement that writes it.
_NEW: Final[Mapping[str, Any]] = dict.fromkeys(f"given_{column.name}" for column in APPOINTMENTS.c) | {
    "given_version": 1,
    "given_sequence": 0,
    "given_fee_amount": 0,
    "given_was_booked": False,
}
_LOCK_SOME = HotStatement(
    sa.select(APPOINTMENTS).where(APPOINTMENTS.c.id == sa.any_(_IDS)).order_by(APPOINTMENTS.c.id).with_for_update()
)
_LOCK_SERIES = HotStatement(
    sa.select(APPOINTMENTS)
    .where(
        APPOINTMENTS.c.series_id == sa.bindparam("series_id", type_=sa.Uuid),
        APPOINTMENTS.c.status.in_([sa.literal(status, sa.Text) for status in AHEAD]),
    )
    .order_by(APPOINTMENTS.c.id)
    .with_for_update()
)


async def enter(session: AsyncSession, values: Mapping[str, Any], actor: Actor | None) -> Any:
    """Write a held appointment, its history and the fact, and return it with its names; ``actor`` goes on record."""
    now = clock.now()
    binds = {**_NEW} | {f"given_{name}": value for name, value in values.items()}
    binds |= {"given_created_at": now, "given_updated_at": now}
    about = {name: values[name] for name in ("resident_id", "community_id")} | {"object_id": values["id"]}
    (found,) = await (_KEEP if actor is None else _HOLD).rows(session, binds | _by(about, actor, now))
    return found


async def book(
    session: AsyncSession,
    row: Any,
    actor: Actor,
    *,
    remind_at: datetime | None,
    visit_id: uuid.UUID | None,
    now: datetime,
) -> Any:
    """Have a locked appointment booked, with its history, the fact and the record; return it with its names."""
    about = {"resident_id": row.resident_id, "community_id": row.community_id, "object_id": row.id}
    binds = {"row_id": row.id, "next_reminder": remind_at, "visit_id": visit_id}
    (found,) = await _BOOK.rows(session, binds | _by(about, actor, now))
    return found


async def ask(session: AsyncSession, row: Any, actor: Actor, asking: Asking, now: datetime) -> Any:
    """Have the clinic asked for a locked appointment, as ``book`` has it booked; return it with its names."""
    about = {"resident_id": row.resident_id, "community_id": row.community_id, "object_id": row.id}
    binds = {"row_id": row.id, "kept_until": asking.until, "look_at": asking.clinic_at}
    (found,) = await _ASK.rows(session, binds | _by(about, actor, now))
    return found


def _by(about: dict[str, Any], actor: Actor | None, now: datetime) -> dict[str, Any]:
    binds: dict[str, Any] = {"change_id": clock.new_id(), "changed_by": actor.id if actor else None, "now": now}
    return binds if actor is None else binds | audit.trace_binds(actor, **about)


async def lock_some(session: AsyncSession, ids: Collection[uuid.UUID]) -> list[Any]:
    """Return appointments as they are, locked in one order; none of what is changed of them is flushed."""
    return await _LOCK_SOME.rows(connection_of(session), {"ids": list(ids)})


async def lock_series(session: AsyncSession, series_id: uuid.UUID) -> list[Any]:
    """Return the appointments of a series that are held or booked, as ``lock_some`` does."""
    return await _LOCK_SERIES.rows(connection_of(session), {"series_id": series_id})


async def alone(session: AsyncSession, resident_id: uuid.UUID, organization_id: uuid.UUID) -> None:
    """Wait until nobody else books for the resident at the clinic: what is counted must not change meanwhile."""
    await _ALONE.row(connection_of(session), {"whose": f"telemedicine.appointments:{resident_id}:{organization_id}"})


async def alone_in_session(session: AsyncSession, session_id: uuid.UUID) -> None:
    """Wait until nobody else takes or leaves a seat of a session that several take part in."""
    await _ALONE.row(connection_of(session), {"whose": f"telemedicine.session:{session_id}"})


async def counts(session: AsyncSession, resident_id: uuid.UUID, organization_id: uuid.UUID, now: datetime) -> Any:
    """Return a resident's ``holds`` at a clinic, ``until`` when the first of them lasts, and how much is ``ahead``."""
    binds = {"resident_id": resident_id, "organization_id": organization_id, "now": now}
    return (await _COUNTS.rows(connection_of(session), binds))[0]


async def locked(session: AsyncSession, appointment_id: uuid.UUID) -> Appointment:
    """Return an appointment, locked; raises ``NotFound``."""
    row = await session.get(Appointment, appointment_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


async def all_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[Appointment]:
    """Return appointments, locked in one order."""
    statement = (
        sa.select(Appointment)
        .where(col(Appointment.id) == sa.any_(_IDS))
        .order_by(col(Appointment.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement, {"ids": list(ids)})).all()


async def held_of(session: AsyncSession, entry_id: uuid.UUID) -> Appointment | None:
    """Return what is kept for somebody who waits, locked."""
    statement = (
        sa.select(Appointment)
        .where(col(Appointment.waitlist_entry_id) == entry_id, col(Appointment.status).in_(HELD))
        .with_for_update()
    )
    row: Appointment | None = await session.scalar(statement)
    return row


async def locked_entry(session: AsyncSession, entry_id: uuid.UUID) -> WaitlistEntry:
    """Return somebody's place on a waitlist, locked; raises ``NotFound``."""
    row = await session.get(WaitlistEntry, entry_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


async def queue(session: AsyncSession, organization_id: uuid.UUID) -> Sequence[WaitlistEntry]:
    """Return who waits at a clinic, whoever has waited longest first."""
    return (await session.scalars(_QUEUE, {"organization_id": organization_id})).all()


async def look_for(
    session: AsyncSession, calendar_ids: Collection[uuid.UUID], origin_ids: Collection[uuid.UUID], now: datetime
) -> None:
    """Have it looked, at the clinics whose calendars or appointments these are, whether somebody waits for it."""
    binds = {"ids": list(calendar_ids), "origin_ids": list(origin_ids), "now": now}
    if list(await session.scalars(_LOOK, binds, execution_options=_UNSYNCHRONIZED)):
        wakeups.request(session, LOOK_CHANNEL)


async def look_at_waited(session: AsyncSession, organization_ids: Collection[uuid.UUID], now: datetime) -> None:
    """Have it looked at the clinics at which somebody waits."""
    binds = {"ids": list(organization_ids), "now": now}
    if list(await session.scalars(_LOOK_AT_WAITED, binds, execution_options=_UNSYNCHRONIZED)):
        wakeups.request(session, LOOK_CHANNEL)


async def look_at(session: AsyncSession, organization_ids: Collection[uuid.UUID], at: datetime | None) -> None:
    """Have it looked at the clinics at an instant, or not until something happens."""
    binds = {"ids": list(organization_ids), "at": at}
    await session.execute(_LOOK_AT, binds, execution_options=_UNSYNCHRONIZED)
    if at is not None and at <= clock.now():
        wakeups.request(session, LOOK_CHANNEL)


_UNSYNCHRONIZED: Final = {"synchronize_session": False}
