"""What time itself makes of how things stand, and those who hear of it."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import connection_of
from app.home_assistant.api import topics_of
from community.home_inbox import repository, views
from community.home_inbox.rules import traits_of
from community.home_inbox.service import followers
from community.home_states.service.taking import let_time_pass


async def look(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let happen what is due of the entities ``ids``, whose rows are locked; those that are gone are left alone."""
    known = await views.entities_by_id(connection_of(session), ids)
    traits = {one.entity_id: traits_of(one, topics_of(one.component, one.config)) for one in known}
    await repository.expect_nothing(session, [entity_id for entity_id in ids if entity_id not in traits])
    await followers.tell(session, await let_time_pass(session, traits))
