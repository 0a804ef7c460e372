"""Waitlists: what comes free is kept for one after the other, in order, however many workers there are."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from notifications.delivery.models import Delivery
from telemedicine.appointments import jobs
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.service import waiting
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import TUESDAY, Body, Desk, at, no_drift, work
from tests.telemedicine.appointments.test_booking import Headers, crowd, statuses


async def fill(desk: Desk) -> list[tuple[Headers, Body]]:
    """Book all of Tuesday morning, which is all there is of the visit type."""
    short = await clinics.visit_type(desk.scene.clinic, horizon=timedelta(days=2))
    object.__setattr__(desk.scene, "visit_type", short)
    people = await crowd(desk.scene, 6)
    starts = [at(f"{hour:02}:{minute}") for hour in (9, 10, 11) for minute in ("00", "30")]
    days = [at("09:00", date(2026, 3, 4)) + (start - starts[0]) for start in starts]
    booked = [(one, await desk.booked(one, start)) for one, start in zip(people, starts, strict=True)]
    for one, start in zip(people, days, strict=True):
        if start <= at("16:00"):
            await desk.booked(one, start)
    return booked


async def join(desk: Desk, headers: Headers, **values: Any) -> Body:
    answer = await desk.post("/waitlist-entries", headers, {"visit_type_id": str(desk.scene.visit_type.id)} | values)
    assert answer.status_code == 201, answer.text
    found: Body = answer.json()
    return found


async def waits(desk: Desk, headers: Headers) -> list[Body]:
    items: list[Body] = (await desk.get("/me/waitlist-entries", headers))["items"]
    return items


async def offers(desk: Desk, people: list[Headers]) -> list[bool]:
    return [bool(items and items[0]["offer"]) for items in [await waits(desk, one) for one in people]]


@pytest.fixture
async def full(desk: Desk) -> list[tuple[Headers, Body]]:
    """Everything is booked, but for Wednesday, which nobody who waits can do."""
    return await fill(desk)


TUESDAYS = {"weekdays": [2]}


async def test_what_comes_free_is_kept_for_whoever_waited_longest_and_taken_with_one_tap(
    desk: Desk, full: list[tuple[Headers, Body]], clock: ManualClock
) -> None:
    people = await crowd(desk.scene, 2)
    for number, one in enumerate(people):
        entry = await join(desk, one, **TUESDAYS)
        assert (entry["state"], entry["ahead"], entry["offer"]) == ("waiting", number, None)
        clock.advance(timedelta(seconds=1))
    await work()
    assert await offers(desk, people) == [False, False]
    owner, booked = full[2]
    await desk.act(owner, booked["id"], "cancellation")
    await work()
    assert await offers(desk, people) == [True, False]
    offer = (await waits(desk, people[0]))[0]["offer"]
    assert (offer["status"], offer["starts_at"]) == ("proposed", booked["starts_at"])
    # It is kept: nobody else has it, whoever they are.
    assert (await desk.ask(people[1], at("10:00"))).status_code == 409
    assert (await desk.post(f"/appointments/{offer['id']}/confirmation", people[1])).status_code == 404
    assert (await desk.act(people[0], offer["id"], "confirmation"))["status"] == "booked"
    assert await waits(desk, people[0]) == []
    assert (await waits(desk, people[1]))[0]["ahead"] == 0
    async with unit_of_work() as session:
        keys = await session.scalars(sa.select(col(Delivery.notice_key)))
        assert "telemedicine.waitlist_offered" in set(keys)
    await no_drift()


async def test_what_is_let_pass_falls_to_the_next_one(
    desk: Desk, full: list[tuple[Headers, Body]], clock: ManualClock
) -> None:
    residents = [await identity.resident(desk.scene.place, name=f"Waiting {number}") for number in range(3)]

    async def signed_in() -> list[Headers]:
        return [await sign_in.sign_in_resident(one) for one in residents]

    people = await signed_in()
    for one in people:
        await join(desk, one, **TUESDAYS)
        clock.advance(timedelta(seconds=1))
    owner, booked = full[2]
    await desk.act(owner, booked["id"], "cancellation")
    await work()
    assert await offers(desk, people) == [True, False, False]
    clock.advance(timedelta(minutes=30))
    await work()
    people = await signed_in()
    assert await offers(desk, people) == [False, True, False]
    # Whoever let it pass is behind the others now, and is not asked for the same time again.
    assert (await waits(desk, people[0]))[0]["ahead"] == 1
    offer = (await waits(desk, people[1]))[0]["offer"]
    await desk.act(people[1], offer["id"], "cancellation")
    await work()
    assert await offers(desk, people) == [False, False, True]
    clock.advance(timedelta(minutes=30))
    await work()
    people = await signed_in()
    assert await offers(desk, people) == [False, False, False]
    assert (await statuses())["cancelled"] == 4
    await no_drift()


async def test_two_workers_ask_nobody_out_of_turn(
    desk: Desk, full: list[tuple[Headers, Body]], clock: ManualClock
) -> None:
    people = await crowd(desk.scene, 6)
    for one in people:
        await join(desk, one, **TUESDAYS)
        clock.advance(timedelta(seconds=1))
    for owner, booked in full[:4]:
        await desk.act(owner, booked["id"], "cancellation")
    await asyncio.gather(*(jobs.offer() for _ in range(3)))
    await work()
    assert await offers(desk, people) == [True] * 4 + [False] * 2
    starts = {(await waits(desk, one))[0]["offer"]["starts_at"] for one in people[:4]}
    assert starts == {booked["starts_at"] for _, booked in full[:4]}
    await no_drift()


async def test_a_worker_that_dies_leaves_the_offer_to_the_next(
    desk: Desk, full: list[tuple[Headers, Body]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = await crowd(desk.scene, 1)
    await join(desk, one, **TUESDAYS)
    owner, booked = full[0]
    await desk.act(owner, booked["id"], "cancellation")
    told = waiting._tell

    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(waiting, "_tell", die)
    with pytest.raises(asyncio.CancelledError):
        await work()
    monkeypatch.setattr(waiting, "_tell", told)
    assert await offers(desk, [one]) == [False]
    await work()
    assert await offers(desk, [one]) == [True]
    assert (await statuses())["proposed"] == 1
    await no_drift()


async def test_only_what_somebody_can_come_to_is_offered(desk: Desk, full: list[tuple[Headers, Body]]) -> None:
    late, other_day, any_time = await crowd(desk.scene, 3)
    await join(desk, late, earliest="11:00", **TUESDAYS)
    await join(desk, other_day, since="2026-03-20")
    await join(desk, any_time, **TUESDAYS)
    owner, booked = full[0]
    await desk.act(owner, booked["id"], "cancellation")
    await work()
    assert await offers(desk, [late, other_day, any_time]) == [False, False, True]


async def test_what_comes_free_at_night_is_offered_in_the_morning(
    desk: Desk, full: list[tuple[Headers, Body]], clock: ManualClock
) -> None:
    resident = await identity.resident(desk.scene.place)
    await join(desk, await sign_in.sign_in_resident(resident), **TUESDAYS)
    owner, booked = full[5]
    clock.set(at("23:00", date(2026, 3, 2)))
    owner = await sign_in.sign_in(desk.scene.keepers_account, second_factor=True)
    await desk.act(owner, booked["id"], "cancellation")
    await work()
    one = await sign_in.sign_in_resident(resident)
    assert await offers(desk, [one]) == [False]
    clock.set(at("08:00"))
    await work()
    assert await offers(desk, [await sign_in.sign_in_resident(resident)]) == [True]


async def test_new_hours_and_moves_are_offered_too(desk: Desk, full: list[tuple[Headers, Body]]) -> None:
    (one,) = await crowd(desk.scene, 1)
    await join(desk, one, **TUESDAYS)
    await work()
    path = f"/v1/clinics/{desk.scene.organization.id}/availability-exceptions"
    extra = {
        "kind": "extra",
        "practitioner_id": str(desk.scene.practitioner.id),
        "starts": f"{TUESDAY}T14:00:00",
        "ends": f"{TUESDAY}T14:30:00",
    }
    answer = await desk.client.post(path, json=extra, headers=desk.scene.keeper)
    assert answer.status_code == 201, answer.text
    await work()
    offer = (await waits(desk, one))[0]["offer"]
    assert offer["starts_at"] == "2026-03-03T06:00:00Z"


async def test_who_waits_waits_once_and_leaves_at_will(desk: Desk, full: list[tuple[Headers, Body]]) -> None:
    one, next_one = await crowd(desk.scene, 2)
    entry = await join(desk, one, **TUESDAYS)
    again = await desk.post("/waitlist-entries", one, {"visit_type_id": str(desk.scene.visit_type.id)})
    assert (again.status_code, again.json()["code"]) == (409, "already_waiting")
    await join(desk, next_one, **TUESDAYS)
    owner, booked = full[0]
    await desk.act(owner, booked["id"], "cancellation")
    await work()
    url = f"/v1/waitlist-entries/{entry['id']}"
    assert (await desk.client.delete(url, headers=next_one)).status_code == 404
    for _ in range(2):
        assert (await desk.client.delete(url, headers=one)).status_code == 204
    await work()
    assert await waits(desk, one) == []
    assert await offers(desk, [next_one]) == [True]


async def test_nobody_waits_for_what_they_cannot_book(desk: Desk) -> None:
    inside = await clinics.visit_type(desk.scene.clinic, bookable_by="clinic")
    elsewhere = await clinics.visit_type(await clinics.clinic(await identity.community(name="Hillside")))
    for of_type in (inside, elsewhere):
        answer = await desk.post("/waitlist-entries", desk.scene.resident, {"visit_type_id": str(of_type.id)})
        assert answer.status_code == 404
    body = {"visit_type_id": str(desk.scene.visit_type.id), "since": "2026-03-10", "until": "2026-03-09"}
    assert (await desk.post("/waitlist-entries", desk.scene.resident, body)).status_code == 422


async def test_what_is_about_to_begin_is_offered_until_it_begins(
    desk: Desk, full: list[tuple[Headers, Body]], clock: ManualClock
) -> None:
    (one,) = await crowd(desk.scene, 1)
    await join(desk, one, **TUESDAYS)
    clock.set(at("08:45"))
    owner, booked = await sign_in.sign_in(desk.scene.doctor, second_factor=True), full[0][1]
    await desk.act(owner, booked["id"], "cancellation")
    await work()
    async with unit_of_work() as session:
        ends = await session.scalar(sa.select(col(Appointment.hold_until)).where(col(Appointment.status) == "proposed"))
    assert ends == at("09:00")
