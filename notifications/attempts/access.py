"""Who may see what was undertaken to tell somebody something: the recipient, and staff who may see the resident."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import Forbidden, NotFound
from app.identity.api import require_resident

STAFF: Final = ("operator", "dispatcher", "coordinator")
_SCOPE: Final = "profile:read"


async def may_see(connection: AsyncConnection, actor: Actor, *, account_id: uuid.UUID, about: uuid.UUID | None) -> bool:
    """Say whether the actor may see the attempts to tell an account of something about a resident."""
    if actor.id == account_id:
        return True
    if about is None or not actor.holds(*STAFF):
        return False
    try:
        await require_resident(connection, actor, about, _SCOPE)
    except (Forbidden, NotFound):
        return False
    return True
