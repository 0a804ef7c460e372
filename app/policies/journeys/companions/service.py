"""Booking a trip and its companion as one, and what becomes of one when the other changes."""

import uuid
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.access import Actor
from app.dispatch.api import Place
from app.identity.api import homes
from app.policies.journeys.companions import notices, rules
from app.policies.journeys.companions.models import Companion
from app.policies.journeys.companions.problems import MeetingPointUnknown
from app.policies.journeys.companions.schemas import AccompaniedTrip, AccompaniedTripCreate, WorkerWanted
from app.policies.journeys.escorts.rules import Outing, way
from app.policies.journeys.escorts.service import order_escort, refusing
from community import api as community
from notifications.api import Notice, send

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))


async def book(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, data: AccompaniedTripCreate
) -> AccompaniedTrip:
    """Take a place on a trip and have somebody accompany the resident, in one unit of work.

    What refuses either refuses both: ``refused`` of the problem says which. Raises what signing up and ordering raise,
    ``NoVolunteer``, ``MeetingPointUnknown``.
    """
    connection = await session.connection()
    wanted = data.companion
    with refusing("trip"):
        subject = await community.require_joiner(connection, actor, resident_id)
        row = await community.join_trip(session, actor, subject, data.trip_id, data, wanted.kind)
    order = None
    with refusing("companion"):
        if isinstance(wanted, WorkerWanted):
            order = await _order(session, actor, resident_id, data.trip_id, wanted)
            session.add(
                Companion(
                    community_id=subject.community_id,
                    resident_id=resident_id,
                    participation_id=row.id,
                    order_id=order.id,
                    ordered_by=actor.id,
                    leaves_at=row.starts_at,
                    back_at=order.ends_at,
                )
            )
            await session.flush()
        else:
            await community.accompany_on_trip(session, row, wanted.volunteer_id)
    return AccompaniedTrip(participation=await community.participation_for(connection, actor, row.id), order=order)


async def _order(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, trip_id: uuid.UUID, wanted: WorkerWanted
) -> community.OrderDetail:
    connection = await session.connection()
    orderer = await community.require_orderer(connection, actor, resident_id)
    return await order_escort(session, actor, orderer, wanted.order, await _outing(session, resident_id, trip_id))


async def _outing(session: AsyncSession, resident_id: uuid.UUID, trip_id: uuid.UUID) -> Outing:
    connection = await session.connection()
    home = (await homes(connection, [resident_id]))[resident_id]
    if home.latitude is None or home.longitude is None:
        raise community.HomeNotOnMap
    course = await community.trip_course(connection, trip_id)
    if course.leaves_from is None or course.returns_to is None:
        raise MeetingPointUnknown
    at_home = Place(home.latitude, home.longitude)
    there, back = (way(at_home, Place(*place)) for place in (course.leaves_from, course.returns_to))
    return rules.outing(course.starts_at, course.ends_at, there, back)


async def follow_participations(session: AsyncSession, participation_ids: Sequence[uuid.UUID]) -> None:
    """Call off the companions of those who do not go along any more.

    It costs nothing as long as the notice is kept; later whoever ordered it decides.
    """
    for companion in await _open(session, col(Companion.participation_id), participation_ids):
        told = await community.waiting_for(session, companion.order_id)
        outcome = await community.call_off_in_time(session, companion.order_id, "trip")
        companion.ended_at = clock.now()
        if outcome != "over":
            notice = notices.CALLED_OFF if outcome == "called_off" else notices.TO_DECIDE
            await _tell(session, notice, companion, told)
    await session.flush()


async def follow_orders(session: AsyncSession, order_ids: Sequence[uuid.UUID]) -> None:
    """Tell of companions who do not come any more: the place stands, and whoever signed up decides."""
    gone = await _open(session, col(Companion.order_id), order_ids)
    for companion in gone:
        companion.ended_at = clock.now()
    await session.flush()
    await community.companions_gone(session, [companion.participation_id for companion in gone])


async def _open(
    session: AsyncSession, column: sa.SQLColumnExpression[uuid.UUID], ids: Sequence[uuid.UUID]
) -> list[Companion]:
    statement = (
        sa.select(Companion)
        .where(column == sa.any_(_IDS), col(Companion.ended_at).is_(None))
        .order_by(col(Companion.id))
        .with_for_update()
    )
    return list(await session.scalars(statement, {"ids": list(ids)}))


async def _tell(session: AsyncSession, notice: Notice, companion: Companion, told: Sequence[uuid.UUID]) -> None:
    await send(
        session,
        notice,
        told,
        community_id=companion.community_id,
        dedupe_key=f"companion:{companion.id}:{notice.key}",
        variables={"resident": companion.resident_id, "starts_at": companion.leaves_at},
        about=companion.resident_id,
        data={"order_id": str(companion.order_id), "participation_id": str(companion.participation_id)},
    )
