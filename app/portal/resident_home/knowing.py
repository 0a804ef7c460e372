"""What a resident's own pages are put together of, as the API tells it; what it cannot tell now is said to be so."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from app.core import clock
from app.portal.ground.alarms import CLOSED
from app.portal.ground.asking import Refused
from app.portal.ground.moments import instant, money
from app.portal.ground.visits import Visit
from app.portal.ground.wording import worded

Item = Mapping[str, Any]

EARLY: Final = timedelta(hours=1)
"""How long before it is due a check-in can be answered (eldercare.check_ins.rules)."""
BACK: Final = timedelta(hours=24)
"""How long a question that nobody answered is still put to the person."""
DOSE_EARLY: Final = timedelta(hours=2)
"""How long before it is due a dose can be written down here as taken already."""
DOSE_NEAR: Final = timedelta(minutes=30)
"""How long before it is due a dose is one to be taken: a button for it hours ahead would have it taken too early."""
DOSE_LATE: Final = timedelta(hours=6)
"""How long a dose of the evening before that nobody recorded is shown after midnight."""
JOIN_EARLY: Final = timedelta(minutes=30)
"""How long before a video visit its waiting room opens (telemedicine.consultations.rules)."""
_OPEN_DOSES: Final = ("scheduled", "reminded", "missed")
_OFF: Final = ("cancelled", "noshow", "entered-in-error", "fulfilled")
_MOST: Final = 100


async def told(asked: Awaitable[Any]) -> Any:
    """Return what the API answers, ``None`` where it refuses: one part that fails must not take the others with it."""
    try:
        return await asked
    except Refused:
        return None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be said about being asked: an open question, one that was missed, or when the next comes."""

    kind: str
    at: str | None = None

    @property
    def can_answer(self) -> bool:
        """Say whether there is something to answer now."""
        return self.kind in ("asked", "missed", "soon")


def to_answer(check_ins: Sequence[Item], given: datetime) -> list[Item]:
    """Return the check-ins that "I'm fine", said at ``given``, answers.

    All that were open; else those of a day that nobody answered; else the one that comes within the hour.
    """
    near = [one for one in check_ins if given - BACK <= instant(one["due_at"]) <= given + EARLY]
    for states in (("prompted",), ("missed", "unasked"), ("scheduled",)):
        found = [one for one in near if one["state"] in states]
        if found:
            return found if states != ("scheduled",) else found[-1:]  # the list has the latest first
    return []


def has_arrived(check_ins: Sequence[Item], pressed: datetime) -> bool:
    """Say whether "I'm fine", pressed at that very instant, has answered something already."""
    said = (one for one in check_ins if one["answer"] == "ok" and one["how"] == "self")
    return any(abs(instant(one["answered_at"]) - pressed) < timedelta(seconds=1) for one in said)


def asked(check_ins: Sequence[Item], now: datetime) -> Asked:
    """Return what the first page says of being asked."""
    for one in to_answer(check_ins, now):
        match one["state"]:
            case "prompted":
                return Asked("asked", one["answer_by"])
            case "missed" | "unasked":
                return Asked("missed", one["due_at"])
            case _:
                return Asked("soon", one["due_at"])
    answered = [one for one in check_ins if one["state"] == "answered" and one["how"] == "self"]
    last = max(answered, key=lambda one: instant(one["answered_at"]), default=None)
    if last is not None and last["answer"] == "ok" and now - instant(last["answered_at"]) < timedelta(hours=3):
        return Asked("answered", last["answered_at"])
    ahead = [one["due_at"] for one in check_ins if one["state"] == "scheduled" and instant(one["due_at"]) > now]
    return Asked("next", min(ahead, key=instant)) if ahead else Asked("none")


async def check_ins(visit: Visit) -> list[Item] | None:
    """Return the check-ins around now, the latest first; ``None`` where they cannot be told."""
    page = await told(visit.api.get("/v1/me/check-ins", limit=60))
    return None if page is None else page["items"]


async def todays_doses(visit: Visit) -> list[Item] | None:
    """Return the doses of the person's own day in their order; ``None`` where they cannot be told."""
    now = clock.now()
    today = now.astimezone(visit.time_zone).date()
    begins = datetime.combine(today, time(), visit.time_zone)
    ends = datetime.combine(today + timedelta(days=1), time(), visit.time_zone)
    # Midnight is no reason to lose sight of what was not taken yet, or is soon.
    query: dict[str, Any] = {"from": min(begins, now - DOSE_LATE), "to": max(ends, now + DOSE_EARLY)}
    found = await told(visit.api.pages("/v1/me/doses", _MOST, **query))
    if found is None:
        return None
    shown = [_dose(one, now) for one in found]
    return [one for one in shown if one["is_open"] or begins <= instant(one["due_at"]) < ends]


def _dose(dose: Item, now: datetime) -> Item:
    due = instant(dose["due_at"])
    opens = due - DOSE_NEAR
    return {
        **dose,
        "drug": " ".join(filter(None, (dose["drug_name"], dose["drug_strength"]))),
        "opens_at": opens.isoformat(),
        "is_open": dose["state"] in _OPEN_DOSES,
        "is_now": dose["state"] in _OPEN_DOSES and opens <= now,
        "is_early": dose["state"] in _OPEN_DOSES and due - DOSE_EARLY <= now < opens,
    }


async def appointments(visit: Visit) -> list[Item] | None:
    """Return what is ahead, the nearest first; ``None`` where it cannot be told."""
    found = await told(visit.api.pages("/v1/me/appointments", _MOST))
    if found is None:
        return None
    now = clock.now()
    ahead = [one for one in found if instant(one["ends_at"]) > now and one["status"] not in _OFF]
    return sorted((_appointment(visit, one, now) for one in ahead), key=lambda one: instant(one["starts_at"]))


def _appointment(visit: Visit, one: Item, now: datetime) -> Item:
    opens = instant(one["starts_at"]) - JOIN_EARLY
    fee = one["late_fee"]
    has_visit = one["mode"] == "video" and one["consultation_id"] is not None
    return {
        **one,
        "what": worded(one["visit_type"], visit.language),
        "joins_from": opens.isoformat() if has_visit else None,
        "can_join": has_visit and opens <= now,
        "can_cancel": one["status"] in ("booked", "pending", "proposed") and instant(one["starts_at"]) > now,
        "costs": money(visit.language, **fee) if fee["amount"] and now > instant(one["free_until"]) else "",
    }


async def unread(visit: Visit) -> int:
    """Return how many messages of the circle the person has not read."""
    marks = await told(visit.api.get("/v1/me/circle-read-marks"))
    me = str(visit.actor.id)
    return next((one["unread"] or 0 for one in (marks or {"items": []})["items"] if one["account_id"] == me), 0)


async def looks_after(visit: Visit) -> bool:
    """Say whether the person belongs to somebody's circle, too, or works here."""
    if visit.actor.memberships:
        return True
    circles = await told(visit.api.get("/v1/me/circles"))
    return bool(circles and circles["items"])


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm of theirs as it stands, in words."""

    alarm: Item
    says: str
    told: str
    counts_until: str | None


async def standings(visit: Visit, words: Mapping[str, str]) -> list[Standing]:
    """Return the person's open alarms, the latest first, and how help comes to each."""
    page = await told(visit.api.get("/v1/me/alarms", limit=20))
    found = [one for one in (page or {"items": []})["items"] if one["state"] not in CLOSED]
    progress = await asyncio.gather(*(told(visit.api.get(f"/v1/alarms/{one['id']}/progress")) for one in found))
    return [_standing(visit, words, alarm, how) for alarm, how in zip(found, progress, strict=True)]


def _standing(visit: Visit, words: Mapping[str, str], alarm: Item, progress: Item | None) -> Standing:
    state = alarm["state"]
    until = alarm["countdown_until"]
    if state == "raised" and until is not None and instant(until) > clock.now() and alarm["step"] == 0:
        return Standing(alarm, "", "", until)
    holder = progress["holder"] if progress else None
    says = words[f"alarm_{state}"].format(who=_who(words, holder))
    names = dict.fromkeys(_who(words, one["who"]) for one in (progress["told"] if progress else ()))
    is_waiting = state == "raised" and names
    said = words["alarm_told"].format(who=words["joined_by"].join(names)) if is_waiting else ""
    del visit
    return Standing(alarm, says, said, None)


def _who(words: Mapping[str, str], who: Item | None) -> str:
    if who is None:
        return words["somebody"]
    if who["name"] is None:
        return words.get(f"somebody_{who['kind']}", words["somebody"])
    return words["named_desk"].format(name=who["name"]) if who["kind"] == "desk" else str(who["name"])
