"""How somebody is now: what the first page about them says, of what is shared with whoever looks."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from app.core import clock
from app.portal.ground.alarms import CLOSED
from app.portal.ground.moments import instant
from app.portal.residents.knowing import Known
from eldercare.api import alarm_name

Item = Mapping[str, Any]
Standing = Literal["needs", "waiting", "fine", "away", "quiet"]
_KINDS: Final[Mapping[str, Standing]] = {
    "needs": "needs",
    "waiting": "waiting",
    "missed": "waiting",
    "away": "away",
    "fine": "fine",
    "unasked": "quiet",
}
"""How each group of the care overview looks, as on Today."""
_UNTIL: Final = frozenset({"not_answered_yet", "away", "in_hospital"})
"""Of which it is told how long they last."""
_BEFORE_AWAY: Final = frozenset({"asked_for_help", "not_answered_yet", "asked"})
_NO_CALLS: Final = frozenset({"hearing", "no_voice_calls"})
_NEAR: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class State:
    """How somebody stands: the kind of badge, and the key of the sentence with its moment."""

    kind: Standing
    reason: str
    at: str | None = None


def state_of(shown: Item) -> State:
    """Return how somebody stands, by what the care overview says of them: Today says the same of the same person."""
    reason, until = str(shown["reason"]), shown["until"]
    if reason == "not_answered_yet" and until is None:
        return State(_KINDS[shown["group"]], "asked", shown["at"])
    return State(_KINDS[shown["group"]], reason, until if reason in _UNTIL else shown["at"])


def own_state(alarms: Sequence[Item], check_ins: Sequence[Item], pause: Item | None, *, today: datetime) -> State:
    """Return how somebody stands to themselves, whom no overview shows, what is worst first.

    ``today`` is when their day began: an answer of another day says nothing of this one. An exercise is no alarm.
    """
    real = [alarm for alarm in alarms if not alarm["is_test"]]
    if real:
        return State("needs", "alarm", real[0]["raised_at"])
    asked = _of_check_ins(check_ins, today)
    if asked is not None and asked.reason in _BEFORE_AWAY:
        return asked
    if pause is not None:
        return State("away", "in_hospital" if pause["kind"] == "hospital" else "away", pause["ends_at"])
    return asked or State("quiet", "nothing_asked")


def _of_check_ins(check_ins: Sequence[Item], today: datetime) -> State | None:
    """Return how somebody stands by what was heard last, or not heard: of several plans the latest word counts."""
    settled = [one for one in check_ins if one["state"] in ("answered", "missed", "unasked")]
    last = max(settled, key=_settled_at, default=None)
    known = None if last is None else _of_check_in(last, today)
    waits = [one for one in check_ins if one["state"] == "prompted"]
    if waits and (known is None or known.reason != "asked_for_help"):
        until = waits[0]["answer_by"]
        return State("waiting", "not_answered_yet", until) if until else State("waiting", "asked", waits[0]["due_at"])
    return known


def _settled_at(check_in: Item) -> datetime:
    return instant(check_in["answered_at"] or check_in["answer_by"] or check_in["due_at"])


def _of_check_in(check_in: Item, today: datetime) -> State:
    match check_in["state"], check_in["answer"]:
        case "missed", _:
            return State("waiting", "check_in_missed", check_in["answer_by"] or check_in["due_at"])
        case "unasked", _:
            return State("waiting", "not_reached", check_in["due_at"])
        case _, "needs_help":
            return State("needs", "asked_for_help", check_in["answered_at"])
    at = check_in["answered_at"]
    kind: Standing = "fine" if instant(at) >= today else "quiet"
    return State(kind, "active_at_home" if check_in["how"] == "home" else "answered", at)


async def overview(person: Known, _: Mapping[str, str]) -> dict[str, Any]:
    """Return what the overview shows; what is not shared is empty there."""
    now = clock.now()
    shown, profile, points, alarms, asked, answered, pauses, visits, doses, appointments = await asyncio.gather(
        person.visit.api.get("/v1/care-overview/residents", resident_id=person.id),
        person.ask_if("profile:read", "profile"),
        person.items_if("contacts:read", "contact-points"),
        person.items_if("alarms:read", "alarms", limit=20),
        # Those planned ahead come first.
        person.items_if("check_ins:read", "check-ins", limit=100),
        person.items_if("check_ins:read", "check-ins", state="answered", limit=1),
        person.items_if("check_ins:read", "check-in-pauses", limit=20),
        person.items_if("visits:read", "care-visits", **_stretch(now - timedelta(hours=12), now + _NEAR), limit=100),
        person.items_if("medication:read", "doses", **_stretch(now - timedelta(hours=6), None), limit=60),
        _appointments(person),
    )
    open_alarms = _worst_first([alarm for alarm in alarms if alarm["state"] not in CLOSED])
    current = [pause for pause in pauses if _is_on(pause, now)]
    if shown["items"]:
        state = state_of(shown["items"][0])
    elif person.is_self or open_alarms:  # an alarm lends rights that no overview knows of
        today = person.their.midnight(person.their.today())
        state = own_state(open_alarms, asked, current[0] if current else None, today=today)
    else:
        state = State("quiet", "not_shared")
    return {
        "state": state,
        "ended": shown["items"][0]["ended"] if shown["items"] else None,
        "alarms": [(alarm, alarm_name(person.visit.language, alarm["kind"])) for alarm in open_alarms],
        "profile": profile,
        "phone": _phone(points, profile),
        "wants_no_calls": bool(profile and _NO_CALLS & set(profile["accessibility_needs"])),
        "answered": answered[0] if answered else None,
        "visit_next": _first_ahead(reversed(visits), now, ("planned", "assigned", "en_route", "in_progress")),
        "dose_next": _first_ahead(doses, now, ("scheduled", "reminded")),
        "appointment_next": _first_ahead(reversed(appointments), now, ("booked", "pending", "arrived", "checked-in")),
        "pauses": [pause for pause in pauses if not pause["ended_at"] and instant(pause["ends_at"]) > now],
    }


async def _appointments(person: Known) -> list[Any]:
    return (
        await person.items_if("appointments:manage", "appointments", limit=50) if person.shows("appointments") else []
    )


def _stretch(since: datetime, until: datetime | None) -> dict[str, datetime | None]:
    return {"from": since, "to": until}


def _worst_first(alarms: list[Item]) -> list[Item]:
    order = ("critical", "high", "medium", "low")
    return sorted(alarms, key=lambda alarm: order.index(alarm["severity"]))


def _is_on(pause: Item, now: datetime) -> bool:
    return instant(pause["starts_at"]) <= now < instant(pause["ended_at"] or pause["ends_at"])


def _first_ahead(items: Any, now: datetime, states: Sequence[str]) -> Item | None:
    """Return the first item in one of the states that is not over yet."""
    for item in items:
        if item.get("state", item.get("status")) not in states:
            continue
        if instant(item.get("ends_at") or item["window_ends_at"]) > now:
            found: Item = item
            return found
    return None


def _phone(points: Sequence[Item], profile: Item | None) -> str | None:
    if profile and _NO_CALLS & set(profile["accessibility_needs"]):
        return None
    return next((point["value"] for point in points if "voice" in point["capabilities"]), None)
