"""What the worker does for days out: look after whoever is on the way."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.itineraries.models import Itinerary
from community.itineraries.service import looking

LOOKS: Final = Due("community.look_after_itineraries", Itinerary, "look_at")


async def look_after() -> int:
    """Look after days out whose time to has come; return how many."""
    return await drain(LOOKS, looking.look)


JOBS: Final = (Job(LOOKS.name, timedelta(seconds=30), look_after),)
