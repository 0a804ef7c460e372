"""Which residents an actor may see or act on: SQL that every read of care data starts from, and the guard over it."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.core.statements import HotStatement
from app.core.tables import table_of
from app.identity.models import Account, Grant, Resident, ServiceAgreement
from app.identity.scopes import ALL, ROLE_SCOPES

Relation = Literal["self", "granted", "staff"]

_residents = table_of(Resident)
_accounts = table_of(Account)
_grants = table_of(Grant)
_agreements = table_of(ServiceAgreement)
_lives = _residents.alias("lives")

_now = sa.bindparam("actor_now", type_=sa.DateTime(timezone=True))


def _bind_name(what: str, scope: str) -> str:
    return f"actor_{what}_{scope.replace(':', '_')}"


def _own(scope: str) -> sa.BindParameter[Any]:
    return sa.bindparam(_bind_name("resident", scope), type_=sa.Uuid)


def account_bind(scope: str) -> sa.BindParameter[Any]:
    """Return the parameter that holds the actor's account, or nothing where they never have ``scope``."""
    return sa.bindparam(_bind_name("account", scope), type_=sa.Uuid)


def organizations_bind(scope: str) -> sa.BindParameter[Any]:
    """Return the parameter that holds the organizations on whose behalf the actor has ``scope``."""
    return sa.bindparam(_bind_name("organizations", scope), type_=ARRAY(sa.Uuid))


def current_grants(scope: str | None, *, lasting: bool = False) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a grant to the bound actor is in force, for ``scope`` or for anything."""
    in_force = sa.and_(
        _grants.c.kind != "break_glass" if lasting else sa.true(),
        _grants.c.grantee_account_id == account_bind(scope or ANY_SCOPE),
        _grants.c.revoked_at.is_(None),
        _grants.c.starts_at <= _now,
        sa.or_(_grants.c.expires_at.is_(None), _grants.c.expires_at > _now),
    )
    return in_force if scope is None else sa.and_(in_force, sa.literal(scope, sa.Text) == sa.any_(_grants.c.scopes))


def current_agreements(scope: str | None) -> sa.ColumnElement[bool]:
    """Return the SQL condition that an agreement with an organization of the bound actor is in force, likewise."""
    in_force = sa.and_(
        _agreements.c.organization_id == sa.any_(organizations_bind(scope or ANY_SCOPE)),
        _agreements.c.starts_at <= _now,
        sa.or_(_agreements.c.ends_at.is_(None), _agreements.c.ends_at > _now),
    )
    return in_force if scope is None else sa.and_(in_force, sa.literal(scope, sa.Text) == sa.any_(_agreements.c.scopes))


ANY_SCOPE = "any"


def visible_residents(scope: str) -> sa.CompoundSelect[Any]:
    """Return SQL for the ids (``resident_id``) of all residents the bound actor has ``scope`` on.

    For lists over many residents. Execute with ``actor_binds(actor, scope)``.
    """
    own = sa.select(_residents.c.id.label("resident_id")).where(_residents.c.id == _own(scope))
    granted = sa.select(_grants.c.resident_id).where(current_grants(scope))
    named = sa.select(_agreements.c.resident_id).where(
        current_agreements(scope), _agreements.c.resident_id.is_not(None)
    )
    everyone = (
        sa.select(_residents.c.id)
        .join(_agreements, _agreements.c.community_id == _residents.c.community_id)
        .where(current_agreements(scope), _agreements.c.resident_id.is_(None))
    )
    return sa.union(own, granted, named, everyone)


def granted_accounts(scope: str) -> sa.Select[Any]:
    """Return SQL for the pairs ``resident_id``, ``account_id`` where the resident lets the account have ``scope``.

    For telling those a resident chose to let know; emergency access is not among it. The statement needs the bind
    ``granted_at``, the instant it is asked for.
    """
    at = sa.bindparam("granted_at", type_=sa.DateTime(timezone=True))
    return sa.select(_grants.c.resident_id, _grants.c.grantee_account_id.label("account_id")).where(
        _grants.c.kind != "break_glass",
        _grants.c.revoked_at.is_(None),
        _grants.c.starts_at <= at,
        sa.or_(_grants.c.expires_at.is_(None), _grants.c.expires_at > at),
        sa.literal(scope, sa.Text) == sa.any_(_grants.c.scopes),
    )


def is_visible(
    resident_id: sa.ColumnElement[uuid.UUID], scope: str, *, lasting: bool = False
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the bound actor has ``scope`` on the resident whose id is the column's value.

    For statements that already know the resident; emergency access is no ``lasting`` right. Execute with
    ``actor_binds(actor, scope)``.
    """
    return _has_right(resident_id, scope, lasting=lasting)


def _has_right(
    resident_id: sa.ColumnElement[uuid.UUID], scope: str | None, *, lasting: bool = False
) -> sa.ColumnElement[bool]:
    # Under a name of its own: in a statement that itself reads residents it would compare a row with itself. And the
    # column belongs to the outermost statement, which SQLAlchemy would not assume two levels down.
    home = sa.select(_lives.c.community_id).where(_lives.c.id == resident_id).correlate_except(_lives).scalar_subquery()
    return sa.or_(
        resident_id == _own(scope or ANY_SCOPE),
        sa.exists(
            sa.select(_grants.c.id)
            .where(_grants.c.resident_id == resident_id, current_grants(scope, lasting=lasting))
            .correlate_except(_grants)
        ),
        sa.exists(
            sa.select(_agreements.c.id)
            .where(
                current_agreements(scope),
                sa.or_(
                    _agreements.c.resident_id == resident_id,
                    sa.and_(_agreements.c.resident_id.is_(None), _agreements.c.community_id == home),
                ),
            )
            .correlate_except(_agreements)
        ),
    )


def actor_binds(actor: Actor, *scopes: str) -> dict[str, Any]:
    """Return the bind parameters that make statements over ``scopes`` speak of ``actor`` at this instant."""
    binds: dict[str, Any] = {"actor_now": clock.now()}
    for scope in scopes:
        held = actor.scopes is None or scope in actor.scopes or (scope == ANY_SCOPE and bool(actor.scopes))
        binds[_bind_name("resident", scope)] = actor.resident_id if held else None
        binds[_bind_name("account", scope)] = actor.id if held and actor.kind == "account" else None
        binds[_bind_name("organizations", scope)] = _organizations_with(actor, scope) if held else []
    return binds


def served_binds(actor: Actor, organization_id: uuid.UUID, scope: str) -> dict[str, Any]:
    """Return what ``actor_binds`` does, of those alone whom the organization serves: neither oneself nor by consent."""
    of_one = [one for one in organizations_with(actor, scope) if one == organization_id]
    return actor_binds(actor, scope) | {
        _bind_name("resident", scope): None,
        _bind_name("account", scope): None,
        _bind_name("organizations", scope): of_one,
    }


def organizations_with(actor: Actor, scope: str) -> list[uuid.UUID]:
    """Return the organizations on whose behalf the actor has ``scope`` on those they serve, each once."""
    held = actor.scopes is None or scope in actor.scopes
    return list(dict.fromkeys(_organizations_with(actor, scope))) if held else []


def _organizations_with(actor: Actor, scope: str) -> list[uuid.UUID]:
    """Return the organizations in which a role of the actor brings ``scope``; a client's scopes are its own."""
    return [
        membership.organization_id
        for membership in actor.memberships
        if actor.kind == "client" or scope == ANY_SCOPE or scope in ROLE_SCOPES.get(membership.role, frozenset())
    ]


@dataclass(frozen=True, slots=True)
class Right:
    """What an actor may with a resident or with all of a community: any of ``scopes``, until it ends."""

    scopes: frozenset[str]
    until: datetime | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Reach:
    """Whom an actor may see, in a form that can be asked often: it holds until a right is given or taken back."""

    own: uuid.UUID | None
    residents: Mapping[uuid.UUID, tuple[Right, ...]]
    communities: Mapping[uuid.UUID, tuple[Right, ...]]

    def allows(self, resident_id: uuid.UUID, community_id: uuid.UUID, scopes: frozenset[str], at: datetime) -> bool:
        """Say whether the actor has any of ``scopes`` on a resident of a community at an instant; none: any right."""
        if resident_id == self.own:
            return True
        rights = (*self.residents.get(resident_id, ()), *self.communities.get(community_id, ()))
        held = (one.scopes for one in rights if one.until is None or one.until > at)
        return any(not scopes or not scopes.isdisjoint(one) for one in held)


_REACH = HotStatement(
    sa.union_all(
        sa.select(
            _grants.c.resident_id,
            sa.null().cast(sa.Uuid).label("community_id"),
            sa.null().cast(sa.Uuid).label("organization_id"),
            _grants.c.scopes,
            _grants.c.expires_at.label("until"),
        ).where(current_grants(None)),
        sa.select(
            _agreements.c.resident_id,
            _agreements.c.community_id,
            _agreements.c.organization_id,
            _agreements.c.scopes,
            _agreements.c.ends_at,
        ).where(current_agreements(None)),
    )
)


async def reach_of(connection: AsyncConnection, actor: Actor) -> Reach:
    """Return whom a person may see at this instant: those of whom ``visible_residents`` tells, scope by scope."""
    residents: dict[uuid.UUID, tuple[Right, ...]] = {}
    communities: dict[uuid.UUID, tuple[Right, ...]] = {}
    for row in await _REACH.rows(connection, actor_binds(actor, ANY_SCOPE)):
        scopes = frozenset(row.scopes)
        if row.organization_id is not None:
            scopes &= _of_roles(actor, row.organization_id)
        right = Right(scopes, row.until)
        held, whom = (communities, row.community_id) if row.resident_id is None else (residents, row.resident_id)
        held[whom] = (*held.get(whom, ()), right)
    return Reach(actor.resident_id, residents, communities)


def _of_roles(actor: Actor, organization_id: uuid.UUID) -> frozenset[str]:
    roles = (one.role for one in actor.memberships if one.organization_id == organization_id)
    return frozenset[str]().union(*(ROLE_SCOPES.get(role, frozenset()) for role in roles))


@dataclass(frozen=True, slots=True)
class ResidentSubject:
    """The resident a request is about, and how the actor is related to them."""

    resident_id: uuid.UUID
    community_id: uuid.UUID
    account_id: uuid.UUID
    time_zone: str
    state: str
    relation: Relation


@cache
def _subject_statement(scope: str, *, lasting: bool) -> HotStatement:
    resident_id = _residents.c.id
    return HotStatement(
        sa.select(
            resident_id,
            _residents.c.community_id,
            _residents.c.account_id,
            _residents.c.state,
            _accounts.c.time_zone,
            _has_right(resident_id, None).label("is_known"),
            _has_right(resident_id, scope, lasting=lasting).label("is_allowed"),
            sa.exists(
                sa.select(_grants.c.id).where(
                    _grants.c.resident_id == resident_id, current_grants(scope, lasting=lasting)
                )
            ).label("is_granted"),
        )
        .join(_accounts, _accounts.c.id == _residents.c.account_id)
        .where(resident_id == sa.bindparam("resident_id", type_=sa.Uuid))
    )


async def require_resident(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, scope: str, *, lasting: bool = False
) -> ResidentSubject:
    """Return the resident if ``actor`` has ``scope`` on them; emergency access is no ``lasting`` right.

    Raises ``NotFound`` if the actor may not know the resident, ``Forbidden`` if they may but lack the scope. What
    Hearthline does by itself (the system actor) is allowed within its community.
    """
    if resident_id == actor.resident_id and actor.resident_state is not None and actor.time_zone is not None:
        # Oneself: sign-in has read all there is to know.
        return ResidentSubject(
            resident_id, actor.community_id, actor.id, actor.time_zone, actor.resident_state, relation="self"
        )
    binds = actor_binds(actor, scope, ANY_SCOPE) | {"resident_id": resident_id}
    row = await _subject_statement(scope, lasting=lasting).row(connection, binds)
    if row is None:
        raise NotFound
    is_system = actor.kind == "system" and actor.community_id == row["community_id"]
    if not (row["is_known"] or is_system):
        raise NotFound
    if not (row["is_allowed"] or is_system):
        raise Forbidden(f"this needs {scope}")
    relation: Relation = "staff"
    if actor.resident_id == row["id"]:
        relation = "self"
    elif row["is_granted"]:
        relation = "granted"
    return ResidentSubject(row["id"], row["community_id"], row["account_id"], row["time_zone"], row["state"], relation)


async def held_scopes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, scopes: Iterable[str]
) -> dict[str, ResidentSubject]:
    """Return those of ``scopes`` that the actor has on the resident for longer than an alarm, with whom each makes of
    them.

    Raises ``NotFound`` if the actor may not know the resident.
    """
    held = {}
    for scope in scopes:
        with suppress(Forbidden):
            held[scope] = await require_resident(connection, actor, resident_id, scope, lasting=True)
    return held


def resident_guard(scope: str) -> Callable[[Request], Awaitable[ResidentSubject]]:
    """Return the dependency that hands over the resident of ``/me/…`` or ``/residents/{resident_id}/…`` routes.

    Answers 401 to nobody, 404 where the actor may not know the resident, 403 without ``scope``.
    """
    if scope not in ALL:
        raise ValueError(f"unknown scope {scope}")

    async def guard(request: Request) -> ResidentSubject:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        meant = _meant(request, actor)
        if hasattr(request.state, "session") or hasattr(request.state, "reading"):
            return await require_resident(await connection_of(request), actor, meant, scope)
        async with reading() as connection:  # the route opens its own units of work
            return await require_resident(connection, actor, meant, scope)

    guard.__name__ = f"guard_{scope.replace(':', '_')}"
    guard.scope = scope  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


def _meant(request: Request, actor: Actor) -> uuid.UUID:
    named = request.path_params.get("resident_id")
    if named is None:
        if actor.resident_id is None:
            raise NotFound("you are not a resident")
        return actor.resident_id
    try:
        return uuid.UUID(str(named))
    except ValueError:
        error = FieldError("/path/resident_id", "not a UUID", "uuid_parsing")
        raise Malformed(errors=[error]) from None


async def trace_read(
    connection: AsyncConnection,
    actor: Actor,
    subject: ResidentSubject,
    action: str,
    object_id: uuid.UUID | None = None,
) -> None:
    """Put a read by somebody else than the resident on record."""
    if subject.relation != "self":
        await audit.record(
            connection,
            actor,
            action,
            resident_id=subject.resident_id,
            object_id=object_id,
            community_id=subject.community_id,
        )
