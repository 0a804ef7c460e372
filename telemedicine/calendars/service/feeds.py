"""Feeds: made, and revoked for good."""

import hashlib
import secrets
import uuid
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.core import audit
from app.core.access import Actor
from app.core.problems import NotFound
from telemedicine.calendars.models import CalendarFeed
from telemedicine.calendars.problems import TooManyFeeds
from telemedicine.calendars.schemas import FeedAddress, FeedCreate
from telemedicine.calendars.views import feeds as views

MOST: Final = 10
_SECRET_BYTES: Final = 32


def digest_of(secret: str) -> bytes:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


async def create(session: AsyncSession, actor: Actor, data: FeedCreate) -> FeedAddress:
    """Make a feed of the actor's and return it with its address, which is told this once; raises ``TooManyFeeds``."""
    if len(await views.own(await session.connection(), actor.id)) >= MOST:
        raise TooManyFeeds(most=MOST)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    row = CalendarFeed(community_id=actor.community_id, account_id=actor.id, kind=data.kind, digest=digest_of(secret))
    session.add(row)
    await session.flush()
    await audit.record(session, actor, "calendar_feed:create", object_id=row.id)
    return FeedAddress(id=row.id, kind=data.kind, created_at=row.created_at, path=f"/v1/calendars/{secret}")


async def revoke(session: AsyncSession, actor: Actor, feed_id: uuid.UUID) -> None:
    """Make a feed's address worth nothing; raises ``NotFound`` for what is not the actor's."""
    statement = sa.select(CalendarFeed).where(col(CalendarFeed.id) == feed_id, col(CalendarFeed.account_id) == actor.id)
    row = await session.scalar(statement)
    if row is None:
        raise NotFound
    await session.delete(row)
    await session.flush()
    await audit.record(session, actor, "calendar_feed:revoke", object_id=feed_id)


async def read(connection: AsyncConnection, secret: str) -> bytes:
    """Return what the feed at a secret address shows; raises ``NotFound``."""
    return await views.calendar(connection, digest_of(secret))
