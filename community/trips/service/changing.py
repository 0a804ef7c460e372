"""The one way somebody's going along changes: by the table, with deadlines, history, the fact and the record."""

import uuid
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import Event, emit
from app.core.sealing import seal
from app.reservations.api import release_allocations
from community.events import (
    TripJoined,
    TripParticipantFound,
    TripParticipantMissing,
    TripParticipationEnded,
    TripPlaceOffered,
)
from community.trips import notices, repository, rules
from community.trips.models import CHANGE_NOTE, TripChange, TripParticipant
from community.trips.problems import ParticipationNotOpen
from community.trips.rules import Transition, Who
from community.trips.service.telling import tell


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something: as which side, and which actor, if it is somebody."""

    who: Who
    actor: Actor | None = None

    @property
    def id(self) -> uuid.UUID | None:
        """Whose act it is; ``None`` for Hearthline's own."""
        return self.actor.id if self.actor else None


HEARTHLINE: Final = By("hearthline")
_BECAUSE: Final[dict[Transition, Literal["expired", "cancelled", "called_off"]]] = {
    "expire": "expired",
    "cancel": "cancelled",
    "call_off": "called_off",
}


async def begin(session: AsyncSession, row: TripParticipant, by: By) -> None:
    """Write down how somebody's going along began, and tell of it where it is theirs at once."""
    await _remember(session, row, "sign_up", None, by)
    if row.state == "going":
        await emit(session, TripJoined(**_about(row)))


async def change(
    session: AsyncSession,
    row: TripParticipant,
    transition: Transition,
    by: By,
    *,
    reason: str | None = None,
    note: str | None = None,
    **values: Any,
) -> None:
    """Change somebody who is locked, with ``values`` of their columns, as the table of transitions has it.

    Who does not go along any more gives their place back, and whoever was to accompany them is free and hears of it.
    Raises ``ParticipationNotOpen`` where no way leads from how it stands.
    """
    if not rules.may(transition, row.state, by.who):  # type: ignore[arg-type]  # a check constraint holds it to them
        raise ParticipationNotOpen(participation_state=row.state)
    was, now, allocated = row.state, clock.now(), row.allocation_ids
    cleared: dict[str, Any] = {"hold_until": None, "answer_by": None, "look_at": None, "missing_since": None}
    for name, value in (cleared | {"missing_position": None} | values).items():
        setattr(row, name, value)
    row.state = state = rules.WAYS[transition].target
    if state == "missing":
        row.missing_since, row.look_step = now, 1
        row.look_at = rules.next_word(rules.LOOKING, 1, now)
    if state not in rules.TAKING:
        row.allocation_ids = []
    await session.flush()
    await _remember(session, row, transition, was, by, reason=reason, note=note)
    if state in rules.OFF:
        await _free_volunteer(session, row)
    fact = _fact(row, transition)
    if fact is not None:
        await emit(session, fact)
    if state not in rules.TAKING and allocated:
        await release_allocations(session, allocated)


def _fact(row: TripParticipant, transition: Transition) -> Event | None:
    match transition:
        case "confirm":
            return TripJoined(**_about(row))
        case "offer":
            return TripPlaceOffered(**_about(row))
        case "expire" | "cancel" | "call_off":
            return TripParticipationEnded(**_about(row), because=_BECAUSE[transition])
        case "miss":
            return TripParticipantMissing(**_about(row), was_aboard=row.seen_position > 0)
        case _:
            return None


async def found(session: AsyncSession, row: TripParticipant) -> None:
    """Tell that it is known where somebody is who was missing."""
    await emit(session, TripParticipantFound(**_about(row)))


def _about(row: TripParticipant) -> dict[str, Any]:
    return {
        "aggregate_id": row.id,
        "community_id": row.community_id,
        "trip_id": row.trip_id,
        "resident_id": row.resident_id,
        "organization_id": row.organization_id,
    }


async def _free_volunteer(session: AsyncSession, row: TripParticipant) -> None:
    volunteer = await repository.volunteer_with(session, row.id)
    if volunteer is None:
        return
    volunteer.participant_id = None
    await session.flush()
    await tell(session, notices.NOT_ACCOMPANYING, row, [volunteer.account_id], f"not_accompanying:{row.id}")


async def _remember(
    session: AsyncSession,
    row: TripParticipant,
    transition: str,
    was: str | None,
    by: By,
    *,
    reason: str | None = None,
    note: str | None = None,
) -> None:
    session.add(
        TripChange(
            participant_id=row.id,
            resident_id=row.resident_id,
            transition=transition,
            from_state=was,
            to_state=row.state,
            who=by.who,
            changed_by=by.id,
            reason=reason,
            note=seal(note, CHANGE_NOTE) if note else None,
        )
    )
    if by.actor is not None:
        await audit.record(
            session,
            by.actor,
            f"trip:{transition}",
            resident_id=row.resident_id,
            object_id=row.id,
            community_id=row.community_id,
            details={"reason": reason} if reason else None,
        )
    await session.flush()
