"""The SQL that reads commands: one, and a home's, the latest first."""

import uuid
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.identity.api import trace_read
from community.home_commands.access import sees_all
from community.home_commands.models import COMMANDS, HomeCommand
from community.home_commands.schemas import HomeCommandPublic
from community.homes.access import HomeSubject

_KIND: Final = "community.home_commands"
_SHOWN: Final = [COMMANDS.c[name] for name in HomeCommandPublic.model_fields]
_ONE: Final = sa.select(*_SHOWN).where(COMMANDS.c.id == sa.bindparam("command_id", type_=sa.Uuid))
_LIST: Final = (
    sa.select(*_SHOWN)
    .where(
        COMMANDS.c.home_id == sa.bindparam("home_id", type_=sa.Uuid),
        after((COMMANDS.c.id,), ("after_id",), descending=True),
    )
    .order_by(COMMANDS.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OWN: Final = _LIST.where(COMMANDS.c.given_by == sa.bindparam("actor_id", type_=sa.Uuid))


def shown(row: HomeCommand) -> HomeCommandPublic:
    """Return a command as it is shown to whoever gave it."""
    return HomeCommandPublic.model_validate(row, from_attributes=True)


async def command(
    connection: AsyncConnection, actor: Actor, home: HomeSubject, command_id: uuid.UUID
) -> HomeCommandPublic:
    """Return a command; raises ``NotFound`` for another's if the actor may not see what happens in the home."""
    row = (await connection.execute(_ONE, {"command_id": command_id})).mappings().one()
    if row["given_by"] != actor.id and not await sees_all(connection, actor, home.id):
        raise NotFound
    await trace_read(connection, actor, home.subject, "home_command:read", command_id)
    return HomeCommandPublic.model_validate(dict(row))


async def commands(
    connection: AsyncConnection, actor: Actor, home: HomeSubject, page: PageRequest
) -> Page[HomeCommandPublic]:
    """Return a page of a home's commands, the latest first: without `home:read` only of those the actor gave."""
    await trace_read(connection, actor, home.subject, "home_commands:list", home.id)
    (last_id,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    binds = {"home_id": home.id, "limit": page.limit + 1, "after_id": uuid.UUID(last_id) if last_id else None}
    if await sees_all(connection, actor, home.id):
        rows = list(await connection.execute(_LIST, binds))
    else:
        rows = list(await connection.execute(_OWN, binds | {"actor_id": actor.id}))
    items = [HomeCommandPublic.model_validate(dict(row._mapping)) for row in rows[: page.limit]]  # noqa: SLF001
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["id"]))
