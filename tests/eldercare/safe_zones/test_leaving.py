"""Leaving a zone and coming back: who is called, on what evidence, and what a vague or stray fix does not do."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_zones as zones
from tests.factories.eldercare_zones import fix
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("clock")


async def test_leaving_raises_an_alarm_with_the_last_path_as_evidence(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene)
    await zones.report(client, scene, fix())
    clock.advance(timedelta(minutes=10))
    await zones.report(client, scene, fix(400, minutes=-2), fix(500))
    (signal,) = await zones.signals()
    assert (signal["kind"], signal["severity"], signal["state"]) == ("wandering", 3, "raised")
    assert (signal["origin_kind"], str(signal["origin_id"])) == ("safe_zone", zone["id"])
    path = (await client.get(f"{scene.path}/positions", headers=await scene.as_daughter())).json()["items"]
    assert signal["evidence"] == {
        "zone_id": zone["id"],
        "zone_kind": "stay_inside",
        "position_ids": [item["id"] for item in path],
    }
    assert len(path) == 3
    shown = (await client.get(f"{scene.path}/safe-zones/{zone['id']}", headers=await scene.as_daughter())).json()
    assert (shown["side"], shown["watch"]) == ("left", "watching")


async def test_one_stray_fix_calls_nobody(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    await zones.report(client, scene, fix(0, minutes=-2), fix(900, minutes=-1), fix(0))
    assert await zones.signals() == []


async def test_a_fix_whose_error_circle_reaches_the_zone_is_no_leaving(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene, needed=1, looked_at=1)
    clock.advance(timedelta(minutes=10))
    await zones.report(client, scene, fix(450, accuracy=160, minutes=-1))  # 150 m outside, 160 m unsure
    assert await zones.signals() == []
    shown = (await client.get(f"{scene.path}/safe-zones/{zone['id']}", headers=await scene.as_daughter())).json()
    assert shown["side"] == "unknown"  # nor is it taken for being at home
    await zones.report(client, scene, fix(450, accuracy=140))
    assert await zones.kinds() == ["wandering"]


async def test_a_cell_tower_far_away_tells_that_somebody_has_left(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    await zones.report(client, scene, fix(20_000, accuracy=5_000))
    assert await zones.kinds() == ["wandering"]


async def test_a_polygon_is_left_like_a_circle(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, shape=zones.square(600), needed=1, looked_at=1)
    clock.advance(timedelta(minutes=1))
    await zones.report(client, scene, fix(290, minutes=-0.5))
    assert await zones.signals() == []
    await zones.report(client, scene, fix(320))
    assert await zones.kinds() == ["wandering"]


async def test_a_place_to_keep_out_of_calls_on_entering(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    pond = {"kind": "circle", "centre": {"latitude": 31.24, "longitude": 121.47}, "radius": 50}
    zone = await zones.set_zone(client, scene, kind="keep_out", shape=pond, needed=1, looked_at=1)
    clock.advance(timedelta(minutes=10))
    await zones.report(client, scene, fix(0, minutes=-2))
    assert await zones.signals() == []
    await zones.report(client, scene, {**fix(), "latitude": 31.24})
    (signal,) = await zones.signals()
    assert signal["evidence"]["zone_kind"] == "keep_out"
    assert str(signal["origin_id"]) == zone["id"]


async def test_somebody_who_stays_away_is_called_for_once_and_again_after_hours(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    for _ in range(5):
        clock.advance(timedelta(minutes=5))
        await zones.report(client, scene, fix(900))
    assert await zones.kinds() == ["wandering"]
    clock.advance(timedelta(hours=4))
    await zones.report(client, scene, fix(900, minutes=-5), fix(900))
    found = await zones.signals()
    assert [signal["kind"] for signal in found] == ["wandering", "wandering"]
    assert len({signal["alarm_id"] for signal in found}) == 1  # it joins the open alarm


async def test_leaving_joins_an_alarm_that_is_open(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    alarm = await alarms.raised(scene.resident)
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    await zones.report(client, scene, fix(900))
    assert await _signals_of(alarm.id) == ["check_in_missed", "wandering"]
    assert await zones.count("eldercare_alarm") == 1


async def _signals_of(alarm_id: object) -> list[str]:
    async with reading() as connection:
        statement = sa.text("SELECT kind FROM eldercare_alarm_signal WHERE alarm_id = :id ORDER BY id")
        return list(await connection.scalars(statement, {"id": alarm_id}))


async def test_coming_back_ends_no_alarm_and_is_written_on_it(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene)
    clock.advance(timedelta(minutes=10))
    await zones.report(client, scene, fix(900, minutes=-2), fix(900, minutes=-1))
    (signal,) = await zones.signals()
    clock.advance(timedelta(minutes=10))
    await zones.report(client, scene, fix(10, minutes=-1), fix(10))
    answer = await client.get(f"/v1/alarms/{signal['alarm_id']}", headers=await scene.as_daughter())
    alarm = answer.json()
    assert alarm["state"] == "raised"
    (line,) = [line for line in alarm["timeline"] if line["kind"] == "returned"]
    assert line["data"]["zone_id"] == zone["id"]
    shown = (await client.get(f"{scene.path}/safe-zones", headers=await scene.as_daughter())).json()
    assert shown["items"][0]["side"] == "kept"
    assert await _facts() == ["eldercare.safe_zone_left.v1", "eldercare.safe_zone_returned.v1"]


async def _facts() -> list[str]:
    async with reading() as connection:
        statement = sa.text("SELECT name FROM core_event WHERE name LIKE 'eldercare.safe_zone%' ORDER BY id")
        return list(await connection.scalars(statement))


async def test_a_walk_that_is_over_when_it_is_reported_calls_nobody(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    clock.advance(timedelta(hours=1))
    walk = [fix(900, minutes=-30), fix(950, minutes=-28), fix(10, minutes=-5), fix(10)]
    await zones.report(client, scene, *walk)
    assert await zones.signals() == []


async def test_hours_are_heeded_by_the_time_of_the_fix(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    nights = [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "start": "22:00", "end": "06:00"}]
    zone = await zones.set_zone(client, scene, hours=nights, time_zone="Europe/Berlin", needed=1, looked_at=1)
    assert zone["watch"] == "outside_hours"
    await zones.report(client, scene, fix(900))  # 09:00 in Berlin
    assert await zones.signals() == []
    clock.set(datetime(2026, 3, 2, 21, 30, tzinfo=UTC))
    await zones.report(client, scene, fix(900, at=datetime(2026, 3, 2, 20, 59, tzinfo=UTC)))
    assert await zones.signals() == []
    await zones.report(client, scene, fix(900, at=datetime(2026, 3, 2, 21, 0, tzinfo=UTC)))
    assert await zones.kinds() == ["wandering"]


async def test_whoever_is_still_away_when_the_hours_begin_again_is_called_for_anew(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    evenings = [{"weekdays": [1], "start": f"{hour}:00", "end": f"{hour}:30"} for hour in (20, 21)]
    await zones.set_zone(client, scene, hours=evenings, needed=1, looked_at=1)
    for hour in (20, 21):
        clock.set(datetime(2026, 3, 2, hour, 10, tzinfo=UTC))
        await zones.report(client, scene, fix(900))
    assert await zones.kinds() == ["wandering", "wandering"]


async def test_nobody_is_called_while_the_resident_is_in_hospital(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene, needed=1, looked_at=1)
    pause = await check_ins.pause(scene.resident, clock.now() + timedelta(days=3), kind="hospital")
    clock.advance(timedelta(minutes=5))
    await zones.report(client, scene, fix(9_000))
    assert await zones.signals() == []
    shown = (await client.get(f"{scene.path}/safe-zones/{zone['id']}", headers=await scene.as_daughter())).json()
    assert shown["watch"] == "hospital"
    answer = await client.delete(f"/v1/me/check-in-pauses/{pause.id}", headers=await scene.as_resident())
    assert answer.status_code == 200
    clock.advance(timedelta(minutes=5))
    await zones.report(client, scene, fix(9_000))
    assert await zones.kinds() == ["wandering"]


async def test_a_paused_zone_calls_nobody_until_the_pause_is_over(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene, needed=1, looked_at=1)
    pause = f"{scene.path}/safe-zones/{zone['id']}/pause"
    until = (clock.now() + timedelta(hours=2)).isoformat()
    paused = await client.post(pause, headers=await scene.as_daughter(), json={"until": until})
    assert (paused.status_code, paused.json()["watch"]) == (200, "paused")
    clock.advance(timedelta(hours=1))
    await zones.report(client, scene, fix(900))
    assert await zones.signals() == []
    clock.advance(timedelta(hours=1, minutes=1))
    await zones.report(client, scene, fix(900))
    assert await zones.kinds() == ["wandering"]
    too_long = (clock.now() + timedelta(days=31)).isoformat()
    refused = await client.post(pause, headers=await scene.as_daughter(), json={"until": too_long})
    assert refused.status_code == 422


async def test_two_batches_at_once_call_once(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene)
    clock.advance(timedelta(minutes=10))
    headers = await scene.as_resident()
    batch = {"positions": [fix(900, minutes=-2), fix(900, minutes=-1)], "device": "watch"}
    other = {"positions": [fix(905, minutes=-1.5), fix(905, minutes=-0.5)], "device": "phone"}
    answers = await asyncio.gather(
        *(client.post("/v1/me/positions", headers=headers, json=body) for body in (batch, other, batch, other))
    )
    assert sorted(answer.json()["stored"] for answer in answers) == [0, 0, 2, 2]
    assert await zones.kinds() == ["wandering"]
    assert await zones.count("eldercare_position") == 4


async def test_a_locked_screen_says_nothing_of_places(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    await zones.report(client, scene, fix(900))
    assert await alarms.climb() > 0
    async with reading() as connection:
        told = (
            await connection.execute(sa.text("SELECT notice_key, variables, data FROM notifications_delivery"))
        ).all()
    assert {row.notice_key for row in told} == {
        "eldercare.alarm_step",
        "eldercare.alarm_access_opened",
        "eldercare.zone_set",
    }
    said = b"".join(orjson.dumps({**row.variables, **row.data}) for row in told)
    assert b"31.2" not in said
    assert b"Home" not in said


async def test_whoever_is_called_to_search_may_see_where_the_resident_was(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    desk = await sign_in(scene.desk)
    before = await client.get(f"{scene.path}/location", headers=desk)
    assert before.status_code == 403
    await zones.report(client, scene, fix(900))
    await alarms.climb()
    clock.advance(timedelta(minutes=10))
    await alarms.climb()
    found = await client.get(f"{scene.path}/location", headers=await sign_in(scene.desk))
    assert found.status_code == 200
    assert found.json()["position"]["place"]["accuracy"] == 10


async def test_what_was_before_a_zone_was_set_is_not_judged_by_it(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    await zones.report(client, scene, fix(900, minutes=-1))
    assert await zones.signals() == []
    assert await zones.count("eldercare_position") == 1


async def test_a_fix_that_comes_late_does_not_speak_for_the_present(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene, needed=1, looked_at=1)
    clock.advance(timedelta(minutes=30))
    await zones.report(client, scene, fix(0))
    await zones.report(client, scene, fix(900, minutes=-10), device="another")
    assert await zones.signals() == []
    shown = (await client.get(f"{scene.path}/safe-zones/{zone['id']}", headers=await scene.as_daughter())).json()
    assert shown["side"] == "kept"


async def test_what_was_in_hospital_or_in_a_pause_is_not_judged_afterwards(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    zone = await zones.set_zone(client, scene, needed=1, looked_at=1)
    await check_ins.pause(scene.resident, clock.now() + timedelta(hours=2), kind="hospital")
    clock.advance(timedelta(hours=3))
    until = (clock.now() + timedelta(hours=1)).isoformat()
    url = f"{scene.path}/safe-zones/{zone['id']}/pause"
    assert (await client.post(url, headers=await scene.as_daughter(), json={"until": until})).status_code == 200
    clock.advance(timedelta(hours=2))
    await zones.report(client, scene, fix(900, minutes=-240), fix(900, minutes=-90))
    assert await zones.count("eldercare_position") == 2
    assert await zones.signals() == []
    await zones.report(client, scene, fix(900, minutes=-30))
    assert await zones.kinds() == ["wandering"]


async def test_coming_back_after_the_alarm_was_ended_is_no_news_of_it(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await zones.scene()
    await zones.set_zone(client, scene, needed=1, looked_at=1)
    await zones.report(client, scene, fix(900))
    (signal,) = await zones.signals()
    alarm = f"/v1/alarms/{signal['alarm_id']}"
    desk = await sign_in(scene.desk)
    assert (await client.post(f"{alarm}/acknowledgement", headers=desk, json={})).is_success
    assert (await client.post(f"{alarm}/resolution", headers=desk, json={"outcome": "helped"})).is_success
    clock.advance(timedelta(minutes=5))
    await zones.report(client, scene, fix(0))
    told = (await client.get(alarm, headers=await scene.as_daughter())).json()
    assert [line["kind"] for line in told["timeline"]][-1] == "resolved"
    clock.advance(timedelta(minutes=5))
    await zones.report(client, scene, fix(900))
    assert len({one["alarm_id"] for one in await zones.signals()}) == 2  # leaving anew is a new alarm
