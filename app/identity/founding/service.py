"""Founding a community and giving it its first operator: what nobody who is signed in can do."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit
from app.core.access import system_actor
from app.core.problems import Conflict, NotFound
from app.identity.communities.service import create_community
from app.identity.models import Account, Community, Organization
from app.identity.organizations.repository import has_operator, insert_membership, organization_of
from app.identity.organizations.rules import ROLES, check_role
from app.identity.organizations.schemas import AgreementAdd, OrganizationAdd
from app.identity.organizations.service import add_agreement, add_organization
from app.identity.people.problems import checked
from app.identity.people.service import create_account
from app.identity.scopes import CLINICS_ALONE, ROLE_SCOPES

_KIND = "operator"
_SCOPES = sorted(frozenset().union(*(ROLE_SCOPES[role] for role in ROLES[_KIND])) - CLINICS_ALONE)


class OperatorExists(Conflict):
    """The community has an operator, who lets others in."""

    code, title = "operator_exists", "The community has an operator already"


async def found_community(
    session: AsyncSession,
    *,
    name: str,
    country: str,
    time_zone: str,
    currency: str,
    languages: list[str],
    emergency_numbers: dict[str, str],
    desk_phone: str | None = None,
) -> Community:
    """Create a community with the organization that operates it, which may see everyone in it; raises ``Malformed``."""
    community = await create_community(
        session,
        name=name,
        country=country,
        time_zone=time_zone,
        currency=currency,
        languages=languages,
        emergency_numbers=emergency_numbers,
        desk_phone=desk_phone,
    )
    actor = system_actor(community.id)
    organization = await add_organization(session, actor, OrganizationAdd(kind="operator", name=community.name))
    agreement = AgreementAdd(scopes=_SCOPES, basis="operation of the community")
    await add_agreement(session, actor, organization.id, agreement)
    return community


async def find_community(session: AsyncSession, name: str) -> Community | None:
    """Return the community of that name, the oldest if there are several."""
    statement = sa.select(Community).where(col(Community.name) == name).order_by(col(Community.id)).limit(1)
    community: Community | None = await session.scalar(statement)
    return community


async def add_first_operator(session: AsyncSession, community_id: uuid.UUID, *, name: str, phone: str) -> Account:
    """Create the person who signs in with ``phone`` and operates the community.

    Raises ``OperatorExists`` if there is one, ``NotFound`` without the community, ``Malformed`` for what is no number.
    """
    # Locked: of two who found the community at once, one is first.
    if await session.get(Community, community_id, with_for_update=True) is None:
        raise NotFound("there is no such community")
    if await has_operator(session, community_id):
        raise OperatorExists
    operators = sa.select(col(Organization.id)).where(
        col(Organization.community_id) == community_id, col(Organization.kind) == _KIND
    )
    organization_id = await session.scalar(operators.order_by(col(Organization.id)).limit(1))
    if organization_id is None:
        raise NotFound("the community has no operator organization")
    return await appoint(session, community_id, organization_id, "operator", name=name, phone=phone)


async def appoint(
    session: AsyncSession, community_id: uuid.UUID, organization_id: uuid.UUID, *roles: str, name: str, phone: str
) -> Account:
    """Create a person with roles in an organization, without an invitation, and return the account.

    Raises ``NotFound`` for an organization of another community, ``Malformed`` for what is no number or role.
    """
    organization = await organization_of(session, community_id, organization_id)
    for role in roles:
        checked("role", role, lambda given: check_role(organization.kind, given))
    actor = system_actor(community_id)
    account = await create_account(session, actor, name=name, phone=phone, is_vouched=True)
    for role in roles:
        await insert_membership(session, account.id, organization.id, role)
        details = {"organization_id": str(organization.id), "role": role}
        await audit.record(session, actor, "member:add", object_id=account.id, details=details)
    return account
