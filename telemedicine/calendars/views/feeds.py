"""The SQL that finds a feed by its secret, and what it shows."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.problems import NotFound
from app.identity.api import actor_of, is_active_account, language_for, languages
from telemedicine.appointments.models import APPOINTMENTS
from telemedicine.calendars.models import FEEDS
from telemedicine.calendars.rules import feeds as rules
from telemedicine.calendars.schemas import FeedPublic
from telemedicine.clinics.models import PRACTITIONERS

_INSTANT = sa.DateTime(timezone=True)
_ACCOUNT = sa.bindparam("account_id", type_=sa.Uuid)
_FEED = sa.select(FEEDS.c.account_id, FEEDS.c.kind).where(
    FEEDS.c.digest == sa.bindparam("digest", type_=sa.LargeBinary), is_active_account(FEEDS.c.account_id)
)
_OWN = (
    sa.select(FEEDS.c.id, FEEDS.c.kind, FEEDS.c.created_at).where(FEEDS.c.account_id == _ACCOUNT).order_by(FEEDS.c.id)
)
_SHOWN = (
    sa.select(APPOINTMENTS)
    .where(
        APPOINTMENTS.c.starts_at > sa.bindparam("since", type_=_INSTANT),
        APPOINTMENTS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
    )
    .order_by(APPOINTMENTS.c.starts_at, APPOINTMENTS.c.id)
)
_BY_KIND = {
    "resident": _SHOWN.where(APPOINTMENTS.c.account_id == _ACCOUNT),
    # Whoever is put aside sees the clinic's patients no more; nor who is gone from it, as `_works_at` asks.
    "practitioner": _SHOWN.where(
        APPOINTMENTS.c.practitioner_id.in_(
            sa.select(PRACTITIONERS.c.id).where(PRACTITIONERS.c.account_id == _ACCOUNT, PRACTITIONERS.c.is_active)
        )
    ),
}


async def own(connection: AsyncConnection, account_id: uuid.UUID) -> list[FeedPublic]:
    """Return somebody's feeds."""
    rows = await connection.execute(_OWN, {"account_id": account_id})
    return [FeedPublic(id=row.id, kind=row.kind, created_at=row.created_at) for row in rows]


async def calendar(connection: AsyncConnection, digest: bytes) -> bytes:
    """Return what a feed shows, as iCalendar in its owner's language; raises ``NotFound`` where there is none."""
    feed: Any = (await connection.execute(_FEED, {"digest": digest})).one_or_none()
    if feed is None:
        raise NotFound
    now: datetime = clock.now()
    binds = {"account_id": feed.account_id, "since": now - rules.BEFORE, "until": now + rules.AHEAD}
    rows = list(await connection.execute(_BY_KIND[feed.kind], binds))
    if feed.kind == "practitioner":
        here = await _works_at(connection, feed.account_id)
        rows = [row for row in rows if row.organization_id in here]
    spoken = await languages(connection, [feed.account_id])
    return rules.calendar(rows, language_for(spoken.get(feed.account_id, "en")), now)


async def _works_at(connection: AsyncConnection, account_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the clinics at which somebody is a clinician today: an address outlives no employment."""
    actor = await actor_of(connection, account_id)
    held = actor.memberships if actor else ()
    return {one.organization_id for one in held if one.role == "clinician"}
