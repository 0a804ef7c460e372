"""Attractions, described and open, really committed."""

from datetime import UTC, date, datetime
from typing import Any, TypeVar

from app.core import clock
from app.core.database import unit_of_work
from app.identity.models import Community, Organization
from community.attractions.models import Attraction, AttractionClosing, AttractionCrowd, AttractionException
from community.attractions.rules import indexed
from community.attractions.service.deriving import derive
from tests.factories import identity

Row = TypeVar("Row", AttractionException, AttractionClosing)

EVERY_DAY: dict[str, Any] = {
    "weekdays": [1, 2, 3, 4, 5, 6, 7],
    "rrule": None,
    "valid_from": None,
    "valid_until": None,
    "holidays": "ignore",
}
DAILY: list[dict[str, Any]] = [EVERY_DAY | {"starts": 9 * 60, "ends": 17 * 60}]
"""Hours of something that is open from nine to five, every day, as they are kept."""
ALWAYS: list[dict[str, Any]] = [EVERY_DAY | {"starts": 0, "ends": 24 * 60}]
"""Hours of something that never closes."""
GARDEN: dict[str, Any] = {
    "name": {"en": "Garden of the Retired Official", "zh-CN": "归田园居"},
    "summary": {"en": "Ponds, halls and winding paths", "zh-CN": "池水、厅堂与曲径"},
    "kind": "garden",
    "tags": ["garden", "unesco"],
    "latitude": 31.23,
    "longitude": 121.47,
}


async def organization(of: Community, *, name: str = "Lakeside Museums") -> Organization:
    """Insert an organization that runs attractions."""
    return await identity.organization(of, "attraction", name=name)


async def attraction(by: Organization, **values: Any) -> Attraction:
    """Insert a published attraction, open from nine to five every day unless ``hours`` say otherwise."""
    given = GARDEN | {"hours": DAILY, "state": "published", "time_zone": "Asia/Shanghai"} | values
    others = [given.get(name, {}) for name in ("summary", "description", "access_note")]
    name, text, pairs = indexed(given["name"], others, given["tags"])
    async with unit_of_work() as session:
        row = Attraction(
            community_id=by.community_id,
            organization_id=by.id,
            search_name=name,
            search_text=text,
            search_grams=pairs,
            **given,
        )
        session.add(row)
        await session.flush()
        session.add(AttractionCrowd(attraction_id=row.id, counts_from=datetime(2026, 1, 1, tzinfo=UTC)))
        await derive(session, [row.id])
    return row


async def exception(of: Attraction, day: date) -> AttractionException:
    """Insert a day on which an attraction is closed."""
    row = AttractionException(community_id=of.community_id, attraction_id=of.id, first_day=day, last_day=day)
    return await _kept(of, row)


async def closing(of: Attraction, ends_at: datetime) -> AttractionClosing:
    """Insert that an attraction is shut from now on until an instant, although nobody had planned so."""
    row = AttractionClosing(community_id=of.community_id, attraction_id=of.id, starts_at=clock.now(), ends_at=ends_at)
    return await _kept(of, row)


async def _kept(of: Attraction, row: Row) -> Row:
    async with unit_of_work() as session:
        session.add(row)
        await derive(session, [of.id])
    return row
