"""Links that let one person in once, and the pass a link is exchanged for."""

import hashlib
import hmac
import re
import secrets
import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.settings import settings
from telemedicine.consultations.models import Consultation, JoinLink, Participant
from telemedicine.consultations.problems import ConsultationOver, LinkOver, LinkUnknown, LinkUsed
from telemedicine.consultations.repository import lock, participant_of, redeem
from telemedicine.consultations.rules import OPEN
from telemedicine.consultations.schemas.consultations import JoinLinkMade, Pass

PAGE: Final = "/portal/video-visits"
_OWN_GOOD_FOR: Final = timedelta(minutes=10)
"""Somebody who is signed in opens their link at once, and can have another."""
_CREDENTIAL: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")


async def make_link(
    session: AsyncSession, consultation: Consultation, participant: Participant, session_id: uuid.UUID | None
) -> JoinLinkMade:
    """Return a new link for the participant.

    A guest's is good until the visit closes; one's own for ten minutes, and what it lets in ends with the session it
    was asked for in.
    """
    secret = secrets.token_urlsafe(32)
    until = consultation.close_at or clock.now()
    if participant.account_id is not None:
        until = min(until, clock.now() + _OWN_GOOD_FOR)
    link = JoinLink(
        participant_id=participant.id,
        resident_id=participant.resident_id,
        account_id=participant.account_id,
        digest=_digest(secret),
        session_id=session_id,
        expires_at=until,
    )
    session.add(link)
    await session.flush()
    # Behind the number sign: it reaches no server's log, and no program that looks at links uses it up.
    url = f"{settings().http.public_url.rstrip('/')}{PAGE}#{link.id.hex}.{secret}"
    return JoinLinkMade(participant_id=participant.id, url=url, expires_at=until)


async def use_link(session: AsyncSession, text: str) -> Pass:
    """Exchange a link for the pass of its participant; passes they had before are worth nothing from now on.

    Raises ``LinkUnknown`` for one nobody made, ``LinkUsed``, ``LinkOver`` for one that expired or was taken back,
    ``ConsultationOver``.
    """
    link_id, secret = _parsed(text)
    link = await session.get(JoinLink, link_id)
    # Compared for unknown ids too: an id cannot be found out by timing.
    if not hmac.compare_digest(_digest(secret), link.digest if link else bytes(32)) or link is None:
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
    participant.pass_digest, participant.session_id = _digest(fresh), link.session_id
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
    """Return whose pass a text claims to be, and the digest that must be theirs; raises ``LinkUnknown``."""
    participant_id, secret = _parsed(text)
    return participant_id, _digest(secret)


def _parsed(text: str) -> tuple[uuid.UUID, str]:
    matched = _CREDENTIAL.fullmatch(text)
    if matched is None:
        raise LinkUnknown
    return uuid.UUID(matched[1]), matched[2]


def _digest(secret: str) -> bytes:
    """Return the SHA-256 of 256 random bits: nothing slower is needed, they cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()
