"""The room of a video visit without its lines: who comes, is let in and goes, as their pages would ask for it."""

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import col

from app.core import clock
from app.core.database import unit_of_work
from telemedicine.consultations import jobs
from telemedicine.consultations.models import Participant
from telemedicine.consultations.service import room
from telemedicine.consultations.service.room import Seat


@dataclass(frozen=True, slots=True)
class Room:
    """A visit's room."""

    consultation_id: uuid.UUID

    async def comes(self, account_id: uuid.UUID) -> Seat:
        """Let somebody onto a line; who takes part already, or is a relative who was let speak for the resident."""
        async with unit_of_work() as session:
            who = await session.scalar(
                sa.select(col(Participant.id)).where(
                    col(Participant.consultation_id) == self.consultation_id, col(Participant.account_id) == account_id
                )
            )
            assert who
            seat = Seat(self.consultation_id, who, clock.new_id(), clock.new_id())
            await room.arrive(session, seat, None)
        return seat

    async def lets_in(self, clinician: Seat, other: Seat) -> None:
        async with unit_of_work() as session:
            await room.admit(session, clinician, other.participant_id)

    async def ends(self, clinician: Seat) -> None:
        async with unit_of_work() as session:
            await room.end(session, clinician)

    async def stays(self, *seats: Seat) -> None:
        for seat in seats:
            async with unit_of_work() as session:
                await room.stay(session, seat)


async def close_rooms() -> int:
    """Close the visits nobody came to; return how many."""
    return await jobs.close()
