"""Not knowing where somebody is: silence, vague fixes and a low battery are told once, and never look normal."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.due import drain
from eldercare.check_ins.models import Outage
from eldercare.safe_zones import jobs
from eldercare.safe_zones.service import watching
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_zones as zones
from tests.factories import identity
from tests.factories.eldercare_zones import fix

pytestmark = pytest.mark.usefixtures("clock")
HALF_AN_HOUR = timedelta(minutes=30)


async def location(client: httpx.AsyncClient, scene: zones.Scene) -> dict[str, Any]:
    answer = await client.get(f"{scene.path}/location", headers=await scene.as_daughter())
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def pass_time(clock: ManualClock, by: timedelta) -> None:
    """Let the worker look whenever something is due while time passes."""
    end = clock.now() + by
    while clock.now() < end:
        clock.set(min(end, clock.now() + timedelta(minutes=5)))
        await zones.watch()


async def test_silence_is_told_once_and_ends_with_a_usable_fix(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    await zones.report(client, scene, fix())
    await zones.watch()
    assert (await location(client, scene))["state"] == "known"
    await pass_time(clock, timedelta(minutes=25))
    assert await zones.signals() == []
    await pass_time(clock, timedelta(minutes=10))
    (signal,) = await zones.signals()
    assert (signal["kind"], signal["severity"], signal["origin_kind"]) == ("position_unknown", 1, "position_tracking")
    assert signal["evidence"]["reason"] == "silent"
    assert len(signal["evidence"]["position_ids"]) == 1
    shown = await location(client, scene)
    assert (shown["state"], shown["reason"]) == ("unknown", "silent")
    await pass_time(clock, timedelta(hours=6))
    assert await zones.kinds() == ["position_unknown"]
    await zones.report(client, scene, fix())
    shown = await location(client, scene)
    assert (shown["state"], shown["reason"]) == ("known", None)
    await pass_time(clock, HALF_AN_HOUR)
    assert await zones.kinds() == ["position_unknown", "position_unknown"]  # another silence


async def test_a_silence_that_is_looked_at_again_is_the_same_one(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    await pass_time(clock, HALF_AN_HOUR)
    await zones.set_zone(client, scene, name="The park")
    assert await zones.watch() == 1
    await zones.report(client, scene, fix(accuracy=3_000))
    await zones.set_zone(client, scene, name="The lake")
    assert await zones.watch() == 1
    assert await zones.kinds() == ["position_unknown"]


async def test_a_tracker_that_never_sent_anything_is_silent(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    await zones.watch()
    shown = await location(client, scene)
    assert (shown["state"], shown["position"]) == ("unknown", None)
    await pass_time(clock, HALF_AN_HOUR)
    assert await zones.kinds() == ["position_unknown"]


async def test_fixes_that_are_too_vague_do_not_end_a_silence(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    await zones.report(client, scene, fix())
    for _ in range(3):
        await pass_time(clock, timedelta(minutes=10))
        await zones.report(client, scene, fix(accuracy=3_000))
    await zones.watch()
    (signal,) = await zones.signals()
    assert (signal["kind"], signal["evidence"]["reason"]) == ("position_unknown", "imprecise")
    shown = await location(client, scene)
    assert (shown["state"], shown["reason"]) == ("unknown", "imprecise")
    assert shown["position"]["place"]["accuracy"] == 3_000  # shown, and said to be no knowledge


async def test_a_vague_fix_far_outside_is_leaving_and_no_silence(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    await pass_time(clock, timedelta(minutes=25))
    await zones.report(client, scene, fix(30_000, accuracy=3_000))
    await pass_time(clock, timedelta(minutes=20))
    assert await zones.kinds() == ["wandering"]


async def test_a_phone_that_is_charged_does_not_hide_nor_repeat_that_the_tracker_is_not(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    for device, battery in (("tracker", 12), ("phone", 90), ("tracker", 11), ("phone", 90), ("tracker", 10)):
        await zones.report(client, scene, fix(battery=battery), device=device)
        await zones.watch()
        clock.advance(timedelta(minutes=1))
    assert await zones.kinds() == ["position_unknown"]
    for battery in (80, 12):
        await zones.report(client, scene, fix(battery=battery), device="tracker")
        await zones.watch()
        clock.advance(timedelta(minutes=1))
    assert await zones.kinds() == ["position_unknown"] * 2


async def test_a_low_battery_is_told_once_until_it_was_charged(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    for battery in (40, 15, 14, 16, 13):
        await zones.report(client, scene, fix(battery=battery))
        await pass_time(clock, timedelta(minutes=5))
    (signal,) = await zones.signals()
    assert (signal["kind"], signal["evidence"]["reason"]) == ("position_unknown", "battery_low")
    assert (await location(client, scene))["battery"] == 13
    for battery in (80, 12):
        await zones.report(client, scene, fix(battery=battery))
        await pass_time(clock, timedelta(minutes=5))
    assert await zones.kinds() == ["position_unknown", "position_unknown"]


async def test_silence_out_of_hours_means_nothing_and_counts_from_when_the_zone_begins(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    evenings = [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "start": "20:00", "end": "23:00"}]
    await zones.set_zone(client, scene, hours=evenings)
    await pass_time(clock, timedelta(hours=12, minutes=25))  # 20:25
    assert await zones.signals() == []
    await pass_time(clock, timedelta(minutes=10))
    assert await zones.kinds() == ["position_unknown"]
    await pass_time(clock, timedelta(hours=5))
    assert await zones.kinds() == ["position_unknown"]
    assert (await location(client, scene))["state"] == "unknown"  # no zone is in force, and still nothing is known
    clock.set(datetime(2026, 3, 3, 20, 0, tzinfo=UTC))
    await zones.watch()
    await pass_time(clock, HALF_AN_HOUR)
    assert await zones.kinds() == ["position_unknown", "position_unknown"]


async def test_who_is_away_may_be_silent_and_is_watched_soon_after_coming_home_early(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    pause = await check_ins.pause(scene.resident, clock.now() + timedelta(days=3))
    await pass_time(clock, timedelta(hours=5))
    assert await zones.signals() == []
    await client.delete(f"/v1/me/check-in-pauses/{pause.id}", headers=await scene.as_resident())
    await pass_time(clock, timedelta(minutes=20))
    assert await zones.signals() == []
    await pass_time(clock, HALF_AN_HOUR)
    assert await zones.kinds() == ["position_unknown"]


async def test_a_zone_that_is_paused_watches_no_silence(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene)
    url = f"{scene.path}/safe-zones/{zone['id']}/pause"
    until = (clock.now() + timedelta(hours=3)).isoformat()
    await client.post(url, headers=await scene.as_daughter(), json={"until": until})
    await pass_time(clock, timedelta(hours=2))
    assert await zones.signals() == []
    resumed = await client.delete(url, headers=await scene.as_daughter())
    assert resumed.json()["watch"] == "watching"
    await zones.watch()
    await pass_time(clock, timedelta(minutes=25))
    assert await zones.signals() == []
    await pass_time(clock, timedelta(minutes=5))
    assert await zones.kinds() == ["position_unknown"]


async def test_time_in_which_nothing_could_reach_us_is_given_back(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    begun = clock.now()
    outage = Outage(
        id=clocks.new_id(),
        part="api",
        started_at=begun + timedelta(minutes=10),
        ended_at=begun + timedelta(minutes=22),
    )
    async with unit_of_work() as session:
        session.add(outage)
    await pass_time(clock, timedelta(minutes=40))
    assert await zones.signals() == []
    await pass_time(clock, timedelta(minutes=5))
    assert await zones.kinds() == ["position_unknown"]


async def test_silence_joins_an_alarm_that_is_open_and_calls_nobody_again(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    alarm = await alarms.raised(scene.resident)
    await zones.set_zone(client, scene)
    await pass_time(clock, HALF_AN_HOUR)
    (_, joined) = await _all_signals()
    assert (joined.kind, joined.alarm_id) == ("position_unknown", alarm.id)


async def _all_signals() -> list[sa.Row[Any]]:
    async with unit_of_work() as session:
        statement = sa.text("SELECT kind, alarm_id FROM eldercare_alarm_signal ORDER BY id")
        return list(await session.execute(statement))


async def test_two_workers_tell_everyone_once(client: httpx.AsyncClient, clock: ManualClock) -> None:
    first = await zones.scene()
    residents = [first.resident]
    for number in range(11):
        one = await identity.resident(first.community, phone=f"+861390000{number:04}")
        await identity.grant(one, first.daughter, ["location:read"])
        residents.append(one)
    for resident in residents:
        await zones.zone(resident)
    await zones.watch()
    clock.advance(HALF_AN_HOUR)
    await asyncio.gather(*(drain(jobs.LOOK, watching.look_at, batch=3) for _ in range(3)))
    assert await zones.kinds() == ["position_unknown"] * 12
    assert await zones.count("eldercare_alarm") == 12
