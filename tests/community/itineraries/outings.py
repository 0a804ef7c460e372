"""Places around a home, and when one may go in."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from app.dispatch.api import Place
from community.itineraries.rules.asked import Entrance, Needs, Outing, Plan, Stop, Wish

DAY = datetime(2026, 5, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOME = Place(31.230, 121.470)
NEAR = Place(31.232, 121.471)
BESIDE = Place(31.233, 121.472)
FAR = Place(31.300, 121.550)


def at(hour: float, day: int = 0) -> datetime:
    """Return an hour of the first day, or of another."""
    return DAY + timedelta(days=day, hours=hour)


def day(number: int = 0, since: float = 8, until: float = 18) -> tuple[datetime, datetime]:
    """Return a day."""
    return at(since, number), at(until, number)


def wide(since: float = 9, until: float = 17, number: int = 0, **more: Any) -> Entrance:
    """Return an entrance for which nobody needs a slot."""
    return Entrance(at(since, number), at(until, number), at(until, number), **more)


def slot(hour: float, number: int = 0, left: int = 5, price: int = 1_000, **more: Any) -> Entrance:
    """Return a slot of which one goes in within half an hour."""
    slot_id = uuid.UUID(int=int(number * 1_000 + hour * 10))
    return Entrance(at(hour, number), at(hour + 0.5, number), at(hour + 4, number), slot_id, left, price, **more)


def wish(number: int, *entrances: Entrance, place: Place = NEAR, stay: int = 60, **more: Any) -> Wish:
    """Return a wish."""
    return Wish(uuid.UUID(int=number), place, stay * MINUTE, entrances, **more)


def outing(*wishes: Wish, days: int = 1, budget: int | None = None, **needs: Any) -> Outing:
    """Return what is asked."""
    return Outing(HOME, tuple(day(number) for number in range(days)), wishes, Needs(**needs), budget)


def stops(plan: Plan) -> list[Stop]:
    """Return all stops, in order."""
    return [stop for one in plan.days for stop in one.stops]


def when(plan: Plan) -> dict[int, float]:
    """Return at which hour one goes in where."""
    return {stop.wish_id.int: (stop.enters_at - DAY) / timedelta(hours=1) for stop in stops(plan)}


def why(plan: Plan) -> dict[int, str]:
    """Return why each wish is left out that is."""
    return {left.wish_id.int: left.code for left in plan.left_out}
