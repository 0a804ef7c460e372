"""Profiles: who reads them, who changes them, what is told and what leaves a trace."""

import httpx
import pytest
import sqlalchemy as sa

from app.core.audit_tables import AuditEntry
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.tables import table_of
from app.identity.models import Resident
from tests.factories import identity as make
from tests.factories.sign_in import sign_in
from tests.identity.conftest import Scene


async def trail(action: str) -> list[sa.Row[tuple[AuditEntry]]]:
    entries = table_of(AuditEntry)
    async with reading() as connection:
        return list(await connection.execute(sa.select(entries).where(entries.c.action == action)))


async def told() -> list[str]:
    events = table_of(EventRecord)
    async with reading() as connection:
        return list(await connection.scalars(sa.select(events.c.name).order_by(events.c.id)))


async def test_a_resident_reads_their_own_profile_without_a_trace(client: httpx.AsyncClient, scene: Scene) -> None:
    answer = await client.get("/v1/me/profile", headers=scene.resident_headers)
    assert answer.status_code == 200, answer.text
    profile = answer.json()
    assert profile["name"] == "Grace Hopper"
    assert profile["emergency_notes"] == "Oxygen in the kitchen"
    assert profile["household"]["address"] == "1 Lake Road"
    assert answer.headers["etag"] == f'"{profile["version"]}"'
    assert await trail("profile:read") == []


async def test_reading_another_persons_profile_leaves_a_trace(client: httpx.AsyncClient, scene: Scene) -> None:
    answer = await client.get(f"/v1/residents/{scene.resident.id}/profile", headers=scene.staff_headers)
    assert answer.status_code == 200, answer.text
    [entry] = await trail("profile:read")
    assert (entry.actor_id, entry.resident_id) == (scene.staff.id, scene.resident.id)


async def test_what_is_sensitive_is_sealed_in_the_database(scene: Scene) -> None:
    async with unit_of_work() as session:
        row = await session.get_one(Resident, scene.resident.id)
    assert row.emergency_notes is not None
    assert "Oxygen" not in row.emergency_notes


async def test_who_may_not_know_a_resident_gets_404_and_who_may_not_do_it_403(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    path = f"/v1/residents/{scene.resident.id}/profile"
    assert (await client.get(path, headers=scene.daughter_headers)).status_code == 404
    await make.grant(scene.resident, scene.daughter, ["profile:read"])
    assert (await client.get(path, headers=scene.daughter_headers)).status_code == 200
    refused = await client.patch(path, json={"name": "X"}, headers=scene.daughter_headers)
    assert refused.status_code == 403
    assert refused.json()["code"] == "forbidden"
    assert (await client.get(path)).status_code == 401


async def test_a_change_is_checked_against_the_version_and_told(client: httpx.AsyncClient, scene: Scene) -> None:
    headers = scene.resident_headers
    first = await client.get("/v1/me/profile", headers=headers)
    matching = headers | {"If-Match": first.headers["etag"]}
    changed = await client.patch(
        "/v1/me/profile",
        json={"emergency_notes": "Key under the mat", "accessibility_needs": ["hearing"], "language": "zh-CN"},
        headers=matching,
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["emergency_notes"] == "Key under the mat"
    assert changed.json()["accessibility_needs"] == ["hearing"]
    assert changed.headers["etag"] != first.headers["etag"]
    stale = await client.patch("/v1/me/profile", json={"name": "Nobody"}, headers=matching)
    assert stale.status_code == 412
    assert (await client.get("/v1/me/profile", headers=headers)).json()["name"] == "Grace Hopper"
    assert await told() == ["identity.profile_changed.v1"]


async def test_another_time_zone_is_told_as_a_move(client: httpx.AsyncClient, scene: Scene) -> None:
    changed = await client.patch("/v1/me/profile", json={"time_zone": "Europe/Berlin"}, headers=scene.resident_headers)
    assert changed.status_code == 200, changed.text
    assert await told() == ["identity.resident_moved_zone.v1"]
    again = await client.patch("/v1/me/profile", json={"time_zone": "Europe/Berlin"}, headers=scene.resident_headers)
    assert again.status_code == 200
    assert await told() == ["identity.resident_moved_zone.v1"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"time_zone": "Mars/Olympus"}, "/body/time_zone"),
        ({"language": "klingon"}, "/body/language"),
        ({"name": " "}, "/body/name"),
        ({"name": None}, "/body/name"),
        ({"birth_date": "2031-01-01"}, "/body/birth_date"),
        ({"birth_date": "1700-01-01"}, "/body/birth_date"),
        ({"accessibility_needs": ["wings"]}, "/body/accessibility_needs/0"),
        ({"nickname": "G"}, "/body/nickname"),
    ],
)
async def test_what_is_malformed_is_refused_whole(
    client: httpx.AsyncClient, scene: Scene, body: dict[str, object], pointer: str
) -> None:
    answer = await client.patch(
        "/v1/me/profile", json={"emergency_notes": "new", **body}, headers=scene.resident_headers
    )
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    unchanged = await client.get("/v1/me/profile", headers=scene.resident_headers)
    assert unchanged.json()["emergency_notes"] == "Oxygen in the kitchen"


async def test_only_staff_moves_a_resident_to_another_household(client: httpx.AsyncClient, scene: Scene) -> None:
    move = {"household": {"address": "9 Hill Street", "building": "B"}}
    refused = await client.patch("/v1/me/profile", json=move, headers=scene.resident_headers)
    assert refused.status_code == 403
    path = f"/v1/residents/{scene.resident.id}/profile"
    moved = await client.patch(path, json=move, headers=scene.staff_headers)
    assert moved.status_code == 200, moved.text
    assert moved.json()["household"]["address"] == "9 Hill Street"
    [entry] = await trail("profile:change")
    assert entry.details is not None
    assert "Hill" not in entry.details


async def test_everyone_with_an_account_has_one_to_read_and_change(client: httpx.AsyncClient, scene: Scene) -> None:
    account = await client.get("/v1/me/account", headers=scene.staff_headers)
    assert account.status_code == 200, account.text
    assert account.json()["memberships"][0]["role"] == "operator"
    assert account.json()["resident_id"] is None
    changed = await client.patch(
        "/v1/me/account",
        json={"language": "zh-CN"},
        headers=scene.staff_headers | {"If-Match": account.headers["etag"]},
    )
    assert changed.json()["language"] == "zh-CN"
    assert (await client.get("/v1/me/profile", headers=scene.staff_headers)).status_code == 404


async def test_staff_of_another_community_does_not_know_the_resident(client: httpx.AsyncClient, scene: Scene) -> None:
    other = await make.community(name="Hillside")
    stranger = await sign_in(await make.operator(other))
    assert (await client.get(f"/v1/residents/{scene.resident.id}/profile", headers=stranger)).status_code == 404


async def test_staff_tags_residents_and_everybody_concerned_sees_it(client: httpx.AsyncClient, scene: Scene) -> None:
    path, tags = f"/v1/residents/{scene.resident.id}/profile", {"tags": ["garden", " choir ", "choir"]}
    changed = await client.patch(path, json=tags, headers=scene.staff_headers)
    assert changed.json()["tags"] == ["choir", "garden"], changed.text
    assert (await client.get("/v1/me/profile", headers=scene.resident_headers)).json()["tags"] == ["choir", "garden"]
    assert (await client.patch("/v1/me/profile", json=tags, headers=scene.resident_headers)).status_code == 403
