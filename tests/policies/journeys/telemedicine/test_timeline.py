"""What telemedicine tells on a timeline: what became of appointments and visits, to whom their own routes show it."""

from datetime import timedelta

import pytest

from app.core.clock import ManualClock
from tests.factories import identity, sign_in, telemedicine
from tests.factories.lived import items
from tests.policies.journeys.telemedicine.conftest import Desk
from tests.telemedicine.appointments.conftest import at, work
from tests.telemedicine.appointments.rooms import Room

APPOINTMENTS = ["appointments:manage"]


async def told(desk: Desk, headers: dict[str, str], path: str = "/v1/me") -> list[str]:
    """Return what a timeline says of appointments, the latest first."""
    found = await items(desk.client, headers, f"{path}/timeline", kind="appointment_changed")
    return [item["data"]["news"] for item in found]


async def test_it_tells_what_became_of_an_appointment_and_nothing_of_what_was_only_held(
    desk: Desk, clock: ManualClock
) -> None:
    grace = desk.scene.resident
    booked = await desk.booked(grace, at("09:00"))
    await desk.act(grace, booked["id"], "move", {"starts_at": at("10:00").isoformat()})
    called_off = await desk.booked(grace, at("11:00"))
    await desk.act(grace, called_off["id"], "cancellation", {"reason": "Wisteria"})
    let_go = await desk.held(grace, at("11:30"))
    await desk.act(grace, let_go["id"], "cancellation")
    await desk.held(grace, at("11:00"))
    clock.advance(timedelta(minutes=6))
    await work()
    assert await told(desk, grace) == ["cancelled", "booked", "moved", "booked"]

    clock.set(at("10:35"))
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    doctor = await sign_in.sign_in(desk.scene.doctor, second_factor=True)
    for status in ("noshow", "arrived", "checked-in", "fulfilled"):
        clock.advance(timedelta(minutes=1))
        await desk.act(doctor, booked["id"], "outcome", {"status": status})
    found = await items(desk.client, grace, limit=2)
    assert [(item["data"]["appointment_id"], item["text"]) for item in found] == [
        (booked["id"], "Was seen at an appointment."),
        (booked["id"], "Did not come to an appointment."),
    ]
    assert not any("Wisteria" in str(item) for item in await items(desk.client, grace))


async def test_who_has_the_right_sees_it_and_who_lacks_it_sees_nothing_of_it(desk: Desk) -> None:
    await desk.booked(desk.scene.resident, at("09:00"))
    grace, path = desk.scene.grace, f"/v1/residents/{desk.scene.grace.id}"
    let, other = [await identity.account(desk.scene.place, name=name) for name in ("Let", "Other")]
    await identity.grant(grace, let, APPOINTMENTS)
    await identity.grant(grace, other, ["visits:read", "consultations:read"])
    assert await told(desk, await sign_in.sign_in(let), path) == ["booked"]
    assert await told(desk, await sign_in.sign_in(other), path) == []


@pytest.mark.parametrize(("kind", "seen"), [("clinic", ["booked"]), ("care_agency", [])])
async def test_of_those_who_serve_a_resident_only_clinics_see_appointments(
    desk: Desk, kind: str, seen: list[str]
) -> None:
    await desk.booked(desk.scene.resident, at("09:00"))
    serving = await identity.organization(desk.scene.place, kind)
    await identity.agreement(serving, [*APPOINTMENTS, "alarms:read"], desk.scene.grace)
    headers = await sign_in.sign_in(await identity.staff(serving, "coordinator"), second_factor=True)
    assert await told(desk, headers, f"/v1/residents/{desk.scene.grace.id}") == seen


async def test_a_visit_and_its_note_are_told_when_they_are_over_and_signed(desk: Desk, clock: ManualClock) -> None:
    scene = await telemedicine.scene()
    clinician, resident = await sign_in.sign_in(scene.clinician), await sign_in.sign_in(scene.account)
    visit = await telemedicine.consultation(scene)
    path, room = f"/v1/consultations/{visit.id}", Room(visit.id)
    await room.lets_in(await room.comes(scene.clinician.id), await room.comes(scene.account.id))
    note = {"subjective": "Wisteria", "objective": "", "assessment": "", "plan": "Rest"}
    assert (await desk.client.put(f"{path}/note", headers=clinician, json=note)).status_code == 200
    assert await items(desk.client, resident) == []
    assert (await desk.client.post(f"{path}/end", headers=clinician)).status_code == 200
    clock.advance(timedelta(minutes=1))
    assert (await desk.client.post(f"{path}/note/signature", headers=clinician)).status_code == 200
    found = await items(desk.client, resident)
    assert [item["kind"] for item in found] == ["consultation_note_signed", "consultation_ended"]
    assert found[0]["data"] == {"consultation_id": found[1]["id"], "author_id": str(scene.clinician.id)}
    assert not any("Wisteria" in str(item) for item in found)
    # One that was ended before anybody met did not take place.
    path = f"/v1/consultations/{(await telemedicine.consultation(scene)).id}"
    assert (await desk.client.post(f"{path}/end", headers=clinician)).status_code == 200
    assert len(await items(desk.client, resident)) == len(found)
