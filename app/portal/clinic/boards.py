"""The screen on the wall, in both languages at once: numbers and rooms, never a name; and the keeping of screens."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Path, Request
from starlette.responses import Response

from app.core.access import public
from app.core.routing import route_options
from app.core.settings import settings
from app.portal.clinic.knowing import asked, house_of, shown
from app.portal.clinic.texts import WORDS
from app.portal.ground.asking import OwnApi, Refused
from app.portal.ground.assets import version
from app.portal.ground.changing import trouble_of
from app.portal.ground.forms import Posted
from app.portal.ground.pages import Stranger, again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal/clinic")

Secret = Annotated[str, Path(min_length=20, max_length=100)]
_WALL: Final = "a screen on a wall cannot sign in: its secret shows numbers and rooms alone, and can be revoked"


def _wall(visit: Visit | Stranger, page: str, board: Mapping[str, Any], source: str) -> Response:
    called = [(line, one) for line in board["lines"] for one in line["called"]]
    newest = max((one["called_at"] for _, one in called), default="")
    return show(
        visit,
        f"clinic/{page}.html",
        WORDS,
        board=board,
        called=sorted(called, key=lambda pair: pair[1]["called_at"], reverse=True)[:6],
        newest=newest,
        source=source,
        of_version=version(),
        both=(("zh-CN", WORDS["zh-CN"]), ("en", WORDS["en"])),
    )


async def _of_secret(request: Request, secret: str, page: str) -> Response:
    visit = Stranger(request)
    board = await OwnApi(request, None, visit.language).get(f"/v1/queue-displays/{secret}")
    return _wall(visit, page, board, f"/portal/clinic/display/{secret}/part")


@router.get("/display/{secret}", include_in_schema=False)
@public(_WALL)
@route_options(database=False, idempotency=False)
async def show_display(request: Request, secret: Secret) -> Response:
    """Show the board to whoever has a screen's secret."""
    return await _of_secret(request, secret, "display")


@router.get("/display/{secret}/part", include_in_schema=False)
@public(_WALL)
@route_options(database=False, idempotency=False)
async def show_display_part(request: Request, secret: Secret) -> Response:
    """Show what changes on the board."""
    return await _of_secret(request, secret, "display_part")


@router.get("/{organization_id}/board", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_board(visit: Visitor, organization_id: uuid.UUID) -> Response:
    """Show the board to somebody of the clinic who is signed in."""
    house = await house_of(visit, organization_id)
    return _wall(visit, "display", await visit.api.get(f"{house.api}/queue-board"), f"{house.address}/board/part")


@router.get("/{organization_id}/board/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_board_part(visit: Visitor, organization_id: uuid.UUID) -> Response:
    """Show what changes on the board."""
    house = await house_of(visit, organization_id)
    return _wall(visit, "display_part", await visit.api.get(f"{house.api}/queue-board"), f"{house.address}/board/part")


async def _screens(visit: Visit, api: str) -> dict[str, Any]:
    return {"tab": "screens", "screens": (await visit.api.get(f"{api}/queue-displays"))["items"], "made": None}


@router.get("/{organization_id}/screens", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_screens(visit: Visitor, organization_id: uuid.UUID) -> Response:
    """Show the clinic's screens."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "screens", **await _screens(visit, house.api))


@router.post("/{organization_id}/screens", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def put_screen_up(visit: Visitor, form: Posted, organization_id: uuid.UUID) -> Response:
    """Put a screen up: the page that answers is the only one that ever shows its address."""
    house = await house_of(visit, organization_id)
    try:
        made = await visit.api.post(f"{house.api}/queue-displays", {"name": form.text("name", 80)})
    except Refused as refusal:
        trouble = trouble_of(visit, refusal, WORDS)
        return shown(visit, house, "screens", trouble=trouble, **await _screens(visit, house.api))
    page = await _screens(visit, house.api)
    origin = settings().http.public_url.rstrip("/")
    return shown(visit, house, "screens", **page | {"made": f"{origin}/portal/clinic/display/{made['secret']}"})


@router.post("/{organization_id}/screens/{display_id}/removal", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def take_screen_down(visit: Visitor, form: Posted, organization_id: uuid.UUID, display_id: uuid.UUID) -> Response:
    """Make a screen's address worth nothing."""
    house = await house_of(visit, organization_id)
    if trouble := await asked(visit, form, "DELETE", f"{house.api}/queue-displays/{display_id}"):
        return shown(visit, house, "screens", trouble=trouble, **await _screens(visit, house.api))
    return again(f"{house.address}/screens", "screen_off")
