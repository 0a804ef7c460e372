"""Tips over HTTP."""

from typing import Annotated, Final

from fastapi import Depends

from app.billing.api import PaymentMethodUnusable
from app.core.access import CurrentActor
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from community.orders.access import Subject, order_guard
from community.tips import service, views
from community.tips.problems import NoTipNow, TipExists, TipTooLarge
from community.tips.schemas import TipGive, TipPublic

router = Router(tags=["housekeeping"])

Theirs = Annotated[Subject, Depends(order_guard("resident"))]
Seen = Annotated[Subject, Depends(order_guard())]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ONE: Final = "/home-orders/{order_id}/tip"


@router.post(
    _ONE,
    status_code=201,
    responses=problem_responses(*_GUARDED, NoTipNow, PaymentMethodUnusable, TipExists, TipTooLarge),
)
async def tip_home_order(session: Session, actor: CurrentActor, subject: Theirs, data: TipGive) -> TipPublic:
    """Give a tip, in the seven days after the work: all of it goes to the provider, for whoever came."""
    return views.public(await service.give(session, actor, subject, data))


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_home_order_tip(connection: Reading, actor: CurrentActor, subject: Seen) -> TipPublic:
    """Show the tip that was given for an order."""
    return await views.of_order(connection, actor, subject)
