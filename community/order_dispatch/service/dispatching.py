"""Looking for somebody: whoever suits best is sent, or several are asked, and it is said in time if nobody is found."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.dispatch.api import Unassigned
from app.reservations.api import CalendarTaken
from community.housekeeping.models import ServiceOffer
from community.order_dispatch import notices, repository, rules
from community.order_dispatch.models import OrderSearch
from community.order_dispatch.problems import NobodyIsLookedFor
from community.order_dispatch.rules import Mode, Why
from community.order_dispatch.service import candidates
from community.order_dispatch.service.candidates import Found
from community.order_dispatch.service.telling import ask, ask_no_more
from community.orders import repository as orders
from community.orders.access import Subject
from community.orders.models import Order
from community.orders.problems import WorkerUnsuitable
from community.orders.service import assigning
from community.orders.service.changing import HEARTHLINE, record
from community.orders.service.telling import provider, tell, waiting
from community.workers.problems import NotAWorker, WorkerUnavailable


async def look(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Look for somebody for orders whose search is due; each is looked after again until somebody goes or it is over.

    One at a time: whoever is found is taken a calendar of, and two units of work that take several know no order.
    """
    for search in await repository.searches(session, ids):
        row = await orders.locked(session, search.order_id)
        if row.state != "placed" or row.starts_at <= clock.now():
            await end(session, search, row)
        else:
            await _look(session, search, row)


async def _look(session: AsyncSession, search: OrderSearch, row: Order) -> None:
    now = clock.now()
    await repository.lapse(session, row.id, now)
    until = await repository.open_until(session, row.id)
    if until is not None:
        search.look_at = until
        await _tell_waiting(session, search, row, now, asks=True)
        await session.flush()
        return
    found = await candidates.find(await session.connection(), row)
    if await _mode(session, search, row) == "assign":
        if await _send(session, row, found):
            await end(session, search, row)
            return
        await _find_nobody(session, search, row, *_why(found))
        return
    before = await repository.asked(session, search)
    wave = [one.account_id for one in found.free if one.account_id not in before][: rules.WAVE]
    if wave:
        await _ask(session, search, row, wave)
    elif found.free:
        await _find_nobody(session, search, row, "no_answer", [])
    else:
        await _find_nobody(session, search, row, *_why(found))


async def _mode(session: AsyncSession, search: OrderSearch, row: Order) -> str:
    return search.mode or (await session.get_one(ServiceOffer, row.offer_id)).dispatch


async def _send(session: AsyncSession, row: Order, found: Found) -> bool:
    """Send whoever suits best and still has the time, at the order's time or within its window; say whether any had."""
    for one in found.free:
        if await _sent(session, row.id, one.account_id, row.starts_at):
            return True
    if found.free or not row.flexibility:
        return False
    planned = found.planned()
    if isinstance(planned, Unassigned) or planned.starts_at <= clock.now():
        return False
    return await _sent(session, row.id, planned.workers[0], planned.starts_at)


async def _sent(session: AsyncSession, order_id: uuid.UUID, account_id: uuid.UUID, starts_at: datetime) -> bool:
    """Say whether somebody could be sent: their time may be somebody else's since it was looked at."""
    try:
        await assigning.assign(session, HEARTHLINE, order_id, account_id, starts_at=starts_at, despite=["language"])
    except (CalendarTaken, NotAWorker, WorkerUnavailable, WorkerUnsuitable):
        return False
    return True


def _why(found: Found) -> tuple[Why, list[str]]:
    if found.free:  # each of them was taken by somebody else meanwhile
        return "busy", []
    planned = found.planned()
    reason, skills = (planned.reason, planned.skills) if isinstance(planned, Unassigned) else ("busy", frozenset())
    return rules.why_nobody([one.obstacles for one in found.candidates], reason), sorted(skills)


async def _ask(session: AsyncSession, search: OrderSearch, row: Order, wave: Sequence[uuid.UUID]) -> None:
    now = clock.now()
    within = (await session.get_one(ServiceOffer, row.offer_id)).answer_within
    until = rules.answer_by(now, row.starts_at, within)
    asked = await repository.offer(session, search, row.organization_id, wave, until)
    search.wave += 1
    search.state, search.look_at, search.reason, search.skills = "offered", until, None, []
    await ask(session, row, asked, until, search.wave)
    await _tell_waiting(session, search, row, now, asks=True)
    await session.flush()


async def _find_nobody(session: AsyncSession, search: OrderSearch, row: Order, why: Why, skills: list[str]) -> None:
    """Say that nobody is found: whoever answers for the order at once, the operator and who waits when it is near."""
    now = clock.now()
    is_near = now >= row.starts_at - rules.NEAR
    search.state, search.reason, search.skills = "unfilled", why, skills
    search.look_at = rules.look_again(now, row.starts_at)
    told = await provider(session, row, with_operator=is_near)
    occasion = f"unfilled:{search.begun_at.isoformat()}{':near' if is_near else ''}"
    await tell(session, notices.UNFILLED, row, told, occasion)
    await _tell_waiting(session, search, row, now, asks=False)
    await session.flush()


async def _tell_waiting(session: AsyncSession, search: OrderSearch, row: Order, now: datetime, *, asks: bool) -> None:
    if search.told_at is None and rules.tells_resident(now, row.starts_at, asks=asks):
        search.told_at = now
        await tell(session, notices.STILL_SEARCHING, row, await waiting(session, row), "still_searching")


async def end(session: AsyncSession, search: OrderSearch, row: Order) -> None:
    """Look for nobody any more; whoever was asked hears that it is gone."""
    now = clock.now()
    search.state, search.look_at, search.reason, search.skills = "over", None, None, []
    await session.flush()
    await ask_no_more(session, row, await repository.end_offers(session, row.id, now))


async def begin_anew(session: AsyncSession, actor: Actor, subject: Subject, mode: Mode) -> None:
    """Look for somebody from the beginning, as the provider wants it for this order; raises ``NobodyIsLookedFor``."""
    await repository.searches_of(session, [subject.id])
    row = await orders.locked(session, subject.id)
    if row.state != "placed" or row.starts_at <= clock.now():
        raise NobodyIsLookedFor(order_state=row.state)
    await ask_no_more(session, row, await repository.end_offers(session, row.id, clock.now(), taken=True))
    await repository.begin(session, row.id, row.resident_id, mode)
    await record(session, actor, "order:dispatch", row, {"mode": mode})
