"""What somebody pays for others, over HTTP."""

from app.billing.authorizations import views
from app.billing.authorizations.schemas import PaidForOther
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from app.identity.api import Person

router = Router(tags=["billing"])


@router.get("/me/paid-for/payments", responses=problem_responses(Unauthenticated, Forbidden))
async def list_payments_for_others(connection: Reading, actor: Person, page: PageQuery) -> Page[PaidForOther]:
    """List what you pay for others, the last first: how much, when, and for which kind of service."""
    return await views.paid_for_others(connection, actor, page)
