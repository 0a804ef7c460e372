"""Invitations to a staff: the code goes to where it was meant for, in the person's language, sealed on the way."""

import re

import httpx
import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Community, Organization
from notifications.account import notices
from notifications.api import Notice, close_channels
from notifications.sending.jobs import JOBS
from notifications.templates.completeness import complaints
from tests.factories import identity as make
from tests.factories.notifications import deliveries, outbox
from tests.factories.sign_in import sign_in


async def invite(client: httpx.AsyncClient, house: Organization, **data: str) -> httpx.Response:
    headers = await sign_in(await make.staff(house, "operator", name="Edith"))
    body = {"name": "Carla", "role": "coordinator", **data}
    return await client.post(f"/v1/organizations/{house.id}/invitations", json=body, headers=headers)


async def deliver() -> None:
    await close_channels()
    await settle((*RELAY_JOBS, *JOBS))


@pytest.fixture
async def house(database: object, clock: ManualClock) -> Organization:
    return await make.organization(await make.community(name="Lakeside"), "operator")


@pytest.mark.parametrize(
    ("where", "channel", "recipient"),
    [
        ({"phone": "+8613800000055"}, "sms", "Carla (+8613800000055)"),
        ({"email": "carla@example.org"}, "mail", "Carla (carla@example.org)"),
    ],
)
async def test_the_code_that_is_sent_lets_the_person_in(
    client: httpx.AsyncClient, house: Organization, where: dict[str, str], channel: str, recipient: str
) -> None:
    assert (await invite(client, house, **where)).status_code == 201
    await deliver()
    (shown,) = await outbox()
    assert (shown.channel, shown.recipient, "Lakeside" in shown.body) == (channel, recipient, True)
    assert "coordinator" in shown.body
    (delivery,) = await deliveries()
    assert delivery.variables["code"].startswith("v1.")
    (code,) = re.findall(r"[A-Za-z0-9_-]{43}", shown.body)
    assert code not in str(delivery.variables)


async def test_somebody_known_is_told_once_in_their_language(
    client: httpx.AsyncClient, house: Organization, clock: ManualClock
) -> None:
    community = await _community_of(house)
    known = await make.account(community, name="林芳", phone="+8613800000066", language="zh-CN")
    await make.contact_point(known, "mobile", "+8613800000067", ["sms"], position=-1)
    assert (await invite(client, house, phone="+8613800000066", role="dispatcher")).status_code == 201
    await deliver()
    await deliver()
    (shown,) = await outbox()
    assert (shown.recipient, shown.language) == ("林芳 (+8613800000066)", "zh-CN")
    assert "值班调度员" in shown.body


async def _community_of(house: Organization) -> Community:
    async with unit_of_work() as session:
        return await session.get_one(Community, house.community_id)


async def test_one_that_was_revoked_before_is_not_sent(client: httpx.AsyncClient, house: Organization) -> None:
    invited = await invite(client, house, phone="+8613800000055")
    headers = await sign_in(await make.staff(house, "operator"))
    url = f"/v1/organizations/{house.id}/invitations/{invited.json()['id']}"
    assert (await client.delete(url, headers=headers)).status_code == 204
    await deliver()
    assert not await deliveries()


@pytest.mark.parametrize("notice", [notices.STAFF_INVITATION_BY_SMS, notices.STAFF_INVITATION_BY_MAIL])
def test_the_texts_are_complete(notice: Notice) -> None:
    assert complaints(notice) == []
