"""What some of the demo's people take, and what they do when they are reminded of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from app.core.access import Actor
from app.demo.behaviour import DECLINES_ON, ROUND, TIRES, chance, declines
from app.demo.client import Phones

EVERY: Final = 5
MOST: Final = 20
"""Every fifth of the first residents takes something: the demo looks at each of them every few seconds."""

_MORNING: Final[dict[str, Any]] = {
    "drug": {"name": "Ramipril", "strength": "5 mg", "form": "tablet", "route": "oral"},
    "quantity": 1,
    "unit": "{tablet}",
    "timing": "times",
    "times": ["08:30"],
}
_WITH_MEALS: Final[dict[str, Any]] = {
    "drug": {"name": "Metformin", "strength": "500 mg", "form": "tablet", "route": "oral"},
    "quantity": 1,
    "unit": "{tablet}",
    "timing": "meals",
    "meals": ["breakfast", "dinner"],
    "critical": True,
}
_AT_NOON: Final[dict[str, Any]] = {
    "drug": {"name": "Vitamin D3", "strength": "1000 IU", "form": "tablet", "route": "oral"},
    "quantity": 1,
    "unit": "{tablet}",
    "timing": "times",
    "times": ["13:00"],
}
_AS_NEEDED: Final[dict[str, Any]] = {
    "drug": {"name": "Paracetamol", "strength": "500 mg", "form": "tablet", "route": "oral"},
    "quantity": 1,
    "unit": "{tablet}",
    "timing": "as_needed",
    "min_interval": "PT6H",
    "daily_maximum": 4,
}


_FORGETS: Final = range(DECLINES_ON + 4, DECLINES_ON + 7)
"""Days after the founding on which a tablet is forgotten: about when a flag of activity opens."""
PACK: Final = 60
_RUNS_LOW: Final = 15
_FEW: Final = 30
"""So many tablets of each has the resident of this number to begin with: a week before the end people are told."""


@dataclass(frozen=True, slots=True)
class Taking:
    """What somebody does about a dose, how long after they were reminded."""

    after: timedelta
    status: Literal["taken", "skipped"]

    def body(self) -> dict[str, Any]:
        """Return the body of POST …/doses/{id}/record."""
        return {"status": self.status} | ({"skip_reason": "refused"} if self.status == "skipped" else {})


def takes(number: int) -> bool:
    """Say whether a resident takes anything."""
    return (number < MOST and number % EVERY == 0) or number == TIRES


def taking(number: int, due_at: datetime, frailty: float, age: int) -> Taking | None:
    """Return what a resident does about a dose, ``age`` days after the founding; ``None`` if they forget it."""
    if number == TIRES and declines(age):
        return None if age % ROUND in _FORGETS else Taking(timedelta(minutes=20), "taken")
    dice = chance("dose", number, due_at)
    fate = dice.random() / frailty
    if fate < 0.01:
        return None
    after = timedelta(minutes=dice.randint(1, 14) if fate > 0.2 else dice.randint(16, 50))
    return Taking(after, "skipped" if fate < 0.03 else "taken")


async def prescribe(phones: Phones, actor: Actor, number: int, today: date) -> None:
    """Agree what a resident takes, and count what is there."""
    if not takes(number):
        return
    on_hand = _FEW if number == _RUNS_LOW else PACK
    for said in (_AT_NOON,) if number == TIRES else (_MORNING, _WITH_MEALS, _AS_NEEDED):
        regimen = await phones.ask(actor, "POST", "/v1/me/regimens", {**said, "starts_on": str(today)})
        await phones.ask(actor, "PUT", f"/v1/me/regimens/{regimen['id']}/stock", {"on_hand": on_hand})
