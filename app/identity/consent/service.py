"""Giving, changing and ending what a resident lets others see or do."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import SYSTEM_ID, Actor, system_actor
from app.core.events import emit
from app.core.problems import FieldError, Forbidden, Malformed, NotFound
from app.core.tables import table_of
from app.identity.consent.problems import GrantEnded, GrantExists, GrantOfAnAlarm, ProxyNeedsDocument
from app.identity.consent.repository import (
    end_of_helper,
    end_of_reason,
    insert_grant,
    upsert_break_glass,
    widen_of_reason,
    wording_in_use,
)
from app.identity.consent.rules import GivenKind, GrantKind, grantable, may_end, refusal, widens
from app.identity.consent.schemas import GrantAdd
from app.identity.consent.texts import language_for
from app.identity.events import GrantAdded, GrantChanged, GrantRevoked
from app.identity.models import Account, Grant
from app.identity.people.problems import ResidenceEnded
from app.identity.visibility import ResidentSubject


async def give(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: GrantAdd, language: str) -> Grant:
    """Let a person see or do what was asked for and return the grant.

    Raises as ``add_grant``, and ``ProxyNeedsDocument`` for what only comes of a proposal.
    """
    if data.kind == "proxy":
        raise ProxyNeedsDocument
    return await add_grant(
        session,
        actor,
        subject,
        grantee_account_id=data.account_id,
        scopes=data.scopes,
        expires_at=data.expires_at,
        language=language,
    )


async def add_grant(  # noqa: PLR0913 - what a grant consists of, each named
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    *,
    grantee_account_id: uuid.UUID,
    scopes: Iterable[str],
    kind: GivenKind = "consent",
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
    language: str | None = None,
) -> Grant:
    """Let a person of the same community see or do ``scopes`` from ``starts_at`` (default: now), return the grant.

    It keeps the words it was agreed in: those of ``language`` (default: of the language the giver uses).

    Raises ``NotFound`` for an unknown person, ``Forbidden`` if the giver would widen rights, ``GrantExists``,
    ``ResidenceEnded``.
    """
    if subject.state != "active":
        raise ResidenceEnded
    wanted = frozenset(scopes)
    _check_content(wanted, kind, expires_at)
    await _check_giver(session, actor, subject, grantee_account_id, wanted, kind)
    grantee = await session.get(Account, grantee_account_id)
    if grantee is None or grantee.community_id != subject.community_id or grantee.state != "active":
        raise NotFound("there is no such person in this community")
    grant = await insert_grant(
        session,
        {
            "community_id": subject.community_id,
            "resident_id": subject.resident_id,
            "grantee_account_id": grantee_account_id,
            "scopes": sorted(wanted),
            "kind": kind,
            "granted_by": actor.id,
            "starts_at": starts_at or clock.now(),
            "expires_at": expires_at,
            "wording_id": await _wording(session, actor, language),
            "agreed_at": clock.now(),
        },
    )
    if grant is None:
        raise GrantExists
    await _record(session, actor, "grant:add", grant)
    await emit(session, _added(grant))
    return grant


async def change_grant(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    grant: Grant,
    *,
    scopes: Iterable[str],
    expires_at: datetime | None,
    language: str | None = None,
) -> Grant:
    """Replace what a grant in force contains and how long it lasts.

    Raises as ``add_grant``, ``GrantEnded``, and ``ProxyNeedsDocument`` for more than a proxy was checked for.
    """
    kind = _given_kind(grant)
    _check_in_force(grant)
    wanted = frozenset(scopes)
    _check_content(wanted, kind, expires_at)
    await _check_giver(session, actor, subject, grant.grantee_account_id, wanted, kind)
    if kind == "proxy" and widens(wanted, expires_at, frozenset(grant.scopes), grant.expires_at):
        raise ProxyNeedsDocument
    wording_id = await _wording(session, actor, language)
    grant.scopes = sorted(wanted)
    grant.expires_at = expires_at
    grant.wording_id, grant.agreed_at = wording_id, clock.now()
    await session.flush()
    await _record(session, actor, "grant:change", grant)
    fact = GrantChanged(
        aggregate_id=grant.id,
        community_id=grant.community_id,
        resident_id=grant.resident_id,
        grantee_account_id=grant.grantee_account_id,
    )
    await emit(session, fact)
    return grant


async def end_grant(session: AsyncSession, actor: Actor, subject: ResidentSubject, grant: Grant) -> None:
    """End a grant at once on behalf of whoever manages the resident's grants.

    Raises as ``revoke_grant``, and ``Forbidden`` where one proxy would end another.
    """
    kind = cast(GrantKind, grant.kind)
    if not may_end(kind, ender=subject.relation, ender_account_id=actor.id, holder_id=grant.grantee_account_id):
        raise Forbidden("only the resident or the operator ends what another proxy may do")
    await revoke_grant(session, actor, grant)


async def revoke_grant(session: AsyncSession, actor: Actor, grant: Grant) -> None:
    """End a grant at once; ending what has ended changes nothing. Raises ``GrantOfAnAlarm`` for emergency access."""
    if grant.kind == "break_glass":
        raise GrantOfAnAlarm
    if grant.revoked_at is not None:
        return
    grant.revoked_at = clock.now()
    await session.flush()
    await _record(session, actor, "grant:revoke", grant)
    await emit(session, _revoked(grant))


async def grant_of(session: AsyncSession, resident_id: uuid.UUID, grant_id: uuid.UUID) -> Grant:
    """Return a resident's grant, locked for a change; raises ``NotFound``."""
    statement = sa.select(Grant).where(col(Grant.id) == grant_id, col(Grant.resident_id) == resident_id)
    statement = statement.with_for_update()
    grant: Grant | None = (await session.scalars(statement)).one_or_none()
    if grant is None:
        raise NotFound
    return grant


async def open_break_glass(
    session: AsyncSession,
    *,
    community_id: uuid.UUID,
    resident_id: uuid.UUID,
    alarm_id: uuid.UUID,
    account_ids: Sequence[uuid.UUID],
    scopes: Iterable[str],
    expires_at: datetime,
) -> list[uuid.UUID]:
    """Open emergency access for an alarm's responders and return the ids of the grants.

    Repeating it widens the scopes and prolongs the time, never shortens. Every new grant is recorded and told.
    """
    if not account_ids:
        return []
    wanted = sorted(set(scopes))
    rows = await upsert_break_glass(
        session,
        community_id=community_id,
        resident_id=resident_id,
        alarm_id=alarm_id,
        granted_by=SYSTEM_ID,
        account_ids=account_ids,
        scopes=wanted,
        expires_at=expires_at,
    )
    actor = system_actor(community_id)
    for row in rows:
        if not row.is_new:
            continue
        await audit.record(
            session,
            actor,
            action="grant:open_break_glass",
            resident_id=resident_id,
            object_id=row.id,
            details={"alarm_id": str(alarm_id), "account_id": str(row.grantee_account_id), "scopes": wanted},
        )
        await emit(
            session,
            GrantAdded(
                aggregate_id=row.id,
                community_id=community_id,
                resident_id=resident_id,
                grantee_account_id=row.grantee_account_id,
                kind="break_glass",
            ),
        )
    return [row.id for row in rows]


async def widen_break_glass(session: AsyncSession, alarm_id: uuid.UUID, scope: str) -> int:
    """Add a scope to the emergency access an alarm has opened, and return how many grants did not have it."""
    widened = await widen_of_reason(session, alarm_id, scope)
    for row in widened:
        await audit.record(
            session,
            system_actor(row.community_id),
            action="grant:widen_break_glass",
            resident_id=row.resident_id,
            object_id=row.id,
            details={"alarm_id": str(alarm_id), "account_id": str(row.grantee_account_id), "scopes": [scope]},
        )
        await emit(
            session,
            GrantChanged(
                aggregate_id=row.id,
                community_id=row.community_id,
                resident_id=row.resident_id,
                grantee_account_id=row.grantee_account_id,
            ),
        )
    return len(widened)


async def close_break_glass(session: AsyncSession, alarm_id: uuid.UUID) -> int:
    """End the emergency access an alarm opened and return how many grants ended."""
    return await _closed(session, await end_of_reason(session, alarm_id))


async def close_break_glass_of(session: AsyncSession, resident_id: uuid.UUID, account_id: uuid.UUID) -> int:
    """End the emergency access that alarms about a resident opened to one person; return how many grants ended."""
    return await _closed(session, await end_of_helper(session, resident_id, account_id))


async def _closed(session: AsyncSession, ended: Sequence[sa.Row[Any]]) -> int:
    for row in ended:
        await audit.record(
            session,
            system_actor(row.community_id),
            action="grant:close_break_glass",
            resident_id=row.resident_id,
            object_id=row.id,
        )
        await emit(
            session,
            GrantRevoked(
                aggregate_id=row.id,
                community_id=row.community_id,
                resident_id=row.resident_id,
                grantee_account_id=row.grantee_account_id,
                kind="break_glass",
            ),
        )
    return len(ended)


async def _wording(session: AsyncSession, actor: Actor, language: str | None) -> uuid.UUID:
    if language is None:
        used = await session.scalar(sa.select(col(Account.language)).where(col(Account.id) == actor.id))
        language = language_for(used or "")
    return await wording_in_use(session, language)


def _given_kind(grant: Grant) -> GivenKind:
    if grant.kind == "consent":
        return "consent"
    if grant.kind == "proxy":
        return "proxy"
    raise GrantOfAnAlarm


def _check_in_force(grant: Grant) -> None:
    if grant.revoked_at is not None or (grant.expires_at is not None and grant.expires_at <= clock.now()):
        raise GrantEnded


def _check_content(scopes: frozenset[str], kind: GivenKind, expires_at: datetime | None) -> None:
    errors = []
    if not scopes:
        errors.append(FieldError("/body/scopes", "name at least one scope", "too_short"))
    if unknown := sorted(scopes - grantable(kind)):
        errors.append(FieldError("/body/scopes", f"cannot be granted: {', '.join(unknown)}", "scope_not_grantable"))
    if expires_at is not None and expires_at <= clock.now():
        errors.append(FieldError("/body/expires_at", "lies in the past", "in_the_past"))
    if errors:
        raise Malformed(errors=errors)


async def _check_giver(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    grantee_account_id: uuid.UUID,
    scopes: frozenset[str],
    kind: GivenKind,
) -> None:
    held: frozenset[str] = frozenset()
    if subject.relation == "granted":
        held = await _held(session, actor, subject.resident_id)
    reason = refusal(
        kind,
        scopes,
        giver=subject.relation,
        giver_account_id=actor.id,
        grantee_account_id=grantee_account_id,
        resident_account_id=subject.account_id,
        giver_holds=held,
    )
    if reason is not None:
        raise Forbidden(reason)


async def _held(session: AsyncSession, actor: Actor, resident_id: uuid.UUID) -> frozenset[str]:
    """Return the scopes the actor's own grants in force bring; emergency access cannot be passed on."""
    grants = table_of(Grant)
    now = clock.now()
    statement = sa.select(sa.func.unnest(grants.c.scopes)).where(
        grants.c.resident_id == resident_id,
        grants.c.grantee_account_id == actor.id,
        grants.c.kind != "break_glass",
        grants.c.revoked_at.is_(None),
        grants.c.starts_at <= now,
        sa.or_(grants.c.expires_at.is_(None), grants.c.expires_at > now),
    )
    return frozenset(await session.scalars(statement))


async def _record(session: AsyncSession, actor: Actor, action: str, grant: Grant) -> None:
    await audit.record(
        session,
        actor,
        action=action,
        resident_id=grant.resident_id,
        object_id=grant.id,
        details={
            "account_id": str(grant.grantee_account_id),
            "kind": grant.kind,
            "scopes": grant.scopes,
            "wording_id": str(grant.wording_id) if grant.wording_id else None,
            "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
        },
    )


def _added(grant: Grant) -> GrantAdded:
    return GrantAdded(
        aggregate_id=grant.id,
        community_id=grant.community_id,
        resident_id=grant.resident_id,
        grantee_account_id=grant.grantee_account_id,
        kind=_given_kind(grant),
    )


def _revoked(grant: Grant) -> GrantRevoked:
    return GrantRevoked(
        aggregate_id=grant.id,
        community_id=grant.community_id,
        resident_id=grant.resident_id,
        grantee_account_id=grant.grantee_account_id,
        kind=_given_kind(grant),
    )
