"""What homes notice calls once, in whichever order it is told; only what a home can see is ended by it."""

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.jobs import settle
from app.identity.models import Resident
from eldercare.absences.models import Absence
from eldercare.alarms.models import AlarmKind, AlarmNotice, Severity
from eldercare.home_watch import rules
from eldercare.home_watch.service import home_noticed
from eldercare.ladders.jobs import JOBS as LADDER_JOBS
from tests.factories import eldercare_alarms as alarming
from tests.factories import eldercare_signals as small_things
from tests.factories.eldercare_home_watch import alarms, notice, noticed, settled, signals
from tests.waiting import waits

pytestmark = pytest.mark.usefixtures("database")
MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> alarming.Scene:
    """Return a resident with a circle of two and a duty desk."""
    return await alarming.scene()


@pytest_asyncio.fixture(loop_scope="session")
async def alone(database: Database, clock: ManualClock) -> alarming.Scene:
    """Return a resident in nobody's care, where there is a duty desk."""
    return await alarming.scene(circle=0)


async def away(resident: Resident, clock: ManualClock) -> None:
    """Let the resident be away for a day."""
    now = clock.now()
    async with unit_of_work() as session:
        session.add(
            Absence(
                community_id=resident.community_id,
                resident_id=resident.id,
                kind="away",
                starts_at=now - MINUTE,
                ends_at=now + timedelta(days=1),
                created_by=resident.account_id,
            )
        )


async def test_what_a_home_notices_is_an_alarm_as_bad_as_it_says_and_told_once(scene: alarming.Scene) -> None:
    one = notice(scene.resident, "smoke", "critical")
    assert await noticed(one) == []
    assert await noticed(one) == []
    assert await alarms() == [("smoke", 4, "raised", None)]
    assert await signals() == [("smoke", False, one.incident_id)]


async def test_two_consumers_of_one_notice_are_one_signal(scene: alarming.Scene) -> None:
    one = notice(scene.resident, "water", "medium")
    async with unit_of_work() as session:
        await home_noticed(session, [one])
        other = asyncio.create_task(noticed(one))
        await waits(other)
    await other
    assert len(await signals()) == 1


@pytest.mark.parametrize("kind", sorted(rules.HAZARDS))
async def test_a_hazard_is_not_ended_by_a_sensor_that_clears(
    scene: alarming.Scene, clock: ManualClock, kind: str
) -> None:
    one = notice(scene.resident, kind, "critical")
    await noticed(one)
    clock.advance(MINUTE)
    await settled(one)
    assert [alarm[2:] for alarm in await alarms()] == [("raised", None)]


@pytest.mark.parametrize("kind", ["cold", "heat"])
async def test_who_was_cold_or_hot_for_hours_is_looked_after_though_it_is_over(
    scene: alarming.Scene, clock: ManualClock, kind: str
) -> None:
    one = notice(scene.resident, kind, "medium")
    await noticed(one)
    clock.advance(MINUTE)
    await settled(one)
    assert [alarm[2:] for alarm in await alarms()] == [("raised", None)]


@pytest.mark.parametrize("kind", sorted(rules.SETTLING))
async def test_what_a_home_can_see_to_be_over_is_over_in_either_order(
    scene: alarming.Scene, clock: ManualClock, kind: str
) -> None:
    one, other = notice(scene.resident, kind, "medium"), notice(scene.resident, kind, "medium")
    clock.advance(MINUTE)
    await noticed(one)
    await settled(one)
    assert [alarm[1:] for alarm in await alarms()] == [(2, "resolved", "settled_at_home")]
    await settled(other)
    await noticed(other)
    assert len(await alarms()) == 1


async def test_an_alarm_ends_when_the_last_of_what_made_it_is_over(scene: alarming.Scene, clock: ManualClock) -> None:
    stay, still = notice(scene.resident, "bathroom_stay"), notice(scene.resident, "no_motion")
    await noticed(stay)
    await noticed(still)
    clock.advance(MINUTE)
    await settled(stay)
    assert [alarm[2] for alarm in await alarms()] == ["raised"]
    await settled(still)
    assert [alarm[2:] for alarm in await alarms()] == [("resolved", "settled_at_home")]


async def test_a_movement_takes_back_nothing_that_anybody_else_said(scene: alarming.Scene, clock: ManualClock) -> None:
    await alarming.raised(scene.resident, kind=AlarmKind.INACTIVITY)
    one = notice(scene.resident, "no_motion")
    await noticed(one)
    clock.advance(MINUTE)
    await settled(one)
    assert [alarm[2] for alarm in await alarms()] == ["raised"]


async def test_noticed_again_after_its_end_calls_again(scene: alarming.Scene, clock: ManualClock) -> None:
    one = notice(scene.resident, "door_open_at_night", "medium")
    await noticed(one)
    clock.advance(MINUTE)
    await settled(one)
    clock.advance(MINUTE)
    again = notice(scene.resident, "door_open_at_night", "medium", incident_id=one.incident_id)
    await noticed(again)
    await settled(one, at=one.noticed_at + MINUTE)  # told of again, late: it was before
    assert [alarm[2] for alarm in await alarms()] == ["resolved", "raised"]


async def test_a_second_fall_calls_again_though_nobody_ever_says_that_the_first_is_over(
    scene: alarming.Scene, clock: ManualClock
) -> None:
    one = notice(scene.resident, "fall", "high")
    await noticed(one)
    async with unit_of_work() as session:
        await session.execute(
            sa.text(
                "UPDATE eldercare_alarm SET state = 'resolved', outcome = 'helped',"
                " closed_at = :at, next_step_at = NULL"
            ),
            {"at": clock.now()},
        )
    clock.advance(5 * MINUTE)
    await noticed(notice(scene.resident, "fall", "high", incident_id=one.incident_id))
    assert [alarm[2] for alarm in await alarms()] == ["resolved", "raised"]


async def test_a_door_that_is_open_again_is_not_over_when_both_are_told_at_once(
    scene: alarming.Scene, clock: ManualClock
) -> None:
    one = notice(scene.resident, "door_open_at_night", "medium")
    await noticed(one)
    clock.advance(MINUTE)
    shut_at = clock.now()
    clock.advance(MINUTE)
    await noticed(notice(scene.resident, "door_open_at_night", "medium", incident_id=one.incident_id))
    await settled(one, at=shut_at)
    assert [alarm[2] for alarm in await alarms()] == ["raised"]


async def test_a_turn_for_the_worse_joins_and_calls_everybody_again(scene: alarming.Scene, clock: ManualClock) -> None:
    one = notice(scene.resident, "heat", "medium")
    await noticed(one)
    await settle(LADDER_JOBS)
    clock.advance(MINUTE)
    await noticed(notice(scene.resident, "heat", "high", incident_id=one.incident_id))
    await noticed(notice(scene.resident, "heat", "medium", incident_id=one.incident_id))
    assert await alarms() == [("heat", 3, "raised", None)]
    assert len(await signals()) == 2


async def test_every_order_of_notice_end_and_notice_leaves_the_same(scene: alarming.Scene, clock: ManualClock) -> None:
    """The end lies after both notices: however the three are told, nothing is left to be done."""
    clock.advance(timedelta(minutes=5))
    for order in permutations(("noticed", "worse", "over")):
        one = notice(scene.resident, "no_motion", "medium", noticed_at=clock.now() - 3 * MINUTE)
        worse = notice(
            scene.resident,
            "no_motion",
            "high",
            incident_id=one.incident_id,
            noticed_at=clock.now() - 2 * MINUTE,
        )
        for step in order:
            if step == "over":
                await settled(one)
            else:
                await noticed(worse if step == "worse" else one)
        assert {alarm[2] for alarm in await alarms()} <= {"resolved"}, order


async def test_the_button_is_an_sos_beside_whatever_else_is_open(scene: alarming.Scene, clock: ManualClock) -> None:
    await noticed(notice(scene.resident, "cold", "low"))
    one = notice(scene.resident, "sos", "high")
    await noticed(one)
    assert await alarms() == [("cold", 1, "raised", None), ("sos", 4, "raised", None)]
    clock.advance(MINUTE)
    await noticed(notice(scene.resident, "sos", "high", incident_id=one.incident_id))
    assert [signal[0] for signal in await signals()] == ["cold", "sos", "sos"]


async def test_a_hint_waits_for_another_and_is_taken_back_when_it_is_over(
    scene: alarming.Scene, clock: ManualClock
) -> None:
    one = notice(scene.resident, "no_motion", "low", is_hint=True)
    await noticed(one)
    assert await alarms() == []
    clock.advance(MINUTE)
    await settled(one)
    await small_things.hinted(small_things.small(scene.resident))
    assert await alarms() == []

    again = notice(scene.resident, "no_motion", "low", is_hint=True, incident_id=one.incident_id)
    clock.advance(MINUTE)
    await noticed(notice(scene.resident, "no_motion", "low", is_hint=True))
    assert {signal[:2] for signal in await signals()} == {("inactivity", True)}
    assert await noticed(again) == []


async def test_where_somebody_is_named_they_are_called_and_where_nobody_is_the_desk(
    alone: alarming.Scene, clock: ManualClock
) -> None:
    await noticed(notice(alone.resident, "smoke", "critical"))
    await settle(LADDER_JOBS)
    async with reading() as connection:
        told = set(await connection.scalars(sa.select(sa.text("account_id")).select_from(AlarmNotice)))
    assert told == {alone.desk.id}


async def test_of_who_is_in_nobodys_care_only_what_is_bad_is_told(alone: alarming.Scene) -> None:
    quiet = notice(alone.resident, "cold", "medium")
    hint = notice(alone.resident, "no_motion", "high", is_hint=True)
    assert {one.id for one in await noticed(quiet, hint)} == {quiet.id, hint.id}
    assert await alarms() == []
    assert await noticed(notice(alone.resident, "stove_unattended", "high")) == []
    assert await alarms() == [("stove", 3, "raised", None)]


async def test_who_is_away_is_not_missed_but_their_home_may_burn(scene: alarming.Scene, clock: ManualClock) -> None:
    await away(scene.resident, clock)
    still = notice(scene.resident, "no_motion", "high")
    assert await noticed(still) == [still]
    assert await alarms() == []
    await noticed(notice(scene.resident, "smoke", "critical"), notice(scene.resident, "water", "medium"))
    assert await alarms() == [("smoke", 4, "raised", None)]
    assert {signal[0] for signal in await signals()} == {"smoke", "water"}


async def test_what_is_on_record_is_shown_to_who_comes_and_names_nobody(scene: alarming.Scene) -> None:
    where = {"home_id": "h", "room": "bathroom"}
    one = notice(scene.resident, "fall", "high", where=where)
    signal = rules.signal(one)
    assert signal.evidence == {"incident_id": str(one.incident_id), "noticed": "fall", **where}
    assert (signal.origin, signal.severity) == (("home_incident", one.incident_id), Severity.HIGH)
