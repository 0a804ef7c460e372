"""What the page of an alarm shows, put together of what the API lets its reader see."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.core import clock
from app.portal.alarms.advice import advice, numbers_to_call
from app.portal.ground.alarms import CLOSED, LOOKS
from app.portal.ground.asking import unless_hidden
from app.portal.ground.links import Place
from app.portal.ground.moments import exact_time, instant
from app.portal.ground.their import Their
from app.portal.ground.visits import Visit
from app.portal.ground.wording import begun, relation
from eldercare.api import alarm_name, sign_name, value_shown

Words = Mapping[str, str]

_ABOUT_WHERE: Final = frozenset({"wandering", "position_unknown", "missing_on_trip", "door_at_night"})
_MOST_READINGS: Final = 3
_SHARP: Final = 0.0005  # degrees: a few dozen metres, nearer than that it is the same place


@dataclass(frozen=True, slots=True)
class Call:
    """A number to call; its label is a key of the words."""

    label: str
    number: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what has happened."""

    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who was told: who, over which channels, and what came of it, in words."""

    who: str
    at: str
    came: str
    look: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Top:
    """How an alarm stands, and what its reader can do now."""

    alarm: Mapping[str, Any]
    progress: Mapping[str, Any]
    look: str
    says: str
    next: str
    what: str
    signals: tuple[Line, ...]
    acts: tuple[str, ...]
    is_open: bool

    @property
    def name(self) -> str:
        """Whom it is about."""
        return str(self.progress["resident_name"] or "")


@dataclass(frozen=True, slots=True)
class Trail:
    """Who was told, and everything that has happened, the latest first."""

    told: tuple[Told, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """Where to go, how to get in, and whom to call, as far as the reader may know."""

    profile: Mapping[str, Any] | None
    their_time: str
    home: Place | None
    seen: Place | None
    is_seen_elsewhere: bool
    seen_age: timedelta | None
    calls: tuple[Call, ...]
    is_number_hidden: bool
    services: tuple[Call, ...]
    keys: tuple[str, ...]
    advice: tuple[str, ...]


async def both(visit: Visit, alarm_id: UUID) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return an alarm and how help comes to it; raises ``Refused``."""
    alarm, progress = await asyncio.gather(
        visit.api.get(f"/v1/alarms/{alarm_id}"), visit.api.get(f"/v1/alarms/{alarm_id}/progress")
    )
    return alarm, progress


async def top(visit: Visit, words: Words, alarm: Mapping[str, Any], progress: Mapping[str, Any]) -> Top:
    """Return how the alarm stands."""
    state = str(alarm["state"])
    return Top(
        alarm=alarm,
        progress=progress,
        look=LOOKS[state],
        says=_says(words, alarm, progress),
        next=_next(visit, words, progress),
        what=str(alarm["explanation"][visit.language]),
        signals=await _signals(visit, words, alarm),
        acts=() if visit.is_viewing_as else tuple(progress["acts"]),
        is_open=state not in CLOSED,
    )


def is_still_so(done: str, progress: Mapping[str, Any]) -> bool:
    """Say whether what was done with an alarm still holds: an address is opened again when another has it by now."""
    state, holder = str(progress["state"]), progress["holder"]
    is_mine = holder is not None and holder["kind"] == "me"
    match done:
        case "acknowledge" | "take_over":
            return is_mine
        case "depart":
            return is_mine and state == "en_route"
        case "arrive":
            return state == "on_scene"
        case "release" | "fallen":
            return state == "raised"
        case _:
            return state in ("resolved", "cancelled")


def who_said(words: Words, who: Mapping[str, Any] | None) -> str:
    """Return how somebody is called: by name where the reader may know it, else by what they are."""
    if who is None:
        return words["somebody"]
    if who["kind"] == "me":
        return words["you"]
    if who["name"] is None:
        return words[f"somebody_{who['kind']}"]
    if who["kind"] == "desk":
        return words["named_desk"].format(name=who["name"])
    if not who["relationship"]:
        return str(who["name"])
    return words["named"].format(name=who["name"], as_=relation(words["language"], who["relationship"]))


def _says(words: Words, alarm: Mapping[str, Any], progress: Mapping[str, Any]) -> str:
    state, holder = str(alarm["state"]), progress["holder"]
    if state == "on_scene":
        holder = _who_is_there(alarm, progress) or holder
    if state == "resolved":
        return words["state_resolved"].format(outcome=words.get(f"outcome_{alarm['outcome']}", words["outcome_other"]))
    if holder is None or state in ("raised", "cancelled"):
        return words[f"state_{state}"]
    mine = "_mine" if holder["kind"] == "me" else ""
    return words[f"state_{state}{mine}"].format(who=who_said(words, holder))


def _who_is_there(alarm: Mapping[str, Any], progress: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return who came first: that need not be who has the alarm."""
    people = {one["account_id"]: one for one in progress["people"]}
    came = [entry["actor_id"] for entry in alarm["timeline"] if entry["kind"] == "on_scene"]
    return people.get(came[-1]) if came else None


def _next(visit: Visit, words: Words, progress: Mapping[str, Any]) -> str:
    step = progress["next"]
    if step is None:
        return ""
    at = step["at"]
    if step["kind"] == "lapse":
        return words["next_lapse"].format(at=clock_of(visit, at)) if at else ""
    who = words["joined_by"].join(who_said(words, one) for one in step["who"]) or words[f"whom_{step['whom']}"]
    if at is None:
        return words["next_stuck"]
    if instant(at) <= clock.now():
        return words["next_now"].format(who=who)
    is_me = [one["kind"] for one in step["who"]] == ["me"]
    return words["next_tell_you" if is_me else "next_tell"].format(at=clock_of(visit, at), who=who)


def clock_of(visit: Visit, at: str) -> str:
    """Return the time of day with seconds: at an alarm a minute is long."""
    return exact_time(visit, at)


async def _signals(visit: Visit, words: Words, alarm: Mapping[str, Any]) -> tuple[Line, ...]:
    readings = {
        str(reading_id): None
        for signal in alarm["signals"]
        for reading_id in (signal["evidence"] or {}).get("reading_ids", ())[:_MOST_READINGS]
    }
    base = f"/v1/residents/{alarm['resident_id']}/vitals"
    found = await asyncio.gather(*(unless_hidden(visit.api.get(f"{base}/{reading_id}")) for reading_id in readings))
    known = {reading["id"]: reading for reading in found if reading is not None}
    return tuple(
        Line(str(signal["occurred_at"]), _signal_said(visit.language, words, signal, known))
        for signal in alarm["signals"]
    )


def _signal_said(language: str, words: Words, signal: Mapping[str, Any], readings: Mapping[str, Any]) -> str:
    evidence = signal["evidence"] or {}
    name = alarm_name(language, str(signal["kind"]))
    said = [begun(name)]
    shown = [readings[one] for one in map(str, evidence.get("reading_ids", ())) if one in readings]
    said += [f"{sign_name(language, reading['name'])} {value_shown(reading)}" for reading in shown]
    if room := evidence.get("room"):
        said.append(words.get(f"room_{room}", words["room_other"]))
    if note := evidence.get("note"):
        said.append(words["quoted"].format(text=note))
    return words["signal_by"].join(said)


def trail(words: Words, alarm: Mapping[str, Any], progress: Mapping[str, Any]) -> Trail:
    """Return who was told and what happened, the latest first."""
    people = {one["account_id"]: one for one in progress["people"]}
    people |= {told["who"]["account_id"]: told["who"] for told in progress["told"]}
    lines = [Line(str(entry["at"]), _line(words, entry, people)) for entry in alarm["timeline"]]
    return Trail(told=tuple(_told(words, one) for one in reversed(progress["told"])), lines=tuple(reversed(lines)))


_CAME_LOOKS: Final[Mapping[str, str]] = {
    "waiting": "waiting",
    "arrived": "waiting",
    "seen": "waiting",
    "took_it": "fine",
    "gave_back": "away",
    "no_answer": "away",
    "not_reached": "needs",
}


def _told(words: Words, told: Mapping[str, Any]) -> Told:
    channels = dict.fromkeys(
        words["channel_said"].format(
            channel=words.get(f"channel_{one['channel']}", words["channel_none"]), state=words[f"reach_{one['state']}"]
        )
        for one in told["channels"]
        if one["channel"] is not None
    )
    came = str(told["came_of_it"])
    return Told(
        who=who_said(words, told["who"]),
        at=str(told["told_at"]),
        came=words[f"came_{came}"],
        look=_CAME_LOOKS[came],
        channels=tuple(channels),
    )


def _line(words: Words, entry: Mapping[str, Any], people: Mapping[str, Any]) -> str:
    kind, data = str(entry["kind"]), entry["data"]
    who = who_said(words, people.get(entry["actor_id"])) if entry["actor_id"] else words["hearthline"]
    told = words["joined_by"].join(
        dict.fromkeys(who_said(words, people.get(account_id)) for account_id in data.get("account_ids", ()))
    )
    outcome = words.get(f"outcome_{data.get('outcome')}", words["outcome_other"])
    said = words.get(f"line_{kind}", words["line_other"])
    return said.format(who=who, told=told or words["somebody"], outcome=outcome)


async def where(visit: Visit, alarm: Mapping[str, Any]) -> Where:
    """Return where to go and whom to call.

    Where the resident was last is asked for only if that is what it is about. They themselves are told no advice, and
    not to call themselves.
    """
    base = f"/v1/residents/{alarm['resident_id']}"
    kinds = {signal["kind"] for signal in alarm["signals"]} | {alarm["kind"]}
    is_open, is_own = alarm["closed_at"] is None, visit.actor.resident_id == UUID(alarm["resident_id"])
    profile, points, circle, community, location = await asyncio.gather(
        unless_hidden(visit.api.get(f"{base}/profile")),
        unless_hidden(visit.api.get(f"{base}/contact-points")),
        unless_hidden(visit.api.get(f"{base}/circle")),
        unless_hidden(visit.api.get("/v1/community")),
        unless_hidden(visit.api.get(f"{base}/location")) if is_open and kinds & _ABOUT_WHERE else _nothing(),
    )
    numbers = community["emergency_numbers"] if community else {}
    home, seen = _home_of(profile), _seen(alarm, location)
    return Where(
        profile=profile,
        their_time=_their_time(visit, profile),
        home=home,
        seen=seen,
        is_seen_elsewhere=seen is not None and not _is_near(home, seen),
        seen_age=seen.age(alarm["raised_at"]) if seen else None,
        calls=_calls(None if is_own else points, community),
        is_number_hidden=points is None and not is_own,
        services=tuple(Call(f"service_{name}", number) for name, number in numbers_to_call(alarm["kind"], numbers)),
        keys=tuple(one["name"] for one in _items(circle) if one["has_key"] and one["state"] == "accepted"),
        advice=tuple(advice(visit.language, alarm["kind"], numbers)) if is_open and not is_own else (),
    )


async def _nothing() -> None:
    return None


def _items(page: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    return page["items"] if page else ()


def _their_time(visit: Visit, profile: Mapping[str, Any] | None) -> str:
    """Return what time it is where the resident is, if that is another than the reader's."""
    if profile is None:
        return ""
    their = Their(visit.language, ZoneInfo(profile["time_zone"]))
    return their.clock(clock.now()) if their.is_another_than(visit.time_zone) else ""


def _home_of(profile: Mapping[str, Any] | None) -> Place | None:
    home = profile["household"] if profile else None
    if home is None or home["latitude"] is None or home["longitude"] is None:
        return None
    return Place(home["latitude"], home["longitude"])


def _seen(alarm: Mapping[str, Any], location: Mapping[str, Any] | None) -> Place | None:
    """Return where the resident was last known: by their phone now, else where the alarm was raised."""
    position = location["position"] if location else None
    if position is not None:
        spot = position["place"]
        return Place(spot["latitude"], spot["longitude"], spot["accuracy"], position["observed_at"])
    spot = alarm["place"]
    return Place(spot["latitude"], spot["longitude"], spot["accuracy"], alarm["place_at"]) if spot else None


def _is_near(home: Place | None, seen: Place) -> bool:
    return (
        home is not None
        and abs(home.latitude - seen.latitude) < _SHARP
        and abs(home.longitude - seen.longitude) < _SHARP
    )


def _calls(points: Mapping[str, Any] | None, community: Mapping[str, Any] | None) -> tuple[Call, ...]:
    found = [Call(f"call_{one['kind']}", one["value"]) for one in _items(points) if "voice" in one["capabilities"]]
    if community and community["desk_phone"]:
        found.append(Call("call_desk", community["desk_phone"]))
    return tuple(found)
