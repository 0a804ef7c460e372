"""The SQL that finds what a file speaks of, and puts its days with other hours in place of those there were."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from community.attractions.models import Attraction, AttractionException
from community.attractions.schemas import AttractionExceptionGive

Given = tuple[AttractionExceptionGive, Attraction]


async def referred_to(
    session: AsyncSession, organization_id: uuid.UUID, references: Collection[str]
) -> dict[str, Attraction]:
    """Return the organization's attractions of these references, locked, by reference."""
    named = sa.any_(sa.literal(list(references), ARRAY(sa.Text)))
    rows = await session.scalars(
        sa.select(Attraction)
        .where(col(Attraction.organization_id) == organization_id, col(Attraction.reference) == named)
        .order_by(col(Attraction.id))
        .with_for_update()
    )
    return {row.reference: row for row in rows if row.reference is not None}


async def set_exceptions(session: AsyncSession, given: Mapping[uuid.UUID, Sequence[Given]]) -> set[uuid.UUID]:
    """Give locked attractions other hours on days, in place of what stood on any of those; return which now differ."""
    there: defaultdict[uuid.UUID, list[AttractionException]] = defaultdict(list)
    for row in await session.scalars(
        sa.select(AttractionException).where(col(AttractionException.attraction_id).in_(given))
    ):
        there[row.attraction_id].append(row)
    different = set()
    for attraction_id, exceptions in given.items():
        for data, attraction in exceptions:
            hours = [one.minutes() for one in data.hours]
            met = [one for one in there[attraction_id] if _meet(one, data)]
            if [(one.first_day, one.last_day, one.hours) for one in met] == [(data.first_day, data.last_day, hours)]:
                continue
            for one in met:
                await session.delete(one)
            session.add(
                AttractionException(
                    community_id=attraction.community_id,
                    attraction_id=attraction_id,
                    hours=hours,
                    **data.model_dump(include={"first_day", "last_day", "reason"}),
                )
            )
            different.add(attraction_id)
    await session.flush()
    return different


def _meet(one: AttractionException, data: AttractionExceptionGive) -> bool:
    return one.first_day <= data.last_day and data.first_day <= one.last_day
