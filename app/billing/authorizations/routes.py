"""What somebody pays, for themselves and others, over HTTP."""

import uuid
from datetime import timedelta
from typing import Final

from fastapi import Depends

from app.billing.authorizations import views
from app.billing.authorizations.problems import NothingToProve
from app.billing.authorizations.schemas import ActionNeeded, AuthorizationOfPayer, PaidForOther
from app.billing.authorizations.service import carrying
from app.core.access import not_viewed
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Reading, Router, Session
from app.identity.api import Person

router = Router(tags=["billing"])

_MOST: Final = 20
_ACTION: Final = "/me/authorizations/{authorization_id}/action"
_OF_PAYER: Final = problem_responses(Unauthenticated, Forbidden, NotFound, NothingToProve)


@router.get("/me/paid-for/payments", responses=problem_responses(Unauthenticated, Forbidden))
async def list_payments_for_others(connection: Reading, actor: Person, page: PageQuery) -> Page[PaidForOther]:
    """List what you pay for others, the last first: how much, when, and for which kind of service."""
    return await views.paid_for_others(connection, actor, page)


@router.get("/me/authorizations", responses=problem_responses(Unauthenticated, Forbidden))
async def list_my_authorizations(
    connection: Reading, actor: Person, reference_id: uuid.UUID
) -> Page[AuthorizationOfPayer]:
    """Say how the money stands that you promised for one thing, the last promise first."""
    return await views.own_promises(connection, actor, reference_id, _MOST)


@router.get(_ACTION, responses=_OF_PAYER)
@not_viewed("with it somebody proves to a bank who they are")
async def get_payment_action(connection: Reading, actor: Person, authorization_id: uuid.UUID) -> ActionNeeded:
    """Say with what your app lets you prove to your bank who you are: it is you who pays, and the bank who asks."""
    return await views.action_needed(connection, actor, authorization_id)


@router.post(
    _ACTION,
    status_code=202,
    dependencies=[Depends(rate_limited("payment_action", Rate(30, timedelta(minutes=10)), by="actor"))],
    responses=_OF_PAYER,
)
async def say_payment_proved(session: Session, actor: Person, authorization_id: uuid.UUID) -> None:
    """Say that you have: the bank's answer is looked at now, and told as it comes."""
    await carrying.look_now(session, actor, authorization_id)
