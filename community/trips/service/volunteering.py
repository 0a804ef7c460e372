"""Who accompanies somebody without money: offers it, may or may not, withdraws; whoever counted on them hears of it."""

import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from community.trips import notices, repository
from community.trips.access import TripSubject
from community.trips.models import VOLUNTEERS, TripParticipant, TripVolunteer
from community.trips.problems import TripNotOpen
from community.trips.schemas import VolunteerDecide
from community.trips.service.telling import organizer, tell, tell_of_trip, waiting


async def volunteer(session: AsyncSession, actor: Actor, subject: TripSubject) -> uuid.UUID:
    """Offer to accompany somebody on a trip, or offer it anew; return the offer's id. Raises ``TripNotOpen``.

    Who was declined stays so.
    """
    trip = await repository.locked_trip(session, subject.id)
    if trip.state != "open" or clock.now() >= trip.starts_at:
        raise TripNotOpen(trip_state=trip.state)
    row = TripVolunteer(trip_id=trip.id, community_id=trip.community_id, account_id=actor.id)
    values = {column.name: getattr(row, column.name) for column in VOLUNTEERS.columns}
    await session.execute(insert(VOLUNTEERS).values(values).on_conflict_do_nothing())
    known = await repository.own_volunteering(session, trip.id, actor.id)
    if known is None:
        raise AssertionError("it was inserted, or was there")
    if known.id == row.id or known.state == "withdrawn":
        known.state, known.decided_by, known.decided_at = "offered", None, None
        await session.flush()
        await audit.record(session, actor, "trip_volunteer:offer", object_id=known.id)
        told = await organizer(session, trip)
        await tell_of_trip(session, notices.VOLUNTEER_NEW, trip, told, f"volunteer:{known.version}", trip.starts_at)
    return known.id


async def decide(
    session: AsyncSession, actor: Actor, subject: TripSubject, volunteer_id: uuid.UUID, data: VolunteerDecide
) -> None:
    """Say whether somebody may accompany one who goes along. Raises ``NotFound``, ``TripNotOpen``."""
    trip = await repository.locked_trip(session, subject.id)
    if trip.state != "open":
        raise TripNotOpen(trip_state=trip.state)
    row = await repository.volunteer_of(session, trip.id, volunteer_id)
    state = "accepted" if data.is_accepted else "declined"
    if row.state in (state, "withdrawn"):
        return
    left = await _left_alone(session, row)
    row.state, row.decided_by, row.decided_at = state, actor.id, clock.now()
    row.participant_id = None
    await session.flush()
    await audit.record(session, actor, "trip_volunteer:decide", object_id=row.id, details={"state": state})
    if data.is_accepted:
        occasion = f"volunteer_accepted:{row.version}"
        await tell_of_trip(session, notices.VOLUNTEER_ACCEPTED, trip, [row.account_id], occasion, trip.starts_at)
    if left is not None:
        await companion_gone(session, left)


async def withdraw(session: AsyncSession, actor: Actor, subject: TripSubject) -> None:
    """Take back that one accompanies somebody: who counted on it is told, and so is the organizer."""
    await repository.locked_trip(session, subject.id)
    row = await repository.own_volunteering(session, subject.id, actor.id)
    if row is None or row.state not in ("offered", "accepted"):
        return
    left = await _left_alone(session, row)
    row.state, row.participant_id = "withdrawn", None
    await session.flush()
    await audit.record(session, actor, "trip_volunteer:withdraw", object_id=row.id)
    if left is not None:
        await companion_gone(session, left)


async def let_go(session: AsyncSession, trip_id: uuid.UUID) -> list[uuid.UUID]:
    """Let go of those who would have accompanied somebody on a trip that is off; return their accounts."""
    statement = (
        sa.update(VOLUNTEERS)
        .where(
            VOLUNTEERS.c.trip_id == trip_id,
            VOLUNTEERS.c.state.in_([sa.literal(state, sa.Text) for state in ("offered", "accepted")]),
        )
        .values(participant_id=None, updated_at=clock.now(), version=VOLUNTEERS.c.version + 1)
        .returning(VOLUNTEERS.c.account_id)
    )
    rows = await session.execute(statement, execution_options={"synchronize_session": False})
    return list(rows.scalars())


async def companion_gone(session: AsyncSession, row: TripParticipant) -> None:
    """Tell that nobody accompanies somebody any more who is to go along: they decide, and the organizer knows."""
    if row.state not in ("held", "going"):
        return
    told = [*await waiting(session, row), *await organizer(session, row)]
    await tell(session, notices.COMPANION_GONE, row, told, f"companion_gone:{row.version}")


async def _left_alone(session: AsyncSession, row: TripVolunteer) -> TripParticipant | None:
    """Return who counted on somebody: read, not locked, as whoever changes them locks the volunteer afterwards."""
    if row.participant_id is None:
        return None
    return await session.get(TripParticipant, row.participant_id, populate_existing=True)
