"""Coming: on the way, where one is, let in with the resident's code, or nobody at the door."""

import hmac
from datetime import datetime, timedelta
from typing import Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.problems import FieldError, Malformed
from app.core.sealing import seal
from community.orders import notices, repository, rules
from community.orders.access import Subject
from community.orders.models import FIX, Order
from community.orders.problems import NotYourOrder, OrderNotOpen, StartCodeLocked, TooEarly, WrongStartCode
from community.orders.schemas.given import NoAccessGive, PositionGive, SetOutGive, StartConfirm, StartGive
from community.orders.service import paying
from community.orders.service.changing import By, change, record
from community.orders.service.placing import start_digest
from community.orders.service.telling import provider, tell, waiting
from community.orders.service.times import moment_of

_FIX_MOST: Final = timedelta(minutes=10)
"""What was measured longer ago says nothing of where somebody is."""


async def set_out(session: AsyncSession, actor: Actor, subject: Subject, data: SetOutGive) -> Order:
    """Say that the worker is on the way; said twice it changes nothing, nor does it once they are known to be there.

    What is told of too late to be news is told to nobody. Raises ``OrderNotOpen``, ``TooEarly``, ``Malformed``.
    """
    row = await _of_worker(session, actor, subject)
    at = moment_of(data.occurred_at, row.assigned_at)
    is_there = row.state in ("started", "finished", "closed")
    if row.state == "on_the_way" or (is_there and at is not None):
        return row
    now = clock.now()
    _require_since(row.starts_at - rules.SETS_OUT_BEFORE, at or now)
    await change(session, row, "set_out", By("worker", actor), at=at)
    if now - (at or now) < rules.NEWS:
        told = await waiting(session, row)
        await tell(session, notices.ON_THE_WAY, row, told, f"on_the_way:{row.version}", worker=actor.id)
    return row


async def locate(session: AsyncSession, actor: Actor, subject: Subject, data: PositionGive) -> None:
    """Keep where the worker is, while they are on the way; raises ``OrderNotOpen``, ``Malformed``."""
    row = await _of_worker(session, actor, subject)
    if row.state != "on_the_way":
        raise OrderNotOpen(order_state=row.state)
    now = clock.now()
    at = data.measured_at or now
    if not now - _FIX_MOST <= at <= now:
        raise Malformed(errors=[FieldError("/body/measured_at", "not of the last minutes", "not_recent")])
    fix = data.model_dump(include={"latitude", "longitude", "accuracy"})
    await repository.locate(session, row, seal(orjson.dumps(fix).decode(), FIX), at)


async def start(actor: Actor, subject: Subject, data: StartGive) -> None:
    """Begin, with the code that the resident told at the door; begun already, it stays so.

    Opens its own unit of work, so that a wrong code is counted although it is refused; whoever tries several at once
    tries them one after the other. Raises ``OrderNotOpen``, ``TooEarly``, ``WrongStartCode``, ``StartCodeLocked``,
    ``NotYourOrder``, ``Malformed``.
    """
    async with unit_of_work() as session:
        row = await _of_worker(session, actor, subject)
        if row.state == "started":
            return
        at = moment_of(data.occurred_at, row.assigned_at, row.on_the_way_at)
        _require_start(row, "worker", at or clock.now())
        if row.wrong_codes >= rules.WRONG_CODES:
            raise StartCodeLocked
        left = None
        if hmac.compare_digest(start_digest(row.id, data.code), row.start_digest or b""):
            await change(session, row, "start", By("worker", actor), at=at)
        else:
            left = await _count_wrong(session, actor, row)
    if left is not None:
        raise WrongStartCode(left=left)


async def _count_wrong(session: AsyncSession, actor: Actor, row: Order) -> int:
    """Count a wrong code, and return how many more may be tried; the provider hears of the last one."""
    row.wrong_codes += 1
    await session.flush()
    await record(session, actor, "order:wrong_code", row)
    if row.wrong_codes >= rules.WRONG_CODES:
        await tell(session, notices.CODE_LOCKED, row, await provider(session, row), "code_locked", worker=actor.id)
    return rules.WRONG_CODES - row.wrong_codes


async def confirm_start(session: AsyncSession, actor: Actor, subject: Subject, data: StartConfirm) -> Order:
    """Begin without the code, as the provider or the operator, who asked and says why.

    Raises ``OrderNotOpen``, ``TooEarly``.
    """
    by = By(subject.side("provider", "operator"), actor)
    row = await repository.locked(session, subject.id)
    if row.state == "started":
        return row
    _require_start(row, by.who, clock.now())
    await change(session, row, "start", by, reason="confirmed", note=data.reason)
    return row


async def no_access(session: AsyncSession, actor: Actor, subject: Subject, data: NoAccessGive) -> Order:
    """Say that nobody answered the door, once it is time; people hear of it, and the resident owes what was agreed.

    To whoever set out only when they were late already nothing is owed. That somebody stood there in time can be said
    afterwards by them alone; a desk that says so late is heard, and owed nothing.
    Raises ``OrderNotOpen``, ``TooEarly``, ``NotYourOrder``, ``Malformed``.
    """
    by = By(subject.side("worker", "provider", "operator"), actor)
    row = await repository.locked(session, subject.id)
    if by.who == "worker" and row.worker_id != actor.id:
        raise NotYourOrder
    if not rules.may("no_access", row.state, by.who):  # type: ignore[arg-type]  # a check constraint holds it to them
        raise OrderNotOpen(order_state=row.state)
    at = moment_of(data.occurred_at, row.assigned_at, row.on_the_way_at)
    stood_at = at or clock.now()
    _require_since(row.starts_at, stood_at)
    came_at = stood_at if by.who == "worker" else clock.now()
    if row.state == "on_the_way" and row.on_the_way_at is not None:
        came_at = row.on_the_way_at  # who did not say that they set out came no later than they stood there
    owed = rules.door_fee(row.total_amount, row.late_percent, row.starts_at, came_at)
    await change(session, row, "no_access", by, note=data.note, at=at, fee_amount=owed)
    await paying.settle_fee(session, actor.id, row)
    await tell(session, notices.DOOR_CLOSED, row, await waiting(session, row), "no_access")
    told = await provider(session, row, besides=actor.id, with_operator=True)
    await tell(session, notices.NO_ACCESS, row, told, "no_access", worker=row.worker_id or actor.id)
    return row


def _require_since(opens_at: datetime, at: datetime) -> None:
    if at < opens_at:
        raise TooEarly(opens_at=opens_at.isoformat())


def _require_start(row: Order, who: rules.Who, at: datetime) -> None:
    if not rules.may("start", row.state, who):  # type: ignore[arg-type]  # a check constraint holds it to them
        raise OrderNotOpen(order_state=row.state)
    _require_since(row.starts_at - rules.STARTS_BEFORE, at)


async def _of_worker(session: AsyncSession, actor: Actor, subject: Subject) -> Order:
    """Return the order, locked, if it is still the actor's to carry out; raises ``NotYourOrder``."""
    subject.side("worker")
    row = await repository.locked(session, subject.id)
    if row.worker_id != actor.id:
        raise NotYourOrder
    return row
