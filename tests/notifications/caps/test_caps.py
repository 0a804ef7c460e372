"""Caps: what flaps tells a person a few times and then in one message, and an alarm always."""

import asyncio
from collections import Counter
from datetime import timedelta

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.identity.models import ContactPoint
from notifications.caps.models import ALLOWANCES
from notifications.caps.repository import forget
from notifications.caps.rules import let_through
from notifications.digests.jobs import JOBS as DIGEST_JOBS
from notifications.sending import service
from notifications.sending.jobs import JOBS as SENDING_JOBS
from tests.factories.notifications import deliveries, outbox
from tests.notifications.choosing import NIGHT, choose
from tests.notifications.notices import DEVICES, FIRE, LAMP
from tests.notifications.sending.conftest import Scene

JOBS = (*SENDING_JOBS, *DIGEST_JOBS)
HOUR = timedelta(hours=1)


async def flap(scene: Scene, times: int, *, first: int = 0) -> None:
    for number in range(first, first + times):
        await scene.tell(LAMP, f"lamp:{number}")


async def states() -> Counter[str]:
    return Counter(row.state for row in await deliveries())


async def texts() -> list[str]:
    return [row.body for row in await outbox()]


async def test_forty_messages_are_three_and_one_that_says_how_many_there_were(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    await flap(scene, 40)
    await settle(JOBS)
    assert await states() == {"sent": 3, "held": 37}
    assert await texts() == ["A lamp is on."] * 3
    clock.advance(HOUR - timedelta(seconds=1))
    await settle(JOBS)
    assert len(await texts()) == 3
    clock.advance(timedelta(seconds=1))
    await settle(JOBS)
    assert await texts() == ["A lamp is on."] * 3 + ["37 new messages: Devices × 37. Open the app to read."]
    await flap(scene, 4, first=40)
    await settle(JOBS)
    assert (await texts())[4:] == ["A lamp is on."] * 3


async def test_workers_that_share_a_flood_let_no_more_through_than_one(scene: Scene) -> None:
    await flap(scene, 40)
    flights = [await service.claim("high", 10) for _ in range(4)]
    await asyncio.gather(*(service.fly("high", claimed) for claimed in flights))
    assert await states() == {"sent": 3, "held": 37}
    assert len(await texts()) == 3


async def test_one_too_many_comes_later_as_itself_and_is_not_counted_again(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    await flap(scene, 4)
    await settle(JOBS)
    clock.advance(HOUR)
    await settle(JOBS)
    assert await texts() == ["A lamp is on."] * 4
    await flap(scene, 3, first=4)
    await settle(JOBS)
    assert await states() == {"sent": 7}


async def test_a_message_that_has_to_wait_for_a_number_counts_once(scene: Scene, clock: clocks.ManualClock) -> None:
    async with unit_of_work() as session:  # 16:00 in Shanghai
        open_at = {"usable_from": (clock.now() + 9 * HOUR).time(), "usable_until": (clock.now() + 12 * HOUR).time()}
        await session.execute(sa.update(ContactPoint).values(open_at))
    await flap(scene, 3)
    await settle(JOBS)
    assert await states() == {"queued": 3}
    clock.advance(HOUR)
    await settle(JOBS)
    assert await states() == {"sent": 3}
    async with reading() as connection:
        assert not (await connection.execute(sa.select(ALLOWANCES))).all()


async def test_an_alarm_is_sent_whatever_was_chosen_and_however_many_there_were(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    about = {"category": DEVICES.key, "muted": ["sms"], "digest": {"every": "daily", "at": "12:00"}}
    await choose(scene.relative, quiet_hours=NIGHT, categories=[about])
    clock.advance(timedelta(hours=8))  # midnight in Shanghai
    for number in range(8):
        await scene.tell(FIRE, f"fire:{number}")
    await settle(JOBS)
    assert await states() == {"sent": 8}


async def test_periods_that_are_over_are_forgotten(scene: Scene, clock: clocks.ManualClock) -> None:
    await flap(scene, 1)
    await settle(JOBS)
    assert await forget() == 0
    clock.advance(HOUR)
    assert await forget() == 1


@given(st.integers(1, 50), st.lists(st.integers(1, 50)))
def test_batches_let_through_together_what_the_cap_allows(most: int, batches: list[int]) -> None:
    used = passed = 0
    for added in batches:
        used += added
        passed += let_through(most, used, added)
    assert passed == min(most, used)
