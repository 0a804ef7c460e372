"""How an organization's charges stand: what was paid out of each, and what should be."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.billing.charges.models import CHARGES, UNSETTLED
from app.billing.disputes.views import Frozen
from app.billing.payouts import rules

_c = CHARGES.c
_charges = (
    sa.select(
        _c.id,
        _c.currency,
        _c.state,
        _c.closed_at,
        _c.payable_amount,
        _c.paid_out_amount,
        _c.paid_amount,
        (_c.amount - _c.credited_amount - _c.fee_amount + _c.credited_fee).label("net_amount"),
    )
    .where(_c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid))
    .order_by(_c.id)
)
UNSETTLED_CHARGES: Final = _charges.where(sa.text(f"({UNSETTLED})"))
"""What is still to be paid out of an organization's charges, or was paid out too much."""
NAMED_CHARGES: Final = _charges.where(_c.id == sa.any_(sa.bindparam("charge_ids", type_=ARRAY(sa.Uuid))))
"""Charges of an organization that are frozen and may be settled: what was paid out of them is held back of others."""


def standing(row: Any, held: Mapping[uuid.UUID | None, Frozen]) -> rules.Standing:
    """Return how a charge stands."""
    of = held.get(row.id)
    return rules.Standing(
        payable=row.payable_amount,
        paid_out=row.paid_out_amount,
        net=row.net_amount,
        paid=row.paid_amount,
        state=row.state,
        closed_at=row.closed_at,
        disputed=0 if of is None else of.disputed,
        frozen=0 if of is None else of.frozen,
    )
