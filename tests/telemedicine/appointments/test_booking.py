"""Booking: a hold of five minutes and its confirmation, who may, how much, and many at once."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.identity.scopes import APPOINTMENTS_MANAGE, HOME_CONTROL
from telemedicine.appointments import jobs
from telemedicine.appointments.models import APPOINTMENTS
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import TUESDAY, Body, Desk, Scene, at, no_drift, work

Headers = dict[str, str]


async def crowd(scene: Scene, count: int) -> list[Headers]:
    """Sign in so many residents."""
    people = [await identity.resident(scene.place, name=f"Resident {number}") for number in range(count)]
    return [await sign_in.sign_in_resident(person) for person in people]


async def statuses() -> dict[str, int]:
    async with reading() as connection:
        counted = sa.select(APPOINTMENTS.c.status, sa.func.count()).group_by(APPOINTMENTS.c.status)
        return {row[0]: row[1] for row in await connection.execute(counted)}


async def facts() -> list[str]:
    async with unit_of_work() as session:
        names = await session.scalars(sa.select(col(EventRecord.name)).order_by(col(EventRecord.sequence)))
        return [name for name in names if name.startswith("telemedicine.")]


async def test_a_slot_is_held_confirmed_and_booked_and_shown_as_it_was_agreed(desk: Desk) -> None:
    grace = desk.scene.resident
    held = await desk.held(grace, at("09:00"))
    assert held["status"] == "pending"
    assert held["hold_until"] == "2026-03-02T08:05:00Z"
    assert held["practitioner"] == "Dr Lin"
    assert held["price"] == {"amount": 5000, "currency": "CNY"}
    booked = await desk.act(grace, held["id"], "confirmation")
    assert booked["status"] == "booked"
    assert booked["hold_until"] is None
    again = await desk.act(grace, held["id"], "confirmation")
    assert again == booked
    shown = await desk.get(f"/appointments/{held['id']}", grace)
    assert [change["status"] for change in shown["history"]] == ["pending", "booked"]
    assert [one["id"] for one in (await desk.get("/me/appointments", grace))["items"]] == [held["id"]]
    assert await facts() == ["telemedicine.appointment_held.v1", "telemedicine.appointment_booked.v1"]
    slots = (await desk.get("/slots", grace))["items"]
    assert at("09:00").isoformat().replace("+00:00", "Z") not in {slot["starts_at"] for slot in slots}


async def test_the_same_request_again_is_answered_and_holds_nothing_more(desk: Desk) -> None:
    grace = desk.scene.resident | {"Idempotency-Key": "first try"}
    first, again = await desk.held(grace, at("09:00")), await desk.held(grace, at("09:00"))
    assert first["id"] == again["id"]
    assert await statuses() == {"pending": 1}


async def test_a_hold_that_is_over_frees_everything_without_a_worker_and_is_told_by_one(
    desk: Desk, clock: ManualClock
) -> None:
    await clinics.resource(desk.scene.clinic)
    in_room = await clinics.visit_type(desk.scene.clinic, needs=["room"])
    other = (await crowd(desk.scene, 1))[0]
    held = await desk.held(desk.scene.resident, at("09:00"), visit_type_id=in_room.id)
    taken = await desk.ask(other, at("09:00"), visit_type_id=in_room.id)
    assert (taken.status_code, taken.json()["reason"]) == (409, "taken")
    clock.advance(timedelta(minutes=5))
    late = await desk.post(f"/appointments/{held['id']}/confirmation", desk.scene.resident)
    assert (late.status_code, late.json()["code"]) == (409, "hold_over")
    assert (await desk.get(f"/appointments/{held['id']}", desk.scene.resident))["status"] == "cancelled"
    mine = await desk.booked(other, at("09:00"), visit_type_id=in_room.id)
    assert mine["status"] == "booked"
    await work()
    assert await statuses() == {"cancelled": 1, "booked": 1}
    assert "telemedicine.appointment_expired.v1" in await facts()
    shown = await desk.get(f"/appointments/{held['id']}", desk.scene.resident)
    assert shown["cancelled_by"] == "nobody"
    await no_drift()


async def test_all_that_a_visit_needs_is_taken_together_or_nothing(desk: Desk) -> None:
    await clinics.resource(desk.scene.clinic)
    nurse = await clinics.resource(desk.scene.clinic, "interpreter", name="Mei", languages=["de"])
    both = await clinics.visit_type(desk.scene.clinic, needs=["room", "interpreter"])
    await clinics.booked(nurse.calendar_id, at("10:00"), at("10:30"))
    refused = await desk.ask(desk.scene.resident, at("10:00"), visit_type_id=both.id, language="de")
    assert refused.status_code == 409
    assert refused.json()["alternatives"][0]["starts_at"] == "2026-03-03T01:30:00Z"
    await desk.booked(desk.scene.resident, at("09:00"), visit_type_id=both.id, language="de")
    other = (await crowd(desk.scene, 1))[0]
    second = await clinics.practitioner(desk.scene.clinic)
    await clinics.hours(second, [2], "09:00", "12:00")
    # Another practitioner is free, and the only room is not.
    taken = await desk.ask(other, at("09:00"), visit_type_id=both.id, practitioner_id=second.id, language="de")
    assert taken.json()["code"] == "not_offered"


async def test_only_slots_are_booked_within_lead_time_and_horizon(desk: Desk, clock: ManualClock) -> None:
    near = await clinics.visit_type(desk.scene.clinic, lead_time=timedelta(hours=20), horizon=timedelta(days=3))
    grace = desk.scene.resident
    for start, expected in {"09:10": 409, "13:00": 409, "09:00": 409, "12:00": 409, "11:00": 409}.items():
        assert (await desk.ask(grace, at(start), visit_type_id=near.id)).status_code == expected, start
    assert (await desk.ask(grace, at("09:00", date(2026, 3, 4)), visit_type_id=near.id)).status_code == 201
    assert (await desk.ask(grace, at("09:00", date(2026, 3, 6)), visit_type_id=near.id)).status_code == 409
    assert (await desk.ask(grace, at("09:00", date(2026, 3, 7)))).json()["reason"] == "not_a_slot"


async def test_nobody_is_at_two_places(desk: Desk) -> None:
    elsewhere = await clinics.clinic(desk.scene.place)
    surgeon = await clinics.practitioner(elsewhere)
    await clinics.hours(surgeon, [2], "09:00", "12:00")
    other_type = await clinics.visit_type(elsewhere)
    await desk.booked(desk.scene.resident, at("09:00"))
    refused = await desk.ask(desk.scene.resident, at("09:00"), practitioner_id=surgeon.id, visit_type_id=other_type.id)
    assert (refused.status_code, refused.json()["code"]) == (409, "booked_elsewhere")
    assert (
        await desk.ask(desk.scene.resident, at("09:30"), practitioner_id=surgeon.id, visit_type_id=other_type.id)
    ).status_code == 201


async def test_somebody_books_for_a_resident_who_lets_them(desk: Desk) -> None:
    daughter = await identity.account(desk.scene.place, name="Daughter")
    stranger = await identity.account(desk.scene.place, name="Stranger")
    await identity.grant(desk.scene.grace, daughter, [APPOINTMENTS_MANAGE])
    await identity.grant(desk.scene.grace, stranger, [HOME_CONTROL])
    signed, known = await sign_in.sign_in(daughter), await sign_in.sign_in(stranger)
    neighbour = (await crowd(desk.scene, 1))[0]
    booked = await desk.booked(signed, at("09:00"), resident_id=desk.scene.grace.id)
    assert booked["resident_id"] == str(desk.scene.grace.id)
    assert (await desk.ask(known, at("09:30"), resident_id=desk.scene.grace.id)).status_code == 403
    assert (await desk.ask(neighbour, at("09:30"), resident_id=desk.scene.grace.id)).status_code == 404
    for headers in (known, neighbour):
        assert (await desk.client.get(f"/v1/appointments/{booked['id']}", headers=headers)).status_code == 404
        assert (await desk.post(f"/appointments/{booked['id']}/cancellation", headers)).status_code == 404
    alone = await clinics.visit_type(desk.scene.clinic, bookable_by="resident")
    refused = await desk.ask(signed, at("10:00"), resident_id=desk.scene.grace.id, visit_type_id=alone.id)
    assert refused.status_code == 403
    assert (await desk.ask(desk.scene.resident, at("10:00"), visit_type_id=alone.id)).status_code == 201


async def test_the_clinic_books_what_only_it_may_and_beyond_what_one_person_can(desk: Desk) -> None:
    scene = desk.scene
    inside = await clinics.visit_type(scene.clinic, bookable_by="clinic")
    assert (await desk.ask(scene.resident, at("09:00"), visit_type_id=inside.id)).status_code == 404
    assert (await desk.ask(scene.clinician, at("09:00"), resident_id=scene.grace.id)).status_code == 404
    await identity.agreement(scene.organization, None, scene.grace)
    for start in ("09:00", "09:30", "10:00"):
        held = await desk.held(scene.keeper, at(start), resident_id=scene.grace.id, visit_type_id=inside.id)
        assert held["resident_id"] == str(scene.grace.id)
    assert (await desk.get(f"/clinics/{scene.organization.id}/appointments?days=2", scene.clinician))["items"]


async def test_one_person_cannot_block_a_diary(desk: Desk, clock: ManualClock) -> None:
    grace = desk.scene.resident
    await desk.held(grace, at("09:00"))
    clock.advance(timedelta(minutes=1))
    await desk.held(grace, at("09:30"))
    refused = await desk.ask(grace, at("10:00"))
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_holds")
    assert refused.headers["Retry-After"] == "240"
    clock.advance(timedelta(minutes=5))
    for number in range(10):
        day = TUESDAY + timedelta(days=1 + number % 3)
        await desk.booked(
            grace,
            at(f"{9 + number // 4:02}:{'00' if number // 2 % 2 else '30'}", day + timedelta(days=7 * (number // 3))),
        )
    refused = await desk.ask(grace, at("11:30", date(2026, 3, 31)))
    assert (refused.status_code, refused.json()["code"], refused.json()["most"]) == (409, "too_many_ahead", 10)


async def test_many_holds_of_one_person_at_once_are_counted(desk: Desk) -> None:
    starts = [at(f"{hour:02}:{minute}") for hour in (9, 10, 11) for minute in ("00", "30")]
    answers = await asyncio.gather(*(desk.ask(desk.scene.resident, start) for start in starts))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 429, 429, 429, 429]


async def test_fifty_who_want_one_slot_have_one_winner(desk: Desk) -> None:
    people = await crowd(desk.scene, 50)
    answers = await asyncio.gather(*(desk.ask(one, at("09:00")) for one in people))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    for answer in answers:
        if answer.status_code == 409:
            refusal: Body = answer.json()
            assert (refusal["code"], refusal["reason"]) == ("not_offered", "taken")
            assert len(refusal["alternatives"]) == 3
    assert await statuses() == {"pending": 1}
    await no_drift()


async def test_sixty_who_want_sixty_slots_of_one_doctor_all_have_theirs(desk: Desk) -> None:
    short = await clinics.visit_type(desk.scene.clinic, duration=timedelta(minutes=3))
    people = await crowd(desk.scene, 60)
    starts = [at("09:00") + timedelta(minutes=3 * number) for number in range(60)]

    async def book(one: Headers, start: datetime) -> Body:
        return await desk.booked(one, start, visit_type_id=short.id)

    booked = await asyncio.gather(*map(book, people, starts))
    assert {one["status"] for one in booked} == {"booked"}
    assert await statuses() == {"booked": 60}
    await no_drift()


async def test_rooms_are_found_while_there_are_any(desk: Desk) -> None:
    scene = desk.scene
    for number in range(6):
        await clinics.resource(scene.clinic, name=f"Room {number}")
    in_room = await clinics.visit_type(scene.clinic, needs=["room"])
    doctors = [await clinics.practitioner(scene.clinic) for _ in range(8)]
    for doctor in doctors:
        await clinics.hours(doctor, [2], "09:00", "12:00")
    people = await crowd(scene, 8)
    answers = await asyncio.gather(
        *(
            desk.ask(one, at("09:00"), practitioner_id=doctor.id, visit_type_id=in_room.id)
            for one, doctor in zip(people, doctors, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 6 + [409] * 2
    await no_drift()


async def test_a_hold_is_confirmed_or_let_go_never_both(desk: Desk, clock: ManualClock) -> None:
    people = await crowd(desk.scene, 6)
    starts = [at(f"{hour:02}:{minute}") for hour in (9, 10, 11) for minute in ("00", "30")]
    held = [await desk.held(one, start) for one, start in zip(people, starts, strict=True)]
    clock.advance(timedelta(minutes=4, seconds=59))

    async def pass_time() -> None:
        clock.advance(timedelta(seconds=1))
        await jobs.expire()

    confirmed, *_ = await asyncio.gather(
        asyncio.gather(
            *(desk.post(f"/appointments/{row['id']}/confirmation", one) for row, one in zip(held, people, strict=True))
        ),
        pass_time(),
    )
    await work()
    won = sum(answer.status_code == 200 for answer in confirmed)
    found = await statuses()
    assert found.get("booked", 0) == won
    assert found.get("cancelled", 0) == 6 - won
    await no_drift()


@pytest.mark.parametrize(
    ("day", "starts"),
    [
        (date(2026, 3, 29), ["01:00+01:00", "01:30+01:00", "03:00+02:00", "03:30+02:00"]),
        (date(2026, 10, 25), ["01:30+02:00", "02:00+02:00", "02:30+02:00", "03:00+01:00"]),
    ],
)
async def test_both_nights_of_the_clocks_are_booked_slot_by_slot(
    desk: Desk, clock: ManualClock, day: date, starts: list[str]
) -> None:
    berlin = await identity.community(time_zone="Europe/Berlin", name="Berlin")
    clinic = await clinics.clinic(berlin)
    doctor = await clinics.practitioner(clinic)
    spring = day.month == 3
    await clinics.hours(doctor, [7], "01:00" if spring else "01:30", "04:00" if spring else "03:30")
    of_type = await clinics.visit_type(clinic)
    clock.set(datetime(day.year, day.month, day.day - 5, tzinfo=UTC))
    for start in starts:
        person = await sign_in.sign_in_resident(await identity.resident(berlin))
        instant = datetime.fromisoformat(f"{day}T{start}")
        booked = await desk.booked(person, instant, practitioner_id=doctor.id, visit_type_id=of_type.id)
        assert datetime.fromisoformat(booked["starts_at"]) == instant
    await no_drift()


async def test_who_lives_here_no_more_is_booked_nowhere(desk: Desk) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    operator = await sign_in.sign_in(await identity.operator(desk.scene.place), second_factor=True)
    closed = await desk.post(
        f"/residents/{desk.scene.grace.id}/closure", operator, {"reason": "moved_out", "date": "2026-03-01"}
    )
    assert closed.is_success, closed.text
    await work()
    assert await statuses() == {"cancelled": 1}
    other = (await crowd(desk.scene, 1))[0]
    assert (await desk.booked(other, at("09:00")))["id"] != booked["id"]


async def test_who_is_erased_leaves_no_time_taken(desk: Desk) -> None:
    await desk.booked(desk.scene.resident, at("09:00"))
    gone = await desk.client.delete("/v1/me", headers=desk.scene.resident)
    assert gone.status_code == 204, gone.text
    await work()
    assert await statuses() == {}
    other = (await crowd(desk.scene, 1))[0]
    assert (await desk.booked(other, at("09:00")))["status"] == "booked"
    await no_drift()


async def test_an_unknown_slot_is_not_found_and_a_bad_one_is_told_where(desk: Desk) -> None:
    unknown = await desk.ask(desk.scene.resident, at("09:00"), practitioner_id=clocks.new_id())
    assert unknown.status_code == 404
    bad = await desk.post("/appointments", desk.scene.resident, {"starts_at": "tomorrow"})
    assert {error["pointer"] for error in bad.json()["errors"]} >= {"/body/starts_at", "/body/practitioner_id"}
    assert (await desk.client.get("/v1/appointments/none", headers=desk.scene.resident)).status_code == 422


async def test_what_has_begun_is_not_confirmed_any_more(desk: Desk, clock: ManualClock) -> None:
    clock.set(at("08:58"))
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    held = (await desk.ask(grace, at("09:00"))).json()
    assert datetime.fromisoformat(held["hold_until"]) == at("09:00")
    clock.set(at("09:01"))
    refused = await desk.post(f"/appointments/{held['id']}/confirmation", grace)
    assert (refused.status_code, refused.json()["code"]) == (409, "hold_over")
