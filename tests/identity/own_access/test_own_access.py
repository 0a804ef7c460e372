"""What somebody may see and do with a resident, told to themselves: as it is now, and why."""

from datetime import timedelta

import httpx

from app.core.clock import ManualClock, new_id
from app.identity.scopes import ROLE_SCOPES
from tests.factories import identity as make
from tests.factories.sign_in import sign_in
from tests.identity.conftest import Scene


def path(scene: Scene) -> str:
    return f"/v1/me/access/{scene.resident.id}"


async def test_somebody_without_any_right_is_not_told_that_there_is_a_resident(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    assert (await client.get(path(scene), headers=scene.daughter_headers)).status_code == 404
    assert (await client.get(f"/v1/me/access/{new_id()}", headers=scene.daughter_headers)).status_code == 404
    assert (await client.get(path(scene))).status_code == 401


async def test_a_relative_reads_what_was_granted_until_it_ends(
    client: httpx.AsyncClient, scene: Scene, clock: ManualClock
) -> None:
    await make.grant(scene.resident, scene.daughter, ["vitals:read", "profile:read"], expires_in=timedelta(minutes=5))
    found = (await client.get(path(scene), headers=scene.daughter_headers)).json()
    assert found["name"] == "Grace Hopper"
    assert found["scopes"] == ["profile:read", "vitals:read"]
    [ground] = found["grounds"]
    assert (ground["kind"], ground["scopes"]) == ("consent", ["profile:read", "vitals:read"])
    assert ground["expires_at"] is not None
    clock.advance(timedelta(minutes=5))
    assert (await client.get(path(scene), headers=scene.daughter_headers)).status_code == 404


async def test_a_role_brings_what_it_can_have_and_what_was_agreed(client: httpx.AsyncClient, scene: Scene) -> None:
    agency = await make.organization(scene.community, "care_agency", name="Lotus Care")
    await make.agreement(agency, resident=scene.resident, scopes=["visits:read", "vitals:read", "records:read"])
    carer = await make.account(scene.community, name="Cai", phone="+8613800000077")
    await make.membership(agency, carer, "carer")
    found = (await client.get(path(scene), headers=await sign_in(carer))).json()
    assert found["scopes"] == ["visits:read", "vitals:read"]
    [ground] = found["grounds"]
    assert (ground["kind"], ground["organization"], ground["role"]) == ("role", "Lotus Care", "carer")


async def test_a_resident_may_do_all_of_their_own(client: httpx.AsyncClient, scene: Scene) -> None:
    found = (await client.get(path(scene), headers=scene.resident_headers)).json()
    assert [ground["kind"] for ground in found["grounds"]] == ["self"]
    assert "grants:manage" in found["scopes"]
    assert "vitals:manage" not in found["scopes"]


async def test_the_desk_reads_what_its_role_brings(client: httpx.AsyncClient, scene: Scene) -> None:
    found = (await client.get(path(scene), headers=scene.staff_headers)).json()
    assert set(found["scopes"]) <= set(ROLE_SCOPES["operator"])
    assert "alarms:read" in found["scopes"]
