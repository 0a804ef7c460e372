"""Today's medicine: taken, or not and why."""

import uuid
from typing import Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.forms import Posted
from app.portal.ground.pages import again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Residing
from app.portal.offline.giving import given_at
from app.portal.resident_home import knowing
from app.portal.resident_home.changing import unless_refused
from app.portal.resident_home.texts import WORDS

router = pages_router("/me/doses")

REASONS: Final = ("refused", "unwell", "not_available", "on_advice", "other")
_PAGE: Final = "/me/doses"


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_doses(visit: Residing) -> Response:
    """Show the medicine of the day, each with what became of it."""
    found = await knowing.todays_doses(visit)
    return show(visit, "resident_home/doses.html", WORDS, doses=found, reasons=REASONS)


@router.post("/{dose_id}/record", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def record_dose(visit: Residing, form: Posted, dose_id: uuid.UUID) -> Response:
    """Write down that it was taken, as of when it was pressed, or that it was not, and why."""
    pressed = given_at(form)
    if form.text("status", 10) == "skipped":
        reason = form.text("skip_reason", 20)
        body = {"status": "skipped", "skip_reason": reason if reason in REASONS else "other"}
    else:
        body = {"status": "taken"} | ({"taken_at": pressed.isoformat()} if pressed else {})
    asked = visit.api.post(f"/v1/me/doses/{dose_id}/record", body, key=form.key)
    refused = await unless_refused(visit, asked, _PAGE)
    start = "/me" if form.text("from", 10) == "start" else _PAGE
    return refused or again(start, "recorded")
