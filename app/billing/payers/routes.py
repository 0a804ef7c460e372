"""Payers over HTTP: residents ask somebody to pay, who answers; either ends it at once."""

import uuid
from typing import Final

from app.billing.payers import service, views
from app.billing.payers.access import Keeper
from app.billing.payers.problems import AskedAlready, NotAsked
from app.billing.payers.schemas import PaidForPublic, PayerAnswer, PayerInvite, PayerPublic
from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Person

router = Router(tags=["billing"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_ONE: Final = "/me/paid-for/{payer_id}"


@router.resident_route("GET", "/payers", responses=problem_responses(*_GUARDED))
async def list_payers(connection: Reading, actor: CurrentActor, subject: Keeper, page: PageQuery) -> Page[PayerPublic]:
    """List who pays for a resident, paid, or was asked to, the last one first."""
    return await views.payers_of(connection, actor, subject, page)


@router.resident_route("POST", "/payers", status_code=201, responses=problem_responses(*_GUARDED, AskedAlready))
async def invite_payer(session: Session, actor: CurrentActor, subject: Keeper, data: PayerInvite) -> PayerPublic:
    """Ask somebody of the community to pay for what the resident orders; they do once they agree."""
    row = await service.invite(session, actor, subject, data)
    return await views.one_of(await session.connection(), row.id)


@router.resident_route("DELETE", "/payers/{payer_id}", status_code=204, responses=problem_responses(*_GUARDED))
async def end_payer(session: Session, actor: CurrentActor, subject: Keeper, payer_id: uuid.UUID) -> None:
    """Let somebody pay no longer, at once; what they have promised already stays promised."""
    await service.end_by_resident(session, actor, subject, payer_id)


@router.get("/me/paid-for", responses=problem_responses(Unauthenticated, Forbidden))
async def list_paid_for(connection: Reading, actor: Person, page: PageQuery) -> Page[PaidForPublic]:
    """List for whom you pay, paid, or were asked to, the last one first."""
    return await views.paid_for(connection, actor.id, page)


@router.post(f"{_ONE}/answers", status_code=201, responses=problem_responses(*_GUARDED, NotAsked))
async def answer_paid_for(session: Session, actor: Person, payer_id: uuid.UUID, data: PayerAnswer) -> PaidForPublic:
    """Agree to pay for somebody, up to a limit if you like, or do not."""
    row = await service.answer(session, actor, payer_id, data)
    return await views.one_paid_for(await session.connection(), row.id)


@router.delete(_ONE, status_code=204, responses=problem_responses(*_GUARDED))
async def end_paid_for(session: Session, actor: Person, payer_id: uuid.UUID) -> None:
    """Pay for somebody no longer, at once; what you have promised already stays promised."""
    await service.end_by_payer(session, actor, payer_id)
