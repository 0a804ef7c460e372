"""The page of a person's own choices: language, time zone, quiet hours, and what comes over which channel."""

import asyncio
from typing import Any, Final
from zoneinfo import available_timezones

from starlette.responses import Response

from app.core.routing import route_options
from app.identity.api import LANGUAGES
from app.portal.ground.changing import Change, changed
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.preferences.texts import WORDS

router = pages_router("/portal/me")

_PAGE: Final = "/portal/me/preferences"
_CHOICES: Final = "/v1/me/notification-preferences"
_ACCOUNT: Final = "/v1/me/account"
CHANNELS: Final = ("push", "sms", "voice", "mail")
DIGESTS: Final = ("immediate", "hourly", "daily")


async def _shown(visit: Visit, status: int = 200, said: str = "") -> Response:
    choices, account = await asyncio.gather(visit.api.get(_CHOICES), visit.api.get(_ACCOUNT))
    return show(
        visit,
        "preferences/preferences.html",
        WORDS,
        status=status,
        trouble_said=said,
        choices=choices,
        account=account,
        languages=LANGUAGES,
        zones=sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")),
        channels=CHANNELS,
        digests=DIGESTS,
    )


@router.get("/preferences", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_preferences(visit: Visitor) -> Response:
    """Show what is chosen."""
    return await _shown(visit)


@router.post("/preferences/account", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_account(visit: Visitor, form: Posted) -> Response:
    """Change the language and the time zone that everything is written in."""
    body = {"language": form.text("language", 20), "time_zone": form.text("time_zone", 64)}
    return await _changed(visit, form, Change("PATCH", _ACCOUNT, body, form.number("version")))


@router.post("/preferences/notices", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_notices(visit: Visitor, form: Posted) -> Response:
    """Change what comes when and how; what is not chosen on the page is as if it had never been."""
    categories = (await visit.api.get(_CHOICES))["categories"]
    body = {"quiet_hours": _quiet(form), "categories": [_choice(form, one["category"]) for one in categories]}
    return await _changed(visit, form, Change("PUT", _CHOICES, body, form.number("version")))


def _quiet(form: Form) -> dict[str, Any] | None:
    """Return the quiet hours as they were filled in; what was filled in by half is refused, not dropped unsaid."""
    week = {"begins": form.text("quiet_begins", 5), "ends": form.text("quiet_ends", 5)}
    weekend = {"begins": form.text("weekend_begins", 5), "ends": form.text("weekend_ends", 5)}
    if not any((*week.values(), *weekend.values())):
        return None
    return {**week, "weekend": weekend if any(weekend.values()) else None}


def _choice(form: Form, category: str) -> dict[str, Any]:
    muted = [channel for channel in form.many(f"muted-{category}") if channel in CHANNELS]
    every = form.text(f"digest-{category}", 20) or DIGESTS[0]
    at = form.text(f"at-{category}", 5) or "18:00"
    return {
        "category": category,
        "muted": muted,
        "digest": {"every": every, "at": at if every == "daily" else None},
    }


async def _changed(visit: Visit, form: Form, change: Change) -> Response:
    if trouble := await changed(visit, form, change, WORDS):
        return await _shown(visit, trouble.status, trouble.said)
    return again(_PAGE, "kept")
