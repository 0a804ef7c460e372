"""What the worker does for trips: let go what nobody took, tell who is called off, and see that nobody is forgotten."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.last_resort.notices import TRIP_STUCK
from community.trips.models import Trip, TripParticipant, TripStop
from community.trips.service import cancelling, counting, joining
from notifications.api import telling_desk

HOLDS: Final = Due("community.expire_trip_places", TripParticipant, "hold_until")
OFFERS: Final = Due("community.expire_trip_offers", TripParticipant, "answer_by")
CALL_OFF: Final = Due("community.call_off_trips", TripParticipant, "call_off_at")
# Of these somebody may be left behind: what fails is tried again, soon and for ever.
_TELL_DESK: Final = telling_desk(TRIP_STUCK)
COUNT: Final = Due("community.count_on_trips", TripStop, "look_at", vital=True, on_stuck=counting.tell_stuck)
MISSING: Final = Due("community.look_for_the_missing", TripParticipant, "look_at", vital=True, on_stuck=_TELL_DESK)
CLOSE: Final = Due("community.close_trips", Trip, "close_at", vital=True, on_stuck=_TELL_DESK)


async def expire() -> int:
    """Let go of places whose money did not come; return how many."""
    return await drain(HOLDS, joining.expire)


async def expire_offers() -> int:
    """Let go of places that were offered and not taken; return how many."""
    return await drain(OFFERS, joining.expire)


async def call_off() -> int:
    """Tell and pay back those whose trip is off; return how many."""
    return await drain(CALL_OFF, cancelling.call_off)


async def count() -> int:
    """See to roll-calls whose time is over; return how many."""
    return await drain(COUNT, counting.look)


async def look_for() -> int:
    """Tell again of who is missing; return how often."""
    return await drain(MISSING, counting.look_for)


async def close() -> int:
    """End the line of trips that leave, close those of which all are back; return how many were looked at."""
    return await drain(CLOSE, counting.close)


_OFTEN: Final = timedelta(seconds=15)
# Each is a job of its own: what stops one of them keeps nobody waiting who depends on another.
JOBS: Final = (
    Job(HOLDS.name, _OFTEN, expire),
    Job(OFFERS.name, _OFTEN, expire_offers),
    Job(CALL_OFF.name, _OFTEN, call_off),
    Job(COUNT.name, _OFTEN, count),
    Job(MISSING.name, _OFTEN, look_for),
    Job(CLOSE.name, timedelta(minutes=5), close),
)
