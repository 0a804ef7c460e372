"""Signing up: for oneself or by grant, with what one needs sealed, in the order of the line, called off by rule."""

import asyncio
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading
from community.trips.models import PARTICIPANTS
from tests.community.trips.conftest import CONTACT, DAY, HOUR, LEAVES, MINUTE, Trips, facts, no_drift, told, work
from tests.factories import identity, sign_in


async def test_one_signs_up_and_what_one_needs_is_sealed(trips: Trips) -> None:
    needs = {"diet": "no peanuts", "note": "walks slowly"}
    found = await trips.join(needs=needs)
    assert (found["state"], found["place"], found["sides"], found["contacts"]) == ("going", "seat", ["resident"], 1)
    assert found["needs"] == {"wheelchair": False, "companion": False} | needs
    assert await facts(found) == ["trip_joined"]
    async with reading() as connection:
        row = (await connection.execute(sa.select(PARTICIPANTS))).one()
    assert not any(word in str(row) for word in ("peanuts", "slowly", CONTACT["name"], "0042"))
    await no_drift()


async def test_a_daughter_signs_her_mother_up_by_grant_and_nobody_else_does(trips: Trips) -> None:
    scene = trips.scene
    found = await trips.join(by=scene.daughter)
    assert found["signed_up_by"] == str(scene.ann.id)
    _, stranger = await trips.other()
    await trips.join(by=stranger, expect=404)
    path = f"/v1/trip-participations/{found['id']}"
    await trips.ask("GET", path, by=stranger, expect=404)
    seen = await trips.ask("GET", path, by=scene.daughter)
    assert [(one["transition"], one["who"], one["changed_by"]) for one in seen["history"]] == [
        ("sign_up", "resident", str(scene.ann.id)),
        ("confirm", "hearthline", None),
    ]
    listed = await trips.ask("GET", f"/v1/residents/{scene.grace.id}/trip-participations", by=scene.daughter)
    assert [one["id"] for one in listed["items"]] == [found["id"]]
    await work()
    assert await told("trip_confirmed") == {"Grace", "Ann"}


async def test_what_is_wrong_is_said_and_nothing_is_taken(trips: Trips, clock: ManualClock) -> None:
    async def refused(expect: int = 409, **changes: Any) -> str:
        return str((await trips.join(expect=expect, **changes))["code"])

    assert await refused(total=5, payment_method="provider") == "trip_price_changed"
    assert await refused(trip_id=str(clocks.new_id()), expect=404) == "not_found"
    assert await refused(needs={"companion": True}) == "companion_needed"
    assert await refused(contacts=[], expect=422) == "malformed"
    elsewhere = await identity.account(await identity.community(name="Hillside"))
    assert await refused(contacts=[CONTACT | {"account_id": str(elsewhere.id)}], expect=422) == "malformed"
    draft = await trips.planned(publish=False)
    assert await refused(expect=404) == "not_found"
    await trips.ask("GET", f"/v1/trips/{draft['id']}", expect=404)
    await trips.keep("publication")
    await trips.join()
    assert await refused() == "already_signed_up"
    clock.set(LEAVES - 12 * HOUR)
    assert await refused() == "sign_up_over"
    await no_drift()


async def test_who_comes_late_waits_in_order_and_nobody_overtakes(trips: Trips, clock: ManualClock) -> None:
    first = await trips.join()
    await trips.joined("Hu")
    row, session = await trips.other("Li")
    assert (await trips.join(row, by=session, expect=409))["code"] == "trip_full"
    li = await trips.join(row, by=session, waits=True, with_companion=True)
    wu, wus = await trips.joined("Wu", waits=True)
    assert [(one["state"], one["ahead"]) for one in (li, wu)] == [("waiting", 0), ("waiting", 1)]

    await trips.do(first, "cancellation", {"reason": "unwell"})
    await work()
    # Li wants two seats, and there is one: it is kept for her, and nobody behind her has it.
    assert [(await trips.seen(one))["state"] for one in (li, wu)] == ["waiting", "waiting"]
    await trips.joined("Xu", expect=409)

    await trips.keep("capacity", {"seats": 4, "wheelchair_places": 1}, method="PUT")
    seen = [await trips.seen(one) for one in (li, wu)]
    assert [one["state"] for one in seen] == ["offered", "offered"]
    assert await told("trip_offered") == {"Li", "Wu"}
    assert (await trips.do(li, "acceptance", by=session))["state"] == "going"
    assert (await trips.do(li, "acceptance", by=session))["state"] == "going"
    clock.advance(timedelta(hours=12))
    await trips.do(wu, "acceptance", by=wus, expect=409)
    await work()
    assert (await trips.seen(wu))["state"] == "expired"
    assert await told("trip_expired") == {"Wu"}
    await no_drift()


async def test_nobody_waits_in_vain_for_a_bus_that_leaves(trips: Trips, clock: ManualClock) -> None:
    await trips.planned(seats=1, sign_up_until=LEAVES.isoformat())
    first = await trips.join()
    row, session = await trips.other()
    waits = await trips.join(row, by=session, waits=True)
    clock.set(LEAVES - HOUR)
    await work()
    assert (await trips.seen(waits))["state"] == "expired"
    assert await told("trip_cancelled") == {"Hu"}
    assert (await trips.seen(first))["state"] == "going"
    await no_drift()


async def test_a_wheelchair_takes_its_own_place_and_a_companion_a_seat(trips: Trips) -> None:
    found = await trips.join(needs={"wheelchair": True, "companion": True}, with_companion=True)
    assert (found["place"], found["companion"]) == ("wheelchair", "own")
    shown = await trips.ask("GET", f"/v1/trips/{trips.trip['id']}")
    assert (shown["seats_left"], shown["wheelchair_places_left"]) == (1, 0)
    row, session = await trips.other()
    problem = await trips.join(row, by=session, needs={"wheelchair": True}, expect=409)
    assert (problem["code"], problem["wheelchair_places_left"]) == ("trip_full", 0)
    await trips.keep("capacity", {"seats": 1, "wheelchair_places": 0}, method="PUT", expect=409)
    await no_drift()


async def test_of_many_who_want_the_last_seats_exactly_so_many_have_one(trips: Trips) -> None:
    people = [await trips.other(f"R{number}") for number in range(6)]
    answers = await asyncio.gather(
        *(
            trips.scene.client.post(
                f"/v1/residents/{row.id}/trip-participations",
                json=trips.wish(),
                headers=sign_in.access_headers(session),
            )
            for row, session in people
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]
    await no_drift()


async def test_the_same_request_once_more_is_answered_and_not_done_again(trips: Trips) -> None:
    path = f"/v1/residents/{trips.scene.grace.id}/trip-participations"
    key = {"Idempotency-Key": "a-trip"}
    first, second = [await trips.ask("POST", path, trips.wish(), expect=201, extra=key) for _ in range(2)]
    assert first["id"] == second["id"]
    found = await trips.do(first, "cancellation", {"reason": "unwell"})
    assert (found["state"], found["cancelled_by"], found["fee"]) == ("cancelled", "resident", 0)
    assert (await trips.do(first, "cancellation", {"reason": "other"}))["cancel_reason"] == "unwell"
    await trips.join()  # whoever thinks better of it signs up anew


async def test_each_side_says_its_own_reasons_and_no_one_calls_off_under_way(trips: Trips, clock: ManualClock) -> None:
    found = await trips.join()
    await trips.do(found, "cancellation", {"reason": "not_suitable"}, expect=422)
    clock.set(LEAVES + MINUTE)
    assert (await trips.do(found, "cancellation", {"reason": "unwell"}, expect=409))["code"] == "trip_under_way"
    await trips.planned(
        stops=[
            {"name": {"en": "A", "zh-CN": "甲"}, "departs_at": (LEAVES + (number + 2) * DAY).isoformat()}
            for number in range(2)
        ],
        sign_up_until=(LEAVES + DAY).isoformat(),
    )
    later = await trips.join()
    ended = await trips.do(later, "cancellation", {"reason": "not_suitable"}, by=trips.scene.keeper)
    assert ended["cancelled_by"] == "organizer"


async def test_nobody_is_on_two_trips_at_once(trips: Trips) -> None:
    lake, grace = trips.trip, trips.scene.grace
    temple = await trips.planned()
    path = f"/v1/residents/{grace.id}/trip-participations"
    answers = await asyncio.gather(
        *(
            trips.scene.client.post(
                path,
                json=trips.wish(trip_id=one["id"]),
                headers=sign_in.access_headers(trips.scene.resident),
            )
            for one in (lake, temple)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (refused,) = (answer.json() for answer in answers if answer.status_code == 409)
    (joined,) = (answer.json() for answer in answers if answer.status_code == 201)
    assert (refused["code"], refused["participation_id"]) == ("on_another_trip", joined["id"])
    free = lake if joined["trip_id"] == temple["id"] else temple
    await trips.do(joined, "cancellation", {"reason": "other_plans"})
    await trips.join(trip_id=free["id"])
    await no_drift()


async def test_who_waits_for_a_trip_and_goes_on_another_does_not_take_the_place(trips: Trips) -> None:
    lake = trips.trip
    hu, hus = await trips.joined("Hu")
    await trips.joined("Li")
    waits = await trips.join(waits=True)
    await trips.planned()
    await trips.join()
    trips.trip = lake
    await trips.do(hu, "cancellation", {"reason": "unwell"}, by=hus)
    await work()
    assert (await trips.seen(waits))["state"] == "offered"
    assert (await trips.do(waits, "acceptance", expect=409))["code"] == "on_another_trip"


async def test_who_lives_here_no_more_goes_nowhere(trips: Trips) -> None:
    found = await trips.join()
    closing = {"reason": "moved_out", "date": "2026-03-02"}
    path = f"/v1/residents/{trips.scene.grace.id}/closure"
    await trips.ask("POST", path, closing, by=trips.scene.operator, expect=201)
    await work()
    seen = await trips.seen(found)
    assert (seen["state"], seen["cancelled_by"], seen["cancel_reason"]) == ("cancelled", "hearthline", "resident_left")
    await trips.join(by=trips.scene.daughter, expect=404)
    await no_drift()
