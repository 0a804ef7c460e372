"""Waiting: what comes free is kept for one after the other, for half an hour each, whoever has waited longest first.

One look at a time at each clinic: its row is locked while somebody is asked, so however many workers there are, nobody
is asked out of turn, and a worker that dies leaves the look to be done again.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.events import emit
from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.core.wall_time import resolve
from app.identity.api import require_resident
from telemedicine.appointments import notices, repository, rules
from telemedicine.appointments.access import MANAGE, Subject, require_bookable
from telemedicine.appointments.models import WaitlistEntry
from telemedicine.appointments.problems import AlreadyWaiting, BookedElsewhere
from telemedicine.appointments.schemas import WaitlistJoin
from telemedicine.appointments.service import booking, keeping, taking
from telemedicine.clinics.models import Clinic
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.schemas.slots import SlotPublic
from telemedicine.clinics.service.slots import offered, search
from telemedicine.clinics.views.clinics import visit_type
from telemedicine.clinics.views.offers import SlotQuery
from telemedicine.events import WaitlistOffered

_PAGES: Final = 5
"""How many pages of free slots are looked through for somebody's wish."""
_Known = dict[tuple[uuid.UUID, uuid.UUID | None, datetime], list[SlotPublic]]


async def join(session: AsyncSession, actor: Actor, data: WaitlistJoin) -> WaitlistEntry:
    """Put a resident on the waitlist for a visit type; what is free already is offered at once.

    Raises ``NotFound``, ``Forbidden``, ``ResidenceEnded``, ``AlreadyWaiting``.
    """
    connection = await session.connection()
    subject = await require_bookable(connection, actor, data.resident_id)
    of_type = await visit_type(connection, data.visit_type_id)
    if of_type.community_id != subject.community_id or not of_type.is_active or of_type.bookable_by == "clinic":
        raise NotFound
    await repository.alone(session, subject.resident_id, of_type.organization_id)
    waiting = sa.select(col(WaitlistEntry.id)).where(
        col(WaitlistEntry.resident_id) == subject.resident_id,
        col(WaitlistEntry.visit_type_id) == of_type.id,
        col(WaitlistEntry.state) != "closed",
    )
    if await session.scalar(waiting) is not None:
        raise AlreadyWaiting
    now = clock.now()
    row = WaitlistEntry(
        community_id=subject.community_id,
        organization_id=of_type.organization_id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        queued_at=now,
        entered_by=actor.id,
        **data.model_dump(exclude={"resident_id"}),
    )
    session.add(row)
    await session.flush()
    await audit.record(session, actor, "waitlist:join", resident_id=row.resident_id, object_id=row.id)
    await repository.look_at(session, [row.organization_id], now)
    return row


async def leave(session: AsyncSession, actor: Actor, subject: Subject) -> None:
    """Take a resident off a waitlist; what is kept for them goes to the next one, unless the clinic is asked for it."""
    now = clock.now()
    kept = await repository.held_of(session, subject.id)
    entry = await repository.locked_entry(session, subject.id)
    if entry.state == "closed":
        return
    entry.state, entry.closed_at = "closed", now
    await session.flush()
    if kept is not None and kept.asked_at is None:
        keeping.become(kept, "cancelled")
        kept.cancelled_by = subject.by
        await taking.give_back(session, await taking.reservations_of(session, [kept]))
        await keeping.remember(session, kept, actor)
        await keeping.untell(session, kept.id)
    await audit.record(session, actor, "waitlist:leave", resident_id=entry.resident_id, object_id=entry.id)


async def offer(session: AsyncSession, clinic_ids: Sequence[uuid.UUID]) -> None:
    """Keep one free time at each of the clinics for whoever has waited longest and can come; look again until none is.

    The clinics' rows are locked by whoever calls.
    """
    clinics = await session.scalars(sa.select(Clinic).where(col(Clinic.id).in_(clinic_ids)))
    for clinic in clinics.all():
        now = clock.now()
        due = clinic.waitlist_look_at or now
        if (morning := rules.ask_at(now, clinic.time_zone)) > now:
            await repository.look_at(session, [clinic.organization_id], morning)
            continue
        is_offered = await _offer_one(session, clinic)
        # Still due, an instant later: the next look is a transaction of its own, which holds no calendar yet.
        at = due + timedelta(microseconds=1) if is_offered else None
        await repository.look_at(session, [clinic.organization_id], at)


async def _offer_one(session: AsyncSession, clinic: Clinic) -> bool:
    known: _Known = {}
    for waiting in await repository.queue(session, clinic.organization_id):
        entry = await repository.locked_entry(session, waiting.id)
        if entry.state == "waiting" and await _offer_to(session, clinic, entry, known):
            return True
    return False


async def _offer_to(session: AsyncSession, clinic: Clinic, entry: WaitlistEntry, known: _Known) -> bool:
    connection = await session.connection()
    now = clock.now()
    subject = await require_resident(connection, system_actor(entry.community_id), entry.resident_id, MANAGE)
    if subject.state != "active":
        entry.state, entry.closed_at = "closed", now
        await session.flush()
        return False
    wish = rules.Wish(entry.since, entry.until, entry.weekdays, entry.earliest, entry.latest)
    for slot in await _free(connection, clinic, entry, known):
        if slot.starts_at <= now or slot.starts_at in entry.passed or not wish.allows(slot.starts_at, slot.time_zone):
            continue
        query = SlotQuery(
            community_id=entry.community_id, visit_type_id=entry.visit_type_id, practitioner_id=slot.practitioner.id
        )
        try:
            found = await offered(connection, query, slot.starts_at)
            until = min(now + rules.OFFER, slot.starts_at)  # nobody is to say yes to what has begun without them
            held = booking.Held(subject, query, "proposed", until, entry.entered_by, entry.id)
            (row,) = await booking.hold_all(session, None, held, [found])
        except (NotOffered, BookedElsewhere):
            continue
        await _tell(session, entry, row)
        return True
    return False


async def _free(connection: AsyncConnection, clinic: Clinic, entry: WaitlistEntry, known: _Known) -> list[SlotPublic]:
    earliest = clock.now()
    if entry.since is not None:
        # A day early: the practitioner's wall may be another one than the clinic's.
        earliest = max(earliest, resolve(entry.since, time(), clinic.time_zone) - timedelta(days=1))
    key = (entry.visit_type_id, entry.practitioner_id, earliest)
    if key not in known:
        query = SlotQuery(
            community_id=entry.community_id, visit_type_id=entry.visit_type_id, practitioner_id=entry.practitioner_id
        )
        found: list[SlotPublic] = []
        page: Any = PageRequest(100, None)
        for _ in range(_PAGES):
            answer = await search(connection, query, earliest, page)
            found += answer.items
            if answer.next is None:
                break
            page = PageRequest(100, answer.next)
        known[key] = found
    return known[key]


async def _tell(session: AsyncSession, entry: WaitlistEntry, row: Any) -> None:
    entry.state = "offered"
    await emit(
        session,
        WaitlistOffered(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.organization_id,
        ),
    )
    until = row.hold_until or clock.now()
    await keeping.tell(session, notices.OFFERED, row, "offered", until=until)
