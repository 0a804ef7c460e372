"""Programmes, entitlements and what programmes owe, as they are given and shown."""

import re
import uuid
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.billing.charges.rules import LARGEST
from app.billing.subsidies.rules import Period, ProgrammeKind

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
TextLanguage = Literal["en", "zh-CN"]
Code = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z0-9][a-z0-9_-]{0,39}$"))]
Amount = Annotated[int, Field(gt=0, le=LARGEST, strict=True, description="minor units: cents, fen")]


def _in_all_languages(texts: dict[TextLanguage, str]) -> dict[TextLanguage, str]:
    if len(texts) != 2:
        raise ValueError("needed in en and zh-CN")
    return texts


Names = Annotated[
    dict[TextLanguage, Name],
    AfterValidator(_in_all_languages),
    Field(examples=[{"en": "City voucher", "zh-CN": "养老服务券"}]),
]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Valid(_Given):
    valid_from: date = Field(description="the first day, as the calendar on the wall says")
    valid_until: date | None = Field(default=None, description="the last day")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("it ends before it begins")
        return self


class ProgrammeWrite(_Valid):
    """The terms of a programme; the currency is the community's."""

    name: Names
    categories: Annotated[list[Code], Field(min_length=1, max_length=50)]
    rate: Annotated[int, Field(ge=1, le=10_000, strict=True, description="ten-thousandths that it pays")]
    order_cap: Amount | None = Field(default=None, description="at most so much of one order")
    month_cap: Amount | None = Field(default=None, description="at most so much for one resident in a month")
    budget_amount: Amount
    is_active: bool = True


class ProgrammeCreate(ProgrammeWrite):
    """A programme that begins."""

    kind: ProgrammeKind
    organization_id: uuid.UUID | None = Field(default=None, description="the sponsor, if it is one here")


class ProgrammePublic(BaseModel):
    """A programme, and what is promised or paid of its budget."""

    id: uuid.UUID
    kind: ProgrammeKind
    organization_id: uuid.UUID | None
    name: dict[str, str]
    categories: list[str]
    rate: int
    order_cap: int | None
    month_cap: int | None
    currency: str
    budget_amount: int
    committed_amount: int
    valid_from: date
    valid_until: date | None
    is_active: bool
    version: int


class EntitlementCreate(_Valid):
    """A resident is entitled to what a programme pays."""

    resident_id: uuid.UUID
    level: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = Field(
        default=None, description="the level of need that was assessed"
    )
    period: Period | None = Field(default=None, description="what the amount is for")
    amount: Amount | None = Field(default=None, description="without: only the programme limits it")

    @model_validator(mode="after")
    def _an_amount_is_for_something(self) -> Self:
        if (self.period is None) != (self.amount is None):
            raise ValueError("an amount is for a month or once")
        return self


class EntitlementPublic(BaseModel):
    """What a resident is entitled to."""

    id: uuid.UUID
    programme_id: uuid.UUID
    resident_id: uuid.UUID
    level: str | None
    period: Period | None
    amount: int | None
    committed_amount: int = Field(description="promised or paid under it")
    valid_from: date
    valid_until: date | None
    granted_by: uuid.UUID
    revoked_at: datetime | None


class OwnEntitlement(EntitlementPublic):
    """What a resident is entitled to, and by which programme."""

    programme_name: dict[str, str]
    kind: ProgrammeKind


class SettlementRecord(_Given):
    """A transfer of the programme's that arrived for a month."""

    month: date = Field(description="any day of it")
    amount: Amount
    reference: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)] = Field(
        description="of the transfer: counted once"
    )


class MonthOwed(BaseModel):
    """What a programme owes for a month, and what of it has arrived."""

    month: date
    owed_amount: int = Field(description="paid for residents, less what was given back")
    settled_amount: int
    orders: int


class ProgrammeReport(BaseModel):
    """What a programme owes, month by month, and what of its budget is left."""

    programme_id: uuid.UUID
    currency: str
    budget_amount: int
    committed_amount: int
    months: list[MonthOwed]
