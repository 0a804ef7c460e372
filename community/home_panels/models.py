"""The table of panels: what a resident lets their home show, what it shows, and what was pressed there."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, jsonb, optional_instant, table_of, text_array


class HomePanel(Table, table=True):
    """One device in a home's own Home Assistant: buttons of a resident's, and what they chose to see on the wall."""

    __tablename__ = "community_home_panel"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to let somebody call for help, and see what lies ahead, on a wall of their own home",
        basis=Basis.CONSENT,
        retention=Retention.with_row("community_home"),
        erasure="redact",  # the row goes once the panel is off the wall
        redacted=("shows", "wanted", "sos_pressed_at", "fine_pressed_at"),
        sensitive=Sensitive.EXPLICIT_CONSENT,
        recipients=(Recipient.GRANTED,),
    )
    __table_args__ = (
        sa.UniqueConstraint("home_id", "resident_id"),
        sa.UniqueConstraint("key"),
        sa.CheckConstraint("state IN ('shown', 'leaving', 'gone')", name="state"),
        sa.CheckConstraint("shows <@ ARRAY['sos', 'fine', 'alarm', 'next_dose', 'next_visit']", name="shows"),
        sa.CheckConstraint("key ~ '^[a-z2-7]{16}$'", name="key"),
        sa.CheckConstraint("published_version <= wanted_version", name="what_is_published_was_wanted"),
        # What is not on the wall as it should be is on its way there, or off it.
        sa.CheckConstraint(
            "published_version = wanted_version OR publish_at IS NOT NULL", name="what_is_wanted_has_a_deadline"
        ),
        sa.CheckConstraint("state <> 'gone' OR look_at IS NULL", name="one_that_is_gone_is_not_looked_at"),
        sa.Index(
            "ix_community_home_panel_publish_at", "publish_at", postgresql_where=sa.text("publish_at IS NOT NULL")
        ),
        sa.Index("ix_community_home_panel_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
        sa.Index("ix_community_home_panel_resident_id", "resident_id"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    key: str = Field(description="of the panel within the home: part of its topics")
    language: str = Field(description="in which the home names what is on it")
    state: str = "shown"
    shows: list[str] = text_array(description="what the resident agreed to")
    wanted: dict[str, str] = jsonb(default_factory=dict, description="what each thing shows, as payloads")
    wanted_version: int = Field(default=1)
    published_version: int = Field(default=0)
    is_announced: bool = Field(default=False, description="whether the home's hub knows what is on it")
    publish_at: datetime | None = optional_instant(description="when it is told to the home")
    look_at: datetime | None = optional_instant(description="when what it shows is over, so that it shows what is next")
    sos_pressed_at: datetime | None = optional_instant(description="when the button was last pressed")
    fine_pressed_at: datetime | None = optional_instant(description="when the button was last pressed")


PANELS: Final = table_of(HomePanel)
