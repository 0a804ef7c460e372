"""Calendars elsewhere, read over HTTP: they block slots while they say so, and go on to while they fail."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
import structlog

from app.core import clock as clocks
from app.core.calendar_settings import CalendarSettings
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.events import emit
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.settings import Settings, install_settings
from app.identity.events import AccountDeactivated
from telemedicine.appointments import repository
from telemedicine.calendars.rules import busy as rules
from telemedicine.calendars.rules.fetching import EVERY, IN_FULL, TELL_AFTER
from telemedicine.calendars.service import fetching
from tests.factories import sign_in
from tests.sinks.calendars import CalendarServer, Kept, calendar_server
from tests.telemedicine.appointments.conftest import Desk, at, work
from tests.telemedicine.appointments.test_booking import Headers
from tests.telemedicine.calendars.test_busy_rules import ical
from tests.waiting import waits

FEED, SECRET = "/secret-token/basic.ics", "secret-token"
PERIODS = {"nine": "DTSTART:20260303T010000Z|DTEND:20260303T020000Z", "ten": "DTSTART:20260303T020000Z|DURATION:PT30M"}
NINE, HALF_PAST, TEN = at("09:00"), at("09:30"), at("10:00")


@dataclass
class Diary:
    """A practitioner's calendar elsewhere and what the desk knows of it."""

    desk: Desk
    server: CalendarServer
    clock: ManualClock

    def says(self, *events: str, **more: Any) -> None:
        self.server.kept[FEED] = Kept(ical(*(PERIODS.get(event, event) for event in events)), **more)

    async def given(self, path: str = FEED, headers: Headers | None = None, where: str = "/me/busy-calendars") -> Any:
        body = {"url": self.server.url + path}
        answer = await self.desk.post(where, headers or self.desk.scene.clinician, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def read(self) -> Any:
        """Have the worker read what is due, and return how the first calendar of the practitioner stands."""
        await fetching.run()
        return (await self.desk.get("/me/busy-calendars", await self.clinician()))["items"][0]

    async def again(self, after: timedelta = EVERY * 1.2) -> Any:
        self.clock.advance(after)
        return await self.read()

    async def clinician(self) -> Headers:
        """Return the headers of the practitioner as of now."""
        return await sign_in.sign_in(self.desk.scene.doctor, second_factor=True)

    async def grace(self) -> Headers:
        """Return the headers of the resident as of now."""
        return await sign_in.sign_in_resident(self.desk.scene.grace)

    async def slots(self) -> list[datetime]:
        """Return the starts of Tuesday morning that can be had."""
        query = f"/slots?from={at('09:00').isoformat().replace('+', '%2B')}&limit=6"
        found = (await self.desk.get(query, await self.grace()))["items"]
        starts = [datetime.fromisoformat(slot["starts_at"]) for slot in found]
        return [start for start in starts if start < at("12:00")]

    @property
    def of_practitioner(self) -> str:
        scene = self.desk.scene
        return f"/clinics/{scene.organization.id}/practitioners/{scene.practitioner.id}/busy-calendars"


@pytest_asyncio.fixture(loop_scope="session")
async def diary(desk: Desk, clock: ManualClock, test_settings: Settings) -> AsyncIterator[Diary]:
    chosen = CalendarSettings(allow_private=True, timeout=5)
    install_settings(test_settings.model_copy(update={"calendars": chosen}))
    async with calendar_server() as server:
        yield Diary(desk, server, clock)
    install_settings(test_settings)


async def test_busy_times_are_no_slots_and_cannot_be_booked(diary: Diary) -> None:
    diary.says("nine")
    stale = await diary.slots()
    made = await diary.given()
    assert (made["host"], made["fetched_at"], made["busy"]) == ("127.0.0.1", None, 0)
    shown = await diary.read()
    assert (shown["busy"], shown["error"], shown["skipped"], shown["conflicts"]) == (1, None, 0, [])
    assert [one for one in stale if one not in await diary.slots()] == [NINE, HALF_PAST]
    refused = await diary.desk.ask(diary.desk.scene.resident, NINE)
    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (409, "not_offered", "taken")
    await diary.desk.booked(diary.desk.scene.resident, TEN)


async def test_who_looked_before_it_was_busy_is_refused_all_the_same(diary: Diary) -> None:
    diary.says("nine")
    await diary.given()
    scene = diary.desk.scene
    async with unit_of_work() as session:
        # Who books waits here: behind the search, before the time is taken.
        await repository.alone(session, scene.grace.id, scene.organization.id)
        asking = asyncio.create_task(diary.desk.ask(scene.resident, NINE))
        await waits(asking)
        assert (await diary.read())["busy"] == 1
    refused = await asking
    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (409, "not_offered", "taken")


async def test_a_booking_that_was_there_first_stands_and_is_a_conflict(diary: Diary) -> None:
    booked = await diary.desk.booked(diary.desk.scene.resident, NINE)
    diary.says("nine")
    await diary.given()
    (conflict,) = (await diary.read())["conflicts"]
    assert (conflict["origin_kind"], conflict["origin_id"], conflict["state"]) == (
        "appointment",
        booked["id"],
        "booked",
    )
    assert HALF_PAST not in await diary.slots()
    # What comes free of it is busy: nobody else gets it.
    await diary.desk.act(diary.desk.scene.resident, booked["id"], "move", {"starts_at": TEN.isoformat()})
    assert (await diary.read())["conflicts"] == []
    assert NINE not in await diary.slots()
    # A change of hours names bookings, and this is none.
    hours: dict[str, list[str]] = {"hours": []}
    url = f"/v1{diary.of_practitioner.removesuffix('/busy-calendars')}/availability"
    version = (await diary.desk.client.get(url, headers=diary.desk.scene.keeper)).json()["version"]
    saved = await diary.desk.client.put(
        url, json=hours, headers={**diary.desk.scene.keeper, "If-Match": f'"{version}"'}
    )
    assert [one["origin_id"] for one in saved.json()["conflicts"]] == [booked["id"]]


async def test_what_we_exported_does_not_come_back(diary: Diary) -> None:
    await diary.desk.booked(diary.desk.scene.resident, NINE)
    feed = await diary.desk.post("/me/calendar-feeds", diary.desk.scene.clinician, {"kind": "practitioner"})
    ours = await diary.desk.client.get(feed.json()["path"])
    diary.server.kept[FEED] = Kept(ours.content)
    await diary.given()
    shown = await diary.read()
    assert (shown["busy"], shown["conflicts"], shown["skipped"]) == (0, [], 0)


async def test_an_unchanged_calendar_is_not_read_again_until_there_is_a_day_more(diary: Diary) -> None:
    diary.says("nine")
    await diary.given()
    first = await diary.read()
    second = await diary.again()
    assert diary.server.statuses[FEED] == [200, 304]
    assert (second["busy"], second["imported_at"]) == (1, first["imported_at"])
    assert second["fetched_at"] > first["fetched_at"]
    await diary.again(IN_FULL)
    assert diary.server.statuses[FEED] == [200, 304, 200]
    diary.says("ten")
    assert (await diary.again())["busy"] == 0  # it has passed by now


async def test_what_is_not_busy_any_more_is_offered_and_so_is_what_is_removed(diary: Diary) -> None:
    diary.says("nine", "ten")
    made = await diary.given()
    await diary.read()
    assert (await diary.slots())[0] == at("10:30")
    diary.says("ten")
    await diary.again()
    assert (await diary.slots())[:2] == [NINE, HALF_PAST]
    grace, scene = await diary.grace(), diary.desk.scene
    wish = {
        "visit_type_id": str(scene.visit_type.id),
        "since": "2026-03-03",
        "until": "2026-03-03",
        "earliest": "10:00",
        "latest": "10:00",
    }
    joined = await diary.desk.post("/waitlist-entries", grace, wish)
    assert joined.status_code == 201, joined.text
    await work()
    url = f"/v1/me/busy-calendars/{made['id']}"
    keeper = await sign_in.sign_in(scene.keepers_account, second_factor=True)
    assert (await diary.desk.client.delete(url, headers=keeper)).status_code == 404
    assert (await diary.desk.client.delete(url, headers=await diary.clinician())).status_code == 204
    await work()
    offered = (await diary.desk.get("/me/appointments", grace))["items"]
    assert [(one["status"], one["starts_at"]) for one in offered] == [
        ("proposed", TEN.isoformat().replace("+00:00", "Z"))
    ]


@pytest.mark.parametrize(
    ("kept", "error"),
    [
        (Kept(status=404), "not_found"),
        (Kept(status=410), "gone"),
        (Kept(status=403), "refused"),
        (Kept(status=503), "server_error"),
        (Kept(b"<html>Sign in</html>"), "not_a_calendar"),
        (Kept(ical("DTSTART:20260303T010000Z")[:40]), "not_a_calendar"),
        (Kept(b"x" * (fetching.MOST_BYTES + 1)), "too_big"),
        (Kept(ical(*["DTSTART:20260303T010000Z"] * (rules.MOST_EVENTS + 1))), "too_many_events"),
        (Kept(status=302, headers={"Location": FEED}), "too_many_redirects"),
        (Kept(status=302, headers={"Location": "http://127.0.0.1:1/"}), "unreachable"),
        (Kept(status=302, headers={"Location": "ftp://127.0.0.1/"}), "unreachable"),
        (Kept(dawdles=True), "too_slow"),
    ],
)
async def test_what_was_read_last_holds_while_a_calendar_fails(
    diary: Diary, test_settings: Settings, kept: Kept, error: str
) -> None:
    if kept.dawdles:
        chosen = CalendarSettings(allow_private=True, timeout=0.2)
        install_settings(test_settings.model_copy(update={"calendars": chosen}))
    diary.says("nine")
    await diary.given()
    await diary.read()
    diary.server.kept[FEED] = kept
    failing = await diary.again()
    assert (failing["error"], failing["busy"]) == (error, 1)
    assert failing["failing_since"] == failing["fetched_at"]
    assert NINE not in await diary.slots()
    if not kept.dawdles:
        diary.says("nine")
        well = await diary.again(EVERY * 3)
        assert (well["error"], well["failing_since"], well["busy"]) == (None, None, 1)


async def test_a_rule_without_end_is_read_as_far_as_can_be_booked_and_one_without_days_is_skipped(
    diary: Diary,
) -> None:
    diary.says(
        "DTSTART:20260101T010000Z|DURATION:PT1H|RRULE:FREQ=DAILY",
        "DTSTART:20260101T010000Z|DURATION:PT1H|RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    )
    await diary.given()
    shown = await diary.read()
    assert (shown["busy"], shown["skipped"], shown["error"]) == (368, 1, None)
    assert NINE not in await diary.slots()


async def test_addresses_in_our_own_network_are_not_called_however_they_are_reached(
    diary: Diary, test_settings: Settings
) -> None:
    refused = []
    install_settings(test_settings)
    clinician = diary.desk.scene.clinician
    for url in ("http://example.org/a.ics", "https://127.0.0.1/a.ics", "https://[::1]/a", "https://u:p@example.org/a"):
        answer = await diary.desk.post("/me/busy-calendars", clinician, {"url": url})
        refused.append((answer.status_code, answer.json()["errors"][0]["pointer"]))
        assert "127.0.0.1/a.ics" not in answer.text
    assert refused == [(422, "/body/url")] * 4
    # A name that leads there: it is looked at whenever it is called.
    named = await diary.desk.post("/me/busy-calendars", clinician, {"url": "webcal://localhost/a.ics"})
    assert named.json()["host"] == "localhost"
    assert (await diary.read())["error"] == "address_not_allowed"


async def test_after_a_day_of_failing_those_concerned_are_told_once(diary: Diary) -> None:
    diary.says("nine", status=404)
    await diary.given()
    await diary.read()
    scene = diary.desk.scene

    async def told(headers: Headers) -> list[str]:
        items = (await diary.desk.get("/me/inbox", headers))["items"]
        return [item["title"] for item in items if "calendar" in item["title"]]

    for _ in range(6):
        await diary.again(TELL_AFTER / 7)
    keeper = scene.keepers_account
    assert await told(await sign_in.sign_in(keeper, second_factor=True)) == []
    for _ in range(4):
        await diary.again(TELL_AFTER / 7)
    seen = await told(await sign_in.sign_in(keeper, second_factor=True))
    assert await told(await diary.clinician()) == seen == ["A calendar of Dr Lin cannot be read"]


async def test_an_address_is_sealed_and_said_to_nobody(diary: Diary) -> None:
    diary.says(status=500)
    with structlog.testing.capture_logs() as logs:
        made = await diary.given()
        shown = await diary.read()
    listed = await diary.desk.get(diary.of_practitioner, diary.desk.scene.keeper)
    assert SECRET not in f"{made}{shown}{listed}{logs}"
    async with reading() as connection:
        row = (await connection.execute(sa.text("SELECT * FROM telemedicine_busy_calendar"))).one()
    assert SECRET not in str(row)


async def test_a_clinic_gives_addresses_for_its_practitioners_and_takes_them_back(diary: Diary) -> None:
    diary.says("nine")
    keeper, url = diary.desk.scene.keeper, diary.of_practitioner
    made = await diary.given(headers=keeper, where=url)
    assert (await diary.read())["busy"] == 1
    (seen,) = (await diary.desk.get(url, keeper))["items"]
    assert (seen["id"], seen["busy"]) == (made["id"], 1)
    unknown = url.replace(str(diary.desk.scene.practitioner.id), str(clocks.new_id()))
    assert (await diary.desk.client.get(f"/v1{unknown}", headers=keeper)).status_code == 404
    assert (await diary.desk.client.delete(f"/v1{unknown}/{made['id']}", headers=keeper)).status_code == 404
    assert (await diary.desk.client.delete(f"/v1{url}/{made['id']}", headers=keeper)).status_code == 204
    assert (await diary.desk.client.delete(f"/v1{url}/{made['id']}", headers=keeper)).status_code == 404
    assert NINE in await diary.slots()


async def test_there_are_only_so_many_and_only_for_practitioners(diary: Diary) -> None:
    for _ in range(5):
        await diary.given()
    body = {"url": diary.server.url}
    refused = await diary.desk.post("/me/busy-calendars", diary.desk.scene.clinician, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_busy_calendars")
    nobody = await diary.desk.post("/me/busy-calendars", diary.desk.scene.resident, body)
    assert nobody.status_code == 403
    for _ in range(14):
        await diary.desk.post("/me/busy-calendars", diary.desk.scene.clinician, body)
    limited = await diary.desk.post("/me/busy-calendars", diary.desk.scene.clinician, body)
    assert limited.status_code == 429


async def test_what_is_removed_while_it_is_read_blocks_nothing(diary: Diary) -> None:
    diary.says("nine")
    made = await diary.given()
    diary.server.go_on.clear()
    reading_it = asyncio.create_task(fetching.run())
    await diary.server.on_asked.wait()
    url = f"/v1/me/busy-calendars/{made['id']}"
    assert (await diary.desk.client.delete(url, headers=diary.desk.scene.clinician)).status_code == 204
    diary.server.go_on.set()
    await reading_it
    async with reading() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM reservations_block")) == 0


async def test_a_closed_account_keeps_nobody_busy_and_who_works_nowhere_is_not_asked(diary: Diary) -> None:
    diary.says("nine")
    await diary.given()
    await diary.read()
    scene = diary.desk.scene
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE telemedicine_practitioner SET is_active = false"))
    before = len(diary.server.asked[FEED])
    shown = await diary.again()
    assert (len(diary.server.asked[FEED]), shown["busy"]) == (before, 1)
    async with unit_of_work() as session:
        await emit(session, AccountDeactivated(aggregate_id=scene.doctor.id, community_id=scene.place.id))
    await settle(RELAY_JOBS)
    async with reading() as connection:
        for table in ("telemedicine_busy_calendar", "reservations_block"):
            assert await connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0
