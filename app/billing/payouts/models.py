"""The tables of payouts: accounts at the gateway, terms, transfers, and which charges each transfer is for."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.tables import Privacy, Table, instant, optional_instant, table_of, text_array

_ACCOUNT, _TRANSFER = "billing_payout_account", "billing_transfer"
_ORGANIZATION = "identity_organization.id"


class PayoutAccount(Table, table=True):
    """An organization's account at the gateway, that it is paid to."""

    __tablename__ = _ACCOUNT
    privacy: ClassVar[Privacy] = Privacy.none("an organization's account: who stands behind it the gateway asks itself")
    __table_args__ = (
        sa.CheckConstraint("state IN ('wanted', 'onboarding', 'enabled', 'restricted')", name="state"),
        sa.CheckConstraint("(state = 'wanted') = (ref IS NULL)", name="known"),
        sa.UniqueConstraint("organization_id", "gateway"),
        sa.Index(
            "uq_billing_payout_account_ref", "gateway", "ref", unique=True, postgresql_where=sa.text("ref IS NOT NULL")
        ),
        sa.Index("ix_billing_payout_account_ask_at", "ask_at", postgresql_where=sa.text("ask_at IS NOT NULL")),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key=_ORGANIZATION)
    gateway: str
    country: str = Field(max_length=2, description="ISO 3166-1")
    ref: str | None = Field(default=None, description="the gateway's; empty until it has answered")
    key_no: int = Field(default=1, sa_type=sa.SmallInteger, description="a part of the key it is opened under")
    state: str = "wanted"
    wanting: list[str] = text_array(description="what the gateway still wants to know, in its words")
    failure: str | None = Field(default=None, description="the gateway's code of why it was not opened")
    ask_at: datetime | None = optional_instant()
    asked: int = Field(default=0, sa_type=sa.SmallInteger)
    lease_until: datetime | None = optional_instant()
    fence: int = 0


class PayoutTerms(Table, table=True):
    """When an organization is paid out, and what of: without a row it never is."""

    __tablename__ = "billing_payout_terms"
    privacy: ClassVar[Privacy] = Privacy.none("the terms of an organization")
    __table_args__ = (
        sa.CheckConstraint("cadence IN ('weekly', 'monthly')", name="cadence"),
        sa.CheckConstraint("day BETWEEN 1 AND CASE cadence WHEN 'weekly' THEN 7 ELSE 28 END", name="day"),
        sa.CheckConstraint("minimum_amount > 0", name="minimum_amount"),
        sa.CheckConstraint("hold_days BETWEEN 0 AND 90", name="hold_days"),
        sa.UniqueConstraint("organization_id"),
        sa.Index("ix_billing_payout_terms_cut_off_at", "cut_off_at"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key=_ORGANIZATION)
    cadence: str = "weekly"
    day: int = Field(default=1, sa_type=sa.SmallInteger, description="ISO weekday, or day of the month")
    minimum_amount: int = Field(default=1, sa_type=sa.BigInteger, description="minor units; less is carried over")
    hold_days: int = Field(default=7, sa_type=sa.SmallInteger, description="so long after a charge was paid")
    cut_off_at: datetime = instant(description="the next one: midnight where the community is")
    set_by: uuid.UUID


class Transfer(Table, table=True):
    """Money that goes to an organization at a cut-off; with ``reverses_id``: comes back by the operator's word.

    It is asked for under one key. Once it was asked nobody knows better than the gateway whether it was done: it is
    asked again until that is known.
    """

    __tablename__ = _TRANSFER
    privacy: ClassVar[Privacy] = Privacy.none("amounts of an organization's books")
    __table_args__ = (
        sa.CheckConstraint("state IN ('wanted', 'sent', 'failed', 'reversed', 'dropped')", name="state"),
        sa.CheckConstraint("amount > 0 AND reversed_amount BETWEEN 0 AND amount", name="amounts"),
        sa.CheckConstraint("(cut_off_at IS NULL) = (reverses_id IS NOT NULL)", name="cut_off"),
        sa.CheckConstraint("(state = 'wanted') = (ask_at IS NOT NULL)", name="what_is_wanted_is_asked"),
        # Nobody is paid out twice for one cut-off.
        sa.UniqueConstraint("organization_id", "currency", "cut_off_at"),
        sa.Index("ix_billing_transfer_organization_id", "organization_id", "id"),
        sa.Index("ix_billing_transfer_community_id", "community_id", "id"),
        sa.Index("ix_billing_transfer_wanted", "organization_id", postgresql_where=sa.text("state = 'wanted'")),
        sa.Index("ix_billing_transfer_reverses_id", "reverses_id", postgresql_where=sa.text("reverses_id IS NOT NULL")),
        sa.Index("ix_billing_transfer_ask_at", "ask_at", postgresql_where=sa.text("ask_at IS NOT NULL")),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key=_ORGANIZATION)
    payout_account_id: uuid.UUID = Field(foreign_key=f"{_ACCOUNT}.id")
    reverses_id: uuid.UUID | None = Field(default=None, foreign_key=f"{_TRANSFER}.id")
    cut_off_at: datetime | None = optional_instant()
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    reversed_amount: int = Field(default=0, sa_type=sa.BigInteger, description="what came back of it, or is about to")
    currency: str = Field(max_length=3)
    state: str = "wanted"
    ref: str | None = Field(default=None, description="the gateway's")
    key_no: int = Field(default=1, sa_type=sa.SmallInteger, description="a part of its key")
    failure: str | None = Field(default=None, description="the gateway's code of why it was not done")
    ask_at: datetime | None = optional_instant()
    asked: int = Field(default=0, sa_type=sa.SmallInteger)
    asked_at: datetime | None = optional_instant(description="when it was asked for the first time")
    lease_until: datetime | None = optional_instant()
    fence: int = 0
    ended_at: datetime | None = optional_instant(description="sent, failed or dropped")


class TransferItem(Table, table=True):
    """What of a transfer is for one charge: the items add up to the amount.

    Below zero is what was paid out too much before.
    """

    __tablename__ = "billing_transfer_item"
    privacy: ClassVar[Privacy] = Privacy.none("amounts of an organization's books; whose they were the charge says")
    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="amount"),
        sa.UniqueConstraint("transfer_id", "charge_id"),
        sa.Index("ix_billing_transfer_item_charge_id", "charge_id"),
    )

    transfer_id: uuid.UUID = Field(foreign_key=f"{_TRANSFER}.id")
    charge_id: uuid.UUID = Field(foreign_key="billing_charge.id")
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")


ITEMS: Final = table_of(TransferItem)
PAYOUT_ACCOUNTS: Final = table_of(PayoutAccount)
TERMS: Final = table_of(PayoutTerms)
TRANSFERS: Final = table_of(Transfer)
