"""What a home notices is told once, joins when it begins again, gets worse, and ends."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.due import drain
from community.home_care import jobs
from community.home_care.models import CARES, HOME_WATCHES, INCIDENTS
from community.home_care.service import checking, notice
from community.homes.models import HOMES
from community.orders.models import ORDERS
from tests.community.home_care.conftest import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    Scene,
    incidents,
    listening,
    noticed,
    pass_time,
    told,
    work,
)
from tests.factories import community_home_care as care
from tests.factories import community_homes as homes
from tests.factories import community_housekeeping as housekeeping
from tests.factories import community_orders as orders
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database")


async def watches() -> list[str]:
    async with reading() as connection:
        return list(await connection.scalars(sa.select(HOME_WATCHES.c.kind).order_by(HOME_WATCHES.c.kind)))


async def test_smoke_is_told_once_and_is_over_when_it_has_gone(scene: Scene, clock: ManualClock) -> None:
    smoke = await care.entity(scene.home, "smoke", room=scene.kitchen)
    await care.report(care.change(smoke, "on"))
    await care.report(care.change(smoke, "on"))
    assert await noticed() == [("smoke", "critical")]
    clock.advance(MINUTE)
    await care.report(care.change(smoke, "off"))
    (_, fact), (over, settled) = await told()
    assert over == "home_settled"
    assert settled["of"] == fact["of"]
    assert fact["home_id"] == str(scene.home.id)
    assert fact["resident_id"] == str(scene.resident.id)
    assert fact["entity_id"] == str(smoke.id)
    assert await incidents() == [("smoke", "critical", "over")]


async def test_a_detector_that_flickers_is_one_incident_and_not_told_each_time(
    scene: Scene, clock: ManualClock
) -> None:
    smoke = await care.entity(scene.home, "smoke")
    for _ in range(8):
        await care.report(care.change(smoke, "on"))
        clock.advance(timedelta(seconds=10))
        await care.report(care.change(smoke, "off"))
        clock.advance(timedelta(seconds=5))
    assert await incidents() == [("smoke", "critical", "over")]
    assert await noticed() == [("smoke", "critical")]


async def test_smoke_that_comes_back_after_minutes_is_told_again_as_the_same(scene: Scene, clock: ManualClock) -> None:
    smoke = await care.entity(scene.home, "smoke")
    await care.report(care.change(smoke, "on"), care.change(smoke, "off"))
    clock.advance(4 * MINUTE)
    await care.report(care.change(smoke, "on"))
    facts = await told("home_noticed")
    assert len({payload["of"] for _, payload in facts}) == 1
    assert len(facts) == 2
    clock.advance(MINUTE)
    await care.report(care.change(smoke, "off"))
    clock.advance(11 * MINUTE)
    await care.report(care.change(smoke, "on"))
    assert len({payload["of"] for _, payload in await told("home_noticed")}) == 2


async def test_smoke_that_is_back_within_a_minute_and_stays_is_told_again_a_little_later(
    scene: Scene, clock: ManualClock
) -> None:
    smoke = await care.entity(scene.home, "smoke")
    for state in ("on", "off", "on"):
        await care.report(care.change(smoke, state))
        clock.advance(timedelta(seconds=30))
    await pass_time(clock, 15 * MINUTE, heard=[scene.home])
    assert await noticed() == [("smoke", "critical")] * 2
    assert len({payload["of"] for _, payload in await told("home_noticed")}) == 1


async def test_smoke_on_and_off_within_one_batch_is_told_all_the_same(scene: Scene) -> None:
    smoke = await care.entity(scene.home, "smoke")
    await care.report(care.change(smoke, "on"), care.change(smoke, "off"))
    assert [name for name, _ in await told()] == ["home_noticed", "home_settled"]


async def test_a_crash_before_the_batch_is_stored_tells_nothing_and_the_next_try_tells_once(scene: Scene) -> None:
    smoke = await care.entity(scene.home, "smoke")

    async def crash() -> None:
        async with unit_of_work() as session:
            await notice(session, [care.change(smoke, "on")])
            raise RuntimeError("the power goes")

    with pytest.raises(RuntimeError, match="the power goes"):
        await crash()
    assert await incidents() == []
    assert await told() == []
    await care.report(care.change(smoke, "on"))
    assert await noticed() == [("smoke", "critical")]


async def test_two_gateways_that_hear_the_same_at_once_tell_it_once(scene: Scene) -> None:
    smoke = await care.entity(scene.home, "smoke")

    async def hear() -> None:
        async with unit_of_work() as session:
            await notice(session, [care.change(smoke, "on")])

    await asyncio.gather(*(hear() for _ in range(4)))
    assert await noticed() == [("smoke", "critical")]


async def test_an_end_that_was_heard_before_its_beginning_was_stored_is_found_later(
    scene: Scene, clock: ManualClock
) -> None:
    smoke = await care.entity(scene.home, "smoke")
    await care.stand(care.change(smoke, "off"))
    async with unit_of_work() as session:
        await notice(session, [care.change(smoke, "on")])
    await pass_time(clock, 15 * MINUTE, heard=[scene.home])
    assert await incidents() == [("smoke", "critical", "over")]
    assert [name for name, _ in await told()] == ["home_noticed", "home_settled"]


async def test_an_end_in_other_words_than_off_is_found_later_too(scene: Scene, clock: ManualClock) -> None:
    smoke = await care.entity(scene.home, "smoke")
    await care.stand(care.change(smoke, "no_smoke"))
    async with unit_of_work() as session:
        await notice(session, [care.change(smoke, "smoke_detected")])
    await pass_time(clock, 15 * MINUTE, heard=[scene.home])
    assert await incidents() == [("smoke", "critical", "over")]
    await care.report(care.change(smoke, "smoke_detected"))
    assert await noticed() == [("smoke", "critical")] * 2


async def test_each_press_after_a_minute_is_another_call_and_nothing_says_it_is_over(
    scene: Scene, clock: ManualClock
) -> None:
    button = await care.entity(scene.home, "sos_button", component="event")
    await care.report(care.change(button, "press", old="press"))
    clock.advance(timedelta(seconds=20))
    await care.report(care.change(button, "press", old="press"))
    assert await noticed() == [("sos", "critical")]
    clock.advance(2 * MINUTE)
    await care.report(care.change(button, "press", old="press"))
    assert await noticed() == [("sos", "critical")] * 2
    await pass_time(clock, 30 * MINUTE, heard=[scene.home])
    assert {state for _, _, state in await incidents()} == {"over"}
    assert await told("home_settled") == []


async def test_a_fall_after_which_nothing_moves_is_told_again_as_critical(scene: Scene, clock: ManualClock) -> None:
    await care.entity(scene.home, "motion", room=scene.kitchen)
    fall = await care.entity(scene.home, "fall", room=scene.bedroom)
    await care.report(care.change(fall, "on"))
    await pass_time(clock, 6 * MINUTE, heard=[scene.home])
    assert await noticed() == [("fall", "high"), ("fall", "critical")]
    assert len({payload["of"] for _, payload in await told("home_noticed")}) == 1


async def test_a_pendant_that_resets_itself_says_nothing_of_who_fell(scene: Scene, clock: ManualClock) -> None:
    await care.entity(scene.home, "motion", room=scene.kitchen)
    fall = await care.entity(scene.home, "fall", room=scene.bedroom)
    await care.report(care.change(fall, "on"))
    clock.advance(timedelta(seconds=2))
    await care.report(care.change(fall, "off"))
    await pass_time(clock, 6 * MINUTE, heard=[scene.home])
    assert await told("home_settled") == []
    assert await noticed() == [("fall", "high"), ("fall", "critical")]


async def test_who_falls_again_is_told_of_again_though_the_pendant_says_no_end(
    scene: Scene, clock: ManualClock
) -> None:
    fall = await care.entity(scene.home, "fall", room=scene.bedroom, component="event")
    for _ in range(2):
        await care.report(care.change(fall, "fall", old="fall"))
        clock.advance(20 * MINUTE)
    assert await noticed() == [("fall", "high")] * 2


async def test_smoke_whose_end_was_lost_is_told_again_when_it_is_found_on_hours_later(
    scene: Scene, clock: ManualClock
) -> None:
    smoke = await care.entity(scene.home, "smoke", room=scene.kitchen)
    await care.report(care.change(smoke, "on"))
    clock.advance(MINUTE)
    await care.report(care.change(smoke, "on", old="", is_fresh=False))
    assert await noticed() == [("smoke", "critical")]
    clock.advance(2 * HOUR)
    await care.report(care.change(smoke, "on", old="", is_fresh=False))
    assert await noticed() == [("smoke", "critical")] * 2
    assert len({payload["of"] for _, payload in await told("home_noticed")}) == 1


@pytest.mark.parametrize(("role", "severity"), [("fall", "high"), ("sos_button", "critical")])
async def test_who_fell_or_called_while_nobody_listened_is_told_of_once_we_hear_it(
    scene: Scene, role: str, severity: str
) -> None:
    pendant = await care.entity(scene.home, role, room=scene.bedroom)
    await care.report(care.change(pendant, "on", is_fresh=False))
    assert [one[1] for one in await noticed()] == [severity]


async def test_a_button_whose_last_press_a_hub_remembers_calls_nobody(scene: Scene) -> None:
    button = await care.entity(scene.home, "sos_button", component="event")
    await care.report(care.change(button, "single", old="", is_fresh=False))
    assert await noticed() == []


async def test_who_gets_up_after_a_fall_is_not_told_of_as_critical(scene: Scene, clock: ManualClock) -> None:
    motion = await care.entity(scene.home, "motion", room=scene.kitchen)
    fall = await care.entity(scene.home, "fall", room=scene.bedroom)
    await care.report(care.change(fall, "on"))
    clock.advance(2 * MINUTE)
    await care.report(care.change(motion, "on", room=scene.kitchen))
    await pass_time(clock, 6 * MINUTE, heard=[scene.home])
    assert await noticed() == [("fall", "high")]


async def test_who_does_not_come_back_to_bed_is_told_of_once_as_a_hint(scene: Scene, clock: ManualClock) -> None:
    clock.set(NOON + 14 * HOUR)
    bed = await care.entity(scene.home, "bed", room=scene.bedroom)
    await care.report(care.change(bed, "off", room=scene.bedroom))
    await pass_time(clock, 19 * MINUTE, heard=[scene.home])
    assert await noticed() == []
    await pass_time(clock, HOUR, heard=[scene.home])
    assert await noticed() == [("bed_exit", "medium")]
    assert (await told("home_noticed"))[0][1]["is_hint"] is True
    await care.report(care.change(bed, "on", room=scene.bedroom))
    assert await incidents() == [("bed_exit", "medium", "over")]


async def test_who_is_back_in_bed_in_time_is_told_of_to_nobody(scene: Scene, clock: ManualClock) -> None:
    clock.set(NOON + 14 * HOUR)
    bed = await care.entity(scene.home, "bed", room=scene.bedroom)
    await care.report(care.change(bed, "off", room=scene.bedroom))
    clock.advance(10 * MINUTE)
    await care.report(care.change(bed, "on", room=scene.bedroom))
    assert await watches() == []
    await pass_time(clock, HOUR, heard=[scene.home])
    assert await told() == []


async def test_a_door_that_stands_open_at_night_is_told_of_until_it_is_shut(scene: Scene, clock: ManualClock) -> None:
    clock.set(NOON + 9 * HOUR)
    door = await care.entity(scene.home, "door", room=scene.hall)
    await care.report(care.change(door, "on", room=scene.hall))
    await pass_time(clock, HOUR, heard=[scene.home])
    assert await noticed() == []
    await pass_time(clock, 15 * MINUTE, heard=[scene.home])
    assert await noticed() == [("door_open_at_night", "medium")]
    await care.report(care.change(door, "off", room=scene.hall))
    assert await incidents() == [("door_open_at_night", "medium", "over")]


async def test_a_long_stay_in_the_bathroom_is_told_of_and_ends_when_somebody_moves_elsewhere(
    scene: Scene, clock: ManualClock
) -> None:
    bathroom = await care.entity(scene.home, "motion", room=scene.bathroom)
    kitchen = await care.entity(scene.home, "motion", room=scene.kitchen)
    await care.report(care.change(bathroom, "on", room=scene.bathroom))
    clock.advance(20 * MINUTE)
    await care.report(care.change(bathroom, "on", room=scene.bathroom))
    await pass_time(clock, 26 * MINUTE, heard=[scene.home])
    assert await noticed() == [("bathroom_stay", "high")]
    await care.report(care.change(kitchen, "on", room=scene.kitchen))
    assert await incidents() == [("bathroom_stay", "high", "over")]


async def test_a_stove_that_nobody_is_near_is_told_of_and_again_when_they_left_it_again(
    scene: Scene, clock: ManualClock
) -> None:
    stove = await care.entity(scene.home, "stove", room=scene.kitchen)
    motion = await care.entity(scene.home, "motion", room=scene.kitchen)
    await care.report(care.change(stove, "on", room=scene.kitchen))
    await pass_time(clock, 10 * MINUTE, heard=[scene.home])
    await care.report(care.change(motion, "on", room=scene.kitchen))
    clock.advance(MINUTE)
    await care.report(care.change(motion, "off", room=scene.kitchen))
    await pass_time(clock, 10 * MINUTE, heard=[scene.home])
    assert await noticed() == []
    await pass_time(clock, 10 * MINUTE, heard=[scene.home])
    assert await noticed() == [("stove_unattended", "high")]
    await care.report(care.change(motion, "on", room=scene.kitchen))
    assert (await incidents())[-1] == ("stove_unattended", "high", "over")
    assert await watches() == ["stove_unattended"]
    await care.report(care.change(stove, "off", room=scene.kitchen))
    assert await watches() == []


async def test_heat_that_lasts_is_told_of_and_told_again_when_it_gets_severe(scene: Scene, clock: ManualClock) -> None:
    sensor = await care.entity(scene.home, "temperature", room=scene.bedroom, component="sensor", unit="°C")
    await care.report(care.change(sensor, "31", room=scene.bedroom, number=31.0))
    await pass_time(clock, 30 * MINUTE, heard=[scene.home])
    await care.report(care.change(sensor, "31.5", room=scene.bedroom, number=31.5))
    await pass_time(clock, 31 * MINUTE, heard=[scene.home])
    assert await noticed() == [("heat", "medium")]
    await care.report(care.change(sensor, "36", room=scene.bedroom, number=36.0))
    await pass_time(clock, 61 * MINUTE, heard=[scene.home])
    assert await noticed() == [("heat", "medium"), ("heat", "high")]
    await care.report(care.change(sensor, "28", room=scene.bedroom, number=28.0))
    assert await incidents() == [("heat", "high", "over")]
    assert await watches() == []


async def test_what_was_a_hint_is_none_any_more_once_it_gets_severe(scene: Scene, clock: ManualClock) -> None:
    sensor = await care.entity(scene.home, "temperature", room=scene.bedroom, component="sensor", unit="°C")
    for degrees in (15.0, 11.0):
        await care.report(care.change(sensor, str(degrees), room=scene.bedroom, number=degrees))
        await pass_time(clock, 61 * MINUTE, heard=[scene.home])
    assert [(one["severity"], one["is_hint"]) for _, one in await told("home_noticed")] == [
        ("medium", True),
        ("high", False),
    ]


async def test_heat_that_passes_within_the_hour_is_nothing(scene: Scene, clock: ManualClock) -> None:
    sensor = await care.entity(scene.home, "temperature", room=scene.bedroom, component="sensor", unit="°C")
    await care.report(care.change(sensor, "31", room=scene.bedroom, number=31.0))
    clock.advance(30 * MINUTE)
    await care.report(care.change(sensor, "28.5", room=scene.bedroom, number=28.5))
    await pass_time(clock, HOUR, heard=[scene.home])
    assert await told() == []


async def test_a_deadline_that_fails_is_kept_and_others_are_seen_to(
    scene: Scene, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.set(NOON + 14 * HOUR)
    bed = await care.entity(scene.home, "bed", room=scene.bedroom)
    await care.report(care.change(bed, "off", room=scene.bedroom))
    clock.advance(21 * MINUTE)

    async def crash(*_: object) -> None:
        raise ConnectionError("the database went away")

    with monkeypatch.context() as broken:
        broken.setattr(checking, "raise_all", crash)
        with pytest.raises(ConnectionError):
            await drain(jobs.WATCHES, checking.look)
    assert await watches() == ["bed_exit"]
    await work()
    assert await noticed() == [("bed_exit", "medium")]


async def test_who_lives_alone_is_told_to_be_about_at_most_every_quarter_of_an_hour(
    scene: Scene, clock: ManualClock
) -> None:
    motion = await care.entity(scene.home, "motion", room=scene.kitchen)
    await listening(NOON - HOUR, NOON + HOUR)
    for _ in range(10):
        await care.report(care.change(motion, "on", room=scene.kitchen))
        clock.advance(2 * MINUTE)
    facts = await told("home_active")
    assert len(facts) == 2
    assert facts[0][1] == {"resident_id": str(scene.resident.id), "of": str(scene.home.id)}


async def test_whoever_helps_there_is_not_taken_for_the_resident(scene: Scene) -> None:
    provider = await identity.organization(scene.place, "provider")
    service = await housekeeping.service(scene.place)
    by = await identity.account(scene.place, name="Daughter")
    order = await orders.order(scene.resident, by, await housekeeping.offer(provider, service), service)
    under_way = {"state": "started", "worker_id": by.id, "reservation_id": order.id, "overdue_at": order.ends_at}
    async with unit_of_work() as session:
        await session.execute(sa.update(ORDERS).values(**under_way, miss_at=None, staff_by=None, late_at=None))
    motion = await care.entity(scene.home, "motion", room=scene.kitchen)
    await listening(NOON - HOUR, NOON)
    await care.report(care.change(motion, "on", room=scene.kitchen))
    assert await told() == []


@pytest.mark.parametrize(("since", "is_told"), [(10 * MINUTE, False), (31 * MINUTE, True)])
async def test_whoever_has_just_helped_there_may_still_be_there(scene: Scene, since: timedelta, is_told: bool) -> None:
    provider = await identity.organization(scene.place, "provider")
    service = await housekeeping.service(scene.place)
    by = await identity.account(scene.place, name="Daughter")
    await orders.order(scene.resident, by, await housekeeping.offer(provider, service), service)
    over = {"state": "finished", "worker_id": by.id, "finished_at": NOON - since, "unpaid_at": NOON + DAY}
    async with unit_of_work() as session:
        await session.execute(sa.update(ORDERS).values(**over, miss_at=None, staff_by=None, late_at=None))
    motion = await care.entity(scene.home, "motion", room=scene.kitchen)
    await listening(NOON - HOUR, NOON)
    await care.report(care.change(motion, "on", room=scene.kitchen))
    assert bool(await told("home_active")) == is_told


@pytest.mark.parametrize("whose", ["ours", "the home's"])
async def test_what_comes_at_the_end_of_a_silence_may_be_hours_old_and_is_no_activity(
    scene: Scene, clock: ManualClock, whose: str
) -> None:
    motion = await care.entity(scene.home, "motion", room=scene.kitchen)
    if whose == "ours":
        clock.advance(3 * HOUR)
    else:
        await pass_time(clock, 3 * HOUR)
        assert await told("home_fell_silent") != []
    await care.report(care.change(motion, "on", room=scene.kitchen))
    assert await told("home_active") == []
    await pass_time(clock, 15 * MINUTE, heard=[scene.home])
    await care.report(care.change(motion, "on", room=scene.kitchen))
    assert len(await told("home_active")) == 1


async def test_what_a_broker_remembers_is_no_activity(scene: Scene) -> None:
    motion = await care.entity(scene.home, "motion", room=scene.kitchen)
    await care.report(care.change(motion, "on", room=scene.kitchen, is_fresh=False))
    assert await told() == []


async def test_a_home_that_waits_for_somebodys_consent_notices_nothing(scene: Scene) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.update(HOMES).values(state="waiting"))
    await care.report(care.change(await care.entity(scene.home, "smoke"), "on"))
    assert await incidents() == []


async def test_what_was_noticed_goes_with_the_home(scene: Scene) -> None:
    await care.report(care.change(await care.entity(scene.home, "smoke"), "on"))
    async with unit_of_work() as session:
        for table in ("community_home_state", "community_home"):
            await session.execute(sa.text(f"DELETE FROM {table}"))
        assert await session.scalar(sa.select(sa.func.count()).select_from(INCIDENTS)) == 0
        assert await session.scalar(sa.select(sa.func.count()).select_from(CARES)) == 0


async def test_another_homes_deadlines_are_its_own(scene: Scene) -> None:
    other = await homes.home(scene.resident, time_zone="UTC", lives_alone=True, name="Cottage")
    await care.watched(other)
    await care.report(
        care.change(await care.entity(scene.home, "fall"), "on"), care.change(await care.entity(other, "smoke"), "on")
    )
    found = await told("home_noticed")
    assert {(payload["kind"], payload["home_id"]) for _, payload in found} == {
        ("fall", str(scene.home.id)),
        ("smoke", str(other.id)),
    }
