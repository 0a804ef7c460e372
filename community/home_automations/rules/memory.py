"""What an automation remembers between two moments: what it last saw, and what each of its triggers waits for."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from community.home_automations.rules.definitions import CareEvent

AVAILABILITY = "availability"
AT_HOME = frozenset({"home", "on"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What something was when it last changed, and when that was; no value: it cannot be told."""

    value: str | None
    number: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """Something of the home became another, or is heard of again.

    ``is_fresh`` says that it happened just now; what is heard again after a pause sets off nothing by itself.
    ``is_event``: each time counts, though it reads as before. ``depth`` is how many automations led to it.
    """

    entity_id: uuid.UUID
    attribute: str
    value: str | None
    number: float | None
    at: datetime
    is_fresh: bool = True
    is_event: bool = False
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Care:
    """Something happened in the resident's care."""

    event: CareEvent
    at: datetime


Heard = Change | Care


@dataclass(slots=True)
class Waiting:
    """What one trigger waits for: when it is due, whether it may fire anew, and what led there."""

    due_at: datetime | None = None
    is_armed: bool = True
    depth: int = 0
    why: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """All that an automation has to remember; ``at`` is until when it has looked."""

    at: datetime
    seen: dict[tuple[uuid.UUID, str], Seen]
    triggers: list[Waiting]

    @property
    def next_at(self) -> datetime | None:
        """When it has to look again, if nothing changes before."""
        return min((one.due_at for one in self.triggers if one.due_at is not None), default=None)

    def known(self, entity_id: uuid.UUID, attribute: str) -> Seen | None:
        """Return how something stands, or ``None`` where that is not known: never heard of, gone, or out of reach."""
        seen = self.seen.get((entity_id, attribute))
        reach = self.seen.get((entity_id, AVAILABILITY))
        if seen is None or seen.value is None or (reach is not None and reach.value == "offline"):
            return None
        return seen

    def presence(self, entity_ids: list[uuid.UUID]) -> Literal["somebody", "nobody"] | None:
        """Return whether any of them is at home; that nobody is has to be known of each."""
        values = [found.value if (found := self.known(one, "state")) else None for one in entity_ids]
        if any(value in AT_HOME for value in values):
            return "somebody"
        return None if None in values else "nobody"


def dump(memory: Memory) -> dict[str, Any]:
    """Return a memory as JSON has it."""
    return {
        "at": memory.at.isoformat(),
        "seen": [
            [str(entity_id), attribute, seen.value, seen.number, seen.at.isoformat()]
            for (entity_id, attribute), seen in memory.seen.items()
        ],
        "triggers": [
            {
                "due_at": one.due_at.isoformat() if one.due_at else None,
                "is_armed": one.is_armed,
                "depth": one.depth,
                "why": one.why,
            }
            for one in memory.triggers
        ],
    }


def load(stored: Mapping[str, Any]) -> Memory:
    """Return what ``dump`` wrote."""
    return Memory(
        at=datetime.fromisoformat(stored["at"]),
        seen={
            (uuid.UUID(entity_id), attribute): Seen(value, number, datetime.fromisoformat(at))
            for entity_id, attribute, value, number, at in stored["seen"]
        },
        triggers=[
            Waiting(
                due_at=datetime.fromisoformat(one["due_at"]) if one["due_at"] else None,
                is_armed=one["is_armed"],
                depth=one["depth"],
                why=one["why"],
            )
            for one in stored["triggers"]
        ],
    )
