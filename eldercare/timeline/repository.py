"""The SQL that writes when who hears of the week."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.tables import table_of
from eldercare.care_circle.models import CircleMember
from eldercare.timeline.models import WeeklySummary

_summaries = table_of(WeeklySummary)
_members = table_of(CircleMember)

_ids = sa.bindparam("summary_ids", type_=ARRAY(sa.Uuid))

_OF_CIRCLE: Final = sa.select(
    _members.c.id, _members.c.community_id, _members.c.resident_id, _members.c.account_id
).where(_members.c.id == sa.any_(_ids), _members.c.state == "accepted")
_ADD: Final = insert(_summaries).on_conflict_do_nothing(index_elements=["member_id"])
_REMOVE: Final = sa.delete(_summaries).where(_summaries.c.member_id == sa.any_(_ids))
_REMOVE_OF: Final = sa.delete(_summaries).where(_summaries.c.resident_id == sa.any_(_ids))


async def members(session: AsyncSession, member_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Return those of the members who are in their circle."""
    found: Sequence[Any] = (await session.execute(_OF_CIRCLE, {"summary_ids": list(member_ids)})).all()
    return found


async def add(session: AsyncSession, member: Any, send_at: datetime) -> None:
    """Let a member hear of the weeks from ``send_at`` on; one who does already goes on as before."""
    row = WeeklySummary(
        community_id=member.community_id,
        resident_id=member.resident_id,
        account_id=member.account_id,
        member_id=member.id,
        send_at=send_at,
    )
    await session.execute(_ADD, row.model_dump())


async def remove(session: AsyncSession, member_ids: Sequence[uuid.UUID]) -> None:
    """Let members hear of no more weeks."""
    await session.execute(_REMOVE, {"summary_ids": list(member_ids)})


async def remove_about(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Let nobody hear of these residents' weeks any more."""
    await session.execute(_REMOVE_OF, {"summary_ids": list(resident_ids)})


async def claimed(session: AsyncSession, summary_ids: Sequence[uuid.UUID]) -> Sequence[WeeklySummary]:
    """Return summaries whose time has come."""
    return (await session.scalars(sa.select(WeeklySummary).where(col(WeeklySummary.id).in_(summary_ids)))).all()
