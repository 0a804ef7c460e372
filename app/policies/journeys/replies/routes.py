"""Replies from the outbox page: for demo and development, never mounted in production."""

import uuid
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from fastapi import Form, Query
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined, Template

from app.core.access import public
from app.core.problems import NotFound, problem_responses
from app.core.routing import Reading, Router, Session
from app.policies.journeys.replies import service
from eldercare.api import AnswerContradicts, CheckInNotOpen, Outcome

router = Router(tags=["demo"], prefix="/demo")

_OUTCOMES: Final[Mapping[Outcome, str]] = {
    "answered": "The check-in is answered.",
    "ambiguous": "Nothing changed: it is not clear which check-in is meant.",
    "unreadable": "Nothing changed: this cannot be read as an answer. Try OK or HELP with the code of the message.",
}


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files("app.policies.journeys.replies") / "page.html").read_text(encoding="utf-8"))


@router.get("/outbox/replies", response_class=HTMLResponse, responses=problem_responses(NotFound))
@public("a page of the demo, which has no real people in it; never mounted in production")
async def write_reply(message_id: Annotated[uuid.UUID, Query()], connection: Reading) -> HTMLResponse:
    """Show the phone a text message went to, ready to answer."""
    phone = await service.phone_of(connection, message_id)
    return HTMLResponse(_page().render(number=phone.number, message_id=message_id, outcome=None))


@router.post(
    "/outbox/replies",
    response_class=HTMLResponse,
    responses=problem_responses(NotFound, CheckInNotOpen, AnswerContradicts),
)
@public("the demo's phones, which belong to nobody; never mounted in production")
async def send_reply(
    message_id: Annotated[uuid.UUID, Form()],
    text: Annotated[str, Form(min_length=1, max_length=160)],
    session: Session,
) -> HTMLResponse:
    """Send a text message from the phone another one went to, as a provider would hand it in."""
    phone = await service.phone_of(await session.connection(), message_id)
    outcome = _OUTCOMES[await service.reply(session, message_id, text)]
    return HTMLResponse(_page().render(number=phone.number, message_id=message_id, outcome=outcome))
