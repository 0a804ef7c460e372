"""Residents: taken in by the operator, found by those who may see them."""

import httpx
import sqlalchemy as sa

from app.core.audit_tables import AuditEntry
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from app.identity.models import Resident
from app.identity.people.seals import national_id_index
from tests.factories import identity as make
from tests.factories.sign_in import sign_in
from tests.identity.conftest import Scene

_PATH = "/v1/residents"


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def test_the_operator_takes_a_resident_in(client: httpx.AsyncClient, scene: Scene) -> None:
    body = {
        "name": "  王  芳 ",
        "birth_date": "1938-02-28",
        "language": "zh-CN",
        "household": {"address": "3 Lake Road", "building": "3", "reference": "H-3"},
        "accessibility_needs": ["mobility"],
        "national_id": "110101193802280012",
        "reference": "R-2",
        "contact_points": [{"kind": "mobile", "value": "13811112222"}],
    }
    created = await client.post(_PATH, json=body, headers=scene.staff_headers)
    assert created.status_code == 201, created.text
    assert created.json()["name"] == "王 芳"
    assert created.json()["time_zone"] == "Asia/Shanghai"
    assert created.headers["location"].endswith(f"/{created.json()['resident_id']}/profile")
    taken = await client.post(_PATH, json={"name": "Other", "reference": "R-2"}, headers=scene.staff_headers)
    assert (taken.status_code, taken.json()["code"]) == (409, "reference_taken")
    bad = await client.post(
        _PATH, json={"name": "A", "contact_points": [{"kind": "mobile", "value": "1"}]}, headers=scene.staff_headers
    )
    assert bad.json()["errors"][0]["pointer"] == "/body/contact_points/0/value"
    assert names(await client.get(_PATH, headers=scene.staff_headers)) == ["Grace Hopper", "王 芳"]
    by_id = {"query": "110101 19380228 0012"}
    assert names(await client.get(_PATH, params=by_id, headers=scene.staff_headers)) == ["王 芳"]


async def test_only_staff_find_somebody_by_a_national_id(client: httpx.AsyncClient, scene: Scene) -> None:
    index = national_id_index("110101193802280012")
    async with unit_of_work() as session:
        chosen = table_of(Resident).c.id == scene.resident.id
        await session.execute(sa.update(table_of(Resident)).where(chosen).values(national_id_index=index))
    await make.grant(scene.resident, scene.daughter, ["profile:read"])
    by_id = {"query": "110101193802280012"}
    assert names(await client.get(_PATH, params=by_id, headers=scene.staff_headers)) == ["Grace Hopper"]
    assert names(await client.get(_PATH, params=by_id, headers=scene.daughter_headers)) == []
    assert names(await client.get(_PATH, params={"query": "grace"}, headers=scene.daughter_headers)) == ["Grace Hopper"]


async def test_a_household_of_another_community_is_unknown(client: httpx.AsyncClient, scene: Scene) -> None:
    elsewhere = await make.household(await make.community(name="Hillside"))
    body = {"name": "A", "household_id": str(elsewhere.id)}
    assert (await client.post(_PATH, json=body, headers=scene.staff_headers)).status_code == 404


async def test_only_the_operators_staff_takes_residents_in(client: httpx.AsyncClient, scene: Scene) -> None:
    agency = await make.organization(scene.community, "care_agency")
    coordinator = await sign_in(await make.staff(agency, "coordinator"))
    for headers in (coordinator, scene.resident_headers, scene.daughter_headers):
        assert (await client.post(_PATH, json={"name": "A"}, headers=headers)).status_code == 403


async def test_a_search_finds_names_numbers_and_references(client: httpx.AsyncClient, scene: Scene) -> None:
    await make.resident(scene.community, name="Ada 100%", phone="+8613900000009", reference="R-9")
    for query, expected in (
        ("hopper", ["Grace Hopper"]),
        ("139 0000 0009", ["Ada 100%"]),
        ("R-9", ["Ada 100%"]),
        ("0%", ["Ada 100%"]),
        ("%", ["Ada 100%"]),
        ("nobody", []),
        ("", ["Ada 100%", "Grace Hopper"]),
    ):
        assert names(await client.get(_PATH, params={"query": query}, headers=scene.staff_headers)) == expected


async def test_pages_follow_each_other_without_gap_or_repeat(client: httpx.AsyncClient, scene: Scene) -> None:
    for number in range(6):
        await make.resident(scene.community, name="Same Name" if number % 2 else f"Person {number}")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = await client.get(_PATH, params=params, headers=scene.staff_headers)
        assert answer.status_code == 200, answer.text
        seen += [item["resident_id"] for item in answer.json()["items"]]
        cursor = answer.json()["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    assert (await client.get(_PATH, params={"cursor": "x"}, headers=scene.staff_headers)).status_code == 422


async def test_everyone_finds_only_whom_they_may_see(client: httpx.AsyncClient, scene: Scene) -> None:
    await make.resident(scene.community, name="Somebody Else")
    agency = await make.organization(scene.community, "care_agency")
    carer = await sign_in(await make.staff(agency, "carer"))
    assert names(await client.get(_PATH, headers=scene.daughter_headers)) == []
    assert names(await client.get(_PATH, headers=carer)) == []
    await make.grant(scene.resident, scene.daughter, ["profile:read"])
    await make.agreement(agency, ["profile:read"], scene.resident)
    assert names(await client.get(_PATH, headers=scene.daughter_headers)) == ["Grace Hopper"]
    assert names(await client.get(_PATH, headers=carer)) == ["Grace Hopper"]
    assert names(await client.get(_PATH, headers=scene.resident_headers)) == ["Grace Hopper"]


async def test_each_resident_on_a_page_is_traced_but_oneself(client: httpx.AsyncClient, scene: Scene) -> None:
    other = await make.resident(scene.community, name="Somebody Else")
    await client.get(_PATH, params={"limit": "1"}, headers=scene.staff_headers)
    await client.get(_PATH, headers=scene.resident_headers)
    entries = table_of(AuditEntry)
    async with reading() as connection:
        listed = sa.select(entries.c.resident_id).where(entries.c.action == "residents:list")
        seen = list(await connection.scalars(listed))
    assert seen == [scene.resident.id]
    assert other.id not in seen
