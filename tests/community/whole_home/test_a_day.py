"""A day at home, from a hub that is connected over HTTP to a phone that rings: broker, gateway, workers, provider."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.core.database import reading
from app.demo.simulated_days import DAY, DEVICES
from app.identity.models import Account
from eldercare.alarms.models import Severity
from tests.community.whole_home.conftest import Body, House, on_the_wall
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import identity
from tests.factories.eldercare_home_watch import alarms

TUESDAY: Final = datetime(2026, 3, 3, tzinfo=UTC)
FALL: Final = time(14, 41)
"""A minute after somebody went to the bathroom."""
MINUTE: Final = timedelta(minutes=1)


async def _lives(house: House, since: time, until: time) -> None:
    """Let the day go on from one moment to before another."""
    for moment in DAY:
        if since <= moment.at < until:
            house.clock.set(on_the_wall(TUESDAY, moment.at))
            await house.listens(TUESDAY)
            await house.says(house.hub.change(moment.device, moment.becomes))


async def _set_up(house: House) -> tuple[Body, Body]:
    """Set up the home as its resident does; return it, and what its hub signs in with."""
    home = await house.ask(
        "POST",
        "/me/homes",
        {"name": "Flat", "addressing": "bridged", "time_zone": "UTC", "lives_alone": True},
        expect=201,
    )
    credentials = await house.ask("POST", f"/homes/{home['id']}/credentials", expect=201)
    await house.until(house.clock.now() + MINUTE)
    assert (await house.ask("GET", f"/homes/{home['id']}"))["provisioned_at"] is not None
    return home, credentials


async def _entities(house: House, home: Body) -> dict[tuple[str, str], Body]:
    """Return what the home's devices have, by device and role."""
    devices = {one["id"]: one for one in (await house.ask("GET", f"/homes/{home['id']}/devices?limit=100"))["items"]}
    rooms = {one["id"]: one for one in (await house.ask("GET", f"/homes/{home['id']}/rooms"))["items"]}
    assert {one["name"] for one in devices.values()} == {*(one.name for one in DEVICES), "Stove plug", "Thermostat"}
    assert all(
        rooms[one["room_id"]]["name"] == wanted.room
        for wanted in DEVICES
        for one in devices.values()
        if one["name"] == wanted.name
    )
    assert {one["kind"] for one in rooms.values()} == {"bedroom", "bathroom", "hall", "kitchen", "living_room"}
    found = (await house.ask("GET", f"/homes/{home['id']}/entities?limit=100"))["items"]
    return {(devices[one["device_id"]]["name"], str(one["role"])): one for one in found}


async def _state(house: House, home: Body, entity: Body) -> Body:
    states = (await house.ask("GET", f"/homes/{home['id']}/states"))["items"]
    (found,) = (one for one in states if one["entity_id"] == entity["id"])
    return dict(found)


async def test_a_home_is_lived_in_from_morning_to_night_and_a_fall_reaches_somebody(house: House) -> None:
    resident = house.scene.resident
    son = await identity.account(house.scene.community, name="Son", phone="+8613800000009")
    await identity.grant(resident, son, ["home:activity"])
    home, credentials = await _set_up(house)
    async with house.at_the_broker(credentials):
        await house.says(house.hub.announce())
        entities = await _entities(house, home)
        assert {"smoke", "water", "fall", "sos_button", "bed", "door", "lock", "stove"} <= {
            role for _, role in entities
        }
        plan = await check_ins.plan(resident, starts_on=TUESDAY.date(), **check_ins.PASSIVE)

        await _lives(house, time(0), time(7))
        assert not any(one.state == "answered" for one in await check_ins.check_ins(resident))
        await _lives(house, time(7), time(12))
        (first, *_) = [one for one in await check_ins.check_ins(resident) if one.plan_id == plan.id]
        assert (first.state, first.how) == ("answered", "home")
        assert house.sink.messages == []
        await _command(house, home, entities["Hall light", "light"])
        await _lives(house, time(12), FALL)
        await _statistics(house, home, entities["Living room climate", "temperature"])
        assert (await alarms(), house.sink.messages) == ([], [])

        await _falls(house, entities["Bathroom fall", "fall"])
        await _lives(house, time(15), time(23, 59))
        await house.until(TUESDAY + timedelta(days=1, hours=5))
    await _family_sees(house, home, son)
    assert len(await alarms()) == 1


async def _command(house: House, home: Body, light: Body) -> None:
    """Turn the light on from the app: it is done when the home says so."""
    given = await house.ask(
        "POST",
        f"/home-entities/{light['id']}/commands",
        {"command": "turn_on", "arguments": {"brightness": 90}},
        expect=201,
    )
    await house.obeys()
    assert (await house.ask("GET", f"/home-commands/{given['id']}"))["state"] == "confirmed"
    state = await _state(house, home, light)
    assert (state["state"], state["attributes"]["brightness"]) == ("on", 90)


async def _statistics(house: House, home: Body, warmth: Body) -> None:
    """The living room is 21.4 degrees warm since nine; whole hours of it are summed up."""
    assert (await _state(house, home, warmth))["number"] == 21.4
    await house.until(house.clock.now())
    path = f"/home-entities/{warmth['id']}"
    hours = (await house.ask("GET", f"{path}/statistics?period=hour"))["items"]
    assert hours[-1]["mean"] == 21.4
    (before,) = (one for one in hours if one["starts_at"].startswith("2026-03-03T08"))
    assert before["mean"] == 20.6
    points = (await house.ask("GET", f"{path}/history"))["points"]
    assert {one["number"] for one in points} == {20.6, 21.4}


async def _falls(house: House, detector: Body) -> None:
    """Somebody falls and does not get up: the first is called, then the second, who goes there."""
    house.clock.set(on_the_wall(TUESDAY, FALL))
    await house.says(house.hub.happen("fall"))
    assert await alarms() == [("fall", Severity.HIGH, "raised", None)]
    assert [_rung(message) for message in house.sink.messages] == [("fid-1", "alarms")]
    (alarm,) = (await house.ask("GET", f"/residents/{house.scene.resident.id}/alarms", by=house.scene.circle[0]))[
        "items"
    ]
    path = f"/alarms/{alarm['id']}"
    [signal] = (await house.ask("GET", path, by=house.scene.circle[0]))["signals"]
    evidence = {name: signal["evidence"][name] for name in ("noticed", "room", "entity_id")}
    assert evidence == {"noticed": "fall", "room": "bathroom", "entity_id": detector["id"]}
    await house.says(house.hub.change("Bathroom fall", {"fall": False}))  # it resets; whoever lies there does not
    for _ in range(5):
        await house.until(house.clock.now() + MINUTE)
    assert await alarms() == [("fall", Severity.CRITICAL, "raised", None)]
    assert {"fid-1", "fid-2"} <= {_rung(message)[0] for message in house.sink.messages}
    await house.ask("POST", f"{path}/acknowledgement", by=house.scene.circle[1])
    await house.ask("POST", f"{path}/arrival", by=house.scene.circle[1])
    await house.ask("POST", f"{path}/resolution", {"outcome": "helped"}, by=house.scene.circle[1])
    await house.until(house.clock.now())
    told = len(house.sink.messages)
    await house.until(house.clock.now() + 5 * MINUTE)
    assert len(house.sink.messages) == told
    assert await alarms() == [("fall", Severity.CRITICAL, "resolved", "helped")]


async def _alarm() -> Any:
    async with reading() as connection:
        return await connection.scalar(sa.text("SELECT id FROM eldercare_alarm"))


def _rung(message: Any) -> tuple[str, str]:
    return message["fid"], message["data"]["category"]


async def _family_sees(house: House, home: Body, son: Account) -> None:
    """How the day went, and no event, device or value of it."""
    path = f"/residents/{house.scene.resident.id}/home-activity?day={TUESDAY:%Y-%m-%d}"
    (day,) = (await house.ask("GET", path, by=son))["items"]
    assert (day["home_id"], day["is_over"], day["first_movement"], day["night_bathroom_visits"]) == (
        home["id"],
        True,
        "07:12",
        1,
    )
    lively = {one["kind"] for one in day["rooms"] if any(one["quarters"])}
    assert lively == {"bedroom", "bathroom", "hall", "kitchen", "living_room"}
    (kitchen,) = (one for one in day["rooms"] if one["kind"] == "kitchen")
    assert kitchen["quarters"][7 * 4 + 2] > 0
    assert not any(kitchen["quarters"][: 7 * 4])
    await house.ask("GET", f"/homes/{home['id']}/states", by=son, expect=403)
