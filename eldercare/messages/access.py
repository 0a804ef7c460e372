"""Who takes part in a circle's conversation: the resident, and who is in the circle and was given the scope."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.routing import connection_of
from app.core.tables import table_of
from app.identity.api import ResidentSubject, grantees, resident_guard
from eldercare.care_circle.models import CircleMember
from eldercare.messages.problems import NotInCircle

_members = table_of(CircleMember)
_JOINED = sa.select(_members.c.answered_at, _members.c.created_at).where(
    _members.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    _members.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
    _members.c.state == "accepted",
)
_IN_CIRCLE = sa.select(_members.c.account_id).where(
    _members.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), _members.c.state == "accepted"
)
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part, and since when: what was written before they joined is not theirs to read."""

    actor: Actor
    subject: ResidentSubject
    since: datetime


async def participant(connection: AsyncConnection, actor: Actor, subject: ResidentSubject) -> Participant:
    """Return the actor as who takes part in the conversation; raises ``NotInCircle``.

    Who left and was asked again joins anew: they read from then on.
    """
    if subject.relation == "self":
        return Participant(actor, subject, EVER)
    binds = {"resident_id": subject.resident_id, "account_id": actor.id}
    row = (await connection.execute(_JOINED, binds)).one_or_none()
    if row is None or actor.kind != "account":
        raise NotInCircle
    return Participant(actor, subject, row.answered_at or row.created_at)


async def readers(connection: AsyncConnection, subject_account: uuid.UUID, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return everybody who reads the conversation: the resident first, then the circle by account."""
    allowed = await grantees(connection, resident_id, "messages:read")
    circle = await connection.scalars(_IN_CIRCLE, {"resident_id": resident_id})
    return [subject_account, *sorted(set(circle) & allowed)]


def conversation_guard(scope: str) -> Callable[[Request], Awaitable[Participant]]:
    """Return the dependency of the conversation's routes: a ``Participant`` with ``scope``.

    Answers 401 to nobody, 404 where the actor may not know the resident, 403 without ``scope`` or outside the circle.
    """
    known = resident_guard(scope)

    async def guard(request: Request) -> Participant:
        subject = await known(request)
        return await participant(await connection_of(request), await authenticate(request), subject)

    guard.__name__ = f"guard_conversation_{scope.replace(':', '_')}"
    guard.scope = scope  # type: ignore[attr-defined]  # read by the access matrix test
    return guard
