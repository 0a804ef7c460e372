"""Proposing proxies, checking what they rest on, and ending them."""

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.problems import FieldError, Forbidden, Malformed, NotFound
from app.core.sealing import seal
from app.identity.api import (
    ResidentSubject,
    accounts_in,
    add_grant,
    grantable,
    operator_staff,
    require_resident,
    revoke_grant,
)
from app.media.api import Purpose, attach
from eldercare.proxies.models import NOTE_CONTEXT, Proxy
from eldercare.proxies.notices import CHECKED, PROPOSED
from eldercare.proxies.problems import ProxyChecked, ProxyOver, ProxyProposed, SomebodyElseChecks
from eldercare.proxies.rules import LONGEST, TRANSITIONS, may_check, may_end, may_propose
from eldercare.proxies.schemas import ProxyCheck, ProxyPropose
from eldercare.proxies.views import MEDIA_KIND, acts_for
from notifications.api import Notice, Value, send


async def propose(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: ProxyPropose) -> Proxy:
    """Propose who is to act for a resident, with the document it rests on, and return it; nothing is allowed yet.

    Who sees the resident only because an alarm opened it to them proposes nobody, themselves neither. Raises
    ``Forbidden`` for them, for who is a proxy already, and for a relative who proposes somebody else, ``Malformed``,
    ``NotFound`` for a document that is not the actor's upload, ``ProxyProposed``.
    """
    await require_resident(await session.connection(), actor, subject.resident_id, "profile:read", lasting=True)
    is_proxy = await acts_for(await session.connection(), subject.resident_id, actor.id)
    if not may_propose(subject.relation, actor.id, data.account_id, is_proxy=is_proxy):
        raise Forbidden("a relative proposes themselves, the resident and staff somebody else, a proxy nobody")
    await _check(session, subject, data)
    waiting = await session.scalar(
        sa.select(col(Proxy.id)).where(
            col(Proxy.resident_id) == subject.resident_id,
            col(Proxy.account_id) == data.account_id,
            col(Proxy.state) == "proposed",
        )
    )
    if waiting is not None:
        raise ProxyProposed
    proxy = Proxy(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        proposed_by=actor.id,
        **data.model_dump() | {"scopes": sorted(set(data.scopes))},
    )
    session.add(proxy)
    await session.flush()
    await attach(
        session,
        actor,
        data.document_id,
        purpose=Purpose.DOCUMENT,
        kind=MEDIA_KIND,
        object_id=proxy.id,
        resident_id=subject.resident_id,
    )
    await _record(session, actor, "proxy:propose", proxy)
    operators = await operator_staff(await session.connection(), proxy.community_id, "operator")
    await _tell(session, PROPOSED, proxy, [one for one in operators if one != actor.id], {})
    return proxy


async def check(session: AsyncSession, actor: Actor, proxy_id: uuid.UUID, data: ProxyCheck) -> Proxy:
    """Accept or refuse a proxy on behalf of the operator and return it; accepted, it is a grant from now on.

    Raises ``NotFound``, ``SomebodyElseChecks``, ``ProxyChecked``, and what giving the grant raises.
    """
    proxy = await _locked(session, proxy_id)
    if proxy.community_id != actor.community_id:
        raise NotFound
    if not may_check(actor.id, proxy.proposed_by, proxy.account_id):
        raise SomebodyElseChecks
    _move(proxy, data.decision)
    now = clock.now()
    proxy.checked_by, proxy.checked_at = actor.id, now
    proxy.note = seal(data.note, NOTE_CONTEXT) if data.note else None
    if data.decision == "accept":
        grant = await add_grant(
            session,
            actor,
            resident_id=proxy.resident_id,
            grantee_account_id=proxy.account_id,
            scopes=proxy.scopes,
            kind="proxy",
            starts_at=max(now, proxy.starts_at) if proxy.starts_at else None,
            expires_at=proxy.ends_at,
        )
        proxy.grant_id = grant.id
    await session.flush()
    await _record(session, actor, f"proxy:{data.decision}", proxy)
    await _tell_concerned(session, proxy, proxy.state)
    return proxy


async def end(session: AsyncSession, actor: Actor, subject: ResidentSubject, proxy_id: uuid.UUID) -> Proxy:
    """End a proxy at once (one that nobody has checked yet is refused) and return it.

    Raises ``NotFound``, ``Forbidden`` where one proxy would end another, ``ProxyOver``.
    """
    proxy = await _locked(session, proxy_id)
    if proxy.resident_id != subject.resident_id:
        raise NotFound
    if not may_end(subject.relation, actor.id, proxy.account_id):
        raise Forbidden("only the resident or the operator ends another proxy")
    if proxy.state == "proposed":
        _move(proxy, "withdraw")
    else:
        _revoke(proxy)
        if proxy.grant_id is not None:
            await revoke_grant(session, actor, resident_id=proxy.resident_id, grant_id=proxy.grant_id)
    await session.flush()
    await _record(session, actor, "proxy:revoke", proxy)
    await _tell_concerned(session, proxy, proxy.state)
    return proxy


async def tell_of_grants(session: AsyncSession, grant_ids: Sequence[uuid.UUID]) -> None:
    """Tell those concerned of proxies whose grants were revoked in other ways than as proxies."""
    statement = sa.select(Proxy).where(col(Proxy.grant_id).in_(grant_ids), col(Proxy.state) == "in_force")
    for proxy in await session.scalars(statement.order_by(col(Proxy.id))):
        await _tell_concerned(session, proxy, "revoked")


def _move(proxy: Proxy, action: str) -> None:
    sources, target = TRANSITIONS[action]
    if proxy.state not in sources:
        raise ProxyChecked
    proxy.state = target


def _revoke(proxy: Proxy) -> None:
    sources, target = TRANSITIONS["revoke"]
    if proxy.state not in sources:
        raise ProxyOver
    proxy.state, proxy.revoked_at = target, clock.now()


async def _check(session: AsyncSession, subject: ResidentSubject, data: ProxyPropose) -> None:
    now = clock.now()
    errors = []
    if unknown := sorted(set(data.scopes) - grantable("proxy")):
        errors.append(FieldError("/body/scopes", f"cannot be granted: {', '.join(unknown)}", "scope_not_grantable"))
    starts_at = data.starts_at or now
    if data.ends_at is not None and not max(now, starts_at) < data.ends_at <= starts_at + LONGEST:
        errors.append(FieldError("/body/ends_at", "after the start and now, at most ten years later", "period"))
    known = await accounts_in(await session.connection(), subject.community_id, [data.account_id])
    if data.account_id == subject.account_id or data.account_id not in known:
        errors.append(FieldError("/body/account_id", "nobody who could act for the resident", "not_a_person"))
    if errors:
        raise Malformed(errors=errors)


async def _locked(session: AsyncSession, proxy_id: uuid.UUID) -> Proxy:
    statement = sa.select(Proxy).where(col(Proxy.id) == proxy_id).with_for_update()
    proxy: Proxy | None = await session.scalar(statement.execution_options(populate_existing=True))
    if proxy is None:
        raise NotFound
    return proxy


async def _tell_concerned(session: AsyncSession, proxy: Proxy, state: str) -> None:
    """Tell the resident and the proxy what became of it."""
    system = system_actor(proxy.community_id)
    subject = await require_resident(await session.connection(), system, proxy.resident_id, "profile:read")
    await _tell(session, CHECKED, proxy, [subject.account_id, proxy.account_id], {"state": state})


async def _tell(
    session: AsyncSession, notice: Notice, proxy: Proxy, to: Sequence[uuid.UUID], more: dict[str, Value]
) -> None:
    await send(
        session,
        notice,
        list(to),
        community_id=proxy.community_id,
        dedupe_key=f"proxy:{proxy.id}:{more.get('state', 'proposed')}:{clock.now().isoformat()}",
        variables={"resident": proxy.resident_id, "proxy": proxy.account_id, **more},
        about=proxy.resident_id,
        data={"proxy_id": str(proxy.id)},
    )


async def _record(session: AsyncSession, actor: Actor, action: str, proxy: Proxy) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=proxy.resident_id,
        object_id=proxy.id,
        community_id=proxy.community_id,
        details={"account_id": str(proxy.account_id), "basis": proxy.basis, "scopes": proxy.scopes},
    )
