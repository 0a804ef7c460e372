"""Sign-in codes: sent once to where they were asked for, sealed on the way, never to nobody."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from app.core import clock as clocks
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.settings import Settings
from app.identity.models import Community
from notifications.api import close_channels
from notifications.sending import service
from notifications.sending.jobs import JOBS
from tests.factories import identity
from tests.factories.notifications import deliveries, outbox
from tests.sinks import twilio
from tests.sinks.twilio import Reply, twilio_provider


async def ask(client: httpx.AsyncClient, community: Community, **where: str) -> httpx.Response:
    answer = await client.post("/v1/sign-in/codes", json={"community_id": str(community.id), **where})
    await close_channels()
    await settle((*RELAY_JOBS, *JOBS))
    return answer


@pytest.mark.parametrize(
    ("where", "channel", "recipient"),
    [
        ({"phone": "+8613800000002"}, "sms", "Ada (+8613800000002)"),
        ({"email": "ada@example.org"}, "mail", "Ada (ada@example.org)"),
    ],
)
async def test_a_code_goes_to_where_it_was_asked_for(
    client: httpx.AsyncClient, clock: clocks.ManualClock, where: dict[str, str], channel: str, recipient: str
) -> None:
    community = await identity.community()
    ada = await identity.account(community, name="Ada", phone="+8613800000001", email="ada@example.org")
    await identity.contact_point(ada, "mobile", "+8613800000002", ["sms", "app"], position=3)
    answer = await ask(client, community, **where)
    assert answer.status_code in (200, 201, 202), answer.text
    (shown,) = await outbox()
    assert (shown.channel, shown.recipient) == (channel, recipient)
    assert "10 minutes" in shown.body
    (delivery,) = await deliveries()
    assert delivery.variables["code"].startswith("v1.")
    assert delivery.contact_point_id is not None


async def test_a_number_several_people_share_gets_one_code(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    community = await identity.community()
    for name in ("Ada", "Grace"):
        await identity.account(community, name=name, phone="+8613800000001")
    await ask(client, community, phone="+8613800000001")
    assert len(await outbox()) == 1


async def test_a_code_for_nobody_is_not_sent(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    community = await identity.community()
    known = await ask(client, community, phone="+8613800000001")
    assert known.status_code in (200, 201, 202)
    assert not await deliveries()


@pytest.mark.parametrize(("lost", "arrived"), [(twilio.RESET, 0), (twilio.TAKEN_THEN_RESET, 1)])
async def test_a_code_whose_answer_is_lost_is_sent_again_within_seconds(
    client: httpx.AsyncClient, clock: clocks.ManualClock, test_settings: Settings, lost: Reply, arrived: int
) -> None:
    community = await identity.community()
    await identity.account(community, name="Ada", phone="+8613800000001")
    async with twilio_provider(test_settings) as provider:
        provider.behave = lambda _: lost
        await ask(client, community, phone="+8613800000001")
        (waiting,) = await deliveries()
        assert (waiting.state, len(provider.messages)) == ("queued", arrived)
        assert waiting.send_at <= clock.now() + timedelta(seconds=2)
        provider.behave = lambda _: None
        clock.set(waiting.send_at)
        await settle(JOBS)
        (sent,) = await deliveries()
        assert (sent.state, sent.attempts) == ("sent", 2)
        # Whichever of them arrives, it is the code that was asked for.
        assert len({message["Body"] for message in provider.messages}) == 1
        assert len(provider.messages) == arrived + 1


async def test_a_code_that_a_worker_died_over_is_sent_again(
    client: httpx.AsyncClient, clock: clocks.ManualClock, test_settings: Settings
) -> None:
    community = await identity.community()
    await identity.account(community, name="Ada", phone="+8613800000001")
    async with twilio_provider(test_settings) as provider:
        provider.behave = lambda _: twilio.TAKEN_THEN_HANGS
        await client.post("/v1/sign-in/codes", json={"community_id": str(community.id), "phone": "+8613800000001"})
        await settle(RELAY_JOBS)
        flight = asyncio.create_task(service.fly("high", await service.claim("high", 50)))
        await provider.wait_for(1)
        flight.cancel()
        await asyncio.gather(flight, return_exceptions=True)
        provider.behave = lambda _: None
        clock.advance(timedelta(seconds=60))
        await settle(JOBS)
        (sent,) = await deliveries()
        assert (sent.state, len({message["Body"] for message in provider.messages})) == ("sent", 1)
