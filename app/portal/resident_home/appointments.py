"""What is arranged with clinics: when, with whom, the way into a video visit, and calling it off."""

import uuid
from typing import Final

from starlette.responses import RedirectResponse, Response

from app.core.routing import route_options
from app.portal.ground.forms import Posted
from app.portal.ground.pages import again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Residing
from app.portal.resident_home import knowing
from app.portal.resident_home.changing import unless_refused
from app.portal.resident_home.texts import WORDS

router = pages_router("/me/appointments")

_PAGE: Final = "/me/appointments"


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_appointments(visit: Residing) -> Response:
    """Show what is ahead, the nearest first."""
    found = await knowing.appointments(visit)
    return show(visit, "resident_home/appointments.html", WORDS, appointments=found)


@router.post("/{consultation_id}/join", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def join(visit: Residing, form: Posted, consultation_id: uuid.UUID) -> Response:
    """Lead into a video visit, by a link that is good once."""
    del form
    made = await visit.api.post(f"/v1/consultations/{consultation_id}/links")
    return RedirectResponse(made["url"], 303, headers={"Cache-Control": "no-store"})


@router.post("/{appointment_id}/cancel", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def cancel(visit: Residing, form: Posted, appointment_id: uuid.UUID) -> Response:
    """Call an appointment off."""
    asked = visit.api.post(f"/v1/appointments/{appointment_id}/cancellation", {}, key=form.key)
    refused = await unless_refused(visit, asked, _PAGE)
    return refused or again(_PAGE, "cancelled")
