"""What the operator sees of deliveries: lag, rates, what is parked and why; and sending that after all."""

from datetime import timedelta

import httpx
import pytest_asyncio
from prometheus_client import REGISTRY

from app.core import clock as clocks
from app.core.database import unit_of_work
from app.core.jobs import settle
from notifications.api import Value, send
from notifications.operations import jobs
from notifications.receipts.service import record_receipt
from notifications.sending import service
from notifications.sending.jobs import JOBS
from tests.factories import identity
from tests.factories.notifications import deliveries, phone
from tests.factories.sign_in import sign_in
from tests.notifications.notices import ALARM, NEWS, PROMPT
from tests.notifications.sending.conftest import Scene
from tests.notifications.sending.test_settlement import LEASE
from tests.sinks.fcm import FcmSink

Headers = dict[str, str]


@pytest_asyncio.fixture(loop_scope="session")
async def operator(client: httpx.AsyncClient, scene: Scene) -> Headers:
    return await operator_of(scene)


async def operator_of(scene: Scene) -> Headers:
    """Return how the community's operator signs in."""
    house = await identity.organization(scene.community, "operator")
    await identity.agreement(house)
    return await sign_in(await identity.staff(house, "operator"), second_factor=True)


async def write_news(scene: Scene, key: str) -> None:
    async with unit_of_work() as session:
        await send(
            session,
            NEWS,
            [scene.relative.id],
            community_id=scene.community.id,
            dedupe_key=key,
            variables={"headline": "The lift is repaired", "count": 1},
        )


async def park_news(scene: Scene, clock: clocks.ManualClock, count: int) -> None:
    """Leave mails of which nobody knows whether they were sent."""
    for number in range(count):
        await write_news(scene, f"news:{number}")
    await service.claim("bulk", 50)
    clock.advance(LEASE)
    await settle(JOBS)


async def test_lanes_show_what_waits_and_since_when(
    client: httpx.AsyncClient, scene: Scene, operator: Headers, clock: clocks.ManualClock
) -> None:
    elsewhere = await identity.account(await identity.community(name="Hillside"), email="eve@example.org")
    await write_news(scene, "news")
    async with unit_of_work() as session:
        values: dict[str, Value] = {"headline": "Elsewhere", "count": 1}
        await send(
            session, NEWS, [elsewhere.id], community_id=elsewhere.community_id, dedupe_key="news", variables=values
        )
    clock.advance(timedelta(seconds=7))
    await scene.tell(ALARM)
    await scene.tell(PROMPT, "later", send_at=clock.now() + timedelta(hours=1))
    answer = await client.get("/v1/deliveries/overview", headers=operator)
    assert answer.json()["lanes"] == [
        {"lane": "critical", "due": 2, "lag_seconds": 0.0},
        {"lane": "high", "due": 0, "lag_seconds": 0.0},
        {"lane": "bulk", "due": 1, "lag_seconds": 7.0},
    ]


async def test_channels_show_what_became_of_each_delivery_of_the_period(
    client: httpx.AsyncClient, scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await scene.tell(PROMPT, "long ago")
    await settle(JOBS)
    clock.advance(timedelta(hours=2))
    operator = await operator_of(scene)
    await phone(scene.relative)
    confirmed, *_ = await scene.tell(PROMPT, "prompt:1")
    await scene.tell(PROMPT, "prompt:2")
    await settle(JOBS)
    async with unit_of_work() as session:
        await record_receipt(session, confirmed, "opened", clock.now())
    shown = (await client.get("/v1/deliveries/overview?hours=1", headers=operator)).json()
    nothing = dict.fromkeys(
        ("under_way", "held", "digested", "unconfirmed", "failed", "expired", "suppressed", "parked"), 0
    )
    figures = {"channel": "push", "written": 2, "sent": 2, "delivered": 1, "opened": 1}
    assert shown["channels"] == [nothing | figures]
    assert shown["awaiting_receipts"] == 1
    all_day = (await client.get("/v1/deliveries/overview", headers=operator)).json()["channels"]
    assert {row["channel"]: (row["written"], row["failed"]) for row in all_day} == {"push": (3, 1), "sms": (1, 0)}


async def test_parked_deliveries_are_listed_and_sent_after_all(
    client: httpx.AsyncClient, scene: Scene, operator: Headers, clock: clocks.ManualClock
) -> None:
    await park_news(scene, clock, 3)
    shown = (await client.get("/v1/deliveries/overview", headers=operator)).json()["parked"]
    assert [(row["lane"], row["channel"], row["reason"], row["count"]) for row in shown] == [
        ("bulk", "mail", "uncertain", 3)
    ]
    first = (await client.get("/v1/deliveries/parked?limit=2", headers=operator)).json()
    rest = (await client.get(f"/v1/deliveries/parked?cursor={first['next']}", headers=operator)).json()
    listed = [*first["items"], *rest["items"]]
    assert [row["id"] for row in listed] == [str(row.id) for row in await deliveries()]
    assert {(row["notice"], row["reason"]) for row in listed} == {("tests.news", "uncertain")}
    chosen = {"delivery_ids": [listed[1]["id"]]}
    for expected, choice in ((1, chosen), (0, chosen), (2, {})):
        answer = await client.post("/v1/deliveries/replays", headers=operator, json=choice)
        assert (answer.status_code, answer.json()) == (200, {"replayed": expected})
    await settle(JOBS)
    assert {row.state for row in await deliveries()} == {"sent"}


async def test_an_operator_replays_only_their_own_communitys(
    client: httpx.AsyncClient, scene: Scene, operator: Headers, clock: clocks.ManualClock
) -> None:
    await park_news(scene, clock, 1)
    foreign = await sign_in(await identity.operator(await identity.community(name="Hillside")), second_factor=True)
    (parked,) = await deliveries()
    for choice in ({}, {"delivery_ids": [str(parked.id)]}):
        answer = await client.post("/v1/deliveries/replays", headers=foreign, json=choice)
        assert answer.json() == {"replayed": 0}
    assert (await client.get("/v1/deliveries/parked", headers=foreign)).json()["items"] == []
    assert (await client.get("/v1/deliveries/overview", headers=foreign)).json()["parked"] == []


async def test_what_is_parked_is_measured(scene: Scene, clock: clocks.ManualClock) -> None:
    await park_news(scene, clock, 2)
    await jobs.measure()
    measured = {
        lane: REGISTRY.get_sample_value("hearthline_deliveries_parked", {"lane": lane}) for lane in ("critical", "bulk")
    }
    assert measured == {"critical": 0, "bulk": 2}


async def test_rates_say_by_day_and_by_notice_what_became_of_deliveries(
    client: httpx.AsyncClient, scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative)
    seen, *_ = await scene.tell(PROMPT, "prompt:1")
    await scene.tell(PROMPT, "prompt:2")
    await settle(JOBS)
    async with unit_of_work() as session:
        await record_receipt(session, seen, "opened", clock.now())
    clock.advance(timedelta(days=1))
    await write_news(scene, "news")
    operator = await operator_of(scene)

    by_day = (await client.get("/v1/deliveries/rates?days=2", headers=operator)).json()
    first, *_ = by_day["items"]
    figures = (first["channel"], first["written"], first["sent"], first["delivered"], first["seen"], first["failed"])
    assert figures == ("push", 2, 2, 1, 1, 0)
    assert len({item["day"] for item in by_day["items"]}) == 2
    assert by_day["is_partial"] is False

    path = "/v1/deliveries/rates?by=notice"
    by_notice = (await client.get(path, headers=operator)).json()["items"]
    assert {item["notice"] for item in by_notice} == {PROMPT.key, NEWS.key}
    today = (await client.get(f"{path}&days=1", headers=operator)).json()["items"]
    assert {item["notice"] for item in today} == {NEWS.key}
