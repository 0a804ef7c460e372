"""The tables of the office: who answered for which cash, what was sold and given back, what resellers have to sell."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, years
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

EXPLANATION: Final = "community_office_shift.explanation"
SLIP: Final = "community_office_sale.slip"


def _books(purpose: str, since: str, **more: Any) -> Privacy:
    return Privacy(
        subject="account_id",
        purpose=purpose,
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.pruned(years(10), since),
        erasure="redact",
        recipients=(Recipient.EMPLOYER,),
        **more,
    )


class OfficeShift(Table, table=True):
    """A worker answers for a till from its opening to its closing; both are counted."""

    __tablename__ = "community_office_shift"
    privacy: ClassVar[Privacy] = _books("to say who answers for which cash", "closed_at", redacted=("explanation",))
    __table_args__ = (
        sa.CheckConstraint("opening_amount >= 0 AND counted_amount >= 0", name="amounts"),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (counted_amount IS NULL)"
            " AND (closed_at IS NULL) = (expected_amount IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL)",
            name="closed",
        ),
        # Every open shift has a moment at which somebody hears that nobody has counted it, and no other has one.
        sa.CheckConstraint("(remind_at IS NOT NULL) = (closed_at IS NULL)", name="an_open_one_has_a_deadline"),
        # One till at a time for each.
        sa.Index(
            "uq_community_office_shift_open",
            "organization_id",
            "account_id",
            unique=True,
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
        sa.Index("ix_community_office_shift_organization_id", "organization_id", "id"),
        sa.Index("ix_community_office_shift_account_id", "account_id", "id"),
        sa.Index("ix_community_office_shift_closed_at", "closed_at", postgresql_where=sa.text("closed_at IS NOT NULL")),
        sa.Index("ix_community_office_shift_remind_at", "remind_at", postgresql_where=sa.text("remind_at IS NOT NULL")),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    account_id: uuid.UUID = Field(description="who answers for it")
    currency: str = Field(max_length=3, description="ISO 4217")
    opened_at: datetime = instant()
    opening_amount: int = Field(sa_type=sa.BigInteger, description="minor units, as counted")
    remind_at: datetime | None = optional_instant()
    closed_at: datetime | None = optional_instant()
    closed_by: uuid.UUID | None = Field(default=None, description="the account: who answers for it, or a coordinator")
    counted_amount: int | None = Field(default=None, sa_type=sa.BigInteger)
    expected_amount: int | None = Field(
        default=None, sa_type=sa.BigInteger, description="opened with, and sold for, less what was given back, in cash"
    )
    explanation: str | None = sealed(default=None, description="why something else was counted than expected")


class OfficeSale(Table, table=True):
    """Tickets that were sold at a till or by a reseller, or money that a till gave back for some."""

    __tablename__ = "community_office_sale"
    privacy: ClassVar[Privacy] = _books("to say who sold what, and gave back what", "sold_at", redacted=("slip",))
    __table_args__ = (
        sa.CheckConstraint("kind IN ('sale', 'refund')", name="kind"),
        sa.CheckConstraint("method IN ('cash', 'terminal', 'reseller', 'none')", name="method"),
        sa.CheckConstraint("amount >= 0 AND tickets >= 0", name="amounts"),
        sa.CheckConstraint(
            "(amount = 0) = (method = 'none') OR method = 'reseller'", name="nothing_is_paid_by_nothing"
        ),
        sa.CheckConstraint("(method = 'reseller') = (shift_id IS NULL)", name="a_till_has_a_shift"),
        sa.CheckConstraint("(method = 'reseller') = (share_id IS NOT NULL)", name="a_reseller_has_a_share"),
        sa.CheckConstraint("method = 'terminal' OR slip_key IS NULL", name="a_terminal_has_a_slip"),
        # No slip is recorded twice.
        sa.Index(
            "uq_community_office_sale_slip",
            "organization_id",
            "kind",
            "slip_key",
            unique=True,
            postgresql_where=sa.text("slip_key IS NOT NULL"),
        ),
        sa.Index(
            "ix_community_office_sale_shift_id", "shift_id", "id", postgresql_where=sa.text("shift_id IS NOT NULL")
        ),
        sa.Index("ix_community_office_sale_order_id", "order_id"),
        sa.Index("ix_community_office_sale_account_id", "account_id", "id"),
        sa.Index("ix_community_office_sale_share_id", "share_id", postgresql_where=sa.text("share_id IS NOT NULL")),
        sa.Index("ix_community_office_sale_sold_at", "sold_at"),
        sa.Index(
            "ix_community_office_sale_reseller",
            "seller_id",
            "sold_at",
            postgresql_where=sa.text("share_id IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id", description="whose tickets they are")
    seller_id: uuid.UUID = Field(foreign_key="identity_organization.id", description="the same, or the reseller")
    account_id: uuid.UUID = Field(description="who sold, or gave back")
    shift_id: uuid.UUID | None = Field(default=None, foreign_key="community_office_shift.id")
    share_id: uuid.UUID | None = Field(default=None, foreign_key="community_ticket_allotment_share.id")
    order_id: uuid.UUID
    kind: str
    method: str
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    currency: str = Field(max_length=3)
    tickets: int = Field(sa_type=sa.SmallInteger, description="how many")
    sold_at: datetime = instant()
    slip: str | None = sealed(default=None, description="the number of the terminal's slip")
    slip_key: bytes | None = Field(default=None, sa_type=sa.LargeBinary, description="keyed digest of that number")


class TicketAllotment(Table, table=True):
    """So many tickets of a product, of each of some slots, that a reseller alone may sell for a while."""

    __tablename__ = "community_ticket_allotment"
    privacy: ClassVar[Privacy] = Privacy.none("what one organization has of another to sell")
    __table_args__ = (
        sa.CheckConstraint("quantity > 0", name="quantity"),
        sa.CheckConstraint("release_before >= interval '0'", name="release_before"),
        sa.CheckConstraint("commission_rate BETWEEN 0 AND 5000", name="commission_rate"),
        sa.CheckConstraint("reseller_id <> organization_id", name="a_reseller_is_another"),
        sa.Index("ix_community_ticket_allotment_organization_id", "organization_id", "id"),
        sa.Index("ix_community_ticket_allotment_reseller_id", "reseller_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    reseller_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int = Field(sa_type=sa.SmallInteger, description="tickets of each slot")
    release_before: timedelta = Field(sa_type=sa.Interval, description="before its slot what is unsold goes back")
    commission_rate: int = Field(default=0, sa_type=sa.SmallInteger, description="ten-thousandths the reseller keeps")
    ended_at: datetime | None = optional_instant(description="when all that was unsold was taken back")


class AllotmentShare(Table, table=True):
    """What a reseller has of one slot; what is not sold lies taken in the pools until it goes back."""

    __tablename__ = "community_ticket_allotment_share"
    privacy: ClassVar[Privacy] = Privacy.none("what one organization has of another to sell")
    __table_args__ = (
        sa.CheckConstraint("sold BETWEEN 0 AND quantity AND quantity > 0", name="sold"),
        sa.CheckConstraint("(release_at IS NULL) = (released_at IS NOT NULL)", name="one_that_is_held_has_a_deadline"),
        sa.CheckConstraint("release_reason IN ('deadline', 'ended', 'slot_cancelled')", name="release_reason"),
        sa.CheckConstraint("(released_at IS NULL) = (release_reason IS NULL)", name="releasing_has_a_reason"),
        sa.UniqueConstraint("allotment_id", "slot_id"),
        sa.Index("ix_community_ticket_allotment_share_slot_id", "slot_id"),
        sa.Index(
            "ix_community_ticket_allotment_share_release_at",
            "release_at",
            postgresql_where=sa.text("release_at IS NOT NULL"),
        ),
    )

    allotment_id: uuid.UUID = Field(foreign_key="community_ticket_allotment.id")
    slot_id: uuid.UUID
    starts_at: datetime = instant(description="of the slot, when it was allotted")
    quantity: int = Field(sa_type=sa.SmallInteger, description="tickets")
    sold: int = Field(default=0, sa_type=sa.SmallInteger)
    release_at: datetime | None = optional_instant(description="when what is unsold goes back")
    released_at: datetime | None = optional_instant()
    release_reason: str | None = None


SHIFTS: Final = table_of(OfficeShift)
SALES: Final = table_of(OfficeSale)
ALLOTMENTS: Final = table_of(TicketAllotment)
ALLOTMENT_SHARES: Final = table_of(AllotmentShare)
