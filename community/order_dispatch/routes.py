"""Finding somebody over HTTP: who could go, who is asked, those who take it, and the orders that have nobody."""

import uuid
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Header, Query

from app.core.access import CurrentActor
from app.core.instants import GivenDay
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, PeopleOnly, Person, language_for, member_guard
from app.reservations.api import CalendarTaken
from community.order_dispatch import rules
from community.order_dispatch.problems import NobodyIsLookedFor, OfferOver
from community.order_dispatch.rules import Candidate
from community.order_dispatch.schemas import (
    BoardOrderPublic,
    CandidatePublic,
    DispatchBegin,
    MyOrderOfferPublic,
    OrderCustomerPublic,
    OrderOfferPublic,
    UnfilledOrderPublic,
    WorkerDaysPublic,
)
from community.order_dispatch.service import answering, candidates, dispatching
from community.order_dispatch.views import board, facts, offers, queue
from community.orders.access import Subject, order_guard
from community.orders.problems import WorkerUnsuitable
from community.orders.routes.providers import stretch
from community.orders.schemas.shown import OrderDetail
from community.orders.views import details
from community.workers.problems import NotAWorker, WorkerUnavailable

router = Router(tags=["housekeeping"])

Kept = Annotated[Subject, Depends(order_guard("provider", "operator"))]
Concerned = Annotated[Subject, Depends(order_guard("worker", "provider", "operator"))]
Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
Stretch = Annotated[tuple[datetime, datetime], Depends(stretch)]
Day = Annotated[GivenDay | None, Query(alias="date", description="the community's local day; without it: today")]
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
Language = Annotated[str, Header(alias="Accept-Language", max_length=200, description="en or zh-CN")]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ASKED: Final = (Unauthenticated, PeopleOnly, NotFound, OfferOver)
_ONE: Final = "/home-orders/{order_id}"
_OFFER: Final = "/me/home-order-offers/{offer_id}"


@router.get("/unfilled-home-orders", responses=problem_responses(Unauthenticated, Forbidden))
async def list_unfilled_home_orders(
    connection: Reading, member: Operator, page: PageQuery, accept_language: Language = "en"
) -> Page[UnfilledOrderPublic]:
    """List the community's orders that nobody carries out yet, what begins next first, with why nobody was found."""
    return await queue.unfilled(connection, member.actor, page, language_for(accept_language))


@router.get("/organizations/{organization_id}/order-board", responses=problem_responses(*_GUARDED))
async def list_order_board(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Keeper,
    page: PageQuery,
    span: Stretch,
    accept_language: Language = "en",
) -> Page[BoardOrderPublic]:
    """List a provider's orders in a stretch of time with whom they are for and where, and who is looked for."""
    language = language_for(accept_language)
    return await board.board(connection, member.actor, organization_id, span, page, language)


@router.get("/organizations/{organization_id}/worker-days", responses=problem_responses(*_GUARDED))
async def get_worker_days(
    organization_id: uuid.UUID, connection: Reading, member: Keeper, day: Day = None
) -> WorkerDaysPublic:
    """Show a day of a provider's people: when they are there, what they are to do, and the ways between."""
    return await board.worker_days(connection, member.community_id, organization_id, day)


@router.get(f"{_ONE}/customer", responses=problem_responses(*_GUARDED))
async def get_home_order_customer(connection: Reading, actor: CurrentActor, subject: Concerned) -> OrderCustomerPublic:
    """Show whom an order is for; whoever looks is on record."""
    return await board.customer(connection, actor, subject)


@router.get(f"{_ONE}/candidates", responses=problem_responses(*_GUARDED))
async def list_home_order_candidates(
    connection: Reading, actor: CurrentActor, subject: Kept, accept_language: Language = "en"
) -> Page[CandidatePublic]:
    """List who could go to an order, whom it suits best first, and what is in the way of the others."""
    found = await candidates.find(connection, await facts.order(connection, actor, subject))
    language = language_for(accept_language)
    return Page(items=[_shown(language, one) for one in found.candidates], next=None)


@router.get(f"{_ONE}/offers", responses=problem_responses(*_GUARDED))
async def list_home_order_offers(connection: Reading, actor: CurrentActor, subject: Kept) -> Page[OrderOfferPublic]:
    """List who was asked to take an order, and what they said."""
    return Page(items=await offers.of_order(connection, actor, subject), next=None)


@router.post(f"{_ONE}/dispatch", responses=problem_responses(*_GUARDED, NobodyIsLookedFor))
async def dispatch_home_order(session: Session, actor: CurrentActor, subject: Kept, data: DispatchBegin) -> OrderDetail:
    """Have somebody looked for from the beginning: whoever suits best, or the first of several who are asked."""
    await dispatching.begin_anew(session, actor, subject, data.mode)
    return await details.after(await session.connection(), actor, subject.id)


@router.get("/me/home-order-offers", responses=problem_responses(Unauthenticated, PeopleOnly))
async def list_my_home_order_offers(connection: Reading, actor: Person, page: PageQuery) -> Page[MyOrderOfferPublic]:
    """List the orders you may take, those whose time is up first."""
    return await offers.mine(connection, actor, page)


@router.post(
    f"{_OFFER}/acceptance",
    responses=problem_responses(*_ASKED, CalendarTaken, NotAWorker, WorkerUnavailable, WorkerUnsuitable),
)
async def accept_home_order_offer(offer_id: uuid.UUID, session: Session, actor: Person) -> OrderDetail:
    """Take an order, if you are the first who says so."""
    order_id = await answering.accept(session, actor, offer_id)
    return await details.after(await session.connection(), actor, order_id)


@router.post(f"{_OFFER}/refusal", status_code=204, responses=problem_responses(*_ASKED))
async def refuse_home_order_offer(offer_id: uuid.UUID, session: Session, actor: Person) -> None:
    """Say that you do not take an order: others are asked the sooner."""
    await answering.decline(session, actor, offer_id)


def _shown(language: str, one: Candidate) -> CandidatePublic:
    return CandidatePublic(
        account_id=one.account_id,
        worker=one.name,
        points=one.points,
        reasons=rules.speaks_for(language, one),
        obstacles=[rules.speaks_against(language, obstacle) for obstacle in one.obstacles],
    )
