"""Messages that wait: one digest at the end, once, whatever dies in between, and nothing that nobody could read."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.events import ProfileChanged, ResidentClosed
from app.identity.models import Account, ContactPoint
from notifications.api import Notice, Tally, send, tally
from notifications.delivery.models import DELIVERIES
from notifications.delivery.subscribers import SUBSCRIBERS as DELIVERY_SUBSCRIBERS
from notifications.digests import repository, service
from notifications.digests.jobs import JOBS as DIGEST_JOBS
from notifications.digests.jobs import release_due
from notifications.digests.models import DIGESTS
from notifications.digests.notices import DIGEST
from notifications.digests.subscribers import SUBSCRIBERS
from notifications.events import DeliverySettled
from notifications.inbox.models import INBOX
from notifications.sending import service as sending
from notifications.sending.jobs import JOBS as SENDING_JOBS
from tests.factories.notifications import deliveries, outbox, phone
from tests.notifications.choosing import NIGHT, choose, choose_about, origin
from tests.notifications.notices import ALARM, DEVICES, LAMP, NEWS, PROMPT, REACH, TESTS
from tests.notifications.sending.conftest import Scene

JOBS = (*SENDING_JOBS, *DIGEST_JOBS)
SHANGHAI = "Asia/Shanghai"
ONE, THREE = "A lamp is on.", "3 new messages: Devices × 3. Open the app to read."


def wall(text: str, zone: str = SHANGHAI) -> datetime:
    """Return an instant of the first week of March 2026 by its local time: ``3T07:00``."""
    return datetime.fromisoformat(f"2026-03-0{text}").replace(tzinfo=ZoneInfo(zone))


async def texts() -> list[str]:
    return [row.body for row in await outbox()]


async def states(of: Notice = LAMP) -> Counter[str]:
    return Counter(row.state for row in await deliveries() if row.notice_key == of.key)


async def lamps(scene: Scene, count: int, *, first: int = 0, **options: object) -> None:
    for number in range(first, first + count):
        await scene.tell(LAMP, f"lamp:{number}", **{"origin": origin(number), **options})


async def tell_news(scene: Scene, key: str = "news") -> None:
    async with unit_of_work() as session:
        await send(
            session,
            NEWS,
            [scene.relative.id],
            community_id=scene.community.id,
            dedupe_key=key,
            variables={"headline": "Hello", "count": 2},
        )


async def digests() -> Sequence[sa.Row[tuple[object, ...]]]:
    async with reading() as connection:
        return (await connection.execute(sa.select(DIGESTS))).all()


async def at_night(scene: Scene, clock: clocks.ManualClock) -> None:
    await choose(scene.relative, quiet_hours=NIGHT)
    clock.set(wall("2T23:00"))


async def test_what_comes_at_night_is_told_in_the_morning_as_one(
    scene: Scene, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await at_night(scene, clock)
    await lamps(scene, 2)
    await settle(JOBS)
    clock.advance(timedelta(hours=3))
    await lamps(scene, 1, first=2)
    await settle((*JOBS, *RELAY_JOBS))
    held = await deliveries()
    assert {(row.state, row.error, row.attempts, row.send_at, row.settled_at) for row in held} == {
        ("held", "quiet_hours", 0, None, None)
    }
    assert await texts() == []
    assert told == []
    clock.set(wall("3T07:00"))
    await settle((*JOBS, *RELAY_JOBS))
    assert await texts() == [THREE]
    assert await states() == {"digested": 3}
    assert {(fact.outcome, fact.is_final, fact.notice_key, fact.channel) for fact in told} == {
        ("sent", True, "tests.lamp", "sms")
    }
    assert {fact.aggregate_id for fact in told} == {origin(number)[1] for number in range(3)}
    assert await digests() == []
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(INBOX)) == 3


async def test_one_that_waited_comes_as_itself(
    scene: Scene, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await at_night(scene, clock)
    await lamps(scene, 1)
    await settle(JOBS)
    clock.set(wall("3T07:00"))
    await settle((*JOBS, *RELAY_JOBS))
    assert await texts() == [ONE]
    assert await states() == {"sent": 1}
    assert [fact.outcome for fact in told] == ["sent"]


async def test_what_is_stale_in_the_morning_is_neither_sent_nor_counted(
    scene: Scene, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await at_night(scene, clock)
    await lamps(scene, 1, expires_at=wall("3T06:59"))
    await lamps(scene, 1, first=1)
    await settle(JOBS)
    clock.set(wall("3T07:00"))
    await settle((*JOBS, *RELAY_JOBS))
    assert await texts() == [ONE]
    assert await states() == {"expired": 1, "sent": 1}
    assert {(fact.aggregate_id, fact.outcome) for fact in told} == {
        (origin(0)[1], "expired"),
        (origin(1)[1], "sent"),
    }


async def test_an_alarm_comes_at_night(scene: Scene, clock: clocks.ManualClock) -> None:
    await at_night(scene, clock)
    await lamps(scene, 1)
    await scene.tell(ALARM)
    await settle(JOBS)
    assert await texts() == ["Grace needs you. Open the app."]


async def test_a_silenced_category_is_kept_in_the_inbox_and_told_as_suppressed(
    scene: Scene, told: list[DeliverySettled]
) -> None:
    await choose_about(scene.relative, DEVICES.key, muted=["sms"])
    await lamps(scene, 1)
    await settle((*JOBS, *RELAY_JOBS))
    (row,) = await deliveries()
    assert (row.state, row.error) == ("suppressed", "muted")
    assert [fact.outcome for fact in told] == ["suppressed"]
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(INBOX)) == 1


async def test_a_silenced_channel_gives_way_to_the_next_that_is_not(scene: Scene, told: list[DeliverySettled]) -> None:
    await choose_about(scene.relative, TESTS.key, muted=["sms", "voice"])
    await scene.tell(REACH)
    await settle((*JOBS, *RELAY_JOBS))
    assert {row.channel: (row.state, row.error) for row in await deliveries()} == {
        "sms": ("suppressed", "muted"),
        "voice": ("suppressed", "muted"),
        "mail": ("sent", None),
    }
    assert sorted((fact.channel, fact.outcome, fact.is_final) for fact in told) == [
        ("mail", "sent", True),
        ("sms", "suppressed", False),
        ("voice", "suppressed", False),
    ]


DAILY = {"every": "daily", "at": "18:00"}


async def hold_two_prompts_then_mute(scene: Scene, clock: clocks.ManualClock, muted: list[str]) -> None:
    """Let a digest of one category be due that was silenced on these channels while it waited."""
    await choose_about(scene.relative, TESTS.key, digest=DAILY)
    clock.set(wall("2T17:20"))
    await phone(scene.relative)
    for number in range(2):
        await scene.tell(PROMPT, f"prompt:{number}", origin=origin(number))
    await settle(JOBS)
    await choose_about(scene.relative, TESTS.key, digest=DAILY, muted=muted)
    clock.set(wall("2T18:00"))
    await settle((*JOBS, *RELAY_JOBS))


async def test_a_digest_leaves_out_the_channels_on_which_all_that_it_tells_is_silenced(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    await hold_two_prompts_then_mute(scene, clock, ["push"])
    assert [row.channel for row in await deliveries() if row.notice_key == DIGEST.key] == ["sms"]
    assert await states(PROMPT) == {"digested": 2}


async def test_a_digest_that_is_silenced_on_every_channel_is_told_as_suppressed(
    scene: Scene, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await hold_two_prompts_then_mute(scene, clock, ["push", "sms"])
    assert [row.error for row in await deliveries()] == ["digest_suppressed"] * 2
    assert sorted((fact.aggregate_id, fact.outcome, fact.is_final) for fact in told) == [
        (origin(0)[1], "suppressed", True),
        (origin(1)[1], "suppressed", True),
    ]


async def test_a_digest_keeps_a_channel_on_which_one_of_its_categories_is_not_silenced(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    both = [{"category": TESTS.key, "digest": DAILY}, {"category": DEVICES.key, "digest": DAILY}]
    await choose(scene.relative, categories=both)
    clock.set(wall("2T17:20"))
    await lamps(scene, 1)
    await scene.tell(PROMPT, channels=["sms", "inbox"])
    await settle(JOBS)
    await choose(scene.relative, categories=[both[0] | {"muted": ["sms"]}, both[1]])
    clock.set(wall("2T18:00"))
    await settle(JOBS)
    assert [(row.channel, row.state) for row in await deliveries() if row.notice_key == DIGEST.key] == [("sms", "sent")]


async def test_categories_that_are_due_together_are_told_together(scene: Scene, clock: clocks.ManualClock) -> None:
    daily = {"every": "daily", "at": "18:00"}
    await choose(
        scene.relative,
        categories=[
            {"category": TESTS.key, "digest": daily},
            {"category": DEVICES.key, "digest": {"every": "hourly"}},
        ],
    )
    clock.set(wall("2T17:20"))
    await lamps(scene, 2)
    await scene.tell(PROMPT, channels=["sms", "inbox"])
    await settle(JOBS)
    assert await texts() == []
    clock.set(wall("2T18:00"))
    await settle(JOBS)
    assert await texts() == ["3 new messages: Devices × 2 and Tests × 1. Open the app to read."]


async def test_a_digest_that_is_due_at_night_waits_for_the_morning(scene: Scene, clock: clocks.ManualClock) -> None:
    await choose(
        scene.relative,
        quiet_hours=NIGHT,
        categories=[{"category": DEVICES.key, "digest": {"every": "daily", "at": "22:30"}}],
    )
    clock.set(wall("2T21:00"))
    await lamps(scene, 2)
    await settle(JOBS)
    assert [row.release_at for row in await digests()] == [wall("3T07:00")]


async def test_what_cannot_be_read_in_the_inbox_is_told_as_itself(scene: Scene, clock: clocks.ManualClock) -> None:
    await at_night(scene, clock)
    await lamps(scene, 2, channels=["sms"])
    await lamps(scene, 2, first=2)
    await settle(JOBS)
    clock.set(wall("3T07:00"))
    await settle(JOBS)
    assert sorted(await texts()) == ["2 new messages: Devices × 2. Open the app to read.", ONE, ONE]


async def test_a_person_who_moved_west_is_not_woken_by_the_morning_they_left(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    await at_night(scene, clock)
    await lamps(scene, 3)
    await settle(JOBS)
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).values(time_zone="Europe/Berlin"))
    clock.set(wall("3T07:00"))  # midnight in Berlin
    await settle(JOBS)
    assert await texts() == []
    assert [row.release_at for row in await digests()] == [wall("3T07:00", "Europe/Berlin")]
    await lamps(scene, 1, first=3)
    await settle(JOBS)
    clock.set(wall("3T07:00", "Europe/Berlin"))
    await settle(JOBS)
    assert await texts() == ["4 new messages: Devices × 4. Open the app to read."]


async def test_a_person_who_moved_east_or_gave_up_quiet_hours_is_told_at_once(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    previous = install_subscribers(SUBSCRIBERS)
    try:
        await at_night(scene, clock)
        await lamps(scene, 3)
        await settle((*JOBS, *RELAY_JOBS))
        async with unit_of_work() as session:
            await session.execute(sa.update(Account).values(time_zone="Pacific/Auckland"))  # 04:00 there
            event = ProfileChanged(aggregate_id=scene.relative.id, community_id=scene.community.id)
            await SUBSCRIBERS[0].handle(session, [event])
        await settle(JOBS)
        assert [row.release_at for row in await digests()] == [wall("3T07:00", "Pacific/Auckland")]
        await choose(scene.relative)
        await settle((*RELAY_JOBS, *JOBS))
        assert await texts() == [THREE]
    finally:
        install_subscribers(previous)


async def test_a_worker_that_dies_while_it_releases_leaves_everything_as_it_was(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    await at_night(scene, clock)
    await lamps(scene, 3)
    await settle(JOBS)
    clock.set(wall("3T07:00"))
    (digest,) = await digests()

    async def release_and_die() -> None:
        async with unit_of_work() as session:
            await service.release(session, [digest.id])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await release_and_die()
    assert await states() == {"held": 3}
    assert await states(DIGEST) == {}
    await settle(JOBS)
    assert await texts() == [THREE]
    assert await states(DIGEST) == {"sent": 1}


async def test_a_worker_that_dies_between_release_and_sending_leaves_one_digest_to_send(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    await choose(scene.relative, quiet_hours=NIGHT)
    await phone(scene.relative)
    clock.set(wall("2T23:00"))
    for number in range(2):
        await scene.tell(PROMPT, f"prompt:{number}")
    await settle(JOBS)
    clock.set(wall("3T07:00"))
    await release_due()
    assert len(await sending.claim("bulk", 50)) == 1  # and is never heard of again
    await settle(JOBS)
    assert await texts() == []
    clock.advance(timedelta(minutes=10))
    await settle(JOBS)
    (shown,) = await outbox()
    assert (shown.title, shown.times_sent) == ("2 new messages", 1)


async def test_workers_that_release_at_the_same_time_make_one_digest(scene: Scene, clock: clocks.ManualClock) -> None:
    await at_night(scene, clock)
    await lamps(scene, 3)
    await settle(JOBS)
    clock.set(wall("3T07:00"))
    await asyncio.gather(*(release_due() for _ in range(4)))
    assert await states(DIGEST) == {"queued": 1}


async def test_what_joins_a_digest_at_the_last_moment_is_told_with_it(scene: Scene, clock: clocks.ManualClock) -> None:
    await at_night(scene, clock)
    await lamps(scene, 1)
    await settle(JOBS)
    await lamps(scene, 1, first=1)
    (late,) = await sending.claim("high", 50)
    joined = repository.Gathering(late.community_id, late.account_id, "sms", "quiet_hours", wall("3T07:00"))
    async with unit_of_work() as session:
        opened = await repository.open_digests(session, [joined])
        clock.set(wall("3T07:00"))
        assert await release_due() == 0
        found = sa.update(DELIVERIES).where(DELIVERIES.c.id == late.id)
        await session.execute(found.values(state="held", send_at=None, digest_id=opened[joined.key]))
    await settle(JOBS)
    assert await texts() == ["2 new messages: Devices × 2. Open the app to read."]


async def test_a_digest_that_reaches_no_phone_goes_the_way_its_messages_would_have(
    scene: Scene, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await choose(scene.relative, quiet_hours=NIGHT)
    clock.set(wall("2T23:00"))
    await scene.tell(PROMPT, "prompt:0", origin=origin(0), channels=["push", "inbox"])
    await scene.tell(PROMPT, "prompt:1", origin=origin(1))  # push, then a text message
    await settle(JOBS)
    clock.set(wall("3T07:00"))
    await settle((*JOBS, *RELAY_JOBS))
    assert await texts() == ["2 new messages: Tests × 2. Open the app to read."]
    assert sorted((row.channel, row.state) for row in await deliveries() if row.notice_key == DIGEST.key) == [
        ("push", "failed"),
        ("sms", "sent"),
    ]
    assert [(fact.outcome, fact.is_final) for fact in told] == [("sent", True)] * 2


async def test_a_tally_counts_what_waits_as_under_way_and_then_what_became_of_the_digest(
    scene: Scene, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    async def tallied() -> Tally:
        async with reading() as connection:
            return (await tally(connection, [origin(0)[1]]))[origin(0)[1]]

    await at_night(scene, clock)
    for key in ("lamp:0", "lamp:1"):
        await scene.tell(LAMP, key, origin=origin(0))
    await settle(JOBS)
    assert await tallied() == Tally(under_way=2)
    clock.set(wall("3T07:00"))
    await release_due()
    assert await states() == {"digested": 2}
    assert await tallied() == Tally(under_way=2)
    async with unit_of_work() as session:
        await session.execute(sa.delete(ContactPoint))
    await settle((*JOBS, *RELAY_JOBS))
    assert await tallied() == Tally(lost=2)
    assert [fact.outcome for fact in told] == ["failed", "failed"]


async def test_what_waits_about_a_closed_resident_is_taken_back(scene: Scene, clock: clocks.ManualClock) -> None:
    await at_night(scene, clock)
    await lamps(scene, 2)
    await settle(JOBS)
    event = ResidentClosed(aggregate_id=scene.resident.id, community_id=scene.community.id, reason="moved_out")
    async with unit_of_work() as session:
        await DELIVERY_SUBSCRIBERS[0].handle(session, [event])
    clock.set(wall("3T07:00"))
    await settle(JOBS)
    assert await states() == {"suppressed": 2}
    assert await texts() == []
    assert await digests() == []


async def test_a_digest_that_is_retried_into_the_night_waits_for_the_next_morning(
    scene: Scene, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await at_night(scene, clock)
    await lamps(scene, 3, expires_at=wall("5T00:00"))
    await settle(JOBS)
    clock.set(wall("3T07:00"))
    await release_due()
    clock.set(wall("3T22:30"))  # no worker all day
    await lamps(scene, 2, first=3)
    await settle((*JOBS, *RELAY_JOBS))
    assert await texts() == []
    assert told == []
    clock.set(wall("4T07:00"))
    await settle((*JOBS, *RELAY_JOBS))
    assert sorted(await texts()) == ["2 new messages: Devices × 2. Open the app to read.", THREE]
    assert [fact.outcome for fact in told] == ["sent"] * 5


async def test_a_mail_waits_like_everything_else(scene: Scene, clock: clocks.ManualClock) -> None:
    await at_night(scene, clock)
    await tell_news(scene)
    await settle(JOBS)
    assert await states(NEWS) == {"held": 1}
