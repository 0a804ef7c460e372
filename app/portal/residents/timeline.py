"""What happened to somebody, day by day, the latest first."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

from app.portal.residents.knowing import Known

_PAGE: Final = 50
_ICONS: Final[Mapping[str, str]] = {
    "check_in_answered": "fine",
    "check_in_missed": "needs",
    "pause_started": "away",
    "pause_ended": "home",
    "alarm_raised": "alarms",
    "alarm_closed": "fine",
    "dose_taken": "pill",
    "dose_skipped": "pill",
    "dose_missed": "needs",
    "reading": "heart",
    "visit_started": "visit",
    "visit_completed": "visit",
    "visit_missed": "needs",
    "circle_joined": "people",
    "circle_left": "people",
    "appointment_changed": "today",
}
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "alarms": ("alarm_raised", "alarm_closed", "check_in_missed"),
    "check_ins": ("check_in_answered", "check_in_missed", "pause_started", "pause_ended"),
    "doses": ("dose_taken", "dose_skipped", "dose_missed"),
    "readings": ("reading",),
    "visits": ("visit_started", "visit_completed", "visit_missed"),
}
"""What can be looked at alone, and the API's kinds it holds."""


async def timeline(person: Known, cursor: str | None, group: str) -> dict[str, Any]:
    """Return a page of the timeline by days there; raises ``Refused``."""
    kinds = list(GROUPS[group]) if group in GROUPS else None
    page = await person.ask("timeline", limit=_PAGE, cursor=cursor, kind=kinds)
    entries = [
        {"at": item["at"], "text": item["text"], "icon": _ICONS.get(item["kind"], "waiting"), "kind": item["kind"]}
        for item in page["items"]
    ]
    by_day = groupby(entries, key=lambda entry: person.their.date_of(entry["at"]))
    return {
        "days": [(day, list(found)) for day, found in by_day],
        "older": page["next"],
        "group": group if group in GROUPS else "",
        "groups": list(GROUPS),
        "is_first": cursor is None,
    }
