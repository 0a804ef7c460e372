"""The SQL that reads communities and their calendars."""

import uuid
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import NotFound
from app.identity.communities.schemas import CommunityPublic, HolidayPublic
from app.identity.models import Community, Holiday

_communities = sa.inspect(Community).local_table
_holidays = sa.inspect(Holiday).local_table

_community_id = sa.bindparam("community_id", type_=sa.Uuid)
_COMMUNITY = sa.select(_communities).where(_communities.c.id == _community_id)
_CALENDAR = (
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


async def local_calendar(
    connection: AsyncConnection, community_id: uuid.UUID, first: date, last: date
) -> Sequence[HolidayPublic]:
    """Return the holidays and make-up workdays of the community from ``first`` to ``last``, both included."""
    rows = await connection.execute(_CALENDAR, {"community_id": community_id, "first": first, "last": last})
    return [HolidayPublic.model_validate(row) for row in rows]
