"""From what a home tells to who is called: with the room, once, whoever lives there; and check-ins answered by it."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.events import Event, emit, install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Resident
from app.policies.reactions.home_watch.subscribers import SUBSCRIBERS
from community.home_care.models import HomeIncident
from community.home_events import HomeActive, HomeFellSilent, HomeHeardAgain, HomeNoticed, HomeSettled
from community.homes.models import Home
from eldercare.check_ins import jobs as check_in_jobs
from eldercare.check_ins.subscribers import SUBSCRIBERS as CHECK_IN_SUBSCRIBERS
from eldercare.home_help.subscribers import SUBSCRIBERS as DOOR_SUBSCRIBERS
from eldercare.ladders.jobs import JOBS as LADDER_JOBS
from eldercare.signals.subscribers import SUBSCRIBERS as SIGNAL_SUBSCRIBERS
from tests.factories import community_homes as homes
from tests.factories import eldercare_alarms as alarming
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import sign_in
from tests.factories.eldercare_home_watch import alarms, signals

pytestmark = pytest.mark.usefixtures("subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let only what this is about hear of what happens."""
    previous = install_subscribers([*SUBSCRIBERS, *CHECK_IN_SUBSCRIBERS, *DOOR_SUBSCRIBERS, *SIGNAL_SUBSCRIBERS])
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> alarming.Scene:
    """Return a resident with a circle of two and a duty desk."""
    return await alarming.scene()


async def tell(*facts: Event) -> None:
    """Let a home tell these, and let what follows from them happen."""
    for fact in facts:
        async with unit_of_work() as session:
            await emit(session, fact)
    await settle(RELAY_JOBS)


def about(resident: Resident, aggregate_id: uuid.UUID) -> dict[str, Any]:
    return {"aggregate_id": aggregate_id, "community_id": resident.community_id, "resident_id": resident.id}


async def incident(home: Home, kind: str, *, in_room: str = "bathroom", **values: Any) -> HomeIncident:
    """Insert an incident that a sensor in a room noticed."""
    room = await homes.room(home, name="Grandma's secret room", kind=in_room)
    device = await homes.device(home, room=room, name="Her sensor")
    entity = await homes.entity(device, name="Smoke by Grace's bed")
    row = HomeIncident(
        home_id=home.id,
        resident_id=home.resident_id,
        community_id=home.community_id,
        kind=kind,
        entity_id=entity.id,
        source_id=entity.id,
        severity="critical",
        noticed_at=clocks.now(),
        told_at=clocks.now(),
        explanation={"minutes": 42},
        **values,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def test_an_alarm_says_which_room_and_what_is_on_record_and_nothing_anybody_wrote(
    scene: alarming.Scene, client: httpx.AsyncClient
) -> None:
    home = await homes.home(scene.resident)
    one = await incident(home, "smoke", in_room="kitchen")
    noticed = HomeNoticed(
        **about(scene.resident, one.id), home_id=home.id, kind="smoke", entity_id=one.entity_id, severity="critical"
    )
    await tell(noticed)
    await settle(LADDER_JOBS)
    assert await alarms() == [("smoke", 4, "raised", None)]
    async with reading() as connection:
        alarm_id = await connection.scalar(sa.text("SELECT id FROM eldercare_alarm"))
    seen = await client.get(f"/v1/alarms/{alarm_id}", headers=await sign_in.sign_in(scene.circle[0]))
    assert seen.status_code == 200, seen.text
    [signal] = seen.json()["signals"]
    evidence = signal["evidence"]
    assert {name: evidence[name] for name in ("incident_id", "home_id", "entity_id", "noticed", "room")} == {
        "incident_id": str(one.id),
        "home_id": str(home.id),
        "entity_id": str(one.entity_id),
        "noticed": "smoke",
        "room": "kitchen",
    }
    assert evidence["explanation"] == {"minutes": 42}
    assert evidence.keys() == {
        *("incident_id", "home_id", "entity_id", "noticed", "room", "room_id", "device_id", "explanation")
    }
    assert seen.json()["explanation"]["en"] == "Smoke."
    assert not any(word in seen.text for word in ("Grandma", "Her sensor", "Smoke by"))


async def test_an_incident_that_is_forgotten_already_is_called_for_all_the_same(scene: alarming.Scene) -> None:
    await tell(
        HomeNoticed(**about(scene.resident, clocks.new_id()), home_id=clocks.new_id(), kind="gas", severity="critical")
    )
    assert await alarms() == [("gas", 4, "raised", None)]


@pytest.mark.parametrize("is_over_first", [False, True])
async def test_what_is_over_is_taken_back_in_whichever_order_it_is_told(
    scene: alarming.Scene, clock: ManualClock, is_over_first: bool
) -> None:
    incident_id, home_id = clocks.new_id(), clocks.new_id()
    named = {**about(scene.resident, incident_id), "home_id": home_id, "kind": "no_motion"}
    noticed = HomeNoticed(**named, severity="medium")
    clock.advance(MINUTE)
    over = HomeSettled(**named)
    await tell(*((over, noticed) if is_over_first else (noticed, over)))
    assert [alarm[2:] for alarm in await alarms()] == ([] if is_over_first else [("resolved", "settled_at_home")])


async def test_the_same_fact_delivered_twice_calls_once(scene: alarming.Scene) -> None:
    noticed = HomeNoticed(
        **about(scene.resident, clocks.new_id()), home_id=clocks.new_id(), kind="fall", severity="high"
    )
    (handle,) = (one.handle for one in SUBSCRIBERS if HomeNoticed in one.events)
    for _ in range(2):
        async with unit_of_work() as session:
            await handle(session, [noticed])
    assert [signal[0] for signal in await signals()] == ["fall"]


async def test_activity_answers_a_passive_check_in_and_says_nothing_of_a_closed_door(
    scene: alarming.Scene, clock: ManualClock
) -> None:
    await check_ins.plan(scene.resident, **check_ins.PASSIVE)
    await alarming.raised(scene.resident, kind="no_answer_at_door")
    clock.set(DUE)
    await tell(HomeActive(**about(scene.resident, clocks.new_id())))
    first = (await check_ins.check_ins(scene.resident))[0]
    assert (first.state, first.how) == ("answered", "home")
    assert [alarm[2] for alarm in await alarms()] == ["raised"]


async def test_a_home_that_falls_silent_has_its_resident_asked_until_it_is_heard_again(
    scene: alarming.Scene, clock: ManualClock
) -> None:
    home_id = clocks.new_id()
    await check_ins.plan(scene.resident, **check_ins.PASSIVE)
    await tell(HomeFellSilent(**about(scene.resident, home_id), outage_id=clocks.new_id()))
    assert [row.next_prompt_at for row in await check_ins.check_ins()] == [DUE, DUE + timedelta(days=1)]
    clock.advance(MINUTE)
    await tell(HomeHeardAgain(**about(scene.resident, home_id)))
    assert [row.next_prompt_at for row in await check_ins.check_ins()] == [DUE + HOUR, DUE + timedelta(days=1, hours=1)]


async def test_through_a_silent_morning_the_person_is_asked_and_missed(
    scene: alarming.Scene, clock: ManualClock
) -> None:
    await check_ins.plan(scene.resident, channel="voice", **check_ins.PASSIVE)
    await tell(HomeFellSilent(**about(scene.resident, clocks.new_id())))
    clock.set(DUE)
    await settle([*RELAY_JOBS, *check_in_jobs.JOBS])
    assert (await check_ins.check_ins())[0].state == "prompted"
    clock.advance(HOUR)
    await tell(HomeActive(**about(scene.resident, clocks.new_id())))
    await settle([*RELAY_JOBS, *check_in_jobs.JOBS])
    assert (await check_ins.check_ins())[0].state in ("missed", "unasked")
    assert [alarm[2] for alarm in await alarms()] == ["raised"]
