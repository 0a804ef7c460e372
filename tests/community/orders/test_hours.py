"""Whoever is not there any more at the hour of an order of theirs: nobody waits for them in vain."""

import sqlalchemy as sa

from app.core.database import reading
from app.core.tables import table_of
from community.workers.models import Worker
from tests.community.orders.conftest import Scene, told, work

OFF = {"kind": "off", "starts": "2026-03-05T00:00:00", "ends": "2026-03-06T00:00:00"}


async def day_off(scene: Scene) -> None:
    rows = table_of(Worker)
    async with reading() as connection:
        worker_id = await connection.scalar(sa.select(rows.c.id).where(rows.c.account_id == scene.mei.id))
    path = f"/v1/organizations/{scene.provider.id}/workers/{worker_id}/exceptions"
    await scene.ask("POST", path, OFF, by=scene.keeper, expect=201)


async def test_a_day_off_takes_the_orders_of_that_day_along(scene: Scene) -> None:
    order = await scene.assigned()

    await day_off(scene)
    await work()

    seen = await scene.seen(order, scene.keeper)
    assert (seen["state"], seen["history"][-1]["reason"]) == ("placed", "hours")
    assert await told("order_unstaffed") == {"Nora"}


async def test_what_a_coordinator_gave_despite_the_hours_stays(scene: Scene) -> None:
    order = await scene.placed()
    await day_off(scene)
    body = {"worker_id": str(scene.mei.id), "despite": ["hours"]}
    await scene.do(order, "assignment", body, by=scene.keeper)

    await work()

    assert (await scene.seen(order, scene.keeper))["state"] == "assigned"
