"""Goals are rows with a life of their own, and each visit carries how long is waited for it."""

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from app.core import clock
from app.core.sealing import seal, unseal

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_CONTENT = "eldercare_care_plan.content"
_DESCRIPTION = "eldercare_goal.description"
_INSTANT = sa.DateTime(timezone=True)
_LIFECYCLE = (
    "lifecycle_status IN ('proposed', 'planned', 'accepted', 'active', 'on-hold', 'completed', 'cancelled',"
    " 'entered-in-error', 'rejected')"
)
_ACHIEVEMENT = (
    "achievement_status IN ('achieved', 'in-progress', 'improving', 'worsening', 'no-change', 'sustaining',"
    " 'not-achieved', 'no-progress', 'not-attainable')"
)
_BATCH = 500
_NEXT = sa.text("SELECT * FROM eldercare_care_plan WHERE id > :after AND content IS NOT NULL ORDER BY id LIMIT :batch")
_SET_CONTENT = sa.text("UPDATE eldercare_care_plan SET content = :content WHERE id = :id")
_NEW_GOAL = sa.text(
    "INSERT INTO eldercare_goal (id, created_at, updated_at, version, community_id, resident_id, care_plan_id,"
    " description, lifecycle_status, created_by) VALUES (:id, :created_at, :updated_at, 1, :community_id,"
    " :resident_id, :care_plan_id, :description, :status, :created_by) ON CONFLICT DO NOTHING RETURNING id"
)
_NEW_CHANGE = sa.text(
    "INSERT INTO eldercare_goal_change (id, created_at, updated_at, version, goal_id, care_plan_id, resident_id,"
    " changed_at, changed_by, lifecycle_status) VALUES (:id, :changed_at, :changed_at, 1, :goal_id, :care_plan_id,"
    " :resident_id, :changed_at, :changed_by, :status)"
)
_GOALS_OF = sa.text("SELECT id, description FROM eldercare_goal WHERE care_plan_id = :id ORDER BY id")
_CARRIED = ("staffed_before", "late_after", "missed_after", "check_out_after")
_SEVERITIES = ("late_severity", "missed_severity", "check_out_severity")


def upgrade() -> None:
    _create_goals()
    _create_tolerances()
    visits, carers = "eldercare_visit", "eldercare_visit_carer"
    for name in _CARRIED:
        op.add_column(visits, sa.Column(name, sa.Interval(), nullable=True))
    for name in _SEVERITIES:
        op.add_column(visits, sa.Column(name, sa.SmallInteger(), nullable=True))
    op.execute(
        "UPDATE eldercare_visit SET staffed_before = interval '2 hours', late_after = interval '15 minutes',"
        " missed_after = CASE WHEN is_critical THEN interval '30 minutes' ELSE interval '1 hour' END,"
        " check_out_after = interval '15 minutes', late_severity = CASE WHEN is_critical THEN 2 ELSE 1 END,"
        " missed_severity = CASE WHEN is_critical THEN 3 ELSE 2 END, check_out_severity = 2"
    )
    for name in (*_CARRIED, *_SEVERITIES):
        op.alter_column(visits, name, nullable=False)
    op.add_column(carers, sa.Column("despite", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.alter_column(carers, "despite", server_default=None)
    op.add_column(carers, sa.Column("unavailable_since", _INSTANT, nullable=True))
    op.add_column(carers, sa.Column("removal_reason", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_eldercare_visit_carer_removal_reason"), carers, "removal_reason IN ('suspended')"
    )
    _goals_become_rows()


def downgrade() -> None:
    _goals_become_texts()
    carers = "eldercare_visit_carer"
    op.drop_constraint(op.f("ck_eldercare_visit_carer_removal_reason"), carers, type_="check")
    for name in ("removal_reason", "unavailable_since", "despite"):
        op.drop_column(carers, name)
    for name in (*reversed(_SEVERITIES), *reversed(_CARRIED)):
        op.drop_column("eldercare_visit", name)
    op.drop_table("eldercare_visit_tolerance")
    op.drop_table("eldercare_goal_change")
    op.drop_table("eldercare_goal")


def _own(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _create_goals() -> None:
    table = "eldercare_goal"
    op.create_table(
        table,
        *_own(table),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("care_plan_id", sa.Uuid(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("lifecycle_status", sa.String(), nullable=False),
        sa.Column("achievement_status", sa.String(), nullable=True),
        sa.Column("judged_on", sa.Date(), nullable=True),
        sa.Column("judged_by", sa.Uuid(), nullable=True),
        sa.Column("priority", sa.String(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("target_measure", sa.String(), nullable=True),
        sa.Column("target_low", sa.Double(), nullable=True),
        sa.Column("target_high", sa.Double(), nullable=True),
        sa.Column("target_due_on", sa.Date(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint(_LIFECYCLE, name=op.f("ck_eldercare_goal_lifecycle_status")),
        sa.CheckConstraint(_ACHIEVEMENT, name=op.f("ck_eldercare_goal_achievement_status")),
        sa.CheckConstraint(
            "priority IN ('high-priority', 'medium-priority', 'low-priority')", name=op.f("ck_eldercare_goal_priority")
        ),
        sa.CheckConstraint(
            "num_nonnulls(achievement_status, judged_on, judged_by) IN (0, 3)", name=op.f("ck_eldercare_goal_judged")
        ),
        sa.CheckConstraint(
            "(target_measure IS NULL) = (num_nonnulls(target_low, target_high) = 0)",
            name=op.f("ck_eldercare_goal_measured"),
        ),
        sa.CheckConstraint("target_low <= target_high", name=op.f("ck_eldercare_goal_target_range")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_goal_resident_id")
        ),
        sa.ForeignKeyConstraint(
            ["care_plan_id"], ["eldercare_care_plan.id"], name=op.f("fk_eldercare_goal_care_plan_id")
        ),
    )
    op.create_index("ix_eldercare_goal_care_plan_id", table, ["care_plan_id", "id"])
    op.create_index("ix_eldercare_goal_resident_id", table, ["resident_id", "id"])
    table = "eldercare_goal_change"
    op.create_table(
        table,
        *_own(table),
        sa.Column("goal_id", sa.Uuid(), nullable=False),
        sa.Column("care_plan_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("lifecycle_status", sa.String(), nullable=True),
        sa.Column("achievement_status", sa.String(), nullable=True),
        sa.Column("judged_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(_LIFECYCLE, name=op.f("ck_eldercare_goal_change_lifecycle_status")),
        sa.CheckConstraint(_ACHIEVEMENT, name=op.f("ck_eldercare_goal_change_achievement_status")),
        sa.CheckConstraint(
            "num_nonnulls(lifecycle_status, achievement_status) = 1", name=op.f("ck_eldercare_goal_change_one_thing")
        ),
        sa.CheckConstraint(
            "(judged_on IS NULL) = (achievement_status IS NULL)", name=op.f("ck_eldercare_goal_change_judged")
        ),
        sa.ForeignKeyConstraint(
            ["goal_id"], ["eldercare_goal.id"], name=op.f("fk_eldercare_goal_change_goal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["care_plan_id"], ["eldercare_care_plan.id"], name=op.f("fk_eldercare_goal_change_care_plan_id")
        ),
    )
    op.create_index("ix_eldercare_goal_change_goal_id", table, ["goal_id", "id"])
    op.create_index("ix_eldercare_goal_change_care_plan_id", table, ["care_plan_id"])
    op.create_index("ix_eldercare_goal_change_resident_id", table, ["resident_id"])
    for name, column in (("changed", "lifecycle_status"), ("judged", "achievement_status")):
        op.create_index(
            f"ix_eldercare_goal_change_told_{name}",
            table,
            ["resident_id", "changed_at", "id"],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )


def _create_tolerances() -> None:
    table = "eldercare_visit_tolerance"
    op.create_table(
        table,
        *_own(table),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("staffed_before", sa.Interval(), nullable=True),
        sa.Column("late_after", sa.Interval(), nullable=True),
        sa.Column("missed_after", sa.Interval(), nullable=True),
        sa.Column("critical_missed_after", sa.Interval(), nullable=True),
        sa.Column("check_out_after", sa.Interval(), nullable=True),
        sa.Column("late_severity", sa.SmallInteger(), nullable=True),
        sa.Column("missed_severity", sa.SmallInteger(), nullable=True),
        sa.Column("check_out_severity", sa.SmallInteger(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("superseded_at", _INSTANT, nullable=True),
        sa.CheckConstraint("scope IN ('community', 'agency', 'care_plan')", name=op.f(f"ck_{table}_scope")),
        sa.CheckConstraint(
            "(resident_id IS NOT NULL) = (scope = 'care_plan')", name=op.f(f"ck_{table}_one_of_a_plan_is_a_residents")
        ),
        sa.CheckConstraint(
            "late_after >= interval '5 minutes' AND late_after <= interval '1 hour'", name=op.f(f"ck_{table}_late")
        ),
        sa.CheckConstraint(
            "missed_after >= interval '15 minutes' AND missed_after <= interval '2 hours'",
            name=op.f(f"ck_{table}_miss"),
        ),
        sa.CheckConstraint(
            "critical_missed_after >= interval '10 minutes' AND critical_missed_after <= interval '30 minutes'",
            name=op.f(f"ck_{table}_critical_miss"),
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["identity_resident.id"], name=op.f(f"fk_{table}_resident_id")),
        sa.UniqueConstraint("scope_id", "revision", name=op.f(f"uq_{table}_scope_id_revision")),
    )
    op.create_index(
        f"uq_{table}_in_use", table, ["scope_id"], unique=True, postgresql_where=sa.text("superseded_at IS NULL")
    )
    op.create_index(f"ix_{table}_resident_id", table, ["resident_id"])


def _plans() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the care plans with what they say, opened, in batches: it is not all in memory at once."""
    connection = op.get_bind()
    after = uuid.UUID(int=0)
    while rows := connection.execute(_NEXT, {"after": after, "batch": _BATCH}).all():
        for row in rows:
            yield row, orjson.loads(unseal(row.content, _CONTENT))
        after = rows[-1].id


def _goals_become_rows() -> None:
    """Give each text that was a goal its row: active, or given up with the plan that ended."""
    connection = op.get_bind()
    for plan, content in _plans():
        for goal in content.pop("goals", []):
            _insert_goal(connection, plan, goal)
        connection.execute(_SET_CONTENT, {"id": plan.id, "content": seal(orjson.dumps(content).decode(), _CONTENT)})


def _insert_goal(connection: sa.Connection, plan: Any, goal: dict[str, str]) -> None:
    values = {
        "created_at": plan.created_at,
        "updated_at": plan.updated_at,
        "community_id": plan.community_id,
        "resident_id": plan.resident_id,
        "care_plan_id": plan.id,
        "description": seal(goal["text"], _DESCRIPTION),
        "status": "active" if plan.state == "active" else "cancelled",
        "created_by": plan.created_by,
    }
    # An app may have given two plans the same id: then the second goal has one of its own.
    goal_id = connection.scalar(_NEW_GOAL, {"id": uuid.UUID(goal["id"]), **values})
    if goal_id is None:
        goal_id = connection.scalar(_NEW_GOAL, {"id": clock.new_id(), **values})
    said: list[tuple[str, datetime, Any]] = [("active", plan.created_at, plan.created_by)]
    if plan.state != "active":
        said.append(("cancelled", plan.ended_at or plan.updated_at, plan.ended_by or plan.created_by))
    for status, changed_at, changed_by in said:
        change = {"goal_id": goal_id, "care_plan_id": plan.id, "resident_id": plan.resident_id, "changed_at": changed_at}
        connection.execute(
            _NEW_CHANGE, {"id": clock.new_id(), "changed_by": changed_by, "status": status, **change}
        )


def _goals_become_texts() -> None:
    connection = op.get_bind()
    for plan, content in _plans():
        goals = connection.execute(_GOALS_OF, {"id": plan.id}).all()
        content["goals"] = [{"id": str(goal.id), "text": unseal(goal.description, _DESCRIPTION)} for goal in goals]
        connection.execute(_SET_CONTENT, {"id": plan.id, "content": seal(orjson.dumps(content).decode(), _CONTENT)})
