"""Feeds as a calendar reads them: zones, sequence, what is off; and addresses that can be revoked."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from icalendar import Calendar

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from telemedicine.calendars.rules.feeds import calendar
from telemedicine.clinics.rules import at_wall
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import Desk, at
from tests.telemedicine.appointments.test_booking import Headers


async def feed(desk: Desk, headers: Headers, kind: str = "resident") -> dict[str, Any]:
    answer = await desk.post("/me/calendar-feeds", headers, {"kind": kind})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read(desk: Desk, path: str) -> Calendar:
    answer = await desk.client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    return Calendar.from_ical(answer.text)


def events(found: Calendar) -> list[dict[str, Any]]:
    return [
        {"uid": str(one.uid), "start": one.start, "sequence": one.sequence, "status": str(one["status"])}
        for one in found.events
    ]


async def test_a_calendar_reads_what_is_booked_moved_and_off(desk: Desk) -> None:
    grace = desk.scene.resident
    booked = await desk.booked(grace, at("09:00"))
    made = await feed(desk, grace)
    (event,) = events(await read(desk, made["path"]))
    assert event == {
        "uid": f"{booked['id']}@hearthline",
        "start": at("09:00"),
        "sequence": 0,
        "status": "CONFIRMED",
    }
    await desk.act(grace, booked["id"], "move", {"starts_at": at("10:00").isoformat()})
    (event,) = events(await read(desk, made["path"]))
    assert (event["start"], event["sequence"]) == (at("10:00"), 1)
    await desk.act(grace, booked["id"], "cancellation")
    await desk.held(grace, at("11:00"))
    off, held = events(await read(desk, made["path"]))
    assert (off["sequence"], off["status"], held["status"]) == (2, "CANCELLED", "TENTATIVE")


async def test_it_says_nothing_of_whom_or_what_for(desk: Desk) -> None:
    await desk.booked(desk.scene.resident, at("09:00"))
    for headers, kind in ((desk.scene.resident, "resident"), (desk.scene.clinician, "practitioner")):
        path = (await feed(desk, headers, kind))["path"]
        assert len(events(await read(desk, path))) == 1
        text = (await desk.client.get(path)).text
        assert not any(word in text for word in ("Lin", "Grace", "First visit", "Lake", str(desk.scene.grace.id)))


async def test_an_address_outlives_no_employment(desk: Desk) -> None:
    await desk.booked(desk.scene.resident, at("09:00"))
    path = (await feed(desk, desk.scene.clinician, "practitioner"))["path"]
    assert len(events(await read(desk, path))) == 1
    async with unit_of_work() as session:
        await session.execute(sa.text("DELETE FROM identity_membership WHERE role = 'clinician'"))
    assert events(await read(desk, path)) == []


async def test_an_address_is_told_once_and_revoked_for_good(desk: Desk) -> None:
    grace = desk.scene.resident
    made = await feed(desk, grace)
    (shown,) = (await desk.get("/me/calendar-feeds", grace))["items"]
    assert "path" not in shown
    url = f"/v1/me/calendar-feeds/{shown['id']}"
    assert (await desk.client.delete(url, headers=desk.scene.keeper)).status_code == 404
    assert (await desk.client.delete(url, headers=grace)).status_code == 204
    assert (await desk.client.get(made["path"])).status_code == 404
    assert (await desk.client.get(f"/v1/calendars/{'x' * 43}")).status_code == 404


async def test_nobody_has_more_feeds_than_they_can_keep_an_eye_on(desk: Desk) -> None:
    for _ in range(10):
        await feed(desk, desk.scene.resident)
    refused = await desk.post("/me/calendar-feeds", desk.scene.resident, {})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_feeds")


@pytest.mark.parametrize(
    ("day", "offset"), [(date(2026, 3, 29), timedelta(hours=2)), (date(2026, 10, 25), timedelta(hours=1))]
)
async def test_zones_are_told_as_their_clocks_go(desk: Desk, clock: ManualClock, day: date, offset: timedelta) -> None:
    berlin = await identity.community(time_zone="Europe/Berlin", name="Berlin")
    clinic = await clinics.clinic(berlin)
    doctor = await clinics.practitioner(clinic)
    await clinics.hours(doctor, [7], "03:00", "04:00")
    of_type = await clinics.visit_type(clinic)
    clock.set(datetime(day.year, day.month, day.day - 5, tzinfo=UTC))
    person = await sign_in.sign_in_resident(await identity.resident(berlin))
    start = at_wall(datetime.fromisoformat(f"{day}T03:00"), "Europe/Berlin")
    await desk.booked(person, start, practitioner_id=doctor.id, visit_type_id=of_type.id)
    path = (await feed(desk, person))["path"]
    text = (await desk.client.get(path)).text
    assert f"DTSTART;TZID=Europe/Berlin:{day:%Y%m%d}T030000" in text
    (event,) = events(Calendar.from_ical(text))
    assert event["start"] == start
    (described,) = Calendar.from_ical(text).timezones
    assert described.to_tz().utcoffset(datetime.fromisoformat(f"{day}T03:30")) == offset


def test_a_calendar_without_appointments_is_one_all_the_same() -> None:
    found = Calendar.from_ical(calendar([], "zh-CN", datetime(2026, 3, 3, tzinfo=UTC)))
    assert (str(found["version"]), str(found["name"]), events(found)) == ("2.0", "预约", [])
