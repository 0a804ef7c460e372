"""A provider's desk: its orders with whom they are for and where, and its people's day with the ways between."""

from datetime import timedelta

import sqlalchemy as sa

from app.core.audit_tables import AuditEntry
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.tables import table_of
from tests.community.order_dispatch.conftest import HOME, THURSDAY, Scene
from tests.factories import community_workers as workers
from tests.factories import identity, sign_in

_DAY = "since=2026-03-04T16:00:00Z&until=2026-03-05T16:00:00Z"


def _board(scene: Scene) -> str:
    return f"/v1/organizations/{scene.provider.id}/order-board?{_DAY}"


def _days(scene: Scene, day: str = "2026-03-05") -> str:
    return f"/v1/organizations/{scene.provider.id}/worker-days?date={day}"


async def test_the_board_says_for_whom_and_where_and_who_is_looked_for(scene: Scene) -> None:
    order = await scene.placed()
    (shown,) = (await scene.ask("GET", _board(scene), by=scene.keeper))["items"]
    assert (shown["id"], shown["state"], shown["worker"]) == (order["id"], "assigned", "Ai")
    assert (shown["building"], shown["latitude"], shown["asked"]) == ("7", HOME[0], 0)
    assert shown["name"]
    async with reading() as connection:
        table = table_of(AuditEntry)
        seen = await connection.execute(sa.select(table.c.resident_id).where(table.c.action == "orders:list_day"))
        assert scene.grace.id in {row.resident_id for row in seen}


async def test_why_nobody_was_found_is_a_sentence_on_the_board(scene: Scene) -> None:
    await scene.placed(wished_sex="male")
    (shown,) = (await scene.ask("GET", _board(scene), by=scene.keeper))["items"]
    assert (shown["state"], shown["why"]) == ("placed", "sex")
    assert shown["explanation"] == "The resident wished for a woman, or for a man."


async def test_what_is_over_says_no_address_any_more(scene: Scene) -> None:
    order = await scene.placed()
    await scene.ask("POST", f"/v1/home-orders/{order['id']}/cancellation", {"reason": "other"}, by=scene.keeper)
    (shown,) = (await scene.ask("GET", _board(scene), by=scene.keeper))["items"]
    assert (shown["state"], shown["address"], shown["latitude"]) == ("cancelled", None, None)


async def test_nobody_but_the_providers_desk_and_the_operator_sees_the_board_or_the_days(scene: Scene) -> None:
    await scene.placed()
    other = await identity.organization(scene.place, "provider", name="Another")
    rival = await sign_in.session_of(
        await identity.staff(other, "coordinator", name="Rival", phone="+8613800000009"), second_factor=True
    )
    for path in (_board(scene), _days(scene)):
        await scene.ask("GET", path, by=rival, expect=404)
        await scene.ask("GET", path, by=await scene.by("Ai"), expect=403)
        await scene.ask("GET", path, by=scene.resident, expect=404)
        await scene.ask("GET", path, by=scene.operator)


async def test_whom_an_order_is_for_is_told_to_whoever_comes_until_it_is_done(scene: Scene, clock: ManualClock) -> None:
    order = await scene.placed()
    path = f"/v1/home-orders/{order['id']}/customer"
    mine = await scene.by("Ai")
    assert (await scene.ask("GET", path, by=mine)) == (await scene.ask("GET", path, by=scene.keeper))
    await scene.ask("GET", path, by=await scene.by("Bo"), expect=404)
    await scene.ask("GET", path, by=scene.resident, expect=403)
    await scene.ask("POST", f"/v1/home-orders/{order['id']}/unassignment", {"reason": "other"}, by=scene.keeper)
    await scene.ask("GET", path, by=mine, expect=404)


async def test_a_day_has_hours_tasks_and_ways_and_says_what_is_too_near(scene: Scene) -> None:
    await scene.placed()
    await scene.placed(THURSDAY + timedelta(hours=4), wished_worker_id=str(scene.people["Ai"].id))
    day = await scene.ask("GET", _days(scene), by=scene.keeper)
    (ai,) = [one for one in day["items"] if one["worker"] == "Ai"]
    assert ai["hours"] == [{"starts_at": day["starts_at"], "ends_at": day["ends_at"]}]
    first, second = ai["tasks"]
    assert first["way"] == "PT0S"
    assert (second["is_late"], second["is_outside_hours"]) == (False, False)
    assert [len(one["tasks"]) for one in day["items"] if one["worker"] != "Ai"] == [0, 0, 0]


async def test_who_is_off_and_what_is_done_for_another_provider_is_said_and_no_more(scene: Scene) -> None:
    other = await identity.organization(scene.place, "provider", name="Another")
    row = await workers.worker(scene.provider, await identity.staff(scene.provider, "worker", name="Eve"), hours=[])
    await scene.placed()
    keeper = await identity.staff(other, "coordinator", name="Rival", phone="+8613800000009")
    rival = await sign_in.session_of(keeper, second_factor=True)
    await identity.membership(other, scene.people["Ai"], "worker")
    await workers.worker(other, scene.people["Ai"], display_name="Ai")
    day = await scene.ask("GET", f"/v1/organizations/{other.id}/worker-days?date=2026-03-05", by=rival)
    (ai,) = day["items"]
    (task,) = ai["tasks"]
    assert (task["order_id"], task["way"]) == (None, None)
    shown = await scene.ask("GET", _days(scene), by=scene.keeper)
    (eve,) = [one for one in shown["items"] if one["worker_id"] == str(row.id)]
    assert (eve["hours"], eve["is_sent"]) == ([], True)
