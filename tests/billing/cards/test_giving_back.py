"""What is waived is given back once: not what is on its way, not what came back, and never less than was paid."""

from datetime import timedelta

from tests.billing.cards.conftest import Buyer
from tests.emulators.stripe import money


async def given_back(buyer: Buyer) -> list[tuple[int, str]]:
    return [(one.amount, one.state) for one in await buyer.refunds()]


async def test_what_could_not_be_given_back_on_the_card_is_not_given_back_with_the_next(buyer: Buyer) -> None:
    await buyer.authorized()
    await buyer.settle(10_000)
    await buyer.work()
    await buyer.refund(3_000)
    await buyer.work()
    money.end_refund(buyer.stripe.state, (await buyer.refunds())[0].ref, "failed")
    await buyer.tell()

    await buyer.refund(1_000)
    await buyer.work()

    # The first 3,000 go another way: that was told.
    assert await given_back(buyer) == [(3_000, "failed"), (1_000, "succeeded")]
    assert (await buyer.charge()).paid_amount == 9_000
    await buyer.refund(6_000)
    await buyer.work()
    assert await given_back(buyer) == [(3_000, "failed"), (1_000, "succeeded"), (6_000, "succeeded")]
    assert (await buyer.charge()).paid_amount == 3_000


async def test_what_came_too_late_is_no_part_of_what_is_given_back_later(buyer: Buyer) -> None:
    await buyer.authorized()
    await buyer.settle(10_000)
    await buyer.refund(3_000)  # nothing has been taken yet
    await buyer.work()
    assert await given_back(buyer) == [(3_000, "succeeded")]

    await buyer.refund(2_000)
    await buyer.work()

    assert await given_back(buyer) == [(3_000, "succeeded"), (2_000, "succeeded")]
    charge = await buyer.charge()
    assert (charge.state, charge.paid_amount) == ("paid", 5_000)
    assert next(buyer.stripe.state.all_of("charge"))["amount_refunded"] == 5_000


async def test_what_is_on_its_way_back_is_not_given_back_once_more(buyer: Buyer) -> None:
    buyer.stripe.state.objects[buyer.card]["_is"] = {"refund": "pending"}
    await buyer.authorized()
    await buyer.settle(10_000)
    await buyer.work()
    await buyer.refund(9_000)
    await buyer.work()
    await buyer.refund(1_000)
    await buyer.work()
    assert await given_back(buyer) == [(9_000, "pending"), (1_000, "pending")]
    for one in await buyer.refunds():
        money.end_refund(buyer.stripe.state, one.ref, "succeeded")
    await buyer.later(timedelta(hours=6))
    assert (await buyer.charge()).paid_amount == 0
