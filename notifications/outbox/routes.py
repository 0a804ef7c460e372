"""The outbox page and its JSON twin: for demo and development, never mounted in production."""

from functools import cache
from importlib.resources import files
from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined, Template

from app.core.access import public
from app.core.routing import Reading, Router
from notifications.outbox import views
from notifications.outbox.schemas import OutboxPublic

router = Router(tags=["demo"], prefix="/demo")


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files("notifications.outbox") / "page.html").read_text(encoding="utf-8"))


@router.get("/outbox", response_class=HTMLResponse)
@public("a page of the demo, which has no real people in it; never mounted in production")
async def show_outbox(connection: Reading, about: Annotated[UUID | None, Query()] = None) -> HTMLResponse:
    """Show what would have been sent, by phone and address: all of it, or what is about one thing."""
    newest = await views.newest(connection)
    groups = views.by_recipient(newest if about is None else views.about(newest, about))
    return HTMLResponse(_page().render(groups=groups, limit=views.NEWEST, about=about))


@router.get("/outbox/messages")
@public("the page's data, for tests and scripts; never mounted in production")
async def list_outbox_messages(connection: Reading) -> OutboxPublic:
    """List what would have been sent, the newest first."""
    return OutboxPublic(items=await views.newest(connection))
