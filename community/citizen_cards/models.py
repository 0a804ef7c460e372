"""The tables of citizen cards: which kinds a community knows, who linked which card, and who else says it is theirs."""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of, text_array

NUMBER: Final = "community_citizen_card.number"
CLAIMED_NUMBER: Final = "community_card_claim.number"
LIVE: Final = "state IN ('pending', 'verified')"


def _privacy(purpose: str, since: str, **more: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=Retention.pruned(years(1), since),
        # A disability card says something of its holder's health.
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **more,
    )


class CardScheme(Table, table=True):
    """A kind of card: what its numbers look like, who verifies one, and what it lets its holder do."""

    __tablename__ = "community_card_scheme"
    privacy: ClassVar[Privacy] = Privacy.none("describes which cards a community knows")
    __table_args__ = (
        sa.CheckConstraint("symbols IN ('digits', 'alphanumeric')", name="symbols"),
        sa.CheckConstraint("check_by IN ('none', 'luhn', 'mod11_2', 'mod97_10')", name="check_by"),
        sa.CheckConstraint("verified_by IN ('staff', 'rule')", name="verified_by"),
        # A rule that any number keeps verifies nothing.
        sa.CheckConstraint("verified_by = 'staff' OR check_by <> 'none'", name="a_rule_has_a_check"),
        sa.CheckConstraint("shortest BETWEEN 4 AND longest AND longest <= 40", name="lengths"),
        sa.UniqueConstraint("community_id", "code"),
        sa.Index("ix_community_card_scheme_community_id", "community_id", "id"),
    )

    community_id: uuid.UUID
    code: str
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")
    symbols: str
    shortest: int = Field(sa_type=sa.SmallInteger, description="how many symbols a number has at least")
    longest: int = Field(sa_type=sa.SmallInteger)
    check_by: str = Field(default="none", description="how the last symbols of a number check the others")
    verified_by: str = "staff"
    entitlements: list[str] = text_array(description="what the card lets its holder do")
    needs_last_day: bool = Field(default=False, description="its cards say until when they are good")
    is_active: bool = True


class CitizenCard(Table, table=True):
    """A card that a resident linked. Its number lies sealed, is looked up by a keyed digest, and goes when it ends."""

    __tablename__ = "community_citizen_card"
    privacy: ClassVar[Privacy] = _privacy(
        "to let the resident have what the card entitles to, and enter with it", "closed_at"
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('pending', 'verified', 'refused', 'removed')", name="state"),
        sa.CheckConstraint("(valid_until IS NULL) = (last_day IS NULL)", name="validity"),
        # What is over keeps no number, and what is not has one.
        sa.CheckConstraint(
            f"({LIVE}) = (number IS NOT NULL) AND (number IS NULL) = (digest IS NULL)", name="a_live_one_has_a_number"
        ),
        sa.CheckConstraint(f"({LIVE}) = (closed_at IS NULL)", name="closed"),
        sa.CheckConstraint("verified_at IS NOT NULL OR state <> 'verified'", name="verified"),
        sa.CheckConstraint(
            "close_reason IN ('not_confirmed', 'not_readable', 'over', 'holder', 'decided', 'moved_out')",
            name="close_reason",
        ),
        sa.CheckConstraint(f"({LIVE}) = (close_reason IS NULL)", name="closing_has_a_reason"),
        # Every card that waits has a moment at which somebody is reminded of it, and no other has one.
        sa.CheckConstraint("(verify_by IS NOT NULL) = (state = 'pending')", name="one_pending_has_a_deadline"),
        sa.CheckConstraint("warn_at IS NULL OR state = 'verified'", name="only_a_verified_one_ends"),
        # One card, one holder.
        sa.Index(
            "uq_community_citizen_card_number",
            "community_id",
            "scheme_id",
            "digest",
            unique=True,
            postgresql_where=sa.text(LIVE),
        ),
        # One of a kind for each resident.
        sa.Index(
            "uq_community_citizen_card_of_resident",
            "resident_id",
            "scheme_id",
            unique=True,
            postgresql_where=sa.text(LIVE),
        ),
        sa.Index("ix_community_citizen_card_resident_id", "resident_id", "id"),
        sa.Index(
            "ix_community_citizen_card_pending", "community_id", "id", postgresql_where=sa.text("state = 'pending'")
        ),
        sa.Index(
            "ix_community_citizen_card_verified",
            "community_id",
            "updated_at",
            postgresql_where=sa.text("state = 'verified'"),
        ),
        *(
            sa.Index(f"ix_community_citizen_card_{name}", name, postgresql_where=sa.text(f"{name} IS NOT NULL"))
            for name in ("verify_by", "warn_at", "closed_at")
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    scheme_id: uuid.UUID = Field(foreign_key="community_card_scheme.id")
    number: str | None = sealed(default=None, description="normalized")
    digest: bytes | None = Field(default=None, sa_type=sa.LargeBinary, description="keyed, of the normalized number")
    state: str = "pending"
    linked_by: uuid.UUID = Field(description="the account: the resident's, or of who acts for them")
    last_day: date | None = Field(default=None, description="the last on which it is good")
    valid_until: datetime | None = optional_instant(description="when that day ends where the community is")
    verified_by: uuid.UUID | None = Field(default=None, description="the account; none if the scheme's rule did")
    verified_at: datetime | None = optional_instant()
    closed_at: datetime | None = optional_instant(description="since when it is refused or removed")
    close_reason: str | None = None
    verify_by: datetime | None = optional_instant(description="when the operator is reminded of it")
    warn_at: datetime | None = optional_instant(description="when its holder hears that it ends soon")


class CardClaim(Table, table=True):
    """Somebody else says that a linked card is theirs: the operator decides whose it is."""

    __tablename__ = "community_card_claim"
    privacy: ClassVar[Privacy] = _privacy("to decide whose a card is that two have linked", "closed_at")
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'granted', 'rejected', 'withdrawn')", name="state"),
        sa.CheckConstraint(
            "(state = 'open') = (number IS NOT NULL) AND (number IS NULL) = (digest IS NULL)",
            name="an_open_one_has_a_number",
        ),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        sa.CheckConstraint("(decide_by IS NOT NULL) = (state = 'open')", name="an_open_one_has_a_deadline"),
        sa.Index(
            "uq_community_card_claim_once",
            "resident_id",
            "scheme_id",
            "digest",
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_community_card_claim_resident_id", "resident_id", "id"),
        sa.Index("ix_community_card_claim_open", "community_id", "id", postgresql_where=sa.text("state = 'open'")),
        *(
            sa.Index(f"ix_community_card_claim_{name}", name, postgresql_where=sa.text(f"{name} IS NOT NULL"))
            for name in ("decide_by", "closed_at")
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id", description="whose it is said to be")
    scheme_id: uuid.UUID = Field(foreign_key="community_card_scheme.id")
    number: str | None = sealed(default=None, description="normalized")
    digest: bytes | None = Field(default=None, sa_type=sa.LargeBinary)
    last_day: date | None = None
    state: str = "open"
    claimed_by: uuid.UUID = Field(description="the account that tried to link it")
    claimed_at: datetime = instant()
    decided_by: uuid.UUID | None = None
    closed_at: datetime | None = optional_instant()
    decide_by: datetime | None = optional_instant(description="when the operator is reminded of it")


SCHEMES: Final = table_of(CardScheme)
CARDS: Final = table_of(CitizenCard)
CLAIMS: Final = table_of(CardClaim)
