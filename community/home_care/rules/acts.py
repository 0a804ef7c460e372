"""What follows from something a home reported: an incident, its end, a deadline, that somebody moved."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

Severity = Literal["low", "medium", "high", "critical"]
RANK: Final[dict[str, int]] = {"low": 0, "medium": 1, "high": 2, "critical": 3}


@dataclass(frozen=True, slots=True)
class Raise:
    """Somebody should know of this."""

    kind: str
    severity: Severity
    at: datetime
    entity_id: uuid.UUID | None = None
    is_hint: bool = False
    explanation: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settle:
    """This is over. Without an entity: whichever entity noticed it."""

    kind: str
    entity_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Look again at ``check_at``, unless it ends before. What is watched already goes on as it began."""

    kind: str
    started_at: datetime
    check_at: datetime
    entity_id: uuid.UUID | None = None
    room_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Unwatch:
    """There is nothing to look at any more."""

    kind: str
    entity_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """Somebody is in a room: what is on there is not unattended until ``check_at``."""

    room_id: uuid.UUID
    check_at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody moved; ``is_everyday``: as on any day, by what only a person does."""

    role: str
    at: datetime
    is_everyday: bool


Act = Raise | Settle | Watch | Unwatch | Near | Moved
