"""The operator searches the trail: by person, deed and time, of their own community, and is seen doing it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.audit_entries import views
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

PATH = "/v1/audit-entries"
Headers = dict[str, str]

pytestmark = pytest.mark.usefixtures("clock")


async def entries(client: httpx.AsyncClient, headers: Headers, **query: Any) -> list[dict[str, Any]]:
    """Return what a search finds, the searches themselves left out."""
    answer = await client.get(PATH, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return [item for item in answer.json()["items"] if item["action"] != "audit_entry:list"]


async def test_the_operator_finds_what_was_done_by_whom_about_whom(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=1)
    boss = await identity.staff(scene.operator, "operator", name="Boss")
    operator, desk = await sign_in(boss), await sign_in(scene.desk)
    alarm = await alarms.raised(scene.resident)
    await client.get(f"/v1/alarms/{alarm.id}", headers=desk)
    await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=desk)
    await client.get(f"/v1/residents/{scene.resident.id}/alarms", headers=await sign_in(scene.circle[0]))

    found = await entries(client, operator)
    assert [(item["actor"], item["action"], item["resident"]) for item in found] == [
        (None, "alarm:list", None),  # a relative's name is not the house's to show
        ("Desk", "alarm:acknowledged", None),
        ("Desk", "alarm:read", None),
        (None, "alarm:raise", None),
    ]
    assert {item["resident_id"] for item in found} == {str(scene.resident.id)}
    assert found[1]["organizations"] == ["Operator"]
    assert (found[1]["is_reading"], found[2]["is_reading"]) == (False, True)

    by_desk = await entries(client, operator, actor_id=str(scene.desk.id))
    assert [item["action"] for item in by_desk] == ["alarm:acknowledged", "alarm:read"]
    about = await entries(client, operator, resident_id=str(scene.resident.id), action="alarm:read")
    assert [(item["action"], item["resident"]) for item in about] == [("alarm:read", "Grace")]
    things = await entries(client, operator, action="alarm", object_id=str(alarm.id))
    assert "alarm:acknowledged" in {item["action"] for item in things}
    assert await entries(client, operator, action="dose") == []


async def test_a_resident_finds_who_searched_for_them(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    boss = await identity.staff(scene.operator, "operator", name="Boss")
    await entries(client, await sign_in(boss), resident_id=str(scene.resident.id))

    own = await sign_in_resident(scene.resident)
    (item,) = (await client.get("/v1/me/data-accesses", headers=own)).json()["items"]

    assert (item["name"], item["action"], item["is_reading"]) == ("Boss", "audit_entry:list", True)
    assert item["explanation"] == "Boss looked at who looked at your data."


async def test_who_is_not_the_operator_searches_nothing(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=1)
    agency = await identity.organization(scene.community, "care_agency")
    coordinator = await identity.staff(agency, "coordinator")
    for person in (scene.desk, scene.circle[0], coordinator):
        assert (await client.get(PATH, headers=await sign_in(person))).status_code == 403
    assert (await client.get(PATH, headers=await sign_in_resident(scene.resident))).status_code == 403
    assert (await client.get(PATH)).status_code == 401


async def test_another_communitys_entries_are_not_found(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    await alarms.raised(scene.resident)
    elsewhere = await identity.community(name="Hillside")
    stranger = await sign_in(await identity.operator(elsewhere))

    assert await entries(client, stranger) == []
    assert await entries(client, stranger, resident_id=str(scene.resident.id)) == []
    own = await sign_in_resident(scene.resident)
    seen = (await client.get("/v1/me/data-accesses", headers=own)).json()["items"]
    assert "audit_entry:list" not in {item["action"] for item in seen}  # a stranger's search tells nobody anything


async def test_pages_follow_each_other_and_periods_have_an_end(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    boss = await identity.staff(scene.operator, "operator", name="Boss")
    alarm = await alarms.raised(scene.resident)
    desk = await sign_in(scene.desk)
    for _ in range(4):
        await client.get(f"/v1/alarms/{alarm.id}", headers=desk)
    clock.advance(timedelta(days=40))
    operator = await sign_in(boss)
    since = {
        "from": (clock.now() - timedelta(days=41)).isoformat(),
        "to": (clock.now() - timedelta(days=39)).isoformat(),
    }
    first = (await client.get(PATH, headers=operator, params={**since, "limit": 3})).json()
    rest = (await client.get(PATH, headers=operator, params={**since, "limit": 3, "cursor": first["next"]})).json()
    ids = [item["id"] for page in (first, rest) for item in page["items"]]
    assert (len(ids), len(set(ids)), rest["next"]) == (5, 5, None)
    assert await entries(client, operator) == []  # a month back, unless told otherwise

    far = {"from": (clock.now() - timedelta(days=60)).isoformat()}
    refused = await client.get(PATH, headers=operator, params=far)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/query/to"
    assert len(await entries(client, operator, **far, actor_id=str(scene.desk.id))) == 4
    assert (await client.get(PATH, headers=operator, params={"action": "x' OR 1=1"})).status_code == 422


async def test_what_one_person_did_is_found_by_them(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    boss = await identity.staff(scene.operator, "operator")
    await entries(client, await sign_in(boss), actor_id=str(scene.desk.id))
    async with unit_of_work() as session:
        await session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        statement = views._page(frozenset({"actor_id"}))
        connection = await session.connection()
        plain = str(statement.compile(dialect=connection.dialect))
        assert "core_audit_entry.actor_id = " in plain
        plan = await session.scalars(
            sa.text("EXPLAIN SELECT id FROM core_audit_entry WHERE actor_id = :who ORDER BY id DESC LIMIT 20"),
            {"who": scene.desk.id},
        )
        assert "actor" in "\n".join(plan)


async def test_for_whom_somebody_works_elsewhere_is_not_said(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene(circle=0)
    boss = await identity.staff(scene.operator, "operator", name="Boss")
    elsewhere = await identity.organization(await identity.community(name="Hillside"), "clinic", name="Hillside Clinic")
    await identity.membership(elsewhere, scene.desk, "clinician")
    alarm = await alarms.raised(scene.resident)
    await client.get(f"/v1/alarms/{alarm.id}", headers=await sign_in(scene.desk))

    (item,) = await entries(client, await sign_in(boss), actor_id=str(scene.desk.id))
    assert item["organizations"] == ["Operator"]
