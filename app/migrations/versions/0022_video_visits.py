"""Video visits: the visit, who takes part, their links, their presence, what they send each other, notes."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('telemedicine_consultation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('clinician_id', sa.Uuid(), nullable=False),
    sa.Column('appointment_id', sa.Uuid(), nullable=True),
    sa.Column('opened_by', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('close_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.String(), nullable=True),
    sa.Column('phone', sa.String(), nullable=True),
    sa.CheckConstraint("(close_at IS NOT NULL) = (state IN ('planned', 'waiting', 'in_progress'))", name=op.f('ck_telemedicine_consultation_an_open_one_closes')),
    sa.CheckConstraint("end_reason IN ('clinician', 'left', 'nobody_met')", name=op.f('ck_telemedicine_consultation_end_reason')),
    sa.CheckConstraint("state IN ('planned', 'waiting', 'in_progress', 'ended', 'expired')", name=op.f('ck_telemedicine_consultation_state')),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_telemedicine_consultation_period')),
    sa.ForeignKeyConstraint(['resident_id'], ['identity_resident.id'], name=op.f('fk_telemedicine_consultation_resident_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_consultation'))
    )
    op.create_index('ix_telemedicine_consultation_clinician_id', 'telemedicine_consultation', ['clinician_id', 'starts_at', 'id'], unique=False)
    op.create_index('ix_telemedicine_consultation_close_at', 'telemedicine_consultation', ['close_at'], unique=False, postgresql_where=sa.text('close_at IS NOT NULL'))
    op.create_index('ix_telemedicine_consultation_resident_id', 'telemedicine_consultation', ['resident_id', 'id'], unique=False)
    op.create_index('uq_telemedicine_consultation_appointment_id', 'telemedicine_consultation', ['appointment_id'], unique=True, postgresql_where=sa.text('appointment_id IS NOT NULL'))
    op.create_table('telemedicine_note',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('consultation_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('follow_up_days', sa.Integer(), nullable=True),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind = 'soap' OR signed_at IS NOT NULL", name=op.f('ck_telemedicine_note_an_addendum_is_signed')),
    sa.CheckConstraint("kind IN ('soap', 'addendum')", name=op.f('ck_telemedicine_note_kind')),
    sa.CheckConstraint('follow_up_days BETWEEN 1 AND 730', name=op.f('ck_telemedicine_note_follow_up')),
    sa.ForeignKeyConstraint(['consultation_id'], ['telemedicine_consultation.id'], name=op.f('fk_telemedicine_note_consultation_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_note'))
    )
    op.create_index('ix_telemedicine_note_consultation_id', 'telemedicine_note', ['consultation_id', 'id'], unique=False)
    op.create_index('ix_telemedicine_note_resident_id', 'telemedicine_note', ['resident_id', 'id'], unique=False)
    op.create_index('uq_telemedicine_note_consultation_id', 'telemedicine_note', ['consultation_id'], unique=True, postgresql_where=sa.text("kind = 'soap'"))
    op.create_table('telemedicine_participant',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('consultation_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=True),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('seat', sa.SmallInteger(), nullable=True),
    sa.Column('invited_by', sa.Uuid(), nullable=False),
    sa.Column('admitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('wishes_phone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('pass_digest', sa.LargeBinary(), nullable=True),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('connection_id', sa.Uuid(), nullable=True),
    sa.Column('instance', sa.Uuid(), nullable=True),
    sa.Column('last_signal', sa.Integer(), nullable=False),
    sa.CheckConstraint("(seat IS NOT NULL) = (state = 'admitted')", name=op.f('ck_telemedicine_participant_who_is_admitted_has_a_seat')),
    sa.CheckConstraint("role IN ('clinician', 'resident', 'family', 'interpreter')", name=op.f('ck_telemedicine_participant_role')),
    sa.CheckConstraint("state IN ('invited', 'waiting', 'admitted', 'left', 'removed')", name=op.f('ck_telemedicine_participant_state')),
    sa.CheckConstraint('seat BETWEEN 0 AND 3', name=op.f('ck_telemedicine_participant_seats')),
    sa.ForeignKeyConstraint(['consultation_id'], ['telemedicine_consultation.id'], name=op.f('fk_telemedicine_participant_consultation_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_participant')),
    sa.UniqueConstraint('consultation_id', 'account_id', name=op.f('uq_telemedicine_participant_consultation_id_account_id')),
    sa.UniqueConstraint('consultation_id', 'seat', name=op.f('uq_telemedicine_participant_consultation_id_seat'))
    )
    op.create_index('ix_telemedicine_participant_account_id', 'telemedicine_participant', ['account_id'], unique=False)
    op.create_index('ix_telemedicine_participant_resident_id', 'telemedicine_participant', ['resident_id'], unique=False)
    op.create_table('telemedicine_join_link',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('participant_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=True),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['participant_id'], ['telemedicine_participant.id'], name=op.f('fk_telemedicine_join_link_participant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_join_link'))
    )
    op.create_index('ix_telemedicine_join_link_account_id', 'telemedicine_join_link', ['account_id'], unique=False)
    op.create_index('ix_telemedicine_join_link_participant_id', 'telemedicine_join_link', ['participant_id'], unique=False)
    op.create_index('ix_telemedicine_join_link_resident_id', 'telemedicine_join_link', ['resident_id'], unique=False)
    op.create_table('telemedicine_presence',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('consultation_id', sa.Uuid(), nullable=False),
    sa.Column('participant_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=True),
    sa.Column('connection_id', sa.Uuid(), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['consultation_id'], ['telemedicine_consultation.id'], name=op.f('fk_telemedicine_presence_consultation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['participant_id'], ['telemedicine_participant.id'], name=op.f('fk_telemedicine_presence_participant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_presence'))
    )
    op.create_index('ix_telemedicine_presence_account_id', 'telemedicine_presence', ['account_id'], unique=False)
    op.create_index('ix_telemedicine_presence_consultation_id', 'telemedicine_presence', ['consultation_id', 'participant_id'], unique=False)
    op.create_index('ix_telemedicine_presence_participant_id', 'telemedicine_presence', ['participant_id'], unique=False)
    op.create_index('ix_telemedicine_presence_resident_id', 'telemedicine_presence', ['resident_id'], unique=False)
    op.create_index('ix_telemedicine_presence_seen_at', 'telemedicine_presence', ['seen_at'], unique=False, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('telemedicine_signal',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('consultation_id', sa.Uuid(), nullable=False),
    sa.Column('recipient_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('sender_id', sa.Uuid(), nullable=False),
    sa.Column('sender_instance', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.CheckConstraint("kind IN ('signal', 'chat')", name=op.f('ck_telemedicine_signal_kind')),
    sa.ForeignKeyConstraint(['consultation_id'], ['telemedicine_consultation.id'], name=op.f('fk_telemedicine_signal_consultation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['recipient_id'], ['telemedicine_participant.id'], name=op.f('fk_telemedicine_signal_recipient_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_telemedicine_signal')),
    sa.UniqueConstraint('recipient_id', 'number', name=op.f('uq_telemedicine_signal_recipient_id_number'))
    )
    op.create_index('ix_telemedicine_signal_consultation_id', 'telemedicine_signal', ['consultation_id'], unique=False)
    op.create_index('ix_telemedicine_signal_created_at', 'telemedicine_signal', ['created_at'], unique=False)
    op.create_index('ix_telemedicine_signal_resident_id', 'telemedicine_signal', ['resident_id'], unique=False)


def downgrade() -> None:
    op.drop_table('telemedicine_signal')
    op.drop_table('telemedicine_presence')
    op.drop_table('telemedicine_join_link')
    op.drop_table('telemedicine_participant')
    op.drop_table('telemedicine_note')
    op.drop_table('telemedicine_consultation')
