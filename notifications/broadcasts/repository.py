"""The SQL that writes broadcasts: who is next of an audience, and their notices."""

import uuid
from collections.abc import Sequence
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


_people = sa.func.unnest(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))).table_valued("id").render_derived("person")
_RECIPIENTS = sa.select(
    _people.c.id.label("account_id"),
    _given("community_id", sa.Uuid()),
    _given("dedupe_key", sa.Text()),
    _given("variables", JSONB()),
    _given("data", JSONB()),
    _given("channels", ARRAY(sa.Text)),
)


async def lock(session: AsyncSession, broadcast_id: uuid.UUID) -> Broadcast:
    """Return a broadcast when nobody else holds it."""
    statement = sa.select(Broadcast).where(col(Broadcast.id) == broadcast_id)
    return (await session.scalars(statement.with_for_update(key_share=True))).one()


async def count(connection: AsyncConnection, audience: Audience, most: int | None = None) -> int:
    """Return how many people an audience has, at most ``most``."""
    counted = sa.select(sa.func.count()).select_from(audience.select.subquery())
    return await connection.scalar(counted, audience.binds | {"audience_size": most}) or 0


async def next_people(session: AsyncSession, audience: Audience, after: uuid.UUID | None) -> Sequence[uuid.UUID]:
    """Return the accounts of the audience's next batch, in the order of ids."""
    position = {} if after is None else {"audience_after": after}
    found = await session.scalars(audience.select, audience.binds | {"audience_size": BATCH} | position)
    return found.all()


async def tell(session: AsyncSession, broadcast: Broadcast, account_ids: Sequence[uuid.UUID]) -> int:
    """Write the announcement for these people; return how many had not got it yet."""
    binds = {
        "account_ids": account_ids,
        "given_community_id": broadcast.community_id,
        "given_dedupe_key": f"broadcast-{broadcast.id}",
        "given_variables": {"announcement": str(broadcast.id)},
        "given_data": {BROADCAST_ID: str(broadcast.id)},
        "given_channels": [*broadcast.channels, "inbox"],
    }
    urgency: Urgency = "high" if broadcast.urgency == "high" else "normal"
    return await send_many(session, ANNOUNCEMENT, _RECIPIENTS, binds=binds, urgency=urgency)
