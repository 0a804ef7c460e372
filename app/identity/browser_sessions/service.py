"""Browsers are signed in by a secret in a cookie, which stands for a session like any other and ends with it."""

import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.problems import NotFound
from app.core.settings import settings
from app.identity.authenticator import actor_in_session, actor_in_view
from app.identity.browser_sessions import repository, rules
from app.identity.browser_sessions.models import BrowserSession
from app.identity.browser_sessions.schemas import BrowserVisitor
from app.identity.credentials import digest, new_secret
from app.identity.installations.service import PushTarget, installations
from app.identity.sessions import service as sessions
from app.identity.sessions import tokens
from app.identity.viewing import views as viewing

_REMEMBERED: Final = 4_096
_LEFT: Final = timedelta(minutes=2)
"""What a token that is handed out is good for at least: a page may take a while to ask all it needs."""


def browser_cookie() -> str:
    """Return the cookie's name: by its beginning browsers let nobody set it but us, on https (RFC 6265bis, 4.1.3)."""
    return f"{'__Host-' if is_safe() else ''}hearthline"


def is_safe() -> bool:
    """Say whether browsers reach us over https, so that cookies have to be ``Secure``."""
    return urlsplit(settings().http.public_url).scheme == "https"


async def begin_browser_session(session: AsyncSession, account_session_id: uuid.UUID) -> str:
    """Return the secret of the cookie that stands for a live session from now on; any it had before is good no more.

    To be called at each sign-in and whenever a session comes to be worth more, so that nobody can have known the
    cookie before. Raises ``NotFound`` if there is no such live session.
    """
    row = await repository.lock(session, account_session_id)
    if row is None:
        raise NotFound
    await repository.forget(session, row.id)
    now, secret = clock.now(), new_secret()
    expires_at = now + rules.idle(is_staff=await repository.is_staff(session, row.account_id))
    session.add(BrowserSession(session_id=row.id, digest=digest(secret), last_used_at=now, expires_at=expires_at))
    row.last_seen_at, row.expires_at = now, expires_at
    await session.flush()
    return secret


async def browser_visitor(
    connection: AsyncConnection, secret: str, now: datetime, *, is_use: bool = True
) -> BrowserVisitor | None:
    """Return who is signed in by a cookie, as of this moment; ``None`` once it is good no more.

    Notes at most once an hour that it was used, which moves its end; so ``connection`` has to be one that commits. What
    an open page asks by itself, with nobody there, is no use.
    """
    found = await repository.behind(connection, digest(secret), now)
    if found is None:
        return None
    actor = await actor_in_session(connection, found["session_id"], found["account_id"])
    if actor is None:
        return None
    if is_use and now - found["last_used_at"] >= rules.COARSE:
        expires_at = now + rules.idle(is_staff=found["is_staff"])
        await repository.note_use(connection, found["id"], found["last_used_at"], now, expires_at)
    visitor = BrowserVisitor(
        actor=actor,
        session_id=found["session_id"],
        account_id=found["account_id"],
        language=found["language"],
        time_zone=found["time_zone"],
        name=found["name"],
        csrf=rules.csrf_of(secret),
    )
    return await _looking_on(connection, visitor, now)


async def present(connection: AsyncConnection, visitor: BrowserVisitor, now: datetime) -> Actor | None:
    """Return the actor of somebody let in before, with the rights of this moment; ``None`` once they are signed out.

    For a page that stays open: that alone is no use of the browser, and moves no end.
    """
    if not await repository.is_signed_in(connection, visitor.session_id, now):
        return None
    seen = visitor.viewing
    if seen is None:
        return await actor_in_session(connection, visitor.session_id, visitor.account_id)
    if await viewing.current(connection, visitor.session_id, visitor.account_id, now, seen.id) is None:
        return None
    return await actor_in_view(connection, seen)


async def _looking_on(connection: AsyncConnection, visitor: BrowserVisitor, now: datetime) -> BrowserVisitor:
    """Return the visitor as whom they see the pages, if they look on as somebody else; each page leaves a trace."""
    if not visitor.actor.second_factor or not visitor.actor.holds("operator"):
        return visitor
    seen = await viewing.current(connection, visitor.session_id, visitor.account_id, now)
    actor = await actor_in_view(connection, seen) if seen is not None else None
    if seen is None or actor is None:
        return visitor
    await audit.record(connection, actor, "viewing:read", resident_id=actor.resident_id, object_id=seen.id)
    return BrowserVisitor(
        actor=actor,
        session_id=visitor.session_id,
        account_id=visitor.account_id,
        language=visitor.language,
        time_zone=seen.time_zone,
        name=visitor.name,
        csrf=rules.csrf_in_view(visitor.csrf, seen.id),
        viewing=seen,
    )


async def reached_by_push(connection: AsyncConnection, account_ids: Sequence[uuid.UUID]) -> list[PushTarget]:
    """Return where accounts are reached by push, the phone seen last first.

    The browser of somebody who works for an organization may stand on a desk that others walk past: it is such a place
    while it is signed in, and no longer, also when they have left meanwhile. A relative's is their own, and what it
    shows names nobody: they are reached there until they sign it out. So is that of a relative who once worked here and
    has signed in since.
    """
    found = await installations(connection, account_ids)
    browsers = [one.browser for one in found if one.browser is not None]
    live = await repository.live_of(connection, browsers, clock.now()) if browsers else frozenset[uuid.UUID]()
    left = {one.account_id for one in found if one.browser is not None and one.browser not in live}
    worked = await repository.worked_until(connection, left) if left else {}
    own = {one.browser for one in found if one.browser and not _was_at_work(one.browser, one.account_id, worked)}
    return [one for one in found if one.browser is None or one.browser in live or one.browser in own]


def _was_at_work(browser: uuid.UUID, account_id: uuid.UUID, worked: Mapping[uuid.UUID, datetime | None]) -> bool:
    """Say whether a sign-in, whose id says when it began, is of a time at which the person worked here."""
    if account_id not in worked:
        return False
    until = worked[account_id]
    return until is None or clock.instant_of(browser) <= until


async def end_browser_session(session: AsyncSession, secret: str) -> None:
    """Sign a browser out: its session ends, and the cookie is good no more. Unknown secrets are nothing to end."""
    row = await repository.session_of(session, digest(secret))
    if row is None:
        return
    actor = Actor(kind="account", id=row.account_id, community_id=row.community_id, session_id=row.id)
    await sessions.end(session, actor, row.account_id, row.id, "signed_out")
    await repository.forget(session, row.id)


@dataclass(frozen=True, slots=True)
class _Given:
    token: str
    ring: tokens.KeyRing
    from_then: datetime
    until: datetime


_given: OrderedDict[tuple[uuid.UUID, uuid.UUID | None], _Given] = OrderedDict()


def access_token_of(visitor: BrowserVisitor) -> str:
    """Return an access token of the visitor's session, good for some minutes, for asking our own API on their behalf.

    The last one of a session is kept in this process, so that its signature is verified once.
    """
    seen = visitor.viewing
    key = (visitor.session_id, seen.id if seen else None)
    now, ring = clock.now(), tokens.key_ring()
    known = _given.get(key)
    if known is not None and known.ring is ring and known.from_then <= now < known.until - _LEFT:
        _given.move_to_end(key)
        return known.token
    viewing_id = seen.id if seen else None
    token, lifetime = tokens.issue(
        visitor.account_id, visitor.session_id, visitor.actor.community_id, viewing_id=viewing_id
    )
    _given[key] = _Given(token, ring, now, now + lifetime)
    _given.move_to_end(key)
    while len(_given) > _REMEMBERED:
        _given.popitem(last=False)
    return token


async def purge() -> int:
    """Delete cookies whose time is over; return how many there were."""
    async with unit_of_work() as session:
        return await repository.purge(session, clock.now())
