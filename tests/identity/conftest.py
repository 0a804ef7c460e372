"""A scene that most tests of identity begin with."""

from dataclasses import dataclass

import pytest_asyncio

from app.core.clock import ManualClock
from app.core.database import Database
from app.identity.models import Account, Community, Organization, Resident
from tests.factories import identity as make
from tests.factories.sign_in import sign_in, sign_in_resident


@dataclass(frozen=True)
class Scene:
    """A community with its operator, a resident, a daughter who was granted nothing yet, and how each signs in."""

    community: Community
    operator: Organization
    staff: Account
    resident: Resident
    daughter: Account
    staff_headers: dict[str, str]
    resident_headers: dict[str, str]
    daughter_headers: dict[str, str]


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> Scene:
    """Set the scene."""
    community = await make.community()
    operator = await make.organization(community)
    await make.agreement(operator)
    staff = await make.staff(operator, phone="+8613800000001")
    resident = await make.resident(
        community, name="Grace Hopper", phone="+8613800000002", emergency_notes="Oxygen in the kitchen", reference="R-1"
    )
    daughter = await make.account(community, name="Dora", phone="+8613800000003")
    return Scene(
        community,
        operator,
        staff,
        resident,
        daughter,
        await sign_in(staff),
        await sign_in_resident(resident),
        await sign_in(daughter),
    )
