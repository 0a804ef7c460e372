"""Staff invitations: a one-time secret, good only for whoever verified the address it was sent to."""

from datetime import timedelta
from uuid import UUID

import httpx
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from app.identity.api import find_accounts_by_phone, invitation_message
from app.identity.models import Account, ContactPoint
from app.identity.organizations.invitations import forget_old
from app.identity.organizations.models import StaffInvitation
from tests.factories import identity as make
from tests.factories.sign_in import sign_in
from tests.identity.conftest import Scene

PHONE = "+8613700000001"


async def invited(client: httpx.AsyncClient, scene: Scene, organization_id: UUID, **body: str) -> tuple[UUID, str]:
    """Invite and return the invitation's id and the secret that its message carries."""
    data = {"name": "Nora", "role": "carer", "phone": PHONE} | body
    path = f"/v1/organizations/{organization_id}/invitations"
    answer = await client.post(path, json=data, headers=await sign_in(scene.staff))
    assert answer.status_code == 201, answer.text
    assert "secret" not in answer.json()
    async with reading() as connection:
        message = await invitation_message(connection, UUID(answer.json()["id"]))
    assert message is not None
    assert message.contact == PHONE
    return UUID(answer.json()["id"]), message.secret


async def verified(phone: str, community_id: UUID) -> Account:
    """Return the account the number reaches, as if it had signed in with it."""
    async with reading() as connection:
        [account_id] = await find_accounts_by_phone(connection, community_id, phone)
    async with unit_of_work() as session:
        account = await session.get_one(Account, account_id)
        points = sa.select(ContactPoint).where(table_of(ContactPoint).c.account_id == account_id)
        for point in await session.scalars(points):
            point.verified_at = account.created_at
    return account


async def test_an_invitation_is_accepted_after_signing_in(client: httpx.AsyncClient, scene: Scene) -> None:
    agency = await make.organization(scene.community, "care_agency")
    invitation_id, secret = await invited(client, scene, agency.id)
    async with unit_of_work() as session:
        row = await session.get_one(StaffInvitation, invitation_id)
    assert row.secret is not None
    assert secret not in row.secret
    headers = await sign_in(await verified(PHONE, scene.community.id))
    accepted = await client.post("/v1/me/memberships", json={"secret": secret}, headers=headers)
    assert accepted.status_code == 201, accepted.text
    assert accepted.json()["state"] == "accepted"
    [held] = (await client.get("/v1/me/account", headers=headers)).json()["memberships"]
    assert held["role"] == "carer"
    again = await client.post("/v1/me/memberships", json={"secret": secret}, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "invitation_ended")
    async with reading() as connection:
        assert await invitation_message(connection, invitation_id) is None


async def test_a_forwarded_secret_lets_nobody_else_in(client: httpx.AsyncClient, scene: Scene) -> None:
    agency = await make.organization(scene.community, "care_agency")
    _, secret = await invited(client, scene, agency.id)
    stolen = await client.post("/v1/me/memberships", json={"secret": secret}, headers=scene.daughter_headers)
    assert stolen.status_code == 403
    guessed = await client.post("/v1/me/memberships", json={"secret": "x" * 43}, headers=scene.daughter_headers)
    assert guessed.status_code == 404
    # Claiming the number is not enough: it has to be verified.
    point = {"kind": "mobile", "value": PHONE}
    assert (await client.post("/v1/me/contact-points", json=point, headers=scene.daughter_headers)).status_code == 201
    stolen = await client.post("/v1/me/memberships", json={"secret": secret}, headers=scene.daughter_headers)
    assert stolen.status_code == 403


async def test_an_invitation_expires_is_revoked_and_forgotten(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    agency = await make.organization(scene.community, "care_agency")
    first, first_secret = await invited(client, scene, agency.id)
    _, second_secret = await invited(client, scene, agency.id)
    account = await verified(PHONE, scene.community.id)
    path = f"/v1/organizations/{agency.id}/invitations"
    assert (await client.delete(f"{path}/{first}", headers=scene.staff_headers)).status_code == 204
    assert (await client.delete(f"{path}/{first}", headers=scene.staff_headers)).status_code == 409
    clock.advance(timedelta(days=7))
    for secret in (first_secret, second_secret):
        late = await client.post("/v1/me/memberships", json={"secret": secret}, headers=await sign_in(account))
        assert late.status_code == 409
    listed = (await client.get(path, headers=await sign_in(scene.staff))).json()["items"]
    assert [item["state"] for item in listed] == ["revoked", "expired"]
    clock.advance(timedelta(days=91))
    assert await forget_old() == 2


async def test_whose_roles_ended_does_not_come_back_by_an_older_invitation(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    agency, clinic = [await make.organization(scene.community, kind) for kind in ("care_agency", "clinic")]
    _, used = await invited(client, scene, agency.id)
    _, kept = await invited(client, scene, agency.id)
    _, elsewhere = await invited(client, scene, clinic.id, role="clinician")
    account = await verified(PHONE, scene.community.id)
    headers = await sign_in(account)
    accept = "/v1/me/memberships"
    assert (await client.post(accept, json={"secret": used}, headers=headers)).status_code == 201
    path = f"/v1/organizations/{agency.id}/members/{account.id}"
    assert (await client.delete(path, headers=scene.staff_headers)).status_code == 204
    assert (await client.post(accept, json={"secret": kept}, headers=headers)).status_code == 409
    assert (await client.post(accept, json={"secret": elsewhere}, headers=headers)).status_code == 201


async def test_a_coordinator_lets_people_into_their_own_organization_only(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    agency = await make.organization(scene.community, "care_agency")
    clinic = await make.organization(scene.community, "clinic")
    headers = await sign_in(await make.staff(agency, "coordinator"))
    inside = await sign_in(await make.staff(scene.operator, "coordinator"))
    carer = {"name": "Nora", "role": "carer", "phone": PHONE}
    for organization, body, who, status in (
        (agency, carer, headers, 201),
        (agency, carer | {"role": "clinician"}, headers, 422),
        (agency, carer | {"email": "a@example.com"}, headers, 422),
        (clinic, carer | {"role": "clinician"}, headers, 404),
        (clinic, carer | {"role": "clinician"}, inside, 403),
        (scene.operator, carer | {"role": "operator"}, inside, 403),
        (agency, carer, scene.daughter_headers, 404),
    ):
        path = f"/v1/organizations/{organization.id}/invitations"
        answer = await client.post(path, json=body, headers=who)
        assert answer.status_code == status, (body, answer.text)
