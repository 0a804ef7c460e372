"""Zones as people set them: who may, in which versions, in which words, and what ends them."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from app.core import relay
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.events import emit, install_subscribers
from app.core.jobs import settle
from app.identity.events import ResidentClosed, ResidentReopened
from app.identity.models import Account
from eldercare.safe_zones.subscribers import SUBSCRIBERS
from tests.factories import eldercare_zones as zones
from tests.factories import identity
from tests.factories.eldercare_zones import fix
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("clock")

CROSSING = [zones.square(500)["corners"][place] for place in (0, 2, 1, 3, 0)]


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let zones, and nobody else, hear of what happens."""
    previous = install_subscribers(SUBSCRIBERS)
    yield
    install_subscribers(previous)


async def told() -> list[tuple[str, str]]:
    """Return who was told what of zones."""
    async with reading() as connection:
        statement = sa.text(
            "SELECT notice_key, account_id FROM notifications_delivery"
            " WHERE notice_key LIKE 'eldercare.zone%' ORDER BY id"
        )
        return [(row.notice_key, str(row.account_id)) for row in await connection.execute(statement)]


async def test_the_resident_is_told_of_a_zone_and_reads_it_in_plain_words(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    nights = [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "start": "22:00", "end": "06:00"}]
    await zones.set_zone(client, scene, hours=nights)
    assert set(await told()) == {("eldercare.zone_set", str(scene.resident.account_id))}
    (shown,) = (await client.get("/v1/me/safe-zones", headers=await scene.as_resident())).json()["items"]
    assert shown["words"] == (
        "When you leave “Home”, 300 m around, people who help you are called. It holds every day from 22:00 to 06:00."
        " They are also told when it is not known where you are. Set by Daughter. You can pause or end it."
    )
    async with unit_of_work() as session:
        (await session.get_one(Account, scene.resident.account_id)).language = "zh-CN"
    (shown,) = (await client.get("/v1/me/safe-zones", headers=await scene.as_resident())).json()["items"]
    assert "当您离开“Home”（周围 300 米）时" in shown["words"]


async def test_a_zone_of_ones_own_is_told_to_nobody(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    own = await scene.as_resident()
    made = await client.post("/v1/me/safe-zones", headers=own, json=zones.agreed())
    assert made.status_code == 201, made.text
    assert await told() == []


async def test_a_change_is_a_new_version_for_whoever_has_read_the_last(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene, needed=1, looked_at=1)
    await zones.report(client, scene, fix(400))
    url = f"{scene.path}/safe-zones/{zone['id']}"
    headers = await scene.as_daughter()
    assert (await client.get(url, headers=headers)).json()["side"] == "left"
    wider = zones.agreed(shape=zones.square(2_000), needed=1, looked_at=1)
    stale = await client.put(url, headers=headers | {"If-Match": '"9"'}, json=wider)
    assert stale.status_code == 412
    changed = await client.put(url, headers=headers | {"If-Match": f'"{zone["version"]}"'}, json=wider)
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == f'"{changed.json()["version"]}"'
    assert (changed.json()["number"], changed.json()["side"]) == (2, "unknown")
    versions = (await client.get(f"{url}/versions", headers=headers)).json()["items"]
    assert [one["shape"]["kind"] for one in versions] == ["polygon", "circle"]
    clock.advance(timedelta(minutes=5))
    await zones.report(client, scene, fix(400))
    assert (await client.get(url, headers=await scene.as_daughter())).json()["side"] == "kept"


async def test_whoever_set_a_zone_hears_that_the_resident_ended_it(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene, needed=1, looked_at=1)
    own = await scene.as_resident()
    ended = await client.delete(f"/v1/me/safe-zones/{zone['id']}", headers=own)
    assert ended.status_code == 204
    assert ("eldercare.zone_off", str(scene.daughter.id)) in await told()
    again = await client.delete(f"/v1/me/safe-zones/{zone['id']}", headers=own)
    assert (again.status_code, again.json()["code"]) == (409, "safe_zone_ended")
    clock.advance(timedelta(hours=2))
    await zones.report(client, scene, fix(9_000))
    await zones.watch()
    assert await zones.signals() == []


async def test_only_who_was_given_it_sets_zones(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene(scopes=("location:read",))
    refused = await client.post(f"{scene.path}/safe-zones", headers=await scene.as_daughter(), json=zones.agreed())
    assert refused.status_code == 403
    proxy = await identity.account(scene.community, name="Proxy")
    await identity.grant(scene.resident, proxy, ["zones:manage"], kind="proxy")
    made = await client.post(f"{scene.path}/safe-zones", headers=await sign_in(proxy), json=zones.agreed())
    assert made.status_code == 201, made.text
    other = await identity.resident(scene.community, name="Walter")
    url = f"/v1/residents/{other.id}/safe-zones/{made.json()['id']}"
    await identity.grant(other, proxy, ["zones:manage", "location:read"])
    assert (await client.get(url, headers=await sign_in(proxy))).status_code == 404
    assert (await client.delete(url, headers=await sign_in(proxy))).status_code == 404


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        ({"kind": "circle", "centre": {"latitude": 31, "longitude": 121}, "radius": 5}, "radius_out_of_range"),
        ({"kind": "circle", "centre": {"latitude": 89, "longitude": 0}, "radius": 50}, "too_near_a_pole"),
        ({"kind": "polygon", "corners": zones.square(500)["corners"][:-1]}, "not_closed"),
        ({"kind": "polygon", "corners": CROSSING}, "crosses_itself"),
        (zones.square(5), "too_small"),
        (zones.square(90_000), "too_large"),
    ],
)
async def test_a_shape_that_cannot_be_watched_is_refused_by_name(
    client: httpx.AsyncClient, clock: ManualClock, shape: dict[str, object], code: str
) -> None:
    scene = await zones.scene()
    body = zones.agreed(shape=shape)
    refused = await client.post(f"{scene.path}/safe-zones", headers=await scene.as_daughter(), json=body)
    assert refused.status_code == 422
    assert [error["code"] for error in refused.json()["errors"]] == [code]


async def test_there_are_only_so_many_zones(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    for _ in range(20):
        await zones.zone(scene.resident)
    refused = await client.post(f"{scene.path}/safe-zones", headers=await scene.as_daughter(), json=zones.agreed())
    assert refused.json()["code"] == "too_many_safe_zones"


@pytest.mark.usefixtures("subscribed")
async def test_who_died_or_moved_out_is_watched_no_longer_unless_it_was_a_mistake(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene)
    await zones.report(client, scene, fix())
    async with unit_of_work() as session:
        await emit(
            session, ResidentClosed(aggregate_id=scene.resident.id, community_id=scene.community.id, reason="died")
        )
    await settle(relay.RELAY_JOBS)
    assert await zones.count("eldercare_position") == 0
    clock.advance(timedelta(hours=2))
    await zones.watch()
    assert await zones.signals() == []
    async with unit_of_work() as session:
        await emit(session, ResidentReopened(aggregate_id=scene.resident.id, community_id=scene.community.id))
    await settle(relay.RELAY_JOBS)
    await zones.watch()
    shown = (await client.get(f"{scene.path}/safe-zones/{zone['id']}", headers=await scene.as_daughter())).json()
    assert (shown["state"], shown["watch"]) == ("active", "watching")
    clock.advance(timedelta(minutes=30))
    await zones.watch()
    assert await zones.kinds() == ["position_unknown"]
