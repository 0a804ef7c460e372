"""Somebody else pays: by the wish of both, up to a limit, until either ends it; and what arrives at the platform."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app.billing import api
from app.billing.authorizations.models import Authorization
from app.billing.authorizations.service import authorizing
from app.billing.cards.models import Customer, PaymentMethod
from app.billing.ledger import views as ledger
from app.core.database import reading, unit_of_work
from app.identity.models import Account, Community
from tests.billing.conftest import Body, Till
from tests.factories import billing_subsidies as make
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident


async def place_of(till: Till) -> Community:
    async with unit_of_work() as session:
        return await session.get_one(Community, till.organization.community_id)


@pytest.fixture
async def daughter(till: Till) -> Account:
    return await identity.account(await place_of(till), name="Ruth", phone="+8613800000077")


async def card_of(person: Account) -> PaymentMethod:
    customer = Customer(community_id=person.community_id, account_id=person.id, gateway="local", ref="cus")
    card = PaymentMethod(
        community_id=person.community_id,
        account_id=person.id,
        customer_id=customer.id,
        gateway="local",
        ref=str(person.id),
        state="active",
    )
    async with unit_of_work() as session:
        session.add(customer)
        await session.flush()
        session.add(card)
    return card


async def asked(till: Till, payer: Account, **values: Any) -> Body:
    body = {"account_id": str(payer.id), **values}
    answer = await till.client.post("/v1/me/payers", headers=await sign_in_resident(till.resident), json=body)
    assert answer.status_code == 201, answer.text
    found: Body = answer.json()
    return found


async def agreed(till: Till, payer: Account, limit: int | None = None) -> Body:
    found = await asked(till, payer)
    path = f"/v1/me/paid-for/{found['id']}/answers"
    body = {"accept": True, "month_limit": limit}
    answer = await till.client.post(path, headers=await sign_in(payer), json=body)
    assert answer.status_code == 201, answer.text
    return found


async def order(till: Till, payer: Account, card: PaymentMethod, amount: int, **values: Any) -> Authorization:
    of = make.order(
        till.organization, till.resident, amount, payer_account_id=payer.id, payment_method_id=card.id, **values
    )
    return await make.authorized(of)


async def test_who_agreed_pays_and_sees_no_more_than_they_must(till: Till, daughter: Account) -> None:
    card = await card_of(daughter)
    with pytest.raises(api.NotThePayer):
        await order(till, daughter, card, 1_000)
    asked_for = await asked(till, daughter)
    with pytest.raises(api.NotThePayer):  # not before she has agreed
        await order(till, daughter, card, 1_000)
    hers = await sign_in(daughter)
    (offer,) = (await till.client.get("/v1/me/paid-for", headers=hers)).json()["items"]
    assert (offer["id"], offer["resident_name"], offer["state"]) == (asked_for["id"], "Grace", "offered")
    await till.client.post(f"/v1/me/paid-for/{offer['id']}/answers", headers=hers, json={"accept": True})
    paid = await order(till, daughter, card, 1_000)
    (shown,) = (await till.client.get("/v1/me/paid-for/payments", headers=hers)).json()["items"]
    assert shown == {
        "id": str(paid.id),
        "resident_id": str(till.resident.id),
        "category": "cleaning",
        "service_at": paid.service_at.isoformat().replace("+00:00", "Z"),
        "state": "pending",
        "amount": 1_000,
        "currency": "CNY",
    }


@pytest.mark.parametrize("by", ["resident", "payer"])
async def test_either_ends_it_at_once(till: Till, daughter: Account, by: str) -> None:
    card = await card_of(daughter)
    found = await agreed(till, daughter)
    promised = await order(till, daughter, card, 500)
    if by == "resident":
        path, headers = f"/v1/me/payers/{found['id']}", await sign_in_resident(till.resident)
    else:
        path, headers = f"/v1/me/paid-for/{found['id']}", await sign_in(daughter)
    assert (await till.client.delete(path, headers=headers)).status_code == 204
    assert (await till.client.delete(path, headers=headers)).status_code == 204
    with pytest.raises(api.NotThePayer):
        await order(till, daughter, card, 1_000)
    with pytest.raises(api.NotThePayer):  # what was promised stays promised, and is no more
        await _extend(promised, 600)
    again = await asked(till, daughter)
    assert again["state"] == "offered"


async def test_who_was_not_asked_answers_nothing(till: Till, daughter: Account) -> None:
    found = await asked(till, daughter)
    twice = await till.client.post(
        "/v1/me/payers", headers=await sign_in_resident(till.resident), json={"account_id": str(daughter.id)}
    )
    assert (twice.status_code, twice.json()["code"]) == (409, "payer_asked_already")
    stranger = await sign_in(await identity.account(await place_of(till), phone="+8613800000078"))
    path = f"/v1/me/paid-for/{found['id']}"
    assert (await till.client.post(f"{path}/answers", headers=stranger, json={"accept": True})).status_code == 404
    assert (await till.client.delete(path, headers=stranger)).status_code == 404
    hers = await sign_in(daughter)
    declined = await till.client.post(f"{path}/answers", headers=hers, json={"accept": False})
    assert declined.json()["state"] == "declined"
    late = await till.client.post(f"{path}/answers", headers=hers, json={"accept": True})
    assert (late.status_code, late.json()["code"]) == (409, "payer_not_asked")


async def test_the_resident_and_who_orders_need_no_agreement(till: Till, daughter: Account) -> None:
    card = await card_of(daughter)
    ordered = make.order(
        till.organization,
        till.resident,
        500,
        payer_account_id=daughter.id,
        payment_method_id=card.id,
        ordered_by=daughter.id,
    )
    assert (await make.authorized(ordered)).state == "pending"
    assert (await make.authorized(make.order(till.organization, till.resident, 500))).state == "authorized"


async def test_orders_at_once_cannot_pass_the_limit_of_a_month(till: Till, daughter: Account) -> None:
    card = await card_of(daughter)
    await agreed(till, daughter, 2_500)
    done = await asyncio.gather(*(order(till, daughter, card, 1_000) for _ in range(4)), return_exceptions=True)
    refused = [one for one in done if isinstance(one, api.PayerLimit)]
    assert [one.extensions for one in refused] == [{"left_amount": 500}] * 2
    promised = [one for one in done if isinstance(one, Authorization)]
    april = datetime(2026, 3, 31, 16, tzinfo=UTC)  # on the wall in Shanghai
    assert (await order(till, daughter, card, 2_500, service_at=april)).amount == 2_500
    with pytest.raises(api.PayerLimit):
        await _extend(promised[0], 1_600)
    # What was let go is there again.
    async with unit_of_work() as session:
        await api.void(session, promised[1].reference_kind, promised[1].reference_id)
    assert (await _extend(promised[0], 2_500)).amount == 2_500


async def _extend(of: Authorization, amount: int) -> Authorization:
    async with unit_of_work() as session:
        return await authorizing.extend(session, of.reference_kind, of.reference_id, amount)


async def test_what_arrives_at_the_platform_is_recorded_by_the_operator(till: Till) -> None:
    operator = await sign_in(await identity.operator(await place_of(till), phone="+8613800000079"))
    orders = [make.order(till.organization, till.resident, 1_000) for _ in range(2)]
    for one in orders:
        await make.authorized(one)
    charge, other = [await make.settled(one, 1_000) for one in orders]
    assert charge is not None
    assert other is not None
    await till.charge()  # none of the platform's
    listed = (await till.client.get("/v1/platform-charges", headers=operator)).json()["items"]
    assert [one["id"] for one in listed] == [str(other.id), str(charge.id)]

    async def record(of: Any, kind: str, amount: int) -> Any:
        body = {"kind": kind, "amount": amount, "currency": "CNY", "reference": "S-1"}
        return await till.client.post(f"/v1/platform-charges/{of.id}/payments", headers=operator, json=body)

    sponsored = (await record(charge, "sponsor", 600)).json()
    assert (sponsored["kind"], sponsored["taken_by"]) == ("sponsor", "platform")
    assert (await record(charge, "sponsor", 100)).json()["code"] == "payment_known"
    assert (await record(other, "bank_transfer", 700)).status_code == 201  # one transfer may pay several
    assert (await till.pay(other, 300)).status_code == 201  # what the provider takes it need not be paid out
    async with reading() as connection:
        of = {
            holder: {one.kind: one.balance for one in found[holder_id]}
            for holder, holder_id in (("community", charge.community_id), ("organization", till.organization.id))
            for found in [await ledger.balances(connection, holder, [holder_id])]  # type: ignore[arg-type]
        }
    assert (of["community"]["sponsor"], of["community"]["bank"]) == (600, 700)
    assert of["organization"]["payable"] == -1_700
    path = f"/v1/platform-payments/{sponsored['id']}/refunds"
    back = await till.client.post(path, headers=operator, json={"amount": 600, "reason": "twice"})
    assert (back.status_code, back.json()["taken_by"]) == (201, "platform")
    # Over the provider's desk nothing is given back that the platform has.
    at_desk = await till.post(f"charges/{charge.id}/payments/{sponsored['id']}/refunds", {"amount": 1, "reason": "x"})
    assert at_desk.status_code == 404
