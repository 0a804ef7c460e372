"""Support looks on as somebody: whom and why, and stopping from any page."""

import uuid
from dataclasses import replace
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from app.core.routing import route_options
from app.identity.api import access_token_of
from app.portal.ground.asking import OwnApi, Refused
from app.portal.ground.forms import OwnPosted, Posted
from app.portal.ground.pages import again, show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating, Visit, Visitor
from app.portal.viewing.texts import WORDS

router = pages_router("/portal")

_PAGE: Final = "/portal/operator/view-as"
_FOUND: Final = 20
_SAID: Final = {"viewing_goes_on", "not_to_be_viewed"}
_BY_STATUS: Final = {404: "not_found", 422: "reason_wrong", 429: "trouble_429"}


@router.get("/operator/view-as", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_view_as(request: Request, visit: Operating) -> Response:
    """Let an operator find whom they help, and say why they look on."""
    asked = request.query_params
    return await _page(visit, asked.get("q", "").strip()[:100], _id(asked.get("resident")), _id(asked.get("account")))


def _id(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


async def _page(
    visit: Visit,
    sought: str,
    resident: uuid.UUID | None,
    account: uuid.UUID | None,
    *,
    wrong: str = "",
    reason: str = "",
    status: int = 200,
) -> Response:
    residents = await visit.api.pages("/v1/residents", _FOUND, query=sought) if sought else []
    words = words_of(WORDS, visit.language)
    return show(
        visit,
        "viewing/view_as.html",
        WORDS,
        status=status,
        has_factor=visit.actor.second_factor,
        sought=sought,
        residents=residents,
        resident=resident,
        people=await _people(visit, words, resident, account),
        chosen=account or "",
        reason=reason,
        wrong=words[wrong] if wrong else "",
    )


async def _people(
    visit: Visit, words: Any, resident: uuid.UUID | None, account: uuid.UUID | None
) -> list[tuple[str, str]]:
    """Return as whom one may look on: the resident, and those who care for them; or whom another page led here for."""
    if resident is None:
        return [(str(account), words["this_person"])] if account else []
    who = await visit.api.get(f"/v1/residents/{resident}/profile")
    circle = await visit.api.get(f"/v1/residents/{resident}/circle")
    first = (str(who["account_id"]), words["resident"].format(name=who["name"]))
    return [
        first,
        *(
            (one["account_id"], words["circle"].format(name=one["name"], relationship=one["relationship"]))
            for one in circle["items"]
        ),
    ]


@router.post("/viewing", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def begin_view_as(visit: Operating, form: Posted) -> Response:
    """Begin to look on; the person is told."""
    account, resident, reason = form.uuid("account"), form.uuid("resident"), form.text("reason", 600)
    if account is None:
        return await _page(visit, "", resident, None, wrong="nobody_chosen", reason=reason, status=422)
    try:
        await visit.api.post(f"/v1/accounts/{account}/viewing", {"reason": reason})
    except Refused as refusal:
        wrong = refusal.code if refusal.code in _SAID else _BY_STATUS.get(refusal.status)
        if wrong is None:
            raise
        return await _page(visit, "", resident, account, wrong=wrong, reason=reason, status=refusal.status)
    return again("/portal")


@router.post("/viewing/stop", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def stop_viewing(request: Request, visit: Visitor, form: OwnPosted) -> Response:
    """Stop looking on: asked as oneself, not as whom one looks on as."""
    del form
    if visit.viewing is not None:
        oneself = replace(visit.who, viewing=None)
        await OwnApi(request, access_token_of(oneself), visit.language).delete(f"/v1/viewings/{visit.viewing.id}")
    return again(_PAGE, "stopped")
