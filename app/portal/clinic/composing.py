"""What the clinic's templates show, out of what the API answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from app.portal.ground.moments import instant, length
from app.portal.ground.their import Their

Json = Mapping[str, Any]
KINDS: Final[Mapping[str, str]] = {
    "booked": "quiet",
    "late": "waiting",
    "arrived": "needs",
    "checked-in": "waiting",
    "fulfilled": "fine",
    "noshow": "away",
    "cancelled": "away",
    "pending": "quiet",
    "proposed": "quiet",
    "asked": "needs",
    "entered-in-error": "away",
    "waitlist": "quiet",
}
"""How loud a badge is, by how an appointment stands."""
_LATE: Final = timedelta(minutes=10)
_NEXT: Final[Mapping[str, tuple[str, ...]]] = {
    "booked": ("arrived",),
    "late": ("arrived", "noshow"),
    "arrived": ("checked-in",),
    "checked-in": ("fulfilled",),
    "noshow": ("arrived",),
}
"""What is pressed next; the first is what usually is."""
GONE: Final = ("cancelled", "entered-in-error")


@dataclass(frozen=True, slots=True)
class Row:
    """One appointment of the day."""

    item: Json
    state: str
    kind: str
    acts: Sequence[str]


def standing(item: Json, now: datetime) -> str:
    """Return how an appointment stands: as the API says, and whether it is late or waits for the clinic's answer."""
    if item["awaits"] == "clinic":
        return "asked"
    if item["status"] == "booked" and instant(item["starts_at"]) + _LATE < now:
        return "late"
    return str(item["status"])


def row(item: Json, now: datetime) -> Row:
    """Return an appointment as it is shown."""
    state = standing(item, now)
    acts = _NEXT.get(state, ())
    if item["mode"] == "video" and instant(item["ends_at"]) > now:
        acts = tuple(act for act in acts if act != "noshow")  # the API takes it only once the visit's time is over
    return Row(item, state, KINDS[state], acts)


def day_of(items: Iterable[Json], now: datetime, who: str) -> tuple[list[Row], dict[str, int]]:
    """Return a day's appointments of a practitioner, or of all, and how many stand how; what was called off last."""
    rows = [row(item, now) for item in items if who in ("all", item["practitioner_id"])]
    counts = {
        "expected": sum(one.state in ("booked", "late") for one in rows),
        "waiting": sum(one.state == "arrived" for one in rows),
        "in": sum(one.state == "checked-in" for one in rows),
        "done": sum(one.state == "fulfilled" for one in rows),
        "missed": sum(one.state == "noshow" for one in rows),
    }
    return sorted(rows, key=lambda one: one.state in GONE), counts


def by_day(slots: Iterable[Json], there: Their) -> list[tuple[str, list[Json]]]:
    """Return free times by their day at the clinic."""
    days: dict[str, list[Json]] = {}
    for slot in slots:
        days.setdefault(there.day(slot["starts_at"]), []).append(slot)
    return list(days.items())


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the clinic, with who is in it."""

    id: str
    name: str
    called: Sequence[Json]
    waiting: Sequence[Json]
    skipped: Sequence[Json]


def lines(tickets: Iterable[Json], departments: Iterable[Json], language: str, whole: str) -> list[Line]:
    """Return the clinic's lines: its own as a whole first, then each department's."""
    names = {"": whole} | {one["id"]: one["name"][language] for one in departments}
    of: dict[str, list[Json]] = {key: [] for key in names}
    for ticket in tickets:
        of.setdefault(ticket["department_id"] or "", []).append(ticket)
    return [
        Line(
            key,
            names.get(key, key),
            sorted((one for one in found if one["state"] == "called"), key=lambda one: one["called_at"], reverse=True),
            [one for one in found if one["state"] == "waiting"],
            [one for one in found if one["state"] == "skipped"],
        )
        for key, found in of.items()
    ]


def said(concept: Json | None) -> str:
    """Return what something is in words: its own words, else what its code is called, else the code."""
    if not concept:
        return ""
    coding = concept.get("coding") or {}
    return str(concept.get("text") or coding.get("display") or coding.get("code") or "")


def code_of(concept: Json | None) -> str:
    """Return a concept's code, for who wants to see it."""
    return str(((concept or {}).get("coding") or {}).get("code") or "")


def minutes(duration: str) -> int:
    """Return the whole minutes of a duration as the API writes it (ISO 8601)."""
    return round(length(duration) / timedelta(minutes=1))


def date_of(text: str) -> date:
    """Return a date as the API writes it."""
    return date.fromisoformat(text)


def says_the_same(kept: Mapping[str, Any], written: Mapping[str, Any]) -> bool:
    """Say whether a draft that is kept says what was written; what is empty is the same as what is not there."""
    return all((kept.get(name) or None) == (value or None) for name, value in written.items())
