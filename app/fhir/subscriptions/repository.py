"""The SQL of subscriptions."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.fhir.subscriptions.models import SUBSCRIPTIONS, Subscription

_WANTED: Final = (
    sa.select(SUBSCRIPTIONS)
    .where(
        SUBSCRIPTIONS.c.community_id == sa.any_(sa.bindparam("communities", type_=ARRAY(sa.Uuid))),
        SUBSCRIPTIONS.c.type == sa.any_(sa.bindparam("types", type_=ARRAY(sa.Text))),
        sa.or_(
            SUBSCRIPTIONS.c.ends_at.is_(None),
            SUBSCRIPTIONS.c.ends_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        ),
    )
    .order_by(SUBSCRIPTIONS.c.id)
)
_ONE: Final = sa.select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == sa.bindparam("subscription", type_=sa.Uuid))
_OF_CLIENT: Final = (
    sa.select(SUBSCRIPTIONS)
    .where(SUBSCRIPTIONS.c.client_id == sa.bindparam("client", type_=sa.Uuid))
    .order_by(SUBSCRIPTIONS.c.id)
)


async def to_be_told(
    connection: AsyncConnection, communities: Collection[uuid.UUID], types: Collection[str]
) -> Sequence[sa.Row[Any]]:
    """Return the subscriptions in these communities to some kinds of resources that have not ended."""
    binds = {"communities": list(communities), "types": list(types), "now": clock.now()}
    return (await connection.execute(_WANTED, binds)).all()


async def one(connection: AsyncConnection, subscription_id: uuid.UUID) -> Any:
    """Return a subscription; ``None`` if it is gone."""
    return (await connection.execute(_ONE, {"subscription": subscription_id})).one_or_none()


async def of_client(connection: AsyncConnection, client_id: uuid.UUID) -> Sequence[sa.Row[Any]]:
    """Return a client's subscriptions: an organization has a handful at most."""
    return (await connection.execute(_OF_CLIENT, {"client": client_id})).all()


async def locked(session: AsyncSession, actor: Actor, subscription_id: uuid.UUID) -> Subscription:
    """Return a subscription of the client's, locked; raises ``NotFound``."""
    row = await session.get(Subscription, subscription_id, with_for_update={"key_share": True})
    if row is None or row.client_id != actor.id:
        raise NotFound
    return row
