"""Complaints over HTTP: opened, answered, added to, decided and read."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.billing.api import NothingToRefund
from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Conflict, Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, ResidenceEnded, member_guard
from community.complaints import service, views
from community.complaints.problems import ComplaintExists, ComplaintNotOpen, EvidenceClosed, NothingToComplainOf
from community.complaints.schemas import (
    ComplaintAccept,
    ComplaintAnswer,
    ComplaintDecide,
    ComplaintDetail,
    ComplaintEvidence,
    ComplaintOpen,
    ComplaintPublic,
)
from community.orders.access import Subject, order_guard
from community.orders.problems import OrderExists

router = Router(tags=["housekeeping"])

Theirs = Annotated[Subject, Depends(order_guard("resident"))]
Side = Annotated[Subject, Depends(order_guard("resident", "provider"))]
Concerned = Annotated[Subject, Depends(order_guard("resident", "provider", "operator"))]
Provider = Annotated[Subject, Depends(order_guard("provider"))]
Decider = Annotated[Subject, Depends(order_guard("operator"))]
Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ENDING: Final = (*_GUARDED, ComplaintNotOpen, NothingToComplainOf, NothingToRefund, OrderExists, ResidenceEnded)
_ONE: Final = "/home-orders/{order_id}/complaint"


@router.post(_ONE, status_code=201, responses=problem_responses(*_GUARDED, ComplaintExists, NothingToComplainOf))
async def open_home_order_complaint(
    session: Session, actor: CurrentActor, subject: Theirs, data: ComplaintOpen
) -> ComplaintDetail:
    """Say what was wrong. The provider has three days to answer, and is not paid for it until it is decided."""
    await service.open_one(session, actor, subject, data)
    return await views.after_change(await session.connection(), subject)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_home_order_complaint(connection: Reading, actor: CurrentActor, subject: Concerned) -> ComplaintDetail:
    """Show the complaint of an order, with all that was said."""
    return await views.shown(connection, actor, subject)


@router.post(f"{_ONE}/answer", responses=problem_responses(*_GUARDED, ComplaintNotOpen))
async def answer_home_order_complaint(
    session: Session, actor: CurrentActor, subject: Provider, data: ComplaintAnswer
) -> ComplaintDetail:
    """Say how you see it, as the provider; the operator decides."""
    await service.answer(session, actor, subject, data)
    return await views.after_change(await session.connection(), subject)


@router.post(f"{_ONE}/acceptance", responses=problem_responses(*_ENDING))
async def accept_home_order_complaint(
    session: Session, actor: CurrentActor, subject: Provider, data: ComplaintAccept
) -> ComplaintDetail:
    """Do what the resident wishes, as the provider: that ends it."""
    await service.accept(session, actor, subject, data)
    return await views.after_change(await session.connection(), subject)


@router.post(
    f"{_ONE}/evidence",
    status_code=201,
    responses=problem_responses(*_GUARDED, ComplaintNotOpen, Conflict, EvidenceClosed),
)
async def add_home_order_complaint_evidence(
    session: Session, actor: CurrentActor, subject: Side, data: ComplaintEvidence
) -> ComplaintDetail:
    """Add what you have to say, or a file you uploaded as a document, in the first seven days."""
    await service.add(session, actor, subject, data)
    return await views.after_change(await session.connection(), subject)


@router.post(f"{_ONE}/decision", responses=problem_responses(*_ENDING))
async def decide_home_order_complaint(
    session: Session, actor: CurrentActor, subject: Decider, data: ComplaintDecide
) -> ComplaintDetail:
    """Decide: money back as the rule has it, the work done anew for nothing, or neither."""
    await service.decide(session, actor, subject, data)
    return await views.after_change(await session.connection(), subject)


@router.post(f"{_ONE}/withdrawal", responses=problem_responses(*_GUARDED, ComplaintNotOpen))
async def withdraw_home_order_complaint(session: Session, actor: CurrentActor, subject: Theirs) -> ComplaintDetail:
    """Take your complaint back."""
    await service.withdraw(session, actor, subject)
    return await views.after_change(await session.connection(), subject)


@router.get("/complaints-to-decide", responses=problem_responses(Unauthenticated, Forbidden))
async def list_complaints_to_decide(connection: Reading, member: Operator, page: PageQuery) -> Page[ComplaintPublic]:
    """List the community's complaints that wait for a decision, the oldest first."""
    return await views.to_decide(connection, member.actor, page)


@router.get("/organizations/{organization_id}/complaints", responses=problem_responses(*_GUARDED))
async def list_provider_complaints(
    organization_id: uuid.UUID, connection: Reading, member: Keeper, page: PageQuery
) -> Page[ComplaintPublic]:
    """List the complaints about a provider, the latest first."""
    return await views.of_provider(connection, member.actor, organization_id, page)
