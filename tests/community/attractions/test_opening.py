"""Openings follow rules, holidays, days with other hours and closings; how many are inside follows the gates."""

from datetime import UTC, datetime, timedelta

from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from community.attractions.models import CROWDS
from community.attractions.service.crowd import CrowdChange, note_crowd, note_crowds
from community.attractions.views import opening
from tests.factories import community_attractions as attractions
from tests.factories import identity

MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def test_openings_are_cut_to_what_is_asked_for(database: Database, clock: ManualClock) -> None:
    place = await identity.community()
    one = await attractions.attraction(await attractions.organization(place))

    async with reading() as connection:
        found = await opening(connection, [one.id], MONDAY + 2 * HOUR, MONDAY + 26 * HOUR)

    assert found == {one.id: [(MONDAY + 2 * HOUR, MONDAY + 9 * HOUR), (MONDAY + 25 * HOUR, MONDAY + 26 * HOUR)]}


async def test_who_is_inside_is_a_sum_in_any_order(database: Database, clock: ManualClock) -> None:
    place = await identity.community()
    by = await attractions.organization(place)
    one, other = await attractions.attraction(by), await attractions.attraction(by)

    async with unit_of_work() as session:
        await note_crowds(session, [CrowdChange(one.id, -2, MONDAY + HOUR), CrowdChange(other.id, 1, MONDAY)])
        await note_crowd(session, one.id, 5, MONDAY)
        await note_crowd(session, one.id, 7, MONDAY - timedelta(days=400))
    async with reading() as connection:
        rows = {row.attraction_id: row for row in await connection.execute(CROWDS.select())}

    assert (rows[one.id].inside, rows[one.id].as_of) == (3, MONDAY + HOUR)
    assert rows[other.id].inside == 1
