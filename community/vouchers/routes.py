"""Vouchers over HTTP, for whoever keeps an attraction's tickets."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, member_guard
from community.vouchers import service, views
from community.vouchers.problems import VoucherExists
from community.vouchers.schemas import VoucherCreate, VoucherPublic

router = Router(tags=["tourism"])

Keeper = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}/ticket-vouchers"


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_ticket_vouchers(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Keeper,  # noqa: ARG001 - the guard
    page: PageQuery,
) -> Page[VoucherPublic]:
    """List the vouchers of an organization, the latest first."""
    return await views.vouchers(connection, organization_id, page)


@router.post(_OF, status_code=201, responses=problem_responses(*_GUARDED, VoucherExists))
async def create_ticket_voucher(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: VoucherCreate
) -> VoucherPublic:
    """Make a voucher: its code is told to nobody afterwards."""
    row = await service.create(session, member, organization_id, data)
    (shown,) = await views.shown(await session.connection(), [row])
    return shown


@router.post(f"{_OF}/{{voucher_id}}/retirement", responses=problem_responses(*_GUARDED))
async def retire_ticket_voucher(
    organization_id: uuid.UUID, voucher_id: uuid.UUID, session: Session, member: Keeper
) -> VoucherPublic:
    """Have a voucher count no more; what was bought with it stays so."""
    row = await service.retire(session, member.actor, organization_id, voucher_id)
    (shown,) = await views.shown(await session.connection(), [row])
    return shown
