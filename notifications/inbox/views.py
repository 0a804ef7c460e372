"""The SQL that reads the inbox, and the rendering of its items in the language of who reads them."""

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.changes import KEPT_BY_APPS, Since, keyset, written_before
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.trails import trail_of
from app.identity import api as identity
from notifications.inbox.models import INBOX
from notifications.inbox.rules import Place
from notifications.inbox.schemas import InboxItemPublic
from notifications.templates.names import names_of
from notifications.templates.notices import notices
from notifications.templates.rendering import CannotRender, Reader, Text, render

COUNT_CAP = 1_000
_CURSOR = "inbox"
_UNKNOWN = Text(title="", body="", language="en")

_own = sa.and_(
    INBOX.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
    INBOX.c.expires_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)
_LIST = (
    sa.select(INBOX)
    .where(_own, after([INBOX.c.id], ["after_id"], descending=True))
    .order_by(INBOX.c.id.desc())
    .limit(sa.bindparam("size", type_=sa.Integer))
)
_CHANGED = keyset(sa.select(INBOX).where(_own, INBOX.c.id >= sa.bindparam("first_id", type_=sa.Uuid)), INBOX)
_WRITTEN = _CHANGED.where(written_before(INBOX))
INBOX_ITEMS = trail_of(
    sa.select(INBOX.c.account_id).where(
        INBOX.c.account_id == sa.any_(sa.bindparam("of_accounts", type_=ARRAY(sa.Uuid)))
    ),
    INBOX,
)
"""The trail of what comes into the inboxes of ``of_accounts``."""
_unread = sa.select(INBOX.c.id).where(_own, INBOX.c.read_at.is_(None)).limit(COUNT_CAP).subquery()
_COUNT = sa.select(sa.func.count()).select_from(_unread)

log = structlog.get_logger(__name__)


async def inbox(connection: AsyncConnection, account_id: uuid.UUID, page: PageRequest) -> Page[InboxItemPublic]:
    """Return a page of the account's notices, the newest first; raises ``Malformed`` for a cursor of another list."""
    position = decode_cursor(_CURSOR, page.cursor)[0] if page.cursor else None
    binds = {"account_id": account_id, "now": clock.now(), "after_id": position, "size": page.limit + 1}
    rows = (await connection.execute(_LIST, binds)).all()
    items = await _shown(connection, account_id, rows[: page.limit])
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ["id"]))


async def changed(connection: AsyncConnection, account_id: uuid.UUID, since: Since) -> list[InboxItemPublic]:
    """Return the account's notices of the last 90 days that are new or were read since, in the order of their ids."""
    now = clock.now()
    binds = {"account_id": account_id, "now": now, "first_id": clock.id_floor(now - KEPT_BY_APPS), **since.binds()}
    return await _shown(connection, account_id, (await connection.execute(_CHANGED, binds)).all())


async def written(connection: AsyncConnection, place: Place, limit: int) -> list[InboxItemPublic]:
    """Return what is left of a round of the inbox's stream: at most ``limit`` notices, in the order of their ids."""
    now = clock.now()
    since = {"account_id": place.of, "now": now, "first_id": clock.id_floor(now - KEPT_BY_APPS), "limit": limit}
    rows = (await connection.execute(_WRITTEN, since | place.binds())).all()
    return await _shown(connection, place.of, rows)


async def _shown(
    connection: AsyncConnection, account_id: uuid.UUID, rows: Sequence[sa.Row[Any]]
) -> list[InboxItemPublic]:
    """Return items in the language of who reads them."""
    if not rows:
        return []
    person = (await identity.people(connection, [account_id]))[account_id]
    reader = Reader(person.name, person.language, person.time_zone)
    known = notices()
    names = await names_of(
        connection, ((known[row.notice_key], row.variables) for row in rows if row.notice_key in known)
    )
    return [_public(row, _text(row, reader, names)) for row in rows]


def _text(row: sa.Row[Any], reader: Reader, names: dict[uuid.UUID, str]) -> Text:
    """Return an item's text; one of a notice that no longer exists is shown empty rather than hiding the others."""
    notice = notices().get(row.notice_key)
    if notice is None:
        return _UNKNOWN
    try:
        return render(notice, "inbox", reader, row.variables, names)
    except CannotRender as error:
        log.error("inbox_item_cannot_be_rendered", item_id=str(row.id), error=str(error))  # noqa: TRY400 - it may hold data
        return _UNKNOWN


def _public(row: sa.Row[Any], text: Text) -> InboxItemPublic:
    return InboxItemPublic(
        id=row.id,
        notice=row.notice_key,
        category=row.category,
        urgency=row.urgency,
        title=text.title or "",
        body=text.body,
        about=row.about,
        data=row.data,
        sent_at=row.sent_at,
        read_at=row.read_at,
    )


async def unread_count(connection: AsyncConnection, account_id: uuid.UUID) -> int:
    """Return how many of the account's notices are unread, at most ``COUNT_CAP``."""
    return await connection.scalar(_COUNT, {"account_id": account_id, "now": clock.now()}) or 0
