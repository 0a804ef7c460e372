"""Whose account a request is about: one's own, or that of a resident one may act for."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import Actor, authenticate
from app.core.problems import Forbidden, NotFound, Unauthenticated
from app.core.tables import table_of
from app.identity.models import Membership
from app.identity.visibility import Relation, resident_guard

_memberships = table_of(Membership)
_HAS_ROLE = sa.select(
    sa.exists().where(
        _memberships.c.account_id == sa.bindparam("account_id", type_=sa.Uuid), _memberships.c.ended_at.is_(None)
    )
)


@dataclass(frozen=True, slots=True)
class PersonSubject:
    """The person a request is about, who asks, and how they are related."""

    actor: Actor
    account_id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID | None
    relation: Relation


def person_guard(scope: str) -> Callable[[Request], Awaitable[PersonSubject]]:
    """Return the guard of ``/me/…`` routes for everyone with an account, and of ``/residents/{resident_id}/…``.

    Relatives and staff have accounts, too: unlike ``resident_guard`` it lets them at what is their own.
    """
    of_resident = resident_guard(scope)

    async def guard(request: Request) -> PersonSubject:
        actor = await authenticate(request)
        if "resident_id" in request.path_params:
            resident = await of_resident(request)
            return PersonSubject(
                actor, resident.account_id, resident.community_id, resident.resident_id, resident.relation
            )
        return own(actor)

    guard.__name__ = of_resident.__name__.replace("guard", "person_guard")
    guard.scope = scope  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


def own(actor: Actor) -> PersonSubject:
    """Return the actor as their own subject; raises ``Unauthenticated`` for nobody, ``Forbidden`` for a device."""
    if actor.kind == "anonymous":
        raise Unauthenticated
    if actor.kind == "device":
        raise Forbidden("a paired device can only raise alarms")
    if actor.kind != "account":
        raise NotFound("only people have this")
    return PersonSubject(actor, actor.id, actor.community_id, actor.resident_id, "self")


async def require_may_let_in(session: AsyncSession, actor: Actor, relation: Relation, account_id: uuid.UUID) -> None:
    """Raise ``Forbidden`` unless ``actor`` may decide by which numbers and phones an account is signed in to.

    The staff who look after a resident's profile may; not where that would also bring the roles the resident works in.
    Who acts for the resident may not: with a number or a phone of their own they would sign in as the resident, who
    has no bounds, and whose acts nobody tells from theirs.
    """
    if relation == "self" or actor.holds("operator"):
        return
    if relation == "granted":
        raise Forbidden("who acts for somebody signs in as themselves: numbers and phones are added by staff")
    if await session.scalar(_HAS_ROLE, {"account_id": account_id}):
        raise Forbidden("they work here: only they themselves or an operator change how they sign in")
