"""Medication over HTTP: who may, what it looks like, and what bad input gets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.jobs import settle
from app.identity.models import Community, Resident
from eldercare.medication import jobs
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as made
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
URL = "/v1/me/regimens"


async def rows(sql: str) -> list[tuple[Any, ...]]:
    async with reading() as connection:
        return [tuple(row) for row in await connection.execute(sa.text(sql))]


async def test_a_regimen_from_agreeing_to_stopping(client: httpx.AsyncClient, resident: Resident) -> None:
    headers = await sign_in_resident(resident)
    created = await client.post(URL, json=made.SAID, headers=headers)
    assert created.status_code == 201, created.text
    regimen = created.json()
    assert (regimen["drug"]["name"], regimen["quantity"], regimen["unit"]) == ("Metformin", 1.0, "{tablet}")
    assert (regimen["state"], regimen["number"], regimen["dose_window"]) == ("active", 1, "PT1H")
    url, etag = f"{URL}/{regimen['id']}", created.headers["ETag"]

    changed = await client.put(
        url, json=made.SAID | {"times": ["09:00"], "quantity": 0.5}, headers=headers | {"If-Match": etag}
    )
    assert changed.status_code == 200, changed.text
    stale = await client.put(url, json=made.SAID, headers=headers | {"If-Match": etag})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    shown = await client.get(url, headers=headers)
    assert (shown.json(), shown.headers["ETag"]) == (changed.json(), changed.headers["ETag"])
    versions = (await client.get(f"{url}/versions", headers=headers)).json()["items"]
    assert [(version["times"], version["quantity"]) for version in versions] == [(["09:00"], 0.5), (["08:30"], 1.0)]

    again = await client.post(URL, json=made.SAID, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "regimen_overlaps")
    assert (again.json()["regimen_id"], again.json()["errors"][0]["pointer"]) == (regimen["id"], "/body/drug")

    state = await client.put(
        f"{url}/state", json={"state": "stopped"}, headers=headers | {"If-Match": changed.headers["ETag"]}
    )
    assert (state.status_code, state.json()["state"]) == (200, "stopped")
    refused = await client.put(f"{url}/state", json={"state": "active"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "regimen_state_conflict")
    assert (await client.put(url, json=made.SAID, headers=headers)).json()["code"] == "regimen_stopped"
    listed = (await client.get(URL, headers=headers)).json()["items"]
    assert [item["state"] for item in listed] == ["stopped"]


async def test_all_that_was_agreed_is_shown_and_its_doses_follow_the_rule(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    headers = await sign_in_resident(resident)
    drug = {
        "name": "Insulin glargine",
        "system": "http://www.whocc.no/atc",
        "code": "A10AE04",
        "strength": "100 U/mL",
        "form": "solution for injection",
        "route": "subcutaneous",
        "prescriber": "Practice by the lake",
        "instructions": "in the evening",
    }
    agreed = {
        "drug": drug,
        "quantity": 12,
        "unit": "[iU]",
        "timing": "times",
        "times": ["20:00"],
        "rrule": "FREQ=DAILY;INTERVAL=2",
        "starts_on": "2026-03-01",
        "ends_on": "2026-03-05",
    }
    created = await client.post(URL, json=agreed, headers=headers)
    assert created.status_code == 201, created.text
    shown = (await client.get(f"{URL}/{created.json()['id']}", headers=headers)).json()
    assert {name: shown[name] for name in agreed} == agreed
    for _ in range(6):
        await settle(jobs.JOBS)
        clock.advance(timedelta(days=1))
    since = {"from": "2026-03-01T00:00:00Z"}
    doses = (await client.get("/v1/me/doses", headers=await sign_in_resident(resident), params=since)).json()["items"]
    assert [dose["local_date"] for dose in doses] == ["2026-03-03", "2026-03-05"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"times": ["25:00"]}, "/body/times/0"),
        ({"times": ["8:30"]}, "/body/times/0"),
        ({"times": ["08:30", "08:30"]}, "/body/times"),
        ({"times": []}, "/body"),
        ({"times": [f"{hour:02}:00" for hour in range(13)]}, "/body/times"),
        ({"time_zone": "Mars/Olympus"}, "/body/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/body/time_zone"),
        ({"quantity": 0}, "/body/quantity"),
        ({"quantity": -1}, "/body/quantity"),
        ({"quantity": 1e9}, "/body/quantity"),
        ({"quantity": 0.00001}, "/body/quantity"),
        ({"quantity": "NaN"}, "/body/quantity"),
        ({"unit": "tablets"}, "/body/unit"),
        ({"unit": "MG"}, "/body/unit"),
        ({"weekdays": [0]}, "/body/weekdays/0"),
        ({"starts_on": "2026-02-30"}, "/body/starts_on"),
        ({"starts_on": "1026-02-01"}, "/body"),
        ({"ends_on": "2025-12-31"}, "/body"),
        ({"dose_window": "PT1M"}, "/body/dose_window"),
        ({"dose_window": "P2D"}, "/body/dose_window"),
        ({"reminders": ["PT1H"]}, "/body"),
        ({"reminders": ["-PT5M"]}, "/body"),
        ({"rrule": "FREQ=SECONDLY"}, "/body/rrule"),
        ({"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "/body/rrule"),
        ({"timing": "meals"}, "/body"),
        ({"timing": "meals", "times": [], "meals": ["brunch"]}, "/body/meals/0"),
        ({"timing": "meals", "times": [], "meals": ["lunch"], "meal_offset": "PT3H"}, "/body/meal_offset"),
        ({"meal_offset": "PT10M"}, "/body"),
        ({"timing": "as_needed", "times": []}, "/body"),
        ({"timing": "as_needed", "times": [], "min_interval": "PT4H", "daily_maximum": 0.5}, "/body"),
        ({"min_interval": "PT4H"}, "/body"),
        ({"drug": {"name": " "}}, "/body/drug/name"),
        ({"drug": {"name": "Metformin", "code": "A10BA02"}}, "/body/drug"),
        ({"drug": {"name": "Metformin", "system": "atc", "code": "A10BA02"}}, "/body/drug/system"),
        ({"drug": {"name": "Metformin", "route": "by pigeon"}}, "/body/drug/route"),
        ({"told": ["not-an-id"]}, "/body/told/0"),
        ({"told": ["018f0000-0000-7000-8000-000000000000"]}, "/body/told/0"),
        ({"state": "stopped"}, "/body/state"),
        ({"resident_id": "x"}, "/body/resident_id"),
    ],
)
async def test_what_no_regimen_can_say(
    client: httpx.AsyncClient, resident: Resident, wrong: dict[str, Any], pointer: str
) -> None:
    headers = await sign_in_resident(resident)
    refused = await client.post(URL, json=made.SAID | wrong, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "malformed"), refused.text
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]
    assert await rows("SELECT id FROM eldercare_regimen") == []


async def test_a_dose_from_the_list_to_its_record(
    client: httpx.AsyncClient, resident: Resident, clock: ManualClock
) -> None:
    headers = await sign_in_resident(resident)
    await made.regimen(resident, times=["08:30", "20:00"], critical=True)
    first = await client.get("/v1/me/doses?limit=3", headers=headers)
    assert first.status_code == 200, first.text
    page = first.json()
    assert [item["due_at"][:16] for item in page["items"]] == [
        "2026-03-02T08:30",
        "2026-03-02T20:00",
        "2026-03-03T08:30",
    ]
    rest = (await client.get(f"/v1/me/doses?limit=3&cursor={page['next']}", headers=headers)).json()
    assert ([item["due_at"][:16] for item in rest["items"]], rest["next"]) == (["2026-03-03T20:00"], None)
    today = await client.get("/v1/me/doses?from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z", headers=headers)
    assert len(today.json()["items"]) == 2

    dose = page["items"][0]
    assert (dose["drug_name"], dose["quantity"], dose["state"], dose["critical"]) == (
        "Metformin",
        1.0,
        "scheduled",
        True,
    )
    recorded = await client.post(f"/v1/me/doses/{dose['id']}/record", json={"status": "taken"}, headers=headers)
    assert recorded.status_code == 200, recorded.text
    assert (recorded.json()["state"], recorded.json()["how"]) == ("taken", "self")
    assert (await client.get(f"/v1/me/doses/{dose['id']}", headers=headers)).json() == recorded.json()
    twice = await client.post(f"/v1/me/doses/{dose['id']}/record", json={"status": "taken"}, headers=headers)
    assert (twice.status_code, twice.json()["code"]) == (409, "dose_already_recorded")
    extra = await client.post(
        f"/v1/me/doses/{dose['id']}/record", json={"status": "taken", "confirmed": True}, headers=headers
    )
    assert (extra.status_code, extra.json()["kind"]) == (200, "extra")
    taken = (await client.get("/v1/me/doses?state=taken", headers=headers)).json()["items"]
    assert [item["kind"] for item in taken] == ["extra", "planned"]
    far = page["items"][2]["id"]
    early = await client.post(f"/v1/me/doses/{far}/record", json={"status": "taken"}, headers=headers)
    assert (early.status_code, early.json()["code"], early.json()["opens_at"][:16]) == (
        409,
        "dose_not_open",
        "2026-03-03T04:30",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"status": "missed"},
        {"status": "skipped"},
        {"status": "skipped", "skip_reason": "did not feel like it"},
        {"status": "taken", "skip_reason": "refused"},
        {"status": "skipped", "skip_reason": "refused", "quantity": 1},
        {"status": "taken", "quantity": -1},
        {"status": "taken", "taken_at": "2026-03-02T08:30:00"},
        {"status": "taken", "taken_at": "2026-03-03T08:30:00Z"},
        {"status": "taken", "taken_at": "2026-01-01T08:30:00Z"},
        {"status": "taken", "how": "gave"},
        {"status": "taken", "note": " "},
    ],
)
async def test_what_no_record_can_say(client: httpx.AsyncClient, resident: Resident, wrong: dict[str, Any]) -> None:
    headers = await sign_in_resident(resident)
    await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    refused = await client.post(f"/v1/me/doses/{dose.id}/record", json=wrong, headers=headers)
    assert refused.status_code == 422, refused.text
    assert (await made.dose(dose.id)).state == "scheduled"


async def test_a_carer_records_and_does_not_change(
    client: httpx.AsyncClient, place: Community, resident: Resident
) -> None:
    agency = await identity.organization(place, "care_agency")
    await identity.agreement(agency, None, resident)
    headers = await sign_in(await identity.staff(agency, "carer"))
    regimen = await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    base = f"/v1/residents/{resident.id}"
    nameless = await client.post(f"{base}/doses/{dose.id}/record", json={"status": "taken"}, headers=headers)
    assert (nameless.status_code, nameless.json()["errors"][0]["pointer"]) == (422, "/body/how")
    given = await client.post(
        f"{base}/doses/{dose.id}/record", json={"status": "taken", "how": "gave"}, headers=headers
    )
    assert given.status_code == 200, given.text
    refused = await client.put(f"{base}/regimens/{regimen.id}", json=made.SAID, headers=headers)
    assert refused.status_code == 403
    assert (await client.get(f"{base}/doses", headers=headers)).status_code == 200
    actions = [action for (action,) in await rows("SELECT action FROM core_audit_entry ORDER BY id")]
    assert actions == ["regimen:create", "dose:record", "doses:list"]


async def test_who_may_only_read_records_nothing(client: httpx.AsyncClient, resident: Resident) -> None:
    reader = await made.relative(resident, scopes=["medication:read"])
    headers = await sign_in(reader)
    await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    url = f"/v1/residents/{resident.id}/doses/{dose.id}"
    assert (await client.get(url, headers=headers)).status_code == 200
    body = {"status": "taken", "how": "saw"}
    assert (await client.post(f"{url}/record", json=body, headers=headers)).status_code == 403


async def test_other_peoples_things_are_not_there(
    client: httpx.AsyncClient, place: Community, resident: Resident
) -> None:
    neighbour = await identity.resident(place, name="Walter", phone="+8613800000009")
    headers = await sign_in_resident(neighbour)
    regimen = await made.regimen(resident)
    dose = (await made.doses(resident))[0]
    for path in (f"regimens/{regimen.id}", f"regimens/{regimen.id}/stock", f"doses/{dose.id}"):
        for base in ("/v1/me", f"/v1/residents/{resident.id}", f"/v1/residents/{neighbour.id}"):
            assert (await client.get(f"{base}/{path}", headers=headers)).status_code == 404
    taken = await client.post(f"/v1/me/doses/{dose.id}/record", json={"status": "taken"}, headers=headers)
    assert taken.status_code == 404
    changed = await client.put(f"/v1/me/regimens/{regimen.id}", json=made.SAID, headers=headers)
    assert changed.status_code == 404


async def test_as_needed_over_http(client: httpx.AsyncClient, resident: Resident, clock: ManualClock) -> None:
    headers = await sign_in_resident(resident)
    regimen = await made.regimen(resident, body=made.AS_NEEDED)
    url = f"{URL}/{regimen.id}/doses"
    taken = await client.post(url, json={}, headers=headers)
    assert (taken.status_code, taken.json()["kind"]) == (201, "as_needed")
    soon = await client.post(url, json={}, headers=headers)
    assert (soon.status_code, soon.json()["code"]) == (409, "dose_too_soon")
    assert soon.json()["not_before"][:16] == "2026-03-02T12:00"
    clock.advance(timedelta(hours=5))
    headers = await sign_in_resident(resident)
    much = await client.post(url, json={"quantity": 3}, headers=headers)
    assert (much.status_code, much.json()["code"], much.json()["daily_maximum"]) == (409, "daily_maximum_reached", 3.0)
    meant = await client.post(url, json={"quantity": 3, "confirmed": True}, headers=headers)
    assert (meant.status_code, meant.json()["confirmed"]) == (201, True)


async def test_stock_over_http(client: httpx.AsyncClient, resident: Resident) -> None:
    headers = await sign_in_resident(resident)
    regimen = await made.regimen(resident)
    url = f"{URL}/{regimen.id}/stock"
    missing = await client.get(url, headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (409, "stock_not_kept")
    stale = await client.put(url, json={"on_hand": 10}, headers=headers | {"If-Match": '"3"'})
    assert stale.status_code == 412
    counted = await client.put(url, json={"on_hand": 10}, headers=headers)
    assert (counted.status_code, counted.json()["on_hand"], counted.json()["unit"]) == (200, 10.0, "{tablet}")
    assert counted.json()["runs_out_at"][:16] == "2026-03-12T08:30"
    stale = await client.put(url, json={"on_hand": 9}, headers=headers | {"If-Match": '"77"'})
    assert stale.status_code == 412
    for wrong in ({"on_hand": -1}, {"on_hand": 1, "remind_days": 0}, {"on_hand": "many"}):
        assert (await client.put(url, json=wrong, headers=headers)).status_code == 422
    brought = await client.post(f"{URL}/{regimen.id}/refills", json={"quantity": 30}, headers=headers)
    assert (brought.status_code, brought.json()["on_hand"]) == (201, 40.0)
    assert (await client.post(f"{URL}/{regimen.id}/refills", json={"quantity": 0}, headers=headers)).status_code == 422
    first = (await client.get(f"{URL}/{regimen.id}/refills?limit=1", headers=headers)).json()
    assert [item["kind"] for item in first["items"]] == ["refill"]
    rest = (await client.get(f"{URL}/{regimen.id}/refills?cursor={first['next']}", headers=headers)).json()
    assert [item["kind"] for item in rest["items"]] == ["count"]


async def test_meal_times_over_http(client: httpx.AsyncClient, resident: Resident) -> None:
    headers = await sign_in_resident(resident)
    usual = await client.get("/v1/me/meal-times", headers=headers)
    assert usual.json() == {"breakfast": "07:30", "lunch": "12:00", "dinner": "18:00", "version": 0}
    told = {"breakfast": "08:00", "lunch": "12:30", "dinner": "19:00"}
    set_ = await client.put("/v1/me/meal-times", json=told, headers=headers | {"If-Match": usual.headers["ETag"]})
    assert (set_.status_code, set_.json()) == (200, told | {"version": 1})
    stale = await client.put("/v1/me/meal-times", json=told, headers=headers | {"If-Match": '"7"'})
    assert stale.status_code == 412
    for wrong in ({"lunch": "07:00"}, {"dinner": "24:00"}, {"breakfast": None}):
        refused = await client.put("/v1/me/meal-times", json=told | wrong, headers=headers)
        assert refused.status_code == 422


async def test_adherence_counts_as_fhir_does(client: httpx.AsyncClient, resident: Resident, clock: ManualClock) -> None:
    """Completed, not done, unknown; excused doses and those still awaited or taken as needed are not counted."""
    regimen = await made.regimen(resident)
    needed = await made.regimen(resident, body=made.AS_NEEDED)
    await made.take(resident, needed.id)
    for day in range(9):
        clock.set(DUE + timedelta(days=day))
        await settle(jobs.JOBS)
        [dose] = [row for row in await made.doses(resident) if row.due_at == clock.now()]
        if day in (0, 1, 2, 8):
            await made.record(resident, dose.id)
        elif day == 3:
            await made.record(resident, dose.id, "skipped", skip_reason="refused")
        elif day == 4:
            await check_ins.pause(resident, clock.now() + timedelta(hours=2), kind="hospital")
        clock.advance(made.WINDOW)
        await settle(jobs.JOBS)
    headers = await sign_in_resident(resident)
    shown = (await client.get("/v1/me/adherence?weeks=2", headers=headers)).json()
    assert shown["first_week"] == "2026-03-02"
    counted = [
        (week["week"], week["completed"], week["not_done"], week["unknown"], week["percent"]) for week in shown["weeks"]
    ]
    assert counted == [("2026-03-09", 1, 0, 1, 50), ("2026-03-02", 3, 1, 2, 50)]
    assert {week["regimen_id"] for week in shown["weeks"]} == {str(regimen.id)}
    assert (await client.get("/v1/me/adherence?weeks=1", headers=headers)).json()["first_week"] == "2026-03-09"
    assert (await client.get("/v1/me/adherence?weeks=0", headers=headers)).status_code == 422
