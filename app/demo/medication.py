"""What some of the demo's people take, and what they do when they are reminded of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from app.core.access import Actor
from app.demo.behaviour import chance
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
_AS_NEEDED: Final[dict[str, Any]] = {
    "drug": {"name": "Paracetamol", "strength": "500 mg", "form": "tablet", "route": "oral"},
    "quantity": 1,
    "unit": "{tablet}",
    "timing": "as_needed",
    "min_interval": "PT6H",
    "daily_maximum": 4,
}


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
    return number < MOST and number % EVERY == 0


def taking(number: int, due_at: datetime, frailty: float) -> Taking | None:
    """Return what a resident does about a dose; ``None`` if they forget it."""
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
    for said in (_MORNING, _WITH_MEALS, _AS_NEEDED):
        regimen = await phones.ask(actor, "POST", "/v1/me/regimens", {**said, "starts_on": str(today)})
        await phones.ask(actor, "PUT", f"/v1/me/regimens/{regimen['id']}/stock", {"on_hand": 60})
