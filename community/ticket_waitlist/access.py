"""Who waits, and who may have somebody wait: whose day it is, and whoever may order for them."""

import uuid
from typing import Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.problems import FieldError, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.identity.api import ResidentSubject, require_resident
from community.ticket_waitlist.models import WAITS

READ: Final = "home_services:read"
ORDER: Final = "home_services:order"

_WHOSE: Final = sa.select(WAITS.c.resident_id).where(WAITS.c.id == sa.bindparam("wait_id", type_=sa.Uuid))


async def require_wait(connection: AsyncConnection, actor: Actor, wait_id: uuid.UUID) -> ResidentSubject:
    """Return who waits, if the actor may order for them; raises ``NotFound``, ``Forbidden``."""
    found = (await connection.execute(_WHOSE, {"wait_id": wait_id})).scalar_one_or_none()
    if found is None:
        raise NotFound
    return await require_resident(connection, actor, found, ORDER)


async def wait_guard(request: Request) -> ResidentSubject:
    """Hand over who waits by the entry of the path, to whoever may order for them.

    401 for nobody, 404 for whoever may not know of them, 403 without the scope.
    """
    actor = await authenticate(request)
    if actor.kind == "anonymous":
        raise Unauthenticated
    try:
        wait_id = uuid.UUID(str(request.path_params["wait_id"]))
    except ValueError:
        raise Malformed(errors=[FieldError("/path/wait_id", "not a UUID", "uuid_parsing")]) from None
    return await require_wait(await connection_of(request), actor, wait_id)


wait_guard.scope = ORDER  # type: ignore[attr-defined]  # read by the access matrix test
