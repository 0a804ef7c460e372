"""What a timeline is shown as."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.policies.journeys.timeline.rules.kinds import Kind


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items are wanted (``None``: all that may be seen), and the language they are told in."""

    kinds: Sequence[Kind] | None = None
    since: datetime | None = None
    until: datetime | None = None
    language: str = "en"


class TimelineItem(BaseModel):
    """Something that happened with a resident; ``kind`` and ``id`` together are its identity."""

    at: datetime
    kind: Kind
    id: uuid.UUID = Field(
        description="of the check-in, pause, alarm, dose, reading, visit, circle member, video visit, note, or of the"
        " change of a goal or appointment"
    )
    data: dict[str, Any] = Field(description="what is known of it: ids, enumerations, instants, numbers")
    text: str = Field(description="the same as a sentence, in the reader's language")


class TimelinePlace(BaseModel):
    """What the stream says when everything up to here was told: its id is where to go on."""

    up_to_date: bool = True
