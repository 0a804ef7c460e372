"""Where somebody is signed in: each device with its end, and the end of all of them."""

from typing import Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.forms import Posted
from app.portal.ground.navigation import further
from app.portal.ground.pages import again, show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor
from app.portal.me.texts import WORDS
from app.portal.sign_in.entering import signed_out

router = pages_router("/portal/me")

_SESSIONS: Final = "/v1/me/sessions"
_PAGE: Final = "/portal/me/devices"
_SIGN_IN: Final = "/portal/sign-in"


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_me(visit: Visitor) -> Response:
    """Show who is signed in, and where what concerns only them is found."""
    words = words_of(WORDS, visit.language)
    ways = [
        *(
            (place.address, words.get(f"place_{place.key}", words[f"nav_{place.key}"]), place.key)
            for place in further(visit)
        ),
        ("/portal/me/preferences", words["preferences"], "alarms"),
        ("/portal/push", words["push"], "sound"),
        ("/portal/circles", words["circles"], "messages"),
        ("/portal/me/devices", words["devices"], "lock"),
        ("/portal/sign-in/second-factor?next=/portal/me", words["second_step"], "fine"),
    ]
    if visit.is_operator:
        ways.append(("/portal/operator/view-as", words["view_as"], "people"))
    return show(visit, "me/me.html", WORDS, ways=ways)


@router.get("/devices", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_devices(visit: Visitor) -> Response:
    """Show every device that is signed in as the visitor."""
    sessions = (await visit.api.get(_SESSIONS))["items"]
    return show(visit, "me/devices.html", WORDS, sessions=sessions, here_id=str(visit.session_id))


@router.post("/devices/end", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def end_device(visit: Visitor, form: Posted) -> Response:
    """Sign one device out at once; it may be this one."""
    session_id = form.uuid("session")
    await visit.api.delete(f"{_SESSIONS}/{session_id}")
    if session_id == visit.session_id:
        return signed_out(again(_SIGN_IN, "signed_out"))
    return again(_PAGE, "ended")


@router.post("/devices/all", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def end_all_devices(visit: Visitor, form: Posted) -> Response:
    """Sign out everywhere, here too."""
    del form
    await visit.api.delete(_SESSIONS)
    return signed_out(again(_SIGN_IN, "signed_out"))
