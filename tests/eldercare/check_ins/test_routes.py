"""Check-ins over HTTP: who may, what it looks like, and what bad input gets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.paging import Page
from app.identity.models import Community, Resident
from eldercare.check_ins.schemas import CheckInPublic
from tests.factories import eldercare_check_ins as made
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("database", "subscribed")
PLAN: dict[str, Any] = {"times": ["08:30"], "starts_on": "2026-01-01", "time_zone": "UTC"}


async def rows(sql: str) -> list[tuple[Any, ...]]:
    async with reading() as connection:
        return [tuple(row) for row in await connection.execute(sa.text(sql))]


async def force(sql: str, **binds: object) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.text(sql), binds)


async def open_check_in(resident: Resident, clock: ManualClock) -> str:
    """Let a check-in be open, as if its prompt had reached the phone."""
    await made.plan(resident)
    first = (await made.check_ins(resident))[0]
    clock.set(first.due_at)
    await force(
        "UPDATE eldercare_check_in SET state = 'prompted', next_prompt_at = NULL, prompted_at = due_at,"
        " asked_at = due_at, answer_by = due_at + interval '30 minutes' WHERE id = :id",
        id=first.id,
    )
    return str(first.id)


async def test_a_plan_from_agreeing_to_ending(client: httpx.AsyncClient, resident: Resident) -> None:
    headers = await sign_in_resident(resident)
    created = await client.post("/v1/me/check-in-plans", json=PLAN, headers=headers)
    assert created.status_code == 201, created.text
    plan = created.json()
    assert (plan["times"], plan["answer_window"], plan["reminders"], plan["severity"]) == (
        ["08:30"],
        "PT30M",
        ["PT15M"],
        "medium",
    )
    url = f"/v1/me/check-in-plans/{plan['id']}"
    etag = created.headers["ETag"]
    changed = await client.put(url, json=PLAN | {"times": ["09:00", "21:00"]}, headers=headers | {"If-Match": etag})
    assert changed.status_code == 200, changed.text
    stale = await client.put(url, json=PLAN, headers=headers | {"If-Match": etag})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    shown = await client.get(url, headers=headers)
    assert (shown.json(), shown.headers["ETag"]) == (changed.json(), changed.headers["ETag"])
    versions = (await client.get(f"{url}/versions", headers=headers)).json()["items"]
    assert [version["times"] for version in versions] == [["09:00", "21:00"], ["08:30"]]
    assert (await client.delete(url, headers=headers)).status_code == 204
    listed = (await client.get("/v1/me/check-in-plans", headers=headers)).json()["items"]
    assert [item["state"] for item in listed] == ["ended"]
    assert (await client.put(url, json=PLAN, headers=headers)).json()["code"] == "check_in_plan_ended"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"times": ["25:00"]}, "/body/times/0"),
        ({"times": ["8:30"]}, "/body/times/0"),
        ({"times": ["08:30:30"]}, "/body/times/0"),
        ({"times": []}, "/body/times"),
        ({"times": ["08:30", "08:30"]}, "/body/times"),
        ({"times": [f"{hour:02}:00" for hour in range(9)]}, "/body/times"),
        ({"weekdays": [1] * 400}, "/body/weekdays"),
        ({"weekdays": [0]}, "/body/weekdays/0"),
        ({"weekdays": ["monday"]}, "/body/weekdays/0"),
        ({"time_zone": "Mars/Olympus"}, "/body/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/body/time_zone"),
        ({"starts_on": "2026-02-30"}, "/body/starts_on"),
        ({"starts_on": "1026-02-01"}, "/body"),
        ({"ends_on": "2025-12-31"}, "/body"),
        ({"answer_window": "PT1M"}, "/body/answer_window"),
        ({"answer_window": "P2D"}, "/body/answer_window"),
        ({"reminders": ["PT30M"]}, "/body"),
        ({"reminders": ["-PT5M"]}, "/body"),
        ({"rrule": "FREQ=SECONDLY"}, "/body/rrule"),
        ({"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "/body/rrule"),
        ({"questions": [{"key": "own", "kind": "text"}]}, "/body/questions/0"),
        ({"questions": [{"key": "q", "kind": "mood"}, {"key": "q", "kind": "pain"}]}, "/body"),
        ({"severity": "critical"}, "/body/severity"),
        ({"channel": "pigeon"}, "/body/channel"),
        ({"told": ["not-an-id"]}, "/body/told/0"),
        ({"passive_wait": "PT1H"}, "/body"),
        ({"passive_before": "PT1H"}, "/body"),
        ({"passive_before": "PT5M", "passive_wait": "PT5M"}, "/body"),
        ({"passive_before": "PT1H", "passive_wait": "PT0S"}, "/body/passive_wait"),
        ({"passive_before": "-PT1H", "passive_wait": "PT2H"}, "/body/passive_before"),
        ({"passive_before": "PT5H", "passive_wait": "PT2H"}, "/body/passive_before"),
        ({"passive_before": "PT1H", "passive_wait": "PT1H", "channel": "visit"}, "/body"),
        ({"resident_id": "x"}, "/body/resident_id"),
    ],
)
async def test_what_no_plan_can_say(
    client: httpx.AsyncClient, resident: Resident, wrong: dict[str, Any], pointer: str
) -> None:
    headers = await sign_in_resident(resident)
    refused = await client.post("/v1/me/check-in-plans", json=PLAN | wrong, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]
    assert await rows("SELECT id FROM eldercare_check_in_plan") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_at": None},
        {"ends_at": "2026-03-09T08:00:00"},
        {"ends_at": "2026-03-01T08:00:00Z"},
        {"ends_at": "2027-03-01T08:00:00Z"},
        {"starts_at": "2026-02-20T08:00:00Z", "ends_at": "2026-03-09T08:00:00Z"},
        {"starts_at": "2026-03-10T08:00:00Z", "ends_at": "2026-03-09T08:00:00Z"},
        {"kind": "holiday", "ends_at": "2026-03-09T08:00:00Z"},
    ],
)
async def test_a_pause_always_has_an_end_ahead(
    client: httpx.AsyncClient, resident: Resident, wrong: dict[str, Any]
) -> None:
    headers = await sign_in_resident(resident)
    refused = await client.post("/v1/me/check-in-pauses", json={"kind": "away"} | wrong, headers=headers)
    assert refused.status_code == 422, refused.text
    assert await rows("SELECT id FROM eldercare_absence") == []


async def test_pauses_are_listed_and_ended(client: httpx.AsyncClient, resident: Resident, clock: ManualClock) -> None:
    headers = await sign_in_resident(resident)
    body = {"kind": "away", "ends_at": "2026-03-09T10:00:00+02:00"}
    created = await client.post("/v1/me/check-in-pauses", json=body, headers=headers)
    assert created.status_code == 201, created.text
    url = f"/v1/me/check-in-pauses/{created.json()['id']}"
    clock.advance(timedelta(minutes=1))
    assert (await client.delete(url, headers=headers)).json()["ended_at"] == "2026-03-02T08:01:00Z"
    assert (await client.delete(url, headers=headers)).json()["code"] == "check_in_pause_over"
    assert len((await client.get("/v1/me/check-in-pauses", headers=headers)).json()["items"]) == 1


async def test_the_list_is_what_the_schema_says(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    check_in_id = await open_check_in(resident, clock)
    headers = await sign_in_resident(resident)
    await client.post(f"/v1/me/check-ins/{check_in_id}/answer", json={"status": "ok"}, headers=headers)
    listed = await client.get("/v1/me/check-ins", headers=headers)
    assert listed.headers["content-type"] == "application/json"
    page = Page[CheckInPublic].model_validate_json(listed.content)
    assert [item.state for item in page.items] == ["scheduled", "answered"]
    for sent, item in zip(listed.json()["items"], page.items, strict=True):
        assert list(sent) == list(CheckInPublic.model_fields)
        detail = (await client.get(f"/v1/me/check-ins/{item.id}", headers=headers)).json()
        assert CheckInPublic.model_validate(detail | {}).model_dump() == item.model_dump()


async def test_the_list_is_paged_and_filtered(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    await made.plan(resident, times=[f"{hour:02}:00" for hour in range(9, 14)])
    await made.plan(resident, times=["09:00"])
    headers = await sign_in_resident(resident)
    seen: list[tuple[str, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": "4", **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/v1/me/check-ins", params=asked, headers=headers)).json()
        seen += [(item["due_at"], item["plan_id"]) for item in page["items"]]
        cursor = page["next"]
    assert len(seen) == 12
    assert seen == sorted(set(seen), reverse=True)
    none = await client.get("/v1/me/check-ins?state=missed", headers=headers)
    assert none.json() == {"items": [], "next": None}
    for query in ("limit=101", "limit=0", "state=lost", "cursor=forged"):
        assert (await client.get(f"/v1/me/check-ins?{query}", headers=headers)).status_code == 422


async def test_answering_over_http(client: httpx.AsyncClient, resident: Resident, clock: ManualClock) -> None:
    check_in_id = await open_check_in(resident, clock)
    headers = await sign_in_resident(resident)
    url = f"/v1/me/check-ins/{check_in_id}/answer"
    for wrong in (
        {},
        {"status": "fine"},
        {"status": "ok", "how": "saw"},
        {"status": "ok", "occurred_at": "2026-03-02T08:29:00"},
        {"status": "ok", "occurred_at": "2026-03-02T08:33:00Z"},
        {"status": "ok", "occurred_at": "2026-02-20T08:33:00Z"},
        {"status": "ok", "answers": {"mood": 3}},
        {"status": "ok", "extra": 1},
    ):
        refused = await client.post(url, json=wrong, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed"), wrong
    answered = await client.post(url, json={"status": "ok"}, headers=headers)
    assert (answered.status_code, answered.json()["state"], answered.json()["how"]) == (200, "answered", "self")
    again = await client.post(url, json={"status": "ok"}, headers=headers)
    assert (again.status_code, again.json()["version"]) == (200, answered.json()["version"])
    unknown = await client.post(f"/v1/me/check-ins/{resident.id}/answer", json={"status": "ok"}, headers=headers)
    assert unknown.status_code == 404


async def test_somebody_answers_for_the_resident(
    client: httpx.AsyncClient, place: Community, resident: Resident, clock: ManualClock
) -> None:
    check_in_id = await open_check_in(resident, clock)
    neighbour = await identity.account(place, name="Ada")
    url = f"/v1/residents/{resident.id}/check-ins/{check_in_id}/answer"
    headers = await sign_in(neighbour)
    assert (await client.post(url, json={"status": "ok"}, headers=headers)).status_code == 404
    await identity.grant(resident, neighbour, ["check_ins:read"])
    assert (await client.post(url, json={"status": "ok", "how": "saw"}, headers=headers)).status_code == 403
    await identity.grant(resident, neighbour, ["check_ins:answer"], kind="proxy")
    assert (await client.post(url, json={"status": "ok"}, headers=headers)).status_code == 422
    answered = (await client.post(url, json={"status": "ok", "how": "saw"}, headers=headers)).json()
    assert (answered["how"], answered["answered_by"]) == ("saw", str(neighbour.id))
    trail = [row[0] for row in await rows("SELECT action FROM core_audit_entry ORDER BY id")]
    assert "check_in:answer" in trail


async def test_reads_by_others_leave_a_trace(client: httpx.AsyncClient, place: Community, resident: Resident) -> None:
    plan = await made.plan(resident)
    daughter = await identity.account(place, name="Ada")
    await identity.grant(resident, daughter, ["check_ins:read"])
    headers = await sign_in(daughter)
    before = len(await rows("SELECT 1 FROM core_audit_entry"))
    base = f"/v1/residents/{resident.id}"
    for path in ("/check-ins", "/check-in-plans", f"/check-in-plans/{plan.id}", "/check-in-pauses"):
        assert (await client.get(base + path, headers=headers)).status_code == 200
    assert len(await rows("SELECT 1 FROM core_audit_entry")) == before + 4
    assert (await client.post(f"{base}/check-in-plans", json=PLAN, headers=headers)).status_code == 403
    own = await sign_in_resident(resident)
    assert (await client.get("/v1/me/check-ins", headers=own)).status_code == 200
    assert len(await rows("SELECT 1 FROM core_audit_entry")) == before + 4


async def test_staff_see_the_day_of_their_residents(
    client: httpx.AsyncClient, place: Community, resident: Resident
) -> None:
    await made.plan(resident, times=["08:30", "20:00"])
    elsewhere = await identity.community(name="Hillside", time_zone="UTC")
    await made.plan(await identity.resident(elsewhere))
    headers = await sign_in(await identity.operator(place), second_factor=True)
    day = (await client.get("/v1/check-ins?date=2026-03-02&limit=1", headers=headers)).json()
    assert [item["resident_id"] for item in day["items"]] == [str(resident.id)]
    rest = (await client.get(f"/v1/check-ins?date=2026-03-02&cursor={day['next']}", headers=headers)).json()
    assert ([item["local_date"] for item in rest["items"]], rest["next"]) == (["2026-03-02"], None)
    assert (await client.get("/v1/check-ins?date=2026-02-30", headers=headers)).status_code == 422
    nobody = await sign_in(await identity.account(place, name="Ada"))
    assert (await client.get("/v1/check-ins?date=2026-03-02", headers=nobody)).json()["items"] == []
    assert (await client.get("/v1/check-ins?date=2026-03-02")).status_code == 401


async def test_a_time_with_an_offset_is_the_instant_it_names(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    check_in_id = await open_check_in(resident, clock)
    headers = await sign_in_resident(resident)
    body = {"status": "ok", "occurred_at": "2026-03-02T16:20:00+08:00"}
    await client.post(f"/v1/me/check-ins/{check_in_id}/answer", json=body, headers=headers)
    [answered] = [row for row in await made.check_ins(resident) if str(row.id) == check_in_id]
    assert answered.answered_at == datetime(2026, 3, 2, 8, 20, tzinfo=UTC)
