"""The pages of a company that helps at home, and of its people: all of them, and the way to one's own."""

from typing import Final

from starlette.responses import RedirectResponse, Response

from app.core.routing import Router, route_options
from app.portal.ground.asking import Refused
from app.portal.ground.pages import show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor
from app.portal.provider import board, installing, order, people, person, plan, said, statements, tasks, work
from app.portal.provider.company import ROOT, day_of, kept_by
from app.portal.provider.texts import WORDS

router = pages_router(ROOT)
_WORKS: Final = ("worker", "carer")


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_provider(visit: Visitor) -> Response:
    """Lead whoever keeps a company's orders to them, and whoever carries them out to theirs."""
    kept = kept_by(visit)
    if len(kept) > 1:
        companies = [await day_of(visit, one) for one in kept]
        return show(visit, "provider/choose.html", WORDS, companies=companies)
    if kept:
        return RedirectResponse(f"{ROOT}/{kept[0]}", 303)
    if visit.holds(*_WORKS):
        return RedirectResponse(f"{ROOT}/mine", 303)
    raise Refused(403, {"code": "forbidden", "status": 403})


ROUTERS: Final[tuple[Router, ...]] = (
    router,
    installing.router,
    work.router,  # before the companies, whose ids stand in the same place
    tasks.router,
    *(module.router for module in (board, order, plan, people, person, said, statements)),
)
"""The provider's pages."""
