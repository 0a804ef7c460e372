"""What Stripe tells: believed if it is signed, taken once, in any order, and never lost."""

import asyncio
import random
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from app.billing.gateway_events.models import EVENTS
from app.billing.gateway_events.service import replay
from app.billing.reconciliation.models import DISCREPANCIES
from app.core.clock import now
from app.core.database import reading
from tests.billing.cards.conftest import WEBHOOKS, Buyer
from tests.emulators.stripe import Fault, money
from tests.emulators.stripe.server import CONNECT_SECRET


async def kept() -> dict[str, str]:
    async with reading() as connection:
        return {row.kind: row.outcome for row in await connection.execute(sa.select(EVENTS).order_by(EVENTS.c.id))}


async def odd() -> list[tuple[str, str, str]]:
    async with reading() as connection:
        found = await connection.execute(sa.select(DISCREPANCIES).where(DISCREPANCIES.c.resolved_at.is_(None)))
        return [(row.about, row.ref, row.found) for row in found]


async def test_what_is_forged_changes_nothing(buyer: Buyer) -> None:
    await buyer.authorize()
    await buyer.work()
    event = next(one for one in buyer.stripe.state.events if one["type"] == "payment_intent.amount_capturable_updated")
    body = orjson.dumps(event)
    old, at = buyer.stripe.sign(body, at=1), buyer.stripe.state.now
    # The first instant is the signed one, however it is written.
    again = [f"{old},t={at}", f"{old.replace('t=1', 't=0_1')},t={at}", f" {old},t={at}", f"t={at},{old}"]
    bare = ["", "t=1,v1=00", f"t={at},v1=\u00e9", buyer.stripe.sign(body, "whsec_other")]
    for signature in [*bare, old, *again]:
        answer = await buyer.client.post(
            WEBHOOKS, content=body, headers={b"Stripe-Signature": signature.encode("latin-1")}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "forged_webhook")
    answer = await buyer.client.post(WEBHOOKS, content=body)
    assert answer.status_code == 400
    assert await kept() == {}


async def test_what_is_too_long_is_not_read(buyer: Buyer) -> None:
    body = b" " * (2 << 20)
    answer = await buyer.client.post(WEBHOOKS, content=body, headers={"Stripe-Signature": buyer.stripe.sign(body)})
    assert answer.status_code == 413


async def test_what_is_told_twice_or_at_once_is_kept_once(buyer: Buyer) -> None:
    await buyer.authorized()
    events = list(buyer.stripe.state.events)
    answers = await asyncio.gather(*(buyer.stripe.deliver(buyer.client, WEBHOOKS, events) for _ in range(3)))
    assert {status for statuses in answers for status in statuses} == {204}
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(EVENTS)) == len(events)


@pytest.mark.parametrize("seed", range(4))
async def test_in_whatever_order_it_is_told_it_comes_to_the_same(buyer: Buyer, seed: int) -> None:
    buyer.stripe.state.objects[buyer.card]["_is"] = {"asks": True}
    await buyer.authorize()
    await buyer.work()
    buyer.stripe.proves((await buyer.payments())[0].ref)
    await buyer.later()
    await buyer.settle(9_000)
    await buyer.work()
    await buyer.refund(1_000)
    await buyer.work()
    before = await buyer.states(), await buyer.state(), (await buyer.charge()).paid_amount, await buyer.told()
    events = list(buyer.stripe.state.events) * 2
    random.Random(seed).shuffle(events)
    assert set(await buyer.tell(events)) == {204}
    assert before == (await buyer.states(), await buyer.state(), (await buyer.charge()).paid_amount, await buyer.told())
    assert before[0] == ["captured"]


async def test_what_is_told_before_the_answer_is_there_is_known_by_our_own_id(buyer: Buyer) -> None:
    buyer.stripe.faults.append(Fault("cut_after"))
    await buyer.authorize()
    await buyer.work()
    (payment,) = await buyer.payments()
    assert (payment.state, payment.ref) == ("new", None)
    assert set(await buyer.tell()) == {204}
    (payment,) = await buyer.payments()
    assert (payment.state, payment.ref is not None) == ("authorized", True)
    assert set((await kept()).values()) == {"known"}


async def test_what_nobody_knows_is_kept_and_reported_and_can_be_replayed(buyer: Buyer) -> None:
    await buyer.authorized()
    intent = {"id": "pi_999999", "object": "payment_intent", "status": "requires_capture", "amount": 5, "metadata": {}}
    assert await buyer.tell(
        [_event("payment_intent.succeeded", intent), _event("product.created", {"id": "prod_1"})]
    ) == [
        204,
        204,
    ]
    assert await kept() == {"payment_intent.succeeded": "unknown", "product.created": "kept"}
    assert await odd() == [("payment", "pi_999999", "unknown")]
    assert await replay([], now()) == 0
    known = next(one for one in buyer.stripe.state.events if one["type"] == "payment_intent.created")
    await buyer.tell([known])
    assert await replay([known["id"]], None) == 1
    assert [one.wish for one in await buyer.payments()] == ["look"]
    await buyer.work()
    assert await buyer.states() == ["authorized"]


async def test_nothing_of_who_paid_is_kept(buyer: Buyer) -> None:
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": 700,
        "status": "succeeded",
        "billing_details": {"name": "A Resident", "email": "a@example.org"},
        "payment_method_details": {"card": {"last4": "4242"}},
        "receipt_email": "a@example.org",
    }
    await buyer.tell([_event("charge.updated", charge)])
    async with reading() as connection:
        body = await connection.scalar(sa.select(EVENTS.c.body))
    assert body == {"id": "ch_1", "object": "charge", "amount": 700, "status": "succeeded"}


async def test_disputes_are_known_and_an_account_of_nobody_is_not(buyer: Buyer) -> None:
    await buyer.authorized()
    await buyer.settle(10_000)
    await buyer.work()
    buyer.stripe.state.events.clear()
    dispute = money.dispute(buyer.stripe.state, (await buyer.payments())[0].ref)
    account = money.open_account(buyer.stripe.state, {"country": "DE"})
    money.onboard(buyer.stripe.state, account["id"])
    money.decide(buyer.stripe.state, dispute["id"], "lost")
    assert set(await buyer.tell()) == {204}
    assert await kept() == {
        "charge.dispute.created": "known",
        "charge.dispute.funds_withdrawn": "known",
        "account.updated": "unknown",  # no organization of ours has it
        "charge.dispute.closed": "known",
    }


async def test_the_events_of_accounts_are_signed_with_a_secret_of_their_own(buyer: Buyer) -> None:
    body = orjson.dumps(_event("account.updated", {"id": "acct_1", "object": "account"}))
    headers = {"Stripe-Signature": buyer.stripe.sign(body, CONNECT_SECRET)}
    assert (await buyer.client.post(WEBHOOKS, content=body, headers=headers)).status_code == 204


def _event(kind: str, of: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"evt_{kind}",
        "object": "event",
        "type": kind,
        "created": int(now().timestamp()),
        "data": {"object": of},
    }
