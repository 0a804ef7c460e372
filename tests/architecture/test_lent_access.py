"""What a proxy and somebody who answers an alarm may do: every operation is asked by both of them.

A proxy acts for the resident: they get as far as a relative who was granted all there is, but for what belongs to the
circle. Whoever has emergency access gets as far as somebody who is merely known, but for what an alarm opens.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import httpx
import pytest

from app.core import clock
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.api import open_break_glass
from app.identity.models import Community, Resident
from app.identity.scopes import PROXY
from eldercare.ladders.service import BREAK_GLASS_SCOPES
from tests.architecture.access_world import World, open_world
from tests.architecture.snapshot import go_back, snapshot
from tests.architecture.test_access_matrix import (
    READING,
    REFUSALS,
    SECTIONS,
    Operation,
    ask,
    directory,
    operations,
)
from tests.factories import identity, sign_in

__all__ = ["directory", "operations"]

PROXY_DIFFERS: Final[Mapping[str, str]] = {}
RESPONDER_DIFFERS: Final[Mapping[str, str]] = {}
LENT: Final = {"proxy": ("family", PROXY_DIFFERS), "responder": ("known", RESPONDER_DIFFERS)}


async def lend(world: World) -> None:
    """Let somebody act for the resident, and somebody answer their alarm."""
    async with unit_of_work() as session:
        resident = await session.get_one(Resident, uuid.UUID(world.ids["residents"]))
        place = await session.get_one(Community, resident.community_id)
    proxy = await identity.account(place, name="Proxy", phone="+8613800000881")
    responder = await identity.account(place, name="Responder", phone="+8613800000882")
    await identity.grant(resident, proxy, PROXY, kind="proxy")
    async with unit_of_work() as session:
        await open_break_glass(
            session,
            community_id=resident.community_id,
            resident_id=resident.id,
            alarm_id=uuid.UUID(world.ids["alarms"]),
            account_ids=[responder.id],
            scopes=BREAK_GLASS_SCOPES,
            expires_at=clock.now() + timedelta(hours=24),
        )
    for name, person in (("proxy", proxy), ("responder", responder)):
        world.headers[name] = await sign_in.sign_in(person, second_factor=True)


@pytest.mark.parametrize("section", SECTIONS)
async def test_they_get_as_far_as_is_said_here(
    section: str, operations: dict[str, Operation], client: httpx.AsyncClient, clock: ManualClock
) -> None:
    world = await open_world()
    await lend(world)
    found: dict[tuple[str, str], str] = {}
    expected: dict[tuple[str, str], str] = {}
    async with snapshot():
        for operation_id, row in SECTIONS[section].items():
            for actor, (like, differs) in LENT.items():
                operation = operations[operation_id]
                answer = await ask(client, world, actor, operation_id, operation)
                status = answer.status_code
                assert status < 500, f"{operation_id} as {actor}: {answer.text}"
                found[actor, operation_id] = str(status) if status in REFUSALS else "ok"
                expected[actor, operation_id] = differs.get(operation_id, row[like])
                if operation[0] not in READING and answer.is_success:
                    await go_back()
    assert found == expected


def test_what_differs_is_something_that_can_be_asked(operations: Mapping[str, object]) -> None:
    assert {*PROXY_DIFFERS, *RESPONDER_DIFFERS} <= set(operations)
