"""The SQL that reads communities and their calendars."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import vapid
from app.core.problems import NotFound
from app.core.statements import HotStatement
from app.core.tables import table_of
from app.identity.communities.schemas import AppConfig, CommunityPublic, HolidayPublic
from app.identity.models import Community, Holiday

_communities = table_of(Community)
_holidays = table_of(Holiday)

_community_id = sa.bindparam("community_id", type_=sa.Uuid)
_COMMUNITY = sa.select(_communities).where(_communities.c.id == _community_id)
# Where no community is named there is one, or the first one is meant.
_FIRST = sa.select(_communities).order_by(_communities.c.id).limit(1)
_CALENDAR = HotStatement(
    sa.select(_holidays.c.day, _holidays.c.name, _holidays.c.is_workday)
    .where(
        _holidays.c.community_id == _community_id,
        _holidays.c.day.between(sa.bindparam("first", type_=sa.Date), sa.bindparam("last", type_=sa.Date)),
    )
    .order_by(_holidays.c.day)
)


async def community(connection: AsyncConnection, community_id: uuid.UUID) -> CommunityPublic:
    """Return the community; raises ``NotFound``."""
    row = (await connection.execute(_COMMUNITY, {"community_id": community_id})).one_or_none()
    if row is None:
        raise NotFound
    return CommunityPublic.model_validate(row)


async def community_or_first(connection: AsyncConnection, community_id: uuid.UUID | None) -> CommunityPublic:
    """Return the community that is named, or the first one where none is; raises ``NotFound``."""
    return CommunityPublic.model_validate(await _named_or_first(connection, community_id))


async def app_config(connection: AsyncConnection, community_id: uuid.UUID | None) -> tuple[AppConfig, str]:
    """Return what an app asks at its start, and the entity tag of that answer; raises ``NotFound``."""
    row = await _named_or_first(connection, community_id)
    config = AppConfig(
        community_id=row.id,
        community=row.name,
        minimum_version=row.minimum_app_version,
        features=row.features,
        emergency_numbers=row.emergency_numbers,
        desk_phone=row.desk_phone,
        languages=row.languages,
        time_zone=row.time_zone,
        country=row.country,
        web_push_key=vapid.public_key(),
    )
    return config, f'"{row.id.hex}-{row.version}-{(config.web_push_key or "")[-8:]}"'


async def local_calendar(
    connection: AsyncConnection, community_id: uuid.UUID, first: date, last: date
) -> Sequence[HolidayPublic]:
    """Return the holidays and make-up workdays of the community from ``first`` to ``last``, both included."""
    rows = await _CALENDAR.rows(connection, {"community_id": community_id, "first": first, "last": last})
    return [HolidayPublic.model_validate(row) for row in rows]


async def _named_or_first(connection: AsyncConnection, community_id: uuid.UUID | None) -> sa.Row[Any]:
    statement = _FIRST if community_id is None else _COMMUNITY
    row: sa.Row[Any] | None = (
        await connection.execute(statement, {"community_id": community_id} if community_id else {})
    ).one_or_none()
    if row is None:
        raise NotFound
    return row
