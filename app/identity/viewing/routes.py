"""Looking on as somebody over HTTP: begun and ended by an operator who has shown a second factor."""

import uuid
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, status

from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Router, Session, route_options
from app.identity.access import Member, member_guard
from app.identity.second_factor.problems import SecondFactorNeeded
from app.identity.viewing import service
from app.identity.viewing.problems import NotToBeViewed, ViewingGoesOn
from app.identity.viewing.schemas import ViewingBegin, ViewingBegun

router = Router(tags=["identity"])

Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
# Whoever helps on the phone begins a few times an hour; whoever goes through the people one by one does not help.
_LIMITED: Final = [Depends(rate_limited("viewing", Rate(20, timedelta(hours=1)), by="actor"))]


@router.post(
    "/accounts/{account_id}/viewing",
    status_code=status.HTTP_201_CREATED,
    dependencies=_LIMITED,
    responses=problem_responses(
        Unauthenticated,
        Forbidden,
        SecondFactorNeeded,
        NotToBeViewed,
        NotFound,
        ViewingGoesOn,
        TooManyRequests,
    ),
)
@route_options(idempotency=False)
async def begin_viewing(account_id: uuid.UUID, data: ViewingBegin, member: Operator, session: Session) -> ViewingBegun:
    """See for half an hour what a person sees, to help them; nothing can be changed. They are told, with the reason.

    One at a time. Every request made with the token that is answered stands in the person's trail.
    """
    return await service.begin(session, member.actor, account_id, data.reason)


@router.delete(
    "/viewings/{viewing_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound),
)
async def end_viewing(viewing_id: uuid.UUID, member: Operator, session: Session) -> None:
    """Stop looking on, with one's own access token; it ends by itself after half an hour, and with the session."""
    await service.end(session, member.actor, viewing_id)
