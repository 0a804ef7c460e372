"""Sends what identity asks for: the code of a sign-in, to the number or address it was asked for from."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import Subscriber
from app.identity import api as identity
from app.identity.events import SignInCodeRequested
from notifications.account.notices import SIGN_IN_CODE_BY_MAIL, SIGN_IN_CODE_BY_SMS
from notifications.delivery.service import send


async def _send_codes(session: AsyncSession, events: Sequence[SignInCodeRequested]) -> None:
    for event in events:
        wanted = await identity.sign_in_code(session, event.aggregate_id)
        if wanted is not None:  # nobody is known there: whoever asked must not be able to tell
            await _send_code(session, event.aggregate_id, wanted)


async def _send_code(session: AsyncSession, challenge_id: uuid.UUID, wanted: identity.SignInCode) -> None:
    # A number that several people share gets the code once; signing in asks whose it is.
    account_id, contact_point_id = await _addressee(session, wanted)
    left = wanted.expires_at - clock.now()
    await send(
        session,
        SIGN_IN_CODE_BY_SMS if wanted.channel == "sms" else SIGN_IN_CODE_BY_MAIL,
        [account_id],
        community_id=wanted.community_id,
        dedupe_key=f"account.sign_in_code:{challenge_id}",
        variables={"code": wanted.code, "minutes": max(1, round(left.total_seconds() / 60))},
        expires_at=wanted.expires_at,
        contact_point_id=contact_point_id,
    )


async def _addressee(session: AsyncSession, wanted: identity.SignInCode) -> tuple[uuid.UUID, uuid.UUID | None]:
    """Return the first of the people behind the destination, and their contact point that it is."""
    account_id = wanted.account_ids[0]
    points = (await identity.contact_points(await session.connection(), [account_id]))[account_id]
    return account_id, next((point.id for point in points if point.value == wanted.destination), None)


SUBSCRIBERS: tuple[Subscriber, ...] = (
    Subscriber("notifications.send_sign_in_codes", (SignInCodeRequested,), _send_codes),
)
