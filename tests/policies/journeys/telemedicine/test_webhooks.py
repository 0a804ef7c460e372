"""What clinics' machines are told of telemedicine: their own, while an agreement lets them, as ids."""

from app.core.clock import ManualClock
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from notifications.webhooks.catalogue import webhook_events
from notifications.webhooks.jobs import JOBS
from tests.factories import identity, telemedicine
from tests.factories import webhooks as make
from tests.policies.journeys.telemedicine.conftest import Desk
from tests.sinks.webhooks import Receiver
from tests.telemedicine.appointments.conftest import at

OF_APPOINTMENTS = [name for name in webhook_events() if name.startswith("appointment.")]
OF_VISITS = [name for name in webhook_events() if name.startswith("consultation.")]


async def test_a_clinic_is_told_of_its_own_and_nobody_else_whatever_their_agreement_says(
    desk: Desk, sink: Receiver, clock: ManualClock
) -> None:
    grace, scene = desk.scene.resident, desk.scene
    for name, kind in (("own", None), ("other-clinic", "clinic"), ("agency", "care_agency")):
        organization = await identity.organization(scene.place, kind) if kind else scene.organization
        await identity.agreement(organization, ["appointments:manage", "consultations:read"], scene.grace)
        await make.endpoint(organization, f"{sink.url}/{name}", event_types=OF_APPOINTMENTS)
    booked = await desk.booked(grace, at("09:00"))
    await desk.act(grace, booked["id"], "move", {"starts_at": at("10:00").isoformat()})
    await desk.act(grace, booked["id"], "cancellation", {"reason": "Wisteria"})
    await settle((*RELAY_JOBS, *JOBS))
    ids = {"appointment_id": booked["id"], "resident_id": str(scene.grace.id)}
    told = [(call.path, call.event["type"], call.event["data"]) for call in sink.calls]
    assert sorted(told, key=str) == [("/own", f"appointment.{what}", ids) for what in ("booked", "cancelled", "moved")]


async def test_without_an_agreement_a_clinic_is_told_nothing_and_with_one_of_visits_too(
    desk: Desk, sink: Receiver, clock: ManualClock
) -> None:
    scene = desk.scene
    await make.endpoint(scene.organization, f"{sink.url}/own", event_types=[*OF_APPOINTMENTS, *OF_VISITS])
    await desk.booked(scene.resident, at("09:00"))
    await settle((*RELAY_JOBS, *JOBS))
    assert sink.calls == []
    await identity.agreement(scene.organization, ["consultations:read", "consultations:join"], scene.grace)
    of = telemedicine.Scene(scene.place, scene.grace, scene.doctor, scene.organization, scene.doctor)
    visit = await telemedicine.consultation(of)
    assert (await desk.post(f"/consultations/{visit.id}/end", scene.clinician)).status_code == 200
    await settle((*RELAY_JOBS, *JOBS))
    assert [(call.event["type"], call.event["data"]) for call in sink.calls] == [
        ("consultation.closed", {"consultation_id": str(visit.id), "resident_id": str(scene.grace.id)})
    ]
