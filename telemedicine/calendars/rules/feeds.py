"""Appointments as iCalendar (RFC 5545, RFC 7986): when, how sure, and nothing of what for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from app.core import icalendars
from app.core.icalendars import When
from app.core.later import Later

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = Later("icalendar")

BEFORE: Final = timedelta(days=31)
AHEAD: Final = timedelta(days=366)
REFRESH: Final = timedelta(hours=1)
_OFF: Final = frozenset({"cancelled", "entered-in-error"})
_STATUS: Final = {
    "cancelled": "CANCELLED",
    "entered-in-error": "CANCELLED",
    "pending": "TENTATIVE",
    "proposed": "TENTATIVE",
}
_PRODUCT: Final = "Appointments"
_WORDS: Final = {"en": ("Appointments", "Appointment"), "zh-CN": ("预约", "预约")}


def calendar(rows: Sequence[Any], language: str, now: datetime) -> bytes:
    """Return appointments as a calendar, each on the wall where it is (VTIMEZONE), ``language`` one of ours.

    What was called off stays in it as ``CANCELLED`` with a higher ``SEQUENCE``: whoever has it learns that it is off.
    """
    name, summary = _WORDS[language]
    found = icalendars.calendar(_PRODUCT, "PUBLISH")
    icalendars.entitle(found, name, REFRESH)
    for row in rows:
        found.add_component(_event(row, summary))
    return icalendars.written(found, now - BEFORE, now + AHEAD)


def invitation(row: Any, language: str, *, organizer: str, attendee: str) -> tuple[str, str]:
    """Return the method and the text of an appointment as it goes to somebody's calendar by mail (RFC 5546, RFC 6047).

    What does not take place takes itself out again. Nobody is asked to answer: who comes is settled here.
    """
    is_off = row.status in _OFF
    method = "CANCEL" if is_off else "REQUEST"
    found = icalendars.calendar(_PRODUCT, method)
    event = _event(row, _WORDS[language][1])
    event.add("organizer", f"mailto:{organizer}", parameters={"CN": "Hearthline"})
    answered = {"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
    event.add("attendee", f"mailto:{attendee}", parameters=answered)
    found.add_component(event)
    return method, icalendars.written(found, row.starts_at, row.ends_at).decode()


def _event(row: Any, summary: str) -> "icalendar.Event":
    """Return an appointment on the wall where it is: when, how sure, and nothing of what for."""
    when = When(row.id, row.starts_at, row.ends_at, row.time_zone, row.updated_at, row.sequence)
    event = icalendars.event(when, summary)
    event.add("status", _STATUS.get(row.status, "CONFIRMED"))
    event.add("transp", "TRANSPARENT" if row.status in _OFF else "OPAQUE")
    return event
