"""The SQL of events: one is kept once, and what it is of is made to be looked at, in one statement."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.billing.authorizations.models import CARD_PAYMENTS, CARD_REFUNDS
from app.billing.gateway_events.models import EVENTS
from app.billing.gateway_events.rules import About
from app.core.database import connection_of
from app.core.statements import HotStatement

_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.bindparam("now", type_=_INSTANT)
_GATEWAY = sa.bindparam("of_gateway", type_=sa.Text)
_OBJECT = sa.bindparam("object_ref", type_=sa.Text)


def _ours(rows: sa.Table) -> sa.CTE:
    """Return which of our rows an event is of, by the gateway's ref or by our own id that it was given."""
    by_ref = sa.and_(rows.c.gateway == _GATEWAY, rows.c.ref == _OBJECT)
    # One that has another ref of the gateway's already is not the one that is meant.
    is_without = sa.and_(rows.c.gateway == _GATEWAY, rows.c.ref.is_(None))
    by_id = sa.and_(is_without, rows.c.id == sa.bindparam("row_id", type_=sa.Uuid))
    return sa.select(rows.c.id, rows.c.state).where(sa.or_(by_ref, by_id)).cte("ours")


def _is_news(ours: sa.CTE) -> sa.Select[Any]:
    known = sa.bindparam("known_states", type_=ARRAY(sa.Text))
    return sa.select(ours.c.id).where(ours.c.state != sa.all_(known))


def _look_at_payment(ours: sa.CTE, condition: sa.ColumnElement[bool]) -> sa.UpdateBase:
    rows = CARD_PAYMENTS
    values = {
        "wish": sa.func.coalesce(rows.c.wish, sa.literal("look", sa.Text)),
        "ask_at": _NOW,
        "ref": sa.func.coalesce(rows.c.ref, _OBJECT),
        "version": rows.c.version + 1,
        "updated_at": _NOW,
    }
    return sa.update(rows).where(rows.c.id.in_(_is_news(ours)), condition).values(values)


def _look_at_refund(ours: sa.CTE, condition: sa.ColumnElement[bool]) -> sa.UpdateBase:
    rows = CARD_REFUNDS
    values = {
        "ask_at": _NOW,
        "ref": sa.func.coalesce(rows.c.ref, _OBJECT),
        "version": rows.c.version + 1,
        "updated_at": _NOW,
    }
    return sa.update(rows).where(rows.c.id.in_(_is_news(ours)), condition).values(values)


def _kept(outcome: Any) -> Any:
    given = {
        "id": sa.bindparam("event_id", type_=sa.Uuid),
        "created_at": _NOW,
        "updated_at": _NOW,
        "version": sa.literal(1, sa.Integer),
        "gateway": _GATEWAY,
        "ref": sa.bindparam("event_ref", type_=sa.Text),
        "kind": sa.bindparam("kind", type_=sa.Text),
        "object_ref": _OBJECT,
        "happened_at": sa.bindparam("happened_at", type_=_INSTANT),
        "body": sa.bindparam("body", type_=EVENTS.c.body.type),
        "outcome": outcome,
    }
    kept = insert(EVENTS).from_select(list(given), sa.select(*given.values()))
    return kept.on_conflict_do_nothing(index_elements=["gateway", "ref"]).returning(EVENTS.c.outcome)


def _take(rows: sa.Table, look: Any) -> HotStatement:
    ours = _ours(rows)
    known = sa.case((sa.exists(sa.select(ours.c.id)), "known"), else_="unknown")
    fresh = _kept(known).cte("fresh")
    looked = look(ours, sa.exists(sa.select(fresh.c.outcome))).cte("looked")
    return HotStatement(sa.select(fresh.c.outcome).add_cte(looked))


_TAKE: Final[Mapping[About, HotStatement]] = {
    "payment": _take(CARD_PAYMENTS, _look_at_payment),
    "refund": _take(CARD_REFUNDS, _look_at_refund),
    "other": HotStatement(_kept(sa.literal("kept", sa.Text))),
}


async def take(session: AsyncSession, about: About, values: Mapping[str, Any]) -> str | None:
    """Keep an event and let what it is of be looked at; return its outcome, ``None`` for one that is kept already."""
    row = await _TAKE[about].row(connection_of(session), values)
    return None if row is None else str(row["outcome"])


async def to_replay(connection: AsyncConnection, refs: Collection[str], since: datetime | None) -> list[sa.Row[Any]]:
    """Return the events with one of ``refs``, or all that were taken since an instant, the oldest first."""
    wanted = EVENTS.c.created_at >= since if since is not None else EVENTS.c.ref.in_(refs)
    return list((await connection.execute(sa.select(EVENTS).where(wanted).order_by(EVENTS.c.id))).all())


async def look_again(session: AsyncSession, about: About, values: Mapping[str, Any]) -> bool:
    """Let what an event is of be looked at once more; say whether there is such a row."""
    rows, look = (CARD_PAYMENTS, _look_at_payment) if about == "payment" else (CARD_REFUNDS, _look_at_refund)
    statement = look(_ours(rows), sa.true())
    return bool((await session.execute(statement.returning(rows.c.id), values)).all())


async def set_outcome(session: AsyncSession, event_id: uuid.UUID, outcome: str) -> None:
    """Store what came of an event when it was replayed."""
    await session.execute(sa.update(EVENTS).where(EVENTS.c.id == event_id).values(outcome=outcome))
