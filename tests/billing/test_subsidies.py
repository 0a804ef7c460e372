"""Subsidies: who pays how much, that nobody overspends a budget, and that all of it goes back where it came from."""

import asyncio
import uuid
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.billing import api
from app.billing.authorizations.repository import lock
from app.billing.authorizations.schemas import Authorizing
from app.billing.authorizations.service import authorizing, settling, telling
from app.billing.ledger import views as ledger
from app.billing.subsidies.models import Entitlement, Programme
from app.billing.subsidies.rules import Offer, Split, Terms, split
from app.core.database import reading, unit_of_work
from app.core.tables import Table
from app.identity.models import Community
from tests.billing.conftest import Till
from tests.factories import billing_subsidies as make
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

INSURANCE, VOUCHER, GIFT = (uuid.UUID(int=number) for number in (3, 2, 1))


def offer(programme_id: uuid.UUID, rate: int, *, cap: int | None = None, left: int = 10**12) -> Offer:
    kinds = {INSURANCE: "long_term_care_insurance", VOUCHER: "city_voucher", GIFT: "other"}
    return Offer(programme_id, kinds[programme_id], Terms(rate, cap), left)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("offers", "paid"),
    [
        ([], {}),
        ([offer(VOUCHER, 5_000)], {VOUCHER: 500}),
        ([offer(VOUCHER, 5_000, cap=120)], {VOUCHER: 120}),
        ([offer(VOUCHER, 5_000, left=70)], {VOUCHER: 70}),
        ([offer(VOUCHER, 5_000, left=-5)], {}),
        ([offer(VOUCHER, 3_333)], {VOUCHER: 333}),
        # Insurance first, then the city, then others, each of what is left.
        (
            [offer(GIFT, 10_000), offer(VOUCHER, 5_000), offer(INSURANCE, 7_000)],
            {INSURANCE: 700, VOUCHER: 150, GIFT: 150},
        ),
    ],
)
def test_each_programme_pays_its_part_of_what_those_before_it_left(
    offers: list[Offer], paid: dict[uuid.UUID, int]
) -> None:
    found = split(1_001 if paid == {VOUCHER: 333} else 1_000, offers)
    assert {share.programme_id: share.amount for share in found.shares} == paid


@given(
    st.integers(0, 10**9),
    st.lists(
        st.tuples(
            st.sampled_from([INSURANCE, VOUCHER, GIFT]),
            st.integers(1, 10_000),
            st.none() | st.integers(1, 10**6),
            st.integers(-5, 10**9),
        ),
        max_size=5,
    ),
)
def test_what_programmes_and_the_resident_pay_adds_up(
    amount: int, of: list[tuple[uuid.UUID, int, int | None, int]]
) -> None:
    found = split(amount, [offer(one, rate, cap=cap, left=left) for one, rate, cap, left in of])
    assert found.own_amount >= 0
    assert found.subsidy_amount + found.own_amount == amount
    assert all(share.amount > 0 for share in found.shares)


async def committed(of: Table) -> int:
    async with unit_of_work() as session:
        row = await session.get_one(type(of), of.id)
        assert isinstance(row, Programme | Entitlement)
        return row.committed_amount


async def month_amounts() -> list[tuple[date, int]]:
    async with reading() as connection:
        statement = sa.text("SELECT month, committed_amount FROM billing_subsidy_month ORDER BY month")
        return [tuple(row) for row in await connection.execute(statement)]


async def balance(of: Programme) -> int:
    async with reading() as connection:
        assert await ledger.drifted(connection) == []
        found = await ledger.balances(connection, "programme", [of.id])
        return sum(one.balance for one in found[of.id])


async def place_of(till: Till) -> Community:
    async with unit_of_work() as session:
        return await session.get_one(Community, till.organization.community_id)


@pytest.fixture
async def voucher(till: Till) -> Programme:
    return await make.programme(await place_of(till))


async def test_what_is_promised_is_paid_and_the_rest_let_go(till: Till, voucher: Programme) -> None:
    mine = await make.entitlement(voucher, till.resident, period="month", amount=700)
    order = make.order(till.organization, till.resident, 1_000)
    promised = await make.authorized(order)
    assert (promised.state, promised.subsidy_amount, await committed(voucher)) == ("authorized", 500, 500)
    async with unit_of_work() as session:
        extended = await authorizing.extend(session, "home_order", order.reference_id, 2_000)
    assert (extended.amount, extended.subsidy_amount) == (2_000, 700)  # of 1,000 only 700 a month
    charge = await make.settled(order, 900, 300)
    assert charge is not None
    assert (charge.paid_amount, charge.state) == (600, "open")
    assert (await committed(voucher), await committed(mine), await balance(voucher)) == (600, 600, 600)
    assert await month_amounts() == [(date(2026, 3, 1), 600)]
    await make.refunded(order, 1_200)
    assert (await committed(voucher), await committed(mine), await balance(voucher)) == (0, 0, 0)


async def test_what_was_promised_is_paid_on_the_terms_of_then(till: Till, voucher: Programme) -> None:
    await make.entitlement(voucher, till.resident)
    order = make.order(till.organization, till.resident, 1_000)
    await make.authorized(order)
    async with unit_of_work() as session:
        row = await session.get_one(Programme, voucher.id)
        row.rate, row.is_active = 1_000, False
    charge = await make.settled(order, 800)
    assert charge is not None
    assert (charge.paid_amount, await committed(voucher)) == (400, 400)


OPERATORS = {
    "kind": "city_voucher",
    "name": {"en": "City voucher", "zh-CN": "养老服务券"},
    "categories": ["cleaning"],
    "rate": 5_000,
    "budget_amount": 2_000,
    "valid_from": "2026-01-01",
}


async def test_the_operator_keeps_a_programme_and_sees_what_it_owes(till: Till) -> None:
    headers = await sign_in(await identity.operator(await place_of(till), phone="+8613800000079"))
    ask = partial(till.client.request, headers=headers)
    made = (await ask("POST", "/v1/subsidy-programmes", json=OPERATORS)).json()
    path = f"/v1/subsidy-programmes/{made['id']}"
    who = {"resident_id": str(till.resident.id), "level": "3", "valid_from": "2026-01-01"}
    granted = await ask("POST", f"{path}/entitlements", json=who)
    assert (granted.status_code, granted.json()["level"]) == (201, "3")
    assert (await ask("POST", f"{path}/entitlements", json=who)).json()["code"] == "entitled_already"
    own = await sign_in_resident(till.resident)
    (mine,) = (await till.client.get("/v1/me/subsidy-entitlements", headers=own)).json()["items"]
    assert (mine["programme_name"], mine["kind"]) == (OPERATORS["name"], "city_voucher")
    order = make.order(till.organization, till.resident, 1_000)
    await make.authorized(order)
    await make.settled(order, 1_000)
    report = (await ask("GET", f"{path}/report")).json()
    owed = {"month": "2026-03-01", "owed_amount": 500, "settled_amount": 0, "orders": 1}
    assert (report["committed_amount"], report["months"]) == (500, [owed])
    less = await ask("PUT", path, json={**without_kind(OPERATORS), "budget_amount": 499})
    assert (less.status_code, less.json()["committed_amount"]) == (409, 500)
    sent = {"month": "2026-03-31", "amount": 300, "reference": "T-1"}
    answers = await asyncio.gather(*(ask("POST", f"{path}/settlements", json=sent) for _ in range(3)))
    assert sorted(one.json().get("code", "") for one in answers) == ["", "transfer_known", "transfer_known"]
    more = await ask("POST", f"{path}/settlements", json=sent | {"reference": "T-2"})
    assert (more.json()["code"], more.json()["open_amount"]) == ("more_than_owed", 200)
    settled = (await ask("GET", f"{path}/report")).json()["months"]
    assert settled == [owed | {"settled_amount": 300}]
    async with reading() as connection:
        (subsidy,) = (await ledger.balances(connection, "programme", [uuid.UUID(made["id"])])).popitem()[1]
        (bank,) = (await ledger.balances(connection, "community", [till.organization.community_id])).popitem()[1]
    assert (subsidy.balance, bank.kind, bank.balance) == (200, "bank", 300)
    gone = await ask("DELETE", f"{path}/entitlements/{granted.json()['id']}")
    assert gone.status_code == 204
    assert (await _preview(order)).own_amount == 1_000


def without_kind(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "kind"}


async def test_what_is_not_done_promises_nothing_any_more(till: Till, voucher: Programme) -> None:
    mine = await make.entitlement(voucher, till.resident, period="once", amount=10_000)
    orders = [make.order(till.organization, till.resident, 1_000) for _ in range(3)]
    promised = [await make.authorized(order) for order in orders]
    assert (await committed(voucher), await committed(mine)) == (1_500, 1_500)
    async with unit_of_work() as session:
        await settling.void(session, "home_order", orders[0].reference_id)
    async with unit_of_work() as session:
        await telling.end(session, await lock(session, promised[1].id), "lapsed", "lapsed")
    assert await make.settled(orders[2]) is None  # it came to nothing
    assert (await committed(voucher), await committed(mine)) == (0, 0)
    assert await month_amounts() == [(date(2026, 3, 1), 0)]


async def test_a_promise_that_lapsed_costs_nobody_their_subsidy(till: Till, voucher: Programme) -> None:
    mine = await make.entitlement(voucher, till.resident, period="month", amount=700)
    order = make.order(till.organization, till.resident, 1_000)
    lapsed = await make.authorized(order)
    async with unit_of_work() as session:
        await telling.end(session, await lock(session, lapsed.id), "lapsed", "lapsed")
    charge = await make.settled(order, 900)
    assert charge is not None
    assert (charge.collected_by, charge.paid_amount, charge.state) == ("platform", 450, "open")
    assert (await committed(voucher), await committed(mine), await balance(voucher)) == (450, 450, 450)
    with pytest.raises(api.NotAuthorized):
        await make.settled(order, 900)


async def test_what_the_platform_collects_is_waived_and_not_cancelled(till: Till) -> None:
    order = make.order(till.organization, till.resident, 1_000)
    await make.authorized(order)
    await make.settled(order, 900)
    async with unit_of_work() as session:
        with pytest.raises(ValueError, match="waived, not cancelled"):
            await api.cancel_charge(session, "home_order", order.reference_id)


@pytest.mark.parametrize(
    ("of_programme", "of_resident", "in_all"),
    [
        ({"budget_amount": 1_250}, {}, 1_250),
        ({"month_cap": 900}, {}, 900),
        ({}, {"period": "month", "amount": 1_100}, 1_100),
        ({}, {"period": "once", "amount": 1_300}, 1_300),
    ],
)
async def test_orders_at_once_cannot_overspend(
    till: Till, of_programme: dict[str, int], of_resident: dict[str, object], in_all: int
) -> None:
    voucher = await make.programme(await place_of(till), **of_programme)
    await make.entitlement(voucher, till.resident, **of_resident)
    orders = [make.order(till.organization, till.resident, 1_000) for _ in range(6)]
    promised = await asyncio.gather(*map(make.authorized, orders))
    # The last to get something gets what is left.
    assert sum(one.subsidy_amount for one in promised) == in_all == await committed(voucher)
    assert {one.state for one in promised} == {"authorized"}


async def test_a_month_is_the_one_on_the_wall(till: Till, voucher: Programme) -> None:
    await make.entitlement(voucher, till.resident, period="month", amount=500)
    midnight = datetime(2026, 3, 31, 16, tzinfo=UTC)  # in Shanghai
    for at, subsidy in ((midnight, 500), (datetime(2026, 3, 31, 15, 59, tzinfo=UTC), 500), (midnight, 0)):
        promised = await make.authorized(make.order(till.organization, till.resident, 1_000, service_at=at))
        assert promised.subsidy_amount == subsidy
    assert await month_amounts() == [(date(2026, 3, 1), 500), (date(2026, 4, 1), 500)]


async def _preview(order: Authorizing) -> Split:
    async with reading() as connection:
        return await api.subsidy_preview(
            connection, order.community_id, order.resident_id, order.category, order.service_at, order.amount
        )


@pytest.mark.parametrize(
    ("of_programme", "of_resident", "of_order"),
    [
        ({"is_active": False}, {}, {}),
        ({"valid_until": date(2026, 1, 2)}, {}, {}),
        ({"valid_from": date(2027, 1, 1)}, {}, {}),
        ({"currency": "EUR"}, {}, {}),
        ({}, {"valid_until": date(2026, 1, 2)}, {}),
        ({}, {"revoked_at": datetime(2026, 3, 1, tzinfo=UTC)}, {}),
        ({}, {}, {"category": "gardening"}),
    ],
)
async def test_nothing_is_paid_for_what_is_not_meant(
    till: Till, of_programme: dict[str, object], of_resident: dict[str, object], of_order: dict[str, object]
) -> None:
    voucher = await make.programme(await place_of(till), **of_programme)
    await make.entitlement(voucher, till.resident, **of_resident)
    order = make.order(till.organization, till.resident, 1_000, **of_order)
    assert (await _preview(order)).own_amount == 1_000
    assert (await make.authorized(order)).subsidy_amount == 0


async def test_a_quote_says_what_is_promised_then(till: Till, voucher: Programme) -> None:
    insurance = await make.programme(await place_of(till), kind="long_term_care_insurance", rate=7_000, order_cap=600)
    for programme in (voucher, insurance):
        await make.entitlement(programme, till.resident)
    order = make.order(till.organization, till.resident, 1_000)
    shown = await _preview(order)
    assert [(one.programme_id, one.amount) for one in shown.shares] == [(insurance.id, 600), (voucher.id, 200)]
    assert (shown.subsidy_amount, shown.own_amount) == (800, 200)
    assert (await make.authorized(order)).subsidy_amount == 800
    # What everybody else has to their name says nothing.
    other = await identity.resident(await place_of(till))
    assert (await _preview(make.order(till.organization, other, 1_000))).own_amount == 1_000


async def test_the_database_lets_no_budget_be_overspent(till: Till, voucher: Programme) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="ck_billing_programme_budget"):
        await _overspend(voucher)


async def _overspend(of: Programme) -> None:
    async with unit_of_work() as session:
        row = await session.get_one(Programme, of.id)
        row.committed_amount = row.budget_amount + 1
