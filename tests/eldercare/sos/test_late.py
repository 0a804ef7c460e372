"""Calls for help that arrive long after they were pressed: raised once, told as what they are, timed from arrival."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.sealing import seal
from app.identity.models import Resident
from eldercare.alarms.models import PLACE_CONTEXT, Alarm
from eldercare.alarms.rules import is_repetition, pressed_before, pressed_last
from notifications.delivery.models import Delivery
from tests.conftest import START
from tests.factories import eldercare_alarms as alarms
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

SOS = "/v1/me/sos"
KEY = "0194f8a0-0000-7000-8000-000000000001"


async def pressed(client: httpx.AsyncClient, resident: Resident, ago: timedelta, **more: Any) -> dict[str, Any]:
    """Call for help as of then; returns the alarm."""
    at = alarms.later(-ago.total_seconds())
    body = {"sos_id": KEY, "occurred_at": at.isoformat(), "countdown_seconds": 0, **more}
    answer = await client.post(SOS, headers=await sign_in_resident(resident), json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def variables() -> list[tuple[str, dict[str, Any]]]:
    """Return what was told, and of what it speaks."""
    statement = sa.select(col(Delivery.notice_key), col(Delivery.variables)).order_by(col(Delivery.id))
    async with reading() as connection:
        return [(key, values) for key, values in await connection.execute(statement)]


@pytest.mark.parametrize("ago", [timedelta(minutes=5), timedelta(hours=25), timedelta(days=12), timedelta(days=364)])
async def test_it_is_raised_the_moment_it_arrives_and_says_when_it_was_pressed(
    client: httpx.AsyncClient, clock: ManualClock, ago: timedelta
) -> None:
    scene = await alarms.scene()
    arrived, at = clock.now(), clock.now() - ago

    alarm = await pressed(client, scene.resident, ago)
    await alarms.climb()

    assert (instant(alarm["pressed_at"]), instant(alarm["raised_at"])) == (at, arrived)
    stored = await alarms.current(await one())
    # What follows is counted from its arrival, as of a call of now.
    assert stored.next_step_at == alarms.later(60)
    told = [one for one in await variables() if one[0] == "eldercare.alarm_step_late"]
    assert told
    assert {instant(values["pressed_at"]) for _, values in told} == {at}
    assert not [key for key, _ in await variables() if key == "eldercare.alarm_step"]
    desk = await client.get("/v1/duty-desk/queue", headers=await sign_in(scene.desk))
    assert instant(desk.json()["items"][0]["pressed_at"]) == at, desk.text


@pytest.mark.parametrize(
    "ago", [timedelta(), timedelta(minutes=4), timedelta(days=366), timedelta(days=9000), timedelta(minutes=-3)]
)
async def test_of_one_of_now_nothing_is_said_and_nonsense_is_now(client: httpx.AsyncClient, ago: timedelta) -> None:
    scene = await alarms.scene()
    alarm = await pressed(client, scene.resident, ago)
    await alarms.climb()
    assert alarm["pressed_at"] is None
    assert "eldercare.alarm_step" in [key for key, _ in await variables()]


async def test_however_late_and_often_it_is_told_of_it_is_one(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene()
    at = clock.now() - timedelta(days=2)
    first = await pressed(client, scene.resident, timedelta(days=2))
    await alarms.climb()
    await end(client, scene, first)
    for later in (timedelta(hours=1), timedelta(days=3)):
        clock.advance(later)
        again = await pressed(client, scene.resident, clock.now() - at + timedelta(seconds=4))
        assert (again["id"], again["state"]) == (first["id"], "resolved")
    assert await alarms.scalar("SELECT count(*) FROM eldercare_alarm_signal") == 1
    # An app that has only one key presses once more.
    assert (await pressed(client, scene.resident, timedelta(minutes=1)))["id"] != first["id"]


async def test_one_that_was_taken_back_is_over_when_it_arrives(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene()
    first = await pressed(client, scene.resident, timedelta(days=2), countdown_seconds=30)
    headers = await sign_in_resident(scene.resident)
    back = await client.post(f"/v1/alarms/{first['id']}/cancellation", headers=headers)
    assert back.status_code in (200, 204), back.text
    clock.advance(timedelta(days=1))
    late = await pressed(client, scene.resident, timedelta(days=3))
    assert (late["id"], late["state"]) == (first["id"], "cancelled")
    assert await alarms.climb() == 0


async def test_one_of_now_makes_it_one_of_now_and_an_old_one_says_so(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    at = clock.now() - timedelta(days=1)
    first = await pressed(client, scene.resident, timedelta(days=1))
    await alarms.climb()
    second = await pressed(client, scene.resident, timedelta(), sos_id=None)
    assert (second["id"], second["pressed_at"]) == (first["id"], None)
    clock.advance(timedelta(seconds=20))
    third = await pressed(client, scene.resident, timedelta(hours=30), sos_id=None)
    assert (third["id"], third["pressed_at"]) == (first["id"], None)
    again = [(key, values) for key, values in await variables() if "again" in key]
    assert {key for key, _ in again} == {"eldercare.alarm_again", "eldercare.alarm_again_late"}
    [said] = {values["pressed_at"] for key, values in again if key.endswith("late")}
    assert instant(said) == at - timedelta(hours=6) + timedelta(seconds=20)


async def test_the_place_says_how_old_it_is_and_gives_way_to_a_newer_one_alone(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    headers = await sign_in_resident(scene.resident)
    near, far = ({"latitude": spot, "longitude": 121.0, "accuracy": 9} for spot in (31.0, 32.0))

    async def shown(alarm: dict[str, Any]) -> tuple[float, datetime]:
        found = (await client.get(f"/v1/alarms/{alarm['id']}", headers=headers)).json()
        return found["place"]["latitude"], instant(found["place_at"])

    alarm = await pressed(client, scene.resident, timedelta(days=2), place=near)
    assert await shown(alarm) == (31.0, START - timedelta(days=2))
    await pressed(client, scene.resident, timedelta(days=3), place=far, sos_id=None)
    assert await shown(alarm) == (31.0, START - timedelta(days=2))
    await pressed(client, scene.resident, timedelta(hours=1), place=far, sos_id=None)
    assert await shown(alarm) == (32.0, START - timedelta(hours=1))


async def test_a_place_that_was_stored_without_its_time_is_as_old_as_its_alarm(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    alarm = await pressed(client, scene.resident, timedelta(), place={"latitude": 31.0, "longitude": 121.0})
    place = seal('{"latitude": 30.0, "longitude": 120.0, "accuracy": null}', PLACE_CONTEXT)
    async with unit_of_work() as session:
        await session.execute(sa.update(Alarm).values(place=place))
    headers = await sign_in_resident(scene.resident)
    found = (await client.get(f"/v1/alarms/{alarm['id']}", headers=headers)).json()
    assert (found["place"]["latitude"], instant(found["place_at"])) == (30.0, instant(alarm["raised_at"]))


async def one() -> Any:
    return await alarms.scalar("SELECT id FROM eldercare_alarm")


async def end(client: httpx.AsyncClient, scene: alarms.Scene, alarm: dict[str, Any]) -> None:
    """Let the desk see to an alarm and end it."""
    headers = await sign_in(scene.desk)
    taken = await client.post(f"/v1/alarms/{alarm['id']}/acknowledgement", headers=headers)
    assert taken.status_code < 300, taken.text
    done = await client.post(
        f"/v1/alarms/{alarm['id']}/resolution", headers=headers, json={"outcome": "false_alarm", "note": None}
    )
    assert done.status_code < 300, done.text


def test_what_is_late_and_what_is_the_same() -> None:
    now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    long_ago, closed = now - timedelta(days=2), now - timedelta(days=1)
    assert pressed_before("sos", now - timedelta(minutes=5), now) == now - timedelta(minutes=5)
    assert pressed_before("sos", now - timedelta(minutes=4, seconds=59), now) is None
    assert pressed_before("fall", long_ago, now) is None
    assert pressed_last(long_ago, closed) == closed == pressed_last(closed, long_ago)
    assert pressed_last(long_ago, None) is None is pressed_last(None, long_ago)
    assert is_repetition(long_ago + timedelta(seconds=15), long_ago, closed, now)
    assert not is_repetition(long_ago + timedelta(seconds=16), long_ago, closed, now)
    assert is_repetition(now, long_ago, None, now)
    assert is_repetition(now, long_ago, now - timedelta(minutes=10), now)
