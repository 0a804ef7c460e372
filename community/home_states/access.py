"""Who may see how an entity stands and stood: whoever may see what its home notices."""

import uuid
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from fastapi import Request

from app.core.access import authenticate
from app.core.problems import FieldError, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.core.statements import HotStatement
from community.home_devices.models import ENTITIES
from community.homes.access import READ, HomeSubject, require_home

_ENTITY: Final = HotStatement(
    sa.select(ENTITIES.c.home_id, ENTITIES.c.resident_id, ENTITIES.c.unit, ENTITIES.c.state_class).where(
        ENTITIES.c.id == sa.bindparam("entity_id", type_=sa.Uuid)
    )
)


@dataclass(frozen=True, slots=True)
class EntitySubject:
    """The entity a request is about, and its home as the one who asks may see it."""

    id: uuid.UUID
    resident_id: uuid.UUID
    unit: str | None
    state_class: str | None
    home: HomeSubject


async def entity_guard(request: Request) -> EntitySubject:
    """Return the entity of the path to who may see what its home notices.

    Answers 401 to nobody, 404 where they may not know the home's holder, 403 without the scope.
    """
    actor = await authenticate(request)
    if actor.kind == "anonymous":
        raise Unauthenticated
    try:
        entity_id = uuid.UUID(str(request.path_params["entity_id"]))
    except ValueError:
        raise Malformed(errors=[FieldError("/path/entity_id", "not a UUID", "uuid_parsing")]) from None
    connection = await connection_of(request)
    row = await _ENTITY.row(connection, {"entity_id": entity_id})
    if row is None:
        raise NotFound
    home = await require_home(connection, actor, row["home_id"], READ)
    return EntitySubject(entity_id, row["resident_id"], row["unit"], row["state_class"], home)


entity_guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
