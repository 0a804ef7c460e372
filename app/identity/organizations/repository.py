"""The SQL that writes and locks organizations, memberships, agreements and invitations."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.problems import NotFound
from app.identity.models import Account, ContactPoint, Membership, Organization, ServiceAgreement
from app.identity.organizations.models import StaffInvitation


async def organization_of(
    session: AsyncSession, community_id: uuid.UUID, organization_id: uuid.UUID, *, lock: bool = False
) -> Organization:
    """Return an organization of the community; raises ``NotFound``."""
    organization = await session.get(Organization, organization_id, with_for_update=lock or None)
    if organization is None or organization.community_id != community_id:
        raise NotFound("there is no such organization")
    return organization


async def lock_agreement(
    session: AsyncSession, organization_id: uuid.UUID, agreement_id: uuid.UUID
) -> ServiceAgreement:
    """Return an organization's agreement, locked; raises ``NotFound``."""
    agreement = await session.get(ServiceAgreement, agreement_id, with_for_update=True)
    if agreement is None or agreement.organization_id != organization_id:
        raise NotFound("there is no such agreement")
    return agreement


async def lock_invitation(
    session: AsyncSession, organization_id: uuid.UUID, invitation_id: uuid.UUID
) -> StaffInvitation:
    """Return an organization's invitation, locked; raises ``NotFound``."""
    invitation = await session.get(StaffInvitation, invitation_id, with_for_update=True)
    if invitation is None or invitation.organization_id != organization_id:
        raise NotFound("there is no such invitation")
    return invitation


async def lock_invitation_by_digest(session: AsyncSession, digest: bytes) -> StaffInvitation | None:
    """Return the invitation whose secret has this digest, locked, if there is one."""
    statement = sa.select(StaffInvitation).where(col(StaffInvitation.digest) == digest).with_for_update()
    invitation: StaffInvitation | None = await session.scalar(statement)
    return invitation


async def insert_membership(
    session: AsyncSession, account_id: uuid.UUID, organization_id: uuid.UUID, role: str
) -> uuid.UUID | None:
    """Insert a role and return its id, or ``None`` if the person holds it already."""
    at = clock.now()
    statement = (
        insert(Membership)
        .values(
            id=clock.new_id(),
            created_at=at,
            updated_at=at,
            version=1,
            account_id=account_id,
            organization_id=organization_id,
            role=role,
        )
        .on_conflict_do_nothing(
            index_elements=["account_id", "organization_id", "role"], index_where=sa.text("ended_at IS NULL")
        )
        .returning(col(Membership.id))
    )
    inserted: uuid.UUID | None = await session.scalar(statement)
    return inserted


async def end_memberships(session: AsyncSession, account_id: uuid.UUID, organization_id: uuid.UUID | None) -> int:
    """End a person's roles, in one organization if it is named, and return how many ended.

    With them end the open invitations, which would bring one back.
    """
    at = clock.now()
    await _void_invitations(session, account_id, organization_id, at)
    statement = (
        sa.update(Membership)
        .where(col(Membership.account_id) == account_id, col(Membership.ended_at).is_(None))
        .values(ended_at=at, updated_at=at, version=Membership.version + 1)
        .returning(col(Membership.id))
        .execution_options(synchronize_session=False)
    )
    if organization_id is not None:
        statement = statement.where(col(Membership.organization_id) == organization_id)
    return len((await session.scalars(statement)).all())


async def _void_invitations(
    session: AsyncSession, account_id: uuid.UUID, organization_id: uuid.UUID | None, at: datetime
) -> None:
    """Void the open invitations sent to a person or to where they are reached, of one organization if it is named."""
    reached = sa.select(col(ContactPoint.value_index)).where(col(ContactPoint.account_id) == account_id)
    community = sa.select(col(Account.community_id)).where(col(Account.id) == account_id).scalar_subquery()
    statement = (
        sa.update(StaffInvitation)
        .where(
            col(StaffInvitation.community_id) == community,
            sa.or_(col(StaffInvitation.account_id) == account_id, col(StaffInvitation.contact_index).in_(reached)),
            col(StaffInvitation.accepted_at).is_(None),
            col(StaffInvitation.revoked_at).is_(None),
        )
        .values(revoked_at=at, secret=None, updated_at=at, version=StaffInvitation.version + 1)
        .execution_options(synchronize_session=False)
    )
    if organization_id is not None:
        statement = statement.where(col(StaffInvitation.organization_id) == organization_id)
    await session.execute(statement)


async def has_operator(session: AsyncSession, community_id: uuid.UUID) -> bool:
    """Say whether somebody who can sign in is the community's operator, seen under a lock on its organizations."""
    houses = (
        sa.select(col(Organization.id))
        .where(col(Organization.community_id) == community_id, col(Organization.kind) == "operator")
        .with_for_update()
    )
    ids = list(await session.scalars(houses))
    statement = (
        sa.select(col(Membership.id))
        .join(Account, col(Account.id) == col(Membership.account_id))
        .where(
            col(Membership.organization_id).in_(ids),
            col(Membership.role) == "operator",
            col(Membership.ended_at).is_(None),
            col(Account.state) == "active",
        )
        .limit(1)
    )
    return await session.scalar(statement) is not None
