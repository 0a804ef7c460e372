"""Changes at a clinic under appointments: what cannot be as it was agreed is named, says why, and stays booked."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from app.core.clock import ManualClock
from telemedicine.clinics.models import VisitType
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import Body, Desk, at
from tests.telemedicine.appointments.test_booking import crowd

PERSON = {"name": "Dr Lin", "licence_number": "L-1", "licence_valid_until": "2099-12-31"}


def type_body(of: VisitType, **values: Any) -> Body:
    """Return what a visit type says, as it is set."""
    return {
        "name": {"en": "Visit", "zh-CN": "就诊"},
        "mode": of.mode,
        "duration": "PT30M",
        "price": {"amount": 5000, "currency": "CNY"},
        "horizon": "P30D",
        "capacity": of.capacity,
        "needs": of.needs,
    } | values


async def put(desk: Desk, path: str, body: Body) -> list[tuple[str, list[str]]]:
    """Set something of the clinic; return what is named: the appointment, and why."""
    answer = await desk.client.put(f"{desk.scene.path}/{path}", json=body, headers=desk.scene.keeper)
    assert answer.status_code == 200, answer.text
    return named(answer)


def named(answer: httpx.Response) -> list[tuple[str, list[str]]]:
    conflicts = answer.json()["conflicts"]
    assert {one["origin_kind"] for one in conflicts} <= {"appointment"}
    return [(one["origin_id"], one["reasons"]) for one in conflicts]


async def hours(desk: Desk, **values: Any) -> list[tuple[str, list[str]]]:
    """Set the practitioner's hours on Tuesdays."""
    weekly = {"weekday": 2, "starts": "09:00", "ends": "12:00"} | values
    return await put(desk, f"practitioners/{desk.scene.practitioner.id}/availability", {"hours": [weekly]})


async def test_hours_for_other_visits_or_elsewhere_name_what_was_to_be_there(desk: Desk) -> None:
    scene = desk.scene
    here, there = [await clinics.location(scene.clinic) for _ in range(2)]
    in_person = await clinics.visit_type(scene.clinic, mode="in_person")
    assert await hours(desk, location_id=str(here.id)) == []
    visit = await desk.booked(scene.resident, at("09:00"), visit_type_id=in_person.id)
    call = await desk.booked(scene.resident, at("10:00"))
    assert await hours(desk, location_id=str(there.id)) == [(visit["id"], ["place"])]
    assert await hours(desk, location_id=str(there.id)) == []  # that was said
    only = {"visit_type_ids": [str(in_person.id)], "location_id": str(here.id)}
    assert await hours(desk, **only) == [(call["id"], ["visit_type"])]
    assert await hours(desk, starts="10:30") == [(visit["id"], ["hours"]), (call["id"], ["hours"])]
    for row in (visit, call):
        assert (await desk.get(f"/appointments/{row['id']}", scene.resident))["status"] == "booked"


async def test_who_speaks_it_no_longer_or_is_no_specialist_any_more_is_named(desk: Desk) -> None:
    scene = desk.scene
    special = await clinics.visit_type(scene.clinic, specialty="cardiology")
    path = f"practitioners/{scene.practitioner.id}"
    person = PERSON | {"languages": ["en", "zh"], "specialties": ["cardiology"]}
    await put(desk, path, person)
    in_english = await desk.booked(scene.resident, at("09:00"), language="en")
    heart = await desk.booked(scene.resident, at("10:00"), visit_type_id=special.id)
    assert await put(desk, path, person | {"languages": ["zh"]}) == [(in_english["id"], ["language"])]
    assert await put(desk, path, person | {"specialties": []}) == [(heart["id"], ["visit_type"])]
    assert await put(desk, path, person | {"licence_valid_until": "2026-03-02"}) == [
        (in_english["id"], ["licence"]),
        (heart["id"], ["licence"]),
    ]
    assert await put(desk, path, person) == []
    assert await put(desk, path, person | {"is_active": False}) == [
        (in_english["id"], ["hours"]),
        (heart["id"], ["hours"]),
    ]


async def test_a_room_or_an_interpreter_that_is_not_to_be_had_is_named(desk: Desk) -> None:
    scene = desk.scene
    both = await clinics.visit_type(scene.clinic, needs=["room", "interpreter"])
    room = await clinics.resource(scene.clinic)
    spare = await clinics.resource(scene.clinic, name="Room 2", is_active=False)
    speaker = await clinics.resource(scene.clinic, kind="interpreter", languages=["fr"])
    booked = await desk.booked(scene.resident, at("09:00"), visit_type_id=both.id, language="fr")
    elsewhere = await clinics.location(scene.clinic)
    of_room, of_speaker = f"bookable-resources/{room.id}", f"bookable-resources/{speaker.id}"
    # Nobody has booked what is put aside.
    assert await put(desk, f"bookable-resources/{spare.id}", {"name": "Room 2", "is_active": False}) == []
    assert await put(desk, of_room, {"name": "Room 1", "location_id": str(elsewhere.id)}) == [
        (booked["id"], ["resource"])
    ]
    assert await put(desk, of_speaker, {"name": "F", "languages": ["de"]}) == [(booked["id"], ["language"])]
    weekly = {"hours": [{"weekday": 2, "starts": "10:00", "ends": "12:00"}]}
    assert await put(desk, f"{of_speaker}/availability", weekly) == [(booked["id"], ["hours"])]
    assert await put(desk, of_room, {"name": "Room 1", "is_active": False}) == [(booked["id"], ["hours"])]


async def test_a_visit_type_that_is_another_names_what_was_agreed_otherwise(desk: Desk) -> None:
    scene = desk.scene
    group = await clinics.visit_type(scene.clinic, capacity=3, mode="phone")
    plain = await desk.booked(scene.resident, at("11:00"))
    people = await crowd(scene, 3)
    seats = [await desk.booked(one, at("09:00"), visit_type_id=group.id) for one in people]
    alone = await desk.booked(people[0], at("10:00"), visit_type_id=group.id)
    path = f"visit-types/{group.id}"
    assert await put(desk, path, type_body(group, price={"amount": 9000, "currency": "CNY"}, capacity=8)) == []
    found = await put(desk, path, type_body(group, capacity=2))
    assert sorted(found) == sorted((row["id"], ["capacity"]) for row in seats)
    on_site = await put(desk, path, type_body(group, mode="in_person"))
    assert sorted(on_site) == sorted((row["id"], ["place"]) for row in [*seats, alone])
    await put(desk, path, type_body(group))
    assert len(await put(desk, path, type_body(group, needs=["room"]))) == 4
    await put(desk, path, type_body(group))
    assert {tuple(why) for _, why in await put(desk, path, type_body(group, is_active=False))} == {("visit_type",)}
    own = f"visit-types/{scene.visit_type.id}"
    assert await put(desk, own, type_body(scene.visit_type, is_active=False)) == [(plain["id"], ["visit_type"])]
    # Each of a session is named, whatever takes their practitioner away.
    assert len(await hours(desk, starts="09:30")) == 3


async def test_what_is_over_or_let_go_is_not_judged(desk: Desk, clock: ManualClock) -> None:
    scene = desk.scene
    await desk.held(scene.resident, at("09:00"))
    off = await desk.booked(scene.resident, at("10:00"))
    await desk.act(scene.resident, off["id"], "cancellation")
    clock.advance(timedelta(minutes=5))
    own = f"visit-types/{scene.visit_type.id}"
    assert await put(desk, own, type_body(scene.visit_type, is_active=False)) == []


@pytest.mark.parametrize(
    ("night", "start", "named_in"),
    [
        # Berlin's clocks go on from 2 to 3. Hours are from 1 to 4 wherever the clinic's clocks are.
        (date(2026, 3, 29), "2026-03-29T01:00:00+00:00", {"Europe/London": [], "Europe/Athens": ["hours"]}),
        # They go back from 3 to 2: the first 2:30, which is 1:30 in London, and 3:30, for the first time, in Athens.
        (date(2026, 10, 25), "2026-10-25T00:30:00+00:00", {"Europe/London": [], "Europe/Athens": []}),
        # Four in the morning in Athens.
        (date(2026, 10, 25), "2026-10-25T02:00:00+00:00", {"Europe/London": [], "Europe/Athens": ["hours"]}),
    ],
)
async def test_another_zone_moves_hours_and_no_appointment_on_the_nights_the_clocks_change(
    client: httpx.AsyncClient, clock: ManualClock, night: date, start: str, named_in: dict[str, list[str]]
) -> None:
    place = await identity.community()
    organization = await identity.organization(place, "clinic")
    clinic = await clinics.clinic(place, organization, time_zone="Europe/Berlin")
    nurse = await clinics.practitioner(clinic)
    await clinics.hours(nurse, [night.isoweekday()], "01:00", "04:00")
    visit_type = await clinics.visit_type(clinic, horizon=timedelta(days=300))
    keeper = await sign_in.sign_in(await identity.staff(organization, "coordinator"), second_factor=True)
    resident = await sign_in.sign_in_resident(await identity.resident(place))
    wanted = {"visit_type_id": str(visit_type.id), "practitioner_id": str(nurse.id), "starts_at": start}
    held = await client.post("/v1/appointments", json=wanted, headers=resident)
    assert held.status_code == 201, held.text
    appointment = f"/v1/appointments/{held.json()['id']}"
    booked = await client.post(f"{appointment}/confirmation", headers=resident)
    for zone, reasons in named_in.items():
        answer = await client.put(f"/v1/clinics/{organization.id}", json={"time_zone": zone}, headers=keeper)
        assert named(answer) == ([(held.json()["id"], reasons)] if reasons else [])
        await client.put(f"/v1/clinics/{organization.id}", json={"time_zone": "Europe/Berlin"}, headers=keeper)
    stands = (await client.get(appointment, headers=resident)).json()
    assert (stands["starts_at"], stands["status"]) == (booked.json()["starts_at"], "booked")
    assert stands["time_zone"] == "Europe/Berlin"
