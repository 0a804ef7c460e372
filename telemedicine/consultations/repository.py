"""The SQL that writes video visits: locks, presence, links, and what one sends to another."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.problems import NotFound
from telemedicine.consultations.models import (
    CONSULTATIONS,
    LINKS,
    PARTICIPANTS,
    PRESENCES,
    SIGNALS,
    SIGNALS_KEPT,
    Consultation,
    Participant,
)
from telemedicine.consultations.rules import AWAY, Person

_consultation_id = sa.bindparam("consultation_id", type_=sa.Uuid)
_whose = sa.bindparam("whose", type_=sa.Uuid)
_at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))

_here = sa.exists().where(
    PRESENCES.c.participant_id == PARTICIPANTS.c.id,
    PRESENCES.c.ended_at.is_(None),
    PRESENCES.c.seen_at > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
)
_PEOPLE = sa.select(PARTICIPANTS.c.role, PARTICIPANTS.c.state, _here.label("is_present")).where(
    PARTICIPANTS.c.consultation_id == _consultation_id
)
_SEATS = sa.select(PARTICIPANTS.c.seat).where(
    PARTICIPANTS.c.consultation_id == _consultation_id, PARTICIPANTS.c.seat.is_not(None)
)
_LEAVE = (
    sa.update(PRESENCES)
    .where(PRESENCES.c.participant_id == _whose, PRESENCES.c.ended_at.is_(None))
    .values(ended_at=_at)
)
_SEEN = (
    sa.update(PRESENCES)
    .where(
        PRESENCES.c.connection_id == sa.bindparam("connection", type_=sa.Uuid),
        PRESENCES.c.ended_at.is_(None),
    )
    .values(seen_at=_at)
)
_STALE = (
    sa.update(PRESENCES)
    .where(PRESENCES.c.ended_at.is_(None), PRESENCES.c.seen_at < _at)
    .values(ended_at=PRESENCES.c.seen_at)
    .returning(PRESENCES.c.consultation_id)
)
_REDEEM = (
    sa.update(LINKS)
    .where(
        LINKS.c.id == sa.bindparam("link_id", type_=sa.Uuid),
        LINKS.c.used_at.is_(None),
        LINKS.c.revoked_at.is_(None),
        LINKS.c.expires_at > _at,
    )
    .values(used_at=_at)
    .returning(LINKS.c.id)
)
_REVOKE = (
    sa.update(LINKS)
    .where(LINKS.c.participant_id == _whose, LINKS.c.revoked_at.is_(None), LINKS.c.used_at.is_(None))
    .values(revoked_at=_at)
)

# Who is in the visit is asked where the signal is written, so that nothing passes between who is and who is not. The
# number is taken under the recipient's row: whoever reads up to a number misses none below it.
_GIVE: Final = sa.text(
    """
    WITH recipient AS (
        UPDATE telemedicine_participant r SET last_signal = last_signal + 1
        WHERE r.id = :to AND r.consultation_id = :consultation_id AND r.state = 'admitted' AND r.instance = :instance
          AND EXISTS (SELECT 1 FROM telemedicine_participant s
                      WHERE s.id = :sender AND s.id <> r.id AND s.consultation_id = r.consultation_id
                        AND s.state = 'admitted' AND s.connection_id = :connection)
        RETURNING r.id, r.last_signal, r.resident_id
    )
    INSERT INTO telemedicine_signal (id, created_at, updated_at, version, consultation_id, recipient_id, resident_id,
                                     number, sender_id, sender_instance, kind, body)
    SELECT :id, :at, :at, 1, :consultation_id, id, resident_id, last_signal, :sender, :own_instance, 'signal', :body
    FROM recipient
    RETURNING number
    """
).bindparams(
    *(sa.bindparam(name, type_=sa.Uuid) for name in ("to", "consultation_id", "instance", "sender", "connection")),
    *(sa.bindparam(name, type_=sa.Uuid) for name in ("id", "own_instance")),
    sa.bindparam("at", type_=sa.DateTime(timezone=True)),
)
# Before the people of a visit, the visit: shared among those who speak, so that none of them meets who lets in or out
# half-way. Their rows are locked in one order: two who speak at once wait for each other, and none for ever.
_HOLD_STILL: Final = (
    sa.select(CONSULTATIONS.c.id).where(CONSULTATIONS.c.id == _consultation_id).with_for_update(read=True)
)
_TALK_TO: Final = sa.text(
    """
    SELECT r.id FROM telemedicine_participant r
    WHERE r.consultation_id = :consultation_id AND r.state = 'admitted' AND r.instance IS NOT NULL AND r.id <> :sender
      AND EXISTS (SELECT 1 FROM telemedicine_participant s
                  WHERE s.id = :sender AND s.consultation_id = r.consultation_id
                    AND s.state = 'admitted' AND s.connection_id = :connection)
    ORDER BY r.id FOR NO KEY UPDATE OF r
    """
).bindparams(*(sa.bindparam(name, type_=sa.Uuid) for name in ("consultation_id", "sender", "connection")))
_TALK: Final = sa.text(
    """
    WITH recipient AS (
        UPDATE telemedicine_participant r SET last_signal = last_signal + 1
        WHERE r.id = :to AND r.state = 'admitted' RETURNING r.id, r.last_signal, r.resident_id
    )
    INSERT INTO telemedicine_signal (id, created_at, updated_at, version, consultation_id, recipient_id, resident_id,
                                     number, sender_id, sender_instance, kind, body)
    SELECT :id, :at, :at, 1, :consultation_id, id, resident_id, last_signal, :sender, :own_instance, 'chat', :body
    FROM recipient
    RETURNING number
    """
).bindparams(
    *(sa.bindparam(name, type_=sa.Uuid) for name in ("to", "consultation_id", "sender", "id", "own_instance")),
    sa.bindparam("at", type_=sa.DateTime(timezone=True)),
)
_ARRIVED = sa.delete(SIGNALS).where(
    SIGNALS.c.recipient_id == _whose, SIGNALS.c.number <= sa.bindparam("up_to", type_=sa.Integer)
)
_FORGET_OLD = sa.delete(SIGNALS).where(SIGNALS.c.created_at < _at)
_FORGET_OF = sa.delete(SIGNALS).where(SIGNALS.c.consultation_id == sa.any_(_ids))
_LAST_SEEN = (
    sa.select(PRESENCES.c.consultation_id, sa.func.max(sa.func.coalesce(PRESENCES.c.ended_at, PRESENCES.c.seen_at)))
    .where(PRESENCES.c.consultation_id == sa.any_(_ids))
    .group_by(PRESENCES.c.consultation_id)
)
_ALL_LEAVE = (
    sa.update(PRESENCES)
    .where(PRESENCES.c.consultation_id == sa.any_(_ids), PRESENCES.c.ended_at.is_(None))
    .values(ended_at=sa.func.least(_at, PRESENCES.c.seen_at))
)
_ALL_OUT = (
    sa.update(PARTICIPANTS)
    .where(PARTICIPANTS.c.consultation_id == sa.any_(_ids), PARTICIPANTS.c.state.in_(["waiting", "admitted"]))
    .values(
        state="left",
        seat=None,
        # It opens no line of a visit that is over, and the note is yet to be written.
        pass_digest=sa.case((PARTICIPANTS.c.role == "clinician", PARTICIPANTS.c.pass_digest), else_=None),
        version=PARTICIPANTS.c.version + 1,
    )
)
_TO_INVITED = (
    sa.update(PARTICIPANTS)
    .where(PARTICIPANTS.c.consultation_id == sa.any_(_ids), PARTICIPANTS.c.state.in_(["waiting", "admitted"]))
    .values(state="invited", seat=None, version=PARTICIPANTS.c.version + 1)
)
_HAND_OVER = (
    sa.update(PARTICIPANTS)
    .where(
        PARTICIPANTS.c.consultation_id == sa.any_(_ids),
        PARTICIPANTS.c.account_id.is_(None),
        PARTICIPANTS.c.invited_by == _whose,
    )
    .values(invited_by=sa.bindparam("new", type_=sa.Uuid), version=PARTICIPANTS.c.version + 1)
)
_of_the_visit = sa.select(PARTICIPANTS.c.id).where(PARTICIPANTS.c.consultation_id == _consultation_id)
_unused = sa.and_(LINKS.c.participant_id.in_(_of_the_visit), LINKS.c.session_id.is_(None), LINKS.c.used_at.is_(None))
_RENEW = sa.update(LINKS).where(_unused, LINKS.c.account_id.is_(None)).values(expires_at=_at)
_TAKE_BACK = (
    sa.update(LINKS)
    .where(_unused, LINKS.c.account_id.is_not(None), LINKS.c.revoked_at.is_(None))
    .values(revoked_at=sa.bindparam("now", type_=sa.DateTime(timezone=True)))
)


async def lock(session: AsyncSession, consultation_id: uuid.UUID) -> Consultation:
    """Return the visit, locked: whoever comes, is let in or goes takes turns; raises ``NotFound``."""
    statement = sa.select(Consultation).where(col(Consultation.id) == consultation_id).with_for_update(key_share=True)
    found: Consultation | None = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


async def participant_of(session: AsyncSession, consultation_id: uuid.UUID, participant_id: uuid.UUID) -> Participant:
    """Return one who takes part in the visit, locked; raises ``NotFound``."""
    found = await _participant(session, consultation_id, col(Participant.id) == participant_id)
    if found is None:
        raise NotFound
    return found


async def participant_with(
    session: AsyncSession, consultation_id: uuid.UUID, account_id: uuid.UUID
) -> Participant | None:
    """Return the participant of an account, locked, if there is one."""
    return await _participant(session, consultation_id, col(Participant.account_id) == account_id)


async def _participant(
    session: AsyncSession, consultation_id: uuid.UUID, which: sa.ColumnElement[bool]
) -> Participant | None:
    statement = sa.select(Participant).where(col(Participant.consultation_id) == consultation_id, which)
    found: Participant | None = await session.scalar(
        statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    return found


async def people_in(session: AsyncSession, consultation_id: uuid.UUID) -> list[Person]:
    """Return everybody of the visit as the rules see them."""
    binds = {"consultation_id": consultation_id, "since": clock.now() - AWAY}
    return [Person(row.role, row.state, row.is_present) for row in await session.execute(_PEOPLE, binds)]


async def seats_taken(session: AsyncSession, consultation_id: uuid.UUID) -> set[int]:
    """Return the seats that are somebody's."""
    return set(await session.scalars(_SEATS, {"consultation_id": consultation_id}))


async def end_presence(session: AsyncSession, participant_id: uuid.UUID) -> None:
    """End what lines of the participant there are."""
    await session.execute(_LEAVE, {"whose": participant_id, "at": clock.now()})


async def see(session: AsyncSession, connection_id: uuid.UUID) -> None:
    """Write down that whoever is on the line is still there."""
    await session.execute(_SEEN, {"connection": connection_id, "at": clock.now()})


async def end_stale(session: AsyncSession, before: datetime) -> set[uuid.UUID]:
    """End the lines without a sign of life since ``before``; return the visits they were of."""
    return set(await session.scalars(_STALE, {"at": before}))


async def redeem(session: AsyncSession, link_id: uuid.UUID) -> bool:
    """Use a link up and say whether it could be: of two at once one does."""
    return await session.scalar(_REDEEM, {"link_id": link_id, "at": clock.now()}) is not None


async def revoke_links(session: AsyncSession, participant_id: uuid.UUID) -> None:
    """Take back the links of a participant that nobody has used."""
    await session.execute(_REVOKE, {"whose": participant_id, "at": clock.now()})


async def empty_waiting_room(session: AsyncSession, consultation_id: uuid.UUID) -> None:
    """Send everybody home until a visit's waiting room opens again; their links and passes stay what they are."""
    await session.execute(_TO_INVITED, {"ids": [consultation_id]})


async def hand_over_guests(session: AsyncSession, consultation_id: uuid.UUID, old: uuid.UUID, new: uuid.UUID) -> None:
    """Let guests of somebody whose visit it is no more be those of who has it now."""
    await session.execute(_HAND_OVER, {"ids": [consultation_id], "whose": old, "new": new})


async def renew_links(session: AsyncSession, consultation_id: uuid.UUID, until: datetime) -> None:
    """Have a moved visit's guests enter by the links they have; the resident is sent another when it is time."""
    binds = {"consultation_id": consultation_id}
    await session.execute(_RENEW, {**binds, "at": until})
    await session.execute(_TAKE_BACK, {**binds, "now": clock.now()})


async def give(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Write a signal and say whether there was whom it is for: admitted, and on the page it was meant for."""
    binds = {"id": clock.new_id(), "at": clock.now(), **values}
    return await session.scalar(_GIVE, binds) is not None


async def talk(session: AsyncSession, values: dict[str, Any], connection_id: uuid.UUID) -> list[uuid.UUID]:
    """Write words to everybody else who was let in; return who they are. Empty unless the sender was let in."""
    whom = {name: values[name] for name in ("consultation_id", "sender")}
    await session.execute(_HOLD_STILL, {"consultation_id": values["consultation_id"]})
    recipients = list(await session.scalars(_TALK_TO, {**whom, "connection": connection_id}))
    for recipient in recipients:
        await session.execute(_TALK, {"id": clock.new_id(), "at": clock.now(), "to": recipient, **values})
    return recipients


async def forget_signals(session: AsyncSession, recipient_id: uuid.UUID, up_to: int) -> None:
    """Delete what has arrived."""
    await session.execute(_ARRIVED, {"whose": recipient_id, "up_to": up_to})


async def forget_old_signals(session: AsyncSession) -> int:
    """Delete what was never fetched; return how many signals that were."""
    result = await session.execute(_FORGET_OLD, {"at": clock.now() - SIGNALS_KEPT})
    return int(result.rowcount)  # type: ignore[attr-defined]  # a write's result is a CursorResult


async def clear(session: AsyncSession, consultation_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """Take everybody out of visits that close and delete what was under way; return when each was last attended."""
    binds = {"ids": list(consultation_ids)}
    last = {row[0]: row[1] for row in await session.execute(_LAST_SEEN, binds)}
    await session.execute(_ALL_OUT, binds)
    await session.execute(_ALL_LEAVE, {**binds, "at": clock.now()})
    await session.execute(_FORGET_OF, binds)
    return last
