"""The keys that sign tickets, and the gates that scan them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0055"
down_revision = "0054"
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
    _keys()
    _gates()
    _scans()


def _keys() -> None:
    op.create_table('community_ticket_key',
    *_common(),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.SmallInteger(), nullable=False),
    sa.Column('private', sa.Text(), nullable=False),
    sa.Column('public', sa.LargeBinary(), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('signed_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_compromised', sa.Boolean(), nullable=False),
    sa.CheckConstraint('NOT is_compromised OR retired_at IS NOT NULL', name=op.f('ck_community_ticket_key_a_compromised_one_signs_no_more')),
    sa.CheckConstraint('number BETWEEN 0 AND 255', name=op.f('ck_community_ticket_key_number')),
    sa.CheckConstraint('octet_length(public) = 32', name=op.f('ck_community_ticket_key_public')),
    sa.ForeignKeyConstraint(['community_id'], ['identity_community.id'], name=op.f('fk_community_ticket_key_community_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_ticket_key')),
    sa.UniqueConstraint('community_id', 'number', name=op.f('uq_community_ticket_key_community_id_number'))
    )
    op.create_index('uq_community_ticket_key_signing', 'community_ticket_key', ['community_id'], unique=True, postgresql_where=sa.text('retired_at IS NULL'))


def _gates() -> None:
    op.create_table('community_gate',
    *_common(),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('attraction_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('heard_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('clock_ahead', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['attraction_id'], ['community_attraction.id'], name=op.f('fk_community_gate_attraction_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity_organization.id'], name=op.f('fk_community_gate_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_gate')),
    sa.UniqueConstraint('attraction_id', 'name', name=op.f('uq_community_gate_attraction_id_name'))
    )
    op.create_index('ix_community_gate_community_id', 'community_gate', ['community_id', 'id'])
    op.create_index('ix_community_gate_organization_id', 'community_gate', ['organization_id', 'id'])
    op.create_table('community_gate_rules',
    *_common(),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('attraction_id', sa.Uuid(), nullable=False),
    sa.Column('free_entitlements', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('admits_companion', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['attraction_id'], ['community_attraction.id'], name=op.f('fk_community_gate_rules_attraction_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['identity_organization.id'], name=op.f('fk_community_gate_rules_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_gate_rules')),
    sa.UniqueConstraint('attraction_id', name=op.f('uq_community_gate_rules_attraction_id'))
    )


def _scans() -> None:
    op.create_table('community_gate_scan',
    *_common(),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('attraction_id', sa.Uuid(), nullable=False),
    sa.Column('gate_id', sa.Uuid(), nullable=False),
    sa.Column('nonce', sa.Uuid(), nullable=False),
    sa.Column('ticket_id', sa.Uuid(), nullable=True),
    sa.Column('card_id', sa.Uuid(), nullable=True),
    sa.Column('direction', sa.String(), nullable=False),
    sa.Column('scanned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('clock_ahead', sa.BigInteger(), nullable=False),
    sa.Column('decision', sa.String(), nullable=True),
    sa.Column('persons', sa.SmallInteger(), nullable=False),
    sa.Column('is_through', sa.Boolean(), nullable=False),
    sa.Column('fault', sa.String(), nullable=True),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('override_reason', sa.Text(), nullable=True),
    sa.Column('overridden_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint("(override_reason IS NULL) = (overridden_by IS NULL)", name=op.f('ck_community_gate_scan_an_override_is_somebodys')),
    sa.CheckConstraint("decision IN ('admitted', 'refused')", name=op.f('ck_community_gate_scan_decision')),
    sa.CheckConstraint("direction IN ('entry', 'exit')", name=op.f('ck_community_gate_scan_direction')),
    sa.CheckConstraint("outcome IN ('admitted', 'left', 'refused', 'conflict')", name=op.f('ck_community_gate_scan_outcome')),
    sa.CheckConstraint('persons BETWEEN 0 AND 255', name=op.f('ck_community_gate_scan_persons')),
    sa.ForeignKeyConstraint(['gate_id'], ['community_gate.id'], name=op.f('fk_community_gate_scan_gate_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_gate_scan')),
    sa.UniqueConstraint('gate_id', 'nonce', name=op.f('uq_community_gate_scan_gate_id_nonce'))
    )
    op.create_index('ix_community_gate_scan_card_id', 'community_gate_scan', ['card_id', 'scanned_at'], postgresql_where=sa.text('card_id IS NOT NULL'))
    op.create_index('ix_community_gate_scan_ticket_id', 'community_gate_scan', ['ticket_id', 'scanned_at'], postgresql_where=sa.text('ticket_id IS NOT NULL'))
    op.create_table('community_admission_conflict',
    *_common(),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('attraction_id', sa.Uuid(), nullable=False),
    sa.Column('scan_id', sa.Uuid(), nullable=False),
    sa.Column('other_scan_id', sa.Uuid(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('resolution', sa.String(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('resolved_by', sa.Uuid(), nullable=True),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("num_nonnulls(resolution, note, resolved_by, resolved_at) = CASE WHEN state = 'resolved' THEN 4 ELSE 0 END", name=op.f('ck_community_admission_conflict_a_decision_is_somebodys')),
    sa.CheckConstraint("resolution IN ('harmless', 'our_mistake', 'misuse')", name=op.f('ck_community_admission_conflict_resolution')),
    sa.CheckConstraint("state IN ('open', 'explained', 'resolved')", name=op.f('ck_community_admission_conflict_state')),
    sa.ForeignKeyConstraint(['scan_id'], ['community_gate_scan.id'], name=op.f('fk_community_admission_conflict_scan_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_admission_conflict')),
    sa.UniqueConstraint('scan_id', name=op.f('uq_community_admission_conflict_scan_id'))
    )
    op.create_index('ix_community_admission_conflict_attraction_id', 'community_admission_conflict', ['attraction_id', 'state', 'id'])


def downgrade() -> None:
    op.drop_table("community_admission_conflict")
    op.drop_table("community_gate_scan")
    op.drop_table("community_gate_rules")
    op.drop_table("community_gate")
    op.drop_table("community_ticket_key")
