"""Where a provider hands in what phones answer, and the demo's page that answers for them."""

import uuid
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from fastapi import Form, Query
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined, Template

from app.core.access import public
from app.core.problems import Forbidden, NotFound, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.policies.journeys.replies import service
from app.policies.journeys.replies.rules import Outcome
from notifications import api as notifications
from notifications.api import Signature, SignedForm, TwimlResponse

callback_router = Router(tags=["notifications"], prefix=notifications.CALLBACKS)
router = Router(tags=["demo"], prefix="/demo")

_REASON: Final = "the provider has no account: it signs what it sends"
_SHOWN: Final[Mapping[Outcome, str]] = {
    "answered": "The check-in is answered.",
    "acknowledged": "The alarm is taken.",
    "opted_out": "This number gets no more text messages, unless they are critical.",
    "opted_in": "This number gets text messages again.",
    "ambiguous": "Nothing changed: it is not clear which check-in or alarm is meant.",
    "unreadable": "Nothing changed: this cannot be read as an answer. Try what the message suggests, with its code.",
}


@callback_router.post("/replies", response_class=TwimlResponse, responses=problem_responses(Forbidden))
@public(_REASON)
@route_options(idempotency=False)
async def take_reply(form: SignedForm, session: Session) -> TwimlResponse:
    """Take a text message that somebody sent to our number."""
    return TwimlResponse(notifications.text_reply(await service.take_reply(session, form)))


@callback_router.post(
    "/calls/{delivery_id}/keys", response_class=TwimlResponse, responses=problem_responses(Forbidden, NotFound)
)
@public(_REASON)
@route_options(idempotency=False)
async def press_key(delivery_id: uuid.UUID, signature: Signature, form: SignedForm, session: Session) -> TwimlResponse:
    """Take the key that somebody pressed in a call."""
    notifications.require_link("calls", delivery_id, signature)
    return TwimlResponse(await service.take_key(session, delivery_id, form))


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files("app.policies.journeys.replies") / "page.html").read_text(encoding="utf-8"))


@router.get("/outbox/replies", response_class=HTMLResponse, responses=problem_responses(NotFound))
@public("a page of the demo, which has no real people in it; never mounted in production")
async def write_reply(message_id: Annotated[uuid.UUID, Query()], connection: Reading) -> HTMLResponse:
    """Show the phone a text message or a call went to, ready to answer."""
    phone = await service.phone_of(connection, message_id)
    return HTMLResponse(_page().render(number=phone.number, channel=phone.channel, message_id=message_id, outcome=None))


@router.post("/outbox/replies", response_class=HTMLResponse, responses=problem_responses(NotFound))
@public("the demo's phones, which belong to nobody; never mounted in production")
async def send_reply(
    message_id: Annotated[uuid.UUID, Form()],
    text: Annotated[str, Form(min_length=1, max_length=160)],
    session: Session,
) -> HTMLResponse:
    """Answer from the phone a text message or a call went to, as a provider would hand it in."""
    phone = await service.phone_of(await session.connection(), message_id)
    heard = await service.answer_from_outbox(session, phone, text)
    outcome = _SHOWN.get(heard.outcome, heard.text)
    return HTMLResponse(
        _page().render(number=phone.number, channel=phone.channel, message_id=message_id, outcome=outcome)
    )
