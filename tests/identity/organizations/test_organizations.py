"""Organizations: what they may see under which agreement, and who works for them."""

from datetime import timedelta

import httpx

from app.core.clock import ManualClock
from app.core.database import reading
from app.identity.api import duty_desk, organization_members
from tests.factories import identity as make
from tests.factories.sign_in import sign_in
from tests.identity.conftest import Scene


def of(organization_id: object, what: str) -> str:
    return f"/v1/organizations/{organization_id}/{what}"


async def test_an_organization_sees_what_was_agreed_while_it_is_agreed(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    body = {"kind": "care_agency", "name": "Helping Hands"}
    added = await client.post("/v1/organizations", json=body, headers=scene.staff_headers)
    assert added.status_code == 201, added.text
    agency_id = added.json()["id"]
    async with reading() as connection:
        assert await organization_members(connection, scene.operator.id, "operator") == [scene.staff.id]
    agency = await make.organization(scene.community, "care_agency")
    carer = await make.staff(agency, "carer")
    profile = f"/v1/residents/{scene.resident.id}/profile"
    contacts = f"/v1/residents/{scene.resident.id}/contact-points"
    assert (await client.get(profile, headers=await sign_in(carer))).status_code == 404
    agreed = await client.post(
        of(agency.id, "agreements"),
        json={
            "resident_id": str(scene.resident.id),
            "scopes": ["profile:read"],
            "basis": "care contract",
            "ends_at": "2026-03-02T10:00:00Z",
        },
        headers=scene.staff_headers,
    )
    assert agreed.status_code == 201, agreed.text
    headers = await sign_in(carer)
    assert (await client.get(profile, headers=headers)).status_code == 200
    assert (await client.get(contacts, headers=headers)).status_code == 403
    listed = await client.get("/v1/me/agreements", headers=scene.resident_headers)
    assert {item["organization_id"] for item in listed.json()["items"]} == {str(agency.id), str(scene.operator.id)}
    clock.advance(timedelta(hours=2))
    assert (await client.get(profile, headers=await sign_in(carer))).status_code == 404
    path = of(agency.id, f"agreements/{agreed.json()['id']}")
    ended = await client.patch(path, json={"scopes": ["contacts:read"]}, headers=await sign_in(scene.staff))
    assert (ended.status_code, ended.json()["code"]) == (409, "agreement_ended")
    assert agency_id != str(agency.id)


async def test_an_agreement_is_ended_at_once(client: httpx.AsyncClient, scene: Scene, clock: ManualClock) -> None:
    agency = await make.organization(scene.community, "care_agency")
    carer = await sign_in(await make.staff(agency, "carer"))
    agreement = await make.agreement(agency, ["profile:read"], scene.resident)
    profile = f"/v1/residents/{scene.resident.id}/profile"
    assert (await client.get(profile, headers=carer)).status_code == 200
    path = of(agency.id, f"agreements/{agreement.id}")
    past = {"ends_at": "2026-01-05T00:00:00Z"}
    ended = await client.patch(path, json=past, headers=scene.staff_headers | {"If-Match": '"1"'})
    assert ended.json()["ends_at"] == "2026-03-02T08:00:00Z", ended.text
    assert (await client.get(profile, headers=carer)).status_code == 404


async def test_only_the_operator_agrees_and_only_about_its_own(client: httpx.AsyncClient, scene: Scene) -> None:
    agency = await make.organization(scene.community, "care_agency")
    coordinator = await sign_in(await make.staff(agency, "coordinator"))
    body: dict[str, object] = {"scopes": ["profile:read"], "basis": "x"}
    path = of(agency.id, "agreements")
    assert (await client.post(path, json=body, headers=coordinator)).status_code == 403
    assert (await client.post(path, json=body, headers=scene.daughter_headers)).status_code == 404
    # No agency is let see what is between a resident and their doctors.
    for_clinics = body | {"scopes": ["profile:read", "records:read"]}
    for wrong in (
        for_clinics,
        body | {"scopes": ["fly:away"]},
        body | {"scopes": []},
        body | {"ends_at": "2020-01-01T00:00:00Z"},
    ):
        assert (await client.post(path, json=wrong, headers=scene.staff_headers)).status_code == 422
    stranger = await make.resident(await make.community(name="Hillside"))
    of_stranger = body | {"resident_id": str(stranger.id)}
    assert (await client.post(path, json=of_stranger, headers=scene.staff_headers)).status_code == 404
    elsewhere = await make.organization(await make.community(name="Seaside"), "clinic")
    assert (
        await client.post(of(elsewhere.id, "agreements"), json=body, headers=scene.staff_headers)
    ).status_code == 404


async def test_members_know_their_organization_and_others_do_not(client: httpx.AsyncClient, scene: Scene) -> None:
    agency = await make.organization(scene.community, "care_agency")
    clinic = await make.organization(scene.community, "clinic")
    carer = await make.staff(agency, "carer", name="Carla")
    headers = await sign_in(carer)
    listed = await client.get(of(agency.id, "members"), headers=headers)
    assert listed.json()["items"] == [
        {"account_id": str(carer.id), "name": "Carla", "roles": ["carer"], "state": "active"}
    ]
    assert (await client.get(of(clinic.id, "members"), headers=headers)).status_code == 404
    assert (await client.get(of("nonsense", "members"), headers=headers)).status_code == 422
    assert (await client.get(of(clinic.id, "members"), headers=scene.staff_headers)).status_code == 200


async def test_the_duty_desk_is_the_dispatchers_or_else_the_operators(scene: Scene) -> None:
    async with reading() as connection:
        assert await duty_desk(connection, scene.community.id) == [scene.staff.id]
    dispatcher = await make.staff(scene.operator, "dispatcher")
    agency = await make.organization(scene.community, "care_agency")
    await make.staff(agency, "dispatcher")
    async with reading() as connection:
        assert await duty_desk(connection, scene.community.id) == [dispatcher.id]


async def test_who_is_deactivated_is_out_with_the_next_request(client: httpx.AsyncClient, scene: Scene) -> None:
    agency = await make.organization(scene.community, "care_agency")
    carer = await make.staff(agency, "carer")
    headers = await sign_in(carer)
    assert (await client.get("/v1/me/account", headers=headers)).status_code == 200
    path = f"/v1/accounts/{carer.id}/deactivation"
    assert (await client.post(path, headers=headers)).status_code == 403
    assert (await client.post(path, headers=scene.staff_headers)).status_code == 204
    assert (await client.post(path, headers=scene.staff_headers)).status_code == 204
    assert (await client.get("/v1/me/account", headers=headers)).status_code == 401
    async with reading() as connection:
        assert await organization_members(connection, agency.id, "carer") == []
    assert (await client.delete(path, headers=scene.staff_headers)).status_code == 204
    account = await client.get("/v1/me/account", headers=await sign_in(carer))
    assert account.json()["memberships"] == []


async def test_nobody_locks_out_themselves_a_resident_or_the_last_operator(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    for account_id in (scene.staff.id, scene.resident.account_id):
        refused = await client.post(f"/v1/accounts/{account_id}/deactivation", headers=scene.staff_headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "not_deactivable")
    last = await client.delete(of(scene.operator.id, f"members/{scene.staff.id}"), headers=scene.staff_headers)
    assert (last.status_code, last.json()["code"]) == (409, "last_operator")
    assert (await client.get("/v1/me/account", headers=scene.staff_headers)).json()["memberships"]
    second = await make.staff(scene.operator, "operator")
    ended = await client.delete(of(scene.operator.id, f"members/{second.id}"), headers=scene.staff_headers)
    assert ended.status_code == 204
    unknown = await client.delete(of(scene.operator.id, f"members/{second.id}"), headers=scene.staff_headers)
    assert unknown.status_code == 404


async def test_a_coordinator_at_the_operators_leads_neither_others_nor_operators(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    agency = await make.organization(scene.community, "care_agency")
    carer = await make.staff(agency, "carer")
    another = await make.staff(scene.operator, "operator")
    inside = await sign_in(await make.staff(scene.operator, "coordinator"))
    for organization, account in ((agency, carer), (scene.operator, another)):
        answer = await client.delete(of(organization.id, f"members/{account.id}"), headers=inside)
        assert answer.status_code == 403, answer.text
    made = await client.post(
        of(agency.id, "api-clients"), json={"name": "Mine", "scopes": ["profile:read"]}, headers=inside
    )
    assert made.status_code == 403, made.text
    ended = await client.delete(of(scene.operator.id, f"members/{another.id}"), headers=scene.staff_headers)
    assert ended.status_code == 204, ended.text


async def test_who_is_coordinator_and_operator_acts_as_operator(client: httpx.AsyncClient, scene: Scene) -> None:
    both = await make.staff(scene.operator, "coordinator")
    await make.membership(scene.operator, both, "operator")
    another = await make.staff(scene.operator, "operator")
    ended = await client.delete(of(scene.operator.id, f"members/{another.id}"), headers=await sign_in(both))
    assert ended.status_code == 204, ended.text


async def test_an_agency_does_not_end_a_residence(client: httpx.AsyncClient, scene: Scene) -> None:
    agency = await make.organization(scene.community, "care_agency")
    await make.agreement(agency, None, scene.resident)
    closure = f"/v1/residents/{scene.resident.id}/closure"
    body = {"reason": "died", "date": "2026-03-01"}
    coordinator = await sign_in(await make.staff(agency, "coordinator"))
    assert (await client.post(closure, json=body, headers=coordinator)).status_code == 403
    inside = await sign_in(await make.staff(scene.operator, "coordinator"))
    assert (await client.post(closure, json=body, headers=inside)).status_code == 201
