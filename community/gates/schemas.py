"""What is said of gates and scans, and what scanners and the attraction see of them."""

import re
import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from community.gates.rules import (
    MOST_NUMBERS,
    MOST_OVERRIDES,
    MOST_SCANS,
    ConflictState,
    Decision,
    Direction,
    Outcome,
    Reason,
    Resolution,
)
from community.housekeeping.schemas import Code
from community.ticket_codes.schemas import TicketKeyPublic

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Digest = Annotated[str, StringConstraints(pattern=re.compile(r"^[A-Za-z0-9_-]{22}$"))]
"""16 bytes in base64url."""
Seconds = Annotated[int, Field(ge=-(10**9), le=10**9, strict=True)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GateWrite(_Given):
    """A gate as it is from now on."""

    name: Line
    is_active: bool = True


class GateCreate(_Given):
    """A new gate of an attraction."""

    name: Line


class GatePublic(BaseModel):
    """A gate, and how its scanners' clock was when they were heard last."""

    id: uuid.UUID
    attraction_id: uuid.UUID
    attraction: Annotated[dict[str, str], Field(description="its name, by language")]
    name: str
    is_active: bool
    heard_at: datetime | None
    clock_ahead: Annotated[int, Field(description="seconds; below zero it is behind")]
    version: int


class GateRulesWrite(_Given):
    """What opens an attraction's gates beside tickets."""

    free_entitlements: Annotated[
        list[Code],
        Field(max_length=10, description="a citizen card with one of them enters without a ticket"),
    ] = []
    admits_companion: Annotated[bool, Field(description="such a card that also says `companion` lets two in")] = False


class GateRulesPublic(GateRulesWrite):
    """What opens an attraction's gates beside tickets; version 0 where nobody has said anything yet."""

    version: int


class RevokedTicket(BaseModel):
    """A ticket whose codes up to a revision open nothing."""

    ticket_id: uuid.UUID
    revision: int


class BundleCard(BaseModel):
    """One way in by a card: in place of the code of a ticket, or without one by an entitlement. A card that has several
    is listed as often; of those that open at a moment the first counts.
    """

    digest: str
    entitlement: str | None
    persons: int
    ticket_id: uuid.UUID | None
    valid_from: Annotated[datetime | None, Field(description="of the ticket; a card by itself opens as it is")]
    valid_until: Annotated[datetime | None, Field(description="the first moment it opens no more")]
    may_return: Annotated[bool, Field(description="who left comes in again the same day")]


class BundleCards(BaseModel):
    """Cards by the first 16 bytes of SHA-256(salt ‖ normalized number), in base64url; so is the salt."""

    salt: str
    digests: list[BundleCard]


class GateBundle(BaseModel):
    """What a gate decides by without a network: no name, no number, nothing of what was paid."""

    gate_id: uuid.UUID
    attraction_id: uuid.UUID
    attraction_tag: Annotated[str, Field(description="four bytes in hex, as codes name the attraction")]
    issued_at: datetime
    valid_until: datetime
    keys: list[TicketKeyPublic]
    revoked: list[RevokedTicket]
    admitted: Annotated[list[uuid.UUID], Field(description="tickets by which somebody came in already")]
    cards: BundleCards


class CardShown(_Given):
    """A citizen card at a gate that has a network: it is looked up, and its number is not kept."""

    scheme: Code
    number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=80)]


class ScanGiven(_Given):
    """Something that was held before a scanner: one of ``text``, ``card_digest``, ``card`` and ``ticket_id``."""

    nonce: Annotated[uuid.UUID, Field(description="made by the scanner: the same scan counts once")]
    text: Annotated[str | None, Field(max_length=600, description="of the QR code")] = None
    card_digest: Annotated[Digest | None, Field(description="of a card, as the bundle has it")] = None
    card: CardShown | None = None
    ticket_id: Annotated[uuid.UUID | None, Field(description="with `override_reason`: its code cannot be read")] = None
    direction: Direction
    scanned_at: Annotated[GivenInstant, Field(description="by the scanner's clock")]
    clock_ahead: Annotated[
        Seconds | None, Field(description="by how many seconds the scanner knew its clock to be ahead when it scanned")
    ] = None
    decision: Annotated[
        Decision | None, Field(description="what the scanner did by itself; null: whoever scans waits for the answer")
    ] = None
    reason: Annotated[Reason | None, Field(description="why the scanner refused by itself")] = None
    persons: Annotated[int | None, Field(ge=1, le=255, description="that passed; null: all the ticket is for")] = None
    override_reason: Annotated[
        Paragraph | None, Field(description="why a person at the gate let somebody in all the same")
    ] = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        named = (self.text is not None) + (self.card_digest is not None) + (self.card is not None)
        if named + (self.ticket_id is not None) != 1:
            raise ValueError("one of text, card_digest, card and ticket_id")
        if self.ticket_id is not None and self.override_reason is None:
            raise ValueError("a ticket without its code needs override_reason")
        if self.override_reason is not None and self.decision == "refused":
            raise ValueError("whoever is let in all the same is not refused")
        return self


class ScansGiven(_Given):
    """What was scanned at a gate, in any order; what was sent before is answered as before."""

    scans: Annotated[list[ScanGiven], Field(min_length=1, max_length=MOST_SCANS)]
    sent_at: Annotated[GivenInstant, Field(description="now, by the scanner's clock: how far it is off is told by it")]

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        if sum(scan.override_reason is not None for scan in self.scans) > MOST_OVERRIDES:
            raise ValueError(f"at most {MOST_OVERRIDES} overrides at once")
        if sum(scan.card is not None for scan in self.scans) > MOST_NUMBERS:
            raise ValueError(f"at most {MOST_NUMBERS} numbers of cards at once")
        return self


class ScanResult(BaseModel):
    """What became of a scan: nothing to be done unless it is ``conflict``, which the attraction has to decide on."""

    nonce: uuid.UUID
    outcome: Outcome
    reason: Reason | None


class ScanResults(BaseModel):
    """What became of the scans, in the order they were given."""

    results: list[ScanResult]
    clock_ahead: Annotated[int, Field(description="by how many seconds the scanner's clock is ahead of ours")]


class Passing(BaseModel):
    """A scan, as the attraction sees it."""

    scan_id: uuid.UUID
    gate_id: uuid.UUID
    gate: str
    scanned_at: datetime
    clock_ahead: int
    persons: int
    is_overridden: bool


class ConflictPublic(BaseModel):
    """Somebody was let in who, as far as we know, should not have been."""

    id: uuid.UUID
    attraction_id: uuid.UUID
    ticket_id: uuid.UUID | None
    is_by_card: bool
    reason: Reason
    state: ConflictState
    entry: Passing
    other: Annotated[Passing | None, Field(description="the entry by the same that came before it")]
    resolution: Resolution | None
    note: str | None
    resolved_by: uuid.UUID | None
    resolved_at: datetime | None


class ConflictResolve(_Given):
    """What it was, and why whoever decides believes so."""

    resolution: Resolution
    note: Paragraph


class TicketCodePublic(BaseModel):
    """The code of a ticket: the text of a QR code, in its alphanumeric mode."""

    ticket_id: uuid.UUID
    text: str
    valid_from: datetime
    valid_until: datetime
    persons: int
    revision: int
