"""What came of telling somebody, and what a reader can do with an alarm as it stands: pure decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from eldercare.alarms.models import AlarmState
from eldercare.alarms.rules import Action, after

Act = Literal["acknowledge", "take_over", "depart", "arrive", "resolve", "release", "cancel"]
Reach = Literal["pending", "sent", "delivered", "seen", "unconfirmed", "failed", "expired", "suppressed", "unreachable"]
CameOfIt = Literal["waiting", "arrived", "seen", "took_it", "gave_back", "no_answer", "not_reached"]

_ORDER: Final[tuple[Act, ...]] = ("acknowledge", "take_over", "depart", "arrive", "resolve", "release")
_TOOK: Final = frozenset({"acknowledged", "taken_over", "claimed", "en_route", "on_scene", "resolved"})
_LEFT: Final = frozenset({"released", "lapsed"})
_NOWHERE: Final = frozenset({"failed", "expired", "suppressed", "unreachable"})
# Whoever has not taken an alarm can still be there first, or end it; only who has it sets out, or gives it back.
_OF_OTHERS: Final = frozenset({"take_over", "arrive", "resolve"})
_OF_MINE: Final = frozenset({"depart", "arrive", "resolve", "release"})
_OF_NOBODYS: Final = frozenset({"acknowledge", "depart", "arrive", "resolve"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What of an alarm and its reader decides what the reader can do."""

    state: AlarmState
    is_mine: bool
    may_respond: bool
    may_cancel: bool
    is_counting_down: bool = False


def acts(standing: Standing) -> list[Act]:
    """Return what the reader can do now, in the order of the way there.

    Who goes, arrives or ends an alarm that nobody has takes it with that, as ``alarms.rules.TRANSITIONS`` says.
    """
    if standing.may_cancel:
        can_cancel = standing.is_counting_down and after(standing.state, Action.CANCEL) is not None
        return ["cancel"] if can_cancel else []
    if not standing.may_respond or after(standing.state, Action.STAND_DOWN) is None:
        return []
    if standing.state == AlarmState.RAISED:
        return [act for act in _ORDER if act in _OF_NOBODYS]
    allowed = _OF_MINE if standing.is_mine else _OF_OTHERS
    return [act for act in _ORDER if act in allowed and after(standing.state, Action(act)) is not None]


def reach(state: str, *, has_arrived: bool, is_opened: bool) -> Reach:
    """Return how far a message got, from the state of its delivery and whether it is known to have come or been seen.

    Another message told the person where a delivery of the same notice was taken back: that is no failure.
    """
    if is_opened:
        return "seen"
    if has_arrived:
        return "delivered"
    match state:
        case "sent" | "unconfirmed" | "failed" | "expired" | "suppressed":
            return state
        case "parked" | "gone":
            return "failed"
        case _:
            return "pending"


def came_of_it(reached: Iterable[Reach], acted: Iterable[str], *, is_over: bool) -> CameOfIt:
    """Return what came of telling somebody: what they did last, else how far the messages got.

    ``acted`` are the kinds of what they did since, in order; ``is_over`` says that the next people were told since.
    """
    last = next((kind for kind in reversed(list(acted)) if kind in _TOOK | _LEFT), None)
    if last is not None:
        return "took_it" if last in _TOOK else "gave_back"
    found = set(reached)
    if found <= _NOWHERE:
        return "not_reached"
    if is_over:
        return "no_answer"
    if "seen" in found:
        return "seen"
    return "arrived" if "delivered" in found else "waiting"


def is_over(told: tuple[int, int], now: tuple[int, int], state: AlarmState) -> bool:
    """Say whether the time of a rung (round, step) to answer is over: the ladder has gone on, or the alarm ended."""
    return told < now or state in (AlarmState.RESOLVED, AlarmState.CANCELLED)


def is_counting_down(countdown_until: datetime | None, step: int, now: datetime) -> bool:
    """Say whether a resident can still take their alarm back: nobody has been told, and their time is not over."""
    return countdown_until is not None and countdown_until > now and step == 0
