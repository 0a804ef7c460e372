"""What goes to calendars elsewhere (RFC 5545, RFC 7986): events on the wall where they are, and the zones they need."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fastapi import Response

from app.core.later import Later
from app.core.wall_time import zone

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = Later("icalendar")


class CalendarResponse(Response):
    """An answer in iCalendar; nobody on the way keeps it."""

    media_type = "text/calendar; charset=utf-8"


@dataclass(frozen=True, slots=True)
class When:
    """What an event is known by, when it is and on whose wall, and which edition of it this is."""

    id: object
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    updated_at: datetime
    sequence: int


def calendar(product: str, method: str) -> "icalendar.Calendar":
    """Return an empty calendar, ``product`` being what writes it."""
    found = icalendar.Calendar()
    found.add("prodid", f"-//Hearthline//{product}//EN")
    found.add("version", "2.0")
    found.add("method", method)
    return found


def entitle(found: "icalendar.Calendar", words: str, refresh: timedelta | None = None) -> None:
    """Give a calendar a name, and say how often it is to be read again."""
    found.add("name", words)
    found.add("x-wr-calname", words)
    if refresh is not None:
        found.add("refresh-interval", refresh, parameters={"VALUE": "DURATION"})


def event(when: When, summary: str) -> "icalendar.Event":
    """Return a private event; a later edition of it has the same uid and a higher ``SEQUENCE``."""
    place = zone(when.time_zone)
    found = icalendar.Event()
    found.add("uid", f"{when.id}@hearthline")
    found.add("dtstamp", when.updated_at)
    found.add("last-modified", when.updated_at)
    found.add("sequence", when.sequence)
    found.add("summary", summary)
    found.add("dtstart", when.starts_at.astimezone(place))
    found.add("dtend", when.ends_at.astimezone(place))
    found.add("class", "PRIVATE")
    return found


def written(found: "icalendar.Calendar", since: datetime, until: datetime) -> bytes:
    """Return a calendar with the zones it needs, as their clocks go for a year before and after what is in it."""
    found.add_missing_timezones(
        first_date=(since - timedelta(days=366)).date(), last_date=(until + timedelta(days=366)).date()
    )
    return bytes(found.to_ical())
