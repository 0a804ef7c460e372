"""Nonsense about clinics and times: refused with a pointer, and nothing half-done."""

from typing import Any

import httpx
import pytest

from tests.telemedicine.clinics.conftest import Scene

VISIT_TYPE = {
    "name": {"en": "Visit", "zh-CN": "就诊"},
    "mode": "video",
    "duration": "PT30M",
    "price": {"amount": 5000, "currency": "CNY"},
}
EXCEPTION = {"kind": "closed", "starts": "2026-03-03T13:00:00", "ends": "2026-03-03T14:00:00"}
HOURS = {"weekday": 2, "starts": "09:00", "ends": "12:00"}
LOCATION = {
    "name": {"en": "House", "zh-CN": "本部"},
    "address": "2 Lake Road",
    "latitude": 31.2,
    "longitude": 121.5,
    "time_zone": "Asia/Shanghai",
}
FAR = "P999999999D"


@pytest.mark.parametrize(
    ("path", "good", "bad", "pointer"),
    [
        *(
            ("visit-types", VISIT_TYPE, {name: value}, f"/body/{name}")
            for name, values in {
                "capacity": (0, -1, 101, 1.5),
                "duration": ("PT0S", "-PT30M", "PT13H", FAR, "P1Y"),
                "step": ("PT0S", "PT4M", FAR),
                "buffer_before": ("-PT1M", "PT5H"),
                "buffer_after": ("-PT1M", FAR),
                "horizon": ("-P1D", "P367D", FAR, "P9999999999D"),
                "lead_time": ("-PT1S", "P367D", FAR),
                "notice_period": ("-PT1S", "P15D"),
                "late_fee_amount": (-1, 10**12),
                "price": (None,),
            }.items()
            for value in values
        ),
        ("visit-types", VISIT_TYPE, {"lead_time": "P61D"}, "/body"),
        *(
            ("availability-exceptions", EXCEPTION, {name: value}, f"/body/{name}")
            for name in ("starts", "ends")
            for value in ("0001-01-01T00:00:00", "9999-12-31T23:59:59", "2026-02-29T12:00:00", "2026-03-03T25:00:00")
        ),
        ("availability-exceptions", EXCEPTION, {"ends": "2026-03-03T12:00:00"}, "/body"),
        ("availability-exceptions", EXCEPTION, {"ends": EXCEPTION["starts"]}, "/body"),
        *(
            ("locations", LOCATION, {name: value}, f"/body/{name}")
            for name, values in {"latitude": (91, -91), "longitude": (181, -181), "time_zone": ("Mars/Base",)}.items()
            for value in values
        ),
    ],
)
async def test_what_cannot_be_is_refused_where_it_stands(
    scene: Scene, client: httpx.AsyncClient, path: str, good: dict[str, Any], bad: dict[str, Any], pointer: str
) -> None:
    answer = await client.post(f"{scene.path}/{path}", json=good | bad, headers=scene.keeper)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    listed = await client.get(f"{scene.path}/{path}", headers=scene.keeper)
    assert len(listed.json()["items"]) == (1 if path == "visit-types" else 0)


@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        ({"starts": "00:00", "ends": "30:00"}, ""),  # a day of thirty hours
        ({"starts": "00:00", "ends": "24:01"}, ""),
        ({"starts": "22:00", "ends": "30:01"}, "/ends"),
        ({"starts": "12:00", "ends": "09:00"}, ""),
        ({"valid_from": "0001-01-01"}, "/valid_from"),
        ({"valid_until": "9999-12-31"}, "/valid_until"),
        ({"weekday": 0}, "/weekday"),
        ({"visit_type_ids": [f"00000000-0000-0000-0000-{number:012}" for number in range(10_000)]}, "/visit_type_ids"),
    ],
)
async def test_hours_that_cannot_be_are_refused_where_they_stand(
    scene: Scene, client: httpx.AsyncClient, bad: dict[str, Any], pointer: str
) -> None:
    path = f"{scene.path}/practitioners/{scene.practitioner.id}/availability"
    answer = await client.put(path, json={"hours": [HOURS | bad]}, headers=scene.keeper)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == f"/body/hours/0{pointer}"
    kept = await client.get(path, headers=scene.keeper)
    assert len(kept.json()["hours"]) == 5


async def test_ten_thousand_hours_are_too_many(scene: Scene, client: httpx.AsyncClient) -> None:
    path = f"{scene.path}/practitioners/{scene.practitioner.id}/availability"
    answer = await client.put(path, json={"hours": [HOURS] * 10_000}, headers=scene.keeper)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/hours")


@pytest.mark.parametrize(
    ("path", "bad", "pointer"),
    [
        *(
            ("appointments", {"starts_at": value}, "/body/starts_at")
            for value in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-03T09:00:00", "2026-02-30T09:00:00Z")
        ),
        ("appointment-series-previews", {"starts_at": "9999-12-31T23:59:59Z", "count": 2}, "/body/starts_at"),
        *(
            ("appointment-series-previews", {"starts_at": "2026-03-03T01:00:00Z"} | values, pointer)
            for values, pointer in (
                ({"count": 10_000}, "/body/count"),
                ({"count": 0}, "/body/count"),
                ({"count": 2, "every_weeks": 0}, "/body/every_weeks"),
                ({"count": 2, "every_weeks": 10**9}, "/body/every_weeks"),
            )
        ),
        (
            "appointment-series",
            {"starts": [f"2026-03-03T01:00:00.{number:06}Z" for number in range(10_000)]},
            "/body/starts",
        ),
        ("appointment-series", {"starts": ["2026-03-03T01:00:00Z"] * 2}, "/body"),
        ("waitlist-entries", {"since": "0001-01-01"}, "/body/since"),
        ("waitlist-entries", {"until": "9999-12-31"}, "/body/until"),
        ("waitlist-entries", {"since": "2026-03-10", "until": "2026-03-09"}, "/body"),
        ("waitlist-entries", {"weekdays": [1] * 8}, "/body/weekdays"),
        ("waitlist-entries", {"weekdays": [8]}, "/body/weekdays/0"),
        ("waitlist-entries", {"earliest": "25:00"}, "/body/earliest"),
    ],
)
async def test_times_that_cannot_be_are_refused_where_they_stand(
    scene: Scene, client: httpx.AsyncClient, path: str, bad: dict[str, Any], pointer: str
) -> None:
    whom = {"visit_type_id": str(scene.visit_type.id)}
    if path != "waitlist-entries":
        whom |= {"practitioner_id": str(scene.practitioner.id)}
    answer = await client.post(f"/v1/{path}", json=whom | bad, headers=scene.resident)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("year", [1900, 2199])
async def test_the_ends_of_the_calendar_are_no_slots_and_no_faults(
    scene: Scene, client: httpx.AsyncClient, year: int
) -> None:
    start = f"{year}-12-31T23:30:00Z"
    whom = {"visit_type_id": str(scene.visit_type.id), "practitioner_id": str(scene.practitioner.id)}
    wanted = await client.post("/v1/appointments", json=whom | {"starts_at": start}, headers=scene.resident)
    assert (wanted.status_code, wanted.json()["reason"]) == (409, "not_a_slot")
    asked = whom | {"starts_at": start, "count": 12, "every_weeks": 4}
    preview = await client.post("/v1/appointment-series-previews", json=asked, headers=scene.resident)
    assert [date["is_free"] for date in preview.json()["dates"]] == [False] * 12
    found = await client.get("/v1/slots", params={"earliest": start}, headers=scene.resident)
    assert bool(found.json()["items"]) is (year == 1900)
    path = f"{scene.path}/practitioners/{scene.practitioner.id}/schedule"
    shown = await client.get(path, params={"from": start, "days": 62}, headers=scene.keeper)
    assert shown.status_code == 200
    closed = EXCEPTION | {"starts": start[:-1], "ends": f"{year}-12-31T23:59:00"}
    made = await client.post(f"{scene.path}/availability-exceptions", json=closed, headers=scene.keeper)
    assert made.status_code == 201, made.text
