"""Programmes over HTTP: the operator keeps them; residents see what they are entitled to."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.billing.subsidies import views
from app.billing.subsidies.access import Reader
from app.billing.subsidies.problems import (
    BudgetCommitted,
    EntitledAlready,
    MoreThanOwed,
    ProgrammeClosed,
    TransferKnown,
)
from app.billing.subsidies.schemas import (
    EntitlementCreate,
    EntitlementPublic,
    OwnEntitlement,
    ProgrammeCreate,
    ProgrammePublic,
    ProgrammeReport,
    ProgrammeWrite,
    SettlementRecord,
)
from app.billing.subsidies.service import keeping
from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import Member, member_guard

router = Router(tags=["billing"])

_KEPT: Final = (Unauthenticated, Forbidden)
_GUARDED: Final = (*_KEPT, NotFound)
_ONE: Final = "/subsidy-programmes/{programme_id}"
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]


@router.get("/subsidy-programmes", responses=problem_responses(*_KEPT))
async def list_subsidy_programmes(connection: Reading, member: Operator, page: PageQuery) -> Page[ProgrammePublic]:
    """List the programmes that pay a part of services in the community, the last one first."""
    return await views.programmes(connection, member.community_id, page)


@router.post("/subsidy-programmes", status_code=201, responses=problem_responses(*_KEPT))
async def add_subsidy_programme(
    session: Session, member: Operator, data: ProgrammeCreate, response: Response
) -> ProgrammePublic:
    """Begin a programme: for which services, how much of what they cost, and from which budget."""
    row = await keeping.add_programme(session, member.actor, data)
    set_etag(response, row.version)
    return views.programme(row)


@router.put(_ONE, responses=problem_responses(*_GUARDED, StaleVersion, BudgetCommitted))
async def set_subsidy_programme(
    programme_id: uuid.UUID,
    session: Session,
    member: Operator,
    data: ProgrammeWrite,
    if_match: IfMatch,
    response: Response,
) -> ProgrammePublic:
    """Say what a programme pays from now on, or put it aside; what it has promised it pays."""
    row = await keeping.set_programme(session, member.actor, programme_id, data, if_match)
    set_etag(response, row.version)
    return views.programme(row)


@router.get(f"{_ONE}/report", responses=problem_responses(*_GUARDED))
async def get_subsidy_programme_report(
    programme_id: uuid.UUID, connection: Reading, member: Operator
) -> ProgrammeReport:
    """Show what a programme owes for each month, what of it has arrived, and what of its budget is promised."""
    return await views.report(connection, member.actor, programme_id)


@router.post(
    f"{_ONE}/settlements", status_code=201, responses=problem_responses(*_GUARDED, MoreThanOwed, TransferKnown)
)
async def record_subsidy_settlement(
    programme_id: uuid.UUID, session: Session, member: Operator, data: SettlementRecord
) -> ProgrammeReport:
    """Record a transfer that arrived for a month of a programme's, all that it owes or a part."""
    await keeping.settle(session, member.actor, programme_id, data)
    return await views.report(await session.connection(), member.actor, programme_id)


@router.get(f"{_ONE}/entitlements", responses=problem_responses(*_GUARDED))
async def list_subsidy_entitlements(
    programme_id: uuid.UUID, connection: Reading, member: Operator, page: PageQuery
) -> Page[EntitlementPublic]:
    """List who is and was entitled to what a programme pays, the last one first."""
    return await views.entitlements(connection, member.actor, programme_id, page)


@router.post(
    f"{_ONE}/entitlements", status_code=201, responses=problem_responses(*_GUARDED, ProgrammeClosed, EntitledAlready)
)
async def grant_subsidy_entitlement(
    programme_id: uuid.UUID, session: Session, member: Operator, data: EntitlementCreate
) -> EntitlementPublic:
    """Entitle a resident to what a programme pays."""
    return views.entitlement(await keeping.entitle(session, member.actor, programme_id, data))


@router.delete(f"{_ONE}/entitlements/{{entitlement_id}}", status_code=204, responses=problem_responses(*_GUARDED))
async def revoke_subsidy_entitlement(
    programme_id: uuid.UUID, session: Session, member: Operator, entitlement_id: uuid.UUID
) -> None:
    """End an entitlement at once; what was promised under it is paid."""
    await keeping.revoke(session, member.actor, programme_id, entitlement_id)


@router.resident_route("GET", "/subsidy-entitlements", responses=problem_responses(*_GUARDED))
async def list_entitlements(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[OwnEntitlement]:
    """List what a resident is and was entitled to, the last one first."""
    return await views.of_resident(connection, actor, subject, page)
