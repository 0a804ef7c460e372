"""The tables of scenes and automations: what they say, what they remember, what they did and why, what still waits."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, table_of

KEEP_RUNS: Final = timedelta(days=90)
RUN_STATES: Final = "('running', 'done', 'not_met', 'too_late', 'stopped')"
OFF_REASONS: Final = "('person', 'resident', 'loop', 'too_many_runs', 'home_closed')"


def _at_home(purpose: str, retention: Retention, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONSENT,
        retention=retention,
        sensitive=Sensitive.EXPLICIT_CONSENT,
        recipients=(Recipient.GRANTED,),
        **options,
    )


class HomeScene(Table, table=True):
    """What several things of a home are told at once, on a word."""

    __tablename__ = "community_home_scene"
    privacy: ClassVar[Privacy] = _at_home(
        "to set a home as its resident likes it, with one word", Retention.with_row("community_home")
    )
    __table_args__ = (
        sa.Index("ix_community_home_scene_home_id", "home_id", "id"),
        sa.Index("ix_community_home_scene_resident_id", "resident_id"),
    )

    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    community_id: uuid.UUID
    name: str = Field(max_length=80)
    commands: list[dict[str, Any]] = jsonb(description="entity_id, command and arguments, in order")


class HomeAutomation(Table, table=True):
    """What a home does by itself. ``version`` counts what people change of it; what it remembers is elsewhere."""

    __tablename__ = "community_home_automation"
    privacy: ClassVar[Privacy] = _at_home(
        "to have a home do what its resident wants done there", Retention.with_row("community_home")
    )
    __table_args__ = (
        sa.CheckConstraint(f"off_because IN {OFF_REASONS}", name="off_because"),
        sa.CheckConstraint("is_enabled = (off_because IS NULL)", name="what_is_off_says_why"),
        sa.Index("ix_community_home_automation_home_id", "home_id", "id"),
        sa.Index("ix_community_home_automation_resident_id", "resident_id"),
    )

    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    community_id: uuid.UUID
    name: str = Field(max_length=80)
    definition: dict[str, Any] = jsonb()
    is_enabled: bool = True
    off_because: str | None = None
    off_since: datetime | None = optional_instant()
    agreed: dict[str, str] = jsonb(
        default_factory=dict, description="the riskier commands the resident agreed to, by digest, and when"
    )
    template: str | None = Field(default=None, max_length=40, description="what it was made from, if from a template")


class HomeAutomationMemory(SQLModel, table=True):
    """What an automation that is on remembers, and when it looks next; its id is the automation's.

    In a row of its own: what it hears changes this all the time, and the automation's version is about people.
    """

    __tablename__ = "community_home_automation_memory"
    privacy: ClassVar[Privacy] = _at_home(
        "to know what an automation waits for, whatever happens to the machine that runs it",
        Retention.with_row("community_home_automation"),
    )
    __table_args__ = (
        sa.Index(
            "ix_community_home_automation_memory_next_run_at",
            "next_run_at",
            postgresql_where=sa.text("next_run_at IS NOT NULL"),
        ),
        sa.Index("ix_community_home_automation_memory_home_id", "home_id"),
        sa.Index(
            "ix_community_home_automation_memory_resident_id", "resident_id", postgresql_where=sa.text("hears_of_care")
        ),
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: uuid.UUID = Field(primary_key=True, foreign_key="community_home_automation.id", ondelete="CASCADE")
    home_id: uuid.UUID
    resident_id: uuid.UUID
    memory: dict[str, Any] = jsonb()
    next_run_at: datetime | None = optional_instant(description="when something falls due: a time, or what had to hold")
    hears_of_care: bool = False
    not_met: dict[str, Any] = jsonb(
        default_factory=dict,
        description="by trigger and reason: the last run whose conditions did not hold, while nothing was done",
    )


class HomeAutomationWatch(SQLModel, table=True):
    """That an automation which is on looks at an entity: what finds it when that changes."""

    __tablename__ = "community_home_automation_watch"
    privacy: ClassVar[Privacy] = _at_home(
        "to find the automations a change concerns", Retention.with_row("community_home_automation")
    )
    __table_args__ = (
        sa.Index("ix_community_home_automation_watch_automation_id", "automation_id"),
        sa.Index("ix_community_home_automation_watch_resident_id", "resident_id"),
    )

    entity_id: uuid.UUID = Field(primary_key=True)
    automation_id: uuid.UUID = Field(primary_key=True, foreign_key="community_home_automation.id", ondelete="CASCADE")
    resident_id: uuid.UUID


class HomeAutomationRun(Table, table=True):
    """A decision: what set the automation off, what each condition saw, and what became of each action."""

    __tablename__ = "community_home_automation_run"
    privacy: ClassVar[Privacy] = _at_home(
        "to explain to people why their home did something, or did not", Retention.pruned(KEEP_RUNS, "fired_at")
    )
    __table_args__ = (
        sa.CheckConstraint(f"state IN {RUN_STATES}", name="state"),
        sa.CheckConstraint("times >= 1 AND depth >= 0", name="counts"),
        sa.Index("ix_community_home_automation_run_automation_id", "automation_id", "id"),
        sa.Index("ix_community_home_automation_run_resident_id", "resident_id"),
        sa.Index("ix_community_home_automation_run_fired_at", "fired_at"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    automation_id: uuid.UUID = Field(foreign_key="community_home_automation.id", ondelete="CASCADE")
    home_id: uuid.UUID
    resident_id: uuid.UUID
    community_id: uuid.UUID
    state: str
    fired_at: datetime = instant(description="when what set it off happened")
    definition_version: int = Field(description="of the automation, as it was then")
    trigger: dict[str, Any] = jsonb()
    conditions: list[dict[str, Any]] = jsonb(default_factory=list)
    actions: list[dict[str, Any]] = jsonb(default_factory=list, description="what became of each so far")
    depth: int = Field(default=0, sa_type=sa.SmallInteger, description="how many automations led to it")
    times: int = Field(default=1, description="how often in a row the same did not happen for the same reason")
    last_at: datetime = instant(description="the last of those times")


class HomeAutomationStep(Table, table=True):
    """What a run still has to do after a delay. It is here until it is done: a crash forgets nothing."""

    __tablename__ = "community_home_automation_step"
    privacy: ClassVar[Privacy] = _at_home(
        "to do later what was begun, whatever happens to the machine that runs it",
        Retention.with_row("community_home_automation_run"),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('waiting', 'done', 'stopped')", name="state"),
        sa.CheckConstraint("(due_at IS NOT NULL) = (state = 'waiting')", name="one_that_waits_has_a_deadline"),
        sa.Index("ix_community_home_automation_step_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
        sa.Index(
            "ix_community_home_automation_step_waiting",
            "automation_id",
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index("ix_community_home_automation_step_run_id", "run_id"),
        sa.Index("ix_community_home_automation_step_resident_id", "resident_id"),
    )

    run_id: uuid.UUID = Field(foreign_key="community_home_automation_run.id", ondelete="CASCADE")
    automation_id: uuid.UUID
    home_id: uuid.UUID
    resident_id: uuid.UUID
    state: str = "waiting"
    due_at: datetime | None = optional_instant()
    position: int = Field(sa_type=sa.SmallInteger, description="of the first action that is still to be done")
    actions: list[dict[str, Any]] = jsonb(description="those, as they were agreed when the run began")


class HomeAutomationEffect(SQLModel, table=True):
    """What is expected of a thing because an automation told it something: so that its doing is known as its own.

    The id is the command's. ``depth`` is how many automations led to it, this one among them.
    """

    __tablename__ = "community_home_automation_effect"
    privacy: ClassVar[Privacy] = _at_home(
        "to stop automations that set each other off", Retention.pruned(timedelta(hours=1), "until")
    )
    __table_args__ = (
        sa.Index("ix_community_home_automation_effect_entity_id", "entity_id", "until"),
        sa.Index("ix_community_home_automation_effect_resident_id", "resident_id"),
    )

    id: uuid.UUID = Field(primary_key=True)
    entity_id: uuid.UUID
    resident_id: uuid.UUID
    expected: dict[str, str] = jsonb(default_factory=dict, description="empty: whatever it says next")
    depth: int = Field(sa_type=sa.SmallInteger)
    until: datetime = instant()


SCENES, AUTOMATIONS, MEMORIES = table_of(HomeScene), table_of(HomeAutomation), table_of(HomeAutomationMemory)
WATCHES, RUNS, STEPS = table_of(HomeAutomationWatch), table_of(HomeAutomationRun), table_of(HomeAutomationStep)
EFFECTS = table_of(HomeAutomationEffect)
