"""What stands still: seen with its reason, tried again one by one or all at once."""

import asyncio
from typing import Annotated, Final

from fastapi import Path, Query
from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Posted
from app.portal.ground.pages import address, again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating
from app.portal.operator.texts import WORDS
from app.portal.operator.trying import FINE, ask_once_more, wrong

router = pages_router("/portal/operator/parked")

PAGE: Final = "/portal/operator/parked"
KINDS: Final = ("event", "deadline", "delivery")
Cursor = Annotated[str, Query(max_length=512)]


async def _shown(visit: Operating, kind: str, cursor: str) -> tuple[str, list[dict[str, object]], str]:
    page = await visit.api.get("/v1/parked-items", kind=kind, limit=20, cursor=cursor or None)
    return kind, page["items"], address(PAGE, **{kind: page["next"]}) if page["next"] else ""


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def list_parked(visit: Operating, event: Cursor = "", deadline: Cursor = "", delivery: Cursor = "") -> Response:
    """Show what stands still of each kind."""
    cursors = {"event": event, "deadline": deadline, "delivery": delivery}
    lists = await asyncio.gather(*(_shown(visit, kind, cursors[kind]) for kind in KINDS))
    return show(visit, "operator/parked.html", WORDS, tab="parked", lists=lists, wrong=FINE)


@router.get("/replay", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_replay(visit: Operating, kind: Annotated[str, Query(pattern="^(event|deadline|delivery)$")]) -> Response:
    """Ask once more before everything of a kind is tried again."""
    return ask_once_more(visit, "parked", f"replay_{kind}", f"{PAGE}/replay", PAGE, carried=(("kind", kind),))


@router.post("/replay", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def replay_all(visit: Operating, form: Posted) -> Response:
    """Try everything of a kind again."""
    kind = form.text("kind", 20)
    await visit.api.post("/v1/parked-items/replays", {"kinds": [kind]}, key=form.key)
    return again(PAGE, "replayed")


@router.post("/{item_id}/replay", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def replay_one(visit: Operating, form: Posted, item_id: Annotated[str, Path(max_length=200)]) -> Response:
    """Try one thing again."""
    try:
        await visit.api.post(f"/v1/parked-items/{item_id}/replay", key=form.key)
    except Refused as refused:
        lists = await asyncio.gather(*(_shown(visit, kind, "") for kind in KINDS))
        said = wrong(visit, refused)
        return show(visit, "operator/parked.html", WORDS, status=said.status, tab="parked", lists=lists, wrong=said)
    return again(PAGE, "replayed")
