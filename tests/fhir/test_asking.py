"""A clinic that keeps its own diary, in FHIR: what awaits it says so, and it answers by a response or an update."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest_asyncio

from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from telemedicine.appointments import jobs
from telemedicine.clinics.models import Clinic
from tests.factories import fhir, sign_in
from tests.factories.fhir import Scene
from tests.fhir.test_booking import APPOINTMENT, ROOT, participants
from tests.fhir.valid import refused, resources, valid

RESPONSE = f"{ROOT}/AppointmentResponse"
Json = dict[str, Any]


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> Scene:
    """Insert the scene, whose clinic keeps its own diary."""
    found = await fhir.scene()
    async with unit_of_work() as session:
        (await session.get_one(Clinic, found.clinic.id)).owns_diary = True
    return found


async def ask(client: httpx.AsyncClient, of: Scene, place: int = 0) -> Json:
    """Ask for a slot as the patient; return the appointment as it is told to them."""
    found = await fhir.slots(client, of, schedule=f"Schedule/{of.schedule}")
    headers = await sign_in.sign_in(of.person)
    return valid(await client.post(APPOINTMENT, json=fhir.wanted(of, found[place]), headers=headers), 201)


def says(appointment: Json) -> dict[str, str]:
    """Return what an appointment's extensions say."""
    return {
        one["url"].rpartition(":")[2]: one.get("valueCode") or one["valueInstant"]
        for one in appointment.get("extension", [])
    }


def response(appointment: Json, status: str, **more: Any) -> Json:
    return {
        "resourceType": "AppointmentResponse",
        "appointment": {"reference": f"Appointment/{appointment['id']}"},
        "actor": next(
            one["actor"] for one in appointment["participant"] if one["actor"]["reference"].startswith("Practitioner/")
        ),
        "participantStatus": status,
        **more,
    }


async def test_what_awaits_the_clinic_is_another_pending_than_a_hold(client: httpx.AsyncClient, scene: Scene) -> None:
    asked = await ask(client, scene)
    assert asked["status"] == "pending"
    assert participants(asked) == {
        "Patient": "accepted",
        "Practitioner": "needs-action",
        "HealthcareService": "accepted",
    }
    assert says(asked)["appointment-awaits"] == "clinic"
    held = await fhir.book(client, scene, status="pending")
    assert says(held)["appointment-awaits"] == "patient"
    assert participants(held)["Patient"] == "needs-action"
    kept = [datetime.fromisoformat(says(one)["appointment-kept-until"]) for one in (held, asked)]
    assert kept[0] < kept[1] < datetime.fromisoformat(asked["start"])
    waiting = valid(await client.get(APPOINTMENT, params={"status": "pending"}, headers=scene.system))
    assert {one["id"] for one in resources(waiting)} == {asked["id"], held["id"]}


async def test_the_clinic_answers_by_a_response(client: httpx.AsyncClient, scene: Scene) -> None:
    asked = await ask(client, scene)
    assert refused(await client.get(f"{RESPONSE}/{asked['id']}", headers=scene.system), 404)
    yes = response(asked, "accepted", start=asked["start"], end=asked["end"])
    made = await client.post(RESPONSE, json=yes, headers=scene.system)
    assert valid(made, 201)["participantStatus"] == "accepted"
    read = valid(await client.get(made.headers["location"].partition("/_history")[0], headers=scene.system))
    assert read["appointment"] == {"reference": f"Appointment/{asked['id']}"}
    booked = valid(await client.get(f"{APPOINTMENT}/{asked['id']}", headers=scene.system))
    assert (booked["status"], says(booked), participants(booked)["Practitioner"]) == ("booked", {}, "accepted")
    found = valid(
        await client.get(RESPONSE, params={"appointment": f"Appointment/{asked['id']}"}, headers=scene.system)
    )
    assert resources(found) == [read]
    beside = valid(
        await client.get(
            APPOINTMENT,
            params={"_id": asked["id"], "_revinclude": "AppointmentResponse:appointment"},
            headers=scene.system,
        )
    )
    assert [one["participantStatus"] for one in resources(beside, "include")] == ["accepted"]


async def test_a_response_declines_with_a_reason_or_proposes_another_start(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    asked = await ask(client, scene)
    no = response(asked, "declined", comment="the doctor is away")
    assert valid(await client.post(RESPONSE, json=no, headers=scene.system), 201)["participantStatus"] == "declined"
    off = valid(await client.get(f"{APPOINTMENT}/{asked['id']}", headers=scene.system))
    assert (off["status"], off["cancelationReason"]["coding"][0]["code"]) == ("cancelled", "prov")
    other = await ask(client, scene)
    instead = response(other, "tentative", start="2026-03-03T02:00:00Z")
    assert valid(await client.post(RESPONSE, json=instead, headers=scene.system), 201)["start"] == instead["start"]
    person = await sign_in.sign_in(scene.person)
    proposed = valid(await client.get(f"{APPOINTMENT}/{other['id']}", headers=person))
    assert (proposed["status"], proposed["start"], says(proposed)["appointment-awaits"]) == (
        "proposed",
        instead["start"],
        "patient",
    )
    taken = await client.put(f"{APPOINTMENT}/{other['id']}", json=proposed | {"status": "booked"}, headers=person)
    assert valid(taken)["status"] == "booked"


async def test_an_update_answers_too(client: httpx.AsyncClient, scene: Scene) -> None:
    first, second, third = [await ask(client, scene, place) for place in (0, 1, 2)]
    for asked, changes, status in (
        (first, {"status": "booked"}, "booked"),
        (second, {"status": "cancelled", "cancelationReason": {"text": "full"}}, "cancelled"),
        (third, {"status": "proposed", "start": "2026-03-03T03:30:00Z"}, "proposed"),
    ):
        address = f"{APPOINTMENT}/{asked['id']}"
        done = valid(await client.put(address, json=asked | changes, headers=scene.system))
        assert done["status"] == status
    # The patient's yes is not the clinic's.
    fourth = await ask(client, scene, 1)
    own = await client.put(
        f"{APPOINTMENT}/{fourth['id']}",
        json=fourth | {"status": "booked"},
        headers=await sign_in.sign_in(scene.person),
    )
    assert refused(own, 403)[0]["code"] == "forbidden"


async def test_what_no_answer_says_is_refused_with_its_place(client: httpx.AsyncClient, scene: Scene) -> None:
    asked = await ask(client, scene)
    for changes, status, expression in (
        ({"participantStatus": "needs-action"}, 422, "participantStatus"),
        ({"participantStatus": "tentative"}, 422, "start"),
        ({"start": "2026-03-03T02:00:00Z"}, 422, "start"),
        ({"comment": "gladly"}, 422, "comment"),
        ({"end": "2026-03-03T09:00:00Z"}, 422, "end"),
        ({"identifier": [{"value": "1"}]}, 422, "identifier"),
        ({"actor": {"reference": "Practitioner/x"}}, 422, "actor"),
        ({"appointment": {"reference": "Appointment/x"}}, 422, "appointment"),
        ({"participantStatus": 1}, 400, "participantStatus"),
    ):
        answer = await client.post(RESPONSE, json=response(asked, "accepted") | changes, headers=scene.system)
        assert refused(answer, status)[0]["expression"] == [f"AppointmentResponse.{expression}"], changes
    odd = asked | {"status": "booked", "extension": [{"url": "urn:x", "valueCode": "y"}]}
    answer = await client.put(f"{APPOINTMENT}/{asked['id']}", json=odd, headers=scene.system)
    assert refused(answer, 422)[0]["expression"] == ["Appointment.extension[0]"]
    still = valid(await client.get(f"{APPOINTMENT}/{asked['id']}", headers=scene.system))
    assert still["meta"] == asked["meta"]


async def test_an_answer_after_the_time_was_let_go_is_told_so(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    asked = await ask(client, scene)
    clock.set(datetime.fromisoformat(says(asked)["appointment-kept-until"]) + timedelta(seconds=1))
    for _ in range(2):
        late = await client.post(RESPONSE, json=response(asked, "accepted"), headers=scene.system)
        assert refused(late, 409)[0]["details"]["coding"][0]["code"] == "answer_too_late"
        update = await client.put(
            f"{APPOINTMENT}/{asked['id']}", json=asked | {"status": "booked"}, headers=scene.system
        )
        assert refused(update, 409)
        await jobs.expire()
