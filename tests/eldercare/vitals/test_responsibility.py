"""Who answers for a community's limits: when they leave, the operators hear that nobody is called any more."""

import httpx
import pytest
import sqlalchemy as sa

from app.core.database import reading, unit_of_work
from app.identity.events import MembershipEnded
from eldercare.vitals.subscribers import follow_staff
from tests.factories import eldercare_vitals as vitals
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("clock")

_TOLD = sa.text(
    "SELECT DISTINCT account_id FROM notifications_delivery WHERE notice_key = 'eldercare.vital_alerts_off'"
)


async def told() -> set[object]:
    async with reading() as connection:
        return set(await connection.scalars(_TOLD))


async def _hear(scene: vitals.Scene) -> None:
    async with reading() as connection:
        works_for = await connection.scalar(
            sa.text("SELECT organization_id FROM identity_membership WHERE account_id = :id"),
            {"id": scene.clinician.id},
        )
    left = MembershipEnded(
        aggregate_id=scene.clinician.id, community_id=scene.resident.community_id, organization_id=works_for
    )
    for _ in range(2):  # heard again after a crash, it says nothing new
        async with unit_of_work() as session:
            await follow_staff(session, [left])


async def test_operators_hear_that_the_alerts_went_off_with_the_clinician(client: httpx.AsyncClient) -> None:
    scene = await vitals.scene()
    assert (await client.get("/v1/responsible-clinicians", headers=await sign_in(scene.operator))).status_code == 200
    await _hear(scene)
    assert await told() == set()  # who still works there is responsible on
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE identity_membership SET ended_at = created_at WHERE account_id = :id"),
            {"id": scene.clinician.id},
        )
    await _hear(scene)
    assert await told() == {scene.operator.id}


async def test_nobody_hears_of_a_clinician_who_answers_for_nothing(client: httpx.AsyncClient) -> None:
    scene = await vitals.scene(responsible=False)
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE identity_membership SET ended_at = created_at WHERE account_id = :id"),
            {"id": scene.clinician.id},
        )
    await _hear(scene)
    assert await told() == set()
