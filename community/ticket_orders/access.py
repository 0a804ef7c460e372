"""Who may see tickets and do something with them: whose day it is and whom they let, the organization, the operator."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, authenticate
from app.core.database import reading
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated
from app.core.routing import connection_of
from app.core.statements import HotStatement
from app.identity.api import ResidenceEnded, ResidentSubject, actor_binds, is_visible, require_resident
from community.ticket_orders.models import ORDERS, TICKETS

READ: Final = "home_services:read"
ORDER: Final = "home_services:order"
"""What is bought for somebody is bought by whoever may order for them."""
Side = Literal["resident", "organization", "operator", "counter"]

_ORDER: Final = sa.select(
    *(ORDERS.c[name] for name in ("id", "resident_id", "community_id", "organization_id", "cart_id")),
    is_visible(ORDERS.c.resident_id, READ).label("is_visible"),
    is_visible(ORDERS.c.resident_id, ORDER).label("is_theirs"),
)
_BY_ID: Final = HotStatement(_ORDER.where(ORDERS.c.id == sa.bindparam("row_id", type_=sa.Uuid)))
_BY_TICKET: Final = HotStatement(
    _ORDER.join(TICKETS, TICKETS.c.order_id == ORDERS.c.id).where(TICKETS.c.id == sa.bindparam("row_id", type_=sa.Uuid))
)


@dataclass(frozen=True, slots=True)
class Subject:
    """The order a request is about, on which sides the actor stands, and whether they may buy for the resident."""

    id: uuid.UUID
    resident_id: uuid.UUID | None
    community_id: uuid.UUID
    organization_id: uuid.UUID
    cart_id: uuid.UUID
    sides: frozenset[Side]
    may_order: bool

    def side(self, *sides: Side) -> Side:
        """Return the first of ``sides`` the actor stands on; raises ``Forbidden``."""
        found = next((side for side in sides if side in self.sides), None)
        if found is None:
            raise Forbidden("this is for others who have to do with the tickets")
        return found

    def acting(self) -> Side:
        """Return as whom the actor changes it: as whoever bought it, as the organization, or as who sells there.

        Raises ``Forbidden`` for who may only see it.
        """
        sides: tuple[Side, ...] = ("organization", "operator", "counter")
        return self.side(*(("resident", *sides) if self.may_order else sides))


async def require_ticket_order(connection: AsyncConnection, actor: Actor, order_id: uuid.UUID) -> Subject:
    """Return the order if the actor may see it; raises ``NotFound``."""
    return await _required(connection, actor, _BY_ID, order_id)


async def require_ticket(connection: AsyncConnection, actor: Actor, ticket_id: uuid.UUID) -> Subject:
    """Return the order of a ticket if the actor may see it; raises ``NotFound``."""
    return await _required(connection, actor, _BY_TICKET, ticket_id)


async def _required(connection: AsyncConnection, actor: Actor, statement: HotStatement, row_id: uuid.UUID) -> Subject:
    row = await statement.row(connection, {"row_id": row_id, **actor_binds(actor, READ, ORDER)})
    if row is None:
        raise NotFound
    sides: set[Side] = set()
    if row["is_visible"]:
        sides.add("resident")
    if actor.kind == "account" and actor.community_id == row["community_id"]:
        roles = {held.role for held in actor.memberships if held.organization_id == row["organization_id"]}
        if "coordinator" in roles:
            sides.add("organization")
        if "worker" in roles:
            sides.add("counter")
        if actor.holds("operator", organization_kind="operator"):
            sides.add("operator")
    if not sides:
        raise NotFound
    return Subject(
        id=row["id"],
        resident_id=row["resident_id"],
        community_id=row["community_id"],
        organization_id=row["organization_id"],
        cart_id=row["cart_id"],
        sides=frozenset(sides),
        may_order=bool(row["is_theirs"]),
    )


async def require_buyer(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> ResidentSubject:
    """Return for whom the actor buys.

    Raises ``NotFound``, ``Forbidden`` without ``home_services:order``, ``ResidenceEnded`` for who lives here no more.
    """
    subject = await require_resident(connection, actor, resident_id, ORDER)
    if subject.state != "active":
        raise ResidenceEnded
    return subject


@asynccontextmanager
async def _connection(request: Request) -> AsyncIterator[AsyncConnection]:
    """Hand out the request's connection, or one for the moment on routes that open their own units of work."""
    if hasattr(request.state, "session") or hasattr(request.state, "reading"):
        yield await connection_of(request)
    else:
        async with reading() as connection:
            yield connection


def _guard(
    name: str, require: Callable[[AsyncConnection, Actor, uuid.UUID], Awaitable[Subject]]
) -> Callable[[Request], Awaitable[Subject]]:
    async def guard(request: Request) -> Subject:
        actor = await authenticate(request)
        if actor.kind == "anonymous":
            raise Unauthenticated
        try:
            row_id = uuid.UUID(str(request.path_params[name]))
        except ValueError:
            raise Malformed(errors=[FieldError(f"/path/{name}", "not a UUID", "uuid_parsing")]) from None
        async with _connection(request) as connection:
            return await require(connection, actor, row_id)

    guard.__name__ = f"guard_{name}"
    guard.scope = READ  # type: ignore[attr-defined]  # read by the access matrix test
    return guard


order_guard: Final = _guard("order_id", require_ticket_order)
"""Hands over the order of the path to whoever may see it: 401 for nobody, 404 for whoever may not know of it."""
ticket_guard: Final = _guard("ticket_id", require_ticket)
"""Hands over the order of the ticket of the path, as ``order_guard`` does."""
