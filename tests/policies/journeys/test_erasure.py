"""A person is erased: by themselves after a fresh sign-in, or by the operator after the residence has ended."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app import assembly
from app.core import audit, audit_chain
from app.core.access import Actor
from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.tables import table_of
from app.identity.models import Account, Household, Resident
from eldercare.alarms.models import AlarmKind, Severity
from eldercare.response import service as response
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as care
from tests.factories import identity as make
from tests.factories.eldercare_alarms import Scene
from tests.factories.notifications import deliveries, phone
from tests.factories.sign_in import access_headers, device_headers, session_of, sign_in, sign_in_resident

_entries = table_of(AuditEntry)


@pytest.fixture
async def scene(database: object, clock: ManualClock) -> Scene:
    return await alarms.scene()


async def account_of(resident: Resident) -> Account:
    async with unit_of_work() as session:
        return await session.get_one(Account, resident.account_id)


async def entries(*conditions: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
    async with reading() as connection:
        return (await connection.execute(sa.select(_entries).where(*conditions))).all()


def erasure_of(resident: Resident) -> str:
    return f"/v1/residents/{resident.id}/erasure"


async def close(client: httpx.AsyncClient, resident: Resident, headers: dict[str, str]) -> None:
    body = {"reason": "died", "date": "2026-03-02"}
    assert (await client.post(f"/v1/residents/{resident.id}/closure", json=body, headers=headers)).status_code == 201


async def test_a_resident_erases_themselves_and_care_ends_at_once(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    resident = scene.resident
    person = await account_of(resident)
    await phone(person)
    device = await device_headers(resident)
    await care.plan(resident)
    headers = await sign_in(person)
    assert (await client.delete("/v1/me", headers=headers)).status_code == 204
    erased = await account_of(resident)
    assert (erased.state, erased.name) == ("erased", "")
    assert (await client.get("/v1/me/account", headers=headers)).status_code == 401
    assert (await client.post("/v1/me/sos", json={}, headers=device)).status_code == 401
    relative = await sign_in(scene.circle[0])
    assert (await client.get(f"/v1/residents/{resident.id}/alarms", headers=relative)).status_code == 404
    clock.advance(timedelta(days=2))
    await settle(assembly.JOBS)
    assert [row.state for row in await care.check_ins(resident)] == []
    assert [row for row in await deliveries() if row.account_id == person.id] == []


async def test_the_trail_keeps_ids_loses_details_and_still_verifies(client: httpx.AsyncClient, scene: Scene) -> None:
    person = await account_of(scene.resident)
    own = Actor(kind="account", id=person.id, community_id=person.community_id)
    async with unit_of_work() as session:
        await audit.record(session, own, "plan:change", resident_id=scene.resident.id, details={"to": "09:00"})
    await audit_chain.seal_entries()
    assert (await client.delete("/v1/me", headers=await sign_in(person))).status_code == 204
    await settle(assembly.JOBS)
    about = await entries(_entries.c.resident_id == scene.resident.id)
    assert {"plan:change", "resident:close", "person:erase"} <= {row.action for row in about}
    detailed = [row for row in about if row.details]
    assert detailed
    async with reading() as connection:
        for row in detailed:
            assert await audit.details_of(connection, scene.resident.id, row.id, row.details) is None
        verdict = await audit_chain.verify(connection)
    assert verdict.holds


async def test_the_last_of_a_household_takes_the_address_along(client: httpx.AsyncClient, scene: Scene) -> None:
    home = await make.household(scene.community)
    first = await make.resident(scene.community, name="First", home=home)
    second = await make.resident(scene.community, name="Second", home=home)

    async def homes() -> int:
        async with reading() as connection:
            table = table_of(Household)
            return await connection.scalar(sa.select(sa.func.count()).where(table.c.id == home.id)) or 0

    assert (await client.delete("/v1/me", headers=await sign_in_resident(first))).status_code == 204
    assert await homes() == 1
    assert (await client.delete("/v1/me", headers=await sign_in_resident(second))).status_code == 204
    assert await homes() == 0


async def test_it_needs_a_fresh_sign_in_or_a_second_factor(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    person = scene.circle[0]
    old, paired = await session_of(person), await session_of(person, method="pairing")
    refused = await client.delete("/v1/me", headers=access_headers(paired))
    assert (refused.status_code, refused.json()["code"]) == (403, "fresh_sign_in_needed")
    clock.advance(timedelta(minutes=16))
    refused = await client.delete("/v1/me", headers=access_headers(old))
    assert (refused.status_code, refused.json()["code"]) == (403, "fresh_sign_in_needed")
    shown = await session_of(person, second_factor=True, method="pairing")
    assert (await client.delete("/v1/me", headers=access_headers(shown))).status_code == 204


async def test_an_open_alarm_comes_first(client: httpx.AsyncClient, scene: Scene) -> None:
    helper = scene.circle[0]
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    async with unit_of_work() as session:
        await response.acknowledge(session, alarms.actor_of(helper), alarm.id)
    for headers in (await sign_in_resident(scene.resident), await sign_in(helper)):
        refused = await client.delete("/v1/me", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "alarm_open")
    assert (await client.delete("/v1/me", headers=await sign_in(scene.circle[1]))).status_code == 204


async def test_the_last_operator_stays(client: httpx.AsyncClient, scene: Scene) -> None:
    first = await make.staff(scene.operator, "operator", name="First")
    refused = await client.delete("/v1/me", headers=await sign_in(first))
    assert (refused.status_code, refused.json()["code"]) == (409, "last_operator")
    await make.staff(scene.operator, "operator", name="Second")
    assert (await client.delete("/v1/me", headers=await sign_in(first))).status_code == 204


async def test_the_operator_erases_after_a_death_and_may_repeat_it(client: httpx.AsyncClient, scene: Scene) -> None:
    resident = scene.resident
    operator = await sign_in(await make.staff(scene.operator, "operator"))
    refused = await client.post(erasure_of(resident), headers=operator)
    assert (refused.status_code, refused.json()["code"]) == (409, "residence_not_ended")
    await close(client, resident, operator)
    await settle(assembly.JOBS)
    for _ in range(2):
        assert (await client.post(erasure_of(resident), headers=operator)).status_code == 204
    assert (await account_of(resident)).state == "erased"
    assert len(await entries(_entries.c.action == "person:erase")) == 1
    reopened = await client.delete(f"/v1/residents/{resident.id}/closure", headers=operator)
    assert (reopened.status_code, reopened.json()["code"]) == (409, "person_erased")
    listed = await client.get("/v1/residents?state=deceased", headers=operator)
    assert listed.json()["items"] == []


async def test_only_the_operator_erases_somebody_else(client: httpx.AsyncClient, scene: Scene) -> None:
    elsewhere = await make.community(name="Elsewhere")
    stranger = await sign_in(await make.operator(elsewhere))
    assert (await client.post(erasure_of(scene.resident), headers=stranger)).status_code == 404
    for person in (scene.desk, scene.circle[0]):
        assert (await client.post(erasure_of(scene.resident), headers=await sign_in(person))).status_code == 403
    own = await client.post(erasure_of(scene.resident), headers=await sign_in_resident(scene.resident))
    assert own.status_code == 403
