"""Who could go: found by what, where and when, and in one calendar with whatever else they do."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.dispatch.api import Place
from app.reservations.api import CalendarTaken, Want, take
from community.api import engage, workers_for
from community.workers.rules import Span
from tests.asking import statements
from tests.community.workers.conftest import Scene
from tests.factories import community_workers as made
from tests.factories import eldercare_visits, identity

at = datetime.fromisoformat
DAY: Span = (at("2026-03-02T00:00:00+08:00"), at("2026-03-03T00:00:00+08:00"))
HOME = Place(31.24, 121.48)
TOWN = [{"code": "town", "latitude": 31.23, "longitude": 121.47, "radius": 5000}]


async def test_who_could_go_is_found_by_skill_place_and_account(scene: Scene) -> None:
    mei = await made.worker(scene.provider, scene.mei, areas=TOWN)
    await made.skill(mei, "cooking")
    other = await identity.staff(scene.provider, "worker", name="Tao")
    await made.worker(scene.provider, other, display_name="Tao W.")

    async with reading() as connection:
        everybody = await workers_for(connection, scene.provider.id, DAY, place=HOME)
        cooks = await workers_for(connection, scene.provider.id, DAY, skills=["cooking"])
        far_away = await workers_for(connection, scene.provider.id, DAY, place=Place(31.9, 121.47))
        asked = await workers_for(connection, scene.provider.id, DAY, account_ids=[other.id])
        elsewhere = await identity.organization(scene.place, "provider")
        assert await workers_for(connection, elsewhere.id, DAY) == []

    assert made.display_names(everybody) == ["Mei L.", "Tao W."]
    assert made.display_names(cooks) == ["Mei L."]
    assert made.display_names(far_away) == ["Tao W."]
    assert made.display_names(asked) == ["Tao W."]


async def test_as_many_statements_for_one_worker_as_for_many(scene: Scene) -> None:
    await made.worker(scene.provider, scene.mei)
    async with reading() as connection, statements(connection) as for_one:
        assert len(await workers_for(connection, scene.provider.id, DAY)) == 1
    for number in range(5):
        await made.worker(scene.provider, await identity.staff(scene.provider, "worker", name=f"Worker {number}"))
    async with reading() as connection, statements(connection) as for_many:
        assert len(await workers_for(connection, scene.provider.id, DAY)) == 6

    assert len(for_one) == len(for_many)


async def test_a_night_on_which_the_clocks_change_is_as_long_as_it_is(scene: Scene) -> None:
    place = await identity.community(name="Am See", time_zone="Europe/Berlin", country="DE", currency="EUR")
    provider = await identity.organization(place, "provider")
    nights = [{"weekday": 6, "starts": 22 * 60, "ends": 30 * 60, "pause": 0, "on_holidays": False}]
    await made.worker(provider, await identity.staff(provider, "worker"), hours=nights)
    night = (at("2026-03-28T21:00:00+00:00"), at("2026-03-29T04:00:00+00:00"))

    async with reading() as connection:
        (one,) = await workers_for(connection, provider.id, night)

    assert [(shift.starts_at, shift.ends_at) for shift in one.shifts] == [night]
    assert one.is_there(at("2026-03-29T03:00:00+02:00"), at("2026-03-29T06:00:00+02:00"))
    assert not one.is_there(at("2026-03-29T05:00:00+02:00"), at("2026-03-29T06:30:00+02:00"))


async def test_days_off_are_on_the_communitys_wall(scene: Scene) -> None:
    mei = await made.worker(scene.provider, scene.mei)
    day = datetime(2026, 3, 2)  # noqa: DTZ001 - on the wall
    await made.exception(mei, "off", day, day + timedelta(days=1))

    async with reading() as connection:
        assert await workers_for(connection, scene.provider.id, DAY) == []
        after = (DAY[1], DAY[1] + timedelta(hours=1))
        assert len(await workers_for(connection, scene.provider.id, after)) == 1


async def test_an_order_and_a_care_visit_never_have_the_same_person_at_once(scene: Scene) -> None:
    resident = await identity.resident(scene.place)
    agency = await identity.organization(scene.place, "care_agency")
    await identity.agreement(agency)
    await identity.membership(agency, scene.mei, "carer")
    await made.worker(scene.provider, scene.mei, buffer=timedelta(minutes=15))
    plan = await eldercare_visits.care_plan(resident, agency)
    nine = datetime(2026, 3, 3, 1, tzinfo=UTC)
    first, second = [
        await eldercare_visits.single(plan, nine + timedelta(hours=hours), account_id=resident.account_id)
        for hours in (0, 4)
    ]

    await eldercare_visits.assign(first.id, scene.mei)
    with pytest.raises(CalendarTaken):
        await _ordered(scene, nine + timedelta(minutes=15))
    await _ordered(scene, nine + timedelta(hours=4))
    with pytest.raises(CalendarTaken):
        await eldercare_visits.assign(second.id, scene.mei)


async def _ordered(scene: Scene, starts_at: datetime) -> None:
    """Take an hour of Mei's as an order does."""
    async with unit_of_work() as session:
        calendar_id = await engage(session, scene.provider.id, scene.mei.id)
        want = Want(calendar_id, starts_at, starts_at + timedelta(hours=1), clocks.new_id())
        await take(session, [want], origin_kind="home_order", taken_by=scene.mei.id)
