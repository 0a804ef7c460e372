"""Audiences: who belongs to one, each person once, and who of them an organization may reach."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlmodel import col

from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.identity.api import Criterion, audience
from app.identity.models import Account, Community, Membership, Resident
from tests.factories import identity as make

CRITERIA: TypeAdapter[list[Criterion]] = TypeAdapter(list[Criterion])
LAKE = (31.2304, 121.4737)
# A degree of latitude on a sphere of 6,371,008.8 m is 111,195 m.
NORTH_111 = (LAKE[0] + 0.001, LAKE[1])


@pytest_asyncio.fixture(loop_scope="session")
async def place(database: Database, clock: ManualClock) -> Community:
    return await make.community()


async def reached(
    of: Community, *criteria: dict[str, Any], served_by: UUID | None = None, **binds: object
) -> list[UUID]:
    found = audience(of.id, CRITERIA.validate_python(list(criteria)), served_by)
    async with reading() as connection:
        return list(await connection.scalars(found.select, found.binds | binds))


def accounts(*people: Account | Resident) -> list[UUID]:
    return sorted(person.account_id if isinstance(person, Resident) else person.id for person in people)


async def everybody(of: Community) -> list[Account | Resident]:
    """Insert a resident, a relative and a member of staff, and people of another community."""
    agency = await make.organization(of, "care_agency")
    people: list[Account | Resident] = [await make.resident(of), await make.account(of, name="Niece")]
    people.append(await make.staff(agency, "carer"))
    elsewhere = await make.community(name="Hillside")
    await make.resident(elsewhere, tags=["choir"])
    return people


async def end(resident: Resident, state: str) -> None:
    async with unit_of_work() as session:
        (await session.get_one(Resident, resident.id)).state = state


async def close_account(account_id: UUID) -> None:
    async with unit_of_work() as session:
        (await session.get_one(Account, account_id)).state = "deactivated"


async def test_everybody_is_everybody_of_the_community_and_in_the_order_of_ids(place: Community) -> None:
    people = await everybody(place)
    assert await reached(place, {"kind": "community"}) == accounts(*people)


async def test_who_died_moved_out_or_was_shut_out_is_in_no_audience(place: Community) -> None:
    home = await make.household(place, building="3", place=LAKE)
    agency = await make.organization(place, "care_agency")
    gone = [await make.resident(place, home=home, tags=["choir"]) for _ in range(3)]
    for resident in gone:
        async with unit_of_work() as session:
            account = await session.get_one(Account, resident.account_id)
        await make.membership(agency, account, "carer")
    await end(gone[0], "deceased")
    await end(gone[1], "moved_out")
    await close_account(gone[2].account_id)
    for criterion in (
        {"kind": "community"},
        {"kind": "building", "building": "3"},
        {"kind": "tag", "tag": "choir"},
        {"kind": "role", "role": "resident"},
        {"kind": "role", "role": "carer"},
        {"kind": "radius", "latitude": LAKE[0], "longitude": LAKE[1], "metres": 1_000},
    ):
        assert await reached(place, criterion) == [], criterion


async def test_a_building_is_who_lives_there(place: Community) -> None:
    third, fourth = [await make.household(place, building=name) for name in ("3", "4")]
    couple = [await make.resident(place, home=third) for _ in range(2)]
    other = await make.resident(place, home=fourth)
    await make.resident(place)
    assert await reached(place, {"kind": "building", "building": "3"}) == accounts(*couple)
    both = [{"kind": "building", "building": name} for name in ("3", "4")]
    assert await reached(place, *both) == accounts(*couple, other)


async def test_a_role_is_who_holds_it_today(place: Community) -> None:
    agencies = [await make.organization(place, "care_agency", name=name) for name in ("One", "Two")]
    resident, carer = await make.resident(place), await make.staff(agencies[0], "carer")
    await make.membership(agencies[1], carer, "carer")
    former = await make.staff(agencies[0], "carer")
    async with unit_of_work() as session:
        for row in (await session.scalars(_memberships_of(former))).all():
            row.ended_at = row.created_at
    assert await reached(place, {"kind": "role", "role": "carer"}) == accounts(carer)
    assert await reached(place, {"kind": "role", "role": "resident"}) == accounts(resident)


def _memberships_of(account: Account) -> Any:
    return sa.select(Membership).where(col(Membership.account_id) == account.id)


@pytest.mark.parametrize(
    ("home", "metres", "is_within"),
    [
        (LAKE, 1, True),
        (NORTH_111, 111, False),
        (NORTH_111, 112, True),
        ((LAKE[0], LAKE[1] + 0.001), 95, False),  # cos 31.2304° × 111.195 m = 95.08 m
        ((LAKE[0], LAKE[1] + 0.001), 96, True),
        ((-LAKE[0], LAKE[1]), 100_000, False),
        (None, 100_000, False),
    ],
)
async def test_a_radius_is_measured_on_the_globe(
    place: Community, home: tuple[float, float] | None, metres: int, is_within: bool
) -> None:
    resident = await make.resident(place, home=await make.household(place, place=home))
    circle = {"kind": "radius", "latitude": LAKE[0], "longitude": LAKE[1], "metres": metres}
    assert await reached(place, circle) == (accounts(resident) if is_within else [])


async def test_a_radius_reaches_across_the_date_line(place: Community) -> None:
    resident = await make.resident(place, home=await make.household(place, place=(0.0, -179.9995)))
    circle = {"kind": "radius", "latitude": 0.0, "longitude": 179.9995, "metres": 112}
    assert await reached(place, circle) == accounts(resident)


async def test_who_meets_several_criteria_is_there_once(place: Community) -> None:
    home = await make.household(place, building="3")
    singer = await make.resident(place, home=home, tags=["choir", "garden"])
    others = [await make.resident(place, home=home), await make.resident(place, tags=["garden"])]
    criteria = [
        {"kind": "building", "building": "3"},
        {"kind": "tag", "tag": "garden"},
        {"kind": "tag", "tag": "choir"},
    ]
    assert await reached(place, *criteria) == accounts(singer, *others)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_batches_make_up_the_whole(place: Community, size: int) -> None:
    home = await make.household(place, building="3")
    for number in range(7):
        await make.resident(place, home=home if number % 2 else None, tags=["choir"] if number % 3 else [])
    criteria: Sequence[dict[str, Any]] = [{"kind": "building", "building": "3"}, {"kind": "tag", "tag": "choir"}]
    whole = await reached(place, *criteria)
    assert len(whole) > 3
    found: list[UUID] = []
    while batch := await reached(
        place, *criteria, audience_size=size, **({"audience_after": found[-1]} if found else {})
    ):
        assert len(batch) <= size
        found += batch
    assert found == whole
    assert await reached(place, *criteria, audience_after=whole[0], audience_up_to=whole[2]) == whole[1:3]


async def test_an_organization_reaches_the_residents_it_serves_now(place: Community, clock: ManualClock) -> None:
    agency = await make.organization(place, "care_agency")
    served, former, coming, _ = [await make.resident(place, tags=["choir"]) for _ in range(4)]
    await make.agreement(agency, ["profile:read"], served)
    await make.agreement(agency, ["profile:read"], former, ends_at=clock.now())
    await make.agreement(agency, ["profile:read"], coming, starts_at=clock.now() + timedelta(seconds=1))
    await make.agreement(await make.organization(place, "clinic"), ["profile:read"])
    await make.staff(agency, "carer")
    for criteria in ([{"kind": "community"}], [{"kind": "tag", "tag": "choir"}, {"kind": "role", "role": "carer"}]):
        assert await reached(place, *criteria, served_by=agency.id) == accounts(served)
    clock.advance(timedelta(seconds=1))
    assert await reached(place, {"kind": "community"}, served_by=agency.id) == accounts(served, coming)


async def test_an_agreement_about_everyone_is_about_the_residents_of_its_community(place: Community) -> None:
    people = await everybody(place)
    agency = await make.organization(place, "care_agency")
    await make.agreement(agency)
    assert await reached(place, {"kind": "community"}, served_by=agency.id) == accounts(people[0])
