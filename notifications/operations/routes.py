"""The operator's view of deliveries over HTTP."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Depends, Query

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, member_guard
from notifications.operations import rates, service, views
from notifications.operations.schemas import (
    DeliveryOverview,
    DeliveryRates,
    ParkedDeliveryPublic,
    ReplayChoice,
    Replayed,
)

router = Router(tags=["notifications"])

Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
Desk = Annotated[Member, Depends(member_guard("operator", "dispatcher", organization_kind="operator"))]
_REFUSALS = problem_responses(Unauthenticated, Forbidden)


@router.get("/deliveries/overview", responses=_REFUSALS)
async def get_delivery_overview(
    connection: Reading,
    member: Desk,
    hours: Annotated[int, Query(ge=1, le=168, description="how far back the figures per channel go")] = 24,
) -> DeliveryOverview:
    """Show how far each lane is behind, what became of each channel's deliveries, and what is parked and why."""
    return await views.overview(connection, member.community_id, timedelta(hours=hours))


@router.get("/deliveries/rates", responses=_REFUSALS)
async def get_delivery_rates(
    connection: Reading,
    member: Desk,
    days: Annotated[int, Query(ge=1, le=31, description="how far back: whole days of the community, and today")] = 7,
    by: Annotated[Literal["day", "notice"], Query(description="what they are counted by, beside the channel")] = "day",
) -> DeliveryRates:
    """Count what became of the community's deliveries: sent, delivered, seen, failed, over each channel."""
    return await rates.counted(connection, member.community_id, days, by)


@router.get("/deliveries/parked", responses=_REFUSALS)
async def list_parked_deliveries(connection: Reading, member: Desk, page: PageQuery) -> Page[ParkedDeliveryPublic]:
    """List the deliveries that nobody tries any more, the oldest first."""
    return await views.parked(connection, member.community_id, page)


@router.post("/deliveries/replays", responses=_REFUSALS)
async def replay_deliveries(session: Session, member: Operator, choice: ReplayChoice) -> Replayed:
    """Try parked deliveries again; what is no longer parked stays as it is.

    Those that are named are sent in any case and get another day to be of use. Without names, all are that are still of
    use, for as long as they are, and whose notice no fallback delivered or sent.
    """
    return Replayed(replayed=await service.replay_parked(session, member.actor, choice.delivery_ids))
