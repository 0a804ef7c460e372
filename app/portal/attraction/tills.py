"""Whose till is open: what is sold, and handed back, is of one person's."""

from typing import Any

from app.portal.attraction.knowing import Place


async def till_of(place: Place) -> Any:
    """Return the visitor's own open till here, ``None`` without one."""
    page = await place.visit.api.get(f"{place.of}/office-shifts", limit=100)
    me = str(place.visit.actor.id)
    return next((one for one in page["items"] if one["account_id"] == me and one["closed_at"] is None), None)
