"""The trail as other systems read it: found by what is in it, and checked for who asks."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest
from app.core.problems import NotFound
from app.identity.data_accesses import views
from app.identity.data_accesses.schemas import DataAccess
from app.identity.data_accesses.views import AccessQuery
from app.identity.scopes import GRANTS_MANAGE
from app.identity.visibility import require_resident

_LANGUAGE = "en"


async def accesses(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, query: AccessQuery, page: PageRequest
) -> Page[DataAccess]:
    """Return a page of what others did with a resident's data, the latest first.

    Raises ``NotFound``, ``Forbidden`` without ``grants:manage``.
    """
    subject = await require_resident(connection, actor, resident_id, GRANTS_MANAGE)
    return await views.data_accesses(connection, actor, subject, page, _LANGUAGE, query)


async def access(connection: AsyncConnection, actor: Actor, entry_id: uuid.UUID) -> tuple[uuid.UUID, DataAccess]:
    """Return one thing that was done with a resident's data, and whose it is; raises as ``accesses``."""
    resident_id = await views.whose(connection, entry_id)
    page = await accesses(connection, actor, resident_id, AccessQuery(ids=[entry_id]), PageRequest(1, None))
    if not page.items:
        raise NotFound
    return resident_id, page.items[0]
