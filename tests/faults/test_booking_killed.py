"""An API process killed between the hold and its confirmation: time is lost to nobody, and nothing is booked twice."""

import asyncio
import random
import secrets
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx

from app.core import clock
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.faults.processes import House, Process, looking, until

PEOPLE = 10
LET_HOLDS_END = (
    "UPDATE telemedicine_appointment SET hold_until = $1 WHERE hold_until IS NOT NULL",
    "UPDATE reservations_reservation SET expires_at = $1 WHERE state = 'held'",
)
ONE_EACH = """
SELECT (SELECT count(*) FROM telemedicine_appointment WHERE status = 'booked'),
       (SELECT count(*) FROM telemedicine_appointment a JOIN telemedicine_consultation c
            ON c.id = a.consultation_id AND c.appointment_id = a.id WHERE a.status = 'booked'),
       (SELECT count(*) FROM telemedicine_consultation),
       (SELECT count(*) FROM core_event WHERE name = 'telemedicine.appointment_booked.v1'),
       (SELECT count(*) FROM notifications_inbox_item WHERE notice_key = 'telemedicine.appointment_booked')"""
"""Booked, with a visit of its own, visits, facts of it, and what was told of it."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """Somebody who can be booked around the clock, and those who want to."""

    visit_type: str
    practitioner: str
    first: datetime
    people: list[dict[str, str]]

    def wish(self, number: int) -> dict[str, str]:
        """Return the slot of somebody's own."""
        starts_at = self.first + timedelta(minutes=30 * number)
        return {
            "visit_type_id": self.visit_type,
            "practitioner_id": self.practitioner,
            "starts_at": starts_at.isoformat(),
        }


async def clinic_of(people: int) -> Clinic:
    place = await identity.community()
    row = await clinics.clinic(place)
    doctor = await identity.account(place, name="Dr Lin")
    practitioner = await clinics.practitioner(row, doctor)
    await clinics.hours(practitioner, range(1, 8), "00:00", "24:00")
    of_type = await clinics.visit_type(row)
    residents = [await identity.resident(place, name=f"Resident {number}") for number in range(people)]
    zone = ZoneInfo(row.time_zone)
    tomorrow = clock.now().astimezone(zone).date() + timedelta(days=2)
    return Clinic(
        str(of_type.id),
        str(practitioner.id),
        datetime.combine(tomorrow, time(8), zone),
        [await sign_in.sign_in_resident(resident) for resident in residents],
    )


def keyed(headers: dict[str, str]) -> dict[str, str]:
    return headers | {"Idempotency-Key": str(clock.new_id())}


async def hold(api: Process, headers: dict[str, str], wish: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(base_url=api.url, timeout=60) as client:
        return await client.post("/v1/appointments", headers=headers, json=wish)


async def confirm(api: Process, appointment_id: str, headers: dict[str, str]) -> httpx.Response:
    """Confirm, and ask again while PostgreSQL has not noticed yet that the process before has died."""
    async with httpx.AsyncClient(base_url=api.url, timeout=60) as client:
        while True:
            answer = await client.post(f"/v1/appointments/{appointment_id}/confirmation", headers=headers, json={})
            if answer.status_code != 409 or answer.json()["code"] != "idempotent_request_running":
                return answer


async def test_a_hold_that_is_over_blocks_nobody_though_whoever_made_it_is_dead(home: House) -> None:
    clinic = await clinic_of(2)
    first, second = clinic.people
    api = await home.api()
    held = (await hold(api, first, clinic.wish(0))).json()
    await api.kill()
    api = await home.api()  # and no worker
    assert (await hold(api, second, clinic.wish(0))).status_code == 409
    async with looking(home.url) as look:
        for statement in LET_HOLDS_END:
            await look.execute(statement, clock.now())
        taken = await hold(api, second, clinic.wish(0))
        assert taken.status_code == 201, taken.text
        assert (await confirm(api, taken.json()["id"], keyed(second))).status_code == 200
        late = await confirm(api, held["id"], keyed(first))
        assert (late.status_code, late.json()["code"]) == (409, "hold_over")
        assert tuple(await look.fetchrow(ONE_EACH)) == (1, 1, 1, 1, 1)


async def test_a_confirmation_whose_answer_was_lost_is_repeated_and_books_once(home: House) -> None:
    clinic = await clinic_of(1)
    headers = keyed(clinic.people[0])
    api = await home.api()
    held = (await hold(api, clinic.people[0], clinic.wish(0))).json()
    async with looking(home.url) as look:
        await _ask_and_hear_nothing(api, held["id"], headers, look)
        await api.kill()
        api = await home.api()
        again = await confirm(api, held["id"], headers)
        assert (again.status_code, again.json()["status"]) == (200, "booked")
        assert (await confirm(api, held["id"], headers)).json() == again.json()
        assert tuple(await look.fetchrow(ONE_EACH)) == (1, 1, 1, 1, 1)
        visit = await look.fetchval("SELECT id FROM telemedicine_consultation")
        assert again.json()["consultation_id"] == str(visit)


async def _ask_and_hear_nothing(
    api: Process, appointment_id: str, headers: dict[str, str], look: asyncpg.Connection
) -> None:
    """Send a confirmation and lose the network once it is done."""
    host, _, port = api.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    lines = [f"POST /v1/appointments/{appointment_id}/confirmation HTTP/1.1", f"Host: {host}", "Content-Length: 2"]
    lines += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", "{}"]).encode())
    await writer.drain()
    await until(look, "SELECT count(*) = 1 FROM telemedicine_appointment WHERE status = 'booked'")
    writer.transport.abort()


async def test_many_who_confirm_as_the_process_dies_are_each_booked_once(home: House) -> None:
    seed = secrets.randbits(32)
    kill_after = random.Random(seed).randint(0, PEOPLE - 2)
    clinic = await clinic_of(PEOPLE)
    api = await home.api()
    held = [(await hold(api, who, clinic.wish(number))).json() for number, who in enumerate(clinic.people)]
    keys = [keyed(who) for who in clinic.people]
    answered: dict[str, Any] = {}

    async def ask(number: int) -> None:
        try:
            answer = await confirm(api, held[number]["id"], keys[number])
        except httpx.TransportError:
            return
        assert answer.status_code == 200, answer.text
        answered[held[number]["id"]] = answer.json()
        if len(answered) > kill_after:
            await api.kill()

    await asyncio.gather(*(ask(number) for number in range(PEOPLE)))
    api = await home.api()
    for number, one in enumerate(held):
        again = await confirm(api, one["id"], keys[number])
        assert again.status_code == 200, (seed, again.text)
        assert answered.get(one["id"], again.json()) == again.json(), seed
    async with looking(home.url) as look:
        assert tuple(await look.fetchrow(ONE_EACH)) == (PEOPLE,) * 5, seed
