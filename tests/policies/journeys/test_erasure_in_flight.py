"""What was being written while a person was erased does not outlive them."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from app import assembly
from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.identity.models import Account
from app.policies.journeys.erasure import service
from eldercare.alarms.models import AlarmKind
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_vitals as vitals
from tests.factories import eldercare_zones as zones
from tests.factories.eldercare_zones import fix
from tests.factories.sign_in import session_of
from tests.waiting import waits

_READINGS = sa.text("SELECT count(*) FROM eldercare_vital_reading")
_DUE = sa.text("SELECT erase_again_at FROM identity_account WHERE state = 'erased'")


async def _scalar(statement: sa.TextClause) -> Any:
    async with reading() as connection:
        return await connection.scalar(statement)


async def _own(resident: Any) -> Actor:
    async with unit_of_work() as session:
        account = await session.get_one(Account, resident.account_id)
    row = await session_of(account)
    return Actor(
        kind="account", id=account.id, community_id=account.community_id, resident_id=resident.id, session_id=row.id
    )


def _measured(clock: ManualClock) -> dict[str, Any]:
    reading_ = {"code": "8867-4", "unit": "/min", "value": 71, "measured_at": clock.now().isoformat()}
    return {"readings": [reading_]}


async def test_what_was_let_in_before_a_person_was_erased_goes_soon_after(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    scene = await vitals.scene()
    actor = await _own(scene.resident)
    async with unit_of_work() as session:
        await service.erase_oneself(session, actor)
        written = await client.post(f"{scene.path}/vitals", json=_measured(clock), headers=scene.as_clinician)
        assert written.status_code == 201, written.text
    assert await _scalar(_READINGS) == 1
    clock.advance(timedelta(minutes=10))
    await settle(assembly.JOBS)
    assert await _scalar(_READINGS) == 0
    assert await _scalar(_DUE) is None


async def test_an_alarm_that_is_open_by_then_is_left_to_those_who_answer_it(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    actor = await _own(scene.resident)
    async with unit_of_work() as session:
        await service.erase_oneself(session, actor)
    await alarms.raised(scene.resident, kind=AlarmKind.FALL, evidence={"said": "help"})
    clock.advance(timedelta(minutes=10))
    await settle(assembly.JOBS)
    due = await _scalar(_DUE)
    assert due is not None
    assert due > clock.now()


async def test_positions_that_come_while_their_resident_is_erased_are_refused(
    client: httpx.AsyncClient, database: object, clock: ManualClock
) -> None:
    scene = await zones.scene(scopes=("location:read", "location:write"))
    await zones.report(client, scene, fix(minutes=-5))
    actor, sender = await _own(scene.resident), await scene.as_daughter()
    async with unit_of_work() as session:
        await service.erase_oneself(session, actor)
        sent = asyncio.create_task(client.post(f"{scene.path}/positions", json={"positions": [fix()]}, headers=sender))
        await waits(sent)
    answer = await sent
    assert answer.status_code in (401, 404, 409), answer.text
    assert await zones.count("eldercare_position") == 0
    assert await zones.count("eldercare_tracking") == 0
