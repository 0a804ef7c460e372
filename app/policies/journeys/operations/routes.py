"""The machinery over HTTP, for the operator: what stands still and trying it again, and what runs here."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, member_guard
from app.policies.journeys.operations import service
from app.policies.journeys.operations.schemas import InstallationPublic, Kind, ParkedItem, ReplayedItems, Replays

router = Router(tags=["health"])

Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
_REFUSALS = problem_responses(Unauthenticated, Forbidden)


@router.get("/parked-items", responses=_REFUSALS)
async def list_parked_items(
    connection: Reading, member: Operator, page: PageQuery, kind: Annotated[Kind, Query()]
) -> Page[ParkedItem]:
    """List what stands still of the community: events and deadlines that were given up or fail on, parked deliveries.

    What names no community is listed where there is only one.
    """
    return await service.parked(connection, member.community_id, kind, page)


@router.post("/parked-items/replays", responses=_REFUSALS)
async def replay_parked_items(session: Session, member: Operator, data: Replays) -> ReplayedItems:
    """Try again all that is parked of the community, or what is of these kinds; of deliveries those still of use."""
    return await service.replay_all(session, member.actor, data.kinds)


@router.post("/parked-items/{item_id}/replay", responses=problem_responses(Unauthenticated, Forbidden, NotFound))
async def replay_parked_item(
    session: Session, member: Operator, item_id: Annotated[str, Path(max_length=200)]
) -> ReplayedItems:
    """Try one thing again that is parked: it gets a fresh set of attempts."""
    return await service.replay_one(session, member.actor, item_id)


@router.get("/installation", responses=_REFUSALS)
async def get_installation(connection: Reading, member: Operator, request: Request) -> InstallationPublic:  # noqa: ARG001 - the guard is all it is here for
    """Say what runs here, how far it is behind and what it is connected to; nothing that is secret."""
    return await service.installation(connection, request.app.version)
