"""The SQL of reconciling: our rows by the gateway's refs, those it does not know, and what was found."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.billing.authorizations.models import CARD_PAYMENTS, CARD_REFUNDS
from app.billing.payouts.models import PAYOUT_ACCOUNTS, TRANSFERS
from app.billing.reconciliation.models import DISCREPANCIES
from app.core import clock

_d = DISCREPANCIES.c
_INSTANT = sa.DateTime(timezone=True)
_GATEWAY = sa.bindparam("of_gateway", type_=sa.Text)
_REFS = sa.bindparam("refs", type_=ARRAY(sa.Text))
_IDS = sa.bindparam("row_ids", type_=ARRAY(sa.Uuid))
_reversals = TRANSFERS.alias("reversals")
_WANTED: Final = sa.literal("wanted", sa.Text)
_TRANSFERRED: Final = (
    sa.select(
        TRANSFERS,
        PAYOUT_ACCOUNTS.c.gateway,
        sa.exists().where(_reversals.c.reverses_id == TRANSFERS.c.id, _reversals.c.state == _WANTED).label("reverses"),
    )
    .join(PAYOUT_ACCOUNTS, PAYOUT_ACCOUNTS.c.id == TRANSFERS.c.payout_account_id)
    .where(TRANSFERS.c.reverses_id.is_(None))
    .subquery("transferred")
)
"""Transfers with the gateway they go over; what comes back of one is at the gateway a part of it."""
_ROWS: Final[dict[str, sa.FromClause]] = {"payment": CARD_PAYMENTS, "refund": CARD_REFUNDS, "transfer": _TRANSFERRED}


async def ours(
    connection: AsyncConnection, about: str, gateway: str, refs: Sequence[str], ids: Sequence[uuid.UUID]
) -> list[sa.Row[Any]]:
    """Return our rows that have one of the gateway's refs, or one of the ids it was given."""
    rows = _ROWS[about]
    found = sa.select(rows).where(rows.c.gateway == _GATEWAY, sa.or_(rows.c.ref.in_(refs), rows.c.id.in_(ids)))
    return list((await connection.execute(found, {"of_gateway": gateway})).all())


async def not_among(
    connection: AsyncConnection, about: str, gateway: str, refs: Collection[str], since: datetime, until: datetime
) -> list[sa.Row[Any]]:
    """Return our rows of a time that have another ref than all of these."""
    rows = _ROWS[about]
    lacking = sa.select(rows).where(
        rows.c.id >= clock.id_floor(since),
        rows.c.id < clock.id_floor(until),
        rows.c.gateway == _GATEWAY,
        rows.c.ref.is_not(None),
        rows.c.ref != sa.all_(_REFS),
    )
    return list((await connection.execute(lacking, {"of_gateway": gateway, "refs": list(refs)})).all())


async def look_at(session: AsyncSession, about: str, given: Sequence[tuple[uuid.UUID, str]]) -> int:
    """Let the worker look at rows of ours, which the gateway has under these refs; return how many."""
    if about == "transfer":
        return await _look_at_transfers(session, [one for one, _ in given])
    rows = CARD_PAYMENTS if about == "payment" else CARD_REFUNDS
    known = (
        sa.func.unnest(_IDS, _REFS).table_valued("id", "ref").render_derived("given")  # the two go in pairs
    )
    values: dict[str, Any] = {
        "ask_at": clock.now(),
        "ref": sa.func.coalesce(rows.c.ref, known.c.ref),
        "version": rows.c.version + 1,
        "updated_at": clock.now(),
    }
    if about == "payment":
        values["wish"] = sa.func.coalesce(rows.c.wish, sa.literal("look", sa.Text))
    looked = sa.update(rows).where(rows.c.id == known.c.id).values(values).returning(rows.c.id)
    binds = {"row_ids": [one for one, _ in given], "refs": [ref for _, ref in given]}
    return len((await session.execute(looked, binds)).all())


async def _look_at_transfers(session: AsyncSession, ids: Sequence[uuid.UUID]) -> int:
    t = TRANSFERS.c
    looked = sa.update(TRANSFERS).where(sa.or_(t.id.in_(ids), t.reverses_id.in_(ids)), t.state == _WANTED)
    values = {"ask_at": clock.now(), "version": t.version + 1, "updated_at": clock.now()}
    return len((await session.execute(looked.values(values).returning(t.id))).all())


async def keep(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Keep what was found, and say whether it was not known before, or had been settled since."""
    now = clock.now()
    row = {"id": clock.new_id(), "created_at": now, "updated_at": now, "version": 1, "resolved_at": None, **values}
    found = insert(DISCREPANCIES).values(row)
    kept = found.on_conflict_do_update(
        index_elements=["gateway", "about", "ref", "found"],
        set_={"resolved_at": None, "updated_at": now, "version": _d.version + 1},
        where=_d.resolved_at.is_not(None),
    )
    return await session.scalar(kept.returning(_d.id)) is not None


async def resolve(session: AsyncSession, about: str, gateway: str, refs: Sequence[str]) -> None:
    """Note that both say the same of these again."""
    now = clock.now()
    settled = sa.update(DISCREPANCIES).where(
        _d.gateway == gateway, _d.about == about, _d.ref.in_(refs), _d.resolved_at.is_(None)
    )
    await session.execute(settled.values(resolved_at=now, updated_at=now, version=_d.version + 1))


async def open_ones(connection: AsyncConnection) -> list[sa.Row[Any]]:
    """Return what is not settled, the oldest first."""
    found = sa.select(DISCREPANCIES).where(_d.resolved_at.is_(None)).order_by(_d.id)
    return list((await connection.execute(found)).all())
