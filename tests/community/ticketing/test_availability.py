"""How many places are left of a season, in one statement, for anybody, and only when it has changed."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.reservations.api import Portion, allocate
from community.attractions.models import Attraction
from community.ticketing import views
from community.ticketing.models import TicketSlot
from community.ticketing.schemas.shown import AttractionAvailability
from tests.asking import statements
from tests.community.ticketing.conftest import TUESDAY, Scene, sold

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_sql_writes_is_what_the_schema_says(
    scene: Scene, database: Database, document: dict[str, Any]
) -> None:
    adult, companion = await scene.product(), await scene.product("companion", kind="companion")
    quota = {"code": "c", "name": {"en": "c", "zh-CN": "c"}, "scope": "slot", "capacity": 3}
    await scene.keep("ticket-quotas", quota | {"product_ids": [companion["id"]]})
    await scene.keep("ticket-quotas", quota | {"code": "d", "product_ids": [adult["id"]], "capacity": 9})
    await scene.keep("ticket-quotas", quota | {"code": "e", "scope": "day", "capacity": 15})
    await scene.season(language="zh-CN", product_ids=[adult["id"], companion["id"]])
    last = (await scene.available())[-1]
    await scene.ask("POST", f"{scene.of}/ticket-slots/{last['id']}/cancellation", {"reason": "weather"})
    await scene.change((await scene.available())[0], state="closed")

    answer = await scene.client.get(f"/v1/attractions/{scene.attraction_id}/availability")
    assert answer.headers["content-type"] == "application/json"
    found = AttractionAvailability.model_validate_json(answer.content, extra="forbid")
    assert len(found.slots) == 5, "a closed slot is nobody's business"
    slot = answer.json()["slots"][0]
    assert set(slot) == set(type(found.slots[0]).model_fields), "nothing is left out either"
    assert (found.slots[0].left, sorted(one.left for one in found.slots[0].limits)) == (15, [3, 9])
    assert found.slots[0].starts_at == TUESDAY + timedelta(hours=2)
    assert (found.slots[-1].state, found.slots[-1].reason) == ("cancelled", "weather")
    assert (await scene.client.get("/openapi.json")).json() == document
    shown = document["paths"]["/v1/attractions/{attraction_id}/availability"]["get"]["responses"]["200"]["content"]
    assert shown["application/json"]["schema"]["$ref"].endswith("/AttractionAvailability")


async def test_a_season_is_one_statement_and_holds_that_are_over_are_left(
    scene: Scene, database: Database, clock: ManualClock
) -> None:
    season = await scene.season()
    slot = (await scene.available())[0]
    await sold(slot["id"], 4)
    async with unit_of_work() as session:
        row = await session.get_one(TicketSlot, uuid.UUID(slot["id"]))
        until = clock.now() + timedelta(minutes=15)
        await allocate(session, [Portion(row.pool_id, 6, row.id)], origin_kind="test", hold_until=until)
    assert (await scene.available())[0]["left"] == 10
    clock.advance(timedelta(minutes=15))
    assert (await scene.available())[0]["left"] == 16, "nobody has put it back yet"
    assert (await scene.ask("GET", f"{scene.of}/ticket-slots/{slot['id']}"))["taken"] == 4
    async with reading() as connection, statements(connection) as seen:
        found = await views.availability(connection, scene.attraction_id, TUESDAY, TUESDAY + timedelta(days=9))
    assert len(seen) == 1
    assert "reservations_pool" in seen[0]
    assert len(AttractionAvailability.model_validate_json(found).slots) == season["made"]["created"]


async def test_who_asks_again_is_told_that_nothing_changed(scene: Scene) -> None:
    await scene.season()
    path = f"/v1/attractions/{scene.attraction_id}/availability"
    first = await scene.client.get(path)
    assert (first.status_code, first.headers["cache-control"]) == (200, "public, max-age=5")
    again = await scene.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    await sold(first.json()["slots"][0]["id"], 1)
    assert (await scene.client.get(path, headers={"If-None-Match": first.headers["etag"]})).status_code == 200


async def test_what_is_asked_for_is_a_season_at_most_and_public(scene: Scene) -> None:
    path = f"/v1/attractions/{scene.attraction_id}/availability"
    for query, pointer in (
        ({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "/query/to"),
        ({"to": "2029-03-01T00:00:00Z"}, "/query/to"),
        ({"from": "yesterday"}, "/query/from"),
    ):
        refused = await scene.client.get(path, params=query)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await scene.client.get(path)).json() == {
        "attraction_id": str(scene.attraction_id),
        "slots": [],
        "next": None,
    }
    async with unit_of_work() as session:
        (await session.get_one(Attraction, scene.attraction_id)).state = "draft"
    for what in ("availability", "ticket-offer"):
        hidden = await scene.client.get(f"/v1/attractions/{scene.attraction_id}/{what}")
        assert hidden.status_code == 404
