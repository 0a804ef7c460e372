"""A residence ends: what lies ahead of somebody at clinics is called off with it, in one operation."""

import pytest
import sqlalchemy as sa

from app.core.database import reading
from tests.factories import identity, sign_in, telemedicine
from tests.policies.journeys.telemedicine.conftest import Desk
from tests.telemedicine.appointments.conftest import at, no_drift
from tests.telemedicine.appointments.test_booking import crowd


async def rows(sql: str) -> list[tuple[str, ...]]:
    async with reading() as connection:
        return [tuple(row) for row in await connection.execute(sa.text(sql))]


@pytest.mark.parametrize("reason", ["died", "moved_out"])
async def test_the_end_of_a_residence_frees_what_was_booked_and_nobody_waits(desk: Desk, reason: str) -> None:
    scene, grace = desk.scene, desk.scene.resident
    await desk.booked(grace, at("09:00"))
    await desk.held(grace, at("10:00"))
    await desk.post("/waitlist-entries", grace, {"visit_type_id": str(scene.visit_type.id)})
    await desk.post(f"/clinics/{scene.organization.id}/queue-tickets", grace)
    await identity.agreement(scene.organization, None, scene.grace)
    await telemedicine.consultation(
        telemedicine.Scene(scene.place, scene.grace, scene.doctor, scene.organization, scene.doctor)
    )
    other = (await crowd(scene, 1))[0]
    assert (await desk.ask(other, at("09:00"))).status_code == 409

    office = await sign_in.sign_in(await identity.operator(scene.place), second_factor=True)
    closed = await desk.post(f"/residents/{scene.grace.id}/closure", office, {"reason": reason, "date": "2026-03-02"})
    assert closed.status_code == 201, closed.text
    # No worker has run meanwhile.
    assert await rows("SELECT DISTINCT status, cancelled_by FROM telemedicine_appointment") == [("cancelled", "nobody")]
    assert await rows("SELECT state FROM telemedicine_waitlist_entry") == [("closed",)]
    assert await rows("SELECT state FROM telemedicine_queue_ticket") == [("left",)]
    # The booked one's, and one of its own.
    assert await rows("SELECT state FROM telemedicine_consultation ORDER BY state") == [("cancelled",), ("expired",)]
    for start in ("09:00", "10:00"):
        assert (await desk.ask(other, at(start))).status_code == 201
    await no_drift()
