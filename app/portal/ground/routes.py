"""The door of the portal, and the look a visitor chose for this browser."""

from typing import Final

from starlette.responses import RedirectResponse, Response

from app.core.routing import route_options
from app.identity.api import is_safe
from app.portal.ground.forms import Posted
from app.portal.ground.navigation import home
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import LOOK_COOKIE, LOOKS, Visitor

router = pages_router("/portal")

_A_YEAR: Final = 365 * 24 * 3600


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def open_portal(visit: Visitor) -> Response:
    """Lead a visitor to where they begin."""
    return RedirectResponse(home(visit).address, 303, headers={"Cache-Control": "no-store"})


@router.post("/look", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def choose_look(visit: Visitor, form: Posted) -> Response:
    """Keep whether this browser shows light or dark pages; anything else leaves it to the device."""
    del visit
    answer = again("/portal/me", "look")
    look = form.text("look", 10)
    if look in LOOKS:
        answer.set_cookie(LOOK_COOKIE, look, max_age=_A_YEAR, secure=is_safe(), httponly=True, samesite="lax", path="/")
    else:
        answer.delete_cookie(LOOK_COOKIE, path="/")
    return answer
