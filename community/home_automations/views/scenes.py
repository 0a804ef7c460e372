"""Scenes as they are shown."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.identity.api import trace_read
from community.home_automations.access import HomeSubject
from community.home_automations.models import SCENES
from community.home_automations.schemas import HomeScenePublic

_KIND: Final = "community.home_scenes"
_COLUMNS: Final = [SCENES.c[name] for name in HomeScenePublic.model_fields]
_ONE: Final = sa.select(*_COLUMNS).where(SCENES.c.id == sa.bindparam("scene_id", type_=sa.Uuid))
_LIST: Final = (
    sa.select(*_COLUMNS)
    .where(
        SCENES.c.home_id == sa.bindparam("home_id", type_=sa.Uuid),
        after((SCENES.c.id,), ("after_id",), descending=True),
    )
    .order_by(SCENES.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


def shown(row: Any) -> HomeScenePublic:
    """Return a scene as it is shown."""
    return HomeScenePublic.model_validate(row, from_attributes=True)


async def scene(connection: AsyncConnection, actor: Actor, home: HomeSubject, scene_id: uuid.UUID) -> HomeScenePublic:
    """Return a scene of a home the actor may see."""
    await trace_read(connection, actor, home.subject, "home_scene:read", scene_id)
    return shown((await connection.execute(_ONE, {"scene_id": scene_id})).one())


async def scenes(
    connection: AsyncConnection, actor: Actor, home: HomeSubject, page: PageRequest
) -> Page[HomeScenePublic]:
    """Return a page of a home's scenes, the latest first."""
    await trace_read(connection, actor, home.subject, "home_scenes:list", home.id)
    (last_id,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    binds = {"home_id": home.id, "limit": page.limit + 1, "after_id": uuid.UUID(last_id) if last_id else None}
    rows = (await connection.execute(_LIST, binds)).all()
    return Page(items=[shown(row) for row in rows[: page.limit]], next=next_cursor(_KIND, rows, page.limit, ["id"]))
