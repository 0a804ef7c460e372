"""Receipts: what they make of a delivery, whose they can be, and the next channel where none comes."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client import REGISTRY

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.settings import WorkerSettings
from notifications.api import Tally, tally
from notifications.channels.registry import close_channels
from notifications.delivery.rules import LANES
from notifications.events import DeliverySettled
from notifications.receipts import jobs
from notifications.receipts.rules import OLDEST
from notifications.receipts.service import record_receipt
from notifications.sending import service
from notifications.sending.jobs import JOBS
from notifications.templates.notices import PATIENCE
from tests.factories import identity
from tests.factories.notifications import deliveries, outbox, phone
from tests.factories.sign_in import sign_in
from tests.notifications.notices import ALARM, PROMPT
from tests.notifications.sending.conftest import ORIGIN, Scene
from tests.sinks import fcm
from tests.sinks.fcm import FcmSink

ALL = (*JOBS, *jobs.JOBS, *RELAY_JOBS)
PATIENT = PATIENCE["high"] or timedelta()
LEASE = timedelta(seconds=WorkerSettings().lease_seconds)


async def by_channel() -> dict[str, Any]:
    """Return each delivery by its channel."""
    return {row.channel: row for row in await deliveries()}


async def states() -> dict[str, tuple[str, str | None]]:
    return {channel: (row.state, row.error) for channel, row in (await by_channel()).items()}


async def pushed(scene: Scene) -> UUID:
    """Push a prompt to the relative's phone and return its delivery."""
    await phone(scene.relative)
    (delivery_id,) = await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    return delivery_id


async def confirm(client: httpx.AsyncClient, headers: Mapping[str, str], *receipts: object) -> httpx.Response:
    return await client.post("/v1/me/receipts", headers=dict(headers), json={"receipts": receipts})


async def test_a_confirmed_push_is_the_end_of_it(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    delivery_id = await pushed(scene)
    assert (await by_channel())["push"].receipt_by == clock.now() + PATIENT
    clock.advance(timedelta(seconds=3))
    for kind in ("delivered", "delivered", "opened"):
        async with unit_of_work() as session:
            await record_receipt(session, delivery_id, kind, clock.now())
        clock.advance(timedelta(seconds=1))
    clock.advance(PATIENT)
    await settle(ALL)
    (push,) = await deliveries()
    assert (push.state, push.receipt_by) == ("sent", None)
    assert push.opened_at - push.delivered_at == timedelta(seconds=2)
    assert [(event.outcome, event.is_final) for event in told] == [("sent", False), ("delivered", True)]
    async with reading() as connection:
        assert await tally(connection, [ORIGIN]) == {ORIGIN: Tally(sent=1, delivered=1)}


async def test_without_a_receipt_the_next_channel_is_used(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    missed = {"channel": "push", "lane": "high"}
    before = REGISTRY.get_sample_value("hearthline_receipts_missed_total", missed) or 0
    push_id = await pushed(scene)
    clock.advance(PATIENT - timedelta(seconds=1))
    await settle(ALL)
    assert await states() == {"push": ("sent", None)}
    clock.advance(timedelta(seconds=1))
    await settle(ALL)
    assert await states() == {"push": ("unconfirmed", "no_receipt"), "sms": ("sent", None)}
    assert (await by_channel())["sms"].fallback_of == push_id
    assert [row.channel for row in await outbox()] == ["sms"]
    assert [(event.channel, event.outcome, event.is_final) for event in told] == [
        ("push", "sent", False),
        ("push", "unconfirmed", False),
        ("sms", "sent", True),
    ]
    async with reading() as connection:
        assert await tally(connection, [ORIGIN]) == {ORIGIN: Tally(sent=1, unconfirmed=1)}
    assert REGISTRY.get_sample_value("hearthline_receipts_missed_total", missed) == before + 1


async def test_where_all_channels_are_used_at_once_whoever_waits_is_told_that_nothing_was_confirmed(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await phone(scene.relative)
    await scene.tell(ALARM, channels=["push"])
    await settle(JOBS)
    clock.advance(PATIENCE["critical"] or timedelta())
    await settle(ALL)
    assert await states() == {"push": ("unconfirmed", "no_receipt")}
    assert [(event.outcome, event.is_final) for event in told] == [("sent", False), ("unconfirmed", True)]


async def test_nobody_waits_for_a_receipt_that_changes_nothing(scene: Scene, sink: FcmSink) -> None:
    await phone(scene.relative)
    await scene.tell(ALARM, origin=None)
    await settle(JOBS)
    assert {row.receipt_by for row in await deliveries()} == {None}


async def test_nobody_waits_for_a_provider_that_cannot_confirm(scene: Scene) -> None:
    await close_channels()
    await phone(scene.relative)
    await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    assert [(row.state, row.receipt_by) for row in await deliveries()] == [("sent", None)]


async def test_a_late_receipt_takes_back_a_fallback_that_is_still_queued(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    push_id = await pushed(scene)
    clock.advance(PATIENT)
    await jobs.give_up_waiting(*LANES)
    assert (await states())["sms"] == ("queued", None)
    async with unit_of_work() as session:
        await record_receipt(session, push_id, "delivered", clock.now())
    await settle(ALL)
    assert await states() == {"push": ("sent", "no_receipt"), "sms": ("suppressed", "confirmed_otherwise")}
    assert not await outbox()
    assert (told[-1].channel, told[-1].outcome, told[-1].is_final) == ("push", "delivered", True)
    async with reading() as connection:
        assert (await tally(connection, [ORIGIN]))[ORIGIN].delivered == 1


async def test_a_late_receipt_is_recorded_after_the_fallback_was_sent(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    push_id = await pushed(scene)
    clock.advance(PATIENT)
    await settle(ALL)
    async with unit_of_work() as session:
        await record_receipt(session, push_id, "opened", clock.now())
    found = await by_channel()
    assert (found["push"].state, found["push"].opened_at, found["push"].delivered_at) == (
        "sent",
        clock.now(),
        clock.now(),
    )
    assert found["sms"].state == "sent"


async def test_a_receipt_that_is_faster_than_our_commit_counts(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await phone(scene.relative)
    (push_id,) = await scene.tell(PROMPT, "prompt")
    claimed = await service.claim("high", 50)
    async with unit_of_work() as session:
        await record_receipt(session, push_id, "delivered", clock.now())
    assert (await states())["push"] == ("sending", None)
    await service.fly("high", claimed)
    await settle(ALL)
    (push,) = await deliveries()
    assert (push.state, push.receipt_by, push.delivered_at) == ("sent", None, clock.now())
    assert [(event.outcome, event.is_final) for event in told] == [("delivered", True)]


async def test_killed_between_fcms_answer_and_our_commit_a_confirmed_push_is_not_repeated(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: fcm.TAKEN_THEN_RESET
    (push_id,) = await scene.tell(PROMPT, "prompt")
    flight = asyncio.create_task(service.fly("high", await service.claim("high", 50)))
    await sink.wait_for(1)
    flight.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flight
    async with unit_of_work() as session:
        await record_receipt(session, push_id, "delivered", clock.now())
    clock.advance(LEASE)
    await settle(ALL)
    assert len(sink.messages) == 1
    assert await states() == {"push": ("sent", None)}
    assert [(event.outcome, event.is_final) for event in told] == [("delivered", True)]


async def test_a_receipt_proves_what_the_provider_did_not_tell(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    sink.behave = lambda _: fcm.TAKEN_THEN_RESET
    push_id = await pushed(scene)
    assert (await states())["push"][0] == "queued"
    async with unit_of_work() as session:
        await record_receipt(session, push_id, "delivered", clock.now())
    clock.advance(timedelta(minutes=1))
    await settle(ALL)
    assert (await states())["push"][0] == "sent"
    assert len(sink.messages) == 1


async def test_what_was_not_sent_yet_cannot_be_confirmed(scene: Scene, clock: clocks.ManualClock) -> None:
    (push_id,) = await scene.tell(PROMPT, "prompt")
    async with unit_of_work() as session:
        await record_receipt(session, push_id, "opened", clock.now())
    assert [(row.state, row.opened_at) for row in await deliveries()] == [("queued", None)]


async def test_an_app_confirms_in_batches_what_happened_while_it_was_offline(
    client: httpx.AsyncClient, scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    push_id = await pushed(scene)
    arrived = clock.now() + timedelta(seconds=5)
    clock.advance(timedelta(hours=30))
    headers = await sign_in(scene.relative)
    opened = (arrived + timedelta(seconds=10)).isoformat()
    receipts = [
        {"delivery_id": str(push_id), "kind": "opened", "occurred_at": opened},
        {"delivery_id": str(push_id), "kind": "delivered", "occurred_at": arrived.isoformat()},
        {"delivery_id": str(push_id), "kind": "delivered"},
        {"notice_id": str(UUID(int=(1 << 128) - 1)), "kind": "opened"},
        {"delivery_id": str(UUID(int=0)), "kind": "delivered"},
    ]
    for _ in range(2):
        answer = await confirm(client, headers, *receipts)
        assert (answer.status_code, answer.content) == (204, b"")
    (push,) = await deliveries()
    assert push.delivered_at == arrived
    assert push.opened_at == arrived + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("ahead", "taken"),
    [(timedelta(minutes=3), timedelta()), (timedelta(days=400), timedelta()), (-timedelta(days=9), -OLDEST)],
)
async def test_a_phone_whose_clock_is_wrong_confirms_all_the_same(
    client: httpx.AsyncClient,
    scene: Scene,
    sink: FcmSink,
    clock: clocks.ManualClock,
    ahead: timedelta,
    taken: timedelta,
) -> None:
    push_id = await pushed(scene)
    clock.advance(timedelta(seconds=5))
    receipts = [
        {"notice_id": str(ORIGIN), "kind": "opened"},
        {"delivery_id": str(push_id), "kind": "delivered", "occurred_at": (clock.now() + ahead).isoformat()},
    ]
    answer = await confirm(client, await sign_in(scene.relative), *receipts)
    assert answer.status_code == 204, answer.text
    (push,) = await deliveries()
    assert (push.state, push.delivered_at) == ("sent", clock.now() + taken)


async def test_nobody_confirms_for_another_or_learns_what_another_got(
    client: httpx.AsyncClient, scene: Scene, sink: FcmSink
) -> None:
    push_id = await pushed(scene)
    stranger = await sign_in(await identity.account(scene.community, name="Eve"))
    named = (await deliveries())[0].notice_id
    for receipt in ({"delivery_id": str(push_id)}, {"notice_id": str(named)}, {"delivery_id": str(ORIGIN)}):
        answer = await confirm(client, stranger, receipt | {"kind": "opened"})
        assert (answer.status_code, answer.content) == (204, b"")
    assert [(row.state, row.delivered_at, row.opened_at) for row in await deliveries()] == [("sent", None, None)]


@pytest.mark.parametrize(
    ("receipt", "pointer"),
    [
        ({"kind": "opened"}, "/body/receipts/1"),
        ({"kind": "opened", "delivery_id": str(ORIGIN), "notice_id": str(ORIGIN)}, "/body/receipts/1"),
        ({"kind": "read", "notice_id": str(ORIGIN)}, "/body/receipts/1/kind"),
    ],
)
async def test_a_receipt_that_cannot_be_meant_is_refused(
    client: httpx.AsyncClient, scene: Scene, receipt: dict[str, str], pointer: str
) -> None:
    good = {"kind": "opened", "notice_id": str(ORIGIN)}
    answer = await confirm(client, await sign_in(scene.relative), good, receipt)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("route", ["/reading", "s"])
async def test_opening_the_item_in_the_inbox_confirms_the_notice(
    client: httpx.AsyncClient, scene: Scene, sink: FcmSink, clock: clocks.ManualClock, route: str
) -> None:
    await pushed(scene)
    headers = await sign_in(scene.relative)
    (item,) = (await client.get("/v1/me/inbox", headers=headers)).json()["items"]
    clock.advance(PATIENT)
    await jobs.give_up_waiting(*LANES)
    if route == "s":
        answer = await client.post("/v1/me/inbox/readings", headers=headers, json={"up_to": item["id"]})
        assert answer.json() == {"marked": 1}
    else:
        answer = await client.post(f"/v1/me/inbox/{item['id']}/reading", headers=headers)
        assert answer.status_code == 204
    await settle(ALL)
    found = await by_channel()
    assert (found["push"].state, found["push"].opened_at) == ("sent", clock.now())
    assert (found["sms"].state, found["sms"].opened_at) == ("suppressed", None)


async def test_reading_in_the_inbox_does_not_make_a_failed_push_a_sent_one(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    await scene.tell(PROMPT, "prompt")
    await settle(JOBS)
    headers = await sign_in(scene.relative)
    (item,) = (await client.get("/v1/me/inbox", headers=headers)).json()["items"]
    await client.post(f"/v1/me/inbox/{item['id']}/reading", headers=headers)
    found = await by_channel()
    assert (found["push"].state, found["push"].opened_at) == ("failed", None)
    assert (found["sms"].state, found["sms"].opened_at is not None) == ("sent", True)


async def test_receipts_are_counted_once_and_by_their_timing(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    def counted(kind: str, timing: str) -> float:
        labels = {"channel": "push", "kind": kind, "timing": timing}
        return REGISTRY.get_sample_value("hearthline_receipts_total", labels) or 0

    before = [counted("delivered", "awaited"), counted("opened", "unasked")]
    push_id = await pushed(scene)
    for kind in ("delivered", "delivered", "opened", "opened"):
        async with unit_of_work() as session:
            await record_receipt(session, push_id, kind, clock.now())
    assert [counted("delivered", "awaited"), counted("opened", "unasked")] == [before[0] + 1, before[1] + 1]
