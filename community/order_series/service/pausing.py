"""Nothing of a series for a while: because the resident says so, or because they are away."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.identity.api import ResidentSubject
from community.order_series import repository
from community.order_series.models import PAUSES, OrderPause, OrderSeries
from community.order_series.schemas import PauseWrite
from community.order_series.service import planning
from community.orders import repository as orders
from community.orders.service.cancelling import call_off
from community.orders.service.changing import HEARTHLINE, By


@dataclass(frozen=True, slots=True)
class Away:
    """A stay away from home, from when until when, and when it was stated; over before it began, it is none."""

    id: uuid.UUID
    since: datetime
    until: datetime
    stated_at: datetime

    def reaches(self, ordered_at: datetime, starts_at: datetime) -> bool:
        """Say whether what was ordered then, not knowing of it, would begin while nobody is at home."""
        return ordered_at < self.stated_at and self.since <= starts_at < self.until


async def pause(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, series_id: uuid.UUID, data: PauseWrite
) -> OrderSeries:
    """Let nothing of a series take place for a while; what is ordered and can be called off freely is.

    Raises ``NotFound``, ``SeriesEnded``, ``Malformed``.
    """
    series = await repository.locked(session, subject.resident_id, series_id)
    if data.until is not None and data.until <= clock.now():
        raise Malformed(errors=[FieldError("/body/until", "has passed", "in_the_past")])
    session.add(
        OrderPause(resident_id=series.resident_id, series_id=series.id, since_at=data.since, until_at=data.until)
    )
    await session.flush()
    await planning.release(session, By("resident", actor), series)
    await _record(session, actor, "order_series:pause", series)
    return series


async def resume(session: AsyncSession, actor: Actor, subject: ResidentSubject, series_id: uuid.UUID) -> OrderSeries:
    """End a series' own pauses, those ahead as well; an absence ends where it was stated.

    Raises ``NotFound``, ``SeriesEnded``.
    """
    series = await repository.locked(session, subject.resident_id, series_id)
    await repository.end_pauses(session, series.id)
    series.plan_at = clock.now()
    await session.flush()
    wakeups.request(session, repository.CHANNEL)
    await _record(session, actor, "order_series:resume", series)
    return series


async def follow_absences(session: AsyncSession, resident_id: uuid.UUID, absences: Iterable[Away]) -> None:
    """Let nothing take place while a resident is away; said twice it changes nothing.

    What is ordered for that time is called off, however near it is, and nothing is owed for it; whoever ordered it
    hears of it. Of what recurs, it is ordered anew for whoever is back before the time. What was ordered once it was
    known that they are away is wanted all the same.
    """
    known = {away.id: away for away in absences if away.since < away.until}
    await session.execute(
        sa.delete(PAUSES).where(
            PAUSES.c.resident_id == resident_id,
            PAUSES.c.absence_id.is_not(None),
            PAUSES.c.until_at > clock.now(),
            PAUSES.c.absence_id.not_in(list(known)),
        )
    )
    for away in known.values():
        row = OrderPause(resident_id=resident_id, absence_id=away.id, since_at=away.since, until_at=away.until)
        given = insert(PAUSES).values({column.name: getattr(row, column.name) for column in PAUSES.c})
        await session.execute(
            given.on_conflict_do_update(
                index_elements=["absence_id"],
                index_where=PAUSES.c.absence_id.is_not(None),
                set_={name: given.excluded[name] for name in ("since_at", "until_at", "updated_at")}
                | {"version": PAUSES.c.version + 1},
            )
        )
    for series in await repository.all_locked(session, await repository.of_residents(session, [resident_id])):
        await planning.release(session, HEARTHLINE, series, "away")
    for order in await orders.ahead_of_residents(session, [resident_id]):
        if order.series_id is None and any(away.reaches(order.created_at, order.starts_at) for away in known.values()):
            await call_off(session, HEARTHLINE, order, "away")
    await repository.wake_residents(session, [resident_id])
    wakeups.request(session, repository.CHANNEL)


async def _record(session: AsyncSession, actor: Actor, action: str, series: OrderSeries) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=series.resident_id,
        object_id=series.id,
        community_id=series.community_id,
    )
