"""The recount of the books, as the command says it."""

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import Database, unit_of_work
from app.reservations import api as reservations
from tests.cli.asking import SaidBy
from tests.reservations.conftest import PLACE


async def test_the_books_are_recounted_and_what_must_not_be_is_an_exit_status(
    database: Database, said_by: SaidBy
) -> None:
    async with unit_of_work() as session:
        pool = await reservations.open_pool(
            session, community_id=PLACE, kind="day", subject_id=clocks.new_id(), capacity=5
        )
    assert await said_by("reservations", "recount") == (0, "calendars and pools are what their rows say\n")
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE reservations_pool SET taken = 1 WHERE id = :id"), {"id": pool})
    status, said = await said_by("reservations", "recount")
    assert status == 1
    (row,) = (line for line in said.splitlines() if str(pool) in line)
    assert " count " in row
    assert str(PLACE) in row
