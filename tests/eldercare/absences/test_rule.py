"""One rule says of whom nobody waits: the same for who asks, who reminds and who comes."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from eldercare.absences.models import Absence
from eldercare.absences.repository import away_until, excuse, excuse_from_asking
from tests.conftest import START
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database")

DUE = START + timedelta(hours=1)
NOW = DUE + timedelta(minutes=40)
_INSTANT = sa.DateTime(timezone=True)
_ASKED = sa.text(
    f"SELECT {excuse('c', 'c.due_at')}, {excuse_from_asking('c', 'c.due_at')} FROM "
    "(SELECT :resident_id AS resident_id, :due AS due_at) AS c"
).bindparams(
    sa.bindparam("resident_id", type_=sa.Uuid), sa.bindparam("due", type_=_INSTANT), sa.bindparam("now", type_=_INSTANT)
)


def _minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


@pytest.mark.parametrize(
    ("starts", "ends", "stated", "is_excused", "is_asked"),
    [
        # All in minutes from when it is due; it is looked at 40 minutes later.
        pytest.param(-30, 600, -60, True, False, id="away when it is due"),
        pytest.param(0, 600, -60, True, False, id="away from that very minute on"),
        pytest.param(-30, 0, -60, False, True, id="back at that very minute"),
        pytest.param(-30, 20, -60, True, False, id="back by now, but it fell into the absence"),
        pytest.param(10, 600, 15, True, False, id="taken to hospital after it was due"),
        pytest.param(-30, 600, 15, True, False, id="stated late, for before"),
        pytest.param(10, 600, -60, False, False, id="planned to leave after it was due: missed, but not asked now"),
        pytest.param(10, 20, -60, False, True, id="planned to leave after it was due, and back by now"),
        pytest.param(60, 600, 15, False, True, id="will be away"),
        pytest.param(-90, -10, -90, False, True, id="was away before"),
    ],
)
async def test_everybody_asks_by_the_same_rule(
    clock: ManualClock, starts: int, ends: int, stated: int, *, is_excused: bool, is_asked: bool
) -> None:
    resident = await identity.resident(await identity.community())
    clock.set(DUE + _minutes(stated))
    await _absent(resident, starts_at=DUE + _minutes(starts), ends_at=DUE + _minutes(ends))

    due, now = sa.bindparam("due", type_=_INSTANT), sa.bindparam("now", type_=_INSTANT)
    binds = {"resident_id": resident.id, "due": DUE, "now": NOW}
    async with reading() as connection:
        until = away_until(sa.bindparam("resident_id", type_=sa.Uuid), due, now)
        visited = await connection.scalar(sa.select(until), binds)
        waited, asked = (await connection.execute(_ASKED, binds)).one()

    assert (visited is not None, waited is not None) == (is_excused, is_excused)
    assert (asked is None) == is_asked
    assert visited in (None, DUE + _minutes(ends))


async def test_an_absence_that_was_ended_speaks_of_nothing_after(clock: ManualClock) -> None:
    resident = await identity.resident(await identity.community())
    await _absent(resident, starts_at=START, ends_at=DUE + _minutes(600), ended_at=DUE - _minutes(1))
    async with reading() as connection:
        found = await connection.execute(_ASKED, {"resident_id": resident.id, "due": DUE, "now": NOW})
    assert found.one() == (None, None)


async def test_the_reason_is_that_of_the_absence_which_began_first(clock: ManualClock) -> None:
    resident = await identity.resident(await identity.community())
    await _absent(resident, starts_at=START + _minutes(1), ends_at=DUE + _minutes(600), kind="away")
    await _absent(resident, starts_at=START, ends_at=DUE + _minutes(1), kind="hospital")
    async with reading() as connection:
        found = await connection.execute(_ASKED, {"resident_id": resident.id, "due": DUE, "now": NOW})
    assert found.one() == ("hospital", "hospital")


async def _absent(resident: Any, **values: Any) -> None:
    defaults = {"kind": "hospital", "created_by": resident.account_id}
    row = Absence(community_id=resident.community_id, resident_id=resident.id, **(defaults | values))
    async with unit_of_work() as session:
        session.add(row)
