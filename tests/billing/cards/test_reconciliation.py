"""The gateway's books against ours: what lags is looked at again, what has no counterpart is reported, once."""

from datetime import timedelta

import sqlalchemy as sa

from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.port import Wanted
from app.billing.reconciliation.service import reconcile
from app.core.clock import new_id
from app.core.database import reading, unit_of_work
from app.identity.models import Account
from notifications.delivery.models import DELIVERIES
from tests.billing.cards.conftest import Buyer
from tests.billing.cards.test_webhooks import odd
from tests.emulators.stripe import money
from tests.factories import identity

AN_HOUR = timedelta(hours=1)


async def test_books_that_agree_are_left_alone(buyer: Buyer) -> None:
    await buyer.authorized()
    await buyer.settle(8_000)
    await buyer.work()
    await buyer.refund(1_000)
    await buyer.work()
    buyer.clock.advance(AN_HOUR)
    compared = await reconcile()
    assert (compared.seen, compared.mended, compared.reported) == (2, 0, 0)


async def test_what_no_webhook_told_is_found_and_mended(buyer: Buyer) -> None:
    await buyer.authorized()
    await buyer.settle(8_000)
    await buyer.work()
    await buyer.refund(1_000)
    await buyer.work()
    money.end_refund(buyer.stripe.state, (await buyer.refunds())[0].ref, "failed")
    buyer.clock.advance(AN_HOUR)
    assert (await reconcile()).mended == 1
    await buyer.work()
    assert ((await buyer.refunds())[0].state, (await buyer.charge()).paid_amount) == ("failed", 8_000)


async def test_what_the_gateway_alone_knows_is_reported_once(buyer: Buyer) -> None:
    gateway = chosen_gateway()
    assert gateway is not None
    customer = buyer.stripe.state.objects[buyer.card]["customer"]
    other = await gateway.authorize(str(new_id()), Wanted(500, "EUR", customer, buyer.card, True, "elsewhere"))
    await gateway.close()
    buyer.clock.advance(AN_HOUR)
    assert [(await reconcile()).reported for _ in range(2)] == [1, 0]
    assert await odd() == [("payment", other.ref, "unknown")]


async def test_what_we_alone_know_is_reported_and_settled_once_it_is_there(buyer: Buyer) -> None:
    operator = await identity.operator(await identity.community_of(await _account(buyer)))
    await buyer.authorized()
    (payment,) = await buyer.payments()
    hidden = buyer.stripe.state.objects.pop(payment.ref)
    buyer.clock.advance(AN_HOUR)
    assert (await reconcile()).reported == 1
    assert await odd() == [("payment", payment.ref, "missing")]
    async with reading() as connection:
        told = await connection.execute(sa.select(DELIVERIES.c.notice_key, DELIVERIES.c.account_id))
        assert ("billing.books_differ", operator.id) in {(row.notice_key, row.account_id) for row in told}
    buyer.stripe.state.objects[payment.ref] = hidden
    await reconcile()
    assert await odd() == []


async def test_amounts_that_differ_are_reported(buyer: Buyer) -> None:
    await buyer.authorized()
    await buyer.settle(8_000)
    await buyer.work()
    (payment,) = await buyer.payments()
    buyer.stripe.state.objects[payment.ref]["amount_received"] = 8_001
    buyer.clock.advance(AN_HOUR)
    assert (await reconcile()).reported == 1
    assert await odd() == [("payment", payment.ref, "amount")]


async def test_a_second_hold_for_one_row_is_reported(buyer: Buyer) -> None:
    await buyer.authorized()
    (payment,) = await buyer.payments()
    gateway = chosen_gateway()
    assert gateway is not None
    customer = buyer.stripe.state.objects[buyer.card]["customer"]
    second = await gateway.authorize(str(new_id()), Wanted(10_000, "EUR", customer, buyer.card, True, str(payment.id)))
    await gateway.close()
    assert set(await buyer.tell()) == {204}
    assert await odd() == [("payment", second.ref, "unknown")]
    buyer.clock.advance(AN_HOUR)
    assert (await reconcile()).reported == 0  # it is known that nobody knows it


async def _account(buyer: Buyer) -> Account:
    async with unit_of_work() as session:
        return await session.get_one(Account, buyer.resident.account_id)
