"""What is said of kinds of cards and of cards, and what their holders and the operator see of them."""

import uuid
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from community.citizen_cards.rules import CardState, Check, CloseReason, Refusal, Symbols, Verifier
from community.housekeeping.schemas import Code, Name, codes_once

Length = Annotated[int, Field(ge=4, le=40, strict=True)]
Number = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=80)]
Outcome = Literal["holder", "claimant", "neither"]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CardSchemeWrite(_Given):
    """A kind of card."""

    name: Name
    symbols: Symbols = Field(description="of a number as it is compared: in upper case, without spaces and hyphens")
    shortest: Length
    longest: Length
    check_by: Check = Field(default="none", description="how the end of a number checks the rest")
    verified_by: Verifier = Field(default="staff", description="rule: a number that checks is verified at once")
    entitlements: Annotated[list[Code], Field(min_length=1, max_length=10), codes_once] = Field(
        examples=[["free_entry", "companion"]]
    )
    needs_last_day: bool = False
    is_active: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.longest < self.shortest:
            raise ValueError("the longest number is not shorter than the shortest")
        if self.verified_by == "rule" and self.check_by == "none":
            raise ValueError("a rule that every number keeps verifies nothing")
        if self.check_by == "luhn" and self.symbols != "digits":
            raise ValueError("luhn checks digits")
        return self


class CardSchemeCreate(CardSchemeWrite):
    """A kind of card; its code is what everybody refers to it by, and never changes."""

    code: Code


class CardSchemePublic(CardSchemeCreate):
    """A kind of card that the community knows."""

    id: uuid.UUID
    name: dict[str, str]  # type: ignore[assignment]  # as it is kept
    version: int


class CardLink(_Given):
    """A card, by what stands on it."""

    scheme: Code
    number: Number
    last_day: date | None = Field(default=None, description="the last day on which it is good, if it says one")


class CardPublic(BaseModel):
    """A card of a resident's. Its number is shown by its end alone."""

    id: uuid.UUID
    scheme: str
    name: dict[str, str]
    number: str | None = Field(description="its last four symbols; none once it is removed or refused")
    state: CardState
    entitlements: list[str] = Field(description="what it lets its holder do, while it is verified and not over")
    last_day: date | None
    linked_at: GivenInstant
    verified_at: GivenInstant | None
    closed_at: GivenInstant | None
    close_reason: CloseReason | None


class CardToVerify(CardPublic):
    """A card that waits to be verified, with all that is to be held against the card itself."""

    resident_id: uuid.UUID
    resident: str
    full_number: str
    linked_by: uuid.UUID


class CardVerify(_Given):
    """The card was seen, and is the resident's; what stands on it counts."""

    last_day: date | None = Field(default=None, description="if it is another than was said")


class CardRefuse(_Given):
    """The card is not verified, and why."""

    reason: Refusal


class CardParty(BaseModel):
    """Who says that a card is theirs, and who linked it for them."""

    resident_id: uuid.UUID
    resident: str
    linked_by: uuid.UUID
    linked_at: GivenInstant


class CardClaimPublic(BaseModel):
    """A card that two have linked; without a holder it was removed meanwhile."""

    id: uuid.UUID
    scheme: str
    name: dict[str, str]
    full_number: str
    claimant: CardParty
    holder: CardParty | None
    holder_state: CardState | None


class CardClaimDecide(_Given):
    """Whose the card is."""

    outcome: Outcome
