"""API clients: keys shown once, changed over without a gap, cut off at once."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import sqlalchemy as sa
from sqlmodel import col

from app.core import clock as clocks
from app.core.audit_tables import AuditEntry
from app.core.database import reading, unit_of_work
from app.identity.clients.models import ApiKey
from app.identity.models import Community, Organization
from tests.factories import identity
from tests.factories.sign_in import bearer, sign_in

GATEWAY = {"name": "Gateway", "scopes": ["profile:read", "check_ins:read"]}


async def agency_with_coordinator() -> tuple[Organization, dict[str, str]]:
    agency = await identity.organization(await identity.community(), "care_agency")
    await identity.agreement(agency)
    return agency, await sign_in(await identity.staff(agency, "coordinator"))


def path_of(organization: Organization) -> str:
    return f"/v1/organizations/{organization.id}/api-clients"


async def created(client: httpx.AsyncClient, agency: Organization, headers: dict[str, str]) -> dict[str, Any]:
    answer = await client.post(path_of(agency), headers=headers, json=GATEWAY)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def works(client: httpx.AsyncClient, agency: Organization, key: str) -> bool:
    # A client may not manage clients, but it is somebody: 403. A key that is not good is nobody's: 401.
    status = (await client.get(path_of(agency), headers=bearer(key))).status_code
    assert status in (401, 403)
    return status == 403


async def test_a_key_is_shown_once_and_acts_within_its_scopes(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    agency, headers = await agency_with_coordinator()
    home_resident = await identity.resident(await _community_of(agency))
    new = await created(client, agency, headers)
    assert new["api_key"].startswith(f"hl_{uuid.UUID(new['key_id']).hex}_")
    profile = f"/v1/residents/{home_resident.id}/profile"
    assert (await client.get(profile, headers=bearer(new["api_key"]))).status_code == 200
    pairing = f"/v1/residents/{home_resident.id}/contact-points"
    assert (await client.get(pairing, headers=bearer(new["api_key"]))).status_code == 403
    (listed,) = (await client.get(path_of(agency), headers=headers)).json()["items"]
    assert (listed["name"], listed["scopes"]) == ("Gateway", ["check_ins:read", "profile:read"])
    assert listed["keys"][0].keys() == {"id", "created_at", "last_used_at", "expires_at"}
    assert listed["keys"][0]["last_used_at"] is not None
    async with reading() as connection:
        stored = (await connection.scalars(sa.select(col(ApiKey.digest)))).one()
    assert new["api_key"].encode() not in stored


async def _community_of(agency: Organization) -> Any:

    async with unit_of_work() as session:
        return await session.get_one(Community, agency.community_id)


async def test_keys_change_over_without_a_gap(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    agency, headers = await agency_with_coordinator()
    first = await created(client, agency, headers)
    keys = f"{path_of(agency)}/{first['client_id']}/keys"
    second = (await client.post(keys, headers=headers, json={"overlap_hours": 2})).json()
    assert (await client.post(keys, headers=headers, json={"overlap_hours": 2})).json()["code"] == "too_many_keys"
    assert await works(client, agency, first["api_key"])
    assert await works(client, agency, second["api_key"])
    clock.advance(timedelta(hours=2))
    headers = await sign_in(await identity.staff(agency, "coordinator"))
    assert not await works(client, agency, first["api_key"])
    assert await works(client, agency, second["api_key"])
    third = (await client.post(keys, headers=headers, json={"overlap_hours": 0})).json()
    assert not await works(client, agency, second["api_key"])
    assert await works(client, agency, third["api_key"])


async def test_keys_and_clients_are_cut_off_at_once(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    agency, headers = await agency_with_coordinator()
    one, two = await created(client, agency, headers), await created(client, agency, headers)
    key = f"{path_of(agency)}/{one['client_id']}/keys/{one['key_id']}"
    assert (await client.delete(key, headers=headers)).status_code == 204
    assert (await client.delete(key, headers=headers)).status_code == 404
    assert not await works(client, agency, one["api_key"])
    assert await works(client, agency, two["api_key"])
    machine = f"{path_of(agency)}/{two['client_id']}"
    assert (await client.delete(machine, headers=headers)).status_code == 204
    assert (await client.delete(machine, headers=headers)).status_code == 404
    assert not await works(client, agency, two["api_key"])
    async with reading() as connection:
        actions = (await connection.scalars(sa.select(col(AuditEntry.action)))).all()
    assert {"api_client:create", "api_key:create", "api_key:revoke", "api_client:revoke"} <= set(actions)


async def test_nobody_hands_out_more_than_they_have(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    agency, headers = await agency_with_coordinator()
    for scope, status in (("home:read", 403), ("grants:manage", 422), ("everything", 422)):
        body = {"name": "Gateway", "scopes": [scope]}
        assert (await client.post(path_of(agency), headers=headers, json=body)).status_code == status


async def test_only_those_who_run_it_manage_an_organizations_clients(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    agency, headers = await agency_with_coordinator()
    other, other_headers = await agency_with_coordinator()
    new = await created(client, agency, headers)
    carer = await sign_in(await identity.staff(agency, "carer"))
    nobody: dict[str, str] = {}
    for given, status in ((carer, 403), (other_headers, 404), (nobody, 401), (bearer(new["api_key"]), 403)):
        assert (await client.get(path_of(agency), headers=given)).status_code == status
        assert (await client.post(path_of(agency), headers=given, json=GATEWAY)).status_code == status
    foreign = f"{path_of(other)}/{new['client_id']}"
    assert (await client.delete(foreign, headers=other_headers)).status_code == 404
    assert await works(client, agency, new["api_key"])
