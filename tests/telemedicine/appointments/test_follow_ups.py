"""What a signed note says of meeting again is suggested when it can be booked, and booked with one tap."""

import asyncio
from datetime import date, timedelta

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.models import Resident
from notifications.delivery.models import DELIVERIES
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.clinics.models import Clinic
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import Body, Desk, at, no_drift, work

NEXT_TUESDAY = date(2026, 3, 10)


async def told() -> int:
    """Return how often somebody was told to book a follow-up."""
    async with reading() as connection:
        rows = await connection.execute(DELIVERIES.select())
        return sum(row.notice_key == "telemedicine.follow_up" for row in rows)


async def noted(desk: Desk, clock: ManualClock, days: int, **booking: object) -> Body:
    """Return an appointment whose note says to come again in so many days."""
    booked = await desk.booked(desk.scene.resident, at("09:00"), **booking)
    clock.set(at("09:40"))
    doctor = await sign_in.sign_in(desk.scene.doctor, second_factor=True)
    path = f"/v1/consultations/{booked['consultation_id']}/note"
    written = await desk.client.put(path, headers=doctor, json={"plan": "Rest", "follow_up_days": days})
    assert written.status_code == 200, written.text
    assert (await desk.client.post(f"{path}/signature", headers=doctor)).status_code == 200
    await work()
    return booked


async def test_a_follow_up_is_suggested_and_booked_with_one_tap(desk: Desk, clock: ManualClock) -> None:
    await clinics.practitioner(desk.scene.clinic)  # another one, whom nobody suggests
    booked = await noted(desk, clock, 7)
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    path = f"/appointments/{booked['id']}/follow-up"
    assert await told() == 1
    assert (await desk.get("/me/appointments", grace))["items"][0]["follow_up_at"] == "2026-03-10T01:00:00Z"
    suggested = await desk.get(path, grace)
    assert suggested["due_at"] == suggested["slots"][0]["starts_at"] == "2026-03-10T01:00:00Z"
    assert {slot["practitioner"]["id"] for slot in suggested["slots"]} == {str(desk.scene.practitioner.id)}
    assert {slot["visit_type"]["id"] for slot in suggested["slots"]} == {str(desk.scene.visit_type.id)}

    # Two taps at once, and each of them under a key of its own.
    taps = await asyncio.gather(*(desk.post(path, grace) for _ in range(3)))
    (made,) = [tap.json() for tap in taps if tap.status_code == 201]
    assert sorted(tap.status_code for tap in taps) == [201, 404, 404]
    assert (made["status"], made["starts_at"]) == ("booked", "2026-03-10T01:00:00Z")
    assert made["consultation_id"]
    assert (await desk.get(f"/appointments/{booked['id']}", grace))["follow_up_at"] is None
    await no_drift()
    # Called off again, it is suggested again; a week after its day it is not.
    await desk.act(grace, made["id"], "cancellation")
    far = await desk.post(path, grace, {"starts_at": at("09:00", date(2026, 3, 18)).isoformat()})
    assert (far.status_code, far.json()["code"], len(far.json()["alternatives"])) == (409, "not_offered", 5)
    later = await desk.post(path, grace, {"starts_at": at("09:30", NEXT_TUESDAY).isoformat()})
    assert later.status_code == 201
    await desk.act(grace, later.json()["id"], "cancellation")
    clock.set(at("09:00", NEXT_TUESDAY) + timedelta(days=7))
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    assert (await desk.client.get(f"/v1{path}", headers=grace)).status_code == 404


async def test_where_the_clinic_is_asked_two_taps_are_one_request(desk: Desk, clock: ManualClock) -> None:
    booked = await noted(desk, clock, 7)
    async with unit_of_work() as session:
        (await session.get_one(Clinic, desk.scene.clinic.id)).owns_diary = True
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    path = f"/appointments/{booked['id']}/follow-up"
    taps = await asyncio.gather(*(desk.post(path, grace) for _ in range(2)))
    assert sorted(tap.status_code for tap in taps) == [201, 404]
    (made,) = [tap.json() for tap in taps if tap.status_code == 201]
    assert (made["status"], made["awaits"]) == ("pending", "clinic")


async def test_what_is_taken_meanwhile_is_not_booked_and_what_is_free_is_named(desk: Desk, clock: ManualClock) -> None:
    booked = await noted(desk, clock, 7)
    other = await sign_in.sign_in_resident(await identity.resident(desk.scene.place))
    await desk.booked(other, at("09:00", NEXT_TUESDAY))
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    path = f"/appointments/{booked['id']}/follow-up"
    taken = await desk.post(path, grace, {"starts_at": at("09:00", NEXT_TUESDAY).isoformat()})
    assert (taken.status_code, taken.json()["code"]) == (409, "not_offered")
    assert taken.json()["alternatives"]
    assert (await desk.post(path, grace)).json()["starts_at"] == "2026-03-10T01:30:00Z"


async def test_it_is_told_once_that_day_can_be_booked(desk: Desk, clock: ManualClock) -> None:
    booked = await noted(desk, clock, 90)
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    assert await told() == 0
    suggested = await desk.get(f"/appointments/{booked['id']}/follow-up", grace)
    assert suggested["slots"] == []
    clock.set(at("09:00") + timedelta(days=60))
    await work()
    await work()
    assert await told() == 1
    async with reading() as connection:
        (row,) = await connection.execute(APPOINTMENTS.select())
    assert row.follow_up_tell_at is None


async def test_nobody_who_is_here_no_more_is_called_back(desk: Desk, clock: ManualClock) -> None:
    await noted(desk, clock, 90)
    async with unit_of_work() as session:
        (await session.get_one(Resident, desk.scene.grace.id)).state = "deceased"
    clock.set(at("09:00") + timedelta(days=60))
    await work()
    assert await told() == 0


async def test_nothing_is_suggested_without_a_note_or_to_others(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    path = f"/v1/appointments/{booked['id']}/follow-up"
    assert (await desk.client.get(path, headers=desk.scene.resident)).status_code == 404
    assert (await desk.client.post(path, headers=desk.scene.resident, json={})).status_code == 404
    stranger = await sign_in.sign_in_resident(await identity.resident(desk.scene.place))
    assert (await desk.client.get(path, headers=stranger)).status_code == 404
    assert clock.now() < at("09:00")
