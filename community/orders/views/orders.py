"""The SQL that reads orders: a resident's, a provider's, a worker's day, and one with all there is to it."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.statements import HotStatement
from app.identity.api import ResidentSubject, homes, organizations_named, trace_read
from community.housekeeping.rules import hundredths
from community.orders import rules
from community.orders.models import ORDERS, PLACE
from community.orders.schemas.shown import OrderPublic, StopPublic
from community.workers.models import WORKERS

_LIST_KIND: Final = "community.orders"
_DAY_KIND: Final = "community.orders_of_day"
_INSTANT = sa.DateTime(timezone=True)
_LONGER_THAN_ANY: Final = timedelta(days=1)
"""No order is as long: what began before that is over."""
_POSITION: Final = ((ORDERS.c.starts_at, ORDERS.c.id), ("after_starts_at", "after_id"))
_limit = sa.bindparam("limit", type_=sa.Integer)
_since, _until = (sa.bindparam(name, type_=_INSTANT) for name in ("since", "until"))
_earliest = sa.bindparam("earliest", type_=_INSTANT)

SHOWN: Final = sa.select(ORDERS, WORKERS.c.display_name.label("worker")).outerjoin(
    WORKERS,
    sa.and_(
        WORKERS.c.organization_id == ORDERS.c.organization_id,
        WORKERS.c.account_id == ORDERS.c.worker_id,
    ),
)
"""An order with what whoever comes is called."""
_LIST: Final = (
    SHOWN.where(ORDERS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), after(*_POSITION, descending=True))
    .order_by(ORDERS.c.starts_at.desc(), ORDERS.c.id.desc())
    .limit(_limit)
)
_of_day = (
    SHOWN.where(
        ORDERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        ORDERS.c.starts_at > _earliest,
        ORDERS.c.ends_at > _since,
        ORDERS.c.starts_at < _until,
        after(*_POSITION),
    )
    .order_by(ORDERS.c.starts_at, ORDERS.c.id)
    .limit(_limit)
)
_DAY: Final = {
    False: audit.traced_each(_of_day, "orders:list_day"),
    True: audit.traced_each(_of_day.where(ORDERS.c.state == sa.bindparam("state", type_=sa.Text)), "orders:list_day"),
}
_STOPS: Final = audit.traced_each(
    SHOWN.where(
        ORDERS.c.worker_id == sa.bindparam("own_account", type_=sa.Uuid),
        ORDERS.c.starts_at > _earliest,
        ORDERS.c.ends_at + ORDERS.c.extra_duration > _since,
        ORDERS.c.starts_at < _until,
        ORDERS.c.state.in_([sa.literal(state, sa.Text) for state in (*rules.WITH_WORKER, "finished", "closed")]),
    ).order_by(ORDERS.c.starts_at, ORDERS.c.id),
    "orders:day",
)
_ONE: Final = HotStatement(SHOWN.where(ORDERS.c.id == sa.bindparam("order_id", type_=sa.Uuid)))
_OWN: Final = OrderPublic.model_fields.keys() & ORDERS.c.keys()


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[OrderPublic]:
    """Return a page of a resident's orders, the latest (and those ahead) first."""
    await trace_read(connection, actor, subject, "orders:list")
    binds = {"resident_id": subject.resident_id, **_paging(_LIST_KIND, page)}
    return await _page(connection, _LIST_KIND, list(await connection.execute(_LIST, binds)), page)


async def of_provider(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    span: tuple[datetime, datetime],
    state: rules.State | None,
    page: PageRequest,
) -> Page[OrderPublic]:
    """Return a page of a provider's orders in a stretch of time, in order; reading them is on record."""
    binds = {
        "organization_id": organization_id,
        **_stretch(span),
        **_paging(_DAY_KIND, page),
        **audit.trace_each_binds(actor, shown=page.limit, object_id=organization_id),
        **({"state": state} if state else {}),
    }
    return await _page(connection, _DAY_KIND, list(await connection.execute(_DAY[state is not None], binds)), page)


async def worker_day(connection: AsyncConnection, actor: Actor, span: tuple[datetime, datetime]) -> list[StopPublic]:
    """Return what the actor carries out in a stretch of time, in order; reading it is on record for each resident.

    Where it is they see of what is theirs to do, and no longer than that.
    """
    binds = {"own_account": actor.id, **_stretch(span), **audit.trace_each_binds(actor, shown=1000)}
    rows = list(await connection.execute(_STOPS, binds))
    found = await homes(connection, {row.resident_id for row in rows})
    now = clock.now()
    shown = await publics(connection, rows)
    stops = []
    for row, public in zip(rows, shown, strict=True):
        home = found.get(row.resident_id)
        stops.append(
            StopPublic(
                **public.model_dump(),
                name=home.name if home else "—",
                language=home.language if home else "en",
                shows_door=rules.shows_door(row.state, times(row), now),
                **place(row, is_shown=row.state in rules.WITH_WORKER),
            )
        )
    return stops


async def row_of(connection: AsyncConnection, order_id: uuid.UUID) -> Any:
    """Return an order whose reader's rights were checked; raises ``NotFound``."""
    rows = await _ONE.rows(connection, {"order_id": order_id})
    if not rows:
        raise NotFound
    return rows[0]


async def shown(connection: AsyncConnection, order_id: uuid.UUID) -> OrderPublic:
    """Return an order whose reader's rights were checked; raises ``NotFound``."""
    return (await publics(connection, [await row_of(connection, order_id)]))[0]


async def publics(connection: AsyncConnection, rows: Sequence[Any]) -> list[OrderPublic]:
    """Return orders of one community as everybody sees them who may know of them."""
    if not rows:
        return []
    named = await organizations_named(connection, rows[0].community_id, {row.organization_id for row in rows})
    now = clock.now()
    return [OrderPublic(**fields(row, named[row.organization_id].name, row.worker, now)) for row in rows]


def fields(row: Any, provider: str, worker: str | None, now: datetime) -> dict[str, Any]:
    """Return what everybody sees of an order who may know of it, with what provider and worker are called."""
    is_over = row.hold_until is not None and row.hold_until <= now
    return {name: getattr(row, name) for name in _OWN} | {
        # A hold that is over is over, though no worker has written it down yet.
        "state": "expired" if is_over else row.state,
        "provider": provider,
        "worker": worker,
        "ends_at": row.ends_at + row.extra_duration,
        "is_late": row.state in rules.AHEAD and row.starts_at + rules.LATE <= now,
        "total": row.total_amount + row.extra_amount,
        "free_until": rules.free_until(row.wanted_at, row.starts_at, row.notice_period),
        "late_fee": hundredths(row.total_amount, row.late_percent),
        "fee": row.fee_amount,
    }


def times(row: Any) -> rules.Times:
    """Return when an order is planned, and how long it takes."""
    return rules.Times(row.starts_at, row.ends_at, row.extra_duration, row.started_at)


def place(row: Any, *, is_shown: bool) -> dict[str, Any]:
    """Return where an order is carried out, as it was ordered; nothing unless it ``is_shown``."""
    names: Iterable[str] = ("address", "building", "latitude", "longitude")
    if not is_shown or row.place is None:
        return dict.fromkeys(names)
    found: dict[str, Any] = orjson.loads(unseal(row.place, PLACE))
    return {name: found[name] for name in names}


async def _page(
    connection: AsyncConnection, kind: str, rows: Sequence[sa.Row[Any]], page: PageRequest
) -> Page[OrderPublic]:
    items = await publics(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ["starts_at", "id"]))


def _stretch(span: tuple[datetime, datetime]) -> dict[str, Any]:
    return {"earliest": span[0] - _LONGER_THAN_ANY, "since": span[0], "until": span[1]}


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    starts_at, last_id = decode_cursor(kind, page.cursor) if page.cursor else (None, None)
    return {
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
