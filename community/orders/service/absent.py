"""Who cannot come is off for all their providers, and what they were to do then is taken from them."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.wall_time import zone
from app.identity.api import community
from community.orders import repository
from community.orders.service.assigning import unassign
from community.orders.service.changing import HEARTHLINE
from community.workers.models import WORKERS, Worker
from community.workers.service.hours import keep_off

_FOLD: Final = timedelta(hours=1)
_PROVIDERS: Final = (
    sa.select(WORKERS.c.organization_id)
    .where(WORKERS.c.account_id == sa.bindparam("account_id", type_=sa.Uuid))
    .order_by(WORKERS.c.organization_id)
)
_OF_ACCOUNT: Final = (
    sa.select(Worker)
    .where(col(Worker.account_id) == sa.bindparam("account_id", type_=sa.Uuid))
    .order_by(col(Worker.id))
    .with_for_update()
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True, slots=True)
class Absent:
    """When somebody cannot come, and who said so."""

    id: uuid.UUID
    since: datetime
    until: datetime
    said_by: uuid.UUID


async def follow_absent(
    session: AsyncSession, account_id: uuid.UUID, known: Sequence[Absent], changed: Collection[uuid.UUID]
) -> None:
    """Let somebody be off, as a worker of whatever provider, while they cannot come; said twice it changes nothing.

    Of the absences that ``changed``, those that are none any more are taken back. What was theirs to do in that time,
    and is not under way, is taken from them: somebody else is looked for, and everybody concerned hears of it.
    """
    providers = list(await session.scalars(_PROVIDERS, {"account_id": account_id}))
    # Orders before workers, as whoever assigns locks them. What is assigned in between is seen to when it is heard that
    # their hours are others.
    orders = [
        order for provider in providers for order in await repository.ahead_of_worker(session, provider, account_id)
    ]
    gone = set(changed) - {one.id for one in known}
    for worker in (await session.scalars(_OF_ACCOUNT, {"account_id": account_id})).all():
        time_zone = (await community(await session.connection(), worker.community_id)).time_zone
        spans = {
            one.id: (_on_wall(one.since, time_zone), _until_on_wall(one.until, time_zone), one.said_by) for one in known
        }
        await keep_off(session, worker, spans, gone)
    for order in orders:
        is_off = any(one.since < order.ends_at and order.starts_at < one.until for one in known)
        if order.state == "assigned" and is_off:
            await unassign(session, HEARTHLINE, order, "absent")


def _on_wall(at: datetime, time_zone: str) -> datetime:
    return at.astimezone(zone(time_zone)).replace(tzinfo=None, fold=0)


def _until_on_wall(at: datetime, time_zone: str) -> datetime:
    """Return an end on the wall: in an hour that comes twice, and then means its first, it is not an hour too early."""
    fold = at.astimezone(zone(time_zone)).fold
    return _on_wall(at, time_zone) + fold * _FOLD
