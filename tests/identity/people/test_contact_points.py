"""Contact points: normalized, sealed, found by a blind index; one number may serve several people."""

import httpx
import sqlalchemy as sa

from app.core.database import reading
from app.core.tables import table_of
from app.identity.api import accounts_answering_at, contact_points, find_accounts_by_phone
from app.identity.models import ContactPoint
from app.identity.scopes import PROXY
from tests.factories import identity as make
from tests.factories.sign_in import sign_in
from tests.identity.conftest import Scene

_PATH = "/v1/me/contact-points"


async def test_a_number_is_read_as_the_countrys_and_sealed(client: httpx.AsyncClient, scene: Scene) -> None:
    added = await client.post(
        _PATH,
        json={"kind": "landline", "value": "021 5555 1234", "usable_from": "08:00", "position": 1},
        headers=scene.resident_headers,
    )
    assert added.status_code == 201, added.text
    point = added.json()
    assert point["value"] == "+862155551234"
    assert point["capabilities"] == ["voice"]
    assert point["verified_at"] is None
    listed = await client.get(_PATH, headers=scene.resident_headers)
    assert [item["value"] for item in listed.json()["items"]] == ["+8613800000002", "+862155551234"]
    async with reading() as connection:
        stored = list(await connection.scalars(sa.select(table_of(ContactPoint).c.value)))
    assert not any("5555" in value for value in stored)


async def test_one_number_may_serve_several_people(scene: Scene) -> None:
    shared = await make.account(scene.community, name="Henry", phone="+8613800000002")
    async with reading() as connection:
        found = await find_accounts_by_phone(connection, scene.community.id, "+8613800000002")
    assert found == [scene.resident.account_id, shared.id]


async def test_a_number_speaks_for_a_person_once_verified_or_if_staff_entered_it(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    theirs = f"/v1/residents/{scene.resident.id}/contact-points"
    headers = {"own": scene.resident_headers, "staff": scene.staff_headers}
    added = [
        await client.post(path, json={"kind": "landline", "value": f"0215555123{n}"}, headers=headers[who])
        for n, (who, path) in enumerate([("own", _PATH), ("staff", theirs)])
    ]
    assert [answer.status_code for answer in added] == [201, 201], added[1].text
    change = {"value": "02155551239"}
    async with reading() as connection:
        trusted = [
            list(await accounts_answering_at(connection, number))
            for number in ("+8613800000002", "+862155551230", "+862155551231")
        ]
    assert trusted == [[scene.resident.account_id], [], [scene.resident.account_id]]
    await client.patch(f"{_PATH}/{added[1].json()['id']}", json=change, headers=headers["own"])
    async with reading() as connection:
        assert not await accounts_answering_at(connection, "+862155551239")


async def test_another_value_has_to_be_verified_anew(client: httpx.AsyncClient, scene: Scene) -> None:
    [point] = (await client.get(_PATH, headers=scene.resident_headers)).json()["items"]
    assert point["verified_at"] is not None
    path = f"{_PATH}/{point['id']}"
    same = await client.patch(path, json={"value": "138 0000 0002"}, headers=scene.resident_headers)
    assert same.json()["verified_at"] is not None
    headers = scene.resident_headers | {"If-Match": '"7"'}
    assert (await client.patch(path, json={"value": "13900000000"}, headers=headers)).status_code == 412
    other = await client.patch(path, json={"value": "13900000000"}, headers=scene.resident_headers)
    assert other.json()["value"] == "+8613900000000"
    assert other.json()["verified_at"] is None


async def test_the_same_twice_the_last_one_and_nonsense_are_refused(client: httpx.AsyncClient, scene: Scene) -> None:
    headers = scene.resident_headers
    twice = await client.post(_PATH, json={"kind": "mobile", "value": "13800000002"}, headers=headers)
    assert (twice.status_code, twice.json()["code"]) == (409, "contact_point_exists")
    for body in (
        {"kind": "mobile", "value": "12"},
        {"kind": "email", "value": "not mail"},
        {"kind": "landline", "value": "02155551234", "capabilities": ["sms"]},
        {"kind": "pigeon", "value": "02155551234"},
        {"kind": "landline", "value": "02155551234", "usable_from": "08:00+08:00"},
    ):
        assert (await client.post(_PATH, json=body, headers=headers)).status_code == 422
    [point] = (await client.get(_PATH, headers=headers)).json()["items"]
    last = await client.delete(f"{_PATH}/{point['id']}", headers=headers)
    assert (last.status_code, last.json()["code"]) == (409, "last_contact_point")
    await client.post(_PATH, json={"kind": "email", "value": "Grace@Example.com"}, headers=headers)
    assert (await client.delete(f"{_PATH}/{point['id']}", headers=headers)).status_code == 204
    [left] = (await client.get(_PATH, headers=headers)).json()["items"]
    assert left["value"] == "grace@example.com"


async def test_relatives_keep_their_own_contact_points_and_nobody_elses(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    [point] = (await client.get(_PATH, headers=scene.daughter_headers)).json()["items"]
    assert point["value"] == "+8613800000003"
    [of_resident] = (await client.get(_PATH, headers=scene.resident_headers)).json()["items"]
    foreign = await client.patch(f"{_PATH}/{of_resident['id']}", json={"position": 3}, headers=scene.daughter_headers)
    assert foreign.status_code == 404
    others = f"/v1/residents/{scene.resident.id}/contact-points"
    assert (await client.get(others, headers=scene.daughter_headers)).status_code == 404
    await make.grant(scene.resident, scene.daughter, ["contacts:read"])
    assert (await client.get(others, headers=scene.daughter_headers)).status_code == 200


async def test_the_order_is_the_order_they_are_tried_in(scene: Scene) -> None:
    await make.contact_point(scene.daughter, "email", "dora@example.com", ["email"], position=-1)
    async with reading() as connection:
        found = await contact_points(connection, [scene.daughter.id, scene.staff.id])
    assert [point.kind for point in found[scene.daughter.id]] == ["email", "mobile"]
    assert len(found[scene.staff.id]) == 1


async def test_who_looks_after_a_profile_does_not_sign_in_to_the_residents_job(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    volunteer = await make.account(scene.community, name="Vera", phone="+8613900000001")
    await make.membership(scene.operator, volunteer, "dispatcher")
    resident = await make.resident(scene.community, person=volunteer)
    agency = await make.organization(scene.community, "care_agency")
    await make.agreement(agency, None, resident)
    coordinator = await sign_in(await make.staff(agency, "coordinator"))
    path = f"/v1/residents/{resident.id}"
    [point] = (await client.get(f"{path}/contact-points", headers=coordinator)).json()["items"]
    mine = {"kind": "mobile", "value": "+8613900000002"}
    for headers, status in ((coordinator, 403), (scene.staff_headers, 201)):
        assert (await client.post(f"{path}/contact-points", json=mine, headers=headers)).status_code == status
        assert (await client.post(f"{path}/pairings", headers=headers)).status_code == status
    one = f"{path}/contact-points/{point['id']}"
    redirected = await client.patch(one, json={"value": "+8613900000003"}, headers=coordinator)
    assert redirected.status_code == 403
    assert (await client.patch(one, json={"position": 3}, headers=coordinator)).status_code == 200
    own = await client.patch(one, json={"value": "+8613900000003"}, headers=await sign_in(volunteer))
    assert own.status_code == 200, own.text


async def test_who_acts_for_somebody_does_not_become_them(client: httpx.AsyncClient, scene: Scene) -> None:
    await make.grant(scene.resident, scene.daughter, PROXY, kind="proxy")
    proxy, path = scene.daughter_headers, f"/v1/residents/{scene.resident.id}"
    [point] = (await client.get(f"{path}/contact-points", headers=proxy)).json()["items"]
    one, mine = f"{path}/contact-points/{point['id']}", {"kind": "mobile", "value": "+8613800000003"}
    added = await client.post(f"{path}/contact-points", json=mine, headers=proxy)
    redirected = await client.patch(one, json={"value": mine["value"]}, headers=proxy)
    paired = await client.post(f"{path}/pairings", headers=proxy)
    assert [answer.status_code for answer in (added, redirected, paired)] == [403, 403, 403]
    assert (await client.patch(one, json={"usable_from": "08:00"}, headers=proxy)).status_code == 200
