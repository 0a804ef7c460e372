"""The SQL that writes notices: one statement gives each recipient a key once, with its inbox item and deliveries."""

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, distinct_on, insert

from app.core import set_ids
from app.core.statements import HotStatement
from notifications.delivery.models import DEDUPE, DELIVERIES, MOST_CHANNELS
from notifications.delivery.rules import Lane, lane_number
from notifications.inbox.models import INBOX

_INSTANT = sa.DateTime(timezone=True)
_CHANNELS = ARRAY(sa.Text)
_EMPTY = sa.literal_column("CAST('{}' AS jsonb)", JSONB)
_KEY = ("account_id", "dedupe_key")


def is_in(lane: Lane) -> sa.ColumnElement[bool]:
    """Return the condition that a delivery travels in ``lane``; a literal, so that the planner knows it."""
    return DELIVERIES.c.lane == sa.literal_column(str(lane_number(lane)))


def _null(type_: sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]]) -> sa.ColumnElement[Any]:
    return sa.cast(sa.null(), type_)


def _required_column(source: sa.CTE, name: str) -> sa.ColumnElement[Any]:
    if name not in source.c:
        raise ValueError(f"the select of recipients must yield {name}")
    return source.c[name].label(name)


def _optional_columns(source: sa.CTE) -> dict[str, sa.ColumnElement[Any]]:
    """Return what the source may leave out, with what it is then."""
    defaults: dict[str, sa.ColumnElement[Any]] = {
        "variables": _EMPTY,
        "data": _EMPTY,
        "about": _null(sa.Uuid),
        "origin_id": _null(sa.Uuid),
        "contact_point_id": _null(sa.Uuid),
        "collapse_key": source.c.dedupe_key,
        "channels": sa.bindparam("channels", type_=_CHANNELS),
        "send_at": sa.bindparam("written_at", type_=_INSTANT),
        "expires_at": sa.bindparam("stale_at", type_=_INSTANT),
    }
    return {
        name: sa.func.coalesce(source.c[name], default) if name in source.c else default
        for name, default in defaults.items()
    }


def _text(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text)


def _copied(
    table: sa.Table,
    values: dict[str, sa.ColumnElement[Any]],
    source: sa.FromClause,
    *which: sa.ColumnElement[bool],
) -> Any:
    return insert(table).from_select(list(values), sa.select(*values.values()).select_from(source).where(*which))


def _common(wanted: sa.CTE) -> dict[str, sa.ColumnElement[Any]]:
    """Return the columns an inbox item and a delivery share."""
    copied: dict[str, sa.ColumnElement[Any]] = {
        name: wanted.c[name] for name in ("community_id", "account_id", "about", "variables", "data")
    }
    return copied | {name: _text(name) for name in ("notice_key", "category", "urgency")}


def _written(wanted: sa.CTE) -> tuple[sa.CTE, sa.CTE, sa.CTE]:
    """Return the inserts of keys, inbox items and deliveries; only a key that is new brings the other two."""
    keys = sa.select(
        *(wanted.c[name] for name in (*_KEY, "notice_id")), sa.bindparam("forget_at", type_=_INSTANT)
    ).order_by(wanted.c.account_id, wanted.c.dedupe_key)  # in one order everywhere: two senders never deadlock
    fresh = (
        insert(DEDUPE)
        .from_select([*_KEY, "notice_id", "expires_at"], keys)
        .on_conflict_do_nothing()
        .returning(DEDUPE.c.notice_id)
        .cte("fresh")
    )
    # Inside IS TRUE it is looked up in a hash, whatever the planner believes: a join of what it takes for single rows
    # would compare each with each.
    is_fresh = wanted.c.notice_id.in_(sa.select(fresh.c.notice_id)).is_(sa.true())
    item = _common(wanted) | {
        "id": wanted.c.notice_id,
        "sent_at": sa.bindparam("written_at", type_=_INSTANT),
        "expires_at": sa.bindparam("inbox_until", type_=_INSTANT),
    }
    in_inbox = sa.literal("inbox") == sa.any_(wanted.c.channels)
    items = _copied(INBOX, item, wanted, is_fresh, in_inbox).cte("items")
    outgoing = wanted.c.outgoing
    first_only = sa.bindparam("first_only", type_=sa.Boolean)
    at_once = sa.case((first_only, outgoing[1:1]), else_=outgoing)
    later = sa.case((first_only, outgoing[2:MOST_CHANNELS]), else_=sa.literal_column("CAST('{}' AS text[])", _CHANNELS))
    channels = sa.func.unnest(at_once).table_valued("name").render_derived("channel")
    delivery = _common(wanted) | {
        "id": set_ids.minted_id(),
        "notice_id": wanted.c.notice_id,
        "contact_point_id": wanted.c.contact_point_id,
        "lane": sa.bindparam("lane", type_=sa.SmallInteger),
        "channel": channels.c.name,
        "fallbacks": later,
        "state": sa.literal_column("'queued'"),
        "send_at": wanted.c.send_at,
        "expires_at": wanted.c.expires_at,
        "attempts": sa.literal_column("0"),
        "fence": sa.literal_column("0"),
        "origin_kind": sa.case((wanted.c.origin_id.is_not(None), _text("origin_kind"))),
        "origin_id": wanted.c.origin_id,
        "dedupe_key": wanted.c.dedupe_key,
        "collapse_key": wanted.c.collapse_key,
    }
    source = wanted.join(channels, sa.true())
    deliveries = _copied(DELIVERIES, delivery, source, is_fresh).returning(DELIVERIES.c.id)
    return fresh, items, deliveries.cte("deliveries")


@dataclass(frozen=True, slots=True)
class Writing:
    """The statement for one source of recipients, returning the delivery ids or the number of new notices."""

    ids: sa.Select[uuid.UUID]
    count: sa.Select[int]


def writing(recipients: sa.Select[*tuple[Any, ...]]) -> Writing:
    """Return the statement that gives every row of ``recipients`` its notice.

    Raises ``ValueError`` for a missing column.
    """
    source = recipients.cte("recipient")
    required = [_required_column(source, name) for name in ("account_id", "community_id", "dedupe_key")]
    optional = _optional_columns(source)
    optional["outgoing"] = sa.func.array_remove(optional["channels"], sa.literal("inbox"), type_=_CHANNELS)
    # One row per key: a source that names a recipient twice must not make two deliveries under one key.
    wanted = (
        sa.select(
            *required,
            set_ids.minted_id().label("notice_id"),
            *(column.label(name) for name, column in optional.items()),
        )
        .ext(distinct_on(source.c.account_id, source.c.dedupe_key))
        .order_by(source.c.account_id, source.c.dedupe_key)
        .cte("wanted")
    )
    fresh, items, deliveries = _written(wanted)
    return Writing(
        ids=sa.select(deliveries.c.id).add_cte(fresh, items),
        count=sa.select(sa.func.count()).select_from(fresh).add_cte(items, deliveries),
    )


@lru_cache(maxsize=1)
def writing_to_accounts() -> HotStatement:
    """Return the statement of ``send``, which returns the deliveries' ids.

    The recipients are the bind ``account_ids``, the rest is the same for each.
    """
    accounts = (
        sa.func.unnest(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))).table_valued("id").render_derived("account")
    )
    same: dict[str, sa.types.TypeEngine[Any]] = {
        "community_id": sa.Uuid(),
        "dedupe_key": sa.Text(),
        "variables": JSONB(),
        "data": JSONB(),
        "about": sa.Uuid(),
        "origin_id": sa.Uuid(),
        "contact_point_id": sa.Uuid(),
        "collapse_key": sa.Text(),
        "send_at": _INSTANT,
        "expires_at": _INSTANT,
    }
    given = [sa.cast(sa.bindparam(f"given_{name}", type_=type_), type_).label(name) for name, type_ in same.items()]
    return HotStatement(writing(sa.select(accounts.c.id.label("account_id"), *given)).ids)


_community = sa.bindparam("of_community", type_=sa.Uuid)
_now = sa.bindparam("now", type_=_INSTANT)
_others = DELIVERIES.alias("others")
# Fallbacks make a chain: what took the place of another is in one with it, what went out beside it is not.
_reached_otherwise = sa.exists().where(
    _others.c.notice_id == DELIVERIES.c.notice_id,
    _others.c.id != DELIVERIES.c.id,
    sa.or_(_others.c.fallback_of.is_not(None), DELIVERIES.c.fallback_of.is_not(None)),
    sa.or_(_others.c.delivered_at.is_not(None), _others.c.state == sa.literal("sent")),
)
_REPLAY = (
    sa.update(DELIVERIES)
    .where(
        DELIVERIES.c.state == sa.literal_column("'parked'"),
        sa.or_(_community.is_(None), DELIVERIES.c.community_id == _community),
    )
    .values(state="queued", attempts=0, send_at=_now, settled_at=None)
)
REPLAY_ALL = _REPLAY.where(DELIVERIES.c.expires_at > _now, ~_reached_otherwise)
"""Queue parked deliveries again that are still of use and whose fallback did not reach anybody."""

REPLAY_NAMED = _REPLAY.where(DELIVERIES.c.id == sa.any_(sa.bindparam("delivery_ids", type_=ARRAY(sa.Uuid)))).values(
    expires_at=sa.func.greatest(DELIVERIES.c.expires_at, sa.bindparam("useful_until", type_=_INSTANT))
)
"""Queue the parked deliveries of the bind ``delivery_ids`` again, whatever became of them, with time to be of use."""

SUPPRESS_ABOUT = (
    sa.update(DELIVERIES)
    .where(
        sa.or_(
            sa.and_(DELIVERIES.c.send_at.is_not(None), DELIVERIES.c.state == sa.literal("queued")),
            sa.and_(DELIVERIES.c.digest_id.is_not(None), DELIVERIES.c.state == sa.literal("held")),
        ),
        DELIVERIES.c.urgency != sa.literal("critical"),
        DELIVERIES.c.about == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
    )
    .values(state="suppressed", send_at=None, error="resident_closed", settled_at=sa.bindparam("now", type_=_INSTANT))
)
"""Take back what is not sent yet about residents who are gone; an alarm is closed by people, not by this."""

_withdrawn = (
    sa.select(DELIVERIES.c.id)
    .where(
        DELIVERIES.c.origin_id == sa.any_(sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid))),
        DELIVERIES.c.origin_kind == sa.bindparam("of_kind", type_=sa.Text),
        sa.or_(DELIVERIES.c.state.in_(["queued", "held", "sending"]), DELIVERIES.c.receipt_by.is_not(None)),
    )
    .order_by(DELIVERIES.c.id)  # in one order everywhere: two batches never deadlock
    .with_for_update(key_share=True)
    .cte("withdrawn")
)
_waits = DELIVERIES.c.state.in_(["queued", "held"])
WITHDRAW = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.id == _withdrawn.c.id)
    .values(
        state=sa.case((_waits, sa.literal_column("'suppressed'")), else_=DELIVERIES.c.state),
        send_at=sa.case((~_waits, DELIVERIES.c.send_at)),
        error=sa.case((_waits, sa.literal_column("'withdrawn'")), else_=DELIVERIES.c.error),
        settled_at=sa.case((_waits, _now), else_=DELIVERIES.c.settled_at),
        # What is on its way cannot be called back; what would take its place is stale before it is sent.
        expires_at=sa.func.least(DELIVERIES.c.expires_at, _now),
        receipt_by=None,
    )
    .returning(DELIVERIES.c.state)
)
"""Take back what was sent for the bind ``origin_ids``: what waits is not sent, what was sent is not followed up."""
