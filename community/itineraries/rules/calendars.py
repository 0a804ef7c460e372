"""A day out as iCalendar (RFC 5545): each stop where and when it is, and that it is off."""

from collections.abc import Sequence
from typing import Any, Final

from app.core import icalendars
from app.core.icalendars import When
from app.core.wall_time import zone

_NAME: Final = {"en": "Day out", "zh-CN": "出游"}
_LEAVE: Final = {"en": "Set out at {leaves}.", "zh-CN": "{leaves} 出发。"}
_OFF: Final = frozenset({"skipped", "off"})


def calendar(row: Any, stops: Sequence[Any], language: str) -> bytes:
    """Return the stops of an itinerary as a calendar in one of our languages; a newer download replaces an older one.

    What was needed on the way is not in it: calendars are shown to others.
    """
    found = icalendars.calendar("Days out", "PUBLISH")
    icalendars.entitle(found, _NAME[language])
    for stop in stops:
        when = When(stop.id, stop.enters_at, stop.leaves_at, row.time_zone, row.updated_at, row.version)
        name = stop.name.get(language) or next(iter(stop.name.values()), "—")
        event = icalendars.event(when, name)
        leaves = stop.leaves_for_at.astimezone(zone(row.time_zone)).strftime("%H:%M")
        event.add("description", _LEAVE[language].format(leaves=leaves))
        event.add("location", name)
        event.add("geo", (stop.latitude, stop.longitude))
        is_off = row.state == "dropped" or stop.state in _OFF
        is_sure = stop.slot_id is None or stop.booking == "booked"
        event.add("status", "CANCELLED" if is_off else "CONFIRMED" if is_sure else "TENTATIVE")
        event.add("transp", "TRANSPARENT" if is_off else "OPAQUE")
        found.add_component(event)
    return icalendars.written(found, row.starts_at, row.ends_at)
