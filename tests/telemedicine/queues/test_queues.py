"""Numbers: given once, called in turn, followed live; and how long it may take."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from app.core import live
from app.core.clock import ManualClock
from telemedicine.queues import rules, service
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
