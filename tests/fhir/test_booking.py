"""Appointments booked, held, moved, called off and concluded in FHIR, by creating, updating and IHE's operations."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from app.core.clock import ManualClock
from tests.factories import fhir, identity, sign_in
from tests.factories.fhir import Scene
from tests.fhir.valid import refused, resources, valid

ROOT = "/fhir/R4"
APPOINTMENT = f"{ROOT}/Appointment"


def participants(appointment: dict[str, Any]) -> dict[str, str]:
    """Return who takes part, by kind, and how they stand to it."""
    return {one["actor"]["reference"].partition("/")[0]: one["status"] for one in appointment["participant"]}


async def test_creating_an_appointment_books_its_slot_once(client: httpx.AsyncClient, scene: Scene) -> None:
    slot, *_ = await fhir.slots(client, scene, schedule=scene.schedule)
    asked = [
        client.post(APPOINTMENT, json=fhir.wanted(scene, slot), headers=scene.system),
        client.post(APPOINTMENT, json=fhir.wanted(scene, slot), headers=scene.system),
    ]
    answers = sorted(await asyncio.gather(*asked), key=lambda answer: answer.status_code)
    made = valid(answers[0], 201)
    assert (made["status"], made["start"], made["slot"]) == (
        "booked",
        slot["start"],
        [{"reference": f"Slot/{slot['id']}"}],
    )
    assert participants(made) == {"Patient": "accepted", "Practitioner": "accepted", "HealthcareService": "accepted"}
    assert answers[0].headers["location"].endswith(f"/Appointment/{made['id']}/_history/{made['meta']['versionId']}")
    assert answers[0].headers["etag"] == f'W/"{made["meta"]["versionId"]}"'
    assert [issue["code"] for issue in refused(answers[1], 409)] == ["conflict"]
    taken = valid(await client.get(f"{ROOT}/Slot/{slot['id']}", headers=scene.system))
    assert (taken["status"], taken["start"]) == ("busy", slot["start"])
    assert slot["id"] not in {one["id"] for one in await fhir.slots(client, scene, schedule=scene.schedule)}


async def test_a_hold_is_confirmed_by_an_update_or_is_over(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    held = await fhir.book(client, scene, status="pending")
    assert (held["status"], participants(held)["Patient"]) == ("pending", "needs-action")
    address = f"{APPOINTMENT}/{held['id']}"
    booked = valid(await client.put(address, json=held | {"status": "booked"}, headers=scene.system))
    assert booked["status"] == "booked"
    other = await fhir.book(client, scene, status="pending")
    clock.advance(timedelta(minutes=6))
    answer = await client.put(f"{APPOINTMENT}/{other['id']}", json=other | {"status": "booked"}, headers=scene.system)
    assert refused(answer, 409)[0]["details"]["coding"][0]["code"] == "hold_over"
    found = valid(await client.get(APPOINTMENT, params={"status": "cancelled"}, headers=scene.system))
    assert [one["id"] for one in resources(found)] == [other["id"]]


async def test_an_update_calls_off_and_the_clinic_does_so_for_nothing(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    scene = await fhir.scene(late_fee_amount=2000, notice_period=fhir.A_WEEK)
    booked = await fhir.book(client, scene)
    cancelled = booked | {"status": "cancelled", "cancelationReason": {"text": "the doctor is ill"}}
    address = f"{APPOINTMENT}/{booked['id']}"
    stale = await client.put(address, json=cancelled, headers=scene.system | {"If-Match": 'W/"1"'})
    assert [issue["code"] for issue in refused(stale, 412)] == ["conflict"]
    answer = await client.put(
        address, json=cancelled, headers=scene.system | {"If-Match": f'W/"{booked["meta"]["versionId"]}"'}
    )
    done = valid(answer)
    assert (done["status"], done["cancelationReason"]["coding"][0]["code"]) == ("cancelled", "prov")
    assert participants(done)["Practitioner"] == "declined"
    mine = await client.get(f"/v1/appointments/{booked['id']}", headers=await sign_in.sign_in(scene.person))
    assert mine.json()["fee"]["amount"] == 0
    assert mine.json()["cancel_reason"] == "the doctor is ill"


async def test_an_update_moves_or_concludes_but_not_both(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    booked = await fhir.book(client, scene)
    address = f"{APPOINTMENT}/{booked['id']}"
    later = {"start": "2026-03-03T02:00:00Z"}
    both = await client.put(address, json=booked | later | {"status": "arrived"}, headers=scene.system)
    assert refused(both, 422)[0]["expression"] == ["Appointment.status"]
    moved = valid(await client.put(address, json=booked | later, headers=scene.system))
    assert (moved["start"], moved["end"]) == ("2026-03-03T02:00:00Z", "2026-03-03T02:30:00Z")
    early = await client.put(address, json=moved | {"status": "noshow"}, headers=scene.system)
    refused(early, 409)
    clock.advance(timedelta(days=1))
    for status in ("arrived", "fulfilled"):
        moved = valid(await client.put(address, json=moved | {"status": status}, headers=scene.system))
        assert moved["status"] == status
    own = await client.put(address, json=moved | {"status": "noshow"}, headers=await sign_in.sign_in(scene.person))
    assert refused(own, 403)[0]["code"] == "forbidden"


async def test_what_would_be_lost_or_is_another_patients_is_refused(client: httpx.AsyncClient, scene: Scene) -> None:
    slot, other, *_ = await fhir.slots(client, scene, schedule=scene.schedule)
    neighbour = await identity.resident(scene.place, name="Walter")
    patient, stranger = fhir.wanted(scene, slot)["participant"], {"reference": f"Patient/{neighbour.id}"}
    for changes, status, expression in (
        ({"comment": "allergic to latex"}, 422, "Appointment.comment"),
        ({"status": "arrived"}, 422, "Appointment.status"),
        ({"status": "sure"}, 422, "Appointment.status"),
        ({"start": other["start"]}, 422, "Appointment.start"),
        ({"end": other["end"]}, 422, "Appointment.end"),
        ({"participant": [*patient, *patient]}, 422, "Appointment.participant[1].actor"),
        (
            {"participant": [{"actor": {"reference": "Patient/x"}, "status": "accepted"}]},
            422,
            "Appointment.participant[0].actor",
        ),
        ({"slot": [{"reference": "Slot/x"}]}, 422, "Appointment.slot[0].reference"),
        ({"slot": []}, 400, "Appointment.slot"),
        ({"participant": [{"actor": {"reference": "Patient/1"}}]}, 400, "Appointment.participant[0].status"),
        ({"start": "tomorrow"}, 400, "Appointment.start"),
        ({"colour": "red"}, 400, "Appointment.colour"),
        ({"resourceType": "Slot"}, 400, "Appointment.resourceType"),
    ):
        answer = await client.post(APPOINTMENT, json=fhir.wanted(scene, slot, **changes), headers=scene.system)
        assert refused(answer, status)[0]["expression"] == [expression], changes
    unknown = fhir.wanted(scene, slot, participant=[{"actor": stranger, "status": "accepted"}])
    assert refused(await client.post(APPOINTMENT, json=unknown, headers=scene.system), 404)[0]["code"] == "not-found"
    assert len(await fhir.slots(client, scene, schedule=scene.schedule, start="lt2026-03-04")) == 6


async def test_ihe_finds_holds_and_books(client: httpx.AsyncClient, scene: Scene) -> None:
    asked = {
        "start": "2026-03-03",
        "end": "2026-03-03",
        "practitioner": f"Practitioner/{scene.doctor.id}",
        "visit-type": f"urn:hearthline:visit-type|{scene.service.id}",
        "patient-reference": f"Patient/{scene.resident.id}",
    }
    found = resources(valid(await client.get(f"{APPOINTMENT}/$find", params=asked, headers=scene.system)))
    assert {one["status"] for one in found} == {"proposed"}
    assert len(found) == 6
    posted = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "start", "valueDateTime": "2026-03-03"},
            {"name": "end", "valueDateTime": "2026-03-03"},
            {"name": "patient-reference", "valueReference": {"reference": asked["patient-reference"]}},
        ],
    }
    again = valid(await client.post(f"{APPOINTMENT}/$find", json=posted, headers=scene.system))
    assert resources(again) == found
    first, second, *_ = found
    assert valid(await client.get(f"{APPOINTMENT}/{first['id']}", headers=scene.system)) == first
    held = await operate(client, scene, "hold", first["id"])
    assert (held["status"], held["start"]) == ("pending", first["start"])
    assert (await client.get(f"{APPOINTMENT}/{first['id']}", headers=scene.system)).status_code == 404
    booked = await operate(client, scene, "book", held["id"])
    assert (booked["id"], booked["status"]) == (held["id"], "booked")
    assert (await operate(client, scene, "book", second["id"]))["status"] == "booked"
    refused(await ask(client, scene, "book", second["id"]), 409)


async def test_ihe_wants_to_know_for_whom_and_from_when_on(client: httpx.AsyncClient, scene: Scene) -> None:
    for asked, status, location in (
        ({"end": "2026-03-03", "patient-reference": str(scene.resident.id)}, 400, "http.start"),
        ({"start": "2026-03-03"}, 400, "http.patient-reference"),
        ({"start": "soon", "patient-reference": str(scene.resident.id)}, 400, "http.start"),
    ):
        answer = await client.get(f"{APPOINTMENT}/$find", params=asked, headers=scene.system)
        assert refused(answer, status)[0]["location"] == [location]
    own = await client.get(
        f"{APPOINTMENT}/$find", params={"start": "2026-03-03"}, headers=await sign_in.sign_in(scene.person)
    )
    assert resources(valid(own))


async def ask(client: httpx.AsyncClient, scene: Scene, operation: str, key: str) -> httpx.Response:
    """Send an operation about an appointment."""
    sent = {
        "resourceType": "Parameters",
        "parameter": [{"name": "appointment-reference", "valueReference": {"reference": f"Appointment/{key}"}}],
    }
    return await client.post(f"{APPOINTMENT}/${operation}", json=sent, headers=scene.system)


async def operate(client: httpx.AsyncClient, scene: Scene, operation: str, key: str) -> dict[str, Any]:
    """Return the one appointment an operation answers with."""
    (found,) = resources(valid(await ask(client, scene, operation, key)))
    return found
