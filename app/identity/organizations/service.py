"""Organizations, what they may see, and who works for them."""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Forbidden, Malformed, NotFound
from app.core.routing import check_version
from app.identity.access import Member
from app.identity.events import AccountDeactivated, MembershipEnded
from app.identity.models import Organization, Resident, ServiceAgreement
from app.identity.organizations.problems import AgreementEnded, LastOperator, NotDeactivable
from app.identity.organizations.repository import (
    end_memberships,
    has_operator,
    lock_agreement,
    organization_of,
)
from app.identity.organizations.rules import unfitting
from app.identity.organizations.schemas import AgreementAdd, AgreementChange, OrganizationAdd, OrganizationChange
from app.identity.people.repository import lock_account, resident_of_account


async def add_organization(session: AsyncSession, actor: Actor, data: OrganizationAdd) -> Organization:
    """Add an organization to the actor's community and return it."""
    organization = Organization(community_id=actor.community_id, **data.model_dump())
    session.add(organization)
    await session.flush()
    await audit.record(session, actor, "organization:add", object_id=organization.id)
    return organization


async def change_organization(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, change: OrganizationChange, if_match: int | None
) -> Organization:
    """Change an organization and return it; raises ``NotFound``, ``StaleVersion``."""
    organization = await organization_of(session, member.community_id, organization_id, lock=True)
    check_version(organization, if_match)
    given = change.model_dump(exclude_unset=True)
    for field, value in given.items():
        setattr(organization, field, value)
    await session.flush()
    details = {"fields": sorted(given)}
    await audit.record(session, member.actor, "organization:change", object_id=organization_id, details=details)
    return organization


async def add_agreement(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: AgreementAdd
) -> ServiceAgreement:
    """Agree what an organization may see of one resident or of everyone, and return the agreement.

    Raises ``NotFound`` for an organization or resident of another community, ``Malformed`` for an impossible period, or
    scopes that are not for such an organization.
    """
    organization = await organization_of(session, actor.community_id, organization_id)
    _require_fitting(organization, data.scopes)
    if data.resident_id is not None:
        resident = await session.get(Resident, data.resident_id)
        if resident is None or resident.community_id != actor.community_id:
            raise NotFound("there is no such resident")
    starts_at = data.starts_at or clock.now()
    if data.ends_at is not None and data.ends_at <= starts_at:
        raise Malformed(errors=[FieldError("/body/ends_at", "has to lie after the start", "period")])
    agreement = ServiceAgreement(
        community_id=actor.community_id,
        organization_id=organization.id,
        resident_id=data.resident_id,
        scopes=data.scopes,
        basis=data.basis,
        starts_at=starts_at,
        ends_at=data.ends_at,
    )
    session.add(agreement)
    await session.flush()
    await _record_agreement(session, actor, "agreement:add", agreement)
    return agreement


async def change_agreement(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    agreement_id: uuid.UUID,
    change: AgreementChange,
    if_match: int | None,
) -> ServiceAgreement:
    """Change what is agreed, or end it (an end in the past is now), and return the agreement.

    Raises ``NotFound``, ``StaleVersion``, ``AgreementEnded``, ``Malformed`` for scopes that are not for such an
    organization.
    """
    _require_fitting(await organization_of(session, actor.community_id, organization_id), change.scopes)
    agreement = await lock_agreement(session, organization_id, agreement_id)
    check_version(agreement, if_match)
    now = clock.now()
    if agreement.ends_at is not None and agreement.ends_at <= now:
        raise AgreementEnded
    given = change.model_dump(exclude_unset=True)
    if change.ends_at is not None:
        # What was seen under it was seen rightly: the past does not change. One that never began is over at its start.
        given["ends_at"] = max(change.ends_at, now, agreement.starts_at + timedelta(microseconds=1))
    for field, value in given.items():
        setattr(agreement, field, value)
    await session.flush()
    await _record_agreement(session, actor, "agreement:change", agreement)
    return agreement


def _require_fitting(organization: Organization, scopes: Iterable[str]) -> None:
    if odd := unfitting(organization.kind, scopes):
        detail = f"only a clinic can have {', '.join(odd)}"
        raise Malformed(errors=[FieldError("/body/scopes", detail, "for_clinics")])


async def end_member(session: AsyncSession, member: Member, organization_id: uuid.UUID, account_id: uuid.UUID) -> None:
    """End all roles a person has in an organization, at once.

    Raises ``NotFound``, ``LastOperator``, ``Forbidden`` where somebody but an operator would end an operator's.
    """
    organization = await organization_of(session, member.community_id, organization_id)
    if organization.kind == "operator" and member.role != "operator":
        raise Forbidden("only an operator ends roles there")
    if await end_memberships(session, account_id, organization_id) == 0:
        raise NotFound("this person does not work there")
    if organization.kind == "operator" and not await has_operator(session, member.community_id):
        raise LastOperator
    details = {"organization_id": str(organization_id)}
    await audit.record(session, member.actor, "member:end", object_id=account_id, details=details)
    await emit(
        session,
        MembershipEnded(aggregate_id=account_id, community_id=member.community_id, organization_id=organization_id),
    )


async def deactivate_account(session: AsyncSession, actor: Actor, account_id: uuid.UUID) -> None:
    """Shut an account out at once: no request of it passes from the commit on, and its roles end.

    Raises ``NotFound``, ``NotDeactivable`` for oneself (so an operator always remains) and for residents.
    """
    account = await lock_account(session, account_id)
    if account.community_id != actor.community_id or account.state == "erased":
        raise NotFound
    if account_id == actor.id or await resident_of_account(session, account_id) is not None:
        raise NotDeactivable
    if account.state == "deactivated":
        return
    account.state, account.deactivated_at = "deactivated", clock.now()
    await session.flush()
    await end_memberships(session, account_id, None)
    await audit.record(session, actor, "account:deactivate", object_id=account_id)
    await emit(session, AccountDeactivated(aggregate_id=account_id, community_id=account.community_id))


async def reactivate_account(session: AsyncSession, actor: Actor, account_id: uuid.UUID) -> None:
    """Let an account sign in again; its roles have to be given anew. Raises ``NotFound``."""
    account = await lock_account(session, account_id)
    if account.community_id != actor.community_id or account.state == "erased":
        raise NotFound
    if account.state == "active":
        return
    account.state, account.deactivated_at = "active", None
    await session.flush()
    await audit.record(session, actor, "account:reactivate", object_id=account_id)


async def _record_agreement(session: AsyncSession, actor: Actor, action: str, agreement: ServiceAgreement) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=agreement.resident_id,
        object_id=agreement.id,
        details={
            "organization_id": str(agreement.organization_id),
            "scopes": agreement.scopes,
            "ends_at": agreement.ends_at.isoformat() if agreement.ends_at else None,
        },
    )
