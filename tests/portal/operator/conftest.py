"""Who visits the operator's pages: the operator in a browser, and a community that knows something to show."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest_asyncio
from fastapi import FastAPI

from app.core.clock import ManualClock
from app.core.database import Database
from app.identity.models import Account, Community, Organization, Resident
from tests.factories import identity
from tests.portal.ground import visitor


@dataclass(frozen=True)
class Scene:
    """A community with its operator, an agency with a coordinator, and a resident."""

    community: Community
    operator: Organization
    boss: Account
    agency: Organization
    coordinator: Account
    resident: Resident


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> Scene:
    """Set the scene."""
    community = await identity.community()
    operator = await identity.organization(community)
    await identity.agreement(operator)
    boss = await identity.staff(operator, "operator", name="Boss")
    agency = await identity.organization(community, "care_agency", name="Day Care")
    coordinator = await identity.staff(agency, "coordinator")
    resident = await identity.resident(community, name="Grace Hopper", phone="+8613800000002", reference="R-1")
    return Scene(community, operator, boss, agency, coordinator, resident)


@pytest_asyncio.fixture(loop_scope="session")
async def browser(app: FastAPI, scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    """Hand out a browser in which the operator is signed in."""
    async with visitor(app, scene.boss) as client:
        yield client
