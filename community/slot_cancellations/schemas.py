"""What is said of slots that are called off together, and what is shown of it."""

import uuid
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from community.housekeeping.schemas import TextLanguage
from community.ticketing.rules import Reason

MOST_SLOTS: Final = 400

Message = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def _sorted_once(items: list[uuid.UUID]) -> list[uuid.UUID]:
    return sorted(set(items))


SlotIds = Annotated[list[uuid.UUID], Field(min_length=1, max_length=MOST_SLOTS), AfterValidator(_sorted_once)]


class SlotsNamed(BaseModel):
    """Slots of the attraction."""

    model_config = ConfigDict(extra="forbid")

    slot_ids: SlotIds


class SlotCancellationCreate(SlotsNamed):
    """Slots that do not take place, all of them or none, and why."""

    reason: Reason
    message: dict[TextLanguage, Message] = Field(
        default={}, description="what whoever has tickets reads of it, beside the reason"
    )


class SlotChosen(BaseModel):
    """A slot that would be called off."""

    id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    state: Literal["open", "closed", "cancelled", "over"]


class SlotCancellationPreview(BaseModel):
    """What it would mean to call slots off now."""

    slots: list[SlotChosen]
    orders: int = Field(description="with tickets that are good, or wait for their money")
    counter_orders: int = Field(description="of these: sold at a counter, to nobody we can write to")
    tickets: int
    persons: int
    amounts: dict[str, int] = Field(description="by currency, minor units: what would be given back")
    admitted: int = Field(description="tickets by which somebody came in already: these are not given back")


class TicketsTold(BaseModel):
    """So many tickets, for so many persons."""

    tickets: int
    persons: int


class SlotCancellationPublic(BaseModel):
    """Slots that were called off together, and how far giving back has come."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    attraction_id: uuid.UUID
    slot_ids: list[uuid.UUID]
    reason: Reason
    message: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime
    orders: int
    counter_orders: int
    tickets: int
    persons: int
    amounts: dict[str, int]


class SlotCancellationProgress(SlotCancellationPublic):
    """How far it has come, by what the tickets say now. Each ticket is in one of the five."""

    given_back: TicketsTold
    moved: TicketsTold = Field(description="to another slot, before they were given back")
    waiting: TicketsTold = Field(description="whom the worker comes to")
    failed: TicketsTold = Field(description="could not be given back so far: tried again by itself, or when asked")
    admitted: TicketsTold = Field(description="came in although it was called off")
    orders_told: int = Field(description="a message about it was written to them")
    returned: dict[str, int] = Field(description="by currency, minor units: what is given back by now")
    at_counter: dict[str, int] = Field(description="of that: handed out at the office, to whoever bought there")
    card_refunds: dict[str, int] = Field(description="how many are wanted, pending, succeeded or failed at the bank")
    is_done: bool = Field(description="nothing waits any more, and nothing failed")
