"""Changes: another time, calling off and what it costs, what became of it, series, and hours that are others."""

import asyncio
from datetime import date, timedelta

import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from app.reservations.api import of_origin
from telemedicine.appointments.models import APPOINTMENTS, CHANGES
from telemedicine.appointments.views.appointments import ORIGIN
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import Body, Desk, at, ids, no_drift, work
from tests.telemedicine.appointments.test_booking import crowd, facts

WEDNESDAY = date(2026, 3, 4)


async def reserved(row: Body) -> list[str]:
    async with reading() as connection:
        found = await of_origin(connection, ORIGIN, ids([row]))
    return sorted({one.starts_at.isoformat() for one in found})


async def test_a_move_is_one_step_and_is_remembered(desk: Desk) -> None:
    grace = desk.scene.resident
    booked = await desk.booked(grace, at("09:00"))
    moved = await desk.act(grace, booked["id"], "move", {"starts_at": at("10:00", WEDNESDAY).isoformat()})
    assert (moved["starts_at"], moved["sequence"], moved["status"]) == ("2026-03-04T02:00:00Z", 1, "booked")
    assert await reserved(booked) == [at("10:00", WEDNESDAY).isoformat()]
    history = (await desk.get(f"/appointments/{booked['id']}", grace))["history"]
    assert [change["starts_at"] for change in history] == ["2026-03-03T01:00:00Z"] * 2 + ["2026-03-04T02:00:00Z"]
    other = (await crowd(desk.scene, 1))[0]
    assert (await desk.ask(other, at("09:00"))).status_code == 201
    assert (await facts())[2] == "telemedicine.appointment_moved.v1"
    await no_drift()


async def test_a_move_to_what_is_taken_changes_nothing(desk: Desk) -> None:
    other = (await crowd(desk.scene, 1))[0]
    await desk.booked(other, at("10:00"))
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    answer = await desk.post(
        f"/appointments/{booked['id']}/move", desk.scene.resident, {"starts_at": at("10:00").isoformat()}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_offered")
    assert await reserved(booked) == [at("09:00").isoformat()]
    assert (await desk.get(f"/appointments/{booked['id']}", desk.scene.resident))["version"] == booked["version"]


async def test_ones_own_time_is_not_in_the_way_of_a_move(desk: Desk) -> None:
    room = await clinics.resource(desk.scene.clinic)
    often = await clinics.visit_type(desk.scene.clinic, step=timedelta(minutes=15), needs=["room"])
    grace, other = desk.scene.resident, (await crowd(desk.scene, 1))[0]
    booked = await desk.booked(grace, at("09:00"), visit_type_id=often.id)
    moved = await desk.act(grace, booked["id"], "move", {"starts_at": at("09:15").isoformat()})
    assert (moved["starts_at"], moved["sequence"]) == ("2026-03-03T01:15:00Z", 1)
    assert await reserved(booked) == [at("09:15").isoformat()]
    await desk.booked(other, at("09:45"), visit_type_id=often.id)
    refused = await desk.post(f"/appointments/{booked['id']}/move", grace, {"starts_at": at("09:30").isoformat()})
    assert (refused.status_code, refused.json()["reason"]) == (409, "taken")
    # What it has already is no alternative, what overlaps it is.
    starts = [one["starts_at"] for one in refused.json()["alternatives"]]
    assert starts == [f"2026-03-03T0{text}:00Z" for text in ("1:00", "2:15", "2:30")]
    assert await reserved(booked) == [at("09:15").isoformat()]
    # Where it is already it need not be moved to.
    same = await desk.act(grace, booked["id"], "move", {"starts_at": at("09:15").isoformat()})
    assert same == moved
    async with reading() as connection:
        rooms = await of_origin(connection, ORIGIN, ids([booked]))
    assert room.calendar_id in {one.resource_id for one in rooms}
    await no_drift()


async def test_who_follows_another_moves_when_they_have_left_or_stays(desk: Desk) -> None:
    often = await clinics.visit_type(desk.scene.clinic, step=timedelta(minutes=15))
    people = await crowd(desk.scene, 2)
    booked = [
        await desk.booked(one, at(text), visit_type_id=often.id)
        for one, text in zip(people, ("09:00", "09:30"), strict=True)
    ]
    answers = await asyncio.gather(
        desk.post(f"/appointments/{booked[0]['id']}/move", people[0], {"starts_at": at("09:15").isoformat()}),
        desk.post(f"/appointments/{booked[1]['id']}/move", people[1], {"starts_at": at("09:45").isoformat()}),
    )
    # Whoever asks before the other has left is refused, and stays where they are.
    assert answers[1].status_code == 200
    assert answers[0].status_code in (200, 409)
    assert await reserved(booked[0]) == [at("09:15" if answers[0].status_code == 200 else "09:00").isoformat()]
    await no_drift()


async def test_many_move_to_one_time_and_one_of_them_has_it(desk: Desk) -> None:
    people = await crowd(desk.scene, 5)
    starts = [at(text) for text in ("09:00", "09:30", "10:00", "10:30", "11:00")]
    booked = [await desk.booked(one, start) for one, start in zip(people, starts, strict=True)]
    answers = await asyncio.gather(
        *(
            desk.post(f"/appointments/{row['id']}/move", one, {"starts_at": at("11:30").isoformat()})
            for row, one in zip(booked, people, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    await no_drift()


async def test_calling_off_in_time_is_free_and_late_it_costs_what_was_agreed(desk: Desk, clock: ManualClock) -> None:
    strict = await clinics.visit_type(desk.scene.clinic, notice_period=timedelta(hours=24), late_fee_amount=2000)
    grace = desk.scene.resident
    early = await desk.booked(grace, at("09:00", WEDNESDAY), visit_type_id=strict.id)
    assert early["free_until"] == "2026-03-03T01:00:00Z"
    off = await desk.act(grace, early["id"], "cancellation", {"reason": "I am well again"})
    assert (off["status"], off["fee"]) == ("cancelled", {"amount": 0, "currency": "CNY"})
    late = await desk.booked(grace, at("09:00", WEDNESDAY), visit_type_id=strict.id)
    clock.set(at("09:00") + timedelta(seconds=1))
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    off = await desk.act(grace, late["id"], "cancellation")
    assert off["fee"]["amount"] == 2000
    assert await desk.act(grace, late["id"], "cancellation") == off
    assert await reserved(late) == []
    clinics_own = await desk.booked(grace, at("10:00", WEDNESDAY), visit_type_id=strict.id)
    keeper = await sign_in.sign_in(desk.scene.keepers_account, second_factor=True)
    off = await desk.act(keeper, clinics_own["id"], "cancellation", {"reason": "The doctor is ill"})
    assert off["fee"]["amount"] == 0
    shown = await desk.get(f"/appointments/{clinics_own['id']}", grace)
    assert (shown["cancelled_by"], shown["cancel_reason"]) == ("clinic", "The doctor is ill")


async def test_moving_late_costs_as_calling_off_does(desk: Desk, clock: ManualClock) -> None:
    strict = await clinics.visit_type(desk.scene.clinic, notice_period=timedelta(hours=24), late_fee_amount=2000)
    booked = await desk.booked(desk.scene.resident, at("09:00"), visit_type_id=strict.id)
    moved = await desk.act(
        desk.scene.resident, booked["id"], "move", {"starts_at": at("09:00", date(2026, 3, 10)).isoformat()}
    )
    assert moved["fee"]["amount"] == 2000
    # For what never should have been nobody pays.
    error = {"status": "entered-in-error"}
    assert (await desk.act(desk.scene.clinician, booked["id"], "outcome", error))["fee"]["amount"] == 0


async def test_reasons_are_sealed(desk: Desk) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    await desk.act(desk.scene.resident, booked["id"], "cancellation", {"reason": "Wisteria"})
    async with reading() as connection:
        stored = [
            *await connection.scalars(sa.select(APPOINTMENTS.c.cancel_reason)),
            *await connection.scalars(sa.select(CHANGES.c.reason).where(CHANGES.c.reason.is_not(None))),
        ]
    assert len(stored) == 2
    assert not any("Wisteria" in str(one) for one in stored)


async def test_the_clinic_writes_down_what_became_of_it(desk: Desk, clock: ManualClock) -> None:
    strict = await clinics.visit_type(desk.scene.clinic, late_fee_amount=2000, mode="in_person")
    booked = await desk.booked(desk.scene.resident, at("09:00"), visit_type_id=strict.id)
    path = f"/appointments/{booked['id']}/outcome"
    doctor = desk.scene.clinician
    assert (await desk.post(path, desk.scene.resident, {"status": "arrived"})).status_code == 403
    early = await desk.post(path, doctor, {"status": "noshow"})
    assert (early.status_code, early.json()["code"]) == (409, "appointment_status")
    clock.set(at("09:20"))
    doctor = await sign_in.sign_in(desk.scene.doctor, second_factor=True)
    assert (await desk.act(doctor, booked["id"], "outcome", {"status": "noshow"}))["fee"]["amount"] == 2000
    # Who comes late has come.
    assert (await desk.act(doctor, booked["id"], "outcome", {"status": "arrived"}))["fee"]["amount"] == 0
    assert (await desk.post(path, doctor, {"status": "noshow"})).status_code == 409
    for status in ("checked-in", "fulfilled", "fulfilled"):
        assert (await desk.act(doctor, booked["id"], "outcome", {"status": status}))["status"] == status
    assert (await desk.post(f"/appointments/{booked['id']}/cancellation", doctor)).status_code == 409
    history = (await desk.get(f"/appointments/{booked['id']}", doctor))["history"]
    assert [one["status"] for one in history][2:] == ["noshow", "arrived", "checked-in", "fulfilled"]


async def test_a_resident_does_not_call_off_what_has_begun(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    clock.set(at("09:00"))
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    for action, body in {"cancellation": {}, "move": {"starts_at": at("10:00").isoformat()}}.items():
        assert (await desk.post(f"/appointments/{booked['id']}/{action}", grace, body)).status_code == 409


async def test_what_was_entered_in_error_gives_its_time_back(desk: Desk) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    await desk.act(desk.scene.keeper, booked["id"], "outcome", {"status": "entered-in-error"})
    assert await reserved(booked) == []


async def test_another_clinic_and_the_operator_see_nothing(desk: Desk) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    elsewhere = await identity.organization(desk.scene.place, "clinic")
    other = await sign_in.sign_in(await identity.staff(elsewhere, "clinician"), second_factor=True)
    operator = await sign_in.sign_in(await identity.operator(desk.scene.place), second_factor=True)
    for headers in (other, operator):
        answer = await desk.client.get(f"/v1/appointments/{booked['id']}", headers=headers)
        assert answer.status_code == 404
    day = f"/v1/clinics/{desk.scene.organization.id}/appointments"
    assert (await desk.client.get(day, headers=other)).status_code == 404
    assert (await desk.client.get(day, headers=operator)).status_code == 403


async def test_a_series_names_its_conflicts_before_anything_is_held(desk: Desk) -> None:
    other = (await crowd(desk.scene, 1))[0]
    await desk.booked(other, at("09:00", date(2026, 3, 10)))
    scene = desk.scene
    whom = {"visit_type_id": str(scene.visit_type.id), "practitioner_id": str(scene.practitioner.id)}
    asked = whom | {"starts_at": at("09:00").isoformat(), "count": 3}
    answer = await desk.post("/appointment-series-previews", scene.resident, asked)
    dates = answer.json()["dates"]
    assert [one["is_free"] for one in dates] == [True, False, True]
    assert dates[1]["reason"] == "taken"
    other_time = dates[1]["alternatives"][0]["starts_at"]
    starts = [one["starts_at"] for one in dates]
    refused = await desk.post("/appointment-series", scene.resident, whom | {"starts": starts})
    assert (refused.status_code, refused.json()["code"]) == (409, "series_conflict")
    assert [one["starts_at"] for one in refused.json()["conflicts"]] == [starts[1]]
    starts[1] = other_time
    held = await desk.post("/appointment-series", scene.resident, whom | {"starts": starts})
    assert held.status_code == 201, held.text
    series = held.json()
    assert [one["status"] for one in series["appointments"]] == ["pending"] * 3
    confirmed = await desk.act_on_series(scene.resident, series["id"])
    assert [one["status"] for one in confirmed["appointments"]] == ["booked"] * 3
    assert (await desk.post(f"/appointment-series/{series['id']}/confirmation", other)).status_code == 404
    await no_drift()


async def test_two_series_that_cross_are_taken_whole_or_not_at_all(desk: Desk) -> None:
    people = await crowd(desk.scene, 4)
    weeks = [date(2026, 3, 3) + timedelta(weeks=number) for number in range(4)]
    whom = {
        "visit_type_id": str(desk.scene.visit_type.id),
        "practitioner_id": str(desk.scene.practitioner.id),
    }
    orders = [weeks, weeks[::-1], weeks[:3], weeks[1:]]
    answers = await asyncio.gather(
        *(
            desk.post("/appointment-series", one, whom | {"starts": [at("09:00", day).isoformat() for day in days]})
            for one, days in zip(people, orders, strict=True)
        )
    )
    assert [answer.status_code for answer in answers].count(201) == 1
    assert {answer.status_code for answer in answers} == {201, 409}
    await no_drift()


async def test_hours_and_zones_that_change_name_appointments_and_drop_none(desk: Desk) -> None:
    scene = desk.scene
    booked = await desk.booked(scene.resident, at("09:00"))
    path = f"/v1/clinics/{scene.organization.id}"
    url = f"{path}/practitioners/{scene.practitioner.id}/availability"
    version = (await desk.client.get(url, headers=scene.keeper)).json()["version"]
    answer = await desk.client.put(
        url,
        json={"hours": [{"weekday": 2, "starts": "10:00", "ends": "12:00"}]},
        headers=scene.keeper | {"If-Match": f'"{version}"'},
    )
    assert answer.status_code == 200, answer.text
    (conflict,) = answer.json()["conflicts"]
    assert (conflict["origin_kind"], conflict["origin_id"]) == ("appointment", booked["id"])
    assert (await desk.get(f"/appointments/{booked['id']}", scene.resident))["status"] == "booked"
    later = await desk.booked(scene.resident, at("10:00"))
    moved = await desk.client.put(path, json={"time_zone": "Europe/Berlin"}, headers=scene.keeper)
    assert later["id"] in {one["origin_id"] for one in moved.json()["conflicts"]}
    assert len(await reserved(later)) == 1


async def test_a_storm_of_everything_leaves_books_that_agree(desk: Desk, clock: ManualClock) -> None:
    people = await crowd(desk.scene, 8)
    starts = [
        at(f"{hour:02}:{minute}", day)
        for day in (date(2026, 3, 3), WEDNESDAY)
        for hour in (9, 10, 11)
        for minute in ("00", "30")
    ]

    async def live(number: int) -> None:
        headers = people[number]
        for step in range(6):
            answer = await desk.ask(headers, starts[(number * 5 + step * 3) % len(starts)])
            assert answer.status_code in (201, 409, 429), answer.text
            if answer.status_code != 201:
                continue
            path = f"/appointments/{answer.json()['id']}"
            assert (await desk.post(f"{path}/confirmation", headers)).status_code == 200
            target = starts[(number + step * 7) % len(starts)]
            moved = await desk.post(f"{path}/move", headers, {"starts_at": target.isoformat()})
            assert moved.status_code in (200, 409), moved.text
            if (number + step) % 2:
                assert (await desk.post(f"{path}/cancellation", headers)).status_code == 200

    await asyncio.gather(*map(live, range(8)))
    await work()
    await no_drift()
    async with reading() as connection:
        overlapping = sa.text("""
            SELECT count(*) FROM telemedicine_appointment a JOIN telemedicine_appointment b ON a.id < b.id
            AND a.practitioner_id = b.practitioner_id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
            WHERE a.status = 'booked' AND b.status = 'booked'""")
        assert await connection.scalar(overlapping) == 0
        booked = list(await connection.scalars(sa.select(APPOINTMENTS.c.id).where(APPOINTMENTS.c.status == "booked")))
        found = await of_origin(connection, ORIGIN, booked)
    assert {one.origin_id for one in found} == set(booked)
    assert len(found) == 2 * len(booked)
