"""Mornings that stay quiet, homes and buildings that fall silent, devices that are not heard: each told once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.due import Due, drain
from app.core.failures import LONGEST_VITAL_DELAY, STUCK_AFTER
from app.core.jobs import settle
from app.core.parked_rows import RETRY_JOB
from app.identity.models import Community
from community.home_care import jobs
from community.home_care.jobs import Presence
from community.home_care.models import CARES, DAYS, LISTENING, OUTAGES, SILENCES, HomeSilence
from community.home_care.rules.mornings import learn
from community.home_devices.models import DEVICES
from community.homes.models import HOMES, Home
from notifications.inbox.models import INBOX
from tests.community.home_care.conftest import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    Scene,
    hear,
    incidents,
    listening,
    noticed,
    pass_time,
    told,
    work,
)
from tests.factories import community_home_care as care
from tests.factories import community_homes as homes
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database")


async def sent_of(notice: str) -> int:
    """Return to how many a notice was written."""
    async with reading() as connection:
        found = sa.select(sa.func.count()).where(INBOX.c.notice_key == notice)
        return await connection.scalar(found) or 0


async def used_to(minute: float) -> None:
    """Let it be learned of all homes that somebody is usually up by a minute of the day."""
    usual = learn([((NOON - number * DAY).date(), minute) for number in range(28)])
    stored = {"mornings": usual.stored(), "stay": None}
    async with unit_of_work() as session:
        values = {"usual": stored, "created_at": NOON - 60 * DAY, "learn_at": NOON + 60 * DAY}
        await session.execute(sa.update(CARES).values(**values))


async def test_a_quiet_morning_is_told_once_with_its_numbers_and_over_when_somebody_moves(
    scene: Scene, clock: ManualClock
) -> None:
    await used_to(460)
    motion = await care.entity(scene.home, "motion", room=scene.kitchen)
    clock.set(NOON + DAY - 4 * HOUR)
    await listening(NOON, clock.now())
    await hear(scene.home, clock.now())
    await pass_time(clock, 20 * MINUTE, heard=[scene.home])
    assert await noticed() == []
    await pass_time(clock, HOUR, heard=[scene.home])
    assert await noticed() == [("no_motion", "medium")]
    clock.advance(MINUTE)
    await care.report(care.change(motion, "on", room=scene.kitchen))
    assert await incidents() == [("no_motion", "medium", "over")]
    await pass_time(clock, HOUR, heard=[scene.home])
    assert len(await noticed()) == 1


async def test_a_morning_that_stays_quiet_calls_somebody_though_nothing_else_speaks_for_it(
    scene: Scene, clock: ManualClock
) -> None:
    await used_to(460)
    clock.set(NOON + DAY - 4 * HOUR)
    await listening(NOON, clock.now())
    await hear(scene.home, clock.now())
    await pass_time(clock, 4 * HOUR, heard=[scene.home])
    assert await noticed() == [("no_motion", "medium"), ("no_motion", "high")]
    assert [payload["is_hint"] for _, payload in await told("home_noticed")] == [True, False]
    assert await incidents() == [("no_motion", "high", "open")]


async def test_a_morning_that_we_did_not_hear_is_not_taken_for_a_quiet_one(scene: Scene, clock: ManualClock) -> None:
    await used_to(460)
    clock.set(NOON + DAY - 8 * HOUR)
    await pass_time(clock, 5 * HOUR, listen=False)
    await pass_time(clock, HOUR, heard=[scene.home])
    assert await noticed() == []
    await pass_time(clock, 4 * HOUR, heard=[scene.home])
    assert await noticed() == [("no_motion", "medium")]


async def test_who_is_up_is_not_told_of(scene: Scene, clock: ManualClock) -> None:
    await used_to(460)
    motion = await care.entity(scene.home, "motion", room=scene.kitchen)
    clock.set(NOON + DAY - 5 * HOUR)
    await care.report(care.change(motion, "on", room=scene.kitchen))
    await pass_time(clock, 4 * HOUR, heard=[scene.home])
    assert await told("home_noticed") == []


async def test_a_silent_hub_is_one_fact_and_one_notice_and_is_heard_again(scene: Scene, clock: ManualClock) -> None:
    for number in range(5):
        await care.entity(scene.home, "motion", room=scene.kitchen, name=f"Motion {number}")
    await listening(NOON - DAY, NOON)
    await pass_time(clock, 3 * HOUR)
    facts = await told("home_fell_silent")
    assert [payload["of"] for _, payload in facts] == [str(scene.home.id)]
    assert facts[0][1]["outage_id"] is None
    assert await sent_of("community.home_silent") == 1
    await hear(scene.home, clock.now())
    await pass_time(clock, 5 * MINUTE, heard=[scene.home])
    assert [name for name, _ in await told()] == ["home_fell_silent", "home_heard_again"]
    async with reading() as connection:
        assert await connection.scalar(sa.select(HOMES.c.silent_since)) is None


async def test_a_hub_that_is_back_before_it_was_told_of_is_not_told_of(scene: Scene, clock: ManualClock) -> None:
    await listening(NOON - DAY, NOON)
    await pass_time(clock, 2 * HOUR + 3 * MINUTE)
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(SILENCES)) == 1
    await hear(scene.home, clock.now())
    await pass_time(clock, 10 * MINUTE, heard=[scene.home])
    assert await told() == []


async def test_our_own_gateway_being_down_is_nobodys_silence(scene: Scene, clock: ManualClock) -> None:
    await listening(NOON - DAY, NOON)
    await pass_time(clock, 5 * HOUR, listen=False)
    assert await told() == []
    await pass_time(clock, HOUR)
    assert await told() == []
    await pass_time(clock, 2 * HOUR)
    assert [name for name, _ in await told()] == ["home_fell_silent"]


@pytest_asyncio.fixture(loop_scope="session")
async def building(place: Community, clock: ManualClock) -> list[Home]:
    """Return six homes of one building, each heard every three minutes."""
    found = []
    for number in range(6):
        resident = await identity.resident(place, phone=f"+861380000010{number}")
        values: dict[str, Any] = {"building": "7", "time_zone": "UTC", "last_seen_at": NOON, "heard_every": 3 * MINUTE}
        found.append(await homes.home(resident, **values))
    await jobs.adopt()
    await listening(NOON - DAY, NOON)
    return found


async def fall_silent(clock: ManualClock, building: Sequence[Home], silent: int) -> None:
    await pass_time(clock, 30 * MINUTE, heard=building[silent:])


async def test_a_silent_building_is_one_outage_that_the_operator_hears_of_once(
    place: Community, building: list[Home], clock: ManualClock
) -> None:
    await identity.staff(await identity.organization(place))
    await fall_silent(clock, building, 4)
    outages = await told("building_fell_silent")
    assert [(payload["building"], payload["homes"]) for _, payload in outages] == [("7", 4)]
    silences = await told("home_fell_silent")
    assert {payload["of"] for _, payload in silences} == {str(home.id) for home in building[:4]}
    assert {payload["outage_id"] for _, payload in silences} == {outages[0][1]["of"]}
    assert await sent_of("community.building_silent") == 1
    assert await sent_of("community.home_silent") == 0
    await pass_time(clock, 10 * MINUTE, heard=building)
    assert len(await told("building_heard_again")) == 1
    assert len(await told("home_heard_again")) == 4
    async with reading() as connection:
        assert await connection.scalar(sa.select(OUTAGES.c.over_at)) is not None


async def test_two_silent_homes_of_six_are_two_silences(building: list[Home], clock: ManualClock) -> None:
    await fall_silent(clock, building, 2)
    assert await told("building_fell_silent") == []
    assert [payload["outage_id"] for _, payload in await told("home_fell_silent")] == [None, None]


async def test_a_home_that_joins_later_is_part_of_the_outage(building: list[Home], clock: ManualClock) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.update(HOMES).where(HOMES.c.id == building[3].id).values(heard_every=15 * MINUTE))
    await fall_silent(clock, building, 4)
    await pass_time(clock, 30 * MINUTE, heard=building[4:])
    assert len(await told("building_fell_silent")) == 1
    facts = await told("home_fell_silent")
    assert len(facts) == 4
    assert None not in {payload["outage_id"] for _, payload in facts}


async def test_a_home_that_stays_silent_when_its_neighbours_are_back_is_told_of_by_itself(
    building: list[Home], clock: ManualClock
) -> None:
    await fall_silent(clock, building, 4)
    await pass_time(clock, 30 * MINUTE, heard=building[1:])
    alone = [payload for _, payload in await told("home_fell_silent") if payload["of"] == str(building[0].id)]
    assert [payload["outage_id"] is None for payload in alone] == [False, True]


async def test_an_outage_that_grew_is_over_when_most_of_its_homes_are_back(
    building: list[Home], clock: ManualClock
) -> None:
    await fall_silent(clock, building, 3)
    await pass_time(clock, 30 * MINUTE, heard=building[5:])
    assert [payload["homes"] for _, payload in await told("building_fell_silent")] == [3]
    await pass_time(clock, 40 * MINUTE, heard=building[2:])
    assert len(await told("building_heard_again")) == 1
    alone = [payload["of"] for _, payload in await told("home_fell_silent") if payload["outage_id"] is None]
    assert set(alone) == {str(home.id) for home in building[:2]}


async def test_an_outage_is_over_when_the_homes_it_was_of_are_closed(building: list[Home], clock: ManualClock) -> None:
    await fall_silent(clock, building, 3)
    gone = [home.id for home in building[:3]]
    async with unit_of_work() as session:
        closed = sa.update(HOMES).where(HOMES.c.id.in_(gone))
        await session.execute(closed.values(state="closed", closed_at=clock.now()))
    await pass_time(clock, 15 * MINUTE, heard=building[3:])
    async with reading() as connection:
        assert await connection.scalar(sa.select(OUTAGES.c.over_at)) is not None


async def test_a_home_that_follows_its_neighbours_a_little_later_is_said_to_be_heard_again(
    building: list[Home], clock: ManualClock
) -> None:
    await fall_silent(clock, building, 4)
    await pass_time(clock, 5 * MINUTE, heard=building[1:])
    assert len(await told("building_heard_again")) == 1
    await pass_time(clock, 20 * MINUTE, heard=building)
    assert {payload["of"] for _, payload in await told("home_heard_again")} == {str(home.id) for home in building[:4]}


async def test_a_device_that_is_silent_is_told_once_to_who_manages_the_home(scene: Scene, clock: ManualClock) -> None:
    manager = await identity.account(scene.place, name="Daughter")
    await identity.grant(scene.resident, manager, ["home:manage"])
    await homes.device(scene.home, last_seen_at=NOON - 30 * HOUR)
    await homes.device(scene.home, last_seen_at=NOON - 3 * HOUR)
    await homes.device(scene.home, last_seen_at=NOON - 30 * HOUR, heard_every=15 * HOUR)
    await listening(NOON - 3 * DAY, NOON)
    await pass_time(clock, HOUR, heard=[scene.home])
    assert await sent_of("community.home_devices_silent") == 1
    async with reading() as connection:
        silent = sa.select(sa.func.count()).where(DEVICES.c.silent_since.is_not(None))
        assert await connection.scalar(silent) == 1


async def test_a_button_that_is_silent_is_noticed_and_settled_when_it_is_heard(
    scene: Scene, clock: ManualClock
) -> None:
    device = await homes.device(scene.home, last_seen_at=NOON - 30 * HOUR)
    await homes.entity(device, "event", role="sos_button")
    await listening(NOON - 3 * DAY, NOON)
    await pass_time(clock, HOUR, heard=[scene.home])
    assert await noticed() == [("sos_button_silent", "medium")]
    async with unit_of_work() as session:
        await session.execute(sa.update(DEVICES).values(last_seen_at=clock.now()))
    await pass_time(clock, 15 * MINUTE, heard=[scene.home])
    assert await incidents() == [("sos_button_silent", "medium", "over")]


async def test_a_closed_home_is_let_go_of(scene: Scene, clock: ManualClock) -> None:
    await care.report(care.change(await care.entity(scene.home, "smoke"), "on"))
    async with unit_of_work() as session:
        await session.execute(sa.update(HOMES).values(state="closed", closed_at=clock.now()))
    await pass_time(clock, 5 * MINUTE)
    assert await incidents() == [("smoke", "critical", "over")]


async def test_a_gateway_writes_down_when_it_listens_and_begins_anew_after_a_break(
    scene: Scene, clock: ManualClock
) -> None:
    presence = Presence()
    for is_connected in (True, True, False, True, True):
        await presence.note(is_connected=is_connected)
        clock.advance(timedelta(seconds=15))
    async with reading() as connection:
        rows = (await connection.execute(sa.select(LISTENING.c.since, LISTENING.c.until).order_by("since"))).all()
    assert [(row.until - row.since).total_seconds() for row in rows] == [15, 15]


@pytest.mark.parametrize("due", [jobs.WATCHES, jobs.EVALUATE, jobs.SILENT], ids=lambda due: due.name)
async def test_the_desk_hears_of_what_we_fail_to_see_to(due: Due, scene: Scene, clock: ManualClock) -> None:
    await identity.staff(await identity.organization(scene.place))
    bed = await care.entity(scene.home, "bed", room=scene.bedroom)
    clock.set(NOON + 14 * HOUR)
    await care.report(care.change(bed, "off", room=scene.bedroom))
    async with unit_of_work() as session:
        whose: dict[str, Any] = {
            "home_id": scene.home.id,
            "resident_id": scene.resident.id,
            "community_id": scene.place.id,
        }
        session.add(HomeSilence(**whose, since=NOON, tell_at=clock.now()))
    clock.advance(HOUR)

    async def crash(*_: object) -> None:
        raise ValueError("an odd row")

    for _ in range(STUCK_AFTER):
        await settle([RETRY_JOB])
        await drain(due, crash)
        clock.advance(LONGEST_VITAL_DELAY)
    assert await sent_of("community.home_stuck") == 1


# Learning.


async def days_of(home: Home) -> list[sa.Row[tuple[object, ...]]]:
    async with reading() as connection:
        columns = (DAYS.c.day, DAYS.c.first_at, DAYS.c.night_visits, DAYS.c.stays, DAYS.c.is_left_out)
        return list(await connection.execute(sa.select(*columns).where(DAYS.c.home_id == home.id).order_by(DAYS.c.day)))


async def test_a_day_is_summed_up_once_and_what_is_usual_is_learned(scene: Scene, clock: ManualClock) -> None:
    bathroom = await care.entity(scene.home, "motion", room=scene.bathroom)
    kitchen = await care.entity(scene.home, "motion", room=scene.kitchen)
    window = await care.entity(scene.home, "window", room=scene.kitchen)
    for number in range(8):
        midnight = NOON.replace(hour=0) + number * DAY
        night, up = midnight + 2 * HOUR, midnight + 7 * HOUR + number * MINUTE
        await care.readings(bathroom, [(night, "on"), (night + MINUTE, "off")])
        await care.readings(kitchen, [(night + 6 * MINUTE, "on"), (night + 7 * MINUTE, "off"), (up, "on"), (up, "off")])
        await care.readings(window, [(midnight + hour * HOUR, "on") for hour in range(24)])
        clock.set(midnight + DAY + 5 * HOUR)
        assert await jobs.learn() == 1
        assert await jobs.learn() == 0
    found = await days_of(scene.home)
    assert [(row.night_visits, row.stays) for row in found] == [(1, [6])] * 8
    assert found[3].first_at == NOON.replace(hour=7, minute=3) + 3 * DAY
    async with reading() as connection:
        usual: Any = await connection.scalar(sa.select(CARES.c.usual))
    assert usual["mornings"]["any"]["days"] == 8
    assert usual["mornings"]["any"]["middle"] == 423.5


async def test_days_away_or_unheard_say_nothing_of_what_is_usual(scene: Scene, clock: ManualClock) -> None:
    away = [[(NOON - HOUR).isoformat(), (NOON + HOUR).isoformat()]]
    async with unit_of_work() as session:
        await session.execute(sa.update(CARES).values(settings={"away": away}))
    clock.set(NOON.replace(hour=5) + DAY)
    await jobs.learn()
    assert [row.is_left_out for row in await days_of(scene.home)] == [True]


async def test_how_often_devices_and_homes_are_heard_is_learned_and_given_up_slowly(
    scene: Scene, clock: ManualClock
) -> None:
    sensor = await care.entity(scene.home, "temperature", component="sensor")
    await care.readings(sensor, [(NOON + number * 5 * MINUTE, str(number)) for number in range(180)])
    clock.set(NOON.replace(hour=5) + DAY)
    await jobs.learn()
    async with reading() as connection:
        assert await connection.scalar(sa.select(DEVICES.c.heard_every)) == 5 * MINUTE
        assert await connection.scalar(sa.select(HOMES.c.heard_every)) == 5 * MINUTE
    await care.readings(sensor, [(NOON + DAY + number * MINUTE, str(number)) for number in range(180)])
    clock.set(NOON.replace(hour=5) + 2 * DAY)
    await jobs.learn()
    async with reading() as connection:
        assert await connection.scalar(sa.select(DEVICES.c.heard_every)) == 4 * MINUTE


async def test_a_home_that_was_never_heard_is_not_silent(place: Community, clock: ManualClock) -> None:
    resident = await identity.resident(place, phone="+8613800000009")
    await homes.home(resident, time_zone="UTC")
    await jobs.adopt()
    await listening(NOON - DAY, NOON)
    await pass_time(clock, 4 * HOUR)
    await work()
    assert await told() == []
