"""Which kinds of cards a community knows: kept by its operator."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.routing import check_version
from community.citizen_cards import repository
from community.citizen_cards.models import CardScheme
from community.citizen_cards.problems import CardSchemeExists, CardSchemeUsed
from community.citizen_cards.schemas import CardSchemeCreate, CardSchemeWrite

_SHAPE: Final = ("symbols", "shortest", "longest", "check_by")


async def add(session: AsyncSession, actor: Actor, data: CardSchemeCreate) -> CardScheme:
    """Add a kind of card; raises ``CardSchemeExists``."""
    row = CardScheme(community_id=actor.community_id, **data.model_dump())
    if not await repository.add(session, row):
        raise CardSchemeExists
    await audit.record(session, actor, "card_scheme:add", object_id=row.id)
    return row


async def change(
    session: AsyncSession, actor: Actor, scheme_id: uuid.UUID, data: CardSchemeWrite, if_match: int | None
) -> CardScheme:
    """Say what a kind of card is from now on: what its cards entitle to, at once for all that are linked.

    Raises ``NotFound``, ``StaleVersion``, ``CardSchemeUsed`` where numbers would have to look otherwise.
    """
    row = await repository.locked_scheme(session, actor.community_id, scheme_id)
    check_version(row, if_match)
    given = data.model_dump()
    if any(getattr(row, name) != given[name] for name in _SHAPE) and await repository.is_used(session, row.id):
        raise CardSchemeUsed
    for name, value in given.items():
        setattr(row, name, value)
    await session.flush()
    await audit.record(session, actor, "card_scheme:set", object_id=row.id)
    return row
