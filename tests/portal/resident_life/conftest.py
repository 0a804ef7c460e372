"""A resident at home in front of their own pages, with what can be ordered, gone to, and switched there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest_asyncio
from fastapi import FastAPI

from app.core.database import unit_of_work
from app.identity.models import Account, Community, Organization, Resident
from community.housekeeping.models import HomeService, ServiceOffer
from tests.community.orders.conftest import Scene, scene, subscribed
from tests.portal.elements import Elements
from tests.portal.ground import visitor

__all__ = ["scene", "subscribed"]


@dataclass(frozen=True)
class Life:
    """Who is there."""

    app: FastAPI
    place: Community
    resident: Resident
    person: Account
    provider: Organization
    service: HomeService
    offer: ServiceOffer
    worker: Account


async def account_of(resident: Resident) -> Account:
    """Return a resident's own account."""
    async with unit_of_work() as session:
        return await session.get_one(Account, resident.account_id)


@pytest_asyncio.fixture(loop_scope="session")
async def life(app: FastAPI, scene: Scene) -> Life:
    """Return a resident with a home on the map, and a provider who cleans there."""
    async with unit_of_work() as session:
        service = await session.get_one(HomeService, scene.offer.service_id)
    person = await account_of(scene.grace)
    return Life(app, scene.place, scene.grace, person, scene.provider, service, scene.offer, scene.mei)


Opening = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_browser(life: Life) -> AsyncIterator[Opening]:
    """Hand out browsers: the resident's, unless somebody else is named."""
    async with AsyncExitStack() as stack:

        async def opened(account: Account | None = None, language: str = "en") -> httpx.AsyncClient:
            return await stack.enter_async_context(visitor(life.app, account or life.person, language=language))

        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def browser(open_browser: Opening) -> httpx.AsyncClient:
    """Return the resident's browser."""
    return await open_browser()


def links(page: httpx.Response, begins: str) -> list[str]:
    """Return where a page's links lead that begin so."""
    found = [given["href"] or "" for tag, given in Elements(page.text).found if tag == "a" and given.get("href")]
    return [one for one in found if one.startswith(begins)]


def values(page: httpx.Response, name: str) -> list[str]:
    """Return what the fields of a name on a page would send."""
    found = [given for tag, given in Elements(page.text).found if tag == "input" and given.get("name") == name]
    return [str(given["value"]) for given in found]


async def language_of(life: Life, language: str) -> None:
    """Have the resident speak another language."""
    async with unit_of_work() as session:
        (await session.get_one(Account, life.person.id)).language = language
