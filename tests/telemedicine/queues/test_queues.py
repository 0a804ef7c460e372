"""Numbers: given once, called in turn, followed live; and how long it may take."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from app.core import live
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from telemedicine.queues import rules, service
from telemedicine.queues.models import TICKETS
from tests.factories import identity, sign_in
from tests.factories import telemedicine_clinics as clinics
from tests.streams import Stream, following, served
from tests.telemedicine.appointments.conftest import Body, Desk
from tests.telemedicine.appointments.test_booking import Headers, crowd

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
TEN = timedelta(minutes=10)


def path(desk: Desk, what: str = "queue-tickets") -> str:
    return f"/clinics/{desk.scene.organization.id}/{what}"


async def take(desk: Desk, headers: Headers, **values: str) -> Body:
    answer = await desk.post(path(desk), headers, dict(values))
    assert answer.status_code == 201, answer.text
    found: Body = answer.json()
    return found


@pytest.mark.parametrize(
    ("ahead", "minutes", "expected"),
    [
        (0, [], TEN),
        (2, [], 3 * TEN),
        (2, [0, 4, 8], timedelta(minutes=12)),
        (0, [0, 4, 8, 30], timedelta(minutes=10)),
        (0, [0, 600], timedelta(hours=1)),
    ],
)
def test_who_waits_is_told_by_how_the_line_has_moved(ahead: int, minutes: list[int], expected: timedelta) -> None:
    calls = [NOON + timedelta(minutes=minute) for minute in minutes]
    assert rules.wait(ahead, calls, max(calls, default=NOON)) == expected


def test_an_estimate_never_turns_into_a_debt() -> None:
    assert rules.wait(0, [NOON, NOON + TEN], NOON + timedelta(hours=5)) == timedelta()


async def test_numbers_begin_anew_each_day_and_in_each_line(desk: Desk, clock: ManualClock) -> None:
    one, other = await crowd(desk.scene, 2)
    department = await clinics.department(desk.scene.clinic)
    assert [(await take(desk, headers))["number"] for headers in (one, other, one)] == [1, 2, 1]
    assert (await take(desk, other, department_id=str(department.id)))["number"] == 1
    (mine, _) = (await desk.get("/me/queue-tickets", other))["items"]
    assert (mine["number"], mine["ahead"], mine["wait"]) == (2, 1, "PT20M")
    clock.advance(timedelta(hours=20))
    again = await sign_in.sign_in_resident(desk.scene.grace)
    assert (await take(desk, again))["number"] == 1


async def test_many_who_come_at_once_have_a_number_each(desk: Desk) -> None:
    people = await crowd(desk.scene, 12)
    taken = await asyncio.gather(*(take(desk, one) for one in people))
    assert sorted(one["number"] for one in taken) == list(range(1, 13))


async def test_whoever_calls_calls_the_next_and_nobody_twice(desk: Desk, clock: ManualClock) -> None:
    people = await crowd(desk.scene, 4)
    tickets = [await take(desk, one) for one in people]
    answers = await asyncio.gather(*(desk.post(path(desk, "queue-calls"), desk.scene.keeper) for _ in range(3)))
    assert sorted(answer.json()["number"] for answer in answers) == [1, 2, 3]
    first = f"/queue-tickets/{tickets[0]['id']}/outcome"
    assert (await desk.post(first, people[0], {"state": "done"})).status_code == 403
    assert (await desk.post(first, people[1], {"state": "done"})).status_code == 404
    for _ in range(2):
        assert (await desk.post(first, desk.scene.clinician, {"state": "done"})).json()["state"] == "done"
    refused = await desk.post(first, desk.scene.clinician, {"state": "skipped"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_called")
    shown = (await desk.get(path(desk), desk.scene.clinician))["items"]
    assert [(one["number"], one["state"]) for one in shown] == [(2, "called"), (3, "called"), (4, "waiting")]
    left = await desk.client.delete(f"/v1/queue-tickets/{tickets[3]['id']}", headers=people[3])
    assert left.status_code == 204
    empty = await desk.post(path(desk, "queue-calls"), desk.scene.keeper)
    assert (empty.status_code, empty.json()["code"]) == (409, "nobody_waits")


async def test_a_number_is_followed_by_whose_it_is(desk: Desk) -> None:
    one, other = await crowd(desk.scene, 2)
    ticket = await take(desk, one)
    url = f"/v1/queue-tickets/{ticket['id']}/stream"
    # Streams of tests end when they have told what there is.
    told = await desk.client.get(url, headers=one)
    assert told.status_code == 200, told.text
    assert "event: ticket" in told.text
    assert '"number":1' in told.text
    assert (await desk.client.get(url, headers=other)).status_code == 404
    assert (await desk.client.get(url)).status_code == 401


async def test_several_counters_call_and_each_who_waits_sees_their_place_live(
    app: FastAPI, desk: Desk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "GAP", 0.01)
    live.begin()  # these go on
    people = await crowd(desk.scene, 6)
    tickets = [await take(desk, one) for one in people]
    counters = [desk.scene.keeper, desk.scene.clinician]
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(app))
        last, first = [
            await stack.enter_async_context(
                following(f"{address}/v1/queue-tickets/{tickets[place]['id']}/stream", dict(people[place]))
            )
            for place in (5, 0)
        ]

        async def seen(by: Stream, state: str, ahead: int) -> str:
            """Return the wait that is told once a number stands so: how it stood meanwhile may be told, or not."""
            while (told := await by.next()) is not None:
                if (told.data["state"], told.data["ahead"]) == (state, ahead):
                    return str(told.data["wait"])
            raise AssertionError("the stream ended")

        assert await seen(last, "waiting", 5) == "PT1H"
        assert await seen(first, "waiting", 0) == "PT10M"
        # Both counters call at once, and each another one.
        calls = await asyncio.gather(*(desk.post(path(desk, "queue-calls"), one) for one in counters))
        assert sorted(call.json()["number"] for call in calls) == [1, 2]
        assert await seen(first, "called", 0) == "PT0S"
        await seen(last, "waiting", 3)
        clock.advance(timedelta(minutes=6))
        # Nobody for six minutes, then two: three calls in six minutes are three minutes each, four are two.
        for counter, ahead, wait in ((counters[0], 2, "PT9M"), (counters[1], 1, "PT4M")):
            assert (await desk.post(path(desk, "queue-calls"), counter)).json()["number"] == 5 - ahead
            assert await seen(last, "waiting", ahead) == wait
        done = await desk.post(f"/queue-tickets/{tickets[0]['id']}/outcome", counters[0], {"state": "done"})
        assert done.status_code == 200
        assert await seen(first, "done", 0) == "PT0S"
        assert await first.next() is None


async def test_the_operator_and_other_clinics_see_no_line(desk: Desk) -> None:
    await take(desk, desk.scene.resident)
    operator = await sign_in.sign_in(await identity.operator(desk.scene.place), second_factor=True)
    elsewhere = await identity.organization(desk.scene.place, "clinic")
    other = await sign_in.sign_in(await identity.staff(elsewhere, "clinician"), second_factor=True)
    assert (await desk.client.get(f"/v1{path(desk)}", headers=operator)).status_code == 403
    assert (await desk.client.get(f"/v1{path(desk)}", headers=other)).status_code == 404
    assert (await desk.post(path(desk, "queue-calls"), other)).status_code == 404


async def test_of_two_who_call_the_same_number_one_is_told(desk: Desk) -> None:
    (one,) = await crowd(desk.scene, 1)
    ticket = await take(desk, one)
    first, second = await asyncio.gather(
        *(desk.post(f"/queue-tickets/{ticket['id']}/call", who, {"room": "3"}) for who in (desk.scene.keeper,) * 2)
    )
    assert sorted((first.status_code, second.status_code)) == [200, 409]
    (late,) = [answer for answer in (first, second) if answer.status_code == 409]
    assert late.json()["code"] == "called_already"
    again = await desk.post(f"/queue-tickets/{ticket['id']}/call", desk.scene.keeper, {"again": True})
    assert (again.json()["state"], again.json()["room"]) == ("called", "3")
    assert (await desk.post(f"/queue-tickets/{ticket['id']}/call", one, {})).status_code == 403


async def test_who_did_not_come_waits_again_with_their_number(desk: Desk) -> None:
    one, other = await crowd(desk.scene, 2)
    ticket = await take(desk, one)
    await take(desk, other)
    await desk.post(path(desk, "queue-calls"), desk.scene.keeper, {"room": "2"})
    await desk.post(f"/queue-tickets/{ticket['id']}/outcome", desk.scene.keeper, {"state": "skipped"})
    listed = (await desk.get(path(desk) + "?with_skipped=true", desk.scene.keeper))["items"]
    assert [item["state"] for item in listed] == ["skipped", "waiting"]
    assert all(item["resident_name"] for item in listed)
    back = await desk.post(f"/queue-tickets/{ticket['id']}/return", desk.scene.keeper)
    assert (back.json()["state"], back.json()["number"], back.json()["room"]) == ("waiting", 1, None)
    await desk.post(path(desk, "queue-calls"), desk.scene.keeper, {})
    await desk.post(f"/queue-tickets/{ticket['id']}/outcome", desk.scene.keeper, {"state": "done"})
    late = await desk.post(f"/queue-tickets/{ticket['id']}/return", desk.scene.keeper)
    assert (late.status_code, late.json()["code"]) == (409, "not_put_back")


async def test_a_number_of_another_day_is_done_with(desk: Desk) -> None:
    one, other = await crowd(desk.scene, 2)
    skipped, waiting = await take(desk, one), await take(desk, other)
    await desk.post(path(desk, "queue-calls"), desk.scene.keeper, {})
    await desk.post(f"/queue-tickets/{skipped['id']}/outcome", desk.scene.keeper, {"state": "skipped"})
    async with unit_of_work() as session:
        await session.execute(sa.update(TICKETS).values(local_date=TICKETS.c.local_date - 1))
    for ticket in (skipped, waiting):
        called = await desk.post(f"/queue-tickets/{ticket['id']}/call", desk.scene.keeper, {})
        assert (called.status_code, called.json()["code"]) == (409, "called_already")
        moved = await desk.post(f"/queue-tickets/{ticket['id']}/transfer", desk.scene.keeper, {})
        assert (moved.status_code, moved.json()["code"]) == (409, "not_put_back")
    back = await desk.post(f"/queue-tickets/{skipped['id']}/return", desk.scene.keeper)
    assert (back.status_code, back.json()["code"]) == (409, "not_put_back")


async def test_a_number_put_back_is_not_a_second_one(desk: Desk) -> None:
    (one,) = await crowd(desk.scene, 1)
    ticket = await take(desk, one)
    await desk.post(path(desk, "queue-calls"), desk.scene.keeper, {})
    await desk.post(f"/queue-tickets/{ticket['id']}/outcome", desk.scene.keeper, {"state": "skipped"})
    await take(desk, one)
    back = await desk.post(f"/queue-tickets/{ticket['id']}/return", desk.scene.keeper)
    assert (back.status_code, back.json()["code"]) == (409, "has_another_number")


async def test_a_number_is_handed_on_to_another_line(desk: Desk) -> None:
    one, other = await crowd(desk.scene, 2)
    department = await clinics.department(desk.scene.clinic)
    await take(desk, other, department_id=str(department.id))
    ticket = await take(desk, one)
    moved = await desk.post(
        f"/queue-tickets/{ticket['id']}/transfer", desk.scene.keeper, {"department_id": str(department.id)}
    )
    assert (moved.json()["id"], moved.json()["number"], moved.json()["ahead"]) == (ticket["id"], 2, 1)
    elsewhere = await clinics.department(await clinics.clinic(desk.scene.place))
    strange = await desk.post(
        f"/queue-tickets/{ticket['id']}/transfer", desk.scene.keeper, {"department_id": str(elsewhere.id)}
    )
    assert strange.status_code == 404


async def test_the_number_of_who_was_handed_on_is_nobody_elses_that_day(desk: Desk) -> None:
    one, other = await crowd(desk.scene, 2)
    department = await clinics.department(desk.scene.clinic)
    ticket = await take(desk, one)
    body = {"department_id": str(department.id)}
    moved = await desk.post(f"/queue-tickets/{ticket['id']}/transfer", desk.scene.keeper, body)
    assert moved.json()["department_id"] == body["department_id"]
    # Whoever has the number 1 on a slip would go when it is called.
    assert (await take(desk, other))["number"] == 2
    back = await desk.post(f"/queue-tickets/{ticket['id']}/transfer", desk.scene.keeper, {})
    assert back.json()["number"] == 3
    assert len((await desk.get(path(desk) + "?with_skipped=true", desk.scene.keeper))["items"]) == 2


async def test_a_number_of_yesterday_is_called_by_no_page_left_open(desk: Desk) -> None:
    (one,) = await crowd(desk.scene, 1)
    department = await clinics.department(desk.scene.clinic)
    ticket = await take(desk, one)
    await desk.post(path(desk, "queue-calls"), desk.scene.keeper, {})
    await desk.post(f"/queue-tickets/{ticket['id']}/outcome", desk.scene.keeper, {"state": "skipped"})
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE telemedicine_queue_ticket SET local_date = local_date - 1"))
    for what, body in (("call", {}), ("return", {}), ("transfer", {"department_id": str(department.id)})):
        late = await desk.post(f"/queue-tickets/{ticket['id']}/{what}", desk.scene.keeper, body)
        assert late.status_code == 409, (what, late.text)


async def test_a_screen_shows_numbers_and_rooms_and_nothing_of_whose_they_are(desk: Desk) -> None:
    (one,) = await crowd(desk.scene, 1)
    ticket = await take(desk, one)
    await desk.post(path(desk, "queue-calls"), desk.scene.keeper, {"room": "Room 3"})
    assert (await desk.post(path(desk, "queue-displays"), desk.scene.clinician, {"name": "Hall"})).status_code == 403
    made = await desk.post(path(desk, "queue-displays"), desk.scene.keeper, {"name": "Hall"})
    assert made.status_code == 201, made.text
    board = await desk.get(made.json()["path"].removeprefix("/v1"), {})
    assert set(board) == {"clinic", "time_zone", "local_date", "lines"}
    (line,) = board["lines"]
    assert set(line) == {"name", "called", "next", "waiting"}
    assert [(each["number"], each["room"], set(each)) for each in line["called"]] == [
        (1, "Room 3", {"number", "room", "called_at"})
    ]
    assert ticket["resident_id"] not in str(board)
    assert await desk.get(path(desk, "queue-board"), desk.scene.clinician) == board
    listed = (await desk.get(path(desk, "queue-displays"), desk.scene.keeper))["items"]
    assert [set(each) for each in listed] == [{"id", "name", "created_at"}]
    gone = await desk.client.delete(f"/v1{path(desk, 'queue-displays')}/{listed[0]['id']}", headers=desk.scene.keeper)
    assert gone.status_code == 204
    assert (await desk.client.get(made.json()["path"])).status_code == 404
    assert (await desk.client.get(f"/v1{path(desk, 'queue-board')}", headers=one)).status_code == 404


async def test_there_is_an_end_to_screens(desk: Desk) -> None:
    for number in range(service.MOST_DISPLAYS):
        await desk.post(path(desk, "queue-displays"), desk.scene.keeper, {"name": f"Hall {number}"})
    more = await desk.post(path(desk, "queue-displays"), desk.scene.keeper, {"name": "One more"})
    assert (more.status_code, more.json()["code"]) == (409, "too_many_displays")
