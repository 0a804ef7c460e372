"""The room: coming, being let in, going. All of it takes turns under the visit's row."""

import hmac
import uuid
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor, system_actor
from app.core.events import emit
from app.core.problems import Forbidden
from notifications.api import Notice, send
from telemedicine.consultations.models import Consultation, Participant, Presence
from telemedicine.consultations.notices import PHONE_WISHED, RESIDENT_WAITING
from telemedicine.consultations.problems import (
    ConsultationNotOpen,
    ConsultationOver,
    NotWaiting,
    NotYourConsultation,
    PutOut,
    RoomFull,
)
from telemedicine.consultations.repository import (
    end_presence,
    forget_signals,
    lock,
    participant_of,
    people_in,
    seats_taken,
    see,
)
from telemedicine.consultations.rules import (
    EMPTY,
    OPEN,
    PATIENTS_SIDE,
    State,
    is_arrival,
    opens_at,
    seat_for,
    state_with,
)
from telemedicine.consultations.service.planning import channel, end_consultation, put_out
from telemedicine.events import ConsultationAwaited, ConsultationStarted

_EVERYTHING: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Seat:
    """Who is on a line: a participant, by which line and page, and in which session they signed in."""

    consultation_id: uuid.UUID
    participant_id: uuid.UUID
    connection_id: uuid.UUID
    instance: uuid.UUID


async def arrive(session: AsyncSession, seat: Seat, pass_digest: bytes | None) -> bool:
    """Let a participant onto their line, which takes the place of an earlier one; say whether they only came back.

    Who was let in before still is; others wait, but for the clinician, who needs nobody's leave. ``pass_digest`` is
    asked for from who comes with a pass.
    Raises ``NotFound``, ``PutOut``, ``ConsultationOver``, ``ConsultationNotOpen``.
    """
    consultation = await lock(session, seat.consultation_id)
    person = await participant_of(session, seat.consultation_id, seat.participant_id)
    if person.state == "removed" or not _is_pass_of(person, pass_digest):
        raise PutOut
    if consultation.state not in OPEN:
        raise ConsultationOver
    if clock.now() < (opening := opens_at(consultation.starts_at)):
        raise ConsultationNotOpen(opens_at=opening.isoformat())
    came_back = person.instance == seat.instance
    if not came_back:
        # What was meant for the page they had before would confuse this one.
        await forget_signals(session, person.id, _EVERYTHING)
    await end_presence(session, person.id)
    first = person.state in ("invited", "left")
    if first and person.role == "clinician":
        await _seat(session, person)
    elif first:
        person.state = "waiting"
    person.connection_id, person.instance = seat.connection_id, seat.instance
    session.add(
        Presence(
            consultation_id=consultation.id,
            participant_id=person.id,
            resident_id=person.resident_id,
            account_id=person.account_id,
            connection_id=seat.connection_id,
            began_at=clock.now(),
            seen_at=clock.now(),
        )
    )
    await _follow(session, consultation)
    if person.state == "waiting" and first and person.role in PATIENTS_SIDE:
        if is_arrival(person.role, is_guest=person.account_id is None):
            await _tell_clinician(session, consultation, RESIDENT_WAITING)
            await emit(session, _fact(ConsultationAwaited, consultation))
        else:
            # The resident may sit beside them; if they come by themselves later, that is told all the same.
            await _tell_clinician(session, consultation, RESIDENT_WAITING, ":guest")
    return came_back


def _is_pass_of(person: Participant, pass_digest: bytes | None) -> bool:
    return pass_digest is None or hmac.compare_digest(person.pass_digest or bytes(32), pass_digest)


async def admit(session: AsyncSession, seat: Seat, participant_id: uuid.UUID) -> None:
    """Let in somebody who waits; raises ``NotYourConsultation``, ``NotFound``, ``NotWaiting``, ``RoomFull``."""
    consultation = await lock(session, seat.consultation_id)
    clinician = await _holder(session, seat)
    person = await participant_of(session, seat.consultation_id, participant_id)
    if person.state != "waiting":
        raise NotWaiting
    await _seat(session, person)
    await _follow(session, consultation)
    await _record(session, clinician, "consultation:admit", person)


async def remove(session: AsyncSession, seat: Seat, participant_id: uuid.UUID) -> None:
    """Put somebody out; raises ``NotYourConsultation``, ``NotFound``, ``Forbidden`` for the clinician."""
    await lock(session, seat.consultation_id)
    clinician = await _holder(session, seat)
    person = await participant_of(session, seat.consultation_id, participant_id)
    if person.role == "clinician":
        raise Forbidden("who holds the visit leaves or ends it")
    await forget_signals(session, person.id, _EVERYTHING)
    await put_out(session, person)
    await _record(session, clinician, "consultation:remove", person)


async def end(session: AsyncSession, seat: Seat) -> None:
    """End the visit for everybody; raises ``NotYourConsultation``, ``ConsultationOver``."""
    await lock(session, seat.consultation_id)
    clinician = await _holder(session, seat)
    await end_consultation(session, _actor_of(clinician), seat.consultation_id)


async def leave(session: AsyncSession, seat: Seat) -> None:
    """Let a participant go: their seat is free, and to come back they wait again."""
    consultation = await lock(session, seat.consultation_id)
    person = await participant_of(session, seat.consultation_id, seat.participant_id)
    if person.connection_id != seat.connection_id or person.state not in ("waiting", "admitted"):
        return
    person.state, person.seat, person.instance = "left", None, None
    await forget_signals(session, person.id, _EVERYTHING)
    await end_presence(session, person.id)
    await _follow(session, consultation)


async def lose_right(session: AsyncSession, seat: Seat) -> None:
    """Put out a participant who may not take part any more: the others' pages let go of theirs."""
    consultation = await lock(session, seat.consultation_id)
    person = await participant_of(session, seat.consultation_id, seat.participant_id)
    if person.connection_id != seat.connection_id or person.state not in ("waiting", "admitted"):
        return
    await forget_signals(session, person.id, _EVERYTHING)
    await end_presence(session, person.id)
    await put_out(session, person)
    await _follow(session, consultation)


async def wish_phone(session: AsyncSession, seat: Seat) -> None:
    """Write down that a participant would rather telephone, and tell the clinician once."""
    consultation = await lock(session, seat.consultation_id)
    person = await participant_of(session, seat.consultation_id, seat.participant_id)
    if person.wishes_phone_at is not None:
        return
    person.wishes_phone_at = clock.now()
    await session.flush()
    await _tell_clinician(session, consultation, PHONE_WISHED)
    await _record(session, person, "consultation:wish_phone", person)
    wakeups.request(session, channel(consultation.id))


async def hang_up(session: AsyncSession, seat: Seat) -> None:
    """Note that a line is gone, without anybody's leave having been taken: who was let in may come back to it."""
    person = await participant_of(session, seat.consultation_id, seat.participant_id)
    if person.connection_id == seat.connection_id:
        await end_presence(session, person.id)
        wakeups.request(session, channel(seat.consultation_id))


async def stay(session: AsyncSession, seat: Seat) -> None:
    """Note that somebody is still on their line; a visit under way stays open while anybody is."""
    consultation = await session.get_one(Consultation, seat.consultation_id)
    close_at = consultation.close_at
    if consultation.state == "in_progress" and close_at is not None and close_at < clock.now() + EMPTY * 2 / 3:
        # The visit before who is in it, as everywhere: those who lock both never wait for each other.
        await lock(session, consultation.id)
        if consultation.close_at is not None:
            consultation.close_at = clock.now() + EMPTY
    await see(session, seat.connection_id)


async def _seat(session: AsyncSession, person: Participant) -> None:
    seat = seat_for(person.role, await seats_taken(session, person.consultation_id))
    if seat is None:
        raise RoomFull
    person.state, person.seat, person.admitted_at = "admitted", seat, clock.now()
    await session.flush()


async def _follow(session: AsyncSession, consultation: Consultation) -> None:
    """Let the visit's state follow from who is there, and everybody's line hear of it."""
    await session.flush()
    before: State = consultation.state  # type: ignore[assignment]  # the table's check allows no other
    after = state_with(before, await people_in(session, consultation.id))
    if after != before:
        consultation.state = after
        if after == "in_progress":
            consultation.started_at = clock.now()
            consultation.close_at = max(consultation.close_at or clock.now(), clock.now() + EMPTY)
            await session.flush()
            await emit(session, _fact(ConsultationStarted, consultation))
    wakeups.request(session, channel(consultation.id))


Fact = TypeVar("Fact", ConsultationAwaited, ConsultationStarted)


def _fact(kind: type[Fact], consultation: Consultation) -> Fact:
    return kind(
        aggregate_id=consultation.id,
        community_id=consultation.community_id,
        resident_id=consultation.resident_id,
        organization_id=consultation.organization_id,
        appointment_id=consultation.appointment_id,
    )


async def _holder(session: AsyncSession, seat: Seat) -> Participant:
    person = await participant_of(session, seat.consultation_id, seat.participant_id)
    if person.role != "clinician" or person.connection_id != seat.connection_id or person.state != "admitted":
        raise NotYourConsultation
    return person


async def _tell_clinician(
    session: AsyncSession, consultation: Consultation, notice: Notice, occasion: str = ""
) -> None:
    """Tell who holds the visit, once for each ``occasion``."""
    await send(
        session,
        notice,
        [consultation.clinician_id],
        community_id=consultation.community_id,
        dedupe_key=f"{notice.key}:{consultation.id}{occasion}",
        variables={"resident": consultation.resident_id, "starts_at": consultation.starts_at},
        about=consultation.resident_id,
        data={"consultation_id": str(consultation.id)},
    )


def _actor_of(person: Participant) -> Actor:
    """Return who does what a line asks for; for a guest, who is nobody the trail could name, Hearthline itself."""
    if person.account_id is None:
        return system_actor(person.community_id)
    return Actor(kind="account", id=person.account_id, community_id=person.community_id)


async def _record(session: AsyncSession, by: Participant, action: str, about: Participant) -> None:
    await audit.record(
        session,
        _actor_of(by),
        action,
        resident_id=about.resident_id,
        object_id=about.consultation_id,
        community_id=about.community_id,
    )
