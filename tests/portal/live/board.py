"""A page with a live part, for the tests of what all live parts do: a resident's alarms, and a form to act with."""

import uuid
from pathlib import Path
from typing import Final

from jinja2 import ChoiceLoader, FileSystemLoader
from starlette.responses import Response

from app.core.routing import Router, route_options
from app.portal.ground.forms import Posted
from app.portal.ground.pages import again, environment, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

ADDRESS: Final = "/portal/test-live"
WORDS: Final = {"en": {}, "zh-CN": {}}  # type: ignore[var-annotated]
router: Router = pages_router(ADDRESS)


def prepare() -> None:
    """Let the portal find the templates of this page, too."""
    own = FileSystemLoader(Path(__file__).parent / "pages")
    if not isinstance(environment().loader, ChoiceLoader):
        environment().loader = ChoiceLoader([loader for loader in (environment().loader, own) if loader])


async def _shown(visit: Visit, resident_id: uuid.UUID, template: str) -> Response:
    page = await visit.api.get(f"/v1/residents/{resident_id}/alarms")
    return show(visit, template, WORDS, items=page["items"], resident_id=resident_id)


@router.get("/{resident_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def get_board(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show the page."""
    return await _shown(visit, resident_id, "two.html")


@router.get("/{resident_id}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def get_part(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show the live part of the page."""
    return await _shown(visit, resident_id, "part.html")


@router.post("/{resident_id}/act", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def post_act(visit: Visitor, resident_id: uuid.UUID, form: Posted) -> Response:
    """Take the resident's alarm."""
    page = await visit.api.get(f"/v1/residents/{resident_id}/alarms")
    await visit.api.post(f"/v1/alarms/{page['items'][0]['id']}/acknowledgement", key=form.key)
    return again(f"{ADDRESS}/{resident_id}")
