"""Referrals and questions between clinics: what goes with them, how they stood, who was told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_PARTICIPANT = "telemedicine_participant"
_ROLES = "'clinician', 'resident', 'family', 'interpreter'"


def _allow(roles: str) -> None:
    op.drop_constraint(op.f(f"ck_{_PARTICIPANT}_role"), _PARTICIPANT, type_="check")
    op.create_check_constraint(op.f(f"ck_{_PARTICIPANT}_role"), _PARTICIPANT, f"role IN ({roles})")


def upgrade() -> None:
    op.create_table('telemedicine_referral_term',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('urgency', sa.String(), nullable=False),
    sa.Column('within', sa.Interval(), nullable=False),
    sa.CheckConstraint("stage IN ('answer', 'book', 'letter')", name=op.f('ck_telemedicine_referral_term_stage')),
    sa.CheckConstraint("urgency IN ('routine', 'urgent', 'asap', 'stat')", name=op.f('ck_telemedicine_referral_term_urgency')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity_organization.id'], name=op.f('fk_telemedicine_referral_term_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_referral_term')),
    sa.UniqueConstraint('organization_id', 'stage', 'urgency', name=op.f('uq_telemedicine_referral_term_organization_id_stage_urgency'))
    )
    op.create_table('telemedicine_climb_step',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('about_kind', sa.String(), nullable=False),
    sa.Column('about_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.SmallInteger(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('audience', sa.String(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('fired_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told', sa.Integer(), nullable=False),
    sa.CheckConstraint("about_kind IN ('referral', 'question')", name=op.f('ck_telemedicine_climb_step_about_kind')),
    sa.CheckConstraint("audience IN ('team', 'coordinators', 'referrer', 'desk')", name=op.f('ck_telemedicine_climb_step_audience')),
    sa.ForeignKeyConstraint(['resident_id'], ['identity_resident.id'], name=op.f('fk_telemedicine_climb_step_resident_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_climb_step'))
    )
    op.create_index('ix_telemedicine_climb_step_about_id', 'telemedicine_climb_step', ['about_id', 'id'], unique=False)
    op.create_index('ix_telemedicine_climb_step_resident_id', 'telemedicine_climb_step', ['resident_id'], unique=False)
    op.create_table('telemedicine_question',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('from_organization_id', sa.Uuid(), nullable=False),
    sa.Column('to_organization_id', sa.Uuid(), nullable=False),
    sa.Column('colleague_id', sa.Uuid(), nullable=True),
    sa.Column('requested_by', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('urgency', sa.String(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_step_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('step', sa.SmallInteger(), nullable=False),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('acknowledged_by', sa.Uuid(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'asked') = (due_at IS NOT NULL)", name=op.f('ck_telemedicine_question_deadline')),
    sa.CheckConstraint("state IN ('asked', 'answered', 'closed')", name=op.f('ck_telemedicine_question_state')),
    sa.CheckConstraint("urgency IN ('routine', 'urgent', 'asap', 'stat')", name=op.f('ck_telemedicine_question_urgency')),
    sa.CheckConstraint('from_organization_id <> to_organization_id', name=op.f('ck_telemedicine_question_elsewhere')),
    sa.ForeignKeyConstraint(['resident_id'], ['identity_resident.id'], name=op.f('fk_telemedicine_question_resident_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_question'))
    )
    op.create_index('ix_telemedicine_question_from_organization_id', 'telemedicine_question', ['from_organization_id', 'id'], unique=False)
    op.create_index('ix_telemedicine_question_next_step_at', 'telemedicine_question', ['next_step_at'], unique=False, postgresql_where=sa.text('next_step_at IS NOT NULL'))
    op.create_index('ix_telemedicine_question_resident_id', 'telemedicine_question', ['resident_id', 'id'], unique=False)
    op.create_index('ix_telemedicine_question_to_organization_id', 'telemedicine_question', ['to_organization_id', 'id'], unique=False)
    op.create_table('telemedicine_referral',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('from_organization_id', sa.Uuid(), nullable=False),
    sa.Column('to_organization_id', sa.Uuid(), nullable=False),
    sa.Column('practitioner_id', sa.Uuid(), nullable=True),
    sa.Column('requested_by', sa.Uuid(), nullable=False),
    sa.Column('root_id', sa.Uuid(), nullable=False),
    sa.Column('follows_id', sa.Uuid(), nullable=True),
    sa.Column('follows_as', sa.String(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('urgency', sa.String(), nullable=False),
    sa.Column('code_key', sa.LargeBinary(), nullable=True),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('next_step_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('step', sa.SmallInteger(), nullable=False),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('acknowledged_by', sa.Uuid(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('offers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('appointment_id', sa.Uuid(), nullable=True),
    sa.Column('letter_record_id', sa.Uuid(), nullable=True),
    sa.Column('letter', sa.Text(), nullable=True),
    sa.CheckConstraint("(state = 'booked') <= (appointment_id IS NOT NULL)", name=op.f('ck_telemedicine_referral_booked')),
    sa.CheckConstraint("(state IN ('requested', 'accepted')) = (expires_at IS NOT NULL)", name=op.f('ck_telemedicine_referral_expiry')),
    sa.CheckConstraint("(state IN ('requested', 'accepted', 'booked', 'seen')) = (due_at IS NOT NULL)", name=op.f('ck_telemedicine_referral_deadline')),
    sa.CheckConstraint("follows_as IN ('redirect', 'return')", name=op.f('ck_telemedicine_referral_follows_as')),
    sa.CheckConstraint("state IN ('draft', 'requested', 'accepted', 'declined', 'redirected', 'booked', 'seen', 'completed', 'withdrawn', 'expired')", name=op.f('ck_telemedicine_referral_state')),
    sa.CheckConstraint("urgency IN ('routine', 'urgent', 'asap', 'stat')", name=op.f('ck_telemedicine_referral_urgency')),
    sa.CheckConstraint('(follows_id IS NULL) = (follows_as IS NULL)', name=op.f('ck_telemedicine_referral_follows')),
    sa.CheckConstraint('from_organization_id <> to_organization_id', name=op.f('ck_telemedicine_referral_elsewhere')),
    sa.ForeignKeyConstraint(['resident_id'], ['identity_resident.id'], name=op.f('fk_telemedicine_referral_resident_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_referral'))
    )
    op.create_index('ix_telemedicine_referral_expires_at', 'telemedicine_referral', ['expires_at'], unique=False, postgresql_where=sa.text('expires_at IS NOT NULL'))
    op.create_index('ix_telemedicine_referral_from_organization_id', 'telemedicine_referral', ['from_organization_id', 'id'], unique=False)
    op.create_index('ix_telemedicine_referral_next_step_at', 'telemedicine_referral', ['next_step_at'], unique=False, postgresql_where=sa.text('next_step_at IS NOT NULL'))
    op.create_index('ix_telemedicine_referral_resident_id', 'telemedicine_referral', ['resident_id', 'id'], unique=False)
    op.create_index('ix_telemedicine_referral_root_id', 'telemedicine_referral', ['root_id'], unique=False)
    op.create_index('ix_telemedicine_referral_to_organization_id', 'telemedicine_referral', ['to_organization_id', 'id'], unique=False)
    op.create_table('telemedicine_shared_item',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('about_kind', sa.String(), nullable=False),
    sa.Column('about_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('object_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('shared_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(kind = 'health_record') = (number IS NOT NULL)", name=op.f('ck_telemedicine_shared_item_number')),
    sa.CheckConstraint("about_kind IN ('referral', 'question')", name=op.f('ck_telemedicine_shared_item_about_kind')),
    sa.CheckConstraint("kind IN ('health_record', 'prescription')", name=op.f('ck_telemedicine_shared_item_kind')),
    sa.ForeignKeyConstraint(['resident_id'], ['identity_resident.id'], name=op.f('fk_telemedicine_shared_item_resident_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_shared_item')),
    sa.UniqueConstraint('about_id', 'kind', 'object_id', name=op.f('uq_telemedicine_shared_item_about_id_kind_object_id'))
    )
    op.create_index('ix_telemedicine_shared_item_resident_id', 'telemedicine_shared_item', ['resident_id'], unique=False)
    op.create_table('telemedicine_question_message',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('question_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.CheckConstraint("kind IN ('question', 'answer')", name=op.f('ck_telemedicine_question_message_kind')),
    sa.ForeignKeyConstraint(['question_id'], ['telemedicine_question.id'], name=op.f('fk_telemedicine_question_message_question_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_question_message'))
    )
    op.create_index('ix_telemedicine_question_message_question_id', 'telemedicine_question_message', ['question_id', 'id'], unique=False)
    op.create_index('ix_telemedicine_question_message_resident_id', 'telemedicine_question_message', ['resident_id'], unique=False)
    op.create_table('telemedicine_referral_change',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('referral_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('side', sa.String(), nullable=False),
    sa.Column('changed_by', sa.Uuid(), nullable=True),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('appointment_id', sa.Uuid(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['referral_id'], ['telemedicine_referral.id'], name=op.f('fk_telemedicine_referral_change_referral_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_referral_change')),
    sa.UniqueConstraint('referral_id', 'number', name=op.f('uq_telemedicine_referral_change_referral_id_number'))
    )
    op.create_index('ix_telemedicine_referral_change_resident_id', 'telemedicine_referral_change', ['resident_id'], unique=False)
    op.create_index('ix_telemedicine_referral_change_told', 'telemedicine_referral_change', ['resident_id', 'created_at', 'id'], unique=False, postgresql_where=sa.text('sent_at IS NOT NULL'))
    op.add_column(_PARTICIPANT, sa.Column("organization_id", sa.Uuid(), nullable=True))
    _allow(f"{_ROLES}, 'consultant'")
    op.create_check_constraint(
        op.f(f"ck_{_PARTICIPANT}_a_consultant_comes_from_a_clinic"),
        _PARTICIPANT,
        "(organization_id IS NOT NULL) = (role = 'consultant')",
    )
    op.create_index(
        f"ix_{_PARTICIPANT}_consultant",
        _PARTICIPANT,
        ["account_id", "consultation_id"],
        postgresql_where=sa.text("organization_id IS NOT NULL"),
    )
    op.add_column('telemedicine_appointment', sa.Column('based_on_id', sa.Uuid(), nullable=True))
    # Bookings go on while the index is made.
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_telemedicine_appointment_based_on_id",
            "telemedicine_appointment",
            ["based_on_id"],
            postgresql_where=sa.text("based_on_id IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    op.drop_index(f"ix_{_PARTICIPANT}_consultant", _PARTICIPANT)
    op.execute(f"DELETE FROM {_PARTICIPANT} WHERE role = 'consultant'")
    op.drop_column(_PARTICIPANT, "organization_id")  # its check goes with it
    _allow(_ROLES)
    op.drop_index("ix_telemedicine_appointment_based_on_id", table_name="telemedicine_appointment")
    op.drop_column("telemedicine_appointment", "based_on_id")
    for table in (
        "telemedicine_referral_change",
        "telemedicine_question_message",
        "telemedicine_shared_item",
        "telemedicine_referral",
        "telemedicine_question",
        "telemedicine_climb_step",
        "telemedicine_referral_term",
    ):
        op.drop_table(table)
