"""An appointment by video and its visit are one thing: planned, moved, called off and held together."""

import uuid
from datetime import date, datetime, timedelta

from app.core.clock import ManualClock
from app.core.database import reading
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.consultations.models import CONSULTATIONS
from tests.factories import identity, sign_in
from tests.factories import telemedicine as consultations
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import Body, Desk, at, no_drift, work
from tests.telemedicine.appointments.rooms import Room, close_rooms

WEDNESDAY = date(2026, 3, 4)


async def visits() -> dict[uuid.UUID, str]:
    """Return the state of every visit there is."""
    async with reading() as connection:
        rows = await connection.execute(CONSULTATIONS.select().order_by(CONSULTATIONS.c.id))
        return {row.id: row.state for row in rows}


async def status_of(desk: Desk, booked: Body) -> str:
    async with reading() as connection:
        statement = APPOINTMENTS.select().where(APPOINTMENTS.c.id == uuid.UUID(booked["id"]))
        return str((await connection.execute(statement)).one().status)


async def test_booking_by_video_plans_the_visit_and_each_shows_the_other(desk: Desk) -> None:
    held = await desk.held(desk.scene.resident, at("09:00"))
    assert held["consultation_id"] is None
    booked = await desk.act(desk.scene.resident, held["id"], "confirmation")
    again = await desk.act(desk.scene.resident, held["id"], "confirmation")
    assert again["consultation_id"] == booked["consultation_id"]
    assert len(await visits()) == 1
    # The clinic has no agreement about Grace: that she booked its clinician is what lets them come.
    for headers in (desk.scene.resident, desk.scene.clinician):
        visit = await desk.get(f"/consultations/{booked['consultation_id']}", headers)
        assert visit["appointment_id"] == booked["id"]
        assert (visit["starts_at"], visit["ends_at"]) == (booked["starts_at"], booked["ends_at"])
        assert [person["role"] for person in visit["participants"]] == ["clinician", "resident"]
        assert (await desk.get(f"/appointments/{booked['id']}", headers))["consultation_id"] == visit["id"]
    (visit_id,) = map(str, await visits())
    assert (await desk.get("/me/appointments", desk.scene.resident))["items"][0]["consultation_id"] == visit_id
    assert [one["id"] for one in (await desk.get("/me/held-consultations", desk.scene.clinician))["items"]] == [
        visit_id
    ]
    outsider = await sign_in.sign_in(await identity.staff(desk.scene.organization, "clinician"), second_factor=True)
    answer = await desk.client.get(f"/v1/consultations/{visit_id}", headers=outsider)
    assert answer.status_code == 404


async def test_only_what_is_by_video_and_with_somebody_who_can_come_has_a_visit(desk: Desk) -> None:
    for mode in ("phone", "in_person"):
        by = await clinics.visit_type(desk.scene.clinic, mode=mode)
        booked = await desk.booked(
            desk.scene.resident, at("09:00" if mode == "phone" else "10:00"), visit_type_id=by.id
        )
        assert booked["consultation_id"] is None
    nobody = await clinics.practitioner(desk.scene.clinic)
    await clinics.hours(nobody, [2, 3], "09:00", "12:00")
    booked = await desk.booked(desk.scene.resident, at("11:00"), practitioner_id=nobody.id)
    assert booked["consultation_id"] is None
    move = {"starts_at": at("11:00", WEDNESDAY).isoformat()}
    there = await desk.act(
        desk.scene.resident, booked["id"], "move", move | {"practitioner_id": str(desk.scene.practitioner.id)}
    )
    back = await desk.act(desk.scene.resident, booked["id"], "move", move | {"practitioner_id": str(nobody.id)})
    assert (there["consultation_id"] is None, back["consultation_id"]) == (False, None)
    once_more = await desk.act(
        desk.scene.resident, booked["id"], "move", move | {"practitioner_id": str(desk.scene.practitioner.id)}
    )
    assert list((await visits()).values()) == ["cancelled", "planned"]
    assert once_more["consultation_id"] != there["consultation_id"]


async def test_a_series_has_a_visit_for_each_date(desk: Desk) -> None:
    starts = [at("09:00", date(2026, 3, 3) + timedelta(weeks=week)).isoformat() for week in range(3)]
    body = {
        "visit_type_id": str(desk.scene.visit_type.id),
        "practitioner_id": str(desk.scene.practitioner.id),
        "starts": starts,
    }
    held = (await desk.post("/appointment-series", desk.scene.resident, body)).json()
    await desk.act_on_series(desk.scene.resident, held["id"])
    booked = await desk.act_on_series(desk.scene.resident, held["id"])
    assert {uuid.UUID(one["consultation_id"]) for one in booked["appointments"]} == set(await visits())
    assert len(await visits()) == 3
    await desk.act(desk.scene.resident, booked["appointments"][1]["id"], "cancellation")
    assert list((await visits()).values()) == ["planned", "cancelled", "planned"]


async def test_a_move_takes_the_visit_along_to_another_clinician_and_calling_off_closes_it(desk: Desk) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    path = f"/consultations/{booked['consultation_id']}"
    guest = await desk.post(f"{path}/guests", desk.scene.clinician, {"role": "family", "name": "Nora"})
    other = await identity.staff(desk.scene.organization, "clinician", name="Dr Wu")
    second = await clinics.practitioner(desk.scene.clinic, other)
    await clinics.hours(second, [3], "09:00", "12:00")
    move = {"starts_at": at("10:00", WEDNESDAY).isoformat(), "practitioner_id": str(second.id)}
    moved = await desk.act(desk.scene.resident, booked["id"], "move", move)
    assert moved["consultation_id"] == booked["consultation_id"]
    visit = await desk.get(path, desk.scene.resident)
    assert (visit["starts_at"], visit["clinician_name"]) == (moved["starts_at"], "Dr Wu")
    assert sorted((one["role"], one["name"]) for one in visit["participants"]) == [
        ("clinician", "Dr Wu"),
        ("family", "Nora"),
        ("resident", "Grace"),
    ]
    assert (await desk.client.get(f"/v1{path}", headers=desk.scene.clinician)).status_code == 404
    # A guest's link is good until the visit closes, whenever that is.
    link = {"link": guest.json()["url"].partition("#")[2]}
    await desk.act(desk.scene.resident, booked["id"], "cancellation")
    assert list((await visits()).values()) == ["cancelled"]
    assert (await desk.post("/consultation-passes", {}, link)).json()["code"] == "consultation_over"

    mistaken = await desk.booked(desk.scene.resident, at("11:00"))
    await desk.act(desk.scene.keeper, mistaken["id"], "outcome", {"status": "entered-in-error"})
    assert (await desk.get(f"/consultations/{mistaken['consultation_id']}", desk.scene.resident))["state"] == (
        "cancelled"
    )


async def test_who_was_booked_to_interpret_comes_without_a_guests_link(desk: Desk) -> None:
    person = await identity.account(desk.scene.place, name="Mei")
    await clinics.resource(desk.scene.clinic, "interpreter", name="Mei", languages=["de"], account_id=person.id)
    both = await clinics.visit_type(desk.scene.clinic, needs=["interpreter"])
    booked = await desk.booked(desk.scene.resident, at("09:00"), visit_type_id=both.id, language="de")
    path, mei = f"/consultations/{booked['consultation_id']}", await sign_in.sign_in(person)
    assert [one["id"] for one in (await desk.get("/me/held-consultations", mei))["items"]] == [
        booked["consultation_id"]
    ]
    assert {one["role"] for one in (await desk.get(path, mei))["participants"]} == {
        "clinician",
        "resident",
        "interpreter",
    }
    link = await desk.post(f"{path}/links", mei)
    used = await desk.post("/consultation-passes", {}, {"link": link.json()["url"].partition("#")[2]})
    assert (used.status_code, used.json()["role"]) == (201, "interpreter")
    guests = await desk.post(f"{path}/guests", mei, {"role": "family", "name": "Nora"})
    notes = await desk.client.get(f"/v1{path}/notes", headers=mei)
    assert (guests.status_code, notes.status_code) == (403, 403)
    await desk.act(desk.scene.keeper, booked["id"], "cancellation")
    assert (await desk.post(f"{path}/links", mei)).status_code == 404
    assert (await desk.get("/me/held-consultations", mei))["items"] == []


async def test_who_looked_in_early_can_still_call_off(desk: Desk, clock: ManualClock) -> None:
    first, second = [await desk.booked(desk.scene.resident, at(wall)) for wall in ("09:00", "09:30")]
    for booked in (first, second):
        clock.set(datetime.fromisoformat(booked["starts_at"]) - timedelta(minutes=5))
        await Room(uuid.UUID(booked["consultation_id"])).comes(desk.scene.grace.account_id)
        await work()
        assert await status_of(desk, booked) == "arrived"
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    begun = await desk.post(f"/appointments/{first['id']}/cancellation", grace)
    assert (begun.status_code, begun.json()["code"]) == (409, "appointment_status")
    assert (await desk.act(grace, second["id"], "cancellation"))["status"] == "cancelled"
    await no_drift()


async def test_the_room_becomes_the_status_and_presence_the_encounter(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    room = Room(uuid.UUID(booked["consultation_id"]))
    clock.set(at("08:50"))
    grace = await room.comes(desk.scene.grace.account_id)
    await work()
    assert await status_of(desk, booked) == "arrived"
    doctor = await room.comes(desk.scene.doctor.id)
    await work()
    assert await status_of(desk, booked) == "arrived"
    clock.set(at("09:02"))
    await room.stays(grace, doctor)
    await room.lets_in(doctor, grace)
    await work()
    assert await status_of(desk, booked) == "checked-in"
    clock.set(at("09:20"))
    await room.stays(grace, doctor)
    clock.set(at("09:20") + timedelta(seconds=5))
    await room.ends(doctor)
    await work()
    keeper = await sign_in.sign_in(desk.scene.keepers_account, second_factor=True)
    shown = await desk.get(f"/appointments/{booked['id']}", keeper)
    assert shown["encounter"] == {"started_at": "2026-03-03T01:02:00Z", "ended_at": "2026-03-03T01:20:05Z"}
    assert [one["status"] for one in shown["history"]][1:] == ["booked", "arrived", "checked-in", "fulfilled"]
    assert {one["changed_by"] for one in shown["history"][2:]} == {None}


async def test_an_interpreter_and_a_clinician_by_themselves_are_no_visit(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    room = Room(uuid.UUID(booked["consultation_id"]))
    clock.set(at("08:55"))
    doctor = await room.comes(desk.scene.doctor.id)
    clock.set(at("09:05"))
    await room.ends(doctor)
    await work()
    # Ended without having met: what became of it is for a person to say.
    assert await status_of(desk, booked) == "booked"
    assert list((await visits()).values()) == ["ended"]


async def test_nobody_is_said_not_to_have_come_by_a_clock_and_nobody_pays_for_a_network(
    desk: Desk, clock: ManualClock
) -> None:
    strict = await clinics.visit_type(desk.scene.clinic, late_fee_amount=2000)
    booked = await desk.booked(desk.scene.resident, at("09:00"), visit_type_id=strict.id)
    room = Room(uuid.UUID(booked["consultation_id"]))
    clock.set(at("09:20"))
    doctor = await sign_in.sign_in(desk.scene.doctor, second_factor=True)
    noshow = {"status": "noshow"}
    assert (await desk.post(f"/appointments/{booked['id']}/outcome", doctor, noshow)).status_code == 409
    clock.set(at("09:31"))
    missed = await desk.act(doctor, booked["id"], "outcome", noshow)
    assert (missed["status"], missed["fee"]["amount"]) == ("noshow", 0)
    # The waiting room is open still: who finds a way in and is let in has come.
    late = await room.comes(desk.scene.grace.account_id)
    await work()
    assert await status_of(desk, booked) == "noshow"
    await room.lets_in(await room.comes(desk.scene.doctor.id), late)
    await work()
    assert await status_of(desk, booked) == "checked-in"

    clock.set(at("09:00", WEDNESDAY) - timedelta(days=1))
    never = await desk.booked(await sign_in.sign_in_resident(desk.scene.grace), at("10:00", WEDNESDAY))
    clock.set(at("11:01", WEDNESDAY))
    assert await close_rooms() == 2
    await work()
    assert await status_of(desk, never) == "booked"
    assert (await visits())[uuid.UUID(never["consultation_id"])] == "expired"


async def test_a_relative_who_may_speak_for_them_arrives_and_a_visit_under_way_is_not_moved(
    desk: Desk, clock: ManualClock
) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    room = Room(uuid.UUID(booked["consultation_id"]))
    daughter = await identity.account(desk.scene.place, name="Daughter")
    await identity.grant(desk.scene.grace, daughter, consultations.BOTH)
    clock.set(at("08:45"))
    link = await desk.post(f"/consultations/{room.consultation_id}/links", await sign_in.sign_in(daughter))
    assert link.status_code == 201
    doctor, relative = await room.comes(desk.scene.doctor.id), await room.comes(daughter.id)
    await room.lets_in(doctor, relative)
    # The fact of it is on its way; the room itself says that they are at it.
    assert await status_of(desk, booked) == "booked"
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    nobody = await clinics.practitioner(desk.scene.clinic)
    await clinics.hours(nobody, [2], "09:00", "12:00")
    move = {"starts_at": at("11:00").isoformat()}
    for body in (move, move | {"practitioner_id": str(nobody.id)}):
        answer = await desk.post(f"/appointments/{booked['id']}/move", grace, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "consultation_under_way")
    await no_drift()
    await work()
    assert await status_of(desk, booked) == "checked-in"
    keeper = await sign_in.sign_in(desk.scene.keepers_account, second_factor=True)
    await desk.act(keeper, booked["id"], "cancellation")
    await work()
    assert await status_of(desk, booked) == "cancelled"
    assert list((await visits()).values()) == ["ended"]


async def test_who_waits_when_it_is_moved_waits_for_the_new_time(desk: Desk, clock: ManualClock) -> None:
    booked = await desk.booked(desk.scene.resident, at("09:00"))
    room = Room(uuid.UUID(booked["consultation_id"]))
    clock.set(at("08:40"))
    await room.comes(desk.scene.grace.account_id)
    assert list((await visits()).values()) == ["waiting"]
    grace = await sign_in.sign_in_resident(desk.scene.grace)
    await desk.act(grace, booked["id"], "move", {"starts_at": at("10:00", WEDNESDAY).isoformat()})
    visit = await desk.get(f"/consultations/{room.consultation_id}", grace)
    assert visit["state"] == "planned"
    assert {one["state"] for one in visit["participants"]} == {"invited"}
    # That they had arrived is not true of the new time.
    await work()
    assert await status_of(desk, booked) == "booked"
