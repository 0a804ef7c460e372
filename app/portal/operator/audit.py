"""The audit trail, searched: who did what, about whom, when; the search itself is in it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.pages import address, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating, Visit
from app.portal.operator.texts import WORDS
from app.portal.operator.trying import FINE, wrong

router = pages_router("/portal/operator/audit")

PAGE: Final = "/portal/operator/audit"
ASKED: Final = ("resident_id", "actor_id", "object_id", "action", "from", "to")
_Text = Annotated[str, Query(max_length=100)]


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def search_audit(
    visit: Operating,
    resident_id: _Text = "",
    actor_id: _Text = "",
    object_id: _Text = "",
    action: _Text = "",
    *,
    first: Annotated[str, Query(alias="from", max_length=40)] = "",
    last: Annotated[str, Query(alias="to", max_length=40)] = "",
    cursor: Annotated[str, Query(max_length=512)] = "",
) -> Response:
    """Show the newest entries, or those that were asked for."""
    given = dict(zip(ASKED, (resident_id, actor_id, object_id, action, first, last), strict=True))
    given = {name: value.strip() for name, value in given.items()}
    page: Mapping[str, Any] = {"items": [], "next": None}
    said = FINE
    try:
        page = await visit.api.get("/v1/audit-entries", limit=50, cursor=cursor or None, **_asked(visit, given))
    except Refused as refused:
        said = wrong(visit, refused)
    following = address(PAGE, **given, cursor=page["next"]) if page["next"] else ""
    return show(
        visit,
        "operator/audit.html",
        WORDS,
        status=said.status,
        tab="audit",
        given=given,
        items=page["items"],
        next=following,
        wrong=said,
    )


def _asked(visit: Visit, given: Mapping[str, str]) -> dict[str, str | None]:
    """Return the query of the API: days are the reader's own, the last one is meant whole."""
    asked: dict[str, str | None] = {name: value or None for name, value in given.items()}
    for name, more in (("from", 0), ("to", 1)):
        text = given[name]
        try:
            begin = datetime.fromisoformat(text).replace(tzinfo=visit.time_zone) if len(text) == 10 else None
        except ValueError:
            begin = None
        if begin is not None:
            asked[name] = (begin + timedelta(days=more)).isoformat()
    return asked
