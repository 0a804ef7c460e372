"""Citizen cards that residents link, and the ticket office."""

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


_ACCOUNT_KINDS = (
    "kind IN ('receivable', 'revenue', 'cash', 'bank', 'terminal', 'payable', 'card', 'fees', 'disputed', 'sponsor',"
    " 'subsidy'%s)"
)
_ENTRY_KINDS = (
    "kind IN ('charge', 'cancellation', 'credit', 'payment', 'refund', 'transfer', 'transfer_reversal', 'dispute',"
    " 'dispute_won', 'dispute_lost', 'settlement', 'correction'%s)"
)


def _kinds(accounts: str, entries: str) -> None:
    for table, kinds in (("billing_account", _ACCOUNT_KINDS % accounts), ("billing_entry", _ENTRY_KINDS % entries)):
        op.drop_constraint(op.f(f"ck_{table}_kind"), table)
        op.create_check_constraint(op.f(f"ck_{table}_kind"), table, kinds)


def upgrade() -> None:
    _cards()
    _office()
    _kinds(", 'till_difference'", ", 'sale', 'sale_return', 'till_difference'")


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


def _office() -> None:
    op.create_table('community_office_shift',
        *_common(),
        sa.Column('community_id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('currency', sa.String(length=3), nullable=False),
        sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('opening_amount', sa.BigInteger(), nullable=False),
        sa.Column('remind_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('closed_by', sa.Uuid(), nullable=True),
        sa.Column('counted_amount', sa.BigInteger(), nullable=True),
        sa.Column('expected_amount', sa.BigInteger(), nullable=True),
        sa.Column('explanation', sa.Text(), nullable=True),
        sa.CheckConstraint('(closed_at IS NULL) = (counted_amount IS NULL) AND (closed_at IS NULL) = (expected_amount IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL)', name=op.f('ck_community_office_shift_closed')),
        sa.CheckConstraint('(remind_at IS NOT NULL) = (closed_at IS NULL)', name=op.f('ck_community_office_shift_an_open_one_has_a_deadline')),
        sa.CheckConstraint('opening_amount >= 0 AND counted_amount >= 0', name=op.f('ck_community_office_shift_amounts')),
        sa.ForeignKeyConstraint(['organization_id'], ['identity_organization.id'], name=op.f('fk_community_office_shift_organization_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_community_office_shift'))
    )
    op.create_index('ix_community_office_shift_account_id', 'community_office_shift', ['account_id', 'id'])
    op.create_index('ix_community_office_shift_closed_at', 'community_office_shift', ['closed_at'], postgresql_where=sa.text('closed_at IS NOT NULL'))
    op.create_index('ix_community_office_shift_organization_id', 'community_office_shift', ['organization_id', 'id'])
    op.create_index('ix_community_office_shift_remind_at', 'community_office_shift', ['remind_at'], postgresql_where=sa.text('remind_at IS NOT NULL'))
    op.create_index('uq_community_office_shift_open', 'community_office_shift', ['organization_id', 'account_id'], unique=True, postgresql_where=sa.text('closed_at IS NULL'))
    op.create_table('community_ticket_allotment',
        *_common(),
        sa.Column('community_id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('reseller_id', sa.Uuid(), nullable=False),
        sa.Column('attraction_id', sa.Uuid(), nullable=False),
        sa.Column('product_id', sa.Uuid(), nullable=False),
        sa.Column('quantity', sa.SmallInteger(), nullable=False),
        sa.Column('release_before', sa.Interval(), nullable=False),
        sa.Column('commission_rate', sa.SmallInteger(), nullable=False),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("release_before >= interval '0'", name=op.f('ck_community_ticket_allotment_release_before')),
        sa.CheckConstraint('commission_rate BETWEEN 0 AND 5000', name=op.f('ck_community_ticket_allotment_commission_rate')),
        sa.CheckConstraint('quantity > 0', name=op.f('ck_community_ticket_allotment_quantity')),
        sa.CheckConstraint('reseller_id <> organization_id', name=op.f('ck_community_ticket_allotment_a_reseller_is_another')),
        sa.ForeignKeyConstraint(['organization_id'], ['identity_organization.id'], name=op.f('fk_community_ticket_allotment_organization_id')),
        sa.ForeignKeyConstraint(['reseller_id'], ['identity_organization.id'], name=op.f('fk_community_ticket_allotment_reseller_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_community_ticket_allotment'))
    )
    op.create_index('ix_community_ticket_allotment_organization_id', 'community_ticket_allotment', ['organization_id', 'id'])
    op.create_index('ix_community_ticket_allotment_reseller_id', 'community_ticket_allotment', ['reseller_id', 'id'])
    op.create_table('community_ticket_allotment_share',
        *_common(),
        sa.Column('allotment_id', sa.Uuid(), nullable=False),
        sa.Column('slot_id', sa.Uuid(), nullable=False),
        sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('quantity', sa.SmallInteger(), nullable=False),
        sa.Column('sold', sa.SmallInteger(), nullable=False),
        sa.Column('release_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('released_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('release_reason', sa.String(), nullable=True),
        sa.CheckConstraint("release_reason IN ('deadline', 'ended', 'slot_cancelled')", name=op.f('ck_community_ticket_allotment_share_release_reason')),
        sa.CheckConstraint('(release_at IS NULL) = (released_at IS NOT NULL)', name=op.f('ck_community_ticket_allotment_share_one_that_is_held_has_a_deadline')),
        sa.CheckConstraint('(released_at IS NULL) = (release_reason IS NULL)', name=op.f('ck_community_ticket_allotment_share_releasing_has_a_reason')),
        sa.CheckConstraint('sold BETWEEN 0 AND quantity AND quantity > 0', name=op.f('ck_community_ticket_allotment_share_sold')),
        sa.ForeignKeyConstraint(['allotment_id'], ['community_ticket_allotment.id'], name=op.f('fk_community_ticket_allotment_share_allotment_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_community_ticket_allotment_share')),
        sa.UniqueConstraint('allotment_id', 'slot_id', name=op.f('uq_community_ticket_allotment_share_allotment_id_slot_id'))
    )
    op.create_index('ix_community_ticket_allotment_share_release_at', 'community_ticket_allotment_share', ['release_at'], postgresql_where=sa.text('release_at IS NOT NULL'))
    op.create_index('ix_community_ticket_allotment_share_slot_id', 'community_ticket_allotment_share', ['slot_id'])
    op.create_table('community_office_sale',
        *_common(),
        sa.Column('community_id', sa.Uuid(), nullable=False),
        sa.Column('organization_id', sa.Uuid(), nullable=False),
        sa.Column('seller_id', sa.Uuid(), nullable=False),
        sa.Column('account_id', sa.Uuid(), nullable=False),
        sa.Column('shift_id', sa.Uuid(), nullable=True),
        sa.Column('share_id', sa.Uuid(), nullable=True),
        sa.Column('order_id', sa.Uuid(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('method', sa.String(), nullable=False),
        sa.Column('amount', sa.BigInteger(), nullable=False),
        sa.Column('currency', sa.String(length=3), nullable=False),
        sa.Column('tickets', sa.SmallInteger(), nullable=False),
        sa.Column('sold_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('slip', sa.Text(), nullable=True),
        sa.Column('slip_key', sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(amount = 0) = (method = 'none') OR method = 'reseller'", name=op.f('ck_community_office_sale_nothing_is_paid_by_nothing')),
        sa.CheckConstraint("(method = 'reseller') = (share_id IS NOT NULL)", name=op.f('ck_community_office_sale_a_reseller_has_a_share')),
        sa.CheckConstraint("(method = 'reseller') = (shift_id IS NULL)", name=op.f('ck_community_office_sale_a_till_has_a_shift')),
        sa.CheckConstraint("kind IN ('sale', 'refund')", name=op.f('ck_community_office_sale_kind')),
        sa.CheckConstraint("method = 'terminal' OR slip_key IS NULL", name=op.f('ck_community_office_sale_a_terminal_has_a_slip')),
        sa.CheckConstraint("method IN ('cash', 'terminal', 'reseller', 'none')", name=op.f('ck_community_office_sale_method')),
        sa.CheckConstraint('amount >= 0 AND tickets >= 0', name=op.f('ck_community_office_sale_amounts')),
        sa.ForeignKeyConstraint(['organization_id'], ['identity_organization.id'], name=op.f('fk_community_office_sale_organization_id')),
        sa.ForeignKeyConstraint(['seller_id'], ['identity_organization.id'], name=op.f('fk_community_office_sale_seller_id')),
        sa.ForeignKeyConstraint(['share_id'], ['community_ticket_allotment_share.id'], name=op.f('fk_community_office_sale_share_id')),
        sa.ForeignKeyConstraint(['shift_id'], ['community_office_shift.id'], name=op.f('fk_community_office_sale_shift_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_community_office_sale'))
    )
    op.create_index('ix_community_office_sale_account_id', 'community_office_sale', ['account_id', 'id'])
    op.create_index('ix_community_office_sale_order_id', 'community_office_sale', ['order_id'])
    op.create_index('ix_community_office_sale_reseller', 'community_office_sale', ['seller_id', 'sold_at'], postgresql_where=sa.text('share_id IS NOT NULL'))
    op.create_index('ix_community_office_sale_share_id', 'community_office_sale', ['share_id'], postgresql_where=sa.text('share_id IS NOT NULL'))
    op.create_index('ix_community_office_sale_shift_id', 'community_office_sale', ['shift_id', 'id'], postgresql_where=sa.text('shift_id IS NOT NULL'))
    op.create_index('ix_community_office_sale_sold_at', 'community_office_sale', ['sold_at'])
    op.create_index('uq_community_office_sale_slip', 'community_office_sale', ['organization_id', 'kind', 'slip_key'], unique=True, postgresql_where=sa.text('slip_key IS NOT NULL'))


def downgrade() -> None:
    op.drop_table("community_office_sale")
    op.drop_table("community_ticket_allotment_share")
    op.drop_table("community_ticket_allotment")
    op.drop_table("community_office_shift")
    op.drop_table("community_citizen_card")
    op.drop_table("community_card_claim")
    op.drop_table("community_card_scheme")
    _kinds("", "")
