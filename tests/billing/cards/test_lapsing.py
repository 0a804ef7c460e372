"""What is owed when a promise has lapsed, what an extension takes with it, and who waits for whom meanwhile."""

import asyncio
from datetime import timedelta

from app.billing import api as billing
from app.billing.authorizations import jobs, repository
from app.billing.authorizations.models import AUTHORIZATIONS
from app.billing.gateways.choosing import chosen_gateway
from app.core.clock import new_id
from app.core.database import reading, unit_of_work
from tests.billing.cards.conftest import Buyer


async def promised(buyer: Buyer) -> int:
    async with reading() as connection:
        found = await billing.authorizations_for(connection, "home_order", [buyer.reference])
    return found[buyer.reference].amount


async def extend(buyer: Buyer, amount: int) -> None:
    async with unit_of_work() as session:
        await billing.extend_authorization(session, *buyer.of, amount)
    await buyer.work()


async def test_what_is_done_after_its_promise_lapsed_is_owed_through_the_platform(buyer: Buyer) -> None:
    await buyer.authorized()
    buyer.stripe.card_turns(buyer.card, "expired_card", "expired_card")
    await buyer.later(timedelta(days=6, hours=13))
    await buyer.later(timedelta(hours=11))
    assert await buyer.state() == "lapsed"

    await buyer.settle(8_000)
    await buyer.work()

    charge = await buyer.charge()
    assert (charge.state, charge.collected_by, charge.paid_amount) == ("open", "platform", 0)
    assert await buyer.state() == "settled"
    assert await buyer.states() == ["lapsed", "declined"]
    await buyer.refund(8_000)
    assert (await buyer.charge()).state == "paid"  # nothing of it is owed any more


async def test_an_extension_that_the_bank_refuses_is_told_and_takes_nothing_with_it(buyer: Buyer) -> None:
    await buyer.authorized(10_000)
    buyer.stripe.card_turns(buyer.card, "card_declined", "insufficient_funds")
    await extend(buyer, 13_000)

    assert (await buyer.state(), await promised(buyer)) == ("authorized", 10_000)
    assert await buyer.told() == ["authorization_succeeded", "authorization_failed"]
    await buyer.settle(13_000)
    await buyer.work()
    charge = await buyer.charge()
    assert (charge.state, charge.paid_amount) == ("open", 10_000)


async def test_an_extension_that_lapses_takes_nothing_with_it(buyer: Buyer) -> None:
    await buyer.authorized(10_000)
    await extend(buyer, 13_000)
    (_, more) = await buyer.payments()
    buyer.stripe.card_turns(buyer.card, "card_declined", "insufficient_funds")
    gateway = chosen_gateway()
    assert gateway is not None
    await gateway.cancel(str(new_id()), more.ref)  # the bank lets go of it before its time
    await gateway.close()
    await buyer.tell()

    assert await buyer.states() == ["authorized", "lapsed"]
    assert (await buyer.state(), await promised(buyer)) == ("authorized", 10_000)


async def test_who_renews_a_hold_never_waits_for_who_is_taking_it(buyer: Buyer) -> None:
    await buyer.authorized()
    buyer.clock.advance(timedelta(days=6, hours=13))
    async with reading() as connection:
        authorization_id = await connection.scalar(AUTHORIZATIONS.select().with_only_columns(AUTHORIZATIONS.c.id))
    assert authorization_id is not None
    async with unit_of_work() as session:
        await repository.lock(session, authorization_id)
        async with asyncio.timeout(5):
            await jobs.renew_holds()
            await repository.lock_card_payments(session, authorization_id)
    await buyer.later(timedelta(minutes=2))
    assert await buyer.states() == ["cancelled", "authorized"]
