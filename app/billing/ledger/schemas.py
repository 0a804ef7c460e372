"""The ledger as it is shown."""

import uuid
from datetime import datetime

from pydantic import BaseModel, Field

from app.billing.ledger.rules import AccountKind, EntryKind


class LedgerEntry(BaseModel):
    """An entry of an organization's ledger: ``postings`` add up to zero, debits are positive."""

    id: uuid.UUID
    kind: EntryKind
    charge_id: uuid.UUID | None
    payment_id: uuid.UUID | None
    source_id: uuid.UUID = Field(description="what caused it: the charge, the payment, the transfer")
    currency: str
    created_at: datetime
    postings: dict[AccountKind, int]


class AccountBalance(BaseModel):
    """What an account comes to, in minor units; debits are positive."""

    kind: AccountKind
    currency: str
    balance: int


class LedgerBalances(BaseModel):
    """What the accounts of an organization come to."""

    accounts: list[AccountBalance]
