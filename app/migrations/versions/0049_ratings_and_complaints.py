"""Ratings, complaints and tips of help at home, and work that is done anew."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0049"
down_revision = "0048"
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
    op.add_column("community_order", sa.Column("rework_of", sa.Uuid(), nullable=True))
    _ratings()
    _complaints()
    _tips()




def _ratings() -> None:
    op.create_table('community_rating',
    *_common(),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('worker_id', sa.Uuid(), nullable=True),
    sa.Column('rated_by', sa.Uuid(), nullable=False),
    sa.Column('stars', sa.SmallInteger(), nullable=False),
    sa.Column('tags', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('comment', sa.Text(), nullable=True),
    sa.Column('is_flagged', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('moderated_by', sa.Uuid(), nullable=True),
    sa.Column('moderated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reject_reason', sa.Text(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('answered_by', sa.Uuid(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'pending') = (moderated_at IS NULL)", name=op.f('ck_community_rating_moderated')),
    sa.CheckConstraint("(state = 'rejected') = (reject_reason IS NOT NULL)", name=op.f('ck_community_rating_rejecting_has_a_reason')),
    sa.CheckConstraint("state IN ('pending', 'approved', 'rejected')", name=op.f('ck_community_rating_state')),
    sa.CheckConstraint('(answer IS NULL) = (answered_at IS NULL)', name=op.f('ck_community_rating_answer')),
    sa.CheckConstraint('stars BETWEEN 1 AND 5', name=op.f('ck_community_rating_stars')),
    sa.ForeignKeyConstraint(['order_id'], ['community_order.id'], name=op.f('fk_community_rating_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_rating')),
    sa.UniqueConstraint('order_id', name=op.f('uq_community_rating_order_id'))
    )
    op.create_index('ix_community_rating_organization_id', 'community_rating', ['organization_id', 'created_at'])
    op.create_index('ix_community_rating_queue', 'community_rating', ['community_id', 'id'], postgresql_where=sa.text("state = 'pending' AND comment IS NOT NULL"))
    op.create_index('ix_community_rating_resident_id', 'community_rating', ['resident_id'])
    op.create_index('ix_community_rating_shown', 'community_rating', ['organization_id', 'id'], postgresql_where=sa.text("state = 'approved' AND comment IS NOT NULL"))
    op.create_index('ix_community_rating_worker_id', 'community_rating', ['worker_id', 'created_at'], postgresql_where=sa.text('worker_id IS NOT NULL'))


def _complaints() -> None:
    op.create_table('community_complaint',
    *_common(),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('paid_order_id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('opened_by', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('severity', sa.String(), nullable=False),
    sa.Column('wish', sa.String(), nullable=False),
    sa.Column('statement', sa.Text(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('answer_by', sa.DateTime(timezone=True), nullable=True),
    sa.Column('evidence_by', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decide_by', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('decided_as', sa.String(), nullable=True),
    sa.Column('refund_amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('rework_id', sa.Uuid(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(answer_by IS NOT NULL) = (state = 'open')", name=op.f('ck_community_complaint_one_open_has_a_deadline')),
    sa.CheckConstraint("(closed_at IS NOT NULL) = (state IN ('decided', 'withdrawn'))", name=op.f('ck_community_complaint_closed')),
    sa.CheckConstraint("(decide_by IS NOT NULL) = (state IN ('answered', 'unanswered'))", name=op.f('ck_community_complaint_one_to_decide_has_a_deadline')),
    sa.CheckConstraint("(rework_id IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'rework')", name=op.f('ck_community_complaint_rework')),
    sa.CheckConstraint("(state = 'decided') = (outcome IS NOT NULL) AND (state = 'decided') = (decided_as IS NOT NULL)", name=op.f('ck_community_complaint_a_decision_is_somebodys')),
    sa.CheckConstraint("decided_as IN ('provider', 'operator')", name=op.f('ck_community_complaint_decided_as')),
    sa.CheckConstraint("kind IN ('late', 'incomplete', 'poor_work', 'damage', 'conduct', 'charge', 'not_done')", name=op.f('ck_community_complaint_kind')),
    sa.CheckConstraint("outcome IN ('refund', 'rework', 'rejected')", name=op.f('ck_community_complaint_outcome')),
    sa.CheckConstraint("refund_amount >= 0 AND (refund_amount > 0) = (outcome IS NOT DISTINCT FROM 'refund')", name=op.f('ck_community_complaint_refund')),
    sa.CheckConstraint("severity IN ('minor', 'serious', 'total')", name=op.f('ck_community_complaint_severity')),
    sa.CheckConstraint("state IN ('open', 'answered', 'unanswered', 'decided', 'withdrawn')", name=op.f('ck_community_complaint_state')),
    sa.CheckConstraint("wish IN ('refund', 'rework')", name=op.f('ck_community_complaint_wish')),
    sa.ForeignKeyConstraint(['order_id'], ['community_order.id'], name=op.f('fk_community_complaint_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_complaint')),
    sa.UniqueConstraint('order_id', name=op.f('uq_community_complaint_order_id'))
    )
    op.create_index('ix_community_complaint_answer_by', 'community_complaint', ['answer_by'], postgresql_where=sa.text('answer_by IS NOT NULL'))
    op.create_index('ix_community_complaint_decide_by', 'community_complaint', ['decide_by'], postgresql_where=sa.text('decide_by IS NOT NULL'))
    op.create_index('ix_community_complaint_organization_id', 'community_complaint', ['organization_id', 'id'])
    op.create_index('ix_community_complaint_resident_id', 'community_complaint', ['resident_id'])
    op.create_index('ix_community_complaint_undecided', 'community_complaint', ['community_id', 'id'], postgresql_where=sa.text("state IN ('answered', 'unanswered')"))
    op.create_table('community_complaint_change',
    *_common(),
    sa.Column('complaint_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('transition', sa.String(), nullable=False),
    sa.Column('to_state', sa.String(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('changed_by', sa.Uuid(), nullable=True),
    sa.Column('text', sa.Text(), nullable=True),
    sa.Column('media_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint("to_state IN ('open', 'answered', 'unanswered', 'decided', 'withdrawn')", name=op.f('ck_community_complaint_change_to_state')),
    sa.CheckConstraint("who IN ('resident', 'provider', 'operator', 'hearthline')", name=op.f('ck_community_complaint_change_who')),
    sa.ForeignKeyConstraint(['complaint_id'], ['community_complaint.id'], name=op.f('fk_community_complaint_change_complaint_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_complaint_change'))
    )
    op.create_index('ix_community_complaint_change_complaint_id', 'community_complaint_change', ['complaint_id', 'id'])
    op.create_index('ix_community_complaint_change_resident_id', 'community_complaint_change', ['resident_id'])


def _tips() -> None:
    op.create_table('community_tip',
    *_common(),
    sa.Column('community_id', sa.Uuid(), nullable=False),
    sa.Column('resident_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('worker_id', sa.Uuid(), nullable=True),
    sa.Column('given_by', sa.Uuid(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('method', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.CheckConstraint("method IN ('card', 'cash')", name=op.f('ck_community_tip_method')),
    sa.CheckConstraint("state IN ('pending', 'paid', 'failed')", name=op.f('ck_community_tip_state')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_community_tip_amount')),
    sa.ForeignKeyConstraint(['order_id'], ['community_order.id'], name=op.f('fk_community_tip_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_tip'))
    )
    op.create_index('ix_community_tip_order_id', 'community_tip', ['order_id', 'id'])
    op.create_index('ix_community_tip_resident_id', 'community_tip', ['resident_id'])
    op.create_index('uq_community_tip_order_id', 'community_tip', ['order_id'], unique=True, postgresql_where=sa.text("state <> 'failed'"))


def downgrade() -> None:
    op.drop_table("community_tip")
    op.drop_table("community_complaint_change")
    op.drop_table("community_complaint")
    op.drop_table("community_rating")
    op.drop_column("community_order", "rework_of")
