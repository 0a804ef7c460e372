"""Whoever is somebody in several ways begins in one of them, and finds the others under Me."""

import re

import pytest
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.core.database import Database
from app.identity.models import Account
from tests.factories import identity as make
from tests.portal.ground import visitor

FAMILY = ["/portal/today", "/portal/alarms", "/portal/circles", "/portal/rota"]
ME = "/portal/me"


@pytest.fixture
async def dora(database: Database, clock: ManualClock) -> Account:
    return await make.account(await make.community(), name="Dora")


async def works(person: Account, *works: tuple[str, str]) -> None:
    """Give somebody roles in organizations of these kinds."""
    of = await make.community_of(person)
    for kind, role in works:
        await make.membership(await make.organization(of, kind), person, role)


async def found(app: FastAPI, person: Account) -> tuple[str, list[str], list[str]]:
    """Return where somebody begins, what their navigation shows, and what is found under Me besides."""
    async with visitor(app, person) as client:
        begins = (await client.get("/portal")).headers["location"]
        page = (await client.get(ME)).text
    nav, main = re.search(r'<nav class="places".*?</nav>', page, re.DOTALL), page.split('<ul class="rows">')[1]
    assert nav is not None
    further = re.findall(r'href="([^"]+)"', main.split(f'href="{ME}/preferences"')[0])
    return begins, re.findall(r'href="([^"]+)"', nav[0]), further


async def test_family_finds_all_of_theirs_in_the_navigation(app: FastAPI, dora: Account) -> None:
    assert await found(app, dora) == ("/portal/today", [*FAMILY, ME], [])


async def test_a_worker_who_is_family_too_finds_them_under_me(app: FastAPI, dora: Account) -> None:
    await works(dora, ("provider", "worker"))
    begins, nav, further = await found(app, dora)
    assert (begins, nav) == ("/portal/provider/mine", ["/portal/provider/mine", "/portal/road", ME])
    assert further == FAMILY


async def test_a_carer_begins_on_the_road_and_may_help_at_home(app: FastAPI, dora: Account) -> None:
    await works(dora, ("care_agency", "carer"))
    begins, nav, further = await found(app, dora)
    assert (begins, nav) == ("/portal/road", ["/portal/road", *FAMILY[:3], ME])
    assert further == ["/portal/provider/mine", "/portal/rota"]


async def test_who_sends_carers_finds_the_orders_of_an_agency(app: FastAPI, dora: Account) -> None:
    await works(dora, ("care_agency", "coordinator"))
    begins, nav, further = await found(app, dora)
    assert (begins, nav) == ("/portal/today", [*FAMILY[:3], "/portal/provider", ME])
    assert further == ["/portal/rota"]


async def test_who_works_in_several_ways_finds_every_one(app: FastAPI, dora: Account) -> None:
    await works(dora, ("clinic", "clinician"), ("attraction", "worker"), ("care_agency", "carer"))
    begins, _, further = await found(app, dora)
    assert begins == "/portal/clinic"
    assert further == ["/portal/attraction", "/portal/road", "/portal/alarms", "/portal/provider/mine", "/portal/rota"]


async def test_a_resident_finds_the_way_back_to_their_own_pages(app: FastAPI, dora: Account) -> None:
    await make.resident(await make.community_of(dora), person=dora)
    assert await found(app, dora) == ("/me", ["/me", "/me/doses", "/me/appointments", "/me/help"], FAMILY)
    await works(dora, ("clinic", "coordinator"))
    begins, nav, further = await found(app, dora)
    assert (begins, nav) == ("/portal/clinic", ["/portal/clinic", "/portal/today", "/portal/circles", ME])
    assert further == ["/me", "/portal/alarms", "/portal/rota"]
