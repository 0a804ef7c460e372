"""The table of commands: who wants what of which thing in a home, until when, and what became of it."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, table_of

STATES: Final = (
    "awaiting_confirmation",
    "queued",
    "sending",
    "uncertain",
    "sent",
    "confirmed",
    "expired",
    "failed",
)
KEPT: Final = timedelta(days=92)
"""As long as what the home reported is kept: who did what can be asked for a season."""
OPEN: Final = ("awaiting_confirmation", "queued", "sending", "uncertain", "sent")
ORIGINS: Final = ("person", "scene", "automation", "panel")
RISKS: Final = ("safer", "plain", "riskier")


def _one_of(values: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


class HomeCommand(Table, table=True):
    """A wish of somebody's that a thing in a home do something, now: never kept for later, never repeated blindly."""

    __tablename__ = "community_home_command"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to do in a home what was asked for, once and in time, and to show who asked for it",
        basis=Basis.CONSENT,
        retention=Retention.pruned(KEPT, "created_at"),
        sensitive=Sensitive.EXPLICIT_CONSENT,
        recipients=(Recipient.GRANTED,),
        also=("given_by",),
    )
    __table_args__ = (
        sa.CheckConstraint(f"state IN {_one_of(STATES)}", name="state"),
        sa.CheckConstraint(f"origin IN {_one_of(ORIGINS)}", name="origin"),
        sa.CheckConstraint(f"risk IN {_one_of(RISKS)}", name="risk"),
        sa.CheckConstraint(
            "(confirm_by IS NOT NULL) = (state = 'awaiting_confirmation')", name="one_unconfirmed_has_a_deadline"
        ),
        sa.CheckConstraint("(send_at IS NOT NULL) = (state = 'queued')", name="one_queued_is_sent"),
        sa.CheckConstraint("(fence IS NOT NULL) = (state = 'sending')", name="one_being_sent_is_in_one_hand"),
        # Whatever is under way has a moment at which somebody looks what became of it.
        sa.CheckConstraint(f"(look_at IS NOT NULL) = (state IN {_one_of(OPEN)})", name="an_open_one_has_a_deadline"),
        sa.CheckConstraint(f"(ended_at IS NULL) = (state IN {_one_of(OPEN)})", name="an_ended_one_says_when"),
        sa.CheckConstraint("state <> 'failed' OR reason IS NOT NULL", name="failing_has_a_reason"),
        sa.Index("ix_community_home_command_send_at", "send_at", postgresql_where=sa.text("send_at IS NOT NULL")),
        sa.Index("ix_community_home_command_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
        sa.Index(
            "ix_community_home_command_open",
            "entity_id",
            postgresql_where=sa.text(f"state IN {_one_of(OPEN)}"),
        ),
        sa.Index("ix_community_home_command_home_id", "home_id", "id"),
        sa.Index("ix_community_home_command_entity_id", "entity_id"),
        sa.Index("ix_community_home_command_resident_id", "resident_id"),
        sa.Index("ix_community_home_command_given_by", "given_by"),
        sa.Index("ix_community_home_command_created_at", "created_at"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    entity_id: uuid.UUID = Field(foreign_key="community_home_entity.id", ondelete="CASCADE")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    given_by: uuid.UUID | None = Field(default=None, description="the account; empty: Hearthline, by an automation")
    origin: str
    command: str = Field(max_length=40, description="by Home Assistant's name of the service")
    arguments: dict[str, Any] = jsonb(default_factory=dict)
    expected: dict[str, str] = jsonb(default_factory=dict, description="what the home reports once it is done")
    risk: str
    is_agreed: bool = Field(default=False, description="whether the resident agreed to this very one beforehand")
    state: str
    confirm_by: datetime | None = optional_instant(description="until when whoever gave it can confirm it")
    confirmed_by: uuid.UUID | None = Field(default=None, description="who confirmed a riskier one")
    valid_for: timedelta = Field(sa_type=sa.Interval, description="how long it is good for once it can be sent")
    expires_at: datetime = instant(description="from then on it is not sent any more")
    send_at: datetime | None = optional_instant(description="when it is tried to be sent")
    look_at: datetime | None = optional_instant(description="when it is looked what became of it")
    fence: uuid.UUID | None = Field(default=None, description="of whoever is sending it: nobody else may settle it")
    sending_at: datetime | None = optional_instant(description="when it was taken to be sent")
    sent_at: datetime | None = optional_instant(description="when the broker had it")
    report_by: datetime | None = optional_instant(description="until when the home is waited for")
    ended_at: datetime | None = optional_instant()
    reason: str | None = Field(default=None, description="a code: why it failed or expired, or how it is known")


COMMANDS: Final = table_of(HomeCommand)
