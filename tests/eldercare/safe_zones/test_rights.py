"""What somebody learns of where a resident is: no more than their grant says, and nothing once it has ended."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.models import Grant
from tests.factories import eldercare_zones as zones
from tests.factories import identity
from tests.factories.eldercare_zones import fix
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("clock")


async def _told(account_id: object) -> list[str]:
    statement = sa.text("SELECT DISTINCT notice_key FROM notifications_delivery WHERE account_id = :id")
    async with reading() as connection:
        return list(await connection.scalars(statement, {"id": account_id}))


async def test_who_may_set_zones_and_not_see_the_location_is_not_told_on_which_side_somebody_is(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    son = await identity.account(scene.community, name="Son", phone="+8613800000004")
    await identity.grant(scene.resident, son, ["zones:manage"])
    headers = await sign_in(son)
    set_ = await client.post(f"{scene.path}/safe-zones", headers=headers, json=zones.agreed(needed=1, looked_at=1))
    zone = set_.json()
    clock.advance(timedelta(minutes=1))
    await zones.report(client, scene, fix())
    asked = await client.delete(f"{scene.path}/safe-zones/{zone['id']}/pause", headers=headers)
    assert asked.status_code == 200, asked.text
    assert (asked.json()["side"], asked.json()["side_since"]) == ("unknown", None)
    seen = await client.get(f"{scene.path}/safe-zones/{zone['id']}", headers=await scene.as_daughter())
    assert seen.json()["side"] == "kept"


async def test_nobody_is_told_on_which_side_somebody_is_who_shares_no_longer(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene(expires_at=clock.now() + timedelta(hours=1))
    zone = await zones.set_zone(client, scene, needed=1, looked_at=1)
    clock.advance(timedelta(minutes=1))
    await zones.report(client, scene, fix())
    clock.advance(timedelta(hours=1))
    own = await client.get(f"/v1/me/safe-zones/{zone['id']}", headers=await scene.as_resident())
    assert (own.json()["watch"], own.json()["side"]) == ("not_shared", "unknown")


@pytest.mark.parametrize("how", ["paused", "ended"])
async def test_whoever_set_a_zone_hears_no_more_of_it_once_their_grant_has_ended(
    client: httpx.AsyncClient, clock: ManualClock, how: str
) -> None:
    scene = await zones.scene()
    son = await identity.account(scene.community, name="Son", phone="+8613800000004")
    await identity.grant(scene.resident, son, ["location:read"])
    zone = await zones.set_zone(client, scene)
    async with unit_of_work() as session:
        (await session.get_one(Grant, scene.grant.id)).revoked_at = clock.now()
    own: dict[str, Any] = await scene.as_resident()
    url = f"/v1/me/safe-zones/{zone['id']}"
    if how == "paused":
        until = (clock.now() + timedelta(hours=1)).isoformat()
        answer = await client.post(f"{url}/pause", headers=own, json={"until": until})
    else:
        answer = await client.delete(url, headers=own)
    assert answer.is_success, answer.text
    assert await _told(scene.daughter.id) == []


async def test_a_path_of_long_ago_is_empty_and_no_error(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.report(client, scene, fix())
    headers = await scene.as_daughter()
    for query in ({"to": "1960-01-01T00:00:00Z"}, {"from": "1900-01-01T00:00:00Z", "to": "1901-01-01T00:00:00Z"}):
        answer = await client.get(f"{scene.path}/positions", headers=headers, params=query)
        assert (answer.status_code, answer.json()["items"]) == (200, []), answer.text


async def test_an_organization_lets_its_trackers_send_and_nothing_else(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    company = await identity.organization(scene.community, "provider")
    await identity.agreement(company, ["location:write", "location:read"], scene.resident)
    coordinator = await identity.staff(company, "coordinator", name="Coordinator", phone="+8613800000005")
    url, headers = f"/v1/organizations/{company.id}/api-clients", await sign_in(coordinator)
    refused = await client.post(url, headers=headers, json={"name": "map", "scopes": ["location:read"]})
    assert refused.status_code == 403
    made = await client.post(url, headers=headers, json={"name": "trackers", "scopes": ["location:write"]})
    assert made.status_code == 201, made.text
    key = {"Authorization": f"Bearer {made.json()['api_key']}"}
    sent = await client.post(f"{scene.path}/positions", headers=key, json={"positions": [fix()], "device": "t-1"})
    assert sent.status_code == 201, sent.text
    assert (await client.get(f"{scene.path}/location", headers=key)).status_code == 403


async def test_versions_come_in_pages(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene)
    headers = await scene.as_daughter()
    url = f"{scene.path}/safe-zones/{zone['id']}"
    for number in (1, 2):
        changed = zones.agreed(name=f"Home {number}")
        answer = await client.put(url, headers=headers | {"If-Match": f'"{number}"'}, json=changed)
        assert answer.status_code == 200, answer.text
    first = (await client.get(f"{url}/versions", headers=headers, params={"limit": 2})).json()
    rest = (await client.get(f"{url}/versions", headers=headers, params={"cursor": first["next"]})).json()
    assert [item["number"] for item in first["items"] + rest["items"]] == [3, 2, 1]
    assert rest["next"] is None


async def test_a_fix_whose_precision_is_not_known_says_nothing(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene, needed=1, looked_at=1)
    clock.advance(timedelta(minutes=1))
    await zones.report(client, scene, fix(0, accuracy=0, minutes=-0.5), fix(900, accuracy=0))
    assert await zones.signals() == []
    shown = (await client.get(f"{scene.path}/safe-zones/{zone['id']}", headers=await scene.as_daughter())).json()
    assert shown["side"] == "unknown"
    clock.advance(timedelta(minutes=30))
    await zones.watch()
    (signal,) = await zones.signals()
    assert signal["evidence"]["reason"] == "imprecise"
