"""Receipts of what waits: patience begins when it is sent, and what was read meanwhile is not sent any more."""

import asyncio
from datetime import datetime, timedelta

import httpx

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from notifications.api import Tally, tally
from notifications.digests.jobs import JOBS as DIGEST_JOBS
from notifications.digests.jobs import release_due
from notifications.digests.notices import DIGEST
from notifications.events import DeliverySettled
from notifications.receipts import jobs, repository
from notifications.receipts.service import record_receipt
from notifications.sending.jobs import JOBS
from tests.factories import identity
from tests.factories.notifications import deliveries, outbox, phone
from tests.factories.sign_in import sign_in
from tests.notifications.choosing import NIGHT, choose, origin
from tests.notifications.notices import PROMPT
from tests.notifications.sending.conftest import Scene
from tests.sinks.fcm import FcmSink

ALL = (*JOBS, *DIGEST_JOBS, *jobs.JOBS, *RELAY_JOBS)
PATIENT = PROMPT.patience or timedelta()
DIGEST_PATIENT = DIGEST.patience or timedelta()
EVENING = datetime.fromisoformat("2026-03-02T23:00+08:00")
MORNING = datetime.fromisoformat("2026-03-03T07:00+08:00")


async def states(key: str = PROMPT.key) -> list[tuple[str, str, str | None]]:
    return [(row.channel, row.state, row.error) for row in await deliveries() if row.notice_key == key]


async def hold(scene: Scene, clock: clocks.ManualClock, count: int = 1) -> None:
    """Write prompts that wait for the end of the night."""
    await choose(scene.relative, quiet_hours=NIGHT)
    await phone(scene.relative)
    clock.set(EVENING)
    for number in range(count):
        clock.advance(timedelta(seconds=1))
        await scene.tell(PROMPT, f"prompt:{number}", origin=origin(number))
    await settle(ALL)
    assert await states() == [("push", "held", "quiet_hours")] * count


async def open_in_inbox(client: httpx.AsyncClient, scene: Scene) -> None:
    headers = await sign_in(scene.relative)
    item = (await client.get("/v1/me/inbox", headers=headers)).json()["items"][0]
    assert (await client.post(f"/v1/me/inbox/{item['id']}/reading", headers=headers)).status_code == 204


async def test_patience_begins_when_what_waited_is_sent(scene: Scene, sink: FcmSink, clock: clocks.ManualClock) -> None:
    await hold(scene, clock)
    assert [row.receipt_by for row in await deliveries()] == [None]
    clock.set(MORNING)
    await release_due()
    assert [(row.state, row.receipt_by) for row in await deliveries()] == [("queued", None)]
    await settle(ALL)
    assert [(row.state, row.receipt_by) for row in await deliveries()] == [("sent", MORNING + PATIENT)]
    clock.advance(PATIENT)
    await settle(ALL)
    assert await states() == [("push", "unconfirmed", "no_receipt"), ("sms", "sent", None)]


async def test_what_is_read_while_it_waits_is_not_sent(
    client: httpx.AsyncClient,
    scene: Scene,
    sink: FcmSink,
    clock: clocks.ManualClock,
    told: list[DeliverySettled],
) -> None:
    await hold(scene, clock, 2)
    await open_in_inbox(client, scene)  # the later one
    await settle(ALL)
    assert await states() == [("push", "held", "quiet_hours"), ("push", "suppressed", "confirmed_otherwise")]
    assert [(fact.aggregate_id, fact.outcome, fact.is_final) for fact in told] == [(origin(1)[1], "delivered", True)]
    clock.set(MORNING)
    await settle(ALL)
    assert [message["data"]["notice"] for message in sink.messages] == [PROMPT.key]
    assert await states() == [("push", "sent", None), ("push", "suppressed", "confirmed_otherwise")]


async def test_nobody_takes_back_what_waits_for_another(
    client: httpx.AsyncClient, scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await hold(scene, clock)
    receipt = {"notice_id": str((await deliveries())[0].notice_id), "kind": "opened"}
    stranger = await sign_in(await identity.account(scene.community, name="Eve"))
    answer = await client.post("/v1/me/receipts", headers=stranger, json={"receipts": [receipt]})
    assert answer.status_code == 204
    assert await states() == [("push", "held", "quiet_hours")]


async def test_what_is_read_while_it_is_released_is_not_told_of(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await hold(scene, clock, 2)
    notice_id = (await deliveries())[1].notice_id
    clock.set(MORNING)
    async with unit_of_work() as session:
        assert len(await repository.cancel_held(session, [notice_id])) == 1
        release = asyncio.create_task(release_due())
        _, waiting = await asyncio.wait([release], timeout=0.2)
        assert waiting
    await release
    assert await states() == [("push", "digested", None), ("push", "suppressed", "confirmed_otherwise")]


async def test_a_fallback_that_waits_is_taken_back_by_a_late_receipt(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative)
    clock.set(EVENING - timedelta(hours=1) - timedelta(seconds=30))
    await choose(scene.relative, quiet_hours=NIGHT)
    (push_id,) = await scene.tell(PROMPT, "prompt")
    await settle(ALL)
    clock.advance(PATIENT)
    await settle(ALL)
    assert await states() == [("push", "unconfirmed", "no_receipt"), ("sms", "held", "quiet_hours")]
    async with unit_of_work() as session:
        await record_receipt(session, push_id, "delivered", clock.now())
    assert await states() == [("push", "sent", "no_receipt"), ("sms", "suppressed", "confirmed_otherwise")]
    clock.set(MORNING)
    await settle(ALL)
    assert not await outbox()


async def test_what_is_told_in_a_digest_has_the_digests_receipt(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await hold(scene, clock, 2)
    clock.set(MORNING)
    await settle(ALL)
    (digest,) = [row for row in await deliveries() if row.notice_key == DIGEST.key]
    assert (digest.state, digest.receipt_by) == ("sent", MORNING + DIGEST_PATIENT)
    assert [(fact.outcome, fact.is_final) for fact in told] == [("sent", False)] * 2
    async with unit_of_work() as session:
        await record_receipt(session, digest.id, "opened", clock.now())
    await settle(ALL)
    assert [(fact.outcome, fact.is_final) for fact in told[2:]] == [("delivered", True)] * 2
    async with reading() as connection:
        assert await tally(connection, [origin(0)[1]]) == {origin(0)[1]: Tally(sent=1, delivered=1)}


async def test_a_digest_that_nobody_confirms_goes_on_over_the_next_channel(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, told: list[DeliverySettled]
) -> None:
    await hold(scene, clock, 2)
    clock.set(MORNING)
    await settle(ALL)
    clock.advance(DIGEST_PATIENT)
    await settle(ALL)
    assert await states(DIGEST.key) == [("push", "unconfirmed", "no_receipt"), ("sms", "sent", None)]
    assert await states() == [("push", "digested", None)] * 2
    assert [(fact.outcome, fact.is_final) for fact in told] == [("sent", False)] * 2 + [("sent", True)] * 2
