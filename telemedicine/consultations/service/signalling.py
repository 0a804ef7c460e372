"""What the people in a visit send to each other, and what each one's line tells them."""

import uuid
from dataclasses import dataclass
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock, wakeups
from app.core.access import Actor
from app.core.problems import Forbidden, NotFound, Problem, Unauthenticated
from app.core.sealing import seal, unseal
from app.identity.api import actor_by_phone, actor_by_token, actor_in_session, actor_of, community
from telemedicine.consultations import repository
from telemedicine.consultations.access import JOIN, require_consultation, require_host, require_taking_part
from telemedicine.consultations.models import CONSULTATIONS, PARTICIPANTS, SIGNAL_BODY, SIGNALS
from telemedicine.consultations.problems import ConsultationNotOpen, PutOut
from telemedicine.consultations.rules import OPEN, is_polite, opens_at
from telemedicine.consultations.schemas.signalling import Chat, Give, Hello
from telemedicine.consultations.service.links import holder_of
from telemedicine.consultations.service.planning import own_participant
from telemedicine.consultations.service.room import Seat, lose_right
from telemedicine.consultations.views import participants

AT_ONCE: Final = 200

_participant_id = sa.bindparam("participant_id", type_=sa.Uuid)
_SELF = (
    sa.select(
        PARTICIPANTS.c.consultation_id,
        PARTICIPANTS.c.state,
        PARTICIPANTS.c.role,
        PARTICIPANTS.c.account_id,
        PARTICIPANTS.c.session_id,
        PARTICIPANTS.c.connection_id,
        PARTICIPANTS.c.pass_digest,
        PARTICIPANTS.c.seat,
        PARTICIPANTS.c.community_id,
        PARTICIPANTS.c.invited_by,
        CONSULTATIONS.c.state.label("visit"),
        CONSULTATIONS.c.starts_at,
        CONSULTATIONS.c.ends_at,
        CONSULTATIONS.c.phone,
    )
    .join(CONSULTATIONS, CONSULTATIONS.c.id == PARTICIPANTS.c.consultation_id)
    .where(PARTICIPANTS.c.id == _participant_id)
)
_SIGNALS = (
    sa.select(SIGNALS.c.number, SIGNALS.c.sender_id, SIGNALS.c.sender_instance, SIGNALS.c.kind, SIGNALS.c.body)
    .join(PARTICIPANTS, PARTICIPANTS.c.id == SIGNALS.c.recipient_id)
    .where(
        SIGNALS.c.recipient_id == _participant_id,
        SIGNALS.c.number > sa.bindparam("after", type_=sa.Integer),
        # Who was put out a moment ago hears nothing more, whatever waits for them.
        PARTICIPANTS.c.state == "admitted",
        PARTICIPANTS.c.connection_id == sa.bindparam("connection", type_=sa.Uuid),
    )
    .order_by(SIGNALS.c.number)
    .limit(AT_ONCE)
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on a line, and by what right: a pass, or the session of an access token."""

    participant_id: uuid.UUID
    pass_digest: bytes | None
    session_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Told:
    """What a line tells: how things stand. ``closed`` says why it ends, if it does.

    ``refusal`` is why its participant may not take part any more.
    """

    standing: dict[str, Any]
    closed: str | None = None
    refusal: Problem | None = None


def own_channel(participant_id: uuid.UUID) -> str:
    """Return the wake-up channel on which a line hears that something was sent to its participant."""
    return f"telemedicine.signals.{participant_id.hex}"


async def identify(session: AsyncSession, consultation_id: uuid.UUID, hello: Hello) -> Caller:
    """Return who says hello to a visit.

    Raises ``Unauthenticated``, ``NotFound``, ``Forbidden`` and its kinds, ``LinkUnknown`` for what is no pass.
    """
    connection = await session.connection()
    if hello.secret is not None:
        participant_id, digest = holder_of(hello.secret)
        row = (await connection.execute(_SELF, {"participant_id": participant_id})).one_or_none()
        if row is None or row.consultation_id != consultation_id:
            raise NotFound
        return Caller(participant_id, digest, row.session_id)
    actor = await actor_by_token(connection, hello.access_token or "")
    subject = await require_consultation(connection, actor, consultation_id, JOIN)
    participant = await own_participant(session, subject)
    return Caller(participant.id, None, actor.session_id)


async def give(session: AsyncSession, seat: Seat, message: Give) -> bool:
    """Send a description or a route to one of the others; say whether they are there to get it."""
    thing = message.description or message.candidate
    name = "description" if message.description else "candidate"
    body = {name: thing.model_dump(by_alias=True, exclude_none=True) if thing else None}
    written = await repository.give(
        session,
        {
            "to": message.to,
            "instance": message.instance,
            "connection": seat.connection_id,
            **_from(seat, body),
        },
    )
    if written:
        wakeups.request(session, own_channel(message.to))
    return written


async def talk(session: AsyncSession, seat: Seat, message: Chat) -> bool:
    """Say something to everybody else who was let in; say whether there was anybody."""
    heard = await repository.talk(session, _from(seat, {"text": message.text}), seat.connection_id)
    for recipient in heard:
        wakeups.request(session, own_channel(recipient))
    return bool(heard)


def _from(seat: Seat, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "consultation_id": seat.consultation_id,
        "sender": seat.participant_id,
        "own_instance": seat.instance,
        "body": seal(orjson.dumps(body).decode(), SIGNAL_BODY),
    }


async def received(connection: AsyncConnection, seat: Seat, after: int) -> list[dict[str, Any]]:
    """Return what was sent to the participant after a number, in order; nothing to who is not in the visit."""
    binds = {"participant_id": seat.participant_id, "connection": seat.connection_id, "after": after}
    return [
        {
            "type": row.kind,
            "number": row.number,
            "from": str(row.sender_id),
            "instance": str(row.sender_instance),
            **orjson.loads(unseal(row.body, SIGNAL_BODY)),
        }
        for row in await connection.execute(_SIGNALS, binds)
    ]


async def look(connection: AsyncConnection, seat: Seat, caller: Caller) -> Told:
    """Return how things stand for a participant, asked of the database anew.

    Raises ``PutOut`` for whose page is not the one that is let in, ``ConsultationNotOpen`` for a visit that was moved.
    """
    row = (await connection.execute(_SELF, {"participant_id": seat.participant_id})).one_or_none()
    if row is None:
        raise PutOut
    standing: dict[str, Any] = {
        "type": "standing",
        "visit": row.visit,
        "you": row.state,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "people": [],
    }
    if row.visit not in OPEN:
        return Told(standing, "over")
    if row.state in ("removed", "left"):
        raise PutOut
    if row.connection_id != seat.connection_id:
        return Told(standing, "replaced")
    if caller.pass_digest is not None and row.pass_digest != caller.pass_digest:
        raise PutOut  # another page was opened by a newer link
    try:
        await _require_right(connection, row, await _behind(connection, row, caller))
    except (Unauthenticated, NotFound, Forbidden) as refusal:
        return Told(standing, refusal=refusal)
    if clock.now() < (opening := opens_at(row.starts_at)):
        raise ConsultationNotOpen(opens_at=opening.isoformat())
    standing["phone"] = row.phone or (await community(connection, row.community_id)).desk_phone
    standing["people"] = await _people(connection, seat, row)
    return Told(standing)


async def _people(connection: AsyncConnection, seat: Seat, row: Any) -> list[dict[str, Any]]:
    """Return whom the participant sees: those in the visit; for the clinician those who wait too.

    Who waits sees nobody, but whether the clinician is there.
    """
    told: list[dict[str, Any]] = []
    for other, shown in await participants(connection, seat.consultation_id):
        if other.id == seat.participant_id:
            continue
        person: dict[str, Any] = {"id": str(other.id), "role": shown.role, "name": shown.name, "state": shown.state}
        person |= {"is_present": shown.is_present, "wishes_phone": shown.wishes_phone}
        if row.state == "admitted" and shown.state == "admitted":
            told.append(
                person
                | {
                    "instance": str(other.instance) if other.instance else None,
                    "polite": is_polite(row.seat, other.seat),
                }
            )
        elif row.state == "admitted" and row.role == "clinician" and shown.state in ("waiting", "invited", "left"):
            told.append(person)
        elif row.state != "admitted" and shown.role == "clinician" and shown.is_present:
            told.append({"id": str(other.id), "role": "clinician", "name": shown.name, "state": shown.state})
    return told


async def put_out_absent(session: AsyncSession, seat: Seat) -> None:
    """Put out who was let in, is on no line, and may not take part any more: their page could go on without us."""
    await repository.lock(session, seat.consultation_id)
    connection = await session.connection()
    for other, shown in await participants(connection, seat.consultation_id):
        if shown.state != "admitted" or shown.is_present:
            continue
        row = (await connection.execute(_SELF, {"participant_id": other.id})).one()
        try:
            await _require_right(connection, row, await actor_of(connection, row.account_id or row.invited_by))
        except (Unauthenticated, NotFound, Forbidden):
            await lose_right(session, Seat(seat.consultation_id, other.id, row.connection_id, other.instance))


async def _behind(connection: AsyncConnection, row: Any, caller: Caller) -> Actor | None:
    """Return by whose right somebody is on a line: a guest by that of who invited them, all others by their own.

    The resident who came by a link that was sent to them has no session: that it was sent to where they are reached is
    what lets them in.
    """
    if row.account_id is None:
        return await actor_of(connection, row.invited_by)
    if caller.session_id is not None:
        return await actor_in_session(connection, caller.session_id, row.account_id)
    return await actor_by_phone(connection, row.account_id) if row.role == "resident" else None


async def _require_right(connection: AsyncConnection, row: Any, actor: Actor | None) -> None:
    """Ask again whether somebody may take part by an actor's right: their role, what they were granted."""
    if actor is None:
        raise Unauthenticated("the session has ended")
    subject = await require_consultation(connection, actor, row.consultation_id, JOIN)
    if row.account_id is None:
        require_host(subject)
        return
    require_taking_part(subject)
    if (subject.as_what == "clinician") != (row.role == "clinician"):
        raise PutOut
