"""Links that let one person in once, and the pass a link is exchanged for."""

import hmac
import secrets
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.settings import settings
from telemedicine.consultations.models import Consultation, JoinLink, Participant
from telemedicine.consultations.problems import ConsultationOver, LinkOver, LinkUnknown, LinkUsed
from telemedicine.consultations.repository import lock, participant_of, redeem
from telemedicine.consultations.rules import OPEN, digest, read_credential
from telemedicine.consultations.schemas.consultations import JoinLinkMade, Pass

PAGE: Final = "/portal/video-visits"
_OWN_GOOD_FOR: Final = timedelta(minutes=10)
"""Somebody who is signed in opens their link at once, and can have another."""

_RESIDENTS: Final = (
    sa.select(Participant, col(Consultation.close_at))
    .join(Consultation, col(Consultation.id) == col(Participant.consultation_id))
    .where(
        col(Consultation.id) == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))),
        col(Consultation.close_at).is_not(None),
        col(Participant.role) == "resident",
    )
)


async def make_link(
    session: AsyncSession, consultation: Consultation, participant: Participant, session_id: uuid.UUID | None
) -> JoinLinkMade:
    """Return a new link for the participant.

    A guest's is good until the visit closes; one's own for ten minutes, and what it lets in ends with the session it
    was asked for in.
    """
    until = consultation.close_at or clock.now()
    if participant.account_id is not None:
        until = min(until, clock.now() + _OWN_GOOD_FOR)
    link, url = _new_link(participant, until, session_id)
    session.add(link)
    await session.flush()
    return JoinLinkMade(participant_id=participant.id, url=url, expires_at=until)


async def links_to_send(session: AsyncSession, consultation_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return for each visit that is open a new link for its resident, to be sent to where they are reached.

    Whoever has nothing but a message cannot ask for another link: as a guest's, theirs is good until the visit closes.
    """
    rows = await session.execute(_RESIDENTS, {"ids": list(consultation_ids)})
    made = {row.Participant.consultation_id: _new_link(row.Participant, row.close_at, None) for row in rows}
    session.add_all(link for link, _ in made.values())
    await session.flush()
    return {consultation_id: url for consultation_id, (_, url) in made.items()}


def _new_link(participant: Participant, until: datetime, session_id: uuid.UUID | None) -> tuple[JoinLink, str]:
    secret = secrets.token_urlsafe(32)
    link = JoinLink(
        participant_id=participant.id,
        resident_id=participant.resident_id,
        account_id=participant.account_id,
        digest=digest(secret),
        session_id=session_id,
        expires_at=until,
    )
    # Behind the number sign: it reaches no server's log, and no program that looks at links uses it up.
    return link, f"{settings().http.public_url.rstrip('/')}{PAGE}#{link.id.hex}.{secret}"


async def use_link(session: AsyncSession, text: str) -> Pass:
    """Exchange a link for the pass of its participant; passes they had before are worth nothing from now on.

    Raises ``LinkUnknown`` for one nobody made, ``LinkUsed``, ``LinkOver`` for one that expired or was taken back,
    ``ConsultationOver``.
    """
    link_id, given = holder_of(text)
    link = await session.get(JoinLink, link_id)
    # Compared for unknown ids too: an id cannot be found out by timing.
    if not hmac.compare_digest(given, link.digest if link else bytes(32)) or link is None:
        raise LinkUnknown
    participant = await session.get_one(Participant, link.participant_id)
    consultation = await lock(session, participant.consultation_id)
    participant = await participant_of(session, consultation.id, participant.id)
    if not await redeem(session, link.id):
        await session.refresh(link)
        raise LinkUsed if link.used_at is not None else LinkOver
    if consultation.state not in OPEN:
        raise ConsultationOver
    fresh = secrets.token_urlsafe(32)
    participant.pass_digest, participant.session_id = digest(fresh), link.session_id
    await session.flush()
    return Pass.model_validate(
        {
            "consultation_id": consultation.id,
            "participant_id": participant.id,
            "role": participant.role,
            "pass": f"{participant.id.hex}.{fresh}",
        }
    )


def holder_of(text: str) -> tuple[uuid.UUID, bytes]:
    """Return whose link or pass a text claims to be, and the digest that must be theirs; raises ``LinkUnknown``."""
    found = read_credential(text)
    if found is None:
        raise LinkUnknown
    return found
