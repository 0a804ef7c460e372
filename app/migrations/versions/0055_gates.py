"""The keys that sign tickets, and the gates that scan them."""

import sqlalchemy as sa
from alembic import op

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


def downgrade() -> None:
    op.drop_table("community_ticket_key")
