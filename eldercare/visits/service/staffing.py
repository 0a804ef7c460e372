"""Who makes a visit: assigned to a carer's calendar, taken off it again, replaced while it goes on."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import NotFound
from app.core.sealing import seal
from app.identity.api import organizations_serving
from app.reservations import api as reservations
from app.reservations.api import Want
from eldercare.carer_absences.repository import check_present
from eldercare.carers.models import PROFILES
from eldercare.events import VisitAssigned, VisitCarerRemoved
from eldercare.visits import repository, rules
from eldercare.visits.access import READ, require_arranger
from eldercare.visits.models import REMOVAL_NOTE, VISITS
from eldercare.visits.notices import VISIT_ASSIGNED, VISIT_UNASSIGNED, VISIT_UNCOVERED
from eldercare.visits.problems import AgencyDoesNotServe, AlreadyAssigned, CarerUnsuitable, VisitFull, VisitNotOpen
from eldercare.visits.schemas.visits import Obstacle
from eldercare.visits.service import suspending
from eldercare.visits.service.rosters import require_carers
from eldercare.visits.service.telling import agency, tell
from eldercare.visits.service.workforce import KIND, obstacles

ORIGIN: Final = "eldercare.visit"
_GOING: Final = ("assigned", "en_route", "present")

_BUFFER = sa.select(sa.func.max(PROFILES.c.buffer)).where(
    PROFILES.c.account_id == sa.bindparam("account_id", type_=sa.Uuid)
)


async def locked(session: AsyncSession, resident_id: uuid.UUID, visit_id: uuid.UUID) -> sa.Row[Any]:
    """Return a visit of the resident's, locked; raises ``NotFound``."""
    visit = (await repository.lock_visits(session, [visit_id])).get(visit_id)
    if visit is None or visit.resident_id != resident_id:
        raise NotFound
    return visit


async def assign(
    session: AsyncSession,
    actor: Actor,
    resident_id: uuid.UUID,
    visit_id: uuid.UUID,
    account_id: uuid.UUID,
    despite: Collection[Obstacle] = (),
) -> None:
    """Let a carer of the agency make a visit, also one that goes on without anybody, or to which nobody came.

    What the planner would not do is done only ``despite`` the rules it is against, and that is on record.
    Raises ``NotFound``, ``Forbidden``, ``NotACarer``, ``AgencyDoesNotServe``, ``VisitNotOpen``, ``VisitFull``,
    ``AlreadyAssigned``, ``ResidentAway``, ``CarerAbsent``, ``CarerUnsuitable``, and ``CalendarTaken`` when they are
    somewhere else then.
    """
    visit = await locked(session, resident_id, visit_id)
    require_arranger(actor, visit.organization_id)
    carers = (await repository.carers_of(session, [visit.id]))[visit.id]
    await check_carers(session, visit.organization_id, [resident_id], [account_id])
    check_room(visit, carers, account_id)
    if visit.state in rules.AHEAD:
        await suspending.require_home(session, resident_id, visit.starts_at)
    (reservation_id,) = await take_calendars(session, actor.id, [(visit, account_id, *span_of(visit, clock.now()))])
    found = await obstacles(await session.connection(), visit, account_id)
    if not set(found) <= set(despite):
        raise CarerUnsuitable(obstacles=found)
    await enlist(session, actor.id, visit, account_id, reservation_id, despite=found)
    await settle(session, [visit.id])
    details = {"account_id": str(account_id)} | ({"despite": " ".join(found)} if found else {})
    await record(session, actor, "visit:assign", visit, details)


async def check_carers(
    session: AsyncSession,
    organization_id: uuid.UUID,
    resident_ids: Iterable[uuid.UUID],
    account_ids: Iterable[uuid.UUID],
) -> None:
    """Raise ``NotACarer`` or ``AgencyDoesNotServe`` unless carers of the agency may be sent to the residents."""
    await require_carers(session, organization_id, account_ids)
    serving = await organizations_serving(await session.connection(), resident_ids, READ)
    if any(organization_id not in found for found in serving.values()):
        raise AgencyDoesNotServe


def check_room(visit: sa.Row[Any], carers: Sequence[sa.Row[Any]], account_id: uuid.UUID) -> None:
    """Raise ``VisitNotOpen``, ``AlreadyAssigned`` or ``VisitFull`` unless the carer can be added to the visit."""
    if visit.state not in (*rules.OPEN, "missed"):
        raise VisitNotOpen(state=visit.state)
    if any(carer.account_id == account_id for carer in carers):
        raise AlreadyAssigned
    if sum(carer.state in _GOING for carer in carers) >= visit.carers:
        raise VisitFull


def span_of(visit: sa.Row[Any], now: datetime) -> tuple[datetime, datetime]:
    """Return the time a carer who is assigned now spends there: of a visit that began, what is left of it."""
    if visit.state in rules.AHEAD:
        return visit.starts_at, visit.ends_at
    return now, max(visit.ends_at, now + rules.TAKEN_OVER_FOR)


async def take_calendars(
    session: AsyncSession, by: uuid.UUID, wanted: Sequence[tuple[sa.Row[Any], uuid.UUID, datetime, datetime]]
) -> list[uuid.UUID]:
    """Book the carers (visit, account, from, until), all or nothing; return the reservations in their order.

    Raises ``CarerAbsent``, ``CalendarTaken``.
    """
    await check_present(session, [(account_id, since, until) for _, account_id, since, until in wanted])
    calendars = {}
    for account_id, community_id in sorted({(account_id, visit.community_id) for visit, account_id, _, _ in wanted}):
        buffer = await session.scalar(_BUFFER, {"account_id": account_id})
        options = {} if buffer is None else {"buffer_after": buffer}
        calendars[account_id] = await reservations.register(
            session,
            community_id=community_id,
            kind=KIND,
            subject_id=account_id,
            account_id=account_id,
            **options,
        )
    wants = [Want(calendars[account_id], since, until, visit.id) for visit, account_id, since, until in wanted]
    return await reservations.take(session, wants, origin_kind=ORIGIN, taken_by=by)


async def enlist(
    session: AsyncSession,
    by: uuid.UUID,
    visit: sa.Row[Any],
    account_id: uuid.UUID,
    reservation_id: uuid.UUID,
    *,
    despite: Sequence[str] = (),
    tells: bool = True,
) -> None:
    """Write down who makes a visit, whose calendar is booked, ``despite`` which rules, and tell them if it ``tells``.

    Raises ``AlreadyAssigned``.
    """
    values = {
        "visit_id": visit.id,
        "resident_id": visit.resident_id,
        "organization_id": visit.organization_id,
        "account_id": account_id,
        "starts_at": visit.starts_at,
        "reservation_id": reservation_id,
        "assigned_by": by,
        "despite": list(despite),
    }
    carer_id = await repository.insert_carer(session, values)
    if carer_id is None:
        raise AlreadyAssigned
    if tells:
        await tell(session, VISIT_ASSIGNED, visit, [account_id], f"assigned:{carer_id}")
    await emit(
        session,
        VisitAssigned(
            aggregate_id=visit.id,
            community_id=visit.community_id,
            resident_id=visit.resident_id,
            account_id=account_id,
        ),
    )


async def remove(
    session: AsyncSession,
    actor: Actor,
    resident_id: uuid.UUID,
    visit_id: uuid.UUID,
    account_id: uuid.UUID,
    note: str | None,
) -> None:
    """Take a carer off a visit. One that goes on goes on: see ``take_off``.

    Raises ``NotFound``, ``Forbidden``, ``VisitNotOpen``.
    """
    visit = await locked(session, resident_id, visit_id)
    require_arranger(actor, visit.organization_id)
    if visit.state not in (*rules.OPEN, "missed"):
        raise VisitNotOpen(state=visit.state)
    if not await take_off(session, actor.id, visit, account_id, note):
        raise NotFound
    await record(session, actor, "visit:remove_carer", visit, {"account_id": str(account_id)})


async def take_off(
    session: AsyncSession,
    by: uuid.UUID | None,
    visit: sa.Row[Any],
    account_id: uuid.UUID,
    note: str | None = None,
    *,
    is_sudden: bool = False,
) -> bool:
    """Take a carer off a locked visit; say whether they made it.

    Ahead of its time the visit is open to somebody else; if it ``is_sudden`` the agency hears at once, and the desk
    where time matters. Under way it stays under way: whoever was there can still check out, and no more; if nobody else
    is there the agency hears at once that somebody has to take over, and the duty desk with it: at once where nobody
    decided it, else if nobody takes over within ``rules.ALONE_FOR``.
    """
    carers = (await repository.carers_of(session, [visit.id]))[visit.id]
    carer = next((one for one in carers if one.account_id == account_id and one.state in _GOING), None)
    if carer is None:
        return False
    now = clock.now()
    was_there = carer.state == "present"
    await repository.change_carer(
        session,
        carer.id,
        _GOING,
        state="removed",
        removed_at=now,
        removed_by=by,
        removal_note=seal(note, REMOVAL_NOTE) if note else None,
    )
    await reservations.release(session, [carer.reservation_id])
    await tell(session, VISIT_UNASSIGNED, visit, [account_id], f"unassigned:{carer.id}")
    is_alone = visit.state == "in_progress" and not any(one.state == "present" and one.id != carer.id for one in carers)
    if is_alone:
        heard_at = now + min(visit.check_out_after, rules.ALONE_FOR)
        await repository.change_visit(session, visit.id, overdue_at=heard_at, overdue_step=1)
    elif visit.state in rules.AHEAD:
        await settle(session, [visit.id])
    if is_alone or is_sudden or by is None:
        with_desk = by is None if is_alone else visit.is_critical
        told = await agency(session, visit, besides=by, with_desk=with_desk)
        await tell(session, VISIT_UNCOVERED, visit, told, f"uncovered:{carer.id}")
    await emit(
        session,
        VisitCarerRemoved(
            aggregate_id=visit.id,
            community_id=visit.community_id,
            resident_id=visit.resident_id,
            account_id=account_id,
            was_there=was_there,
        ),
    )
    return True


async def leave_agency(session: AsyncSession, account_id: uuid.UUID, organization_id: uuid.UUID | None) -> None:
    """Take somebody off all visits of an agency (of all agencies if none is named) who works there no longer."""
    visit_ids = await repository.visits_of_carer(session, account_id, organization_id)
    for visit in (await repository.lock_visits(session, visit_ids)).values():
        await take_off(session, None, visit, account_id)


async def settle(session: AsyncSession, visit_ids: Sequence[uuid.UUID]) -> None:
    """Bring the state of locked visits ahead in line with whether they have their carers."""
    visits = await repository.lock_visits(session, visit_ids)
    carers = await repository.carers_of(session, visit_ids)
    full, short, same = [], [], []
    for visit in visits.values():
        if visit.state not in rules.AHEAD:
            continue
        has_all = sum(carer.state in _GOING for carer in carers[visit.id]) >= visit.carers
        if has_all and visit.state == "planned":
            full.append(visit.id)
        elif not has_all and visit.state != "planned":
            short.append(visit.id)
        else:
            same.append(visit.id)
    await repository.touch(session, same)
    # Of two who cannot come one may be replaced: what was brought forward for the other one stays so.
    await repository.become(
        session, full, "assigned", staff_by=sa.case((repository.IS_TO_BE_REPLACED, VISITS.c.staff_by))
    )
    # Whoever is missing is asked for anew, at once if the time is near.
    staffed_by = VISITS.c.starts_at - VISITS.c.staffed_before
    sooner = sa.func.least(VISITS.c.staff_by, staffed_by)
    await repository.become(
        session, short, "planned", staff_by=sa.case((repository.IS_TO_BE_REPLACED, sooner), else_=staffed_by)
    )


async def record(
    session: AsyncSession, actor: Actor, action: str, visit: sa.Row[Any], details: dict[str, str] | None = None
) -> None:
    """Put on record what somebody did with a visit."""
    await audit.record(
        session,
        actor,
        action,
        resident_id=visit.resident_id,
        object_id=visit.id,
        community_id=visit.community_id,
        details=details,
    )
