"""Somebody missing on a trip calls for help once where they are in remote care; else the desk and contacts hear."""

import asyncio

import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.policies.reactions.trips.subscribers import SUBSCRIBERS
from community.events import TripParticipantMissing
from community.trips import rules
from community.trips.models import PARTICIPANTS
from eldercare.alarms.models import AlarmNotice
from eldercare.ladders.jobs import JOBS as LADDER_JOBS
from tests.community.orders.conftest import Body
from tests.community.trips.conftest import BUS, CONTACT, HOUR, LAKE, LEAVES, MINUTE, Trips, mark, told, trips, work
from tests.factories import eldercare_alarms as alarming
from tests.factories import identity, sign_in
from tests.policies.reactions.test_home_help import alarms, signals

__all__ = ["trips"]

ALL = ["alarms:read", "alarms:respond"]


@pytest_asyncio.fixture(loop_scope="session")
async def grace(trips: Trips, clock: ManualClock) -> Body:
    """Have Grace, who names her daughter, stand at the gate."""
    found = await trips.join(
        contacts=[CONTACT, {"name": "Ann", "phone": "13800000002", "account_id": str(trips.scene.ann.id)}]
    )
    await work()
    clock.set(LEAVES)
    return found


async def in_care(trips: Trips) -> str:
    """Have somebody be there to be called for Grace; return their id."""
    ben = await identity.account(trips.scene.place, name="Ben", phone="+8613800000009")
    await alarming.circle_member(trips.scene.grace, ben)
    await identity.grant(trips.scene.grace, ben, ALL)
    return str(ben.id)


async def test_who_was_aboard_and_is_missing_calls_at_once_and_found_takes_it_back(
    trips: Trips, clock: ManualClock, grace: Body
) -> None:
    ben = await in_care(trips)
    await trips.count(BUS, [mark(grace)], is_complete=True)
    clock.advance(HOUR)
    await trips.count(LAKE, [mark(grace, "missing", note="last seen at the tea house")])
    await settle([*RELAY_JOBS, *LADDER_JOBS])
    assert await alarms() == [("missing_on_trip", 3, "raised", None)]
    async with reading() as connection:
        alarm_id = await connection.scalar(sa.select(table_of(AlarmNotice).c.alarm_id).limit(1))
        assert ben in {str(one) for one in await connection.scalars(sa.select(table_of(AlarmNotice).c.account_id))}
    seen = await trips.ask("GET", f"/v1/alarms/{alarm_id}", by=trips.scene.operator)
    assert seen["signals"][0]["evidence"] == {
        "trip_id": trips.trip["id"],
        "participation_id": grace["id"],
        "was_aboard": True,
    }
    assert seen["explanation"]["en"] == "Missing on a trip."
    assert not any(word in str(seen) for word in ("tea house", CONTACT["name"], CONTACT["phone"]))
    # The alarm calls for her; her leaders look for her.
    assert (await told("trip_missing"), await told("trip_missing_contact")) == ({"Li Mei"}, set())

    clock.advance(MINUTE)
    await trips.count(LAKE, [mark(grace)])
    await work()
    assert await alarms() == [("missing_on_trip", 3, "resolved", "found_on_trip")]
    assert await told("trip_found") == {"Li Mei"}


async def test_who_never_came_is_as_bad_as_a_check_in_that_was_missed_and_missing_again_calls_again(
    trips: Trips, clock: ManualClock, grace: Body
) -> None:
    await in_care(trips)
    await trips.count(BUS, [], is_complete=True)
    await work()
    assert await alarms() == [("missing_on_trip", 2, "raised", None)]
    clock.advance(MINUTE)
    await trips.count(BUS, [mark(grace)])
    await work()
    clock.advance(HOUR)
    await trips.count(LAKE, [], is_complete=True)
    await work()
    assert [one[:3] for one in await alarms()] == [("missing_on_trip", 2, "resolved"), ("missing_on_trip", 3, "raised")]


async def test_one_missing_is_one_signal_however_often_it_is_told_and_joins_what_is_open(
    trips: Trips, grace: Body
) -> None:
    await in_care(trips)
    await alarming.raised(trips.scene.grace)
    await trips.count(BUS, [mark(grace, "missing")])
    table = table_of(EventRecord)
    async with reading() as connection:
        row = (await connection.execute(sa.select(table).where(table.c.name == TripParticipantMissing.name))).one()
    fact = TripParticipantMissing(
        id=row.id,
        occurred_at=row.occurred_at,
        aggregate_id=row.aggregate_id,
        community_id=row.community_id,
        **row.payload,
    )
    (subscriber,) = SUBSCRIBERS

    async def consume() -> None:
        async with unit_of_work() as session:
            await subscriber.handle(session, [fact])

    await asyncio.gather(consume(), consume())
    await work()
    assert await signals() == ["check_in_missed", "missing_on_trip"]
    assert await alarms() == [("check_in_missed", 2, "raised", None)]


async def test_of_anybody_else_the_leaders_the_desk_and_their_contacts_hear_and_hear_that_they_are_found(
    trips: Trips, clock: ManualClock, grace: Body
) -> None:
    await trips.count(BUS, [mark(grace, "missing")])
    await work()
    assert await alarms() == []
    assert await told("trip_missing") == {"Li Mei", "Olga"}
    assert await told("trip_missing_contact") == {"Ann"}
    clock.advance(rules.LOOKING[0])
    await work()
    assert await told("trip_missing_contact") == {"Ann"}
    await trips.count(BUS, [mark(grace, "left", note="at home")])
    await work()
    assert await told("trip_found") == {"Li Mei", "Olga", "Ann"}


async def test_missing_is_a_fact_of_the_same_moment_or_there_is_neither(trips: Trips, grace: Body) -> None:
    stranger = await sign_in.session_of(await identity.account(trips.scene.place, name="Nobody"))
    await trips.count(BUS, [mark(grace, "missing")], by=stranger, expect=403)
    table = table_of(EventRecord)
    counted = sa.select(sa.func.count()).where(table.c.name == TripParticipantMissing.name)
    missing = sa.select(sa.func.count()).where(PARTICIPANTS.c.state == "missing")
    async with reading() as connection:
        assert (await connection.scalar(counted), await connection.scalar(missing)) == (0, 0)
    await trips.count(BUS, [mark(grace, "missing")])
    async with reading() as connection:
        assert (await connection.scalar(counted), await connection.scalar(missing)) == (1, 1)
