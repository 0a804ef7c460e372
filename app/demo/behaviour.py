"""What the demo's people do, and when: drawn at random, the same for the same occasion however often it is drawn."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

SEED: Final = 20
"""The demo's own: another number is another community with another past."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How somebody answers a check-in, how long after they were asked; ``by`` is who says so."""

    after: timedelta
    status: Literal["ok", "needs_help"]
    by: Literal["self", "circle", "staff"]
    how: Literal["saw", "spoke"] | None = None


def chance(*occasion: object) -> random.Random:
    """Return the dice of an occasion."""
    return random.Random(":".join(str(part) for part in (SEED, *occasion)))  # noqa: S311 - repeatable on purpose


def _minutes(dice: random.Random, shortest: float, longest: float, usual: float | None = None) -> timedelta:
    return timedelta(minutes=max(1, round(dice.triangular(shortest, longest, usual))))


_MOODY_EVERY: Final = 3
ROUND: Final = 34  # has no divisor in common with 5 * 3: so their times are spread over all of its days
_LOW: Final = 11
"""Every third resident is well for some weeks, and then not so well for some days; each at another time."""
TIRES: Final = 17
"""The number of a resident who after two weeks answers late, and later forgets a medicine: two hints, one alarm."""
SADDENS: Final = 9
"""The number of a resident who after two weeks is not so well for some days."""
_AT_HOME: Final = frozenset({7, SADDENS, 14, 15, TIRES})
"""Numbers of residents of whom more is told: they do not go away in the midst of it."""
DECLINES_ON: Final = 14
"""Days after the founding: from then on there is enough to compare with (`eldercare.wellbeing.rules.drift`)."""


def declines(age: int) -> bool:
    """Say whether these two are worse off than usual, so many days after the community was founded."""
    return DECLINES_ON <= age % ROUND < DECLINES_ON + _LOW


def answer(number: int, due_at: datetime, channel: str, frailty: float, age: int) -> Answer | None:
    """Return how a check-in is answered, ``age`` days after the community was founded; ``None`` if nobody does."""
    dice = chance("check_in", number, due_at)
    if number == TIRES:
        return Answer(_minutes(dice, 26, 29) if declines(age) else _minutes(dice, 1, 6), "ok", "self")
    return _usual_answer(dice, channel, frailty)


def _usual_answer(dice: random.Random, channel: str, frailty: float) -> Answer | None:
    fate = dice.random() / frailty
    by: Literal["self", "staff"] = "staff" if channel in ("visit", "voice", "call_in") else "self"
    how: Literal["saw", "spoke"] | None = {"visit": "saw", "voice": "spoke", "call_in": "spoke"}.get(channel)  # type: ignore[assignment]
    if fate < 0.004:
        return None
    if fate < 0.009:  # slept in: the window is over, the alarm under way
        late = _minutes(dice, 150, 170) if channel == "visit" else _minutes(dice, 32, 50, 34)
        return Answer(late, "ok", by, how)
    if fate < 0.012:
        return Answer(_minutes(dice, 3, 25), "needs_help", by, how)
    if fate < 0.020 and channel != "visit":
        return Answer(_minutes(dice, 16, 28), "ok", "circle", dice.choice(("saw", "spoke")))
    if channel == "visit":
        return Answer(_minutes(dice, 5, 110, 40), "ok", by, how)
    return Answer(_minutes(dice, 0.5, 29, 4), "ok", by, how)


@dataclass(frozen=True, slots=True)
class Felt:
    """How somebody says they feel and slept, 1 (bad) to 5 (good)."""

    mood: int
    sleep: int

    def body(self) -> dict[str, int]:
        """Return what of a check-in's answer says so."""
        return {"mood": self.mood, "sleep": self.sleep}


def felt(number: int, day: date, age: int) -> Felt:
    """Return how a resident is on a day, ``age`` days after the community was founded."""
    dice = chance("felt", number, day)
    if number == SADDENS:
        return Felt(mood=2 if declines(age) else 4, sleep=dice.choice((3, 4)))
    is_low = number % _MOODY_EVERY == 0 and (day.toordinal() + 5 * number) % ROUND < _LOW
    mood = dice.choices((1, 2, 3), (2, 6, 1))[0] if is_low else dice.choices((3, 4, 5), (2, 6, 2))[0]
    sleep = dice.choices((1, 2, 3), (1, 5, 2))[0] if is_low else dice.choices((2, 3, 4, 5), (1, 4, 5, 1))[0]
    return Felt(mood, sleep)


@dataclass(frozen=True, slots=True)
class Response:
    """How somebody who is called reacts: how long until they take the alarm, and what they do then."""

    after: timedelta
    course: Literal["phones", "goes", "forgets"]
    departs: timedelta
    arrives: timedelta
    ends: timedelta
    outcome: str


def response(occasion: object, readiness: float, *, at_desk: bool) -> Response | None:
    """Return how somebody reacts to being called; ``None`` if they do not. The duty desk always does."""
    dice = chance("alarm", occasion)
    if not at_desk and dice.random() > readiness:
        return None
    usual = timedelta(seconds=dice.randint(9, 55))
    after = timedelta(seconds=dice.randint(65, 150)) if dice.random() < 0.015 else usual
    fate = dice.random()
    course: Literal["phones", "goes", "forgets"] = "forgets" if fate < 0.04 else "goes" if fate < 0.55 else "phones"
    outcomes = ("helped", "no_help_needed", "false_alarm", "emergency_services", "hospital")
    weights = (45, 35, 15, 3, 2) if course == "goes" else (5, 70, 25, 0, 0)
    return Response(
        after=after,
        course=course,
        departs=_minutes(dice, 0.5, 4),
        arrives=_minutes(dice, 5, 22, 9),
        ends=_minutes(dice, 8, 45, 15) if course == "goes" else _minutes(dice, 2, 8, 4),
        outcome=dice.choices(outcomes, weights)[0],
    )


@dataclass(frozen=True, slots=True)
class Call:
    """An SOS: how far into the day it is pressed, and whether it was by mistake."""

    at: timedelta
    by_mistake: bool


def sos(number: int, day: date, frailty: float) -> Call | None:
    """Return the SOS somebody presses on a day, ``None`` on most."""
    dice = chance("sos", number, day)
    if dice.random() > 0.006 * frailty:
        return None
    return Call(_minutes(dice, 30, 17 * 60), by_mistake=dice.random() < 0.25)


def absence(number: int, day: date) -> tuple[Literal["away", "hospital"], int] | None:
    """Return why somebody is away from this day on and for how many days, ``None`` if they stay."""
    dice = chance("absence", number, day)
    if number in _AT_HOME or dice.random() > 0.004:
        return None
    return ("hospital" if dice.random() < 0.25 else "away"), dice.randint(1, 6)
