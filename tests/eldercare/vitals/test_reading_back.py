"""Reading back: pages, the latest of each code, lines for charts, trends, corrections; and who leaves a trace."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from eldercare.vitals.views import readings as views
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity
from tests.factories.eldercare_vitals import Scene, given
from tests.factories.sign_in import sign_in_resident

pytestmark = pytest.mark.usefixtures("clock")

MINE = "/v1/me/vitals"


async def recorded(client: httpx.AsyncClient, scene: Scene, readings: Iterable[dict[str, Any]]) -> list[str]:
    answer = await client.post(MINE, headers=scene.as_resident, json={"readings": list(readings)})
    assert answer.status_code == 201, answer.text
    return list(answer.json()["ids"])


def ago(clock: ManualClock, **time: float) -> str:
    return (clock.now() - timedelta(**time)).isoformat()


async def get(client: httpx.AsyncClient, scene: Scene, path: str, headers: dict[str, str] | None = None) -> Any:
    answer = await client.get(path, headers=headers or scene.as_resident)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_pages_lead_through_all_codes_from_the_latest_on(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    kinds = [(72, "8867-4", "/min"), (97, "2708-6", "%"), (36.6, "8310-5", "Cel")]
    ids = await recorded(
        client, scene, (given(*kinds[hour % 3], measured_at=ago(clock, hours=hour)) for hour in range(25))
    )
    found: list[str] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = await get(client, scene, f"{MINE}?limit=7" + (f"&cursor={page['next']}" if page["next"] else ""))
        found += [one["id"] for one in page["items"]]
    assert found == ids

    pulses = (await get(client, scene, f"{MINE}?code=8867-4&limit=100"))["items"]
    assert [one["id"] for one in pulses] == ids[::3]
    window = f"{MINE}?from={ago(clock, hours=10)}&to={ago(clock, hours=5)}&limit=100".replace("+", "%2B")
    assert [one["id"] for one in (await get(client, scene, window))["items"]] == ids[6:11]


async def test_who_measures_seldom_has_whole_pages(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    days = [1, 2, 30, 31, 32, 90, 91, 180, 181, 700]
    ids = await recorded(client, scene, (given(72, "8867-4", "/min", measured_at=ago(clock, days=day)) for day in days))
    for limit in (2, 3, 4, 9, 100):
        found: list[str] = []
        page: dict[str, Any] = {"next": ""}
        while page["next"] is not None:
            query = f"?limit={limit}" + (f"&cursor={page['next']}" if page["next"] else "")
            page = await get(client, scene, MINE + query)
            found += [one["id"] for one in page["items"]]
        assert found == ids


async def test_a_page_of_another_list_is_no_cursor(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    for path in (f"{MINE}?cursor=abc", f"{MINE}?code=none", f"{MINE}/series?code=67775-7", f"{MINE}/trend?code=0"):
        assert (await client.get(path, headers=scene.as_resident)).status_code == 422, path


async def test_times_before_computers_are_just_empty(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    await recorded(client, scene, [given(72)])
    for path in (MINE, f"{MINE}/series"):
        time = "code=8867-4&from=1900-01-01T00:00:00Z&to=1900-02-01T00:00:00Z"
        found = await get(client, scene, f"{path}?{time}")
        assert found.get("items", found.get("points")) == []
    assert len((await get(client, scene, f"{MINE}?from=1900-01-01T00:00:00Z&to=2199-01-01T00:00:00Z"))["items"]) == 1


async def test_the_latest_is_what_was_measured_last_not_what_came_last(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    await recorded(client, scene, [given(72, measured_at=ago(clock, hours=1)), given(98, "59408-5", "%")])
    await recorded(client, scene, [given(80, measured_at=ago(clock, days=2))])
    latest = {one["name"]: one for one in (await get(client, scene, f"{MINE}/latest"))["items"]}
    assert {name: one["value"] for name, one in latest.items()} == {"heart_rate": 72, "oxygen_saturation": 98}
    # Without limits there is nothing to say.
    assert {one["status"] for one in latest.values()} == {"unknown"}


async def test_a_status_needs_limits_a_fresh_reading_and_somebody_responsible(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    await vitals.threshold(scene.resident)
    await vitals.threshold(scene.resident, code="2339-0", low=70.0, high=180.0)

    async def told() -> dict[str, str]:
        headers = await sign_in_resident(scene.resident)
        items = (await get(client, scene, f"{MINE}/latest", headers))["items"]
        return {one["name"]: one["status"] for one in items}

    assert await told() == {"heart_rate": "unknown", "blood_glucose": "unknown"}
    await recorded(client, scene, [given(72)])
    assert await told() == {"heart_rate": "within", "blood_glucose": "unknown"}
    clock.advance(timedelta(minutes=1))
    await recorded(client, scene, [given(130)])
    assert (await told())["heart_rate"] == "outside"
    clock.advance(timedelta(minutes=1))
    await recorded(client, scene, [given(80)])
    assert (await told())["heart_rate"] == "within"
    clock.advance(timedelta(hours=24, seconds=1))
    assert (await told())["heart_rate"] == "unknown"


async def test_without_somebody_responsible_nothing_is_called_normal(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene(responsible=False)
    await vitals.threshold(scene.resident)
    await recorded(client, scene, [given(72)])
    (one,) = (await get(client, scene, f"{MINE}/latest"))["items"]
    assert one["status"] == "unknown"


async def test_a_line_has_as_many_points_as_a_chart_needs_and_tells_how_many_there_are(
    client: httpx.AsyncClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await vitals.scene()
    values = [70 + place % 10 for place in range(600)]
    values[333] = 170
    readings = [given(value, measured_at=ago(clock, minutes=600 - place)) for place, value in enumerate(values)]
    await recorded(client, scene, readings)
    line = await get(client, scene, f"{MINE}/series?code=8867-4&points=50")
    assert (line["count"], line["minimum"], line["maximum"], line["unit"]) == (600, 70, 170, "/min")
    assert len(line["points"]) == 50
    told = [point["at"].replace("Z", "+00:00") for point in line["points"]]
    assert (told[0], told[-1]) == (readings[0]["measured_at"], readings[-1]["measured_at"])
    assert 170 in [point["value"] for point in line["points"]]
    assert told == sorted(told)

    empty = await get(client, scene, f"{MINE}/series?code=29463-7")
    assert (empty["count"], empty["minimum"], empty["points"]) == (0, None, [])
    whole = await get(client, scene, f"{MINE}/series?code=8867-4&points=1000")
    assert [point["value"] for point in whole["points"]] == values
    assert (await client.get(f"{MINE}/series?code=8867-4&points=2", headers=scene.as_resident)).status_code == 422
    long = f"{MINE}/series?code=8867-4&from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"
    assert (await client.get(long, headers=scene.as_resident)).status_code == 422


async def test_a_line_of_very_many_readings_is_drawn_from_their_extremes(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    statement = sa.text(
        """
        INSERT INTO eldercare_vital_reading (id, resident_id, code, value, measured_at, received_at, source_kind,
            source_id, status)
        SELECT CAST(lpad(to_hex(CAST(extract(epoch FROM at) * 1000 AS bigint)), 12, '0') || '70008000000000000000'
               AS uuid), :resident, '8867-4', CASE WHEN n = 12345 THEN 222 ELSE 70 + n % 7 END, at, at, 'device',
               :resident, 'final'
        FROM generate_series(1, 25000) n,
             LATERAL (SELECT CAST(:now AS timestamptz) - make_interval(mins => 25000 - n) AS at) t"""
    )
    async with unit_of_work() as session:
        await session.execute(statement, {"resident": scene.resident.id, "now": clock.now()})
    line = await get(client, scene, f"{MINE}/series?code=8867-4&points=200")
    assert views.MOST_RAW < 25_000
    assert (line["count"], line["maximum"], len(line["points"])) == (25_000, 222, 200)
    assert 222 in [point["value"] for point in line["points"]]
    assert line["points"][-1]["at"] == "2026-03-02T08:00:00Z"


async def test_a_trend_is_told_per_day_and_only_of_enough_days(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    few = [given(70 + day * 0.25, "29463-7", "kg", measured_at=ago(clock, days=20 - day)) for day in range(4)]
    await recorded(client, scene, few)
    trend = await get(client, scene, f"{MINE}/trend?code=29463-7")
    assert (trend["status"], trend["slope"], trend["days"]) == ("unknown", None, 4)

    more = [given(70 + day * 0.25, "29463-7", "kg", measured_at=ago(clock, days=20 - day)) for day in range(4, 15)]
    wild = [given(200, "29463-7", "kg", measured_at=ago(clock, days=13, hours=1), device="wild")]
    await recorded(client, scene, more + wild)
    trend = await get(client, scene, f"{MINE}/trend?code=29463-7")
    assert (trend["status"], trend["unit"], trend["days"]) == ("known", "kg", 15)
    assert trend["slope"] == pytest.approx(0.25, abs=0.02)
    assert trend["first_day"] == "2026-02-10"
    assert (await get(client, scene, f"{MINE}/trend?code=29463-7&days=7"))["status"] == "unknown"


async def test_a_wrong_reading_stays_and_says_so(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    right, wrong = await recorded(client, scene, [given(72, measured_at=ago(clock, hours=1)), given(172)])
    answer = await client.post(f"{MINE}/{wrong}/correction", headers=scene.as_resident, json={"reason": "not my watch"})
    assert answer.status_code == 201, answer.text
    corrected = answer.json()["corrected"]
    assert (corrected["status"], corrected["error_reason"]) == ("entered-in-error", "not my watch")
    assert corrected["corrected_by"] == str(scene.resident.account_id)
    assert answer.json()["replacement"] is None
    assert "watch" not in str((await vitals.stored(wrong)).error_reason)

    listed = (await get(client, scene, MINE))["items"]
    assert [(one["id"], one["value"], one["status"]) for one in listed] == [
        (wrong, 172, "entered-in-error"),
        (right, 72, "final"),
    ]
    (latest,) = (await get(client, scene, f"{MINE}/latest"))["items"]
    assert (latest["reading_id"], latest["value"]) == (right, 72)
    assert (await get(client, scene, f"{MINE}/series?code=8867-4"))["count"] == 1
    # Its device sends it again: it is known, and stays wrong.
    assert await get(client, scene, f"{MINE}/{wrong}") == corrected
    again = await client.post(MINE, headers=scene.as_resident, json={"readings": [given(172)]})
    assert again.json()["duplicates"] == 1
    assert (await get(client, scene, f"{MINE}/latest"))["items"][0]["value"] == 72
    twice = await client.post(f"{MINE}/{wrong}/correction", headers=scene.as_resident, json={"reason": "again"})
    assert (twice.status_code, twice.json()["code"]) == (409, "already_corrected")


async def test_what_was_meant_takes_the_place_of_what_was_typed(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await vitals.scene()
    (wrong,) = await recorded(client, scene, [given(172)])
    path = f"{MINE}/{wrong}/correction"
    bad = {"reason": "typed", "replacement": {"value": 5, "unit": "mmol/L"}}
    assert (await client.post(path, headers=scene.as_resident, json=bad)).status_code == 422
    assert (await vitals.stored(wrong)).status == "final"

    data = {"reason": "typed", "replacement": {"value": 72, "unit": "/min"}}
    made = (await client.post(path, headers=scene.as_resident, json=data)).json()
    assert (made["replacement"]["value"], made["replacement"]["replaces"]) == (72, wrong)
    assert made["replacement"]["measured_at"] == made["corrected"]["measured_at"]
    (latest,) = (await get(client, scene, f"{MINE}/latest"))["items"]
    assert latest["reading_id"] == made["replacement"]["id"]


async def test_the_only_reading_that_was_wrong_leaves_nothing_known(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    (wrong,) = await recorded(client, scene, [given(172)])
    await client.post(f"{MINE}/{wrong}/correction", headers=scene.as_resident, json={"reason": "the dog's"})
    assert (await get(client, scene, f"{MINE}/latest"))["items"] == []


async def test_a_reading_of_somebody_else_is_not_found_under_ones_own(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    other = await identity.resident(scene.community, name="Walter")
    theirs = await vitals.reading(other)
    data = {"reason": "not mine"}
    assert (await client.post(f"{MINE}/{theirs}/correction", headers=scene.as_resident, json=data)).status_code == 404
    assert (await vitals.stored(theirs)).status == "final"
    assert (await client.get(f"{MINE}/{theirs}", headers=scene.as_resident)).status_code == 404
    assert (await get(client, scene, MINE))["items"] == []


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("vitals", "vitals:list"),
        ("vitals/latest", "vitals:latest"),
        ("vitals/series?code=8867-4", "vitals:series"),
        ("vitals/trend?code=8867-4", "vitals:trend"),
        ("vital-thresholds", "vital_threshold:list"),
        ("early-warning-score", "early_warning_score:read"),
    ],
)
async def test_others_leave_a_trace_and_the_resident_none(
    client: httpx.AsyncClient, clock: ManualClock, path: str, action: str
) -> None:
    scene = await vitals.scene()
    counting = f"SELECT count(*) FROM core_audit_entry WHERE action = '{action}'"
    await client.get(f"/v1/me/{path}", headers=scene.as_resident)
    assert await alarms.scalar(counting) == 0
    assert (await client.get(f"{scene.path}/{path}", headers=scene.as_clinician)).status_code == 200
    assert await alarms.scalar(f"{counting} AND resident_id = :one", one=scene.resident.id) == 1
