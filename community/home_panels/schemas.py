"""Panels as they are chosen and shown, and what is heard and told of them."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, BaseModel, Field

from community.home_panels.rules import USUAL, Thing
from community.homes.views import HomeRow


def _once(things: list[Thing]) -> list[Thing]:
    return list(dict.fromkeys(things))


class HomePanelGive(BaseModel):
    """What a resident wants to have on the wall of their home."""

    shows: Annotated[list[Thing], Field(max_length=5), AfterValidator(_once)] = Field(
        default=list(USUAL),
        description="the buttons for help and for all is well, whether an alarm is open, when the next medicine is "
        "due and when the next visit: the last two tell everybody in the room of your health and your life",
    )


class HomePanelPublic(BaseModel):
    """A resident's panel in a home."""

    id: uuid.UUID
    home_id: uuid.UUID
    resident_id: uuid.UUID
    state: Literal["shown", "leaving", "gone"]
    shows: list[Thing]
    is_announced: bool = Field(description="whether the home's hub was told of it as it is now")


class Heard(Protocol):
    """A message from a home, as the inbox hands it over: its topic is without the home's prefix."""

    @property
    def home(self) -> HomeRow: ...
    @property
    def topic(self) -> str: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def is_retained(self) -> bool: ...
    @property
    def is_repeated(self) -> bool: ...
    @property
    def received_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Ahead:
    """What there is to be shown of a resident."""

    alarm: bool = False
    dose: datetime | None = None
    visit: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is to be published of a panel as it stood when it was taken up: topics with what is kept there."""

    panel_id: uuid.UUID
    version: int
    is_leaving: bool
    messages: tuple[tuple[str, bytes], ...]
