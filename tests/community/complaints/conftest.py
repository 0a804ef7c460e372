"""Help that was had and paid on a card, and what is said of it."""

from datetime import timedelta
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from app.billing.authorizations import jobs as billing_jobs
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from community.complaints import jobs as complaint_jobs
from community.orders import jobs as order_jobs
from tests.community.orders import conftest as orders
from tests.community.orders.test_paying import card_of

scene, subscribed = orders.scene, orders.subscribed
"""Fixtures of the neighbours."""
Body = orders.Body
SAID = {"kind": "poor_work", "severity": "serious", "wish": "refund", "statement": "The windows are still dirty."}
_FROZEN = sa.text("SELECT coalesce(sum(amount), 0) FROM billing_freeze WHERE lifted_at IS NULL")


async def work() -> None:
    """Run what the worker does for orders, complaints and their money until nothing is left to do."""
    await settle([*RELAY_JOBS, *billing_jobs.JOBS, *order_jobs.JOBS, *complaint_jobs.JOBS])


async def done(scene: orders.Scene, clock: ManualClock, **changes: Any) -> Body:
    """Have Mei do what was ordered for Thursday, in two hours."""
    order = await scene.placed(**changes)
    await work()
    await scene.do(order, "assignment", {"worker_id": str(scene.mei.id)}, by=scene.keeper)
    clock.set(orders.THURSDAY)
    code = (await scene.seen(order))["start_code"]
    await scene.do(order, "start", {"code": code}, by=scene.worker)
    clock.advance(timedelta(hours=2))
    await scene.do(order, "completion", {"done": ["kitchen"]}, by=scene.worker)
    await work()
    return await scene.seen(order)


async def frozen() -> int:
    """Return how much is not paid out because of complaints."""
    async with reading() as connection:
        return int(await connection.scalar(_FROZEN) or 0)


@pytest_asyncio.fixture(loop_scope="session")
async def paid(scene: orders.Scene, clock: ManualClock) -> Body:
    """Help that was had, and paid on the resident's card."""
    card = await card_of((await orders.account_of(scene.grace)).id, scene.place.id)
    order = await done(scene, clock, payment_method="card", payment_method_id=card)
    assert (order["state"], order["payment"]["paid"]) == ("closed", orders.TOTAL)
    return order
