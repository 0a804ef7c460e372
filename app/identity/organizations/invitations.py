"""Inviting staff: a one-time secret to a phone or mail address, accepted by whoever verified that address."""

import uuid
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.batches import delete_past
from app.core.database import unit_of_work
from app.core.events import emit
from app.core.problems import Forbidden, NotFound
from app.core.sealing import seal
from app.core.tables import table_of
from app.identity.access import Member
from app.identity.credentials import digest, new_secret
from app.identity.events import InvitationCreated
from app.identity.models import Community, ContactPoint, Organization
from app.identity.organizations import rules
from app.identity.organizations.models import StaffInvitation
from app.identity.organizations.problems import InvitationEnded
from app.identity.organizations.repository import (
    insert_membership,
    lock_invitation,
    lock_invitation_by_digest,
    organization_of,
)
from app.identity.organizations.schemas import InvitationAdd
from app.identity.organizations.views import CONTACT, SECRET
from app.identity.people.problems import checked
from app.identity.people.rules import normalize_email, normalize_phone
from app.identity.people.seals import contact_index
from app.identity.people.service import create_account
from app.identity.people.views import accounts_reached_at

VALID_FOR: Final = timedelta(days=7)
KEPT_FOR: Final = timedelta(days=90)


async def invite(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, data: InvitationAdd
) -> StaffInvitation:
    """Invite somebody to an organization's staff and return the invitation; who has no account gets one.

    Raises ``NotFound``, ``Malformed`` for a role the organization does not have, ``Forbidden`` where a
    coordinator would reach beyond their own organization.
    """
    organization = await organization_of(session, member.community_id, organization_id)
    _check_reach(member, organization)
    role = checked("role", data.role, lambda given: rules.check_role(organization.kind, given))
    contact = await _contact(session, member.community_id, data)
    reached = await accounts_reached_at(await session.connection(), member.community_id, contact)
    if not reached:
        account = await create_account(
            session, member.actor, name=data.name, phone=data.phone, email=data.email, is_vouched=True
        )
        reached = [account.id]
    secret = new_secret()
    invitation = StaffInvitation(
        community_id=member.community_id,
        organization_id=organization_id,
        account_id=reached[0],
        role=role,
        contact=seal(contact, CONTACT),
        contact_index=contact_index(contact),
        digest=digest(secret),
        secret=seal(secret, SECRET),
        invited_by=member.actor.id,
        expires_at=clock.now() + VALID_FOR,
    )
    session.add(invitation)
    await session.flush()
    await audit.record(session, member.actor, "invitation:add", object_id=invitation.id, details={"role": role})
    await emit(session, InvitationCreated(aggregate_id=invitation.id, community_id=member.community_id))
    return invitation


async def accept(session: AsyncSession, actor: Actor, secret: str) -> StaffInvitation:
    """Give the actor the role they were invited to and return the invitation.

    Raises ``NotFound`` for an unknown secret, ``InvitationEnded``, ``Forbidden`` unless the actor has verified the
    number or address the invitation was sent to: a forwarded secret lets nobody else in.
    """
    invitation = await lock_invitation_by_digest(session, digest(secret))
    if invitation is None or invitation.community_id != actor.community_id:
        raise NotFound("there is no such invitation")
    if not is_open(invitation):
        raise InvitationEnded
    if not await _has_verified(session, actor.id, invitation.contact_index):
        raise Forbidden("sign in with the number or address the invitation was sent to")
    await insert_membership(session, actor.id, invitation.organization_id, invitation.role)
    invitation.accepted_at, invitation.secret, invitation.account_id = clock.now(), None, actor.id
    await session.flush()
    details = {"organization_id": str(invitation.organization_id), "role": invitation.role}
    await audit.record(session, actor, "invitation:accept", object_id=invitation.id, details=details)
    return invitation


async def revoke(session: AsyncSession, member: Member, organization_id: uuid.UUID, invitation_id: uuid.UUID) -> None:
    """Void an invitation that is still open; raises ``NotFound``, ``Forbidden``, ``InvitationEnded``."""
    _check_reach(member, await organization_of(session, member.community_id, organization_id))
    invitation = await lock_invitation(session, organization_id, invitation_id)
    if not is_open(invitation):
        raise InvitationEnded
    invitation.revoked_at, invitation.secret = clock.now(), None
    await session.flush()
    await audit.record(session, member.actor, "invitation:revoke", object_id=invitation_id)


async def forget_old() -> int:
    """Delete a batch of the invitations that ended 90 days ago and return how many went."""
    async with unit_of_work() as session:
        return await delete_past(session, table_of(StaffInvitation), "expires_at", clock.now() - KEPT_FOR)


def is_open(invitation: StaffInvitation) -> bool:
    """Say whether an invitation can still be accepted."""
    return invitation.accepted_at is None and invitation.revoked_at is None and invitation.expires_at > clock.now()


def _check_reach(member: Member, organization: Organization) -> None:
    """A coordinator lets people into their own organization; into the operator's only an operator does."""
    if member.role == "operator":
        return
    if member.organization_id != organization.id or organization.kind == "operator":
        raise Forbidden("only an operator lets people in there")


async def _contact(session: AsyncSession, community_id: uuid.UUID, data: InvitationAdd) -> str:
    if data.email is not None:
        return checked("email", data.email, normalize_email)
    country = (await session.get_one(Community, community_id)).country
    return checked("phone", data.phone or "", lambda given: normalize_phone(given, country))


async def _has_verified(session: AsyncSession, account_id: uuid.UUID, index: bytes) -> bool:
    statement = sa.select(col(ContactPoint.id)).where(
        col(ContactPoint.account_id) == account_id,
        col(ContactPoint.value_index) == index,
        col(ContactPoint.verified_at).is_not(None),
    )
    return await session.scalar(statement) is not None
