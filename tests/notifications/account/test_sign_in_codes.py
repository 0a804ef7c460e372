"""Sign-in codes: sent once to where they were asked for, sealed on the way, never to nobody."""

import httpx
import pytest

from app.core import clock as clocks
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Community
from notifications.api import close_channels
from notifications.sending.jobs import JOBS
from tests.factories import identity
from tests.factories.notifications import deliveries, outbox


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
