"""What the desk's templates show, out of what the API answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.portal.ground.alarms import CLOSED
from app.portal.ground.links import Place

Json = Mapping[str, Any]
PERIODS: Final[Mapping[str, timedelta]] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
SHOWS: Final = ("all", "unclaimed", "mine")


@dataclass(frozen=True, slots=True)
class Row:
    """One alarm of the queue."""

    item: Json
    kind: str
    """How loud it is: ``needs`` while nobody has it, ``waiting`` while somebody works on it."""
    what: str
    is_mine: bool
    is_waiting: bool
    told: Sequence[str]


def rows(items: Iterable[Json], me: str, language: str) -> list[Row]:
    """Return the queue as it is shown."""
    return [_row(item, me, language) for item in items]


def _row(item: Json, me: str, language: str) -> Row:
    # What has not reached the desk yet is the circle's; the desk sees it, and is not called by it.
    is_waiting = item["state"] == "raised" and item["desk_queued_at"] is not None
    holder = item["claimed_by"]
    return Row(
        item=item,
        kind="needs" if item["state"] == "raised" else "waiting",
        what=item["explanation"][language],
        is_mine=holder is not None and holder["account_id"] == me,
        is_waiting=is_waiting,
        # Once somebody has it, nobody is being told any more.
        told=list(dict.fromkeys(one["name"] for one in item["told_now"] if one["name"])) if holder is None else [],
    )


def emergency(numbers: Mapping[str, str], words: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each emergency number once, the one for the sick first, with what it is for where there are several."""
    ordered = sorted(numbers.items(), key=lambda one: (one[0] != "medical", one[0]))
    kinds: dict[str, list[str]] = {}
    for kind, number in ordered:
        kinds.setdefault(number, []).append(words.get(f"service_{kind}", kind))
    if len(kinds) == 1:
        return [(number, "") for number in kinds]
    return [(number, words["joined_by"].join(found)) for number, found in kinds.items()]


def acts(alarm: Json, me: str) -> Sequence[str]:
    """Return what somebody at the desk can do with an alarm now, in the order of the way there."""
    state, is_mine = alarm["state"], alarm["acknowledged_by"] == me
    if state in CLOSED:
        return ()
    if state == "raised":
        return ("claim",)
    if state == "acknowledged":
        return ("departure", "arrival", "resolution", "handover", "release") if is_mine else ("resolution",)
    if state == "en_route":
        return ("arrival", "resolution", "handover", "release") if is_mine else ("arrival", "resolution")
    return ("resolution",)


def place_of(alarm: Json, profile: Json | None) -> Place | None:
    """Return where to go: where the alarm was raised, else home as far as the desk may know it."""
    spot, at = alarm["place"], alarm["place_at"]
    if spot is None:
        spot = profile["household"] if profile else None
    return Place(spot["latitude"], spot["longitude"], at=at) if spot and spot["latitude"] is not None else None


def numbers(points: Iterable[Json]) -> list[str]:
    """Return the numbers that can be called, the first to try first."""
    return [point["value"] for point in points if "voice" in point["capabilities"]]


def comes_next(shifts: Iterable[Json], me: str, now: datetime) -> Json | None:
    """Return the next shift of somebody else at the desk."""
    ahead = (
        one
        for one in shifts
        if one["kind"] == "desk" and one["account_id"] != me and datetime.fromisoformat(one["starts_at"]) > now
    )
    return next(ahead, None)


def period(name: str, now: datetime) -> tuple[datetime, datetime]:
    """Return from when to when the figures of a period are."""
    return now - PERIODS[name], now


def share(value: float | None) -> str:
    """Return a share in percent."""
    return "" if value is None else f"{100 * value:.1f} %"
