"""The SQL that writes broadcasts: who is next of an audience, and their notices."""

import uuid
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.identity.api import Audience
from notifications.broadcasts.models import Broadcast
from notifications.broadcasts.notices import ANNOUNCEMENT, BROADCAST_ID
from notifications.delivery.service import send_many
from notifications.templates.notices import Urgency

BATCH: Final = 5_000


def _given(name: str, type_: sa.types.TypeEngine[Any]) -> sa.Label[Any]:
    return sa.cast(sa.bindparam(f"given_{name}", type_=type_), type_).label(name)


_SAME: Final = (
    _given("community_id", sa.Uuid()),
    _given("dedupe_key", sa.Text()),
    _given("variables", JSONB()),
    _given("data", JSONB()),
    _given("channels", ARRAY(sa.Text)),
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an audience: how many people it had when it was measured, and the binds that find them."""

    count: int
    last: uuid.UUID | None
    binds: dict[str, Any]


async def lock(session: AsyncSession, broadcast_id: uuid.UUID) -> Broadcast:
    """Return a broadcast when nobody else holds it."""
    statement = sa.select(Broadcast).where(col(Broadcast.id) == broadcast_id)
    return (await session.scalars(statement.with_for_update(key_share=True))).one()


async def count(connection: AsyncConnection, audience: Audience, most: int | None = None) -> int:
    """Return how many people an audience has, at most ``most``."""
    counted = sa.select(sa.func.count()).select_from(audience.select.subquery())
    return await connection.scalar(counted, audience.binds | {"audience_size": most}) or 0


async def next_span(session: AsyncSession, audience: Audience, after: uuid.UUID | None) -> Span:
    """Return the audience's next batch: who comes into it meanwhile is in it, nobody is left out between two."""
    binds = audience.binds | ({} if after is None else {"audience_after": after})
    next_ones = audience.select.subquery("next_ones")
    measure = sa.select(sa.func.count().over(), next_ones.c.account_id).order_by(next_ones.c.account_id.desc()).limit(1)
    row = (await session.execute(measure, binds | {"audience_size": BATCH})).one_or_none()
    count, last = (0, None) if row is None else row
    return Span(count, last, binds | {"audience_up_to": last})


async def tell(session: AsyncSession, broadcast: Broadcast, audience: Audience, span: Span) -> int:
    """Write the announcement for the people of a span; return how many had not got it yet."""
    people = audience.select.subquery("people")
    binds = span.binds | {
        "given_community_id": broadcast.community_id,
        "given_dedupe_key": f"broadcast-{broadcast.id}",
        "given_variables": {"announcement": str(broadcast.id)},
        "given_data": {BROADCAST_ID: str(broadcast.id)},
        "given_channels": [*broadcast.channels, "inbox"],
    }
    urgency: Urgency = "high" if broadcast.urgency == "high" else "normal"
    recipients = sa.select(people.c.account_id, *_SAME)
    return await send_many(session, ANNOUNCEMENT, recipients, binds=binds, urgency=urgency)
