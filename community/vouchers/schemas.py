"""What is said of vouchers, and what is shown of them."""

import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from community.vouchers.rules import normalized

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=40)]


class VoucherCreate(BaseModel):
    """A code that makes tickets cheaper: by hundredths of each, or by an amount off the whole."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    code: Code = Field(description="said once: afterwards only its last two characters are known")
    percent: Annotated[int, Field(ge=1, le=100, strict=True)] | None = None
    amount: Annotated[int, Field(ge=1, le=10**9, strict=True)] | None = Field(default=None, description="minor units")
    valid_from: GivenInstant
    valid_until: GivenInstant
    product_ids: Annotated[list[uuid.UUID], Field(max_length=50)] = Field(default=[], description="none: of all")
    max_uses: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if (self.percent is None) == (self.amount is None):
            raise ValueError("either hundredths or an amount")
        if self.valid_until <= self.valid_from:
            raise ValueError("it ends after it begins")
        if len(normalized(self.code)) < 4:
            raise ValueError("at least four letters or digits")
        return self


class VoucherPublic(BaseModel):
    """A voucher, as whoever keeps it sees it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    name: str
    code_end: str
    percent: int | None
    amount: int | None
    currency: str
    valid_from: datetime
    valid_until: datetime
    product_ids: list[uuid.UUID]
    max_uses: int
    used: int = Field(description="by orders that are held or confirmed")
    is_active: bool
