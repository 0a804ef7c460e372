"""The tables of complaints: what is said to be wrong, who said what when, and what was decided."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

STATEMENT: Final = "community_complaint.statement"
TEXT: Final = "community_complaint_change.text"

_STATES: Final = "('open', 'answered', 'unanswered', 'decided', 'withdrawn')"


def _privacy(purpose: str, retention: Retention, **more: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        erasure="redact",
        **more,
    )


class Complaint(Table, table=True):
    """What a resident says was wrong with an order, and how that ended. Meanwhile its money is not paid out."""

    __tablename__ = "community_complaint"
    privacy: ClassVar[Privacy] = _privacy(
        "to hear both sides of what went wrong, and to put it right",
        Retention.with_row("community_order"),
        redacted=("statement",),
    )
    __table_args__ = (
        sa.UniqueConstraint("order_id"),
        sa.CheckConstraint(f"state IN {_STATES}", name="state"),
        sa.CheckConstraint(
            "kind IN ('late', 'incomplete', 'poor_work', 'damage', 'conduct', 'charge', 'not_done')", name="kind"
        ),
        sa.CheckConstraint("severity IN ('minor', 'serious', 'total')", name="severity"),
        sa.CheckConstraint("wish IN ('refund', 'rework')", name="wish"),
        sa.CheckConstraint("outcome IN ('refund', 'rework', 'rejected')", name="outcome"),
        sa.CheckConstraint("decided_as IN ('provider', 'operator')", name="decided_as"),
        # Every open complaint has a moment at which somebody looks after it, and no other has one.
        sa.CheckConstraint("(answer_by IS NOT NULL) = (state = 'open')", name="one_open_has_a_deadline"),
        sa.CheckConstraint(
            "(decide_by IS NOT NULL) = (state IN ('answered', 'unanswered'))", name="one_to_decide_has_a_deadline"
        ),
        sa.CheckConstraint("(closed_at IS NOT NULL) = (state IN ('decided', 'withdrawn'))", name="closed"),
        sa.CheckConstraint(
            "(state = 'decided') = (outcome IS NOT NULL) AND (state = 'decided') = (decided_as IS NOT NULL)",
            name="a_decision_is_somebodys",
        ),
        sa.CheckConstraint(
            "refund_amount >= 0 AND (refund_amount > 0) = (outcome IS NOT DISTINCT FROM 'refund')", name="refund"
        ),
        sa.CheckConstraint("(rework_id IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'rework')", name="rework"),
        sa.Index("ix_community_complaint_answer_by", "answer_by", postgresql_where=sa.text("answer_by IS NOT NULL")),
        sa.Index("ix_community_complaint_decide_by", "decide_by", postgresql_where=sa.text("decide_by IS NOT NULL")),
        sa.Index(
            "ix_community_complaint_undecided",
            "community_id",
            "id",
            postgresql_where=sa.text("state IN ('answered', 'unanswered')"),
        ),
        sa.Index("ix_community_complaint_organization_id", "organization_id", "id"),
        sa.Index("ix_community_complaint_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    order_id: uuid.UUID = Field(foreign_key="community_order.id")
    paid_order_id: uuid.UUID = Field(description="whose money it is about: the order's, or of which it was done anew")
    organization_id: uuid.UUID
    opened_by: uuid.UUID
    kind: str
    severity: str = Field(description="as the resident says, then as it was decided")
    wish: str
    statement: str | None = sealed(default=None)
    state: str = "open"
    answer_by: datetime | None = optional_instant(description="when the provider's silence brings it to the operator")
    evidence_by: datetime = instant(description="until when both sides may add to it")
    decide_by: datetime | None = optional_instant(description="when the operator hears of it again")
    outcome: str | None = None
    decided_as: str | None = Field(default=None, description="by the operator, or accepted by the provider")
    refund_amount: int = Field(default=0, sa_type=sa.BigInteger, description="minor units")
    currency: str = Field(max_length=3)
    rework_id: uuid.UUID | None = Field(default=None, description="the order by which it is done anew")
    closed_at: datetime | None = optional_instant()


class ComplaintChange(Table, table=True):
    """A step of a complaint: written once, never changed."""

    __tablename__ = "community_complaint_change"
    privacy: ClassVar[Privacy] = _privacy(
        "to show who said and decided what, and when",
        Retention.with_row("community_complaint"),
        redacted=("text",),
    )
    __table_args__ = (
        sa.CheckConstraint(f"to_state IN {_STATES}", name="to_state"),
        sa.CheckConstraint("who IN ('resident', 'provider', 'operator', 'hearthline')", name="who"),
        sa.Index("ix_community_complaint_change_complaint_id", "complaint_id", "id"),
        sa.Index("ix_community_complaint_change_resident_id", "resident_id"),
    )

    complaint_id: uuid.UUID = Field(foreign_key="community_complaint.id", ondelete="CASCADE")
    resident_id: uuid.UUID
    transition: str = Field(description="as the table of them is called, or evidence")
    to_state: str
    who: str
    changed_by: uuid.UUID | None = Field(default=None, description="empty: Hearthline itself")
    text: str | None = sealed(default=None)
    media_id: uuid.UUID | None = Field(default=None, description="the file that was added")


COMPLAINTS, CHANGES = table_of(Complaint), table_of(ComplaintChange)
