"""Sends what identity asks for to the very number it was asked for, and tells what others changed for somebody."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import Event, Subscriber
from app.identity import api as identity
from app.identity.events import (
    ContactPointsChanged,
    InvitationCreated,
    PhonePaired,
    SignInCodeRequested,
    ViewingBegan,
)
from notifications.account.notices import (
    CONTACT_POINT_CHANGED,
    PHONE_PAIRED,
    SIGN_IN_CODE_BY_MAIL,
    SIGN_IN_CODE_BY_SMS,
    STAFF_INVITATION_BY_MAIL,
    STAFF_INVITATION_BY_SMS,
    VIEWED_BY_SUPPORT,
)
from notifications.delivery.service import send
from notifications.templates.notices import Notice
from notifications.templates.variables import Value

_BY_CAPABILITY: Final = {"sms": "sms", "email": "mail"}


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


async def _tell_of_contact_points(session: AsyncSession, events: Sequence[ContactPointsChanged]) -> None:
    for event in events:
        if event.change is not None and event.changed_by != event.aggregate_id:
            await _tell_everywhere(session, CONTACT_POINT_CHANGED, event, {"change": event.change})


async def _tell_of_phones(session: AsyncSession, events: Sequence[PhonePaired]) -> None:
    for event in events:
        if event.paired_by != event.aggregate_id:
            await _tell_everywhere(session, PHONE_PAIRED, event, {})


async def _tell_of_viewings(session: AsyncSession, events: Sequence[ViewingBegan]) -> None:
    for event in events:
        await send(
            session,
            VIEWED_BY_SUPPORT,
            [event.aggregate_id],
            community_id=event.community_id,
            dedupe_key=f"{VIEWED_BY_SUPPORT.key}:{event.viewing_id}",
            variables={"community": event.community_id},
        )


async def _tell_everywhere(session: AsyncSession, notice: Notice, event: Event, variables: Mapping[str, Value]) -> None:
    """Tell a person over the app and over all that they have shown to be theirs: what is new may be another's."""
    account_id, community_id = event.aggregate_id, event.community_id
    given = {"community": community_id, **variables}
    key = f"{notice.key}:{event.id}"
    await send(
        session,
        notice,
        [account_id],
        community_id=community_id,
        dedupe_key=key,
        variables=given,
        channels=("push", "inbox"),
    )
    points = (await identity.contact_points(await session.connection(), [account_id]))[account_id]
    for point in points:
        channel = next((_BY_CAPABILITY[able] for able in point.capabilities if able in _BY_CAPABILITY), None)
        if point.verified_at is None or channel is None:
            continue
        await send(
            session,
            notice,
            [account_id],
            community_id=community_id,
            dedupe_key=f"{key}:{point.id}",
            variables=given,
            contact_point_id=point.id,
            channels=(channel,),
        )


async def _contact_point(session: AsyncSession, account_id: uuid.UUID, destination: str) -> uuid.UUID | None:
    """Return the person's contact point that a number or address is."""
    points = (await identity.contact_points(await session.connection(), [account_id]))[account_id]
    return next((point.id for point in points if point.value == destination), None)


SUBSCRIBERS: tuple[Subscriber, ...] = (
    Subscriber("notifications.send_sign_in_codes", (SignInCodeRequested,), _send_codes),
    Subscriber("notifications.send_staff_invitations", (InvitationCreated,), _send_invitations),
    Subscriber("notifications.tell_of_contact_points", (ContactPointsChanged,), _tell_of_contact_points),
    Subscriber("notifications.tell_of_paired_phones", (PhonePaired,), _tell_of_phones),
    Subscriber("notifications.tell_of_viewings", (ViewingBegan,), _tell_of_viewings),
)
