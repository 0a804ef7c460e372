"""Prescriptions become regimens once somebody confirms when they are taken, are handed out several times, and expire."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa
from alembic import op

from app.core.sealing import blind_index, unseal

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_PRESCRIPTION, _RENEWAL = "telemedicine_prescription", "telemedicine_prescription_renewal"
_REGIMEN, _PROPOSAL = "eldercare_regimen", "eldercare_regimen_proposal"
_BATCH = 500
_NEXT = sa.text(
    "SELECT p.id, p.content, p.status, a.time_zone FROM telemedicine_prescription p"
    " JOIN identity_resident r ON r.id = p.resident_id JOIN identity_account a ON a.id = r.account_id"
    " WHERE CAST(:after AS uuid) IS NULL OR p.id > :after ORDER BY p.id LIMIT :batch"
).bindparams(sa.bindparam("after", type_=sa.Uuid))
_SET = sa.text("UPDATE telemedicine_prescription SET code_key = :code_key, expires_at = :expires_at WHERE id = :id")


def upgrade() -> None:
    _extend_prescriptions()
    _extend_renewals()
    op.add_column(_REGIMEN, sa.Column("prescription_id", sa.Uuid(), nullable=True))
    op.add_column(_REGIMEN, sa.Column("prescription_version", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_eldercare_regimen_prescription"),
        _REGIMEN,
        "num_nonnulls(prescription_id, prescription_version) IN (0, 2)",
    )
    op.create_index(
        "uq_eldercare_regimen_prescription_id",
        _REGIMEN,
        ["prescription_id"],
        unique=True,
        postgresql_where=sa.text("prescription_id IS NOT NULL"),
    )
    _create_proposals()


def _extend_prescriptions() -> None:
    for column in (
        sa.Column("code_key", sa.LargeBinary(), nullable=True),
        sa.Column("encounter_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.Column("dispensed", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("taken_until", sa.Date(), nullable=True),
        sa.Column("objected_at", _INSTANT, nullable=True),
        sa.Column("objected_by", sa.Uuid(), nullable=True),
        sa.Column("objection", sa.Text(), nullable=True),
    ):
        op.add_column(_PRESCRIPTION, column)
    # Until now what was dispensed once was completed, and counted for 90 days.
    op.execute(
        "UPDATE telemedicine_prescription SET dispensed = 1,"
        " taken_until = CAST(ended_at AT TIME ZONE 'UTC' AS date) + 90 WHERE status = 'completed'"
    )
    op.alter_column(_PRESCRIPTION, "dispensed", server_default=None)
    _read_contents()
    for name, condition in (
        ("dispensed", "dispensed >= 0 AND (dispensed > 0) = (taken_until IS NOT NULL)"),
        ("expires", "expires_at IS NULL OR status = 'active'"),
        ("objection", "num_nonnulls(objected_at, objected_by, objection) IN (0, 3)"),
    ):
        op.create_check_constraint(op.f(f"ck_telemedicine_prescription_{name}"), _PRESCRIPTION, condition)
    for name in ("replaces_id", "expires_at"):
        op.create_index(
            f"ix_telemedicine_prescription_{name}",
            _PRESCRIPTION,
            [name],
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )


def _read_contents() -> None:
    for found in _prescriptions():
        op.get_bind().execute(_SET, found)


def _prescriptions() -> Iterator[dict[str, Any]]:
    """Yield what sealed contents say of codes and last days."""
    after = None
    while rows := op.get_bind().execute(_NEXT, {"after": after, "batch": _BATCH}).all():
        for row in rows:
            content = orjson.loads(unseal(row.content, "telemedicine_prescription.content"))
            coding, last = content["medication"].get("coding"), content.get("valid_until")
            key = blind_index("telemedicine_record.code", f"{coding['system']}|{coding['code']}") if coding else None
            ends = None
            if last is not None and row.status == "active":
                day = date.fromisoformat(last) + timedelta(days=1)
                ends = datetime.combine(day, time(), ZoneInfo(row.time_zone))
            yield {"id": row.id, "code_key": key, "expires_at": ends}
        after = rows[-1].id


def _extend_renewals() -> None:
    op.add_column(_RENEWAL, sa.Column("next_step_at", _INSTANT, nullable=True))
    op.add_column(_RENEWAL, sa.Column("step", sa.SmallInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE telemedicine_prescription_renewal SET next_step_at = created_at + interval '24 hours'"
        " WHERE state = 'requested'"
    )
    op.alter_column(_RENEWAL, "step", server_default=None)
    op.create_check_constraint(
        op.f("ck_telemedicine_prescription_renewal_waits"), _RENEWAL, "next_step_at IS NULL OR state = 'requested'"
    )
    op.create_index(
        "ix_telemedicine_prescription_renewal_next_step_at",
        _RENEWAL,
        ["next_step_at"],
        postgresql_where=sa.text("next_step_at IS NOT NULL"),
    )


def _create_proposals() -> None:
    op.create_table(
        _PROPOSAL,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("prescription_id", sa.Uuid(), nullable=False),
        sa.Column("prescription_version", sa.Integer(), nullable=False),
        sa.Column("prescribed", sa.Text(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("regimen_id", sa.Uuid(), nullable=True),
        sa.Column("next_step_at", _INSTANT, nullable=True),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("begins_at", _INSTANT, nullable=True),
        sa.Column("ends_at", _INSTANT, nullable=True),
        sa.Column("answered_at", _INSTANT, nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_eldercare_regimen_proposal_{name}"))
            for name, condition in (
                ("state", "state IN ('proposed', 'confirmed', 'rejected', 'withdrawn')"),
                ("confirmed", "(state = 'confirmed') = (regimen_id IS NOT NULL)"),
                ("answered_by", "(state IN ('confirmed', 'rejected')) = (answered_by IS NOT NULL)"),
                ("answered_at", "(state = 'proposed') = (answered_at IS NULL)"),
                ("reason", "(state = 'rejected') = (reason IS NOT NULL)"),
                ("only_an_open_one_waits", "next_step_at IS NULL OR state = 'proposed'"),
                ("only_a_confirmed_one_begins", "begins_at IS NULL OR state = 'confirmed'"),
                ("only_what_stands_ends", "ends_at IS NULL OR state <> 'withdrawn'"),
            )
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_regimen_proposal_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_regimen_proposal")),
        sa.UniqueConstraint("prescription_id", name=op.f("uq_eldercare_regimen_proposal_prescription_id")),
    )
    op.create_index("ix_eldercare_regimen_proposal_resident_id", _PROPOSAL, ["resident_id", "id"])
    for name in ("next_step_at", "begins_at", "ends_at", "regimen_id", "replaces_id"):
        op.create_index(
            f"ix_eldercare_regimen_proposal_{name}",
            _PROPOSAL,
            [name],
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )


def downgrade() -> None:
    op.drop_table(_PROPOSAL)
    op.drop_index("uq_eldercare_regimen_prescription_id", _REGIMEN)
    op.drop_constraint(op.f("ck_eldercare_regimen_prescription"), _REGIMEN)
    for column in ("prescription_id", "prescription_version"):
        op.drop_column(_REGIMEN, column)
    op.drop_index("ix_telemedicine_prescription_renewal_next_step_at", _RENEWAL)
    op.drop_constraint(op.f("ck_telemedicine_prescription_renewal_waits"), _RENEWAL)
    for column in ("next_step_at", "step"):
        op.drop_column(_RENEWAL, column)
    for name in ("replaces_id", "expires_at"):
        op.drop_index(f"ix_telemedicine_prescription_{name}", _PRESCRIPTION)
    for name in ("dispensed", "expires", "objection"):
        op.drop_constraint(op.f(f"ck_telemedicine_prescription_{name}"), _PRESCRIPTION)
    for column in (
        "code_key",
        "encounter_id",
        "expires_at",
        "dispensed",
        "taken_until",
        "objected_at",
        "objected_by",
        "objection",
    ):
        op.drop_column(_PRESCRIPTION, column)
