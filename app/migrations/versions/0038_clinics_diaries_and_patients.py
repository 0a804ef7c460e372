"""Clinics that keep their own diaries, and by which numbers they know residents."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_APPOINTMENT = "telemedicine_appointment"
_ASKED = sa.text("answer_look_at IS NOT NULL")
_STANDS = sa.text("ended_at IS NULL")


def _instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _row() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        _instant("created_at", nullable=False),
        _instant("updated_at", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    )


def upgrade() -> None:
    op.add_column("telemedicine_clinic", sa.Column("owns_diary", sa.Boolean(), server_default="false", nullable=False))
    op.add_column(
        "telemedicine_clinic", sa.Column("answer_within", sa.Interval(), server_default="4 hours", nullable=False)
    )
    for name in ("owns_diary", "answer_within"):
        op.alter_column("telemedicine_clinic", name, server_default=None)
    op.create_check_constraint(op.f("ck_telemedicine_clinic_answer_within"), "telemedicine_clinic", "answer_within > interval '0'")
    op.add_column("telemedicine_practitioner", sa.Column("owns_diary", sa.Boolean(), nullable=True))
    op.add_column(_APPOINTMENT, sa.Column("answer_within", sa.Interval(), nullable=True))
    for name in ("asked_at", "answered_at", "answer_look_at"):
        op.add_column(_APPOINTMENT, _instant(name))
    op.add_column(_APPOINTMENT, sa.Column("called", sa.String(), nullable=True))
    op.add_column(_APPOINTMENT, sa.Column("was_booked", sa.Boolean(), server_default="false", nullable=False))
    op.alter_column(_APPOINTMENT, "was_booked", server_default=None)
    op.create_check_constraint(
        op.f("ck_telemedicine_appointment_answer_look_at"),
        _APPOINTMENT,
        "answer_look_at IS NULL OR (status = 'pending' AND asked_at IS NOT NULL AND answered_at IS NULL)",
    )
    op.create_check_constraint(
        op.f("ck_telemedicine_appointment_asked"), _APPOINTMENT, "asked_at IS NULL OR answer_within IS NOT NULL"
    )
    op.create_check_constraint(op.f("ck_telemedicine_appointment_called"), _APPOINTMENT, "called IN ('clinic', 'desk')")
    op.create_index(
        "ix_telemedicine_appointment_answer_look_at", _APPOINTMENT, ["answer_look_at"], postgresql_where=_ASKED
    )
    op.create_index(
        "ix_telemedicine_appointment_answered",
        _APPOINTMENT,
        ["organization_id", "starts_at", "id"],
        postgresql_where=sa.text("answered_at IS NOT NULL"),
    )
    op.create_table(
        "telemedicine_link_code",
        *_row(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        _instant("expires_at", nullable=False),
        _instant("used_at"),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_telemedicine_link_code_resident_id_identity_resident")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_link_code")),
        sa.UniqueConstraint("code_index", name=op.f("uq_telemedicine_link_code_code_index")),
    )
    for name in ("resident_id", "made_by", "expires_at"):
        op.create_index(f"ix_telemedicine_link_code_{name}", "telemedicine_link_code", [name])
    op.create_table(
        "telemedicine_link_wrong_code",
        *_row(),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_link_wrong_code")),
    )
    op.create_index(
        "ix_telemedicine_link_wrong_code_organization_id",
        "telemedicine_link_wrong_code",
        ["organization_id", "created_at"],
    )
    op.create_index("ix_telemedicine_link_wrong_code_created_at", "telemedicine_link_wrong_code", ["created_at"])
    op.create_table(
        "telemedicine_patient_link",
        *_row(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("evidence", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("code_id", sa.Uuid(), nullable=True),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("linked_by", sa.Uuid(), nullable=False),
        sa.Column("linked_by_kind", sa.String(), nullable=False),
        _instant("ended_at"),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_side", sa.String(), nullable=True),
        sa.CheckConstraint("how IN ('code', 'staff_check')", name=op.f("ck_telemedicine_patient_link_how")),
        sa.CheckConstraint(
            "(how = 'staff_check') = (cardinality(evidence) > 0)", name=op.f("ck_telemedicine_patient_link_evidence")
        ),
        sa.CheckConstraint(
            "(how = 'code') = (code_id IS NOT NULL AND given_by IS NOT NULL)",
            name=op.f("ck_telemedicine_patient_link_code"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_side IS NULL)", name=op.f("ck_telemedicine_patient_link_ended")
        ),
        sa.CheckConstraint(
            "ended_side IN ('patient', 'clinic')", name=op.f("ck_telemedicine_patient_link_ended_side")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_telemedicine_patient_link_organization_id_identity_organization"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["identity_resident.id"],
            name=op.f("fk_telemedicine_patient_link_resident_id_identity_resident"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_patient_link")),
    )
    op.create_index(
        "uq_telemedicine_patient_link_number",
        "telemedicine_patient_link",
        ["organization_id", "value_index", "system"],
        unique=True,
        postgresql_where=_STANDS,
    )
    op.create_index("ix_telemedicine_patient_link_resident_id", "telemedicine_patient_link", ["resident_id", "id"])


def downgrade() -> None:
    for table in ("telemedicine_patient_link", "telemedicine_link_wrong_code", "telemedicine_link_code"):
        op.drop_table(table)
    for name in ("answered", "answer_look_at"):
        op.drop_index(f"ix_telemedicine_appointment_{name}", table_name=_APPOINTMENT)
    for name in ("called", "asked", "answer_look_at"):
        op.drop_constraint(op.f(f"ck_telemedicine_appointment_{name}"), _APPOINTMENT, type_="check")
    for name in ("was_booked", "called", "answer_look_at", "answered_at", "asked_at", "answer_within"):
        op.drop_column(_APPOINTMENT, name)
    op.drop_column("telemedicine_practitioner", "owns_diary")
    op.drop_constraint(op.f("ck_telemedicine_clinic_answer_within"), "telemedicine_clinic", type_="check")
    for name in ("answer_within", "owns_diary"):
        op.drop_column("telemedicine_clinic", name)
