"""Where a provider of messages and calls reports what became of them, and fetches what a call says."""

import uuid
from typing import Final

from app.core.access import public
from app.core.problems import Forbidden, NotFound, problem_responses
from app.core.routing import Router, Session, route_options
from notifications.callbacks import rules, service
from notifications.callbacks.access import Signature, SignedForm, require_link
from notifications.callbacks.schemas import TwimlResponse
from notifications.channels import twilio_links

router = Router(tags=["notifications"], prefix=twilio_links.PREFIX)
_REASON: Final = "the provider has no account: it signs what it sends"


@router.post("/messages/{delivery_id}", status_code=204, responses=problem_responses(Forbidden, NotFound))
@public(_REASON)
@route_options(idempotency=False)
async def report_message(delivery_id: uuid.UUID, signature: Signature, form: SignedForm, session: Session) -> None:
    """Take the status of a text message."""
    require_link("messages", delivery_id, signature)
    await service.report_message(session, delivery_id, form)


@router.post("/calls/{delivery_id}", status_code=204, responses=problem_responses(Forbidden, NotFound))
@public(_REASON)
@route_options(idempotency=False)
async def report_call(delivery_id: uuid.UUID, signature: Signature, form: SignedForm, session: Session) -> None:
    """Take the status of a call."""
    require_link("calls", delivery_id, signature)
    await service.report_call(session, delivery_id, form)


@router.post(
    "/calls/{delivery_id}/speech", response_class=TwimlResponse, responses=problem_responses(Forbidden, NotFound)
)
@public(_REASON)
@route_options(idempotency=False)
async def fetch_speech(
    delivery_id: uuid.UUID, signature: Signature, form: SignedForm, session: Session
) -> TwimlResponse:
    """Return what a call says and which keys it waits for; voicemail is told nothing."""
    require_link("calls", delivery_id, signature)
    if rules.is_machine(form.get("AnsweredBy", "")):
        return TwimlResponse(rules.last_words("", ""))
    return TwimlResponse(await service.speech(await session.connection(), delivery_id))
