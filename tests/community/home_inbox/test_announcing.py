"""What hubs announce and report in one batch, what is kept at hand of it, and a whole quarter that comes back."""

import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.broker.api import Message
from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.event_tables import EventRecord
from app.core.tables import table_of
from community.home_care.models import INCIDENTS
from community.home_devices.models import DEVICES, ENTITIES
from community.home_inbox.rules import Known, routes_of
from community.home_inbox.service.followers import FOLLOWERS
from community.home_inbox.service.routing import RoutingCache
from community.home_inbox.service.taking import Inbox
from community.home_states.models import READINGS, STATES
from community.homes.models import HOMES, Home
from tests.community.home_inbox.conftest import Scene, state_of
from tests.factories import community_homes as homes
from tests.factories import identity

MINUTE = timedelta(minutes=1)
HOMES_AT_ONCE, EACH = 25, 20
"""Of a power cut, scaled down: 500 devices, each with a description and a state that the broker kept."""


def _config(name: str, **more: Any) -> str:
    return json.dumps(
        {
            "unique_id": name,
            "device_class": "smoke",
            "state_topic": f"zigbee2mqtt/{name}",
            "value_template": "{{ value_json.smoke }}",
            "payload_on": True,
            "payload_off": False,
            "device": {"identifiers": [f"id_{name}"], "name": name},
        }
        | more
    )


async def _count(table: sa.Table) -> int:
    async with reading() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


async def test_what_a_hub_announces_is_understood_in_the_same_batch(scene: Scene) -> None:
    (change,) = await scene.take(
        scene.at("homeassistant/binary_sensor/s1/config", _config("s1")),
        scene.at("zigbee2mqtt/s1", '{"smoke": true}'),
    )
    assert (change.new, change.device_class, change.is_fresh) == ("on", "smoke", False)
    (change,) = await scene.take(scene.at("zigbee2mqtt/s1", '{"smoke": false}'))
    assert (change.old, change.new, change.is_fresh) == ("on", "off", True)
    assert scene.inbox.is_urgent(scene.at("zigbee2mqtt/s1", '{"smoke": true}'))


async def test_an_entity_that_is_taken_out_is_not_heard_any_more(scene: Scene) -> None:
    await scene.take(scene.at("homeassistant/binary_sensor/s1/config", _config("s1")))
    await scene.take(scene.at("zigbee2mqtt/s1", '{"smoke": false}'))
    assert (
        await scene.take(
            scene.at("homeassistant/binary_sensor/s1/config", ""), scene.at("zigbee2mqtt/s1", '{"smoke": true}')
        )
        == []
    )


async def test_another_gateway_s_news_of_a_registry_is_heard_of(scene: Scene) -> None:
    other = Inbox()
    await other.take([scene.at("homeassistant/binary_sensor/s1/config", _config("s1"))])
    (change,) = await scene.take(scene.at("zigbee2mqtt/s1", '{"smoke": true}'))
    assert change.new == "on"


async def test_nothing_is_kept_at_hand_of_a_batch_that_failed(scene: Scene, monkeypatch: Any) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("out of order")

    with monkeypatch.context() as broken:
        broken.setattr("community.home_inbox.service.followers.FOLLOWERS", (fail,))
        config = scene.at("homeassistant/binary_sensor/s1/config", _config("s1"))
        told = scene.at("zigbee2mqtt/s1", '{"smoke": true}')
        try:
            await scene.inbox.take([config, told])
        except RuntimeError:
            pass
        else:
            raise AssertionError("it was taken")
    assert await scene.take(told) == []
    assert await _count(READINGS) == 3
    assert len(await scene.take(config, told)) == 1


async def test_no_more_is_kept_at_hand_than_there_is_room_for(scene: Scene) -> None:
    cache = RoutingCache(most=10)
    for number in range(30):
        cache.keep(f"home{number}", routes_of(1, ()))
    assert cache.weight == 10
    assert cache.peek("home29") is not None
    assert cache.peek("home19") is None
    cache.keep("home29", routes_of(2, ()))
    assert cache.weight == 10


def test_of_one_home_s_templates_no_more_is_made_ready_than_others_can_wait_for() -> None:
    def known(number: int, role: str | None, value_template: str) -> Known:
        home = clocks.new_id()
        config = {"state_topic": f"t/{number}", "value_template": value_template}
        at = f"homeassistant/sensor/t/{number}/config"
        thing = clocks.new_id()
        return Known(thing, home, home, home, home, "sensor", None, None, None, role, None, None, config, None, at)

    def calculating(number: int) -> str:
        return "{{ " + " + ".join(f"{number * 1000 + place}" for place in range(20)) + " }}"

    picking = [known(number, None, f"{{{{ value_json.v{number} }}}}") for number in range(3_000)]
    many = [known(number, None, calculating(number)) for number in range(3_000, 5_000)]
    alarm = known(5_000, "smoke", calculating(5_000))
    routes = routes_of(1, [*picking, *many, alarm])
    heard = [routes.by_topic[f"t/{number}"][0].reader.read(f"t/{number}", b'{"v7": 3}') for number in range(5_001)]
    assert heard[7]
    assert heard[5_000]
    assert 200 < sum(bool(one) for one in heard[3_000:5_000]) < 700
    left_out = [routes.by_topic[f"t/{number}"][0].reader.why_not for number in range(3_000, 5_000) if not heard[number]]
    assert all(why_not == {"too_many_templates": 1} for why_not in left_out)


async def test_what_makes_no_sense_changes_nothing(scene: Scene) -> None:
    before = await state_of(scene.warmth)
    for payload in ("", "warm", "NaN", "1e999", "[" * 10_000, "\x00", "{" + '"a":' * 50_000):
        assert [change for change in await scene.say(scene.warmth, payload) if change.number is not None] == []
    assert (await state_of(scene.warmth)).changed_at == before.changed_at
    odd = [
        "homes/",
        "homes//x",
        "",
        "x" * 60_000,
        f"homes/{scene.home.key}",
        f"homes/{scene.home.key}/",
        "homes/../../x/y",
    ]
    assert await scene.take(*(scene.at("x", "1")._replace(topic=topic) for topic in odd)) == []


async def _quarter(scene: Scene) -> list[Home]:
    place = await identity.community_of(await _account(scene))
    return [await homes.home(await identity.resident(place, name=f"R{number}")) for number in range(HOMES_AT_ONCE)]


async def _account(scene: Scene) -> Any:
    from app.core.database import unit_of_work  # noqa: PLC0415
    from app.identity.models import Account  # noqa: PLC0415

    async with unit_of_work() as session:
        return await session.get_one(Account, scene.grace.account_id)


def _everything(scene: Scene, quarter: list[Home], *, retained: bool) -> list[Message]:
    said: list[Message] = []
    for home in quarter:
        for number in range(EACH):
            name = f"s{number}"
            topic = f"homeassistant/binary_sensor/{name}/config"
            said.append(scene.at(topic, _config(name), retained=retained, home=home))
            # Every fourth one had noticed something when the power went.
            smoke = json.dumps({"smoke": number % 4 == 0})
            said.append(scene.at(f"zigbee2mqtt/{name}", smoke, retained=retained, home=home))
    return said


async def test_a_quarter_that_comes_back_after_a_power_cut_is_no_happening(scene: Scene, clock: ManualClock) -> None:
    quarter = await _quarter(scene)
    everything = _everything(scene, quarter, retained=True)
    started = time.monotonic()
    changes = await scene.take(*everything)
    first = time.monotonic() - started
    assert await _count(DEVICES) == HOMES_AT_ONCE * EACH + 1
    assert len(changes) == HOMES_AT_ONCE * EACH
    assert not any(change.is_fresh for change in changes)
    clock.advance(60 * MINUTE)
    started = time.monotonic()
    assert await scene.take(*_everything(scene, quarter, retained=True)) == []
    again = time.monotonic() - started
    assert await scene.take(*_everything(scene, quarter, retained=False)) == []
    # Not a measure of speed, but of its kind: what is known already costs less than what is new.
    assert again < max(first, 5.0)
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).where(STATES.c.is_fresh)) == 0


async def test_after_a_power_cut_nobody_is_called(scene: Scene, clock: ManualClock, monkeypatch: Any) -> None:
    monkeypatch.setattr("community.home_inbox.service.followers.FOLLOWERS", FOLLOWERS)
    quarter = await _quarter(scene)
    everything = [
        one._replace(payload=b'{"smoke": false}') if b'smoke": true' in one.payload else one
        for one in _everything(scene, quarter, retained=True)
    ]
    await scene.take(*everything)
    for home in quarter:
        await scene.take(scene.at("homeassistant/status", "offline", home=home))
    clock.advance(60 * MINUTE)
    await scene.take(*everything, *(scene.at("homeassistant/status", "online", home=home) for home in quarter))
    await scene.take(*(one._replace(is_retained=False) for one in everything))
    assert await _count(INCIDENTS) == 0
    async with reading() as connection:
        told = set(await connection.scalars(sa.select(table_of(EventRecord).c.name)))
    assert not told & {"community.home_noticed.v1", "community.home_active.v1"}


async def test_two_gateways_that_store_the_same_homes_at_once_wait_for_each_other_and_never_in_a_circle(
    scene: Scene, clock: ManualClock
) -> None:
    quarter = await _quarter(scene)
    await scene.take(*_everything(scene, quarter, retained=True))
    other = Inbox()
    for turn in range(6):
        clock.advance(MINUTE)
        said = [
            scene.at(f"zigbee2mqtt/s{number}", json.dumps({"smoke": (number + turn) % 2 == 0}), home=home)
            for home in quarter
            for number in range(EACH)
        ]
        await asyncio.gather(scene.inbox.take(said), other.take(list(reversed(said))))
    async with reading() as connection:
        states = (await connection.execute(sa.select(STATES.c.state, STATES.c.changed_at))).all()
        found = await connection.scalar(sa.select(sa.func.count()).select_from(ENTITIES))
        assert await connection.scalar(sa.select(sa.func.min(HOMES.c.last_seen_at))) is not None
    assert found == HOMES_AT_ONCE * EACH + 3
    assert len(states) == found
    assert clocks.now() in {changed_at for _, changed_at in states}
