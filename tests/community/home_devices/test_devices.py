"""Devices over HTTP: shown to who may, named and placed by who manages, and never overwritten by the hub."""

from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from community.home_devices.schemas import DeviceFact
from community.home_devices.service import note_device_facts
from community.home_inbox.views import entities_of
from community.homes.views import homes_by_id
from notifications.inbox.models import InboxItem
from tests.community.home_devices.conftest import Hub, sensor
from tests.factories import community_homes, identity, sign_in


class Asking:
    """Somebody who asks about a home."""

    def __init__(self, client: httpx.AsyncClient, hub: Hub, headers: dict[str, str]) -> None:
        self._client, self._path, self._headers = client, f"/v1/homes/{hub.home.id}", headers

    async def __call__(self, method: str, path: str, body: Any = None, *, expect: int = 200, version: int = 0) -> Any:
        """Ask, and return what is answered."""
        headers = self._headers | ({"If-Match": f'"{version}"'} if version else {})
        answer = await self._client.request(method, f"{self._path}/{path}", json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None


@pytest_asyncio.fixture(loop_scope="session")
async def ask(client: httpx.AsyncClient, hub: Hub) -> Asking:
    return Asking(client, hub, await sign_in.sign_in_resident(hub.resident))


async def somebody(client: httpx.AsyncClient, hub: Hub, *scopes: str) -> Asking:
    """Return somebody whom the holder lets have ``scopes``."""
    person = await identity.account(await identity.community_of(await _account(hub)), name="Ann")
    if scopes:
        await identity.grant(hub.resident, person, scopes)
    return Asking(client, hub, await sign_in.sign_in(person))


async def _account(hub: Hub) -> Any:
    from app.identity.models import Account  # noqa: PLC0415

    async with unit_of_work() as session:
        return await session.get_one(Account, hub.resident.account_id)


async def told() -> list[str]:
    """Return what people were told."""
    async with reading() as connection:
        return list(await connection.scalars(sa.select(table_of(InboxItem).c.notice_key)))


async def test_who_may_see_what_a_home_has(client: httpx.AsyncClient, hub: Hub, ask: Asking) -> None:
    await hub.say(sensor("a"), sensor("b"))
    first = await ask("GET", "devices?limit=1")
    second = await ask("GET", f"devices?limit=1&cursor={first['next']}")
    assert (len(first["items"]), len(second["items"]), second["next"]) == (1, 1, None)
    assert len((await ask("GET", "entities"))["items"]) == 2
    for scopes, expect in ((["home:read"], 200), (["home:manage"], 200), (["home:activity"], 403), ([], 404)):
        other = await somebody(client, hub, *scopes)
        await other("GET", "devices", expect=expect)


async def test_what_people_say_of_a_device_stays(hub: Hub, ask: Asking) -> None:
    await hub.say(sensor("a", device={"name": "0x01"}, device_class="door"))
    [device] = (await ask("GET", "devices"))["items"]
    room = await ask("POST", "rooms", {"name": "Eingang"}, expect=201)
    assert room["kind"] == "entrance"
    path = f"devices/{device['id']}"
    await ask("PATCH", path, {"given_name": "X"}, expect=412, version=99)
    said = {"given_name": "Window by the stairs", "room_id": room["id"]}
    shown = await ask("PATCH", path, said, version=device["version"])
    assert (shown["name"], shown["room_id"], shown["entities"][0]["role"]) == (said["given_name"], room["id"], "window")
    await hub.say(sensor("a", device={"name": "0x02", "suggested_area": "Kitchen"}, device_class="door"))
    shown = await ask("GET", path)
    assert (shown["name"], shown["room_id"]) == (said["given_name"], room["id"])
    other = await community_homes.room(await community_homes.home(hub.resident))
    await ask("PATCH", path, {"room_id": str(other.id)}, expect=422)


async def test_a_role_that_was_given_holds_until_it_is_taken_back(hub: Hub, ask: Asking) -> None:
    await hub.say(sensor("a", device_class="door"))
    [entity] = (await ask("GET", "entities"))["items"]
    path = f"entities/{entity['id']}"
    given = await ask("PATCH", path, {"role": "bed"}, version=entity["version"])
    assert (given["role"], given["is_role_given"]) == ("bed", True)
    await hub.say(sensor("a", device_class="window"))
    assert (await ask("GET", "entities"))["items"][0]["role"] == "bed"
    back = await ask("PATCH", path, {"role": None})
    assert (back["role"], back["is_role_given"]) == ("window", False)


async def test_rooms_are_changed_and_removed(hub: Hub, ask: Asking) -> None:
    await hub.say(sensor("a", component="sensor", device_class="temperature", device={"suggested_area": "Balcony"}))
    [room] = (await ask("GET", "rooms"))["items"]
    [entity] = (await ask("GET", "entities"))["items"]
    assert (room["kind"], entity["role"]) == ("balcony", "other")
    assert (await ask("POST", "rooms", {"name": "balcony"}, expect=409))["code"] == "room_exists"
    await ask("PATCH", f"rooms/{room['id']}", {"name": "Study", "kind": "other"}, version=room["version"])
    assert (await ask("GET", "entities"))["items"][0]["role"] == "temperature"
    await ask("DELETE", f"rooms/{room['id']}", expect=204)
    assert (await ask("GET", "devices"))["items"][0]["room_id"] is None


async def test_a_device_that_was_taken_out_comes_back_when_it_is_described_again(hub: Hub, ask: Asking) -> None:
    await hub.say(sensor("a"))
    [device] = (await ask("GET", "devices"))["items"]
    await ask("DELETE", f"devices/{device['id']}", expect=204)
    assert (await ask("GET", "devices"))["items"] == []
    assert [one["id"] for one in (await ask("GET", "devices?with_removed=true"))["items"]] == [device["id"]]
    await hub.say(sensor("a"))
    assert [one["id"] for one in (await ask("GET", "devices"))["items"]] == [device["id"]]


async def test_why_a_device_does_not_appear_is_shown(hub: Hub, ask: Asking) -> None:
    await hub.say(("homeassistant/sensor/odd/config", b"{"))
    assert [(one["topic"], one["code"]) for one in (await ask("GET", "refusals"))["items"]] == [
        ("homeassistant/sensor/odd/config", "not_json")
    ]
    await hub.say(sensor("odd", component="sensor"))
    assert (await ask("GET", "refusals"))["items"] == []


async def test_gateways_know_whose_topics_are_whose(hub: Hub) -> None:
    await hub.say(sensor("a", device_class="door", expire_after=60))
    async with reading() as connection:
        before = (await homes_by_id(connection, [hub.home.id]))[hub.home.id].registry_version
        [known] = (await entities_of(connection, [hub.home.id]))[hub.home.id]
    assert (known.role, known.expire_after, known.config["state_topic"]) == ("door", timedelta(seconds=60), "hub/a")
    await hub.say(sensor("b"))
    async with reading() as connection:
        assert (await homes_by_id(connection, [hub.home.id]))[hub.home.id].registry_version > before


async def test_a_low_battery_is_told_of_once_until_it_is_replaced(hub: Hub, clock: ManualClock) -> None:
    await hub.say(sensor("a"))
    [device] = await hub.devices()

    async def note(battery: int | None, **more: Any) -> None:
        clock.advance(timedelta(minutes=1))
        async with unit_of_work() as session:
            await note_device_facts(session, [DeviceFact(device.id, clocks.now(), battery, **more)])

    for battery in (14, 13, None, 12):
        await note(battery, link_quality=70)
    assert await told() == ["community.home_battery_low"]
    [noted] = await hub.devices()
    assert (noted.battery, noted.link_quality, noted.last_seen_at, noted.version) == (
        12,
        70,
        clocks.now(),
        device.version,
    )
    await note(100)
    await note(10)
    assert len(await told()) == 2
