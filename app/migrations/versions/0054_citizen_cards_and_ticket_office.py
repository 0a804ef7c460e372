"""Citizen cards that residents link."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    _cards()


def _cards() -> None:
    op.create_table('community_card_scheme',
        *_common(),
        sa.Column('community_id', sa.Uuid(), nullable=False),
        sa.Column('code', sa.String(), nullable=False),
        sa.Column('name', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('symbols', sa.String(), nullable=False),
        sa.Column('shortest', sa.SmallInteger(), nullable=False),
        sa.Column('longest', sa.SmallInteger(), nullable=False),
        sa.Column('check_by', sa.String(), nullable=False),
        sa.Column('verified_by', sa.String(), nullable=False),
        sa.Column('entitlements', postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column('needs_last_day', sa.Boolean(), nullable=False),
        sa.Column('is_active', sa.Boolean(), nullable=False),
        sa.CheckConstraint("check_by IN ('none', 'luhn', 'mod11_2', 'mod97_10')", name=op.f('ck_community_card_scheme_check_by')),
        sa.CheckConstraint("symbols IN ('digits', 'alphanumeric')", name=op.f('ck_community_card_scheme_symbols')),
        sa.CheckConstraint("verified_by = 'staff' OR check_by <> 'none'", name=op.f('ck_community_card_scheme_a_rule_has_a_check')),
        sa.CheckConstraint("verified_by IN ('staff', 'rule')", name=op.f('ck_community_card_scheme_verified_by')),
        sa.CheckConstraint('shortest BETWEEN 4 AND longest AND longest <= 40', name=op.f('ck_community_card_scheme_lengths')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_community_card_scheme')),
        sa.UniqueConstraint('community_id', 'code', name=op.f('uq_community_card_scheme_community_id_code'))
    )
    op.create_index('ix_community_card_scheme_community_id', 'community_card_scheme', ['community_id', 'id'])
    op.create_table('community_card_claim',
        *_common(),
        sa.Column('community_id', sa.Uuid(), nullable=False),
        sa.Column('resident_id', sa.Uuid(), nullable=False),
        sa.Column('scheme_id', sa.Uuid(), nullable=False),
        sa.Column('number', sa.Text(), nullable=True),
        sa.Column('digest', sa.LargeBinary(), nullable=True),
        sa.Column('last_day', sa.Date(), nullable=True),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('claimed_by', sa.Uuid(), nullable=False),
        sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('decided_by', sa.Uuid(), nullable=True),
        sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('decide_by', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(decide_by IS NOT NULL) = (state = 'open')", name=op.f('ck_community_card_claim_an_open_one_has_a_deadline')),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f('ck_community_card_claim_closed')),
        sa.CheckConstraint("(state = 'open') = (number IS NOT NULL) AND (number IS NULL) = (digest IS NULL)", name=op.f('ck_community_card_claim_an_open_one_has_a_number')),
        sa.CheckConstraint("state IN ('open', 'granted', 'rejected', 'withdrawn')", name=op.f('ck_community_card_claim_state')),
        sa.ForeignKeyConstraint(['resident_id'], ['identity_resident.id'], name=op.f('fk_community_card_claim_resident_id')),
        sa.ForeignKeyConstraint(['scheme_id'], ['community_card_scheme.id'], name=op.f('fk_community_card_claim_scheme_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_community_card_claim'))
    )
    op.create_index('ix_community_card_claim_closed_at', 'community_card_claim', ['closed_at'], postgresql_where=sa.text('closed_at IS NOT NULL'))
    op.create_index('ix_community_card_claim_decide_by', 'community_card_claim', ['decide_by'], postgresql_where=sa.text('decide_by IS NOT NULL'))
    op.create_index('ix_community_card_claim_open', 'community_card_claim', ['community_id', 'id'], postgresql_where=sa.text("state = 'open'"))
    op.create_index('ix_community_card_claim_resident_id', 'community_card_claim', ['resident_id', 'id'])
    op.create_index('uq_community_card_claim_once', 'community_card_claim', ['resident_id', 'scheme_id', 'digest'], unique=True, postgresql_where=sa.text("state = 'open'"))
    op.create_table('community_citizen_card',
        *_common(),
        sa.Column('community_id', sa.Uuid(), nullable=False),
        sa.Column('resident_id', sa.Uuid(), nullable=False),
        sa.Column('scheme_id', sa.Uuid(), nullable=False),
        sa.Column('number', sa.Text(), nullable=True),
        sa.Column('digest', sa.LargeBinary(), nullable=True),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('linked_by', sa.Uuid(), nullable=False),
        sa.Column('last_day', sa.Date(), nullable=True),
        sa.Column('valid_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('verified_by', sa.Uuid(), nullable=True),
        sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('close_reason', sa.String(), nullable=True),
        sa.Column('verify_by', sa.DateTime(timezone=True), nullable=True),
        sa.Column('warn_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state IN ('pending', 'verified')) = (close_reason IS NULL)", name=op.f('ck_community_citizen_card_closing_has_a_reason')),
        sa.CheckConstraint("(state IN ('pending', 'verified')) = (closed_at IS NULL)", name=op.f('ck_community_citizen_card_closed')),
        sa.CheckConstraint("(state IN ('pending', 'verified')) = (number IS NOT NULL) AND (number IS NULL) = (digest IS NULL)", name=op.f('ck_community_citizen_card_a_live_one_has_a_number')),
        sa.CheckConstraint("(verify_by IS NOT NULL) = (state = 'pending')", name=op.f('ck_community_citizen_card_one_pending_has_a_deadline')),
        sa.CheckConstraint("close_reason IN ('not_confirmed', 'not_readable', 'over', 'holder', 'decided', 'moved_out')", name=op.f('ck_community_citizen_card_close_reason')),
        sa.CheckConstraint("state IN ('pending', 'verified', 'refused', 'removed')", name=op.f('ck_community_citizen_card_state')),
        sa.CheckConstraint("verified_at IS NOT NULL OR state <> 'verified'", name=op.f('ck_community_citizen_card_verified')),
        sa.CheckConstraint("warn_at IS NULL OR state = 'verified'", name=op.f('ck_community_citizen_card_only_a_verified_one_ends')),
        sa.CheckConstraint('(valid_until IS NULL) = (last_day IS NULL)', name=op.f('ck_community_citizen_card_validity')),
        sa.ForeignKeyConstraint(['resident_id'], ['identity_resident.id'], name=op.f('fk_community_citizen_card_resident_id')),
        sa.ForeignKeyConstraint(['scheme_id'], ['community_card_scheme.id'], name=op.f('fk_community_citizen_card_scheme_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_community_citizen_card'))
    )
    op.create_index('ix_community_citizen_card_closed_at', 'community_citizen_card', ['closed_at'], postgresql_where=sa.text('closed_at IS NOT NULL'))
    op.create_index('ix_community_citizen_card_pending', 'community_citizen_card', ['community_id', 'id'], postgresql_where=sa.text("state = 'pending'"))
    op.create_index('ix_community_citizen_card_resident_id', 'community_citizen_card', ['resident_id', 'id'])
    op.create_index('ix_community_citizen_card_verified', 'community_citizen_card', ['community_id', 'updated_at'], postgresql_where=sa.text("state = 'verified'"))
    op.create_index('ix_community_citizen_card_verify_by', 'community_citizen_card', ['verify_by'], postgresql_where=sa.text('verify_by IS NOT NULL'))
    op.create_index('ix_community_citizen_card_warn_at', 'community_citizen_card', ['warn_at'], postgresql_where=sa.text('warn_at IS NOT NULL'))
    op.create_index('uq_community_citizen_card_number', 'community_citizen_card', ['community_id', 'scheme_id', 'digest'], unique=True, postgresql_where=sa.text("state IN ('pending', 'verified')"))
    op.create_index('uq_community_citizen_card_of_resident', 'community_citizen_card', ['resident_id', 'scheme_id'], unique=True, postgresql_where=sa.text("state IN ('pending', 'verified')"))


def downgrade() -> None:
    op.drop_table("community_citizen_card")
    op.drop_table("community_card_claim")
    op.drop_table("community_card_scheme")
