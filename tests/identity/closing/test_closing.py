"""The end of a residence: one operation, and its undoing."""

from datetime import UTC, datetime

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.tables import table_of
from app.identity.models import ServiceAgreement
from tests.factories import identity as make
from tests.factories.sign_in import sign_in_resident
from tests.identity.conftest import Scene


async def told() -> set[str]:
    events = table_of(EventRecord)
    async with reading() as connection:
        return set(await connection.scalars(sa.select(events.c.name)))


async def test_a_death_ends_everything_in_one_operation(client: httpx.AsyncClient, scene: Scene) -> None:
    profile = f"/v1/residents/{scene.resident.id}/profile"
    closure = f"/v1/residents/{scene.resident.id}/closure"
    agency = await make.organization(scene.community, "care_agency")
    end = datetime(2026, 12, 1, tzinfo=UTC)
    agreement = await make.agreement(agency, ["profile:read"], scene.resident, ends_at=end)
    await make.grant(scene.resident, scene.daughter, ["profile:read"])
    closed = await client.post(closure, json={"reason": "died", "date": "2026-03-01"}, headers=scene.staff_headers)
    assert closed.status_code == 201, closed.text
    assert (closed.json()["state"], closed.json()["closed_on"]) == ("deceased", "2026-03-01")
    assert await told() == {
        "identity.resident_closed.v1",
        "identity.grant_revoked.v1",
        "identity.account_deactivated.v1",
    }
    assert (await client.get(profile, headers=scene.daughter_headers)).status_code == 404
    assert (await client.get("/v1/me/profile", headers=scene.resident_headers)).status_code == 401
    again = await client.post(closure, json={"reason": "died", "date": "2026-03-01"}, headers=scene.staff_headers)
    assert (again.status_code, again.json()["code"]) == (409, "residence_ended")
    changed = await client.patch(profile, json={"name": "X"}, headers=scene.staff_headers)
    assert (changed.status_code, changed.json()["code"]) == (409, "residence_ended")

    reopened = await client.delete(closure, headers=scene.staff_headers)
    assert reopened.status_code == 200, reopened.text
    assert reopened.json()["state"] == "active"
    assert (await client.get(profile, headers=scene.daughter_headers)).status_code == 200
    async with unit_of_work() as session:
        restored = await session.get_one(ServiceAgreement, agreement.id)
    assert restored.ends_at == end
    assert (await client.get("/v1/me/profile", headers=await sign_in_resident(scene.resident))).status_code == 200
    assert "identity.resident_reopened.v1" in await told()
    assert (await client.delete(closure, headers=scene.staff_headers)).status_code == 409


async def test_who_moved_out_still_reads_what_is_theirs(client: httpx.AsyncClient, scene: Scene) -> None:
    closure = f"/v1/residents/{scene.resident.id}/closure"
    body = {"reason": "moved_out", "date": "2026-03-02"}
    assert (await client.post(closure, json=body, headers=scene.staff_headers)).status_code == 201
    own = await client.get("/v1/me/profile", headers=scene.resident_headers)
    assert own.json()["state"] == "moved_out"
    given = {"account_id": str(scene.daughter.id), "scopes": ["profile:read"]}
    refused = await client.post("/v1/me/grants", json=given, headers=scene.resident_headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "residence_ended")


async def test_a_grant_revoked_before_does_not_come_back(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    grant = await make.grant(scene.resident, scene.daughter, ["profile:read"])
    await client.delete(f"/v1/me/grants/{grant.id}", headers=scene.resident_headers)
    clock.advance(clock.now() - datetime(2026, 3, 2, 7, 59, tzinfo=UTC))
    closure = f"/v1/residents/{scene.resident.id}/closure"
    body = {"reason": "moved_out", "date": "2026-03-02"}
    assert (await client.post(closure, json=body, headers=scene.staff_headers)).status_code == 201
    assert (await client.delete(closure, headers=scene.staff_headers)).status_code == 200
    profile = f"/v1/residents/{scene.resident.id}/profile"
    assert (await client.get(profile, headers=scene.daughter_headers)).status_code == 404


@pytest.mark.parametrize("day", ["2026-03-03", "2020-01-01", "yesterday"])
async def test_an_impossible_day_is_refused(client: httpx.AsyncClient, scene: Scene, day: str) -> None:
    closure = f"/v1/residents/{scene.resident.id}/closure"
    answer = await client.post(closure, json={"reason": "died", "date": day}, headers=scene.staff_headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/date"


async def test_only_staff_closes(client: httpx.AsyncClient, scene: Scene) -> None:
    closure = f"/v1/residents/{scene.resident.id}/closure"
    body = {"reason": "moved_out", "date": "2026-03-02"}
    assert (await client.post(closure, json=body, headers=scene.resident_headers)).status_code == 403
    await make.grant(scene.resident, scene.daughter, ["profile:manage"], kind="proxy")
    assert (await client.post(closure, json=body, headers=scene.daughter_headers)).status_code == 403
