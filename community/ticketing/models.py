"""The tables of tickets on offer: what is sold, the slots it is for, and what limits how much of it there is."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, years
from app.core.tables import Privacy, Table, instant, jsonb, table_of

_UUIDS: Final = ARRAY(sa.Uuid)
_TAX: Final = "tax_rate BETWEEN 0 AND 10000"


def _ids(**options: Any) -> Any:
    return Field(default_factory=list, sa_type=_UUIDS, nullable=False, **options)


class TicketProduct(Table, table=True):
    """Something an attraction sells for its slots: an adult's ticket, a senior's, a companion's."""

    __tablename__ = "community_ticket_product"
    privacy: ClassVar[Privacy] = Privacy.none("the prices of an organization")
    __table_args__ = (
        sa.CheckConstraint("kind IN ('adult', 'senior', 'child', 'reduced', 'companion', 'group')", name="kind"),
        sa.CheckConstraint("price_amount >= 0", name="price_amount"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint(_TAX, name="tax_rate"),
        sa.CheckConstraint("persons BETWEEN 1 AND 200 AND max_per_person >= 1", name="counts"),
        sa.CheckConstraint("reentry IN ('none', 'same_day')", name="reentry"),
        sa.CheckConstraint("state IN ('active', 'withdrawn')", name="state"),
        sa.UniqueConstraint("attraction_id", "code"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id")
    code: str
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")
    kind: str
    price_amount: int = Field(sa_type=sa.BigInteger, description="minor units, of one; what no rule says otherwise of")
    currency: str = Field(max_length=3, description="ISO 4217")
    tax_rate: int = Field(default=0, description="ten-thousandths, in the price")
    price_rules: list[dict[str, Any]] = jsonb(default_factory=list, description="the first that holds sets the price")
    persons: int = Field(default=1, sa_type=sa.SmallInteger, description="how many one lets in, and counts for")
    needs_entitlement: str | None = Field(default=None, description="what a citizen card must say of whoever it is for")
    max_per_person: int | None = Field(default=None, description="of a slot's day")
    is_named: bool = False
    reentry: str = "none"
    is_online: bool = Field(default=True, description="otherwise it is sold at the office alone")
    state: str = "active"


class SlotTemplate(Table, table=True):
    """On which days and at which times of the attraction's wall clock a season has slots, and what those are like."""

    __tablename__ = "community_slot_template"
    privacy: ClassVar[Privacy] = Privacy.none("when an attraction lets people in")
    __table_args__ = (
        sa.CheckConstraint("holidays IN ('ignore', 'skip', 'only')", name="holidays"),
        sa.CheckConstraint("ends_on >= starts_on", name="season"),
        sa.CheckConstraint(
            "duration > interval '0' AND entry_within > interval '0' AND entry_within <= duration", name="durations"
        ),
        sa.CheckConstraint("capacity >= 0", name="capacity"),
        sa.Index("ix_community_slot_template_attraction_id", "attraction_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id")
    name: str = Field(description="the attraction's own word for it")
    starts_on: date
    ends_on: date
    weekdays: list[int] = Field(sa_type=ARRAY(sa.SmallInteger), nullable=False, description="ISO: 1 is Monday")
    times: list[time] = Field(sa_type=ARRAY(sa.Time), nullable=False)
    holidays: str = "ignore"
    except_on: list[date] = Field(
        default_factory=list, sa_type=ARRAY(sa.Date), nullable=False, description="days on which there are none"
    )
    duration: timedelta = Field(sa_type=sa.Interval)
    entry_within: timedelta = Field(sa_type=sa.Interval, description="how long after its start one may still enter")
    capacity: int
    product_ids: list[uuid.UUID] = _ids(description="empty: all")
    language: str | None = Field(default=None, description="BCP 47, of a guided tour")
    is_active: bool = True


class TicketSlot(Table, table=True):
    """A stretch of time for which tickets are sold; ``planned_at`` is where its template had it, whatever became of it.

    Whoever sells of it shares its lock until they commit: who cancels, moves or covers it with a quota finds all sold.
    """

    __tablename__ = "community_ticket_slot"
    privacy: ClassVar[Privacy] = Privacy.none("when an attraction lets people in, and how many")
    __table_args__ = (
        sa.CheckConstraint("ends_at > starts_at AND entry_until > starts_at AND entry_until <= ends_at", name="period"),
        sa.CheckConstraint("capacity >= 0", name="capacity"),
        sa.CheckConstraint("state IN ('open', 'closed', 'cancelled')", name="state"),
        sa.CheckConstraint("(state = 'cancelled') = (cancelled_reason IS NOT NULL)", name="cancelling_has_a_reason"),
        sa.CheckConstraint(
            "cancelled_reason IN ('weather', 'technical', 'staffing', 'safety', 'event', 'other')",
            name="cancelled_reason",
        ),
        sa.CheckConstraint("(template_id IS NULL) = (planned_at IS NULL)", name="planned"),
        sa.UniqueConstraint("template_id", "planned_at"),
        sa.Index("ix_community_ticket_slot_attraction_id", "attraction_id", "starts_at", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id")
    template_id: uuid.UUID | None = Field(default=None, foreign_key="community_slot_template.id")
    planned_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True), nullable=True)
    day: date = Field(description="on the attraction's wall")
    begins: time = Field(sa_type=sa.Time, description="on the attraction's wall")
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    entry_until: datetime = instant()
    capacity: int
    pool_id: uuid.UUID = Field(description="at app.reservations")
    product_ids: list[uuid.UUID] = _ids(description="empty: all")
    quota_ids: list[uuid.UUID] = _ids(description="shares of quotas that count what is sold of it, too")
    language: str | None = Field(default=None, description="BCP 47, of a guided tour")
    state: str = "open"
    cancelled_reason: str | None = None
    cancelled_message: dict[str, str] | None = jsonb(
        default=None, nullable=True, description="by language: what whoever has tickets reads, beside the reason"
    )
    is_own: bool = Field(default=False, description="changed by hand: what its template says is not asked any more")


class TicketQuota(Table, table=True):
    """A limit beside a slot's own: for some products in each slot, or for all slots of a day or a season at once."""

    __tablename__ = "community_ticket_quota"
    privacy: ClassVar[Privacy] = Privacy.none("how much of what an attraction sells")
    __table_args__ = (
        sa.CheckConstraint("scope IN ('slot', 'day', 'season')", name="scope"),
        sa.CheckConstraint("capacity >= 0", name="capacity"),
        sa.UniqueConstraint("attraction_id", "code"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id")
    code: str
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")
    scope: str = Field(description="what shares one pool: a slot's tickets, a day's or the season's")
    capacity: int = Field(description="persons")
    product_ids: list[uuid.UUID] = _ids(description="never changed; empty: all")
    template_ids: list[uuid.UUID] = _ids(description="never changed; empty: all slots of the attraction")


class QuotaShare(Table, table=True):
    """What there is of a quota for a slot, a day or the season: one pool."""

    __tablename__ = "community_ticket_quota_share"
    privacy: ClassVar[Privacy] = Privacy.none("how much of what an attraction sells")
    __table_args__ = (
        sa.CheckConstraint("capacity >= 0", name="capacity"),
        sa.CheckConstraint("slot_id IS NULL OR day IS NOT NULL", name="a_slot_has_its_day"),
        sa.Index("ix_community_ticket_quota_share_quota_id", "quota_id", "day"),
    )

    quota_id: uuid.UUID = Field(foreign_key="community_ticket_quota.id")
    slot_id: uuid.UUID | None = None
    day: date | None = None
    product_ids: list[uuid.UUID] = _ids(description="the quota's")
    capacity: int
    pool_id: uuid.UUID = Field(description="at app.reservations")


class TicketAddon(Table, table=True):
    """Something that is sold with tickets: an audio guide, a wheelchair, a lunch."""

    __tablename__ = "community_ticket_addon"
    privacy: ClassVar[Privacy] = Privacy.none("the prices of an organization")
    __table_args__ = (
        sa.CheckConstraint("price_amount >= 0", name="price_amount"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint(_TAX, name="tax_rate"),
        sa.CheckConstraint("stock >= 0 AND (stock IS NULL) = (pool_id IS NULL)", name="stock"),
        sa.CheckConstraint("max_per_order >= 1", name="max_per_order"),
        sa.UniqueConstraint("attraction_id", "code"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id")
    code: str
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")
    price_amount: int = Field(sa_type=sa.BigInteger, description="minor units, of one")
    currency: str = Field(max_length=3, description="ISO 4217")
    tax_rate: int = Field(default=0, description="ten-thousandths, in the price")
    stock: int | None = Field(default=None, description="empty: there is always one more")
    pool_id: uuid.UUID | None = Field(default=None, description="at app.reservations")
    max_per_order: int = Field(default=10, sa_type=sa.SmallInteger)
    is_active: bool = True


class SlotGuide(Table, table=True):
    """Who guides a slot, whose calendar is taken for it."""

    __tablename__ = "community_slot_guide"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to send a guide to a tour, and nobody to two at once",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(years(3), "ends_at"),
        recipients=(Recipient.EMPLOYER,),
    )
    __table_args__ = (
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.UniqueConstraint("slot_id"),
        sa.Index("ix_community_slot_guide_account_id", "account_id", "starts_at"),
        sa.Index("ix_community_slot_guide_ends_at", "ends_at"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID
    slot_id: uuid.UUID = Field(foreign_key="community_ticket_slot.id")
    account_id: uuid.UUID
    reservation_id: uuid.UUID = Field(description="of their calendar at app.reservations")
    starts_at: datetime = instant()
    ends_at: datetime = instant()


class TicketTerms(Table, table=True):
    """What an attraction gives back, and lets be changed; those that say nothing have the defaults of these columns."""

    __tablename__ = "community_ticket_terms"
    privacy: ClassVar[Privacy] = Privacy.none("the terms of an organization")
    __table_args__ = (
        sa.CheckConstraint("hold_minutes BETWEEN 2 AND 120", name="hold_minutes"),
        sa.CheckConstraint("change_notice >= interval '0'", name="change_notice"),
        sa.UniqueConstraint("attraction_id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id")
    refunds: list[dict[str, int]] = jsonb(
        default_factory=list, description="hours of notice and hundredths of the price, the longest notice first"
    )
    may_change: bool = True
    change_notice: timedelta = Field(default=timedelta(hours=1), sa_type=sa.Interval)
    hold_minutes: int = Field(default=15, sa_type=sa.SmallInteger, description="how long a cart waits for its money")
    pays_at_desk: bool = False


PRODUCTS: Final = table_of(TicketProduct)
TEMPLATES: Final = table_of(SlotTemplate)
SLOTS: Final = table_of(TicketSlot)
QUOTAS: Final = table_of(TicketQuota)
SHARES: Final = table_of(QuotaShare)
ADDONS: Final = table_of(TicketAddon)
GUIDES: Final = table_of(SlotGuide)
TERMS: Final = table_of(TicketTerms)
