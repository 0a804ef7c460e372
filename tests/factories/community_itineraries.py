"""Days out, really committed."""

import uuid
from datetime import timedelta
from typing import Any, Final

import orjson

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Resident
from community.itineraries.models import ASKED, Itinerary, ItineraryCompanion, ItineraryStop

WISH: Final[dict[str, Any]] = {
    "days": [{"day": "2026-03-05"}],
    "start": {"latitude": 31.23, "longitude": 121.47},
    "wishes": [{"attraction_id": "019cad8f-ac00-7000-85dc-855709469501"}],
}
"""A day out to somewhere that is not there."""


async def itinerary(of: Resident, attraction_id: uuid.UUID, **values: Any) -> tuple[Itinerary, ItineraryStop]:
    """Insert a day out for tomorrow, with one stop that needs no ticket."""
    at = clock.now() + timedelta(days=1)
    row = Itinerary(
        community_id=of.community_id,
        resident_id=of.id,
        account_id=of.account_id,
        planned_by=of.account_id,
        time_zone="Asia/Shanghai",
        starts_at=at,
        ends_at=at + timedelta(hours=8),
        asked=seal(orjson.dumps(WISH).decode(), ASKED),
        days=[],
        left_out=[],
        price_amount=0,
        currency="CNY",
        is_exact=True,
        look_at=at,
        **values,
    )
    stop = ItineraryStop(
        itinerary_id=row.id,
        resident_id=of.id,
        attraction_id=attraction_id,
        position=0,
        day=at.date(),
        items=[],
        persons=1,
        price_amount=0,
        leaves_for_at=at,
        way=timedelta(minutes=10),
        mode="foot",
        arrives_at=at + timedelta(minutes=10),
        enters_at=at + timedelta(minutes=10),
        enter_until=at + timedelta(hours=3),
        leaves_at=at + timedelta(minutes=70),
        why="on_arrival",
    )
    async with unit_of_work() as session:
        session.add(row)
        await session.flush()
        session.add(stop)
    return row, stop


async def companion(row: Itinerary, account: Account) -> ItineraryCompanion:
    """Let somebody come along."""
    along = ItineraryCompanion(
        itinerary_id=row.id, resident_id=row.resident_id, account_id=account.id, added_by=row.planned_by
    )
    async with unit_of_work() as session:
        session.add(along)
    return along
