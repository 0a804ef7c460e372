"""The guard of routes that belong to the staff of organizations."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, Membership, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.core.tables import table_of
from app.identity.models import Organization
from app.identity.scopes import ORGANIZATION_KINDS, ROLE_SCOPES

_organizations = table_of(Organization)
_ORGANIZATION = sa.select(_organizations.c.id).where(
    _organizations.c.id == sa.bindparam("organization_id", type_=sa.Uuid),
    _organizations.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an organization's staff who passed a guard, and the membership that let them pass."""

    actor: Actor
    community_id: uuid.UUID
    organization_id: uuid.UUID
    organization_kind: str
    role: str


def require_member(actor: Actor, *roles: str, organization_kind: str | None = None) -> Member:
    """Return the membership of ``actor`` that brings the first of ``roles`` they hold; raises ``Forbidden`` without."""
    memberships = [held for held in actor.memberships if organization_kind in (None, held.organization_kind)]
    return _first_of(actor, memberships, roles)


def member_guard(*roles: str, organization_kind: str | None = None) -> Callable[[Request], Awaitable[Member]]:
    """Return the dependency of staff-only routes: a ``Member`` with one of ``roles``, in that kind of organization.

    Answers 401 to nobody and 403 without the role (in a session with a second factor, where it is asked for). Under
    ``/organizations/{organization_id}/…`` it must be a role in that organization, or that of an operator, who oversees
    all of the community's: other people of the operator get a 403, everyone else a 404, because they may not know it.
    """
    if unknown := set(roles) - set(ROLE_SCOPES):
        raise ValueError(f"unknown roles {unknown}")
    if organization_kind not in (None, *ORGANIZATION_KINDS):
        raise ValueError(f"unknown kind of organization {organization_kind}")

    async def guard(request: Request) -> Member:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        if "organization_id" not in request.path_params:
            return require_member(actor, *roles, organization_kind=organization_kind)
        async with _connection(request) as connection:
            return await _of_named(request, connection, actor, roles)

    guard.roles = roles  # type: ignore[attr-defined]  # read by the access matrix test
    guard.organization_kind = organization_kind  # type: ignore[attr-defined]
    return guard


async def _of_named(request: Request, connection: AsyncConnection, actor: Actor, roles: tuple[str, ...]) -> Member:
    """Return the actor's membership in the organization of the path, or at the operator that oversees it."""
    named = _path_id(request, "organization_id")
    binds = {"organization_id": named, "community_id": actor.community_id}
    if await connection.scalar(_ORGANIZATION, binds) is None:
        raise NotFound
    known = [
        membership
        for membership in actor.memberships
        if membership.organization_id == named or membership.organization_kind == "operator"
    ]
    if not known:
        raise NotFound
    here = [held for held in known if held.organization_id == named or held.role == "operator"]
    return _first_of(actor, here, roles)


def _first_of(actor: Actor, memberships: Iterable[Membership], roles: tuple[str, ...]) -> Member:
    """Return the membership with the first of ``roles``, the widest of them; raises ``Forbidden`` where there is none.

    Who is an operator and a coordinator of the operator's is let through as operator, whichever row comes first.
    """
    bringing = [membership for membership in memberships if membership.role in roles]
    if not bringing:
        raise Forbidden(f"this is for the roles: {', '.join(roles)}")
    held = min(bringing, key=lambda membership: roles.index(membership.role))
    return Member(actor, actor.community_id, held.organization_id, held.organization_kind, held.role)


@asynccontextmanager
async def _connection(request: Request) -> AsyncIterator[AsyncConnection]:
    """Hand out the request's connection, or one for the moment on routes that open their own units of work."""
    if hasattr(request.state, "session") or hasattr(request.state, "reading"):
        yield await connection_of(request)
    else:
        async with reading() as connection:
            yield connection


def _path_id(request: Request, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(str(request.path_params[name]))
    except ValueError:
        raise Malformed(errors=[FieldError(f"/path/{name}", "not a UUID", "uuid_parsing")]) from None
