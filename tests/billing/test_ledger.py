"""The ledger: it balances, whatever is done beside what, and nothing in it is ever changed."""

import asyncio
import uuid

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.billing.charges import rules
from app.billing.ledger import views as ledger
from app.billing.ledger.models import Entry, Posting
from app.billing.ledger.repository import account_ids
from app.billing.ledger.rules import Account, AccountKind, Move, balanced
from app.billing.ledger.service import Occasion, enter
from app.core.database import reading, unit_of_work
from tests.billing.conftest import Till

BALANCES = sa.text(
    "SELECT a.kind, sum(b.amount) AS balance FROM billing_balance b"
    " JOIN billing_account a ON a.id = b.ledger_account_id"
    " GROUP BY a.kind HAVING sum(b.amount) <> 0"
)
UNBALANCED = sa.text("SELECT count(*) FROM (SELECT 1 FROM billing_posting GROUP BY entry_id HAVING sum(amount) <> 0) x")


async def balances() -> dict[str, int]:
    async with reading() as connection:
        assert await connection.scalar(UNBALANCED) == 0
        assert await ledger.drifted(connection) == []
        return {row.kind: int(row.balance) for row in await connection.execute(BALANCES)}


SOMEBODY, SOME_CLINIC, SOME_PLACE = (uuid.UUID(int=number) for number in (1, 2, 3))


@given(
    st.sampled_from(["organization", "platform"]),
    st.integers(1, rules.LARGEST),
    st.integers(0, 5_000),
    st.sampled_from(["cash", "bank_transfer", "terminal", "card", "subsidy", "sponsor"]),
)
def test_every_entry_adds_up_to_zero(
    collected_by: rules.Collector, amount: int, rate: int, paid_by: rules.PaymentKind
) -> None:
    parties = rules.Parties(SOME_PLACE, SOMEBODY, SOME_CLINIC, collected_by)
    fee = rules.fee_of(amount, rate) if collected_by == "platform" else 0
    charged = rules.charging(parties, amount, fee)
    assert sum(move.amount for move in charged) == 0
    assert charged[0] == Move(parties.receivable, amount)
    if collected_by == "organization" and paid_by not in rules.AT_THE_DESK:
        with pytest.raises(ValueError, match="own desk"):
            rules.paying(parties, paid_by, amount)
        return
    paid = rules.paying(parties, paid_by, amount, uuid.UUID(int=4))
    assert paid[1] == Move(parties.receivable, -amount)
    assert paid[0].amount == amount


@given(st.lists(st.integers(0, 10**6), max_size=6), st.data())
def test_what_is_shared_adds_up_and_nobody_gets_more_than_their_own(of: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(of)))
    found = rules.shares(total, of)
    assert sum(found) == total
    assert all(0 <= part <= own for part, own in zip(found, of, strict=True))


@given(st.integers(1, 10**9), st.integers(0, 5_000), st.lists(st.integers(0, 10**9), max_size=5))
def test_the_fee_of_what_is_waived_is_waived_with_it(amount: int, rate: int, waivers: list[int]) -> None:
    fee, credited, waived = rules.fee_of(amount, rate), 0, 0
    for wanted in waivers:
        credited = min(amount, credited + wanted)
        following = rules.credited_fee(amount, fee, credited)
        assert waived <= following <= fee
        waived = following
    assert credited < amount or waived == fee


@pytest.mark.parametrize("moves", [[], [("cash", 1)], [("cash", 1), ("bank", -2)], [("cash", 1), ("cash", -1)]])
def test_an_entry_moves_something_from_somewhere_to_somewhere(moves: list[tuple[AccountKind, int]]) -> None:
    with pytest.raises(ValueError, match="an entry moves"):
        balanced([Move(Account("organization", SOME_CLINIC, kind), amount) for kind, amount in moves])


def test_nobody_has_an_account_of_anothers_kind() -> None:
    with pytest.raises(ValueError, match="no account"):
        Account("resident", SOMEBODY, "cash")


async def test_a_charge_is_paid_in_parts_each_in_its_own_way(till: Till) -> None:
    charge = await till.charge()
    assert await balances() == {"receivable": 1_000, "revenue": -1_000}
    assert (await till.pay(charge, 300)).status_code == 201
    assert (await till.pay(charge, 300, kind="terminal", reference="S-1")).status_code == 201
    assert (await till.seen(f"charges/{charge.id}"))["state"] == "open"
    last = await till.pay(charge, 400, kind="bank_transfer", reference="B-1")
    assert (last.status_code, last.json()["reference"]) == (201, "B-1")
    shown = await till.seen(f"charges/{charge.id}")
    assert (shown["state"], [one["amount"] for one in shown["payments"]]) == ("paid", [300, 300, 400])
    assert await balances() == {"revenue": -1_000, "cash": 300, "terminal": 300, "bank": 400}
    entries = (await till.seen("ledger"))["items"]
    assert [entry["kind"] for entry in entries] == ["payment", "payment", "payment", "charge"]
    assert entries[0]["postings"] == {"bank": 400, "receivable": -400}


@pytest.mark.parametrize(
    ("given_values", "status", "code"),
    [
        ({"amount": 1_001}, 409, "too_much_paid"),
        ({"currency": "USD"}, 409, "other_currency"),
        ({"kind": "terminal"}, 422, "malformed"),
        ({"received_at": "2030-01-01T00:00:00Z"}, 422, "malformed"),
        ({"amount": 0}, 422, "malformed"),
        ({"amount": 1.5}, 422, "malformed"),
        ({"kind": "card"}, 422, "malformed"),
    ],
)
async def test_what_cannot_be_paid_is_said_and_leaves_nothing(
    till: Till, given_values: dict[str, object], status: int, code: str
) -> None:
    charge = await till.charge()
    values = {"amount": 1_000, **given_values}
    refused = await till.post(f"charges/{charge.id}/payments", {"kind": "cash", "currency": "CNY", **values})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await balances() == {"receivable": 1_000, "revenue": -1_000}


async def test_one_transfer_is_counted_once_however_often_it_is_recorded(till: Till) -> None:
    charge, other = await till.charge(), await till.charge()
    both = await asyncio.gather(
        *(till.pay(of, 1_000, kind="bank_transfer", reference="b-7") for of in (charge, charge, other))
    )
    assert sorted(answer.json().get("code", "") for answer in both) == ["", "payment_known", "payment_known"]
    again = await till.pay(other, 1_000, kind="bank_transfer", reference="B-7")
    assert (again.status_code, again.json()["code"]) == (409, "payment_known")
    assert (await balances())["bank"] == 1_000


async def test_who_pays_at_two_desks_at_once_pays_once(till: Till) -> None:
    charge = await till.charge()
    answers = await asyncio.gather(*(till.pay(charge, 1_000) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert await balances() == {"cash": 1_000, "revenue": -1_000}


async def test_the_same_request_again_is_the_same_payment(till: Till) -> None:
    charge = await till.charge()
    headers = till.headers | {"Idempotency-Key": "one"}
    body = {"kind": "cash", "amount": 400, "currency": "CNY"}
    path = f"{till.path}/charges/{charge.id}/payments"
    first, second = [await till.client.post(path, headers=headers, json=body) for _ in range(2)]
    assert first.json() == second.json()
    assert (await balances())["cash"] == 400


async def test_no_more_is_given_back_than_was_paid(till: Till) -> None:
    charge = await till.charge()
    paid = (await till.pay(charge, 1_000)).json()
    refunds = f"charges/{charge.id}/payments/{paid['id']}/refunds"
    answers = await asyncio.gather(*(till.post(refunds, {"amount": 600, "reason": "wrong"}) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    shown = await till.seen(f"charges/{charge.id}")
    assert (shown["state"], shown["paid_amount"], shown["payments"][0]["refunded_amount"]) == ("open", 400, 600)
    assert await balances() == {"receivable": 600, "revenue": -1_000, "cash": 400}
    refund = shown["payments"][1]
    of_refund = await till.post(f"charges/{charge.id}/payments/{refund['id']}/refunds", {"amount": 1, "reason": "x"})
    assert of_refund.status_code == 404


async def test_charges_are_listed_by_state_and_by_none_but_their_desk(till: Till) -> None:
    charge, paid = await till.charge(), await till.charge()
    await till.pay(paid, 1_000)
    assert [one["id"] for one in (await till.seen("charges"))["items"]] == [str(paid.id), str(charge.id)]
    assert [one["id"] for one in (await till.seen("charges?state=open"))["items"]] == [str(charge.id)]
    page = await till.seen("charges?limit=1")
    following = await till.seen(f"charges?limit=1&cursor={page['next']}")
    assert [one["id"] for one in following["items"]] == [str(charge.id)]


async def _entry(till: Till) -> Entry:
    charge = await till.charge()
    return Entry(
        community_id=charge.community_id,
        organization_id=charge.organization_id,
        charge_id=charge.id,
        source_id=charge.id,
        kind="cancellation",
        currency="CNY",
    )


async def _accounts(till: Till) -> list[uuid.UUID]:
    async with unit_of_work() as session:
        of = (Account("organization", till.organization.id, kind) for kind in ("cash", "bank"))
        return list((await account_ids(session, till.organization.community_id, "CNY", list(of))).values())


async def test_the_database_refuses_an_entry_that_does_not_balance(till: Till) -> None:
    accounts = await _accounts(till)
    for amounts in ((5, -4), (5,), ()):
        entry = await _entry(till)
        moved = zip(accounts, amounts, strict=False)
        postings = [Posting(entry_id=entry.id, ledger_account_id=account, amount=amount) for account, amount in moved]
        with pytest.raises(sa.exc.DBAPIError, match="does not balance"):
            await _write(entry, *postings)


async def test_the_database_refuses_to_enter_one_thing_twice(till: Till) -> None:
    charge = await till.charge()
    occasion = Occasion(charge.community_id, "charge", charge.id, "CNY", charge.organization_id, charge.id)
    moves = rules.charging(rules.Parties(charge.community_id, charge.payer_id, charge.organization_id), 1_000)
    with pytest.raises(sa.exc.IntegrityError, match="uq_billing_entry_source_id_kind"):
        async with unit_of_work() as session:
            await enter(session, occasion, moves)
    assert await balances() == {"receivable": 1_000, "revenue": -1_000}


async def test_the_desk_sees_what_its_accounts_come_to(till: Till) -> None:
    charges = [await till.charge() for _ in range(3)]
    await till.pay(charges[0], 300)
    shown = {one["kind"]: one["balance"] for one in (await till.seen("ledger/balances"))["accounts"]}
    assert shown == {"cash": 300, "receivable": 2_700, "revenue": -3_000}


async def _write(entry: Entry, *postings: Posting) -> None:
    async with unit_of_work() as session:
        session.add(entry)
        await session.flush()
        session.add_all(postings)


@pytest.mark.parametrize("added", [[1], [1, -1]], ids=["unbalanced", "balanced"])
async def test_nothing_is_added_to_an_entry_later(till: Till, added: list[int]) -> None:
    await till.charge()
    accounts = await _accounts(till)
    async with reading() as connection:
        entry_id = await connection.scalar(sa.text("SELECT id FROM billing_entry"))
    moved = zip(accounts, added, strict=False)
    postings = [Posting(entry_id=entry_id, ledger_account_id=account, amount=amount) for account, amount in moved]
    with pytest.raises(sa.exc.DBAPIError, match="does not balance"):
        async with unit_of_work() as session:
            session.add_all(postings)


@pytest.mark.parametrize("table", ["billing_entry", "billing_posting"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET version = 2", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_nothing_in_the_ledger_is_changed(till: Till, table: str, statement: str) -> None:
    await till.charge()
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        async with unit_of_work() as session:
            await session.execute(sa.text(statement.format(table)))


async def test_an_entry_is_in_the_currency_of_its_charge(till: Till) -> None:
    entry = await _entry(till)
    entry.currency = "USD"
    with pytest.raises(sa.exc.IntegrityError, match="currency"):
        async with unit_of_work() as session:
            session.add(entry)
