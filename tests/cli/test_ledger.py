"""The books of money added up again, as the command says it."""

import sqlalchemy as sa

from app.billing.ledger.models import Entry
from app.core.clock import new_id
from app.core.database import Database, unit_of_work
from tests.cli.asking import SaidBy
from tests.factories import identity, telemedicine_settlement

UNGUARDED = "ALTER TABLE billing_{} DISABLE TRIGGER USER"
GUARDED = "ALTER TABLE billing_{} ENABLE TRIGGER USER"


async def test_the_books_are_added_up_and_what_does_not_add_up_is_an_exit_status(
    database: Database, said_by: SaidBy
) -> None:
    place = await identity.community()
    organization = await identity.organization(place, "clinic")
    charge = await telemedicine_settlement.charge(organization, await identity.resident(place))
    await telemedicine_settlement.payment(charge, 300)
    verify = ("ledger", "verify")
    assert await said_by(*verify) == (0, "the books add up: balances, entries and charges\n")
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE billing_charge SET paid_amount = 200"))
        account = await session.scalar(sa.text("UPDATE billing_balance SET amount = amount + 1 RETURNING id"))
        assert account is not None
        await session.execute(sa.text(UNGUARDED.format("entry")))
        entry = Entry(community_id=place.id, kind="correction", source_id=new_id(), currency="CNY")
        session.add(entry)
        await session.flush()
        await session.execute(sa.text(GUARDED.format("entry")))
    status, said = await said_by(*verify)
    assert status == 1
    assert f"a charge's paid amount is not its payments': {charge.id}" in said
    assert f"an entry does not balance: {entry.id}" in said
    assert said.count("an account's balance is not the sum of its postings") == 3
