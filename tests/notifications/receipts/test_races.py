"""Receipts and fallbacks at the same instant: whoever is first, nobody is told twice in vain, or not at all."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import unit_of_work
from app.core.jobs import settle
from notifications.api import send
from notifications.delivery.models import DELIVERIES
from notifications.delivery.rules import LANES
from notifications.receipts import jobs
from notifications.receipts.service import fall_back_without_receipt, record_receipt
from notifications.sending.jobs import JOBS
from notifications.sending.repository import fall_back
from notifications.templates.notices import PATIENCE
from tests.factories.notifications import deliveries, outbox, phone
from tests.notifications.notices import PROMPT
from tests.notifications.sending.conftest import ORIGIN, Scene
from tests.sinks.fcm import FcmSink

PATIENT = PATIENCE["high"] or timedelta()
MANY = 60


async def overdue(scene: Scene, clock: clocks.ManualClock, count: int) -> list[UUID]:
    """Push prompts to the relative's phone and let the time for their receipts pass."""
    await phone(scene.relative)
    async with unit_of_work() as session:
        for number in range(count):
            await send(
                session,
                PROMPT,
                [scene.relative.id],
                community_id=scene.community.id,
                dedupe_key=f"prompt:{number}",
                variables={"resident": scene.resident.id, "due_at": clock.now()},
                origin=("tests.alarm", ORIGIN),
            )
    await settle(JOBS)
    clock.advance(PATIENT)
    return [row.id for row in await deliveries()]


async def confirm(delivery_id: UUID) -> None:
    async with unit_of_work() as session:
        await record_receipt(session, delivery_id, "delivered", clocks.now())


async def found() -> list[tuple[str, str]]:
    return sorted((row.channel, row.state) for row in await deliveries())


async def test_a_receipt_that_is_being_stored_is_not_overtaken(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    (push_id,) = await overdue(scene, clock, 1)
    async with unit_of_work() as session:
        await record_receipt(session, push_id, "delivered", clock.now())
        assert await jobs.give_up_waiting(*LANES) == 0
    assert await jobs.give_up_waiting(*LANES) == 0
    assert await found() == [("push", "sent")]


async def test_a_receipt_during_the_fallback_takes_it_back(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    (push_id,) = await overdue(scene, clock, 1)
    async with unit_of_work() as session:
        await fall_back_without_receipt(session, [push_id])
        receipt = asyncio.create_task(confirm(push_id))
        _, waiting = await asyncio.wait([receipt], timeout=0.2)
        assert waiting
    await receipt
    assert await found() == [("push", "sent"), ("sms", "suppressed")]
    await settle(JOBS)
    assert not await outbox()


async def test_receipts_and_workers_at_once(scene: Scene, sink: FcmSink, clock: clocks.ManualClock) -> None:
    pushes = await overdue(scene, clock, MANY)
    confirmed = set(pushes[::2])
    await asyncio.gather(
        jobs.give_up_waiting(*LANES), *(confirm(push_id) for push_id in sorted(confirmed)), jobs.give_up_waiting()
    )
    await settle((*JOBS, *jobs.JOBS))
    rows = await deliveries()
    assert {row.id: row.state for row in rows if row.channel == "push"} == {
        push_id: "sent" if push_id in confirmed else "unconfirmed" for push_id in pushes
    }
    replaced = [row.fallback_of for row in rows if row.channel == "sms"]
    assert len(replaced) == len(set(replaced))
    assert {row.fallback_of for row in rows if row.channel == "sms" and row.state == "sent"} == set(pushes) - confirmed


async def test_two_workers_make_each_fallback_once(scene: Scene, sink: FcmSink, clock: clocks.ManualClock) -> None:
    pushes = await overdue(scene, clock, MANY)
    handled = await asyncio.gather(*(jobs.give_up_waiting(*LANES) for _ in range(3)))
    assert sum(handled) == MANY
    assert sorted(row.fallback_of for row in await deliveries() if row.channel == "sms") == pushes


async def test_a_worker_that_dies_while_falling_back_leaves_nothing_half_done(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    (push_id,) = await overdue(scene, clock, 1)

    async def fall_back_and_die() -> None:
        async with unit_of_work() as session:
            await fall_back_without_receipt(session, [push_id])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fall_back_and_die()
    assert await found() == [("push", "sent")]
    await settle((*JOBS, *jobs.JOBS))
    assert await found() == [("push", "unconfirmed"), ("sms", "sent")]


async def test_a_fallback_is_not_followed_by_another_once_the_push_was_confirmed(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    (push_id,) = await overdue(scene, clock, 1)
    await jobs.give_up_waiting(*LANES)
    (sms,) = [row for row in await deliveries() if row.channel == "sms"]
    async with unit_of_work() as session:
        await session.execute(
            sa.update(DELIVERIES).where(DELIVERIES.c.id == sms.id).values(fallbacks=["voice"], state="sending")
        )
    await confirm(push_id)
    async with unit_of_work() as session:
        await fall_back(session, [sms.id])
    assert await found() == [("push", "sent"), ("sms", "sending")]
