"""Who goes: given to somebody who can, on their one calendar; taken from them again; given to somebody else."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.core.sealing import unseal
from app.dispatch.api import Place
from app.reservations.api import Want, release, take
from community.events import WorkerHoursChanged, WorkerLeft, WorkerSkillExpired, WorkerSuspended
from community.orders import notices, repository, rules
from community.orders.models import PLACE, Order
from community.orders.problems import OrderNotOpen, OutsideWindow, WorkerUnsuitable
from community.orders.schemas.given import Obstacle, OrderUnassign, Settable
from community.orders.service.changing import HEARTHLINE, By, change
from community.orders.service.telling import provider, tell, waiting
from community.workers.problems import NotAWorker
from community.workers.service.engaging import engage
from community.workers.views.days import workers_for

ORIGIN: Final = "community.order"
"""What the calendars of those who come say their time is taken for."""
_KNOWN_BY: Final = timedelta(days=28)


async def assign(
    session: AsyncSession,
    by: By,
    order_id: uuid.UUID,
    worker_id: uuid.UUID,
    *,
    starts_at: datetime | None = None,
    despite: Collection[Settable] = (),
    if_match: int | None = None,
) -> Order:
    """Give an order to somebody (their account), in another's place if it has one; return it.

    Theirs already, at that time, it stays so. Raises ``NotFound``, ``NotAWorker``, ``WorkerUnavailable``,
    ``WorkerUnsuitable``, ``OutsideWindow``, ``OrderNotOpen``, ``StaleVersion``, and ``CalendarTaken`` for who is
    somewhere else then.
    """
    row = await repository.locked(session, order_id)
    check_version(row, if_match)
    is_new = row.worker_id is None
    start = row.starts_at if starts_at is None else starts_at
    if (row.worker_id, row.starts_at) == (worker_id, start) and row.state in rules.WITH_WORKER:
        return row
    transition: rules.Transition = "assign" if is_new else "reassign"
    if not rules.may(transition, row.state, by.who):  # type: ignore[arg-type]  # a check constraint holds it to them
        raise OrderNotOpen(order_state=row.state)
    _require_window(row, start)
    end = start + (row.ends_at - row.starts_at)
    try:
        calendar = await engage(session, row.organization_id, worker_id)
    except NotFound:
        raise NotAWorker from None
    found = await obstacles(await session.connection(), row, worker_id, (start, end))
    if not set(found) <= set(despite):
        raise WorkerUnsuitable(obstacles=found)
    if row.reservation_id is not None:
        await release(session, [row.reservation_id])
    wants = [Want(calendar, start, end, row.id)]
    (reservation_id,) = await take(session, wants, origin_kind=ORIGIN, taken_by=by.id or worker_id)
    before = row.worker_id
    await change(
        session,
        row,
        transition,
        by,
        reason=" ".join(found) or None,
        worker_id=worker_id,
        reservation_id=reservation_id,
        starts_at=start,
        ends_at=end,
    )
    occasion = f"assigned:{row.version}"
    if before is not None and before != worker_id:
        await tell(session, notices.NOT_YOURS, row, [before], occasion)
    await tell(session, notices.YOURS, row, [one for one in [worker_id] if one != by.id], occasion)
    await tell(session, notices.ASSIGNED, row, await waiting(session, row), occasion, worker=worker_id)
    return row


async def take_back(session: AsyncSession, by: By, order_id: uuid.UUID, data: OrderUnassign) -> None:
    """Take an order from whoever was to go, as its provider decides; raises ``NotFound``, ``OrderNotOpen``."""
    row = await repository.locked(session, order_id)
    await unassign(session, by, row, data.reason, data.note)


async def unassign(session: AsyncSession, by: By, row: Order, reason: str, note: str | None = None) -> None:
    """Take a locked order from whoever was to go: somebody is looked for again, and everybody hears of it.

    Raises ``OrderNotOpen``.
    """
    before = row.worker_id
    await change(session, row, "unassign", by, reason=reason, note=note, worker_id=None)
    occasion = f"unassigned:{row.version}"
    if before is not None:
        await tell(session, notices.NOT_YOURS, row, [before], occasion)
    await tell(session, notices.SEARCHING, row, await waiting(session, row), occasion)
    if by.who == "hearthline":
        near = rules.concerns_operator(clock.now(), row.starts_at)
        await tell(session, notices.UNSTAFFED, row, await provider(session, row, with_operator=near), occasion)


async def obstacles(
    connection: AsyncConnection, row: Order, worker_id: uuid.UUID, span: tuple[datetime, datetime]
) -> list[Obstacle]:
    """Return what speaks against sending somebody to an order at a time."""
    # From well before: somebody who is off at that time is known all the same, by what they can do until its end.
    known = await workers_for(connection, row.organization_id, (span[0] - _KNOWN_BY, span[1]), account_ids=[worker_id])
    if not known:
        return ["skill", "hours"]
    (worker,) = known
    against: list[Obstacle] = []
    if not worker.can(row.skills, row.certificates):
        against.append("skill")
    if not worker.is_there(*span):
        against.append("hours")
    place = place_of(row)
    if place is not None and not worker.comes_to(place):
        against.append("area")
    if row.wished_languages and not _speaks(worker.languages, row.wished_languages):
        against.append("language")
    if row.wished_sex is not None and worker.sex != row.wished_sex:
        against.append("sex")
    return against


def place_of(row: Order) -> Place | None:
    """Return where an order is to be carried out; ``None`` after an erasure."""
    if row.place is None:
        return None
    place = orjson.loads(unseal(row.place, PLACE))
    return Place(place["latitude"], place["longitude"])


def _speaks(languages: Collection[str], wished: Collection[str]) -> bool:
    return bool({one.split("-")[0].lower() for one in languages} & {one.split("-")[0].lower() for one in wished})


def _require_window(row: Order, start: datetime) -> None:
    since, until = row.wanted_at - row.flexibility, row.wanted_at + row.flexibility
    if not since <= start <= until:
        raise OutsideWindow(since=since.isoformat(), until=until.isoformat())
    if start != row.starts_at and start <= clock.now():
        raise Malformed(errors=[FieldError("/body/starts_at", "has passed", "in_the_past")])


async def follow_workers(
    session: AsyncSession, events: Sequence[WorkerSuspended | WorkerLeft | WorkerSkillExpired | WorkerHoursChanged]
) -> None:
    """Take the orders ahead from those who may not, or cannot, go to them any more."""
    for event in events:
        for row in await repository.ahead_of_worker(session, event.organization_id, event.account_id):
            reason = await _why_not(session, row, event)
            if reason is not None:
                await unassign(session, HEARTHLINE, row, reason)


async def _why_not(
    session: AsyncSession, row: Order, event: WorkerSuspended | WorkerLeft | WorkerSkillExpired | WorkerHoursChanged
) -> str | None:
    """Return why somebody cannot go to an order that is theirs; hours that somebody set aside are no reason."""
    if isinstance(event, WorkerLeft):
        return "left"
    if isinstance(event, WorkerSuspended):
        return "suspended"
    found = await obstacles(await session.connection(), row, event.account_id, (row.starts_at, row.ends_at))
    if isinstance(event, WorkerSkillExpired):
        return "skill" if event.code in row.skills and "skill" in found else None
    if row.state != "assigned" or "hours" not in found:  # who is on the way has made up their mind
        return None
    return None if await repository.was_given_despite(session, row.id, "hours") else "hours"
