"""From the claim to the outcome: fallbacks, expiry, crashes, lanes, parking and replay, and what origins are told."""

import asyncio
from datetime import time, timedelta

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.settings import WorkerSettings, install_settings, settings
from app.identity.events import ResidentClosed
from app.identity.models import Account, ContactPoint
from notifications.api import Notice, Tally, parked, replay, send, tally
from notifications.channels import registry
from notifications.channels.registry import NotConfigured
from notifications.delivery.models import DEDUPE, DELIVERIES
from notifications.delivery.service import KEY_KEPT_FOR
from notifications.delivery.subscribers import SUBSCRIBERS
from notifications.events import DeliverySettled
from notifications.sending import repository, rules, service
from notifications.sending.jobs import JOBS, forget_keys, run_lane
from notifications.sending.rules import MAX_ATTEMPTS
from notifications.templates.notices import _registry
from tests.factories import identity
from tests.factories.notifications import deliveries, outbox, phone
from tests.faults.processes import eventually
from tests.notifications.notices import ALARM, NEWS, PROMPT
from tests.notifications.sending.conftest import ORIGIN, Scene
from tests.sinks import fcm
from tests.sinks.fcm import FcmSink

LEASE = timedelta(seconds=WorkerSettings().lease_seconds)


async def states() -> dict[str, tuple[str, str | None]]:
    """Return state and error of each delivery by channel."""
    return {row.channel: (row.state, row.error) for row in await deliveries()}


async def tell_news(scene: Scene, key: str = "news", headline: str = "The lift is repaired") -> None:
    async with unit_of_work() as session:
        await send(
            session,
            NEWS,
            [scene.relative.id],
            community_id=scene.community.id,
            dedupe_key=key,
            variables={"headline": headline, "count": 1},
        )


async def test_without_a_phone_the_next_channel_is_used_at_once(scene: Scene, told: list[DeliverySettled]) -> None:
    (push,) = await scene.tell(PROMPT, "prompt")
    await settle((*JOBS, *RELAY_JOBS))
    assert await states() == {"push": ("failed", "unreachable"), "sms": ("sent", None)}
    first, last = sorted(told, key=lambda event: event.is_final)
    assert (first.delivery_id, first.outcome, first.is_final, first.channel) == (push, "failed", False, "push")
    assert (last.outcome, last.is_final, last.channel, last.origin_kind) == ("sent", True, "sms", "tests.alarm")
    assert {first.aggregate_id, last.aggregate_id} == {ORIGIN}
    assert first.notice_id == last.notice_id
    assert first.account_id == scene.relative.id
    (shown,) = await outbox()
    assert shown.body.startswith("Grace: please answer by")


async def test_nobody_reachable_is_told_as_a_final_failure(scene: Scene, told: list[DeliverySettled]) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.delete(ContactPoint))
    await scene.tell(PROMPT, "prompt")
    await settle((*JOBS, *RELAY_JOBS))
    assert await states() == {"push": ("failed", "unreachable"), "sms": ("failed", "unreachable")}
    assert sorted((event.channel, event.is_final) for event in told) == [("push", False), ("sms", True)]
    async with reading() as connection:
        assert await tally(connection, [ORIGIN]) == {ORIGIN: Tally(under_way=0, sent=0, lost=2)}


async def test_a_failing_push_gives_way_to_the_fallback_after_two_tries(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: fcm.UNAVAILABLE
    await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    assert await states() == {"push": ("queued", "UNAVAILABLE")}
    clock.advance(timedelta(seconds=30))
    await settle(JOBS)
    assert await states() == {"push": ("failed", "UNAVAILABLE"), "sms": ("sent", None)}


async def test_every_channel_of_mode_all_has_its_own_outcome(scene: Scene, told: list[DeliverySettled]) -> None:
    await scene.tell(ALARM)
    async with reading() as connection:
        assert await tally(connection, [ORIGIN]) == {ORIGIN: Tally(under_way=2)}
    await settle((*JOBS, *RELAY_JOBS))
    assert sorted((event.channel, event.outcome, event.is_final) for event in told) == [
        ("push", "failed", True),
        ("sms", "sent", True),
    ]
    async with reading() as connection:
        assert await tally(connection, [ORIGIN], notice_key="tests.alarm") == {ORIGIN: Tally(sent=1, lost=1)}
        assert await tally(connection, [ORIGIN], notice_key="tests.other") == {ORIGIN: Tally()}


async def park_push(scene: Scene) -> None:
    """Leave a push that nobody tries any more, whose text message was sent in its place."""
    await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    async with unit_of_work() as session:
        first = DELIVERIES.c.channel == "push"
        await session.execute(sa.update(DELIVERIES).where(first).values(state="parked", error="uncertain"))


async def test_replaying_all_leaves_alone_what_its_fallback_delivered(scene: Scene) -> None:
    await park_push(scene)
    rows = {row.channel: row for row in await deliveries()}
    push, sms = rows["push"], rows["sms"]
    assert (sms.fallback_of, sms.state) == (push.id, "sent")
    async with unit_of_work() as session:
        assert await replay(session) == 0
    async with unit_of_work() as session:
        assert await replay(session, [push.id]) == 1


async def test_replaying_all_leaves_alone_what_is_stale_and_makes_nothing_last_longer(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    stale_at = clock.now() + timedelta(hours=1)
    await scene.tell(ALARM, expires_at=stale_at, channels=["sms"])
    async with unit_of_work() as session:
        await session.execute(sa.update(DELIVERIES).values(state="parked", send_at=None))
    async with unit_of_work() as session:
        assert await replay(session) == 1
        (row,) = await session.execute(sa.select(DELIVERIES.c.state, DELIVERIES.c.expires_at))
        assert (row.state, row.expires_at) == ("queued", stale_at)
        await session.execute(sa.update(DELIVERIES).values(state="parked", send_at=None))
    clock.set(stale_at)
    async with unit_of_work() as session:
        assert await replay(session) == 0


async def test_a_stale_notice_expires_instead_of_arriving(
    scene: Scene, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await scene.tell(ALARM, expires_at=clock.now() + timedelta(minutes=5))
    clock.advance(timedelta(minutes=5))
    await settle((*JOBS, *RELAY_JOBS))
    assert await states() == {"push": ("expired", "expired"), "sms": ("expired", "expired")}
    assert {event.outcome for event in told} == {"expired"}
    assert not await outbox()


async def test_a_retry_that_would_come_too_late_expires(scene: Scene, sink: FcmSink, clock: clocks.ManualClock) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: fcm.UNAVAILABLE
    await scene.tell(ALARM, expires_at=clock.now() + timedelta(seconds=5))
    await settle(JOBS)
    assert (await states())["push"] == ("expired", "UNAVAILABLE")


@pytest.mark.parametrize(("asked", "left"), [("3600", timedelta(hours=4)), (None, timedelta(seconds=5))])
async def test_what_cannot_be_tried_again_soon_goes_on_another_way(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, asked: str | None, left: timedelta
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: fcm.error(503, "UNAVAILABLE", retry_after=asked)
    await scene.tell(PROMPT, "prompt", expires_at=clock.now() + left)
    await settle(JOBS)
    assert await states() == {"push": ("failed", "UNAVAILABLE"), "sms": ("sent", None)}


async def test_what_a_quota_holds_up_for_long_goes_on_another_way(scene: Scene, sink: FcmSink) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: fcm.error(429, "QUOTA_EXCEEDED", retry_after="3600")
    await scene.tell(PROMPT, "prompt:1")
    await settle(JOBS)
    await scene.tell(PROMPT, "prompt:2")  # is not even tried
    await settle(JOBS)
    became = sorted((row.channel, row.state, row.error) for row in await deliveries())
    assert became == [
        ("push", "failed", "QUOTA_EXCEEDED"),
        ("push", "failed", "quota_paused"),
        ("sms", "sent", None),
        ("sms", "sent", None),
    ]


async def test_what_has_not_landed_in_time_is_uncertain(
    scene: Scene, sink: FcmSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LONGEST_FLIGHT", timedelta(seconds=1), raising=False)
    current = settings()
    install_settings(current.model_copy(update={"push": current.push.model_copy(update={"fcm_timeout": 60.0})}))
    await phone(scene.relative)
    sink.behave = lambda _: fcm.HANG
    await scene.tell(ALARM)
    await asyncio.wait_for(settle(JOBS), 10)
    assert await states() == {"push": ("queued", "flight_too_long"), "sms": ("sent", None)}


async def test_a_later_notice_waits_for_its_time(scene: Scene, clock: clocks.ManualClock) -> None:
    await scene.tell(ALARM, send_at=clock.now() + timedelta(minutes=1))
    await settle(JOBS)
    assert not await outbox()
    clock.advance(timedelta(minutes=1))
    await settle(JOBS)
    assert len(await outbox()) == 1


async def test_killed_between_fcms_answer_and_our_commit_the_push_is_repeated_under_its_collapse_key(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative, fid="ada")
    sink.behave = lambda _: fcm.TAKEN_THEN_RESET if not sink.messages else None
    await scene.tell(ALARM)
    claimed = [row for row in await service.claim("critical", 50) if row.channel == "push"]
    flight = asyncio.create_task(service.fly("critical", claimed))
    await sink.wait_for(1)
    flight.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flight
    assert (await states())["push"] == ("sending", None)
    await settle(JOBS)
    assert len(sink.messages) == 1
    clock.advance(LEASE)
    await settle(JOBS)
    assert sink.screens == {("ada", "alarm:1"): 2}
    assert (await states())["push"] == ("sent", None)


async def test_an_outcome_that_comes_after_the_lease_is_not_stored(scene: Scene, clock: clocks.ManualClock) -> None:
    await scene.tell(ALARM)
    slow = [row for row in await service.claim("critical", 50) if row.channel == "sms"]
    clock.advance(LEASE)
    (again,) = [row for row in await service.claim("critical", 50) if row.channel == "sms"]
    assert again.was_sending
    await service.fly("critical", slow)
    assert (await states())["sms"] == ("sending", None)
    await service.fly("critical", [again])
    assert (await states())["sms"] == ("sent", None)


async def test_what_is_still_in_the_air_is_not_sent_by_another_worker(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "RENEWALS", LEASE.total_seconds() / 0.02)
    current = settings()
    push = current.push.model_copy(update={"fcm_timeout": 60.0})
    install_settings(current.model_copy(update={"push": push}))
    await phone(scene.relative)
    sink.behave = lambda _: fcm.HANG
    await scene.tell(ALARM)
    claimed = await service.claim("critical", 50)
    flight = asyncio.create_task(service.fly("critical", claimed))

    async def is_renewed() -> bool:
        return [row.send_at for row in await deliveries() if row.channel == "push"] == [clock.now() + LEASE]

    for _ in range(3):
        clock.advance(LEASE * 0.9)
        await eventually(is_renewed)
        assert await service.claim("critical", 50) == []
    sink.release()
    await flight
    assert sink.attempts == 1
    assert (await states())["push"][0] == "queued"  # FCM hung up in the end


async def test_a_lease_that_was_lost_is_not_renewed(scene: Scene, clock: clocks.ManualClock) -> None:
    await scene.tell(ALARM)
    slow = await service.claim("critical", 50)
    clock.advance(LEASE)
    again = await service.claim("critical", 1)
    async with unit_of_work() as session:
        kept = await repository.renew(session, slow)
    assert kept == {row.id for row in slow} - {row.id for row in again}
    clock.advance(LEASE / 2)
    async with unit_of_work() as session:
        assert await repository.renew(session, again) == {row.id for row in again}
    clock.advance(LEASE / 2)
    assert {row.id for row in await service.claim("critical", 50)} == kept


async def test_an_uncertain_mail_is_parked_and_an_uncertain_critical_message_is_sent_again(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    await tell_news(scene)
    await scene.tell(ALARM)
    await service.claim("bulk", 50)
    await service.claim("critical", 50)
    clock.advance(LEASE)
    await settle(JOBS)
    found = await states()
    assert found["mail"] == ("parked", "uncertain")
    assert found["sms"] == ("sent", None)
    async with reading() as connection:
        (left,) = await parked(connection)
    assert (left.notice_key, left.channel, left.error) == ("tests.news", "mail", "uncertain")
    clock.advance(timedelta(days=3))
    async with unit_of_work() as session:
        assert await replay(session, [left.id]) == 1
    await settle(JOBS)
    assert (await states())["mail"] == ("sent", None)
    async with unit_of_work() as session:
        assert await replay(session) == 0


async def test_what_never_succeeds_is_parked_and_told_as_failed(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: fcm.INTERNAL
    await scene.tell(ALARM)
    for _ in range(MAX_ATTEMPTS):
        await settle(JOBS)
        clock.advance(timedelta(minutes=30))
    await settle((*JOBS, *RELAY_JOBS))
    assert sink.attempts == MAX_ATTEMPTS
    assert (await states())["push"] == ("parked", "INTERNAL")
    assert {(event.channel, event.outcome) for event in told} == {("push", "failed"), ("sms", "sent")}


async def test_a_notice_nobody_declares_any_more_is_parked(scene: Scene) -> None:
    passing = Notice(
        key="tests.passing", category="tests", urgency="low", channels=("mail",), package="tests.notifications"
    )
    try:
        async with unit_of_work() as session:
            await send(session, passing, [scene.relative.id], community_id=scene.community.id, dedupe_key="passing")
        await settle(JOBS)
        assert await states() == {"mail": ("parked", "cannot_render")}
    finally:
        del _registry["tests.passing"]
    async with unit_of_work() as session:
        await replay(session)
    await settle(JOBS)
    assert await states() == {"mail": ("parked", "unknown_notice")}


async def test_somebody_deactivated_is_told_nothing(scene: Scene) -> None:
    await scene.tell(ALARM)
    async with unit_of_work() as session:
        await session.execute(sa.update(Account).where(sa.column("name") == "Ada").values(state="deactivated"))
    await settle(JOBS)
    assert set((await states()).values()) == {("suppressed", "recipient_inactive")}
    assert not await outbox()


async def test_what_is_waiting_about_a_closed_resident_is_taken_back_except_an_alarm(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    later = clock.now() + timedelta(hours=1)
    await scene.tell(PROMPT, "prompt", send_at=later)
    await scene.tell(ALARM, "alarm", send_at=later)
    event = ResidentClosed(aggregate_id=scene.resident.id, community_id=scene.community.id, reason="moved_out")
    async with unit_of_work() as session:
        await SUBSCRIBERS[0].handle(session, [event])
    assert sorted((row.notice_key, row.channel, row.state) for row in await deliveries()) == [
        ("tests.alarm", "push", "queued"),
        ("tests.alarm", "sms", "queued"),
        ("tests.prompt", "push", "suppressed"),
    ]


async def test_critical_deliveries_do_not_wait_behind_bulk_ones(scene: Scene) -> None:
    for number in range(20):
        await tell_news(scene, f"news:{number}")
    await scene.tell(ALARM)
    await run_lane("critical")
    assert [row.channel for row in await outbox()] == ["sms"]
    await run_lane("bulk")
    assert len(await outbox()) == 21


async def test_two_workers_share_a_lane_and_send_nothing_twice(scene: Scene) -> None:
    for number in range(120):
        await tell_news(scene, f"news:{number}")
    handled = await asyncio.gather(*(run_lane("bulk") for _ in range(3)))
    assert sum(handled) == 120
    shown = await outbox()
    assert len(shown) == 120
    assert {row.times_sent for row in shown} == {1}


async def test_the_same_collapse_key_takes_the_place_of_the_earlier_message(scene: Scene) -> None:
    await scene.tell(ALARM, "alarm:1", collapse_key="alarm")
    await scene.tell(ALARM, "alarm:2", collapse_key="alarm")
    await settle(JOBS)
    (shown,) = await outbox()
    assert shown.times_sent == 2


async def test_a_number_is_used_only_in_its_hours_unless_it_is_critical(
    scene: Scene, clock: clocks.ManualClock
) -> None:
    async with unit_of_work() as session:  # 16:00 in Shanghai
        await session.execute(sa.update(ContactPoint).values(usable_from=time(18, 0), usable_until=time(20, 0)))
    await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    (waiting,) = [row for row in await deliveries() if row.channel == "sms"]
    assert (waiting.channel, waiting.state, waiting.error, waiting.attempts) == ("sms", "queued", "outside_hours", 0)
    assert waiting.send_at == clock.now() + timedelta(hours=2)
    await scene.tell(ALARM)
    await settle(JOBS)
    assert [row.notice_key for row in await outbox()] == ["tests.alarm"]
    clock.set(waiting.send_at)
    await settle(JOBS)
    assert len(await outbox()) == 2


async def test_only_the_contact_point_that_was_named_is_used(scene: Scene) -> None:
    other = await identity.contact_point(scene.relative, "landline", "+8613800000002", ["sms", "voice"], position=5)
    await scene.tell(ALARM, contact_point_id=other.id)
    await settle(JOBS)
    assert [row.recipient for row in await outbox()] == ["Ada (+8613800000002)"]


async def test_a_channel_without_a_provider_fails_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._open, "sms", NotConfigured())
    await scene.tell(ALARM)
    await settle(JOBS)
    assert (await states())["sms"] == ("failed", "channel_not_configured")


async def test_keys_are_forgotten_when_their_time_is_over(scene: Scene, clock: clocks.ManualClock) -> None:
    await scene.tell(ALARM)
    assert await forget_keys() == 0
    clock.advance(KEY_KEPT_FOR)
    assert await forget_keys() == 1
    async with reading() as connection:
        assert not (await connection.execute(sa.select(DEDUPE))).all()


async def test_an_address_that_cannot_be_opened_keeps_nobody_else_waiting(
    scene: Scene, told: list[DeliverySettled]
) -> None:
    neighbour = await identity.account(scene.community, name="Bob", phone="+8613800000002")
    async with unit_of_work() as session:
        broken = sa.update(ContactPoint).where(sa.column("account_id") == scene.relative.id)
        await session.execute(broken.values(value="gone"))
        await send(
            session,
            ALARM,
            [scene.relative.id, neighbour.id],
            community_id=scene.community.id,
            dedupe_key="alarm:1",
            variables={"resident": scene.resident.id},
            origin=("tests.alarm", ORIGIN),
            channels=["sms"],
        )
    await settle((*JOBS, *RELAY_JOBS))
    became = {row.account_id: (row.state, row.error) for row in await deliveries()}
    assert became == {scene.relative.id: ("parked", "SealBroken"), neighbour.id: ("sent", None)}
    assert {(event.account_id, event.outcome) for event in told} == {
        (scene.relative.id, "failed"),
        (neighbour.id, "sent"),
    }


@pytest.mark.parametrize(("urgency", "delays"), [("critical", (1, 4, 16, 64, 160)), ("high", (10, 20, 40, 80, 160))])
def test_what_is_critical_is_tried_again_sooner_at_first(urgency: str, delays: tuple[int, ...]) -> None:
    now = clocks.now()
    for attempts, least in enumerate(delays, 1):
        attempt = rules.Attempt("sms", urgency, attempts, now + timedelta(days=1), has_fallback=False)
        waited = rules.next_attempt(attempt, now, None) - now
        assert timedelta(seconds=least) <= waited <= timedelta(seconds=least * 1.5)
        assert rules.next_attempt(attempt, now, now + timedelta(hours=1)) == now + timedelta(hours=1)
