"""What the gateway tells of transfers, and what its list of them says, agrees with our books or is reported."""

from datetime import timedelta

import sqlalchemy as sa

from app.billing.gateway_events.models import EVENTS
from app.billing.gateway_events.service import replay
from app.billing.gateways.choosing import chosen_gateway
from app.billing.reconciliation.models import DISCREPANCIES
from app.billing.reconciliation.service import reconcile
from app.core.clock import new_id, now
from app.core.database import reading
from tests.billing.payouts.conftest import Seller
from tests.emulators.stripe import Fault

AN_HOUR = timedelta(hours=1)


async def odd() -> list[tuple[str, str, int | None, int | None]]:
    async with reading() as connection:
        found = await connection.execute(sa.select(DISCREPANCIES).where(DISCREPANCIES.c.about == "transfer"))
        return [(row.found, row.ref, row.our_amount, row.their_amount) for row in found]


async def test_a_transfer_whose_answer_was_lost_is_known_by_its_webhook(ready: Seller) -> None:
    await ready.paid(10_000)
    ready.stripe.faults.append(Fault("cut_after", on="POST /v1/transfers"))
    await ready.cut_off()
    assert await ready.states() == [("wanted", 10_000)]
    told = [one for one in ready.stripe.state.events if one["type"] == "transfer.created"]
    await ready.tell(told * 2)
    await ready.work()
    assert await ready.states() == [("sent", 10_000)]
    async with reading() as connection:
        outcomes = await connection.execute(sa.select(EVENTS.c.outcome).where(EVENTS.c.kind == "transfer.created"))
        assert [row.outcome for row in outcomes] == ["known"]
    assert await replay([told[0]["id"]], None) == 1
    await ready.work()
    assert await ready.states() == [("sent", 10_000)]
    await ready.holds()


async def test_the_list_of_transfers_mends_and_agrees(ready: Seller) -> None:
    await ready.paid(10_000)
    ready.stripe.faults.append(Fault("cut_after", on="POST /v1/transfers"))
    await ready.cut_off()
    ready.buyer.clock.advance(AN_HOUR)
    assert (await reconcile()).mended == 1
    await ready.work()
    assert await ready.states() == [("sent", 10_000)]
    compared = await reconcile()
    assert (compared.mended, compared.reported, await odd()) == (0, 0, [])


async def test_what_came_back_of_a_transfer_behind_our_back_is_reported_once(ready: Seller) -> None:
    await ready.paid(10_000)
    await ready.cut_off()
    (transfer,) = await ready.transfers()
    gateway = chosen_gateway()
    assert gateway is not None
    await gateway.reverse_transfer(str(new_id()), transfer.ref, 3_000)
    account = next(iter(ready.stripe.state.all_of("account")))["id"]
    unknown = await gateway.transfer(str(new_id()), account, 1, "EUR", str(new_id()))
    await gateway.close()
    ready.buyer.clock.advance(AN_HOUR)
    assert (await reconcile()).reported == 2
    assert sorted(await odd()) == [("amount", transfer.ref, 10_000, 7_000), ("unknown", unknown.ref, None, 1)]
    assert (await reconcile()).reported == 0


async def test_a_transfer_the_gateway_does_not_list_is_reported(ready: Seller) -> None:
    await ready.paid(10_000)
    await ready.cut_off()
    (transfer,) = await ready.transfers()
    del ready.stripe.state.objects[transfer.ref]
    ready.buyer.clock.set(now() + AN_HOUR)
    assert (await reconcile()).reported == 1
    assert [found for found, *_ in await odd()] == ["missing"]
