"""Changes of hours under bookings: what they are at odds with is named, and stays booked."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.event_tables import EventRecord
from app.core.tables import table_of
from telemedicine.clinics import jobs
from tests.factories import sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.clinics.conftest import Scene
from tests.telemedicine.clinics.test_slots import at

MORNINGS = [{"weekday": day, "starts": "09:00", "ends": "12:00"} for day in range(1, 6)]


async def put_hours(client: httpx.AsyncClient, scene: Scene, hours: list[dict[str, Any]]) -> httpx.Response:
    path = f"{scene.path}/practitioners/{scene.practitioner.id}/availability"
    return await client.put(path, json={"hours": hours}, headers=scene.keeper)


async def facts(name: str) -> list[dict[str, Any]]:
    events = table_of(EventRecord)
    async with reading() as connection:
        rows = await connection.execute(
            sa.select(events.c.aggregate_id, events.c.payload).where(events.c.name == name).order_by(events.c.id)
        )
        return [{"aggregate_id": row.aggregate_id} | row.payload for row in rows]


async def test_an_edit_names_the_bookings_it_leaves_outside_and_drops_none(
    scene: Scene, client: httpx.AsyncClient
) -> None:
    kept = await clinics.booked(scene.practitioner.calendar_id, at("09:00"), at("09:30"))
    lost = await clinics.booked(scene.practitioner.calendar_id, at("11:30"), at("12:00"))
    answer = await put_hours(client, scene, [{**hours, "ends": "11:00"} for hours in MORNINGS])
    assert answer.status_code == 200, answer.text
    (conflict,) = answer.json()["conflicts"]
    assert conflict["reservation_id"] == str(lost)
    assert conflict["origin_kind"] == "appointment"
    assert conflict["practitioner_id"] == str(scene.practitioner.id)
    assert [hours["ends"] for hours in answer.json()["availability"]["hours"]] == ["11:00"] * 5
    schedule = await client.get(f"{scene.path}/practitioners/{scene.practitioner.id}/schedule", headers=scene.keeper)
    taken = schedule.json()["schedules"][0]["taken"]
    assert [row["reservation_id"] for row in taken] == [str(kept), str(lost)]
    assert await facts("telemedicine.availability_changed.v1") == [
        {
            "aggregate_id": scene.practitioner.id,
            "organization_id": str(scene.organization.id),
            "conflicts": 1,
        }
    ]


async def test_what_is_over_or_was_let_go_is_no_conflict(
    scene: Scene, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    calendar = scene.practitioner.calendar_id
    await clinics.booked(calendar, at("09:00"), at("09:30"))
    await clinics.booked(calendar, at("10:00"), at("10:30"), hold_until=clock.now() + timedelta(minutes=5))
    clock.set(at("10:00"))
    later = replace(scene, keeper=await sign_in.sign_in(scene.keepers_account))
    answer = await put_hours(client, later, [])
    assert answer.json()["conflicts"] == []


async def test_another_zone_of_the_clinic_names_what_it_moves_out_of_the_hours(
    scene: Scene, client: httpx.AsyncClient
) -> None:
    booking = await clinics.booked(scene.practitioner.calendar_id, at("09:00"), at("09:30"))
    later = await clinics.booked(scene.practitioner.calendar_id, at("11:00"), at("11:30"))
    answer = await client.put(scene.path, json={"time_zone": "Asia/Tokyo"}, headers=scene.keeper)
    # Nine to twelve in Tokyo is eight to eleven in Shanghai.
    assert [one["reservation_id"] for one in answer.json()["conflicts"]] == [str(later)]
    assert answer.json()["clinic"]["time_zone"] == "Asia/Tokyo"
    assert booking != later


async def test_a_closed_clinic_names_everybodys_bookings(scene: Scene, client: httpx.AsyncClient) -> None:
    other = await clinics.practitioner(scene.clinic)
    await clinics.hours(other, [2], "14:00", "16:00")
    room = await clinics.resource(scene.clinic)
    taken = [
        await clinics.booked(calendar, at("14:00"), at("14:30")) for calendar in (other.calendar_id, room.calendar_id)
    ]
    await clinics.booked(scene.practitioner.calendar_id, at("09:00"), at("09:30"))
    closed = {"kind": "closed", "starts": "2026-03-03T13:00:00", "ends": "2026-03-04T00:00:00"}
    answer = await client.post(f"{scene.path}/availability-exceptions", json=closed, headers=scene.keeper)
    assert answer.status_code == 201, answer.text
    assert {one["reservation_id"] for one in answer.json()["conflicts"]} == set(map(str, taken))


async def test_extra_hours_that_go_name_what_is_booked_in_them(scene: Scene, client: httpx.AsyncClient) -> None:
    extra = {
        "kind": "extra",
        "practitioner_id": str(scene.practitioner.id),
        "starts": "2026-03-07T10:00:00",
        "ends": "2026-03-07T11:00:00",
    }
    path = f"{scene.path}/availability-exceptions"
    made = await client.post(path, json=extra, headers=scene.keeper)
    assert made.json()["conflicts"] == []
    saturday = date(2026, 3, 7)
    booking = await clinics.booked(scene.practitioner.calendar_id, at("10:00", saturday), at("10:30", saturday))
    listed = await client.get(path, headers=scene.clinician)
    assert [one["id"] for one in listed.json()["items"]] == [made.json()["exception"]["id"]]
    answer = await client.delete(f"{path}/{made.json()['exception']['id']}", headers=scene.keeper)
    assert [one["reservation_id"] for one in answer.json()["conflicts"]] == [str(booking)]


async def test_a_licence_that_ends_earlier_names_what_is_booked_behind_it(
    scene: Scene, client: httpx.AsyncClient
) -> None:
    booking = await clinics.booked(scene.practitioner.calendar_id, at("09:00"), at("09:30"))
    data = {"name": "Dr Lin", "licence_number": "L-1", "licence_valid_until": "2026-03-02", "languages": ["en"]}
    path = f"{scene.path}/practitioners/{scene.practitioner.id}"
    answer = await client.put(path, json=data, headers=scene.keeper)
    assert [one["reservation_id"] for one in answer.json()["conflicts"]] == [str(booking)]


async def test_the_end_of_a_licence_is_told_once(scene: Scene, clock: ManualClock) -> None:
    short = await clinics.practitioner(scene.clinic, licence_valid_until=date(2026, 3, 5))
    clock.set(datetime(2026, 3, 5, 15, 59, tzinfo=UTC))  # a minute before midnight in Shanghai
    assert await jobs.end_licences() == 0
    clock.advance(timedelta(minutes=1))
    assert await jobs.end_licences() == 1
    assert await jobs.end_licences() == 0
    assert await facts("telemedicine.practitioner_licence_ended.v1") == [
        {"aggregate_id": short.id, "organization_id": str(scene.organization.id)}
    ]


@pytest.mark.parametrize(
    ("hours", "pointer"),
    [
        ([{"weekday": 1, "starts": "12:00", "ends": "09:00"}], "/body/hours/0"),
        ([{"weekday": 1, "starts": "09:00", "ends": "09:00"}], "/body/hours/0"),
        ([{"weekday": 1, "starts": "00:00", "ends": "30:00"}], "/body/hours/0"),
        ([{"weekday": 1, "starts": "25:00", "ends": "26:00"}], "/body/hours/0"),
        ([{"weekday": 1, "starts": "22:00", "ends": "30:01"}], "/body/hours/0/ends"),
        ([{"weekday": 1, "starts": "9:00", "ends": "12:00"}], "/body/hours/0/starts"),
        ([{"weekday": 8, "starts": "09:00", "ends": "12:00"}], "/body/hours/0/weekday"),
        ([*MORNINGS, {"weekday": 1, "starts": "11:00", "ends": "13:00"}], "/body/hours/5"),
        (
            [{"weekday": 1, "starts": "09:00", "ends": "12:00", "location_id": "00000000-0000-0000-0000-000000000009"}],
            "/body/hours/0/location_id",
        ),
        (
            [
                {
                    "weekday": 1,
                    "starts": "09:00",
                    "ends": "12:00",
                    "visit_type_ids": ["00000000-0000-0000-0000-000000000009"],
                }
            ],
            "/body/hours/0/visit_type_ids",
        ),
        (
            [
                {
                    "weekday": 1,
                    "starts": "09:00",
                    "ends": "12:00",
                    "valid_from": "2026-03-02",
                    "valid_until": "2026-03-01",
                }
            ],
            "/body/hours/0",
        ),
    ],
)
async def test_hours_that_make_no_sense_are_refused_with_a_pointer(
    scene: Scene, client: httpx.AsyncClient, hours: list[dict[str, Any]], pointer: str
) -> None:
    answer = await put_hours(client, scene, hours)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    kept = await client.get(f"{scene.path}/practitioners/{scene.practitioner.id}/availability", headers=scene.clinician)
    assert len(kept.json()["hours"]) == 5


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "closed", "starts": "2026-03-03T13:00:00", "ends": "2026-03-03T12:00:00"},
        {"kind": "closed", "starts": "2026-03-03T13:00:00", "ends": "2028-03-03T12:00:00"},
        {"kind": "closed", "starts": "2026-03-03T13:00:00Z", "ends": "2026-03-03T14:00:00Z"},
        {"kind": "extra", "starts": "2026-03-03T13:00:00", "ends": "2026-03-03T14:00:00"},
        {"kind": "closed", "starts": "2026-03-03T13:00:00", "ends": "2026-03-03T14:00:00", "practitioner_id": "9"},
        {
            "kind": "extra",
            "starts": "2026-03-03T13:00:00",
            "ends": "2026-03-04T19:00:00",
            "practitioner_id": "00000000-0000-0000-0000-000000000009",
        },
        {
            "kind": "closed",
            "starts": "2026-03-03T13:00:00",
            "ends": "2026-03-03T14:00:00",
            "practitioner_id": "00000000-0000-0000-0000-000000000009",
        },
    ],
)
async def test_exceptions_that_make_no_sense_are_refused(
    scene: Scene, client: httpx.AsyncClient, data: dict[str, Any]
) -> None:
    answer = await client.post(f"{scene.path}/availability-exceptions", json=data, headers=scene.keeper)
    assert answer.status_code == 422, answer.text


async def test_who_edits_what_somebody_else_changed_is_told(scene: Scene, client: httpx.AsyncClient) -> None:
    path = f"{scene.path}/practitioners/{scene.practitioner.id}/availability"
    seen = (await client.get(path, headers=scene.keeper)).json()["version"]
    headers = scene.keeper | {"If-Match": f'"{seen}"'}
    first = await client.put(path, json={"hours": MORNINGS[:1]}, headers=headers)
    assert first.json()["availability"]["version"] == seen + 1
    second = await client.put(path, json={"hours": MORNINGS[:2]}, headers=headers)
    assert second.status_code == 412
