"""Tips: all of it to the provider, once, and no more than the work cost."""

from datetime import timedelta

import pytest_asyncio
import sqlalchemy as sa

from app.billing.charges.models import PlatformFee
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from community.tips import rules
from community.tips.models import TIPS
from tests.billing.test_ledger import balances
from tests.community.complaints.conftest import done, work
from tests.community.orders import conftest as orders
from tests.community.orders.conftest import TOTAL, Body, Scene, account_of, told
from tests.community.orders.test_paying import card_of

scene, subscribed = orders.scene, orders.subscribed
"""Fixtures of the neighbours."""
CASH = {"amount": 1_000, "method": "cash"}


@pytest_asyncio.fixture(loop_scope="session")
async def order(scene: Scene, clock: ManualClock) -> Body:
    """Help that was had, to be paid to the provider."""
    return await done(scene, clock)


async def test_a_tip_on_a_card_is_wholly_the_providers(scene: Scene, order: Body) -> None:
    async with unit_of_work() as session:
        session.add(
            PlatformFee(community_id=scene.place.id, organization_id=scene.provider.id, rate=1_000, set_by=scene.mei.id)
        )
    before = await balances()
    card = await card_of((await account_of(scene.grace)).id, scene.place.id)
    body = {"amount": 2_000, "method": "card", "payment_method_id": card}
    given = await scene.do(order, "tip", body, expect=201)
    await work()

    assert (given["state"], await told("tip_given")) == ("pending", {"Li Mei"})
    seen = await scene.ask("GET", f"/v1/home-orders/{order['id']}/tip", by=scene.worker)
    assert (seen["state"], seen["amount"]) == ("paid", 2_000)
    after = await balances()
    assert {kind: amount - before.get(kind, 0) for kind, amount in after.items()} == {
        "card": 2_000,
        "payable": -2_000,
        "receivable": 0,
    }


async def test_a_card_that_is_refused_leaves_room_for_another_tip(scene: Scene, order: Body) -> None:
    card = await card_of((await account_of(scene.grace)).id, scene.place.id, "9995")
    await scene.do(order, "tip", {"amount": 500, "method": "card", "payment_method_id": card}, expect=201)
    await work()
    assert await told("tip_failed") == {"Grace"}
    assert (await scene.do(order, "tip", CASH, expect=201))["state"] == "paid"


async def test_cash_is_written_down_once_and_moves_nothing(scene: Scene, order: Body) -> None:
    before = await balances()
    await scene.do(order, "tip", CASH, by=scene.daughter, expect=201)
    twice = await scene.do(order, "tip", CASH, expect=409)

    assert (twice["code"], await told("tip_given")) == ("tip_exists", {"Li Mei"})
    assert await balances() == before


async def test_what_is_no_tip(scene: Scene, order: Body, clock: ManualClock) -> None:
    much = await scene.do(order, "tip", CASH | {"amount": TOTAL + 1}, expect=409)
    nameless = await scene.do(order, "tip", {"amount": 500, "method": "card"}, expect=422)
    await scene.do(order, "tip", CASH, by=scene.worker, expect=403)
    clock.advance(rules.WITHIN)
    late = await scene.do(order, "tip", CASH, expect=409)

    assert (much["code"], much["most"], nameless["code"], late["code"]) == (
        "tip_too_large",
        TOTAL,
        "malformed",
        "no_tip_now",
    )
    async with reading() as connection:
        assert (await connection.execute(sa.select(TIPS))).all() == []
    assert timedelta(days=7) == rules.WITHIN
