"""Bills, and what insurers are asked and say, as they are given and shown."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.billing.api import ChargeDetail
from telemedicine.settlement.rules.states import Decision, RequestKind, RequestState, State
from telemedicine.settlement.schemas.prices import ItemCode

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
OriginKind = Literal["appointment", "consultation", "encounter"]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BillLineWrite(_Given):
    """What was done, by the code of its price, and how often."""

    code: ItemCode
    quantity: int = Field(default=1, ge=1, le=999)


class BillLines(_Given):
    """The lines of a draft, whole."""

    lines: list[BillLineWrite] = Field(min_length=1, max_length=50)


class BillDraft(_Given):
    """What visit is billed. Without lines it is what the clinic asks for visits of that type."""

    origin_kind: OriginKind
    origin_id: uuid.UUID
    lines: list[BillLineWrite] = Field(default=[], max_length=50)


class CoverageChosen(_Given):
    """Which insurance is meant, where the resident has several."""

    coverage_id: uuid.UUID | None = Field(default=None, description="the health record that says so")


class ClaimSubmit(CoverageChosen):
    """A claim; what is said of treatment away from home counts where the insurance is another city's."""

    registered: bool = Field(default=False, description="the treatment is registered with the insurance")
    referral_id: uuid.UUID | None = Field(default=None, description="the referral it rests on: that registers it, too")


class BillCredit(_Given):
    """Why a bill is taken back, and whether a new draft with its lines is made."""

    reason: Words
    reissue: bool = False


class BillLinePublic(BaseModel):
    """A line of a bill, and what the insurer pays of it."""

    sequence: int
    code: str | None
    name: dict[str, str] | None
    quantity: int
    unit_amount: int
    amount: int
    insured_amount: int | None = Field(description="null until it is known, and where the insurer said only the sum")
    own_amount: int | None
    insured_reason: str | None


class BillPublic(BaseModel):
    """A bill: ``insured_amount`` and ``own_amount`` are known once ``decision`` is, or without an insurer."""

    id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID
    origin_kind: OriginKind
    origin_id: uuid.UUID
    served_at: datetime
    state: State
    decision: Decision | None
    currency: str
    total_amount: int
    insured_amount: int
    own_amount: int
    replaces_id: uuid.UUID | None
    issued_at: datetime | None
    due_at: datetime | None
    created_at: datetime
    version: int


class BillChangePublic(BaseModel):
    """When a bill went on to a state, and who saw to it."""

    state: State
    at: datetime
    changed_by: uuid.UUID | None = Field(description="null: Hearthline itself, as an answer or a payment came")
    reason: str | None


class InsurerRequestPublic(BaseModel):
    """What an insurer was asked about a bill, and what it said."""

    id: uuid.UUID
    bill_id: uuid.UUID
    kind: RequestKind
    state: RequestState
    insurer: str
    coverage_id: uuid.UUID
    about_id: uuid.UUID | None
    registered: bool
    referral_id: uuid.UUID | None
    attempts: int
    failure: str | None
    created_at: datetime
    answered_at: datetime | None
    reference: str | None
    decision: Decision | None
    in_force: bool | None
    insured_amount: int | None
    deductible_amount: int | None
    disposition: str | None


class BillDetail(BillPublic):
    """A bill with its lines, its history, what insurers said, what is owed and paid, and all that in plain words."""

    lines: list[BillLinePublic]
    changes: list[BillChangePublic]
    requests: list[InsurerRequestPublic]
    charge: ChargeDetail | None
    explanation: dict[str, list[str]] = Field(description="by language: en, zh-CN")


class ClaimEntry(InsurerRequestPublic):
    """What an insurer was asked, with the bill it is about, as other systems keep it."""

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    is_standing: bool = Field(description="false: it was called off, or taken back")
    currency: str
    total_amount: int
    served_at: datetime
    lines: list[BillLinePublic]
    updated_at: datetime
    version: int
