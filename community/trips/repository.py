"""The SQL that adds and locks trips, their stops, and those who go along.

Locked in one order: the trip, a stop of it, who goes along, whoever accompanies them, and then places of the bus.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from community.trips import rules
from community.trips.models import (
    LEADERS,
    MARKS,
    PARTICIPANTS,
    VOLUNTEERS,
    Trip,
    TripParticipant,
    TripStop,
    TripVolunteer,
)

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_TRIP_ID: Final = sa.bindparam("trip_id", type_=sa.Uuid)
_locked = (
    sa.select(TripParticipant)
    .order_by(col(TripParticipant.id))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def _in(column: Any, states: Collection[str]) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = column.in_([sa.literal(state, sa.Text) for state in sorted(states)])
    return found


_SOME: Final = _locked.where(col(TripParticipant.id) == sa.any_(_IDS))
_TRAVELLING: Final = _locked.where(
    col(TripParticipant.trip_id) == _TRIP_ID, _in(col(TripParticipant.state), rules.TRAVELLING)
)
_AHEAD_OF_RESIDENTS: Final = _locked.where(
    col(TripParticipant.resident_id) == sa.any_(_IDS), _in(col(TripParticipant.state), rules.AHEAD)
)
_LINE: Final = (
    sa.select(TripParticipant)
    .where(col(TripParticipant.trip_id) == _TRIP_ID, col(TripParticipant.state) == sa.literal("waiting", sa.Text))
    .order_by(col(TripParticipant.waiting_since), col(TripParticipant.id))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_WAITING: Final = sa.select(PARTICIPANTS.c.place, PARTICIPANTS.c.seats).where(
    PARTICIPANTS.c.trip_id == _TRIP_ID, PARTICIPANTS.c.state == sa.literal("waiting", sa.Text)
)
_SAME: Final = sa.select(PARTICIPANTS.c.id).where(
    PARTICIPANTS.c.trip_id == _TRIP_ID,
    PARTICIPANTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    ~_in(PARTICIPANTS.c.state, rules.OFF),
)
_AT_THAT_TIME: Final = (
    sa.select(PARTICIPANTS.c.id)
    .where(
        PARTICIPANTS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        PARTICIPANTS.c.trip_id != _TRIP_ID,
        _in(PARTICIPANTS.c.state, rules.THEIRS),
        PARTICIPANTS.c.starts_at < sa.bindparam("ends_at", type_=sa.DateTime(timezone=True)),
        PARTICIPANTS.c.ends_at > sa.bindparam("starts_at", type_=sa.DateTime(timezone=True)),
    )
    .limit(1)
)
_LEADERS: Final = sa.select(LEADERS.c.account_id).where(LEADERS.c.trip_id == _TRIP_ID).order_by(LEADERS.c.id)
_VOLUNTEER: Final = (
    sa.select(TripVolunteer)
    .where(
        col(TripVolunteer.trip_id) == _TRIP_ID,
        col(TripVolunteer.state) == sa.literal("accepted", sa.Text),
        col(TripVolunteer.participant_id).is_(None),
        sa.or_(
            sa.bindparam("volunteer_id", type_=sa.Uuid).is_(None),
            col(TripVolunteer.id) == sa.bindparam("volunteer_id", type_=sa.Uuid),
        ),
        # Nobody accompanies themselves.
        col(TripVolunteer.account_id) != sa.bindparam("besides", type_=sa.Uuid),
    )
    .order_by(col(TripVolunteer.id))
    .limit(1)
    .with_for_update()
    .execution_options(populate_existing=True)
)
_WITH_PARTICIPANT: Final = (
    sa.select(TripVolunteer)
    .where(col(TripVolunteer.participant_id) == sa.bindparam("participant_id", type_=sa.Uuid))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_KNOWN_MARKS: Final = sa.select(MARKS.c.nonce, MARKS.c.outcome).where(
    MARKS.c.trip_id == _TRIP_ID, MARKS.c.nonce == sa.any_(sa.bindparam("nonces", type_=ARRAY(sa.Uuid)))
)


async def locked_trip(session: AsyncSession, trip_id: uuid.UUID) -> Trip:
    """Return a trip, locked; raises ``NotFound``."""
    found = await session.get(Trip, trip_id, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise NotFound
    return found


async def trips_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[Trip]:
    """Return trips, locked in one order."""
    statement = (
        sa.select(Trip)
        .where(col(Trip.id) == sa.any_(_IDS))
        .order_by(col(Trip.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement, {"ids": list(ids)})).all()


async def stops_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[TripStop]:
    """Return stops, locked in one order."""
    statement = (
        sa.select(TripStop)
        .where(col(TripStop.id) == sa.any_(_IDS))
        .order_by(col(TripStop.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement, {"ids": list(ids)})).all()


async def stops_of(session: AsyncSession, trip_id: uuid.UUID) -> Sequence[TripStop]:
    """Return the stops of a locked trip, locked, in order."""
    statement = (
        sa.select(TripStop)
        .where(col(TripStop.trip_id) == trip_id)
        .order_by(col(TripStop.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return sorted((await session.scalars(statement)).all(), key=lambda stop: stop.position)


async def at_that_time(session: AsyncSession, row: TripParticipant) -> uuid.UUID | None:
    """Return how somebody goes along on another trip at the time of theirs, if they do."""
    binds = {name: getattr(row, name) for name in ("resident_id", "trip_id", "starts_at", "ends_at")}
    found: uuid.UUID | None = await session.scalar(_AT_THAT_TIME, binds)
    return found


async def add(session: AsyncSession, row: TripParticipant) -> uuid.UUID | None:
    """Insert somebody; return the id of what there is already of them on this trip, else ``None``."""
    values = {column.name: getattr(row, column.name) for column in PARTICIPANTS.columns}
    inserted = insert(PARTICIPANTS).values(values).on_conflict_do_nothing().returning(PARTICIPANTS.c.id)
    if (await session.execute(inserted)).first() is not None:
        return None
    binds = {"trip_id": row.trip_id, "resident_id": row.resident_id}
    found: uuid.UUID | None = await session.scalar(_SAME, binds)
    return found or row.id


async def locked(session: AsyncSession, participation_id: uuid.UUID) -> TripParticipant:
    """Return somebody who goes along, locked; raises ``NotFound``."""
    found = await all_locked(session, [participation_id])
    if not found:
        raise NotFound
    return found[0]


async def all_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[TripParticipant]:
    """Return those who go along, locked in one order."""
    return (await session.scalars(_SOME, {"ids": list(ids)})).all()


async def travelling(session: AsyncSession, trip_id: uuid.UUID) -> Sequence[TripParticipant]:
    """Return who travels on a trip, or did, locked in one order."""
    return (await session.scalars(_TRAVELLING, {"trip_id": trip_id})).all()


async def ahead_of_residents(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> Sequence[TripParticipant]:
    """Return the trips that lie ahead of residents, locked in one order."""
    return (await session.scalars(_AHEAD_OF_RESIDENTS, {"ids": list(resident_ids)})).all()


async def line(session: AsyncSession, trip_id: uuid.UUID) -> Sequence[TripParticipant]:
    """Return who waits for a place of a locked trip, locked, the longest first."""
    return (await session.scalars(_LINE, {"trip_id": trip_id})).all()


async def waiting_for(session: AsyncSession, trip_id: uuid.UUID, place: rules.Place, seats: int) -> int:
    """Return how many wait for what is wanted here, in whole or in part."""
    rows = (await session.execute(_WAITING, {"trip_id": trip_id})).all()
    return sum(1 for row in rows if row.place == place == "wheelchair" or (seats and row.seats))


async def mark_called_off(session: AsyncSession, trip_id: uuid.UUID, now: datetime) -> None:
    """Have everybody who was to go along told and paid back by the worker, one statement for all of them."""
    await session.execute(
        sa.update(PARTICIPANTS)
        .where(PARTICIPANTS.c.trip_id == trip_id, _in(PARTICIPANTS.c.state, rules.AHEAD))
        .values(call_off_at=now, updated_at=now, version=PARTICIPANTS.c.version + 1),
        execution_options={"synchronize_session": False},
    )


async def leaders_of(session: AsyncSession, trip_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the accounts of those who lead a trip."""
    return list(await session.scalars(_LEADERS, {"trip_id": trip_id}))


async def free_volunteer(
    session: AsyncSession, trip_id: uuid.UUID, volunteer_id: uuid.UUID | None, besides: uuid.UUID
) -> TripVolunteer | None:
    """Return who may accompany somebody and does not yet, locked: the one who is wished for, or the first."""
    binds = {"trip_id": trip_id, "volunteer_id": volunteer_id, "besides": besides}
    found: TripVolunteer | None = await session.scalar(_VOLUNTEER, binds)
    return found


async def volunteer_with(session: AsyncSession, participant_id: uuid.UUID) -> TripVolunteer | None:
    """Return who accompanies somebody, locked."""
    found: TripVolunteer | None = await session.scalar(_WITH_PARTICIPANT, {"participant_id": participant_id})
    return found


async def volunteer_of(session: AsyncSession, trip_id: uuid.UUID, volunteer_id: uuid.UUID) -> TripVolunteer:
    """Return a volunteer of a trip, locked; raises ``NotFound``."""
    row = await session.get(TripVolunteer, volunteer_id, with_for_update=True, populate_existing=True)
    if row is None or row.trip_id != trip_id:
        raise NotFound
    return row


async def own_volunteering(session: AsyncSession, trip_id: uuid.UUID, account_id: uuid.UUID) -> TripVolunteer | None:
    """Return what somebody has offered for a trip, locked."""
    statement = (
        sa.select(TripVolunteer)
        .where(VOLUNTEERS.c.trip_id == trip_id, VOLUNTEERS.c.account_id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found: TripVolunteer | None = await session.scalar(statement)
    return found


async def known_marks(
    session: AsyncSession, trip_id: uuid.UUID, nonces: Sequence[uuid.UUID]
) -> dict[uuid.UUID, rules.Outcome]:
    """Return what became of those of the marks that were heard before."""
    rows = await session.execute(_KNOWN_MARKS, {"trip_id": trip_id, "nonces": list(nonces)})
    return {row.nonce: row.outcome for row in rows}
