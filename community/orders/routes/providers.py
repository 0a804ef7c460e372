"""A provider's orders over HTTP: seen, given to somebody, taken from them, begun without a code."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import clock
from app.core.access import CurrentActor
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import (
    FieldError,
    Forbidden,
    Malformed,
    NotFound,
    StaleVersion,
    Unauthenticated,
    problem_responses,
)
from app.core.routing import IfMatch, Reading, Router, Session
from app.identity.api import Member, member_guard
from app.reservations.api import CalendarTaken
from community.orders.access import Subject, order_guard
from community.orders.problems import OrderNotOpen, OutsideWindow, TooEarly, WorkerUnsuitable
from community.orders.rules import State
from community.orders.schemas.given import OrderAssign, OrderUnassign, StartConfirm
from community.orders.schemas.shown import OrderDetail, OrderPublic
from community.orders.service import assigning, attending
from community.orders.service.changing import By
from community.orders.views import details, orders
from community.workers.problems import NotAWorker, WorkerUnavailable

router = Router(tags=["housekeeping"])

Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
Kept = Annotated[Subject, Depends(order_guard("provider", "operator"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ONE: Final = "/home-orders/{order_id}"
_LONGEST: Final = timedelta(days=62)


async def stretch(
    since: Annotated[GivenInstant | None, Query(description="without it: now")] = None,
    until: Annotated[GivenInstant | None, Query(description="without it: a week later")] = None,
) -> tuple[datetime, datetime]:
    """Return the stretch of time that is asked about; raises ``Malformed`` for one that is none, or too long."""
    first = since or clock.now()
    last = until or first + timedelta(days=7)
    if not first < last <= first + _LONGEST:
        detail = f"after since, and at most {_LONGEST.days} days later"
        raise Malformed(errors=[FieldError("/query/until", detail, "bad_stretch")])
    return first, last


@router.get("/organizations/{organization_id}/home-orders", responses=problem_responses(*_GUARDED))
async def list_home_orders_of_provider(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Keeper,
    page: PageQuery,
    span: Annotated[tuple[datetime, datetime], Depends(stretch)],
    state: State | None = None,
) -> Page[OrderPublic]:
    """List a provider's orders in a stretch of time, in order."""
    return await orders.of_provider(connection, member.actor, organization_id, span, state, page)


@router.post(
    f"{_ONE}/assignment",
    responses=problem_responses(
        *_GUARDED,
        CalendarTaken,
        NotAWorker,
        OrderNotOpen,
        OutsideWindow,
        StaleVersion,
        WorkerUnavailable,
        WorkerUnsuitable,
    ),
)
async def assign_home_order(
    session: Session, actor: CurrentActor, subject: Kept, data: OrderAssign, if_match: IfMatch
) -> OrderDetail:
    """Give an order to somebody who can, in another's place if it has one: with ``If-Match`` as you saw it."""
    by = By(subject.side("provider", "operator"), actor)
    await assigning.assign(
        session,
        by,
        subject.id,
        data.worker_id,
        starts_at=data.starts_at,
        despite=data.despite,
        if_match=if_match,
    )
    return await details.after(await session.connection(), actor, subject.id)


@router.post(f"{_ONE}/unassignment", responses=problem_responses(*_GUARDED, OrderNotOpen))
async def unassign_home_order(session: Session, actor: CurrentActor, subject: Kept, data: OrderUnassign) -> OrderDetail:
    """Take an order from whoever was to go; somebody is looked for again, and the resident hears of it."""
    by = By(subject.side("provider", "operator"), actor)
    await assigning.take_back(session, by, subject.id, data)
    return await details.after(await session.connection(), actor, subject.id)


@router.post(f"{_ONE}/start-confirmation", responses=problem_responses(*_GUARDED, OrderNotOpen, TooEarly))
async def confirm_home_order_start(
    session: Session, actor: CurrentActor, subject: Kept, data: StartConfirm
) -> OrderDetail:
    """Have the work begin without the resident's code, once you have asked, and say why."""
    await attending.confirm_start(session, actor, subject, data)
    return await details.after(await session.connection(), actor, subject.id)
