"""Who lives in the demo community: invented at random, the same people whenever the seed is the same."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from app.demo import names
from app.demo.behaviour import chance

MOST_RESIDENTS: Final = 250
AREAS: Final = (202, 212, 303, 312, 415, 503, 617, 702, 804, 907, 512, 602, 315)
"""Numbers 555-0100 to 555-0199 of every area are kept for fiction by the North American Numbering Plan."""
LAKE: Final = (41.305, -73.655)
"""Where the community is: latitude and longitude."""
_STREETS: Final = ("Willow Lane", "Lake Road", "Orchard Street", "Chapel Hill", "Mill Path", "Linden Court")
_MORNING: Final = ("07:00", "07:30", "08:00", "08:00", "08:30", "09:00", "09:00", "09:30", "10:00")
_EVENING: Final = ("18:00", "19:00", "20:00")
_NOTES: Final = (
    "Uses a walking frame. The key is with the neighbour on the left.",
    "Insulin in the fridge door.",
    "Oxygen concentrator in the bedroom: no open flame.",
    "Allergic to penicillin.",
    "The cat hides when strangers come.",
)
_QUESTIONS: Final = (
    {"key": "sleep", "kind": "sleep"},
    {"key": "mood", "kind": "mood"},
    {"key": "pain", "kind": "pain"},
)


@dataclass(frozen=True, slots=True)
class Helper:
    """Somebody in a care circle: what the resident says when asking them in, and how ready they are to answer."""

    name: str
    phone: str
    language: str
    relationship: str
    has_key: bool
    on_call: tuple[dict[str, Any], ...]
    time_zone: str | None
    readiness: float  # how likely they answer a call for help


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A resident: what the operator writes down, how they are asked, and what they are like."""

    number: int
    create: dict[str, Any]  # body of POST /v1/residents
    shares_home: bool  # with the resident before
    has_app: bool
    circle: tuple[Helper, ...]
    plan: dict[str, Any]  # body of POST …/check-in-plans, without the day it begins
    frailty: float  # how often the unusual happens, against everybody else


@dataclass(slots=True)
class Census:
    """Draws the residents one after the other; phone numbers are given out once."""

    chance: random.Random
    _numbers: int = 0
    _door: int = 0
    _reference: str = ""
    _family: str | None = None
    _shares_home: bool = False
    _tongue: names.Tongue = field(default=names.TONGUES[0])

    def phone(self) -> str:
        """Return the next number for fiction, E.164."""
        area, line = divmod(self._numbers, 100)
        self._numbers += 1
        return f"+1{AREAS[area]}55501{line:02}"

    def neighbour(self, number: int) -> Neighbour:
        """Return the next resident; every fourth lives with the one before.

        The first is the one whose day visitors of the demo live through.
        """
        is_guide = number == 0
        self._move_in(number)
        name, self._family = names.name(self.chance, self._tongue, self._family if self._shares_home else None)
        channel = self.chance.choices(("app", "sms", "voice", "visit", "call_in"), (56, 18, 14, 8, 4))[0]
        is_deaf = number % 37 == 5
        if is_deaf:
            channel = "sms"
        if is_guide:
            channel = "app"
        return Neighbour(
            number=number,
            create=self._create(number, name, channel, is_deaf=is_deaf),
            shares_home=self._shares_home,
            has_app=channel == "app",
            circle=tuple(
                self._helper(self._family, always=is_guide)
                for _ in range(3 if is_guide else self.chance.choices((2, 3, 4), (5, 3, 2))[0])
            ),
            plan=self._plan(channel),
            frailty=self.chance.choice((0.4, 0.7, 1.0, 1.0, 1.4, 2.2)),
        )

    def _move_in(self, number: int) -> None:
        self._shares_home = number > 0 and self.chance.random() < 0.25
        if not self._shares_home:
            self._door += 1
            self._tongue = names.tongue(self.chance) if number else names.TONGUES[0]

    def _create(self, number: int, name: str, channel: str, *, is_deaf: bool) -> dict[str, Any]:
        needs = {"hearing", "no_voice_calls"} if is_deaf else set()
        for need, share in (("mobility", 0.25), ("sight", 0.1), ("memory", 0.07), ("large_text", 0.2)):
            if self.chance.random() < share:
                needs.add(need)
        is_landline = channel in ("voice", "call_in") and self.chance.random() < 0.6
        point: dict[str, Any] = {"kind": "landline" if is_landline else "mobile", "value": self.phone()}
        if is_deaf:
            point["capabilities"] = ["app", "sms"]
        street = _STREETS[self._door % len(_STREETS)]
        address = f"{1 + self._door // len(_STREETS)} {street}, Lakeside"
        return {
            "name": name,
            "language": self._tongue.speaks,
            "birth_date": str(date(1932, 1, 1) + timedelta(days=self.chance.randint(0, 9_000))),
            "accessibility_needs": sorted(needs),
            "emergency_notes": self.chance.choice(_NOTES) if self.chance.random() < 0.4 else None,
            "reference": f"R-{number + 1:04}",
            "household": {"address": address, "building": street, **_place(number)},
            "contact_points": [point],
        }

    def _helper(self, family: str, *, always: bool) -> Helper:
        relationship = self.chance.choice(("child", "child", "grandchild", "sibling", "neighbour", "friend"))
        is_kin = relationship not in ("neighbour", "friend")
        tongue = self._tongue if is_kin else names.tongue(self.chance)
        name, _ = names.name(self.chance, tongue, family if is_kin else None)
        evenings = [{"weekday": day, "start": "17:00", "end": "08:00"} for day in range(7)]
        return Helper(
            name=name,
            phone=self.phone(),
            language=tongue.speaks,
            relationship=relationship,
            has_key=self.chance.random() < 0.45,
            on_call=tuple(evenings) if self.chance.random() < 0.15 and not always else (),
            time_zone="America/Los_Angeles" if is_kin and self.chance.random() < 0.1 else None,
            readiness=self.chance.uniform(0.35, 0.85),
        )

    def _plan(self, channel: str) -> dict[str, Any]:
        times = [self.chance.choice(_MORNING)]
        if channel in ("app", "sms") and self.chance.random() < 0.12:
            times.append(self.chance.choice(_EVENING))
        weekdays = self.chance.choices(([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5], [1, 3, 5, 7]), (5, 3, 2))[0]
        is_visit = channel == "visit"
        return {
            "channel": channel,
            "times": times,
            "weekdays": weekdays,
            "answer_window": "PT2H" if is_visit else "PT30M",
            "reminders": [] if is_visit else ["PT15M"],
            "questions": list(_QUESTIONS[: self.chance.choice((0, 0, 1, 3))]) if channel == "app" else [],
        }


def _place(number: int) -> dict[str, float]:
    where = chance("home", number)
    return {
        name: centre + where.uniform(-0.02, 0.02) for name, centre in zip(("latitude", "longitude"), LAKE, strict=True)
    }


def neighbours(seed: int, count: int) -> tuple[list[Neighbour], Census]:
    """Return ``count`` residents and the census, which has more numbers to give out."""
    if not 1 <= count <= MOST_RESIDENTS:
        raise ValueError(f"between 1 and {MOST_RESIDENTS} residents")
    census = Census(random.Random(seed))  # noqa: S311 - repeatable, and nothing secret
    return [census.neighbour(number) for number in range(count)], census
