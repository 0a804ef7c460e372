"""The SQL that reads proxies."""

import uuid
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.audit import trace_binds, trace_each_binds, traced, traced_each
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.sealing import unseal
from app.core.tables import table_of
from app.identity.api import account_name, explain, grant_revoked_at
from app.media.api import attached
from eldercare.proxies.models import NOTE_CONTEXT, Proxy
from eldercare.proxies.rules import State
from eldercare.proxies.schemas import ProxyPublic

MEDIA_KIND = "eldercare.proxy"
_CURSOR = "eldercare.proxies"

_proxies = table_of(Proxy)
_named = sa.select(
    *(column for column in _proxies.columns if column.name != "revoked_at"),
    account_name(_proxies.c.account_id).label("name"),
    # A grant ends in other ways, too, and comes back when the end of a residence was a mistake: it says what is so.
    sa.func.coalesce(_proxies.c.revoked_at, grant_revoked_at(_proxies.c.grant_id)).label("revoked_at"),
)
_limit = sa.bindparam("limit", type_=sa.Integer)
_OF_RESIDENT = (
    _named.where(
        _proxies.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        after((_proxies.c.id,), ("after_id",), descending=True),
    )
    .order_by(_proxies.c.id.desc())
    .limit(_limit)
)
_OF_RESIDENT_TRACED = traced(_OF_RESIDENT, "proxy:list")
_WAITING = traced_each(
    _named.where(
        _proxies.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _proxies.c.state == "proposed",
        after((_proxies.c.id,), ("after_id",)),
    )
    .order_by(_proxies.c.id)
    .limit(_limit),
    "proxy:list",
)
_ONE = _named.where(_proxies.c.id == sa.bindparam("proxy_id", type_=sa.Uuid))
_ACTS = sa.select(
    sa.exists().where(
        _proxies.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        _proxies.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        _proxies.c.state == "in_force",
        sa.or_(
            _proxies.c.ends_at.is_(None), _proxies.c.ends_at > sa.bindparam("now", type_=sa.DateTime(timezone=True))
        ),
        grant_revoked_at(_proxies.c.grant_id).is_(None),
    )
)


async def proxies_of(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    page: PageRequest,
    language: str,
    *,
    is_own: bool,
) -> Page[ProxyPublic]:
    """Return a page of a resident's proxies, those that ended among them, the latest first."""
    binds = _binds(page) | {"resident_id": resident_id}
    statement = _OF_RESIDENT
    if not is_own:
        statement, binds = _OF_RESIDENT_TRACED, binds | trace_binds(actor, resident_id=resident_id)
    rows = (await connection.execute(statement, binds)).all()
    return await _page(connection, rows, page, language)


async def proxies_to_check(
    connection: AsyncConnection, actor: Actor, page: PageRequest, language: str
) -> Page[ProxyPublic]:
    """Return a page of the community's proxies that wait to be checked, the longest waiting first."""
    binds = _binds(page) | {"community_id": actor.community_id} | trace_each_binds(actor, shown=page.limit)
    rows = (await connection.execute(_WAITING, binds)).all()
    return await _page(connection, rows, page, language)


async def acts_for(connection: AsyncConnection, resident_id: uuid.UUID, account_id: uuid.UUID) -> bool:
    """Say whether somebody is a resident's proxy, now or from an agreed day on."""
    binds = {"resident_id": resident_id, "account_id": account_id, "now": clock.now()}
    return bool(await connection.scalar(_ACTS, binds))


async def proxy(connection: AsyncConnection, proxy_id: uuid.UUID, language: str) -> ProxyPublic:
    """Return a proxy that is known to be there."""
    row = (await connection.execute(_ONE, {"proxy_id": proxy_id})).one()
    return (await _shown(connection, [row], language))[0]


def _binds(page: PageRequest) -> dict[str, Any]:
    (last_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None,)
    return {"limit": page.limit + 1, "after_id": uuid.UUID(last_id) if last_id else None}


async def _page(connection: AsyncConnection, rows: Any, page: PageRequest, language: str) -> Page[ProxyPublic]:
    items = await _shown(connection, rows[: page.limit], language)
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def _shown(connection: AsyncConnection, rows: Any, language: str) -> list[ProxyPublic]:
    documents = await attached(connection, MEDIA_KIND, [row.id for row in rows]) if rows else {}
    plain = ProxyPublic.model_fields.keys() - {"document", "explanation", "note", "state"}
    now = clock.now()
    return [
        ProxyPublic(
            **{name: getattr(row, name) for name in plain},
            state=_state(row, now),
            document=next(iter(documents[row.id]), None),
            explanation=explain(language, "proxy", row.name or "", row.scopes),
            note=unseal(row.note, NOTE_CONTEXT) if row.note else None,
        )
        for row in rows
    ]


def _state(row: Any, now: datetime) -> State | Literal["ended"]:
    stored: State = row.state
    if stored == "in_force" and row.revoked_at is not None:
        return "revoked"
    return "ended" if stored == "in_force" and row.ends_at is not None and row.ends_at <= now else stored
