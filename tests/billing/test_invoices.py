"""Invoices and credit notes: their numbers, taxes and papers, and statements that add up with the ledger."""

import asyncio
import io
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pypdf
import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app import assembly
from app.billing.authorizations.schemas import Authorizing
from app.billing.charges.models import Charge, PlatformFee
from app.billing.charges.rules import LARGEST
from app.billing.invoices.rules.taxes import TaxGroup, contained, credited, taxes
from app.billing.invoices.service.issuing import issue_invoice
from app.billing.ledger import views as ledger
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.events import install_subscribers
from app.core.relay import relay_once
from app.identity.models import Community
from tests.billing.conftest import Till
from tests.factories import billing_subsidies as make
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

NUMBERS = sa.text("SELECT kind, number FROM billing_invoice ORDER BY kind, number")
ISSUER = {"name": "Bright Homes Ltd.", "address": "12 Elm Road", "tax_number": "91310000MA1K"}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def subscribers() -> AsyncIterator[None]:
    before = install_subscribers(assembly.SUBSCRIBERS)
    yield
    install_subscribers(before)


async def relayed() -> None:
    while await relay_once():
        pass


async def settled(till: Till, *amounts: int, **values: Any) -> tuple[Authorizing, Charge]:
    order = make.order(till.organization, till.resident, sum(amounts), **values)
    await make.authorized(order)
    charge = await make.settled(
        order, lines=[make.line(amount, rate) for amount, rate in zip(amounts, (600, 1300), strict=False)]
    )
    assert charge is not None
    return order, charge


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    document = pypdf.PdfReader(io.BytesIO(answer.content))
    return "".join("".join(page.extract_text() for page in document.pages).split()).replace("\xa0", "")


@pytest.mark.parametrize(
    ("gross", "rate", "tax"), [(10_600, 600, 600), (100, 600, 6), (9, 600, 1), (8, 600, 0), (113, 1300, 13), (5, 0, 0)]
)
def test_the_tax_in_an_amount_is_rounded_half_up(gross: int, rate: int, tax: int) -> None:
    assert contained(gross, rate) == tax


def test_tax_is_rounded_once_for_each_rate() -> None:
    lines = [{"amount": 9, "tax_rate": 600}] * 4 + [{"amount": 113, "tax_rate": 1300}]
    assert taxes(lines) == [TaxGroup(600, 36, 2), TaxGroup(1300, 113, 13)]


_lines = st.lists(
    st.fixed_dictionaries({"amount": st.integers(1, LARGEST), "tax_rate": st.sampled_from([0, 300, 600, 1300])}),
    min_size=1,
    max_size=5,
)


@given(_lines, st.data())
def test_what_is_credited_bit_by_bit_gives_all_of_the_tax_back(
    lines: list[dict[str, int]], data: st.DataObject
) -> None:
    of = taxes(lines)
    left = sum(group.gross for group in of)
    before: list[TaxGroup] = []
    while left:
        amount = data.draw(st.integers(1, left)) if len(before) < 6 else left
        found = credited(of, before, amount)
        assert sum(group.gross for group in found) == amount
        assert all(0 <= group.tax <= group.gross for group in found)
        before += found
        left -= amount
    for group in of:
        mine = [one for one in before if one.rate == group.rate]
        assert (sum(one.gross for one in mine), sum(one.tax for one in mine)) == (group.gross, group.tax)


async def test_what_the_platform_collects_is_invoiced_and_what_is_waived_credited(till: Till) -> None:
    order, _ = await settled(till, 10_600, 11_300)
    await till.charge()  # collected at the organization's own desk: its own paper
    await make.refunded(order, 7_300)
    await relayed()
    answer = await till.client.get(f"{till.path}/invoices", headers=till.headers)
    credit, invoice = answer.json()["items"]
    assert (invoice["number"], invoice["amount"], invoice["tax_amount"]) == ("2026-000001", 21_900, 1_900)
    assert (credit["number"], credit["amount"]) == ("C2026-000001", 7_300)
    mine = await till.client.get("/v1/me/invoices", headers=await sign_in_resident(till.resident))
    assert mine.json()["items"] == [credit, invoice]


async def test_numbers_have_no_gap_and_none_is_given_twice(till: Till) -> None:
    charges = [(await settled(till, 1_000))[1] for _ in range(6)]

    async def issue(of: Charge, *, fails: bool) -> None:
        async with unit_of_work() as session:
            await issue_invoice(session, of.id)
            if fails:
                raise LookupError("the printer is on fire")

    done = await asyncio.gather(
        *(issue(of, fails=place % 2 == 0) for place, of in enumerate(charges)), return_exceptions=True
    )
    assert [type(one) for one in done if one] == [LookupError] * 3
    await relayed_but(charges[1::2])
    async with reading() as connection:
        assert [row.number for row in await connection.execute(NUMBERS)] == [1, 2, 3]


async def relayed_but(issued: list[Charge]) -> None:
    """Nothing is issued twice for one charge, whoever tries."""
    for of in issued:
        with pytest.raises(sa.exc.IntegrityError, match="uq_billing_invoice_charge_id"):
            await _issue_again(of)


async def _issue_again(of: Charge) -> None:
    async with unit_of_work() as session:
        await issue_invoice(session, of.id)


async def test_a_year_begins_on_the_wall(till: Till, clock: ManualClock) -> None:
    for at in (datetime(2026, 12, 31, 15, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC)):
        clock.set(at)
        await settled(till, 1_000)
        await relayed()
    async with reading() as connection:
        rows = await connection.execute(sa.text("SELECT year, number, issued_on FROM billing_invoice ORDER BY id"))
        assert [(row.year, row.number, row.issued_on.isoformat()) for row in rows] == [
            (2026, 1, "2026-12-31"),
            (2027, 1, "2027-01-01"),
        ]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            (
                "Invoice 2026-000001 March2,2026 TaxNumber91310000MA1K Cleaning 6% CN¥106.00 CN¥100.00 CN¥6.00"
                " Total,taxincluded PaidbyVoucher-CN¥53.00 YourshareCN¥53.00"
            ),
        ),
        (
            "zh-CN",
            (
                "发票 2026-000001 2026年3月2日 税号91310000MA1K 居家保洁 6% ¥106.00 ¥100.00 ¥6.00"
                " 含税合计 由养老券支付-¥53.00 您的自付部分¥53.00"
            ),
        ),
    ],
)
async def test_an_invoice_says_all_that_it_must_in_both_languages(till: Till, language: str, said: str) -> None:
    async with unit_of_work() as session:
        place = await session.get_one(Community, till.organization.community_id)
    await make.entitlement(await make.programme(place), till.resident)
    named = await till.client.put(f"{till.path}/invoice-issuer", headers=till.headers, json=ISSUER)
    assert named.json() == {**ISSUER, "version": 1}
    await settled(till, 10_600)
    await relayed()
    headers = await sign_in_resident(till.resident) | {"Accept-Language": language}
    (listed,) = (await till.client.get("/v1/me/invoices", headers=headers)).json()["items"]
    path = f"/v1/me/invoices/{listed['id']}.pdf"
    first = await till.client.get(path, headers=headers)
    text = text_of(first)
    for word in [*said.split(), "BrightHomesLtd.", "12ElmRoad", "Grace"]:
        assert word.casefold() in text.casefold(), (word, text)
    # Whatever is changed later: it stays as it was issued, to the last byte.
    await till.client.put(f"{till.path}/invoice-issuer", headers=till.headers, json=ISSUER | {"name": "Other"})
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE identity_account SET name = 'Other'"))
    assert (await till.client.get(path, headers=headers)).content == first.content


async def test_a_credit_note_and_receipts_are_printed(till: Till) -> None:
    order, charge = await settled(till, 10_600)
    paid = (await till.pay(charge, 10_000)).json()
    await make.refunded(order, 2_120)
    refund = await till.post(f"charges/{charge.id}/payments/{paid['id']}/refunds", {"amount": 1_520, "reason": "vase"})
    await relayed()
    headers = await sign_in_resident(till.resident) | {"Accept-Language": "en"}
    credit, _ = (await till.client.get("/v1/me/invoices", headers=headers)).json()["items"]
    note = text_of(await till.client.get(f"/v1/me/invoices/{credit['id']}.pdf", headers=headers))
    for word in ("Creditnote", "C2026-000001", "Forinvoice2026-000001", "abrokenvase", "-CN¥21.20", "CN¥1.20"):
        assert word in note, note
    for payment, words in ((paid, ("Receipt", "cash", "CN¥100.00")), (refund.json(), ("Refundreceipt", "CN¥15.20"))):
        receipt = text_of(await till.client.get(f"/v1/me/payment-receipts/{payment['id']}.pdf", headers=headers))
        assert [word for word in words if word not in receipt] == []
    at_desk = await till.client.get(f"{till.path}/payment-receipts/{paid['id']}.pdf", headers=till.headers)
    assert "Receipt" in text_of(at_desk)


async def test_what_was_issued_is_never_changed_but_whose_it_was_can_go(till: Till) -> None:
    await settled(till, 1_000)
    await relayed()
    for statement in (
        "UPDATE billing_invoice SET amount = 2",
        "UPDATE billing_invoice SET recipient = 'somebody else'",
        "DELETE FROM billing_invoice",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"):
            await _run(statement)
    await _run("UPDATE billing_invoice SET recipient = NULL")
    (listed,) = (await till.seen("invoices"))["items"]
    answer = await till.client.get(
        f"{till.path}/invoices/{listed['id']}.pdf", headers=till.headers | {"Accept-Language": "zh-CN"}
    )
    assert "(已应要求删除)" in text_of(answer)


async def _run(statement: str) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.text(statement))


async def balance(holder: str, holder_id: uuid.UUID, kind: str) -> int:
    async with reading() as connection:
        found = await ledger.balances(connection, holder, [holder_id])  # type: ignore[arg-type]
        return sum(one.balance for one in found[holder_id] if one.kind == kind)


async def test_statements_add_up_with_the_ledger(till: Till, clock: ManualClock) -> None:
    async with unit_of_work() as session:
        place = await session.get_one(Community, till.organization.community_id)
        fee = PlatformFee(
            community_id=place.id, organization_id=till.organization.id, rate=1_000, set_by=till.resident.account_id
        )
        session.add(fee)
    await make.entitlement(await make.programme(place), till.resident)
    headers = await sign_in_resident(till.resident) | {"Accept-Language": "en"}
    shown: dict[str, list[Any]] = {"resident": [], "provider": []}
    for month in ("2026-03", "2026-04", "2026-05"):
        clock.set(datetime.fromisoformat(f"{month}-10T00:00:00+00:00"))
        till.headers = await sign_in(await identity.staff(till.organization, "coordinator"), second_factor=True)
        headers = await sign_in_resident(till.resident) | {"Accept-Language": "en"}
        if month != "2026-05":
            order, charge = await settled(till, 10_000, 2_000)
            await till.pay(charge, 3_000)
            await make.refunded(order, 4_000)
            await till.charge(777)  # at the organization's own desk: none of the platform's business
        owed = await balance("resident", till.resident.id, "receivable")
        payable = -await balance("organization", till.organization.id, "payable")
        mine = (await till.client.get(f"/v1/me/bill-statements/{month}", headers=headers)).json()
        theirs = await till.seen(f"provider-statements/{month}")
        assert (mine["closing"], theirs["closing"]) == (owed, payable)
        signs = {"opening": 1, "gross": 1, "cancelled": -1, "refunds": -1, "fees": -1, "fees_back": 1, "taken": -1}
        signs |= {"taken_back": 1, "paid_out": -1, "paid_back": 1, "other": 1}
        assert sum(sign * theirs[name] for name, sign in signs.items()) == theirs["closing"]
        shown["resident"].append((mine["opening"], mine["closing"]))
        shown["provider"].append((theirs["opening"], theirs["closing"]))
    for pairs in shown.values():
        assert pairs[0][0] == 0
        assert [before[1] for before in pairs[:-1]] == [after[0] for after in pairs[1:]]
    again = await till.seen("provider-statements/2026-03")  # a month is what it was, whatever came later
    assert (again["opening"], again["closing"]) == shown["provider"][0]
    assert (again["gross"], again["fees"], again["refunds"], again["taken"]) == (12_000, 1_200, 4_000, 3_000)
    paper = text_of(await till.client.get(f"{till.path}/provider-statements/2026-03.pdf", headers=till.headers))
    assert "ServiceschargedCN¥120.00" in paper
    own = text_of(await till.client.get("/v1/me/bill-statements/2026-03.pdf", headers=headers))
    assert "Payment(subsidy)" in own
    zh = headers | {"Accept-Language": "zh-CN"}
    assert "期末应付" in text_of(await till.client.get("/v1/me/bill-statements/2026-03.pdf", headers=zh))


async def test_nobody_prints_what_is_somebody_elses(till: Till, clock: ManualClock) -> None:
    await settled(till, 1_000)
    await relayed()
    (listed,) = (await till.seen("invoices"))["items"]
    async with unit_of_work() as session:
        place = await session.get_one(Community, till.organization.community_id)
    other = await identity.resident(place)
    answer = await till.client.get(f"/v1/me/invoices/{listed['id']}.pdf", headers=await sign_in_resident(other))
    assert answer.status_code == 404
    agency = await identity.organization(place, "provider")
    desk = await sign_in(await identity.staff(agency, "coordinator"), second_factor=True)
    path = f"/v1/organizations/{agency.id}/invoices/{listed['id']}.pdf"
    assert (await till.client.get(path, headers=desk)).status_code == 404
    ahead = (clock.now() + timedelta(days=40)).strftime("%Y-%m")
    assert (await till.client.get(f"{till.path}/provider-statements/{ahead}", headers=till.headers)).status_code == 422
