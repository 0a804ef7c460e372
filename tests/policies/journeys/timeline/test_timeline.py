"""The timeline over HTTP: all of it in order, page by page, and to each reader what they may see."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.problems import NotFound
from app.policies.journeys.timeline.access import require_reader
from app.policies.journeys.timeline.rules.kinds import KINDS, SCOPE_OF, SCOPES
from app.policies.journeys.timeline.schemas import Wanted
from app.policies.journeys.timeline.views import export
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_vitals as vitals
from tests.factories import identity
from tests.factories.lived import Lived, force, items
from tests.factories.sign_in import client_headers, device_headers, sign_in, sign_in_resident

ORDER = list(reversed(KINDS))
"""The fixture's history happens in the order of the kinds; the list has the latest first."""


async def test_it_tells_everything_the_latest_first(client: httpx.AsyncClient, lived: Lived) -> None:
    told = await items(client, await sign_in_resident(lived.resident))
    assert [item["kind"] for item in told] == ORDER
    assert [item["at"] for item in told] == sorted((item["at"] for item in told), reverse=True)
    by_kind = {item["kind"]: item for item in told}
    assert by_kind["check_in_answered"]["data"]["answer"] == "ok"
    assert by_kind["alarm_raised"]["id"] == by_kind["alarm_closed"]["id"]
    assert by_kind["alarm_raised"]["data"]["alarm"] == "check_in_missed"
    assert by_kind["dose_skipped"]["data"]["reason"] == "unwell"
    assert by_kind["circle_left"]["data"]["account_id"] == str(lived.relative.id)
    assert by_kind["reading"]["data"] == {
        "code": "8867-4",
        "name": "heart_rate",
        "value": 72.0,
        "unit": "/min",
        "side": None,
    }


async def test_pages_follow_each_other_without_gap_or_repeat(client: httpx.AsyncClient, lived: Lived) -> None:
    headers = await sign_in_resident(lived.resident)
    # Everything at one instant: only ids and kinds put it in order then.
    await force("UPDATE eldercare_alarm SET closed_at = raised_at")
    await force("UPDATE eldercare_visit SET completed_at = started_at WHERE completed_at IS NOT NULL")
    found: list[tuple[str, str]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await client.get("/v1/me/timeline", headers=headers, params={"limit": 2, **cursor})).json()
        found += [(item["kind"], item["id"]) for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(set(found)) == len(found)
    assert sorted(kind for kind, _ in found) == sorted(KINDS)


async def test_it_is_filtered_by_kind_and_time(client: httpx.AsyncClient, lived: Lived) -> None:
    headers = await sign_in_resident(lived.resident)
    doses = await items(client, headers, kind=["dose_taken", "dose_missed"])
    assert [item["kind"] for item in doses] == ["dose_missed", "dose_taken"]
    first, last = doses[1]["at"], doses[0]["at"]
    between = await items(client, headers, **{"from": first, "to": last})
    assert [item["kind"] for item in between] == ["dose_skipped", "dose_taken"]
    refused = await client.get("/v1/me/timeline", headers=headers, params={"kind": "gossip"})
    assert refused.status_code == 422


async def test_what_lies_ahead_is_not_told(client: httpx.AsyncClient, lived: Lived, clock: ManualClock) -> None:
    ahead = clock.now() + timedelta(days=1)
    await force(
        "UPDATE eldercare_absence SET starts_at = :at, ends_at = :end, ended_at = NULL",
        at=ahead,
        end=ahead + timedelta(days=1),
    )
    told = await items(client, await sign_in_resident(lived.resident))
    assert not {item["kind"] for item in told} & {"pause_started", "pause_ended"}
    clock.set(ahead)
    told = await items(client, await sign_in_resident(lived.resident))
    assert told[0]["kind"] == "pause_started"


@pytest.mark.parametrize("scope", SCOPES)
async def test_each_right_shows_its_kinds_and_no_other(client: httpx.AsyncClient, lived: Lived, scope: str) -> None:
    await identity.grant(lived.resident, lived.relative, [scope])
    told = await items(client, await sign_in(lived.relative), f"/v1/residents/{lived.resident.id}/timeline")
    assert [item["kind"] for item in told] == [kind for kind in ORDER if SCOPE_OF[kind] == scope]


async def test_asking_for_a_kind_one_may_not_see_shows_nothing_of_it(client: httpx.AsyncClient, lived: Lived) -> None:
    await identity.grant(lived.resident, lived.relative, ["visits:read"])
    path = f"/v1/residents/{lived.resident.id}/timeline"
    assert await items(client, await sign_in(lived.relative), path, kind="dose_taken") == []


async def test_nobody_reads_without_a_right(client: httpx.AsyncClient, lived: Lived) -> None:
    path = f"/v1/residents/{lived.resident.id}/timeline"
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers=await sign_in(lived.relative))).status_code == 404
    await identity.grant(lived.resident, lived.relative, ["home:control"])
    assert (await client.get(path, headers=await sign_in(lived.relative))).status_code == 403
    assert (await client.get(path, headers=await device_headers(lived.resident))).status_code == 403
    stranger = await identity.operator(await identity.community(name="Hillside"))
    assert (await client.get(path, headers=await sign_in(stranger))).status_code == 404
    assert (await client.get("/v1/me/timeline", headers=await sign_in(stranger))).status_code == 404


async def test_a_machine_sees_what_its_key_is_for(client: httpx.AsyncClient, lived: Lived) -> None:
    headers = await client_headers(lived.agency, ["check_ins:read"])
    told = await items(client, headers, f"/v1/residents/{lived.resident.id}/timeline")
    assert {SCOPE_OF[item["kind"]] for item in told} == {"check_ins:read"}


async def test_an_end_of_the_right_ends_the_reading(
    client: httpx.AsyncClient, lived: Lived, clock: ManualClock
) -> None:
    await identity.grant(lived.resident, lived.relative, ["visits:read"], expires_at=clock.now() + timedelta(hours=1))
    path = f"/v1/residents/{lived.resident.id}/timeline"
    assert await items(client, await sign_in(lived.relative), path)
    clock.advance(timedelta(hours=2))
    assert (await client.get(path, headers=await sign_in(lived.relative))).status_code == 404


async def test_others_reading_is_put_on_record(client: httpx.AsyncClient, lived: Lived) -> None:
    await identity.grant(lived.resident, lived.relative, ["visits:read"])
    await items(client, await sign_in_resident(lived.resident))
    assert await traces() == []
    await items(client, await sign_in(lived.relative), f"/v1/residents/{lived.resident.id}/timeline")
    assert await traces() == [(lived.relative.id, lived.resident.id)]


async def traces() -> list[tuple[Any, ...]]:
    async with reading() as connection:
        rows = await connection.execute(
            sa.text("SELECT actor_id, resident_id FROM core_audit_entry WHERE action = 'timeline:list'")
        )
        return [tuple(row) for row in rows]


async def test_texts_are_in_the_readers_language(client: httpx.AsyncClient, lived: Lived) -> None:
    headers = await sign_in_resident(lived.resident)
    english = {item["kind"]: item["text"] for item in await items(client, headers)}
    assert english["alarm_raised"] == "Alarm: a check-in was not answered."
    assert english["reading"] == "Heart rate: 72 /min."
    chinese = {item["kind"]: item["text"] for item in await items(client, headers | {"Accept-Language": "zh-CN"})}
    assert chinese["alarm_raised"] == "警报：未回应平安签到。"
    assert not set(chinese.values()) & set(english.values())


async def test_of_other_residents_it_tells_nothing(client: httpx.AsyncClient, lived: Lived) -> None:
    neighbour = await identity.resident(lived.place, name="Walter", phone="+8613800000009")
    assert await items(client, await sign_in_resident(neighbour)) == []


async def test_a_late_answer_stands_beside_what_was_missed(client: httpx.AsyncClient, lived: Lived) -> None:
    await force(
        "UPDATE eldercare_check_in SET state = 'answered', answer = 'ok', late = true, answered_at = :at"
        " WHERE state = 'missed'",
        at=lived.start + timedelta(hours=5),
    )
    told = await items(client, await sign_in_resident(lived.resident), kind=["check_in_answered", "check_in_missed"])
    assert [item["text"] for item in told] == [
        "Answered the check-in late: all is well.",
        "Did not answer the check-in.",
        "Answered the check-in: all is well.",
    ]


async def test_of_readings_it_tells_the_first_of_a_day_and_those_outside_the_limits(
    client: httpx.AsyncClient, lived: Lived, clock: ManualClock
) -> None:
    headers = await sign_in_resident(lived.resident)
    limits = await vitals.threshold(lived.resident, set_at=lived.start)
    morning = lived.start.replace(hour=0, minute=0) + timedelta(days=400)
    for hours, value in ((7, 80.0), (8, 81.0), (9, 130.0), (10, 40.0), (11, 90.0), (24 + 7, 79.0), (24 + 8, 78.0)):
        await vitals.reading(lived.resident, value, measured_at=morning + timedelta(hours=hours))
    await force("UPDATE eldercare_vital_threshold SET ended_at = :at", at=morning + timedelta(hours=10, minutes=30))
    await vitals.reading(lived.resident, 135.0, measured_at=morning + timedelta(hours=12))
    assert limits.high == 120
    clock.set(morning + timedelta(days=3))
    headers = await sign_in_resident(lived.resident)
    told = await items(client, headers, kind="reading")
    assert [(item["data"]["value"], item["data"]["side"]) for item in told] == [
        (79.0, None),
        (40.0, "low"),
        (130.0, "high"),
        (80.0, None),
        (72.0, None),
    ]
    assert told[1]["text"] == "Heart rate: 40 /min, below the agreed limits."
    page = (await client.get("/v1/me/timeline", headers=headers, params={"kind": "reading", "limit": 2})).json()
    rest = await items(client, headers, kind="reading", cursor=page["next"], limit=2)
    assert [item["data"]["value"] for item in rest] == [130.0, 80.0]
    since = datetime.isoformat(morning + timedelta(hours=8, minutes=30))
    assert [item["data"]["value"] for item in await items(client, headers, kind="reading", **{"from": since})] == [
        79.0,
        40.0,
        130.0,
    ]


async def test_who_measures_seldom_is_told_of_all_of_it(
    client: httpx.AsyncClient, lived: Lived, clock: ManualClock
) -> None:
    began = lived.start.replace(hour=0, minute=0) + timedelta(days=1)
    days = [0, 1, 150, 239, 240, 241, 330, 331, 400]
    for day in days:
        for hour in (0, 9):  # of a day only the first is told, wherever the recent past begins
            await vitals.reading(lived.resident, 60.0 + hour, measured_at=began + timedelta(days=day, hours=hour))
    await force("UPDATE eldercare_alarm SET closed_at = :at", at=began + timedelta(days=100))
    clock.set(began + timedelta(days=330, hours=4))
    headers = await sign_in_resident(lived.resident)
    for limit in (1, 2, 3, 5, 100):
        found: list[str] = []
        cursor: dict[str, Any] | None = {}
        while cursor is not None:
            query = {"limit": limit, "kind": ["reading", "alarm_closed"], **cursor}
            page = (await client.get("/v1/me/timeline", headers=headers, params=query)).json()
            found += [item["at"] for item in page["items"]]
            cursor = {"cursor": page["next"]} if page["next"] else None
        told = sorted((began + timedelta(days=day) for day in (*days[1:-2], 100)), reverse=True)
        assert [datetime.fromisoformat(at) for at in found][: len(told)] == told


async def test_a_file_breaks_off_when_the_last_right_is_lost(
    client: httpx.AsyncClient, lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    given = await identity.grant(lived.resident, lived.relative, ["check_ins:read", "alarms:read"])
    actor = alarms.actor_of(lived.relative)
    async with reading() as connection:
        reader = await require_reader(connection, actor, lived.resident.id)
    wanted = Wanted(since=lived.start, until=lived.start + timedelta(days=30))
    whole = b"".join([chunk async for chunk in export.care_record(reader, wanted)])
    assert (whole.count(b",alarm_"), whole.count(b",check_in_")) == (2, 2)
    chunks = export.care_record(reader, wanted)
    told = await anext(chunks) + await anext(chunks)
    await force("UPDATE identity_grant SET revoked_at = :at WHERE id = :id", at=lived.start, id=given.id)
    with pytest.raises(NotFound):
        await anext(chunks)
    assert whole.startswith(told)


async def test_no_cell_of_a_file_begins_as_a_formula_does(client: httpx.AsyncClient, lived: Lived) -> None:
    await force("UPDATE eldercare_circle_member SET relationship = '=1+1', called = '@SUM(A1)'")
    bounds = {"from": lived.start.isoformat(), "to": (lived.start + timedelta(days=30)).isoformat()}
    answer = await client.get("/v1/me/timeline/record", params=bounds, headers=await sign_in_resident(lived.resident))
    lines = list(csv.reader(io.StringIO(answer.text)))
    assert "=1+1" in answer.text
    assert not [cell for line in lines for cell in line if cell.startswith(tuple("=+-@\t\r"))]
