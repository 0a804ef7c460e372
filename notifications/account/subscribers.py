"""Sends what identity asks for: codes and invitations, each to the very number or address it was asked for."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import Subscriber
from app.identity import api as identity
from app.identity.events import InvitationCreated, SignInCodeRequested
from notifications.account.notices import (
    SIGN_IN_CODE_BY_MAIL,
    SIGN_IN_CODE_BY_SMS,
    STAFF_INVITATION_BY_MAIL,
    STAFF_INVITATION_BY_SMS,
)
from notifications.delivery.service import send


async def _send_codes(session: AsyncSession, events: Sequence[SignInCodeRequested]) -> None:
    for event in events:
        wanted = await identity.sign_in_code(session, event.aggregate_id)
        if wanted is not None:  # nobody is known there: whoever asked must not be able to tell
            await _send_code(session, event.aggregate_id, wanted)


async def _send_code(session: AsyncSession, challenge_id: uuid.UUID, wanted: identity.SignInCode) -> None:
    # A number that several people share gets the code once; signing in asks whose it is.
    account_id = wanted.account_ids[0]
    left = wanted.expires_at - clock.now()
    await send(
        session,
        SIGN_IN_CODE_BY_SMS if wanted.channel == "sms" else SIGN_IN_CODE_BY_MAIL,
        [account_id],
        community_id=wanted.community_id,
        dedupe_key=f"account.sign_in_code:{challenge_id}",
        variables={"code": wanted.code, "minutes": max(1, round(left.total_seconds() / 60))},
        expires_at=wanted.expires_at,
        contact_point_id=await _contact_point(session, account_id, wanted.destination),
    )


async def _send_invitations(session: AsyncSession, events: Sequence[InvitationCreated]) -> None:
    for event in events:
        message = await identity.invitation_message(await session.connection(), event.aggregate_id)
        if message is not None:  # accepted or revoked meanwhile
            await _send_invitation(session, event.aggregate_id, message)


async def _send_invitation(
    session: AsyncSession, invitation_id: uuid.UUID, message: identity.InvitationMessage
) -> None:
    await send(
        session,
        STAFF_INVITATION_BY_MAIL if "@" in message.contact else STAFF_INVITATION_BY_SMS,
        [message.account_id],
        community_id=message.community_id,
        dedupe_key=f"account.staff_invitation:{invitation_id}",
        variables={
            "community": message.community_id,
            "organization": message.organization,
            "role": message.role,
            "code": message.secret,
            "until": message.expires_at,
        },
        expires_at=message.expires_at,
        contact_point_id=await _contact_point(session, message.account_id, message.contact),
    )


async def _contact_point(session: AsyncSession, account_id: uuid.UUID, destination: str) -> uuid.UUID | None:
    """Return the person's contact point that a number or address is."""
    points = (await identity.contact_points(await session.connection(), [account_id]))[account_id]
    return next((point.id for point in points if point.value == destination), None)


SUBSCRIBERS: tuple[Subscriber, ...] = (
    Subscriber("notifications.send_sign_in_codes", (SignInCodeRequested,), _send_codes),
    Subscriber("notifications.send_staff_invitations", (InvitationCreated,), _send_invitations),
)
