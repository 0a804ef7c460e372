"""The SQL statements of account are made from: the ledger's postings of a month, and what was there before them.

What there was at the beginning is the balance now less all that was posted since: it costs what happened since then,
however long the history before it.
"""

import uuid
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.charges.models import PAYMENTS
from app.billing.invoices.schemas import ProviderStatement, ResidentStatement, StatementLine
from app.billing.ledger.models import ACCOUNTS, BALANCES, ENTRIES, POSTINGS
from app.core import clock

_a, _e, _p = ACCOUNTS.c, ENTRIES.c, POSTINGS.c
_since = sa.bindparam("since", type_=sa.DateTime(timezone=True))
_until = sa.bindparam("until", type_=sa.DateTime(timezone=True))
_floor = sa.bindparam("floor", type_=sa.Uuid)
_holder = sa.bindparam("holder_id", type_=sa.Uuid)
_currency = sa.bindparam("currency", type_=_a.currency.type)


def _account(kind: str) -> sa.CTE:
    return (
        sa.select(_a.id)
        .where(_a.holder_id == _holder, _a.kind == sa.literal(kind, sa.Text), _a.currency == _currency)
        .cte("account")
    )


def _opening(account: sa.CTE) -> sa.ScalarSelect[Any]:
    """Return the balance less what was posted since: one statement, so that both are of one moment."""
    now = sa.select(sa.func.coalesce(sa.func.sum(BALANCES.c.amount), 0)).where(
        BALANCES.c.ledger_account_id.in_(sa.select(account.c.id))
    )
    posted = sa.select(sa.func.coalesce(sa.func.sum(_p.amount), 0)).where(
        _p.ledger_account_id.in_(sa.select(account.c.id)), _p.id >= _floor, _p.created_at >= _since
    )
    return sa.select(
        sa.cast(now.scalar_subquery() - posted.scalar_subquery(), sa.BigInteger).label("opening")
    ).scalar_subquery()


_receivable: Final = _account("receivable")
_RESIDENT: Final = (
    sa.select(
        sa.literal_column("1").label("one"),
        _e.created_at.label("at"),
        _e.kind,
        PAYMENTS.c.kind.label("how"),
        _p.amount,
        _opening(_receivable).label("opening"),
    )
    .select_from(
        sa.select(sa.literal(1).label("always"))
        .subquery("always")
        .outerjoin(
            POSTINGS,
            sa.and_(
                _p.ledger_account_id.in_(sa.select(_receivable.c.id)),
                _p.id >= _floor,
                _p.created_at >= _since,
                _p.created_at < _until,
            ),
        )
        .outerjoin(ENTRIES, _e.id == _p.entry_id)
        .outerjoin(PAYMENTS, PAYMENTS.c.id == _e.payment_id)
    )
    .order_by(_p.id)
)
_payable: Final = _account("payable")
# All postings of the entries of the month, by what happened and on whose account.
_PROVIDER: Final = (
    sa.select(
        _e.kind,
        _a.holder,
        _a.kind.label("account"),
        sa.cast(sa.func.sum(sa.func.greatest(_p.amount, 0)), sa.BigInteger).label("debits"),
        sa.cast(sa.func.sum(sa.func.least(_p.amount, 0)), sa.BigInteger).label("credits"),
        _opening(_payable).label("opening"),
    )
    .select_from(
        sa.select(sa.literal(1).label("always"))
        .subquery("always")
        .outerjoin(
            ENTRIES,
            sa.and_(
                _e.organization_id == _holder,
                _e.currency == _currency,
                _e.id >= _floor,
                _e.created_at >= _since,
                _e.created_at < _until,
            ),
        )
        .outerjoin(POSTINGS, _p.entry_id == _e.id)
        .outerjoin(ACCOUNTS, _a.id == _p.ledger_account_id)
    )
    .group_by(_e.kind, _a.holder, _a.kind)
)


async def of_resident(
    connection: AsyncConnection, resident_id: uuid.UUID, month: date, span: tuple[datetime, datetime], currency: str
) -> ResidentStatement:
    """Return a month of what a resident owed and paid; the caller knows who may see it."""
    rows = (await connection.execute(_RESIDENT, _binds(resident_id, span, currency))).all()
    lines = [StatementLine(at=row.at, kind=row.kind, how=row.how, amount=row.amount) for row in rows if row.at]
    opening = rows[0].opening
    return ResidentStatement(
        month=month,
        currency=currency,
        opening=opening,
        lines=lines,
        closing=opening + sum(line.amount for line in lines),
    )


async def of_provider(
    connection: AsyncConnection,
    organization_id: uuid.UUID,
    month: date,
    span: tuple[datetime, datetime],
    currency: str,
) -> ProviderStatement:
    """Return a month between the platform and a provider; the caller knows who may see it."""
    rows = (await connection.execute(_PROVIDER, _binds(organization_id, span, currency))).all()
    owed = {row.kind: (row.debits, row.credits) for row in rows if row.account == "payable"}
    debits, credits_ = ({kind: pair[side] for kind, pair in owed.items()} for side in (0, 1))
    of = {(row.kind, row.holder, row.account): row.debits + row.credits for row in rows if row.kind}
    resident = {kind: of.get((kind, "resident", "receivable"), 0) for kind in ("charge", "cancellation", "credit")}
    fees = {kind: of.get((kind, "community", "fees"), 0) for kind in ("charge", "cancellation", "credit")}
    known = {"charge", "cancellation", "credit", "payment", "refund", "transfer", "transfer_reversal"}
    opening = -rows[0].opening
    return ProviderStatement(
        month=month,
        currency=currency,
        opening=opening,
        gross=resident["charge"],
        cancelled=-resident["cancellation"],
        refunds=-resident["credit"],
        fees=-fees["charge"],
        fees_back=fees["cancellation"] + fees["credit"],
        taken=debits.get("payment", 0),
        taken_back=-credits_.get("refund", 0),
        paid_out=debits.get("transfer", 0),
        paid_back=-credits_.get("transfer_reversal", 0),
        other=-sum(debits[kind] + credits_[kind] for kind in owed if kind not in known),
        closing=opening - sum(debits.values()) - sum(credits_.values()),
        subsidies=sum(of.get((kind, "programme", "subsidy"), 0) for kind in ("payment", "refund")),
    )


def _binds(holder_id: uuid.UUID, span: tuple[datetime, datetime], currency: str) -> dict[str, Any]:
    since, until = span
    return {
        "holder_id": holder_id,
        "since": since,
        "until": until,
        "floor": clock.id_floor(since),
        "currency": currency,
    }
