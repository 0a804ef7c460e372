"""Visits that several take part in: the practitioner's time is taken once, for as long as anybody has a seat."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from telemedicine.appointments.service import closing
from telemedicine.clinics.models import VisitType
from tests.factories import telemedicine_clinics as clinics
from tests.telemedicine.appointments.conftest import Desk, at, no_drift, work
from tests.telemedicine.appointments.test_booking import Headers, crowd, statuses
from tests.telemedicine.appointments.test_waitlist import TUESDAYS, join, offers, waits

SEATS = 4
HOUR = timedelta(hours=1)


async def group(desk: Desk, **values: Any) -> VisitType:
    """Make the visits of the desk a class of an hour, every half hour, on two days."""
    given = {"capacity": SEATS, "duration": HOUR, "step": HOUR / 2, "horizon": timedelta(days=2)} | values
    made = await clinics.visit_type(desk.scene.clinic, **given)
    object.__setattr__(desk.scene, "visit_type", made)
    return made


async def places(desk: Desk, headers: Headers) -> dict[str, int]:
    """Return how many seats are shown of each of Tuesday's sessions, by the hour."""
    items = (await desk.get(f"/slots?visit_type={desk.scene.visit_type.id}&limit=100", headers))["items"]
    starts = {at(f"{hour:02}:{minute}"): f"{hour:02}:{minute}" for hour in (9, 10, 11) for minute in ("00", "30")}
    shown = {start.isoformat().replace("+00:00", "Z"): text for start, text in starts.items()}
    return {shown[item["starts_at"]]: item["places"] for item in items if item["starts_at"] in shown}


async def of_practitioner(desk: Desk) -> list[tuple[str, str]]:
    """Return how the practitioner's time is taken: the state, and the start on the wall."""
    async with reading() as connection:
        rows = await connection.execute(
            sa.text("""
            SELECT state, to_char(starts_at AT TIME ZONE 'Asia/Shanghai', 'HH24:MI') FROM reservations_reservation
            WHERE resource_id = :id AND state IN ('held', 'booked') ORDER BY starts_at"""),
            {"id": desk.scene.practitioner.calendar_id},
        )
        return [(row[0], row[1]) for row in rows]


async def test_the_last_seat_is_raced_for_and_as_many_win_as_there_are_seats(desk: Desk) -> None:
    await group(desk)
    people = await crowd(desk.scene, SEATS + 5)
    answers = await asyncio.gather(*(desk.ask(one, at("09:00")) for one in people))
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {201: SEATS, 409: 5}, [answer.text for answer in answers]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(one["code"], one["reason"]) for one in refused} == {("not_offered", "taken")}
    assert await of_practitioner(desk) == [("held", "09:00")]
    winners = [(one, answer.json()) for one, answer in zip(people, answers, strict=True) if answer.status_code == 201]
    confirmed = await asyncio.gather(*(desk.act(one, row["id"], "confirmation") for one, row in winners))
    assert {row["status"] for row in confirmed} == {"booked"}
    assert await of_practitioner(desk) == [("booked", "09:00")]
    # For any other visit the time is taken, and no other session overlaps it.
    assert (await places(desk, people[0])) == {"10:00": SEATS, "10:30": SEATS, "11:00": SEATS}
    await no_drift()


async def test_seats_are_shown_and_come_free_and_the_last_to_leave_frees_the_practitioner(desk: Desk) -> None:
    await group(desk, needs=["room"])
    await clinics.resource(desk.scene.clinic)
    people = await crowd(desk.scene, 3)
    booked = [await desk.booked(one, at("09:00")) for one in people]
    assert (await places(desk, people[0]))["09:00"] == SEATS - 3
    twice = await desk.ask(people[0], at("09:00"))
    assert (twice.status_code, twice.json()["code"]) == (409, "booked_elsewhere")
    await desk.act(people[0], booked[0]["id"], "cancellation")
    assert (await places(desk, people[0]))["09:00"] == SEATS - 2
    await asyncio.gather(*(desk.act(people[n], booked[n]["id"], "cancellation") for n in (1, 2)))
    assert await of_practitioner(desk) == []
    assert (await places(desk, people[0])) == {
        f"{hour}": SEATS for hour in ("09:00", "09:30", "10:00", "10:30", "11:00")
    }
    plain = await clinics.visit_type(desk.scene.clinic)
    await desk.booked(people[0], at("09:30"), visit_type_id=plain.id)
    assert await places(desk, people[0]) == {"10:00": SEATS, "10:30": SEATS, "11:00": SEATS}
    await no_drift()


async def test_a_session_is_held_no_longer_than_for_its_last_hold(desk: Desk, clock: ManualClock) -> None:
    await group(desk)
    plain = await clinics.visit_type(desk.scene.clinic)
    one, other, third = await crowd(desk.scene, 3)
    first = await desk.booked(one, at("09:00"))
    clock.advance(timedelta(minutes=3))
    await desk.held(other, at("09:00"))
    await desk.act(one, first["id"], "cancellation")
    # Whoever had booked has left: what remains is a hold, and nobody's once it is over, worker or none.
    assert await of_practitioner(desk) == [("held", "09:00")]
    clock.advance(timedelta(minutes=4))
    await desk.held(third, at("09:00"))
    clock.advance(timedelta(minutes=1))
    assert (await places(desk, one))["09:00"] == SEATS - 1
    assert (await desk.ask(one, at("09:00"), visit_type_id=plain.id)).status_code == 409
    clock.advance(timedelta(minutes=4))
    await desk.booked(one, at("09:00"), visit_type_id=plain.id)
    await work()
    assert await statuses() == {"cancelled": 3, "booked": 1}
    await no_drift()


async def test_one_moves_from_session_to_session_and_past_their_own(desk: Desk) -> None:
    await group(desk)
    one, other = await crowd(desk.scene, 2)
    alone = await desk.booked(one, at("09:00"))
    # Alone in it, one takes the session along, though the new one overlaps it.
    moved = await desk.act(one, alone["id"], "move", {"starts_at": at("09:30").isoformat()})
    assert (moved["sequence"], await of_practitioner(desk)) == (1, [("booked", "09:30")])
    with_both = await desk.booked(other, at("09:30"))
    refused = await desk.post(f"/appointments/{alone['id']}/move", one, {"starts_at": at("10:00").isoformat()})
    assert (refused.status_code, refused.json()["reason"]) == (409, "taken")
    assert await of_practitioner(desk) == [("booked", "09:30")]
    await desk.act(one, alone["id"], "move", {"starts_at": at("10:30").isoformat()})
    assert await of_practitioner(desk) == [("booked", "09:30"), ("booked", "10:30")]
    await desk.act(other, with_both["id"], "move", {"starts_at": at("10:30").isoformat()})
    assert await of_practitioner(desk) == [("booked", "10:30")]
    assert (await places(desk, one))["10:30"] == SEATS - 2
    await no_drift()


async def test_a_freed_seat_is_offered_to_who_waits(desk: Desk, clock: ManualClock) -> None:
    await group(desk, capacity=2, step=3 * HOUR, duration=3 * HOUR)
    people = await crowd(desk.scene, 4)
    booked = [await desk.booked(one, at("09:00")) for one in people[:2]]
    await asyncio.gather(*(join(desk, one, **TUESDAYS) for one in people[2:3]))
    clock.advance(timedelta(seconds=1))
    await join(desk, people[3], **TUESDAYS)
    await work()
    assert await offers(desk, people[2:]) == [False, False]
    await desk.act(people[0], booked[0]["id"], "cancellation")
    await work()
    assert await offers(desk, people[2:]) == [True, False]
    offer = (await waits(desk, people[2]))[0]["offer"]
    await desk.act(people[2], offer["id"], "cancellation")
    await work()
    assert await offers(desk, people[2:]) == [False, True]
    offer = (await waits(desk, people[3]))[0]["offer"]
    assert (await desk.act(people[3], offer["id"], "confirmation"))["status"] == "booked"
    assert await of_practitioner(desk) == [("booked", "09:00")]
    await no_drift()


async def test_fewer_may_take_part_than_do_and_nobody_is_dropped(desk: Desk) -> None:
    made = await group(desk)
    people = await crowd(desk.scene, 5)
    booked = [await desk.booked(one, at("09:00")) for one in people[:3]]
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE telemedicine_visit_type SET capacity = 2 WHERE id = :id"), {"id": made.id}
        )
    assert "09:00" not in await places(desk, people[0])
    assert (await desk.ask(people[3], at("09:00"))).status_code == 409
    await desk.act(people[0], booked[0]["id"], "cancellation")
    assert (await desk.ask(people[3], at("09:00"))).status_code == 409
    await desk.act(people[1], booked[1]["id"], "cancellation")
    # The one who stays has a seat beyond the second: there is one left, and one only.
    answers = await asyncio.gather(*(desk.ask(one, at("09:00")) for one in people[3:]))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    await no_drift()


async def test_who_does_not_understand_the_interpreter_of_a_session_is_not_offered_it(desk: Desk) -> None:
    await group(desk, needs=["interpreter"])
    for language in ("fr", "de"):
        await clinics.resource(desk.scene.clinic, kind="interpreter", languages=[language])
    one, other, third = await crowd(desk.scene, 3)
    await desk.booked(one, at("09:00"), language="fr")
    assert (await desk.ask(other, at("09:00"), language="de")).status_code == 409
    await desk.booked(third, at("09:00"), language="fr")
    await desk.booked(other, at("10:00"), language="de")
    await no_drift()


async def test_a_weekly_class_is_held_and_confirmed_whole(desk: Desk) -> None:
    await group(desk, horizon=timedelta(days=60))
    one, other = await crowd(desk.scene, 2)
    await desk.booked(other, at("09:00", date(2026, 3, 10)))
    starts = [at("09:00", date(2026, 3, 3) + timedelta(weeks=week)).isoformat() for week in range(3)]
    whom = {"visit_type_id": str(desk.scene.visit_type.id), "practitioner_id": str(desk.scene.practitioner.id)}
    held = await desk.post("/appointment-series", one, whom | {"starts": starts})
    assert held.status_code == 201, held.text
    confirmed = await desk.act_on_series(one, held.json()["id"])
    assert {row["status"] for row in confirmed["appointments"]} == {"booked"}
    assert await of_practitioner(desk) == [("booked", "09:00")] * 3
    await no_drift()


async def test_who_moves_out_leaves_their_seat(desk: Desk, clock: ManualClock) -> None:
    await group(desk)
    (other,) = await crowd(desk.scene, 1)
    await desk.booked(desk.scene.resident, at("09:00"))
    await desk.held(other, at("09:00"))
    async with unit_of_work() as session:
        await closing.close_residents(session, [desk.scene.grace.id])
    assert await of_practitioner(desk) == [("held", "09:00")]
    clock.advance(timedelta(minutes=5))
    await work()
    assert await of_practitioner(desk) == []
    await no_drift()


async def test_a_storm_of_seats_leaves_books_that_agree(desk: Desk) -> None:
    await group(desk, capacity=2, duration=HOUR / 2)
    people = await crowd(desk.scene, 8)
    starts = [at(text) for text in ("09:00", "09:30", "10:00")]

    async def live(number: int) -> None:
        headers = people[number]
        for step in range(4):
            answer = await desk.ask(headers, starts[(number + step) % 3])
            assert answer.status_code in (201, 409, 429), answer.text
            if answer.status_code != 201:
                continue
            path = f"/appointments/{answer.json()['id']}"
            assert (await desk.post(f"{path}/confirmation", headers)).status_code == 200
            target = starts[(number + step * 2) % 3]
            moved = await desk.post(f"{path}/move", headers, {"starts_at": target.isoformat()})
            assert moved.status_code in (200, 409), moved.text
            if (number + step) % 2:
                assert (await desk.post(f"{path}/cancellation", headers)).status_code == 200

    await asyncio.gather(*map(live, range(8)))
    await work()
    await no_drift()
    async with reading() as connection:
        seats = await connection.execute(
            sa.text("""
            SELECT to_char(starts_at AT TIME ZONE 'Asia/Shanghai', 'HH24:MI'), count(*) FROM telemedicine_appointment
            WHERE status = 'booked' GROUP BY 1 ORDER BY 1""")
        )
        taken = {row[0]: row[1] for row in seats}
    assert all(count <= 2 for count in taken.values())
    assert await of_practitioner(desk) == [("booked", start) for start in taken]
    assert await places(desk, people[0]) == {
        text: left
        for text in ("09:00", "09:30", "10:00", "10:30", "11:00", "11:30")
        if (left := 2 - taken.get(text, 0))
    }
