"""A video visit that was held and an appointment that was kept become encounters, once, and are taken back if wrong."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import col

from app import assembly
from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.events import emit, install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from telemedicine.consultations.models import Consultation
from telemedicine.consultations.service.planning import end_consultation
from telemedicine.events import ConsultationClosed
from tests.factories import sign_in, telemedicine, telemedicine_appointments, telemedicine_clinics
from tests.factories.telemedicine import Scene


@pytest.fixture
async def scene(client: httpx.AsyncClient, clock: ManualClock) -> Scene:
    install_subscribers(assembly.SUBSCRIBERS)
    return await telemedicine.scene()


async def encounters(client: httpx.AsyncClient, scene: Scene) -> list[dict[str, Any]]:
    """Return what the resident sees of their encounters once the worker is done, also the withdrawn ones."""
    await settle(RELAY_JOBS)
    headers = await sign_in.sign_in(scene.account)
    answer = await client.get(
        "/v1/me/health-records", headers=headers, params={"kind": "encounter", "entered_in_error": "true"}
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_visit_that_was_held_is_an_encounter_and_one_nobody_came_to_is_none(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    actor = telemedicine.clinician_of(scene.clinic, scene.clinician)
    held, missed = await telemedicine.consultation(scene), await telemedicine.consultation(scene)
    began = clocks.now()
    async with unit_of_work() as session:
        statement = sa.update(Consultation).where(col(Consultation.id) == held.id)
        await session.execute(statement.values(state="in_progress", started_at=began))
    clock.advance(timedelta(minutes=20))
    async with unit_of_work() as session:
        await end_consultation(session, actor, held.id)
        await end_consultation(session, actor, missed.id)
    (encounter,) = await encounters(client, scene)
    content = encounter["content"]
    assert (content["encounter_class"], content["status"], encounter["source"]) == ("VR", "finished", "clinic")
    assert encounter["origin"] == {"kind": "consultation", "id": str(held.id)}
    assert (_instant(content["starts_at"]), _instant(content["ends_at"])) == (began, clocks.now())
    assert (encounter["organization_id"], encounter["author_id"]) == (str(scene.clinic.id), None)

    # The same told once more makes no second one.
    async with unit_of_work() as session:
        await emit(
            session,
            ConsultationClosed(
                aggregate_id=held.id,
                community_id=scene.place.id,
                resident_id=scene.resident.id,
                organization_id=scene.clinic.id,
                appointment_id=None,
                state="ended",
            ),
        )
    assert len(await encounters(client, scene)) == 1


@pytest.mark.parametrize(("mode", "expected"), [("in_person", "AMB"), ("home", "HH"), ("phone", "VR"), ("video", None)])
async def test_an_appointment_that_was_kept_is_an_encounter_unless_the_visit_itself_is_one(
    client: httpx.AsyncClient, scene: Scene, mode: str, expected: str | None
) -> None:
    kept = await telemedicine_clinics.clinic(scene.place, scene.clinic)
    practitioner = await telemedicine_clinics.practitioner(kept, scene.clinician)
    of_type = await telemedicine_clinics.visit_type(kept)
    begins = clocks.now() - timedelta(minutes=10)
    row = await telemedicine_appointments.appointment(
        scene.resident, practitioner, of_type, begins, mode=mode, status="arrived"
    )
    headers = await sign_in.sign_in(scene.clinician, second_factor=True)

    async def became(status: str) -> None:
        answer = await client.post(f"/v1/appointments/{row.id}/outcome", headers=headers, json={"status": status})
        assert answer.status_code == 200, answer.text

    await became("fulfilled")
    found = await encounters(client, scene)
    assert [encounter["content"]["encounter_class"] for encounter in found] == ([expected] if expected else [])
    # Told before its end: it was over when that was said.
    assert [_instant(encounter["content"]["ends_at"]) for encounter in found] == [clocks.now()] * len(found)
    await became("entered-in-error")
    found = await encounters(client, scene)
    assert [(encounter["status"], encounter["version"]) for encounter in found] == (
        [("entered-in-error", 2)] if expected else []
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
