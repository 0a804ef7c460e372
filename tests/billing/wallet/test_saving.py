"""Cards are saved once, whatever is lost on the way, are their owner's alone, and are forgotten when they say so."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.billing.authorizations.service import asking as payments
from app.billing.gateway_events.models import EVENTS
from app.billing.wallet.rules import MOST
from app.core.clock import now
from app.core.database import reading, unit_of_work
from app.core.idempotency import IdempotentAnswer
from app.core.tables import table_of
from tests.billing.cards.conftest import WEBHOOKS, Buyer
from tests.billing.wallet.conftest import CARDS, Saver
from tests.emulators.stripe import Fault
from tests.factories import identity
from tests.factories.sign_in import sign_in_resident


async def test_a_card_is_saved_and_shown_without_its_number(saver: Saver) -> None:
    begun = await saver.begun()
    assert (begun["payment_method"]["state"], begun["payment_method"]["gateway"]) == ("pending", "stripe")
    setup = begun["client_secret"].partition("_secret")[0]
    method_id = begun["payment_method"]["id"]
    assert (await saver.confirm(method_id)).json()["state"] == "pending"
    saver.stripe.saves_card(setup)
    found = (await saver.confirm(method_id)).json()
    assert (found["state"], found["brand"], found["last4"]) == ("active", "visa", "4242")
    assert (found["expires_month"], found["expires_year"]) == (12, 2034)
    assert await saver.listed() == [found]
    assert (await saver.confirm(method_id)).json() == found


async def test_the_secret_is_kept_nowhere(saver: Saver) -> None:
    headers = saver.headers | {"Idempotency-Key": "k"}
    secret = (await saver.client.post(CARDS, headers=headers)).json()["client_secret"]
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(table_of(IdempotentAnswer))) == 0
    assert secret not in repr(await saver.methods()) + repr(await saver.customers())


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "error_after", "error_before", "busy"])
@pytest.mark.parametrize("on", ["POST /v1/customers", "POST /v1/setup_intents"])
async def test_asked_again_after_a_lost_answer_it_goes_on(saver: Saver, fault: str, on: str) -> None:
    saver.stripe.faults.append(Fault(fault, on))  # type: ignore[arg-type]  # one of its words
    while (answer := await saver.begin()).status_code == 503:
        assert answer.json()["code"] == "gateway_silent"
    assert answer.status_code == 201
    again = await saver.begun()
    assert again == answer.json() | {"payment_method": again["payment_method"]}
    pending = [one for one in await saver.methods() if one.state == "pending"]
    assert [str(one.id) for one in pending] == [again["payment_method"]["id"]]
    if fault in ("cut_after", "cut_before", "busy"):
        assert (len(saver.at_stripe("customer")), len(saver.at_stripe("setup_intent"))) == (1, 1)


async def test_what_crashed_between_two_steps_is_gone_on_with(saver: Saver) -> None:
    first = await saver.begun()
    (method,), (customer,) = await saver.methods(), await saver.customers()
    async with unit_of_work() as session:  # as if the answers had never been stored
        await session.execute(sa.text("UPDATE billing_customer SET ref = NULL"))
        await session.execute(sa.text("UPDATE billing_payment_method SET setup_ref = NULL"))
    assert await saver.begun() == first
    assert (await saver.methods())[0].setup_ref == method.setup_ref
    assert (await saver.customers())[0].ref == customer.ref


async def test_one_that_was_saved_and_not_confirmed_is_not_begun_again(saver: Saver) -> None:
    begun = await saver.begun()
    saver.stripe.saves_card(begun["client_secret"].partition("_secret")[0])
    another = await saver.begun()
    assert another["client_secret"] != begun["client_secret"]
    assert [one["state"] for one in await saver.listed()] == ["pending", "active"]


async def test_a_webhook_or_the_worker_confirms_what_nobody_did(saver: Saver) -> None:
    begun = await saver.begun()
    saver.stripe.saves_card(begun["client_secret"].partition("_secret")[0])
    told = [one for one in saver.stripe.state.events if one["type"] == "setup_intent.succeeded"]
    assert set(await saver.stripe.deliver(saver.client, WEBHOOKS, told * 2)) == {204}
    await saver.work()
    assert [one["state"] for one in await saver.listed()] == ["active"]
    assert await saver.stripe.deliver(saver.client, WEBHOOKS, told) == [204]
    async with reading() as connection:
        assert await connection.scalar(sa.select(EVENTS.c.outcome)) == "known"
    begun = await saver.begun()
    saver.stripe.saves_card(begun["client_secret"].partition("_secret")[0])
    await saver.later(timedelta(minutes=16))
    await saver.work()
    assert [one["state"] for one in await saver.listed()] == ["active", "active"]


async def test_what_nobody_finishes_fails_after_a_day(saver: Saver) -> None:
    begun = await saver.begun()
    for _ in range(2):
        saver.clock.advance(timedelta(hours=12))
        await saver.work()
    assert [one.state for one in await saver.methods()] == ["failed"]
    # The app still had the secret: what nobody is shown is not kept at the gateway either.
    saver.stripe.state.events.clear()
    saver.stripe.saves_card(begun["client_secret"].partition("_secret")[0])
    told = [one for one in saver.stripe.state.events if one["type"] == "setup_intent.succeeded"]
    await saver.stripe.deliver(saver.client, WEBHOOKS, told)
    await saver.work()
    assert [one["customer"] for one in saver.at_stripe("payment_method")] == [None]


async def test_cards_are_their_owners_alone(saver: Saver) -> None:
    saved = await saver.saved()
    saver.headers = await sign_in_resident(await identity.resident(await identity.community()))
    assert await saver.listed() == []
    assert (await saver.confirm(saved["id"])).status_code == 404
    assert (await saver.remove(saved["id"])).status_code == 404
    saver.headers = {}
    assert (await saver.begin()).status_code == 401


async def test_there_are_not_more_cards_than_anybody_needs(saver: Saver) -> None:
    for _ in range(MOST):
        await saver.saved()
        await saver.later(timedelta(minutes=2))
    answer = await saver.begin()
    assert (answer.status_code, answer.json()["code"], answer.json()["most"]) == (409, "too_many_cards", MOST)


@pytest.mark.parametrize("fault", [None, "cut_after", "cut_before"])
async def test_a_removed_card_is_forgotten_at_the_gateway(saver: Saver, fault: str | None) -> None:
    saved = await saver.saved()
    assert (await saver.remove(saved["id"])).status_code == 204
    assert await saver.listed() == []
    if fault:
        saver.stripe.faults.append(Fault(fault, "POST /v1/payment_methods"))  # type: ignore[arg-type]
    for _ in range(2):
        await saver.work()
        await saver.later(timedelta(hours=1))
    assert [one["customer"] for one in saver.at_stripe("payment_method")] == [None]
    (method,) = await saver.methods()
    assert (method.state, method.ref, method.ask_at) == ("removed", None, None)
    assert (await saver.remove(saved["id"])).status_code == 404


async def test_a_card_that_something_is_to_be_paid_with_stays(saver: Saver) -> None:
    saved = await saver.saved()
    (method,) = await saver.methods()
    buyer = Buyer(
        saver.stripe, saver.client, saver.clock, saver.organization, saver.resident, method.id, str(method.ref)
    )
    await buyer.authorize()
    answer = await saver.remove(saved["id"])
    assert (answer.status_code, answer.json()["code"], answer.json()["payments"]) == (409, "card_in_use", 1)
    await buyer.work()
    await buyer.void()
    assert (await saver.remove(saved["id"])).status_code == 409
    await buyer.work()
    assert (await saver.remove(saved["id"])).status_code == 204


async def test_only_who_pays_is_given_what_their_bank_asks(saver: Saver) -> None:
    await saver.saved()
    (method,) = await saver.methods()
    saver.stripe.state.objects[method.ref]["_is"] = {"asks": True}
    buyer = Buyer(
        saver.stripe, saver.client, saver.clock, saver.organization, saver.resident, method.id, str(method.ref)
    )
    await buyer.authorize()
    await payments.run()
    async with reading() as connection:
        authorization = await connection.scalar(sa.text("SELECT id FROM billing_authorization"))
    path = f"/v1/me/authorizations/{authorization}/action"
    action = (await saver.client.get(path, headers=saver.headers)).json()
    assert (action["gateway"], action["amount"], action["currency"]) == ("stripe", 10_000, "EUR")
    assert action["client_secret"].startswith((await buyer.payments())[0].ref)
    assert action["redirect_url"].startswith("https://hooks.stripe.com/redirect/")
    promises = f"/v1/me/authorizations?reference_id={buyer.reference}"
    (promise,) = (await saver.client.get(promises, headers=saver.headers)).json()["items"]
    assert (promise["id"], promise["state"], promise["amount"]) == (str(authorization), "requires_action", 10_000)
    assert (promise["reference_kind"], promise["reference_id"]) == ("home_order", str(buyer.reference))
    other = await sign_in_resident(await identity.resident(await identity.community()))
    assert (await saver.client.get(promises, headers=other)).json()["items"] == []
    assert (await saver.client.get(path, headers=other)).status_code == 404
    assert (await saver.client.post(path, headers=other)).status_code == 404
    buyer.stripe.proves((await buyer.payments())[0].ref)
    assert (await saver.client.post(path, headers=saver.headers)).status_code == 202
    assert (await buyer.payments())[0].ask_at <= now()
    await payments.run()
    assert await buyer.state() == "authorized"
    for method_of in (saver.client.get, saver.client.post):
        answer = await method_of(path, headers=saver.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_prove")


@pytest.mark.parametrize("fault", [None, "cut_after", "cut_before", "error_before"])
async def test_who_is_erased_is_forgotten_at_the_gateway(saver: Saver, fault: str | None) -> None:
    await saver.saved()
    await saver.begun()
    assert (await saver.client.delete("/v1/me", headers=saver.headers)).status_code == 204
    (customer,) = await saver.customers()
    assert customer.forget_at is not None
    for method in await saver.methods():
        assert (method.state, method.ref, method.setup_ref, method.last4) == ("removed", None, None, None)
    if fault:
        saver.stripe.faults.append(Fault(fault, "DELETE /v1/customers"))  # type: ignore[arg-type]
    for _ in range(2):
        await saver.work()
        saver.clock.advance(timedelta(hours=1))
    (customer,) = await saver.customers()
    assert (customer.ref, customer.forget_at, customer.forgotten_at is not None) == (None, None, True)
    assert [one for one in saver.at_stripe("customer") if not one.get("deleted")] == []


async def test_a_customer_whose_opening_was_not_heard_of_is_forgotten_too(saver: Saver) -> None:
    await saver.begun()
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE billing_customer SET ref = NULL"))
    assert (await saver.client.delete("/v1/me", headers=saver.headers)).status_code == 204
    await saver.work()
    assert [one for one in saver.at_stripe("customer") if not one.get("deleted")] == []
    assert (await saver.customers())[0].forgotten_at is not None
