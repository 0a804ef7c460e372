"""Places that came free go to who waited longest of those for whom there are enough, and then to the next."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit
from app.identity.api import granted_accounts
from app.reservations.api import PoolExhausted, allocate, allocated_for, release_allocations
from community.events import WaitlistOffered
from community.ticket_waitlist import notices, repository, rules
from community.ticket_waitlist.access import READ
from community.ticket_waitlist.models import TicketWait
from community.ticketing.problems import NotOnSale
from community.ticketing.rules import Wanted
from community.ticketing.service.portions import portions_for
from community.ticketing.views import slots_for
from notifications.api import send

_granted = granted_accounts(READ).subquery("granted")
_MAY_STILL: Final = sa.select(_granted.c.account_id).where(
    _granted.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    _granted.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
)


async def offer(session: AsyncSession, slot_ids: Collection[uuid.UUID]) -> None:
    """Hold what is free of slots for who waits for it, in order, and tell them.

    In the unit of work in which it came free nobody else gets between.
    """
    for slot_id in slot_ids:
        waiting = await repository.next_in_line(session, slot_id)
        if not waiting:
            continue
        connection = await session.connection()
        slot = (await slots_for(connection, [slot_id])).get(slot_id)
        until = rules.offer_ends(clock.now(), slot.entry_until) if slot is not None else clock.now()
        if until <= clock.now():
            continue
        for row in waiting:
            wanted = Wanted(slot_id, row.product_id, row.quantity, row.id)
            try:
                portions = await portions_for(connection, [wanted])
                await allocate(session, portions, origin_kind=rules.ORIGIN, hold_until=until + rules.GRACE)
            except PoolExhausted:  # they want more than there is: whoever waits behind them may not
                continue
            except NotOnSale:
                continue
            row.state, row.offered_until, row.over_at = "offered", until, None
            await session.flush()
            await _tell_offered(session, row)


async def lapse(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Pass on what was held for who did not buy it in time."""
    rows = [row for row in await repository.some_locked(session, ids) if row.state == "offered"]
    for row in rows:
        row.state, row.offered_until = "lapsed", None
    await session.flush()
    await pass_on(session, rows)
    for row in rows:
        await send(
            session,
            notices.LAPSED,
            await _told(session, row),
            community_id=row.community_id,
            dedupe_key=f"ticket_wait:{row.id}:lapsed",
            variables={"resident": row.resident_id, "starts_at": row.starts_at},
            about=row.resident_id,
            data=_data(row),
        )


async def pass_on(session: AsyncSession, rows: Sequence[TicketWait]) -> None:
    """Give back what was held for locked entries, and offer it to who waits next."""
    held = await allocated_for(await session.connection(), rules.ORIGIN, [row.id for row in rows])
    await release_allocations(session, [one.id for one in held])
    await offer(session, sorted({row.slot_id for row in rows}))


async def taken_up(
    session: AsyncSession,
    resident_id: uuid.UUID | None,
    wait_id: uuid.UUID,
    wanted: Mapping[tuple[uuid.UUID, uuid.UUID], int],
) -> list[uuid.UUID]:
    """Say that what is held for an entry is bought now, by slot and product, and return what is held.

    Nothing, where it is not theirs, or not held any more, or if it is something else that is bought.
    """
    found = await repository.some_locked(session, [wait_id])
    if not found or found[0].state != "offered" or found[0].resident_id != resident_id:
        return []
    row = found[0]
    if dict(wanted) != {(row.slot_id, row.product_id): row.quantity}:
        return []
    row.state, row.offered_until = "taken", None
    await session.flush()
    held = await allocated_for(await session.connection(), rules.ORIGIN, [row.id])
    return [one.id for one in held]


async def _tell_offered(session: AsyncSession, row: TicketWait) -> None:
    if row.offered_until is None:
        raise AssertionError("a check constraint holds it to be there")
    await emit(
        session,
        WaitlistOffered(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            organization_id=row.organization_id,
            slot_id=row.slot_id,
        ),
    )
    await send(
        session,
        notices.OFFERED,
        await _told(session, row),
        community_id=row.community_id,
        dedupe_key=f"ticket_wait:{row.id}:offered",
        variables={"resident": row.resident_id, "starts_at": row.starts_at, "until": row.offered_until},
        about=row.resident_id,
        data=_data(row),
        expires_at=row.offered_until,
    )


async def _told(session: AsyncSession, row: TicketWait) -> list[uuid.UUID]:
    """Return whose day it is, and whoever asked if they may still know of it."""
    if row.asked_by == row.account_id:
        return [row.account_id]
    binds = {"resident_id": row.resident_id, "account_id": row.asked_by, "granted_at": clock.now()}
    return [row.account_id, *dict.fromkeys(await session.scalars(_MAY_STILL, binds))]


def _data(row: TicketWait) -> dict[str, str]:
    return {"ticket_wait_id": str(row.id), "resident_id": str(row.resident_id)}
