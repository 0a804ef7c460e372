"""The SQL that adds, finds and retires the keys of ticket codes."""

import uuid
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from community.ticket_codes.models import TICKET_KEYS, TicketKey

_INSTANT: Final = sa.DateTime(timezone=True)
_community = sa.bindparam("of_community", type_=sa.Uuid)
_SIGNING: Final[sa.Select[Any]] = sa.select(
    TICKET_KEYS.c.id, TICKET_KEYS.c.number, TICKET_KEYS.c.private, TICKET_KEYS.c.signed_until
).where(TICKET_KEYS.c.community_id == _community, TICKET_KEYS.c.retired_at.is_(None))
# Also of one that was retired meanwhile: it has signed, and verifies as long as that is good for.
_EXTEND: Final = (
    sa.update(TICKET_KEYS)
    .where(TICKET_KEYS.c.id == sa.bindparam("key_id", type_=sa.Uuid))
    .values(
        signed_until=sa.func.greatest(TICKET_KEYS.c.signed_until, sa.bindparam("until", type_=_INSTANT)),
        version=TICKET_KEYS.c.version + 1,
        updated_at=sa.bindparam("at", type_=_INSTANT),
    )
)
_NUMBERS: Final = sa.select(TICKET_KEYS).where(TICKET_KEYS.c.community_id == _community).with_for_update()
_RETIRE: Final = (
    sa.update(TICKET_KEYS)
    .where(TICKET_KEYS.c.community_id == _community, TICKET_KEYS.c.retired_at.is_(None))
    .values(
        retired_at=sa.bindparam("at", type_=_INSTANT),
        is_compromised=sa.bindparam("compromised", type_=sa.Boolean),
        version=TICKET_KEYS.c.version + 1,
        updated_at=sa.bindparam("at", type_=_INSTANT),
    )
)
_DROP: Final = sa.delete(TICKET_KEYS).where(
    TICKET_KEYS.c.community_id == _community, TICKET_KEYS.c.number == sa.bindparam("key_number", type_=sa.SmallInteger)
)


async def signing_key(connection: AsyncConnection, community_id: uuid.UUID) -> sa.Row[Any] | None:
    """Return the key that signs a community's codes, if it has one yet."""
    found: sa.Row[Any] | None = (await connection.execute(_SIGNING, {"of_community": community_id})).one_or_none()
    return found


async def add(connection: AsyncConnection, key: TicketKey) -> bool:
    """Insert a key; return whether none signs for the community or has its number yet."""
    values = {column.name: getattr(key, column.name) for column in TICKET_KEYS.columns}
    inserted = insert(TICKET_KEYS).values(values).on_conflict_do_nothing().returning(TICKET_KEYS.c.id)
    return (await connection.execute(inserted)).first() is not None


async def extend(connection: AsyncConnection, key_id: uuid.UUID, until: datetime, at: datetime) -> None:
    """Let a key verify until an instant at least."""
    await connection.execute(_EXTEND, {"key_id": key_id, "until": until, "at": at})


async def locked_keys(session: AsyncSession, community_id: uuid.UUID) -> list[sa.Row[Any]]:
    """Return all keys of a community, locked."""
    return list(await session.execute(_NUMBERS, {"of_community": community_id}))


async def retire(session: AsyncSession, community_id: uuid.UUID, at: datetime, *, compromised: bool) -> None:
    """Let the key that signs sign no more."""
    await session.execute(_RETIRE, {"of_community": community_id, "at": at, "compromised": compromised})


async def drop(session: AsyncSession, community_id: uuid.UUID, number: int) -> None:
    """Forget the key of a number, whose tickets are over."""
    await session.execute(_DROP, {"of_community": community_id, "key_number": number})
