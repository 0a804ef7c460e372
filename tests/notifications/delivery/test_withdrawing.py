"""Withdrawing: what is of no use any more is not sent, and nothing takes the place of what was."""

import uuid
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import Database, reading, unit_of_work
from notifications.api import send, withdraw
from notifications.delivery.models import DELIVERIES
from tests.notifications.notices import PROMPT

COMMUNITY, RESIDENT, ORIGIN = uuid.UUID(int=7), uuid.UUID(int=8), uuid.UUID(int=9)
KIND = "tests.check_in"


async def sent(origin: uuid.UUID = ORIGIN, kind: str = KIND) -> uuid.UUID:
    """Write a notice for an origin and return its delivery."""
    async with unit_of_work() as session:
        [delivery] = await send(
            session,
            PROMPT,
            [clocks.new_id()],
            community_id=COMMUNITY,
            dedupe_key="prompt",
            variables={"resident": RESIDENT, "due_at": clocks.now()},
            origin=(kind, origin),
        )
    return delivery


async def put(delivery: uuid.UUID, **values: object) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.update(DELIVERIES).where(DELIVERIES.c.id == delivery).values(**values))


async def stands(delivery: uuid.UUID) -> sa.Row[tuple[object, ...]]:
    async with reading() as connection:
        return (await connection.execute(sa.select(DELIVERIES).where(DELIVERIES.c.id == delivery))).one()


async def take_back(*origins: uuid.UUID) -> int:
    async with unit_of_work() as session:
        return await withdraw(session, KIND, origins)


async def test_what_waits_is_not_sent(database: Database, clock: clocks.ManualClock) -> None:
    queued, held = await sent(), await sent()
    await put(held, state="held", send_at=None)
    assert await take_back(ORIGIN) == 2
    for delivery in (queued, held):
        row = await stands(delivery)
        assert (row.state, row.error, row.send_at, row.settled_at) == ("suppressed", "withdrawn", None, clock.now())
    assert await take_back(ORIGIN) == 0


async def test_other_origins_stay(database: Database, clock: clocks.ManualClock) -> None:
    others = [await sent(uuid.UUID(int=10)), await sent(kind="tests.other")]
    assert await take_back(ORIGIN) == 0
    assert [(await stands(delivery)).state for delivery in others] == ["queued", "queued"]
    assert await take_back() == 0


async def test_nothing_takes_the_place_of_what_was_sent(database: Database, clock: clocks.ManualClock) -> None:
    delivery = await sent()
    await put(delivery, state="sent", send_at=None, receipt_by=clock.now() + timedelta(minutes=2))
    assert await take_back(ORIGIN) == 0
    row = await stands(delivery)
    assert (row.state, row.receipt_by, row.expires_at) == ("sent", None, clock.now())


async def test_what_is_on_its_way_is_stale_for_whatever_follows(database: Database, clock: clocks.ManualClock) -> None:
    delivery = await sent()
    lease = clock.now() + timedelta(seconds=30)
    await put(delivery, state="sending", send_at=lease)
    assert await take_back(ORIGIN) == 0
    row = await stands(delivery)
    assert (row.state, row.send_at, row.expires_at) == ("sending", lease, clock.now())
