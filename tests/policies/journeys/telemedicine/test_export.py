"""What a resident is handed of telemedicine: all of it, in words they can read."""

from typing import Any

from tests.factories import identity, sign_in, telemedicine
from tests.factories import telemedicine_clinics as clinics
from tests.policies.journeys.telemedicine.conftest import Desk
from tests.telemedicine.appointments.conftest import at

ASKED = [{"key": "since", "text": {"en": "Since when?", "zh-CN": "从什么时候开始？"}}]
NOTE = {"subjective": "Lupin", "objective": "", "assessment": "A cold", "plan": "Rest", "instructions": "Sleep"}


async def test_an_export_holds_all_of_it_in_words(desk: Desk) -> None:
    scene, grace = desk.scene, desk.scene.resident
    asking = await clinics.visit_type(scene.clinic, checklist=ASKED)
    booked = await desk.booked(grace, at("09:00"), visit_type_id=asking.id)
    said = {"answers": [{"key": "since", "answer": "Wisteria"}]}
    await desk.act(grace, booked["id"], "preparation", said)
    await desk.act(grace, booked["id"], "cancellation", {"reason": "Marigold"})
    await desk.post("/waitlist-entries", grace, {"visit_type_id": str(scene.visit_type.id)})
    await desk.post(f"/clinics/{scene.organization.id}/queue-tickets", grace)
    await desk.post("/me/calendar-feeds", grace, {"kind": "resident"})
    await identity.agreement(scene.organization, None, scene.grace)
    of = telemedicine.Scene(scene.place, scene.grace, scene.doctor, scene.organization, scene.doctor)
    path = f"/consultations/{(await telemedicine.consultation(of)).id}"
    await desk.post(f"{path}/links", grace)
    guest = await desk.post(f"{path}/guests", grace, {"role": "family", "name": "Juniper"})
    assert guest.status_code == 201, guest.text
    doctor = await sign_in.sign_in(scene.doctor, second_factor=True)
    assert (await desk.client.put(f"/v1{path}/note", headers=doctor, json=NOTE)).status_code == 200
    assert (await desk.post(f"{path}/note/signature", doctor)).status_code == 200

    exported = await desk.client.get("/v1/me/export", headers=await sign_in.sign_in_resident(scene.grace))
    tables: dict[str, Any] = exported.json()["tables"]
    assert {name for name in tables if name.startswith("telemedicine_")} == {
        "telemedicine_appointment",
        "telemedicine_appointment_change",
        "telemedicine_waitlist_entry",
        "telemedicine_queue_ticket",
        "telemedicine_calendar_feed",
        "telemedicine_consultation",
        "telemedicine_participant",
        "telemedicine_join_link",
        "telemedicine_note",
    }
    (appointment,) = tables["telemedicine_appointment"]["rows"]
    assert ("Wisteria" in appointment["answers"], appointment["cancel_reason"]) == (True, "Marigold")
    assert [row["news"] for row in tables["telemedicine_appointment_change"]["rows"]] == [None, "booked", "cancelled"]
    assert {row["name"] for row in tables["telemedicine_participant"]["rows"]} == {None, "Juniper"}
    (note,) = tables["telemedicine_note"]["rows"]
    assert "Lupin" in note["content"]
    assert "digest" not in str(tables["telemedicine_participant"]["rows"][0].keys())
